//! What is said inside a session: messages that a library keeps to itself, or would never send.
//!
//! The library makes the handshake over a [`Tap`]. Then the connection, its bytes so far and its
//! keys come into our hands, and we go on alone.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::{ClientConnection, KeyLog, SupportedCipherSuite};
use tokio::io::AsyncWriteExt as _;

use super::ServerFlight;
use super::keys::Keys;
use super::names::TLS12;
use super::record::{self, Event, Malformed, Reassembler};
use super::server_flight::{FlightReader, Progress};
use super::tap::Tap;
use crate::insecure_tls::{Client, Handshake, HandshakeError, Options, Presented, Session};
use crate::net::{Connection, Failure};

/// Type of a ServerHelloDone, which ends what the server says before the client's keys.
const HELLO_DONE: u8 = 14;

/// Record type of a ChangeCipherSpec.
const CHANGE_CIPHER: u8 = 20;
/// Record type of an alert.
const ALERT: u8 = 21;
/// Record type of a handshake message.
const HANDSHAKE: u8 = 22;
/// Record type of application data, which in TLS 1.3 is that of everything encrypted.
const APPLICATION: u8 = 23;

/// The alert that nothing more will be said (RFC 8446 section 6.1): a warning, close_notify.
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

/// Label of the main secret of TLS 1.2 in the key logs of NSS, which the library speaks.
const MAIN_SECRET: &str = "CLIENT_RANDOM";

/// Why nothing more is heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The connection ended or ran out of time.
    #[error(transparent)]
    Network(#[from] Failure),
    /// What came is no TLS.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A record did not open with the session's keys.
    #[error("a record could not be opened with the keys of the session")]
    Sealed,
}

/// What it takes to take a session over: its main secret, and the client that made it.
#[derive(Debug)]
pub struct Secret {
    main: Arc<MainSecret>,
    again: Option<Again>,
}

/// A client that has made a session, and may come again with what it was given there.
#[derive(Debug, Clone)]
pub struct Again {
    client: Client,
    server_name: String,
}

impl Secret {
    /// The client of the session; none if there was no session to make.
    pub fn again(&self) -> Option<Again> {
        self.again.clone()
    }
}

impl Again {
    /// Makes a handshake that names the session from before. Nothing more is sent than that.
    pub async fn come(&self, connection: Connection) -> Result<Second, HandshakeError> {
        let handshake = self.client.connect(connection, &self.server_name).await;
        let Session { resumed, suite, group, .. } = handshake.outcome?;
        Ok(Second { resumed, suite, group })
    }
}

/// What a client met that came again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Second {
    /// The session goes on.
    pub resumed: bool,
    /// Negotiated cipher suite, by IANA code point.
    pub suite: u16,
    /// Negotiated key exchange group, by IANA code point; none without a key exchange.
    pub group: Option<u16>,
}

/// Makes a handshake that asks for a ticket, and whose session may be taken over after it.
pub async fn connect(
    connection: Connection,
    server_name: &str,
    options: Options,
) -> (Handshake<Tap<Connection>>, Secret) {
    let secret = Arc::new(MainSecret::default());
    let told = Arc::clone(&secret) as Arc<dyn KeyLog>;
    let options = Options { ticket: true, secrets: Some(told), ..options };
    let client = match Client::new(&options) {
        Ok(client) => client,
        Err(error) => {
            let handshake = Handshake { presented: Presented::default(), outcome: Err(error) };
            return (handshake, Secret { main: secret, again: None });
        }
    };
    let handshake = client.connect(Tap::new(connection), server_name).await;
    let again = Some(Again { client, server_name: server_name.to_owned() });
    (handshake, Secret { main: secret, again })
}

/// A session, past its handshake, that is read and written record by record.
#[derive(Debug)]
pub struct Inside {
    connection: Connection,
    keys: Keys,
    suite: u16,
    version: u16,
    /// Bytes that came and were not looked at yet.
    pending: Vec<u8>,
    /// How many of them came before the handshake was over: in TLS 1.3 they may be of its keys.
    early: usize,
    messages: Reassembler,
    clear: Clear,
}

/// What TLS 1.2 shows in clear on the way into a session; nothing of TLS 1.3.
#[derive(Debug, Default)]
struct Clear {
    flight: Option<ServerFlight>,
    /// The body of a NewSessionTicket.
    ticket: Option<Vec<u8>>,
    verified: Option<[u8; 12]>,
}

impl Inside {
    /// Takes a session over from the library.
    pub fn take_over(
        session: Session<Tap<Connection>>,
        secret: &Secret,
    ) -> Result<Self, HandshakeError> {
        let version = session.version;
        let (tap, library) = session.stream.into_inner();
        Self::with(tap, library, version, secret)
            .ok_or_else(|| HandshakeError::Protocol("the session has no keys to give".to_owned()))
    }

    fn with(
        tap: Tap<Connection>,
        library: ClientConnection,
        version: u16,
        secret: &Secret,
    ) -> Option<Self> {
        let suite = library.negotiated_cipher_suite()?;
        let keys = Keys::new(suite, library.dangerous_extract_secrets().ok()?)?;
        let (connection, sent, received) = tap.into_parts();
        let (clear, pending, early) = match suite {
            SupportedCipherSuite::Tls12(_) => {
                let clear = Clear::read(suite, &sent, &received, &secret.main.taken());
                (clear, after_change(&received).to_vec(), 0)
            }
            SupportedCipherSuite::Tls13(_) => {
                let early = received.len();
                (Clear::default(), received, early)
            }
        };
        let (suite, messages) = (u16::from(suite.suite()), Reassembler::default());
        Some(Self { connection, keys, suite, version, pending, early, messages, clear })
    }

    /// The negotiated version.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// The negotiated suite.
    pub const fn suite(&self) -> u16 {
        self.suite
    }

    /// The server's first flight; none for TLS 1.3.
    pub const fn flight(&self) -> Option<&ServerFlight> {
        self.clear.flight.as_ref()
    }

    /// The ticket that came before the session, as a body of NewSessionTicket (RFC 5077 section
    /// 3.3); none for TLS 1.3, whose tickets come inside.
    pub fn ticket(&self) -> Option<&[u8]> {
        self.clear.ticket.as_deref()
    }

    /// What the client's Finished said (RFC 5246 section 7.4.9); none for TLS 1.3.
    pub const fn verified(&self) -> Option<[u8; 12]> {
        self.clear.verified
    }

    /// The handshake messages and alerts among what the library has read; application data is passed
    /// over.
    ///
    /// # Errors
    ///
    /// If a record is no TLS, or does not open.
    pub fn heard(mut self) -> Result<Vec<Event>, Stop> {
        while self.open_next()? {}
        Ok(std::iter::from_fn(|| self.messages.next_event()).collect())
    }

    /// Says that nothing more will be said, and keeps reading (RFC 8446 section 6.1).
    pub async fn close(&mut self) {
        let record = self.keys.seal(ALERT, &CLOSE_NOTIFY);
        self.send(record).await;
    }

    /// Sends a handshake message.
    pub async fn say(&mut self, message: &[u8]) {
        let record = self.keys.seal(HANDSHAKE, message);
        self.send(record).await;
    }

    /// A server that has left has said before what there is to be heard, so a failed write is no
    /// reason not to read.
    async fn send(&mut self, record: Option<Vec<u8>>) {
        self.connection.write_all(&record.unwrap_or_default()).await.ok();
    }

    /// The next handshake message or alert. Application data is passed over.
    pub async fn next_event(&mut self) -> Result<Event, Stop> {
        loop {
            if let Some(event) = self.messages.next_event() {
                return Ok(event);
            }
            if !self.open_next()? {
                let bytes = self.connection.receive(16 * 1024).await?;
                self.pending.extend(bytes);
            }
        }
    }

    /// Opens the next record; false where none is there whole.
    fn open_next(&mut self) -> Result<bool, Stop> {
        let Some((kind, body, rest)) = record::first(&self.pending)? else { return Ok(false) };
        let (body, used) = (body.to_vec(), self.pending.len() - rest.len());
        self.pending.drain(..used);
        let early = self.early > 0 && !self.keys.has_opened();
        self.early = self.early.saturating_sub(used);
        if self.version > TLS12 && kind != APPLICATION {
            // In clear: the rest of the handshake's beginning, or an alert from before the keys.
            if kind == ALERT {
                self.hear(kind, &body)?;
            }
            return Ok(true);
        }
        match self.keys.open(kind, body) {
            Some((kind, content)) => self.hear(kind, &content)?,
            // Of the handshake, which had other keys.
            None if early => {}
            None => return Err(Stop::Sealed),
        }
        Ok(true)
    }

    fn hear(&mut self, kind: u8, content: &[u8]) -> Result<(), Malformed> {
        if kind != ALERT && kind != HANDSHAKE {
            return Ok(());
        }
        let length = u16::try_from(content.len()).map_err(|_| Malformed::Message(kind))?;
        let [high, low] = length.to_be_bytes();
        self.messages.push(&[&[kind, 3, 3, high, low], content].concat())
    }
}

impl Clear {
    fn read(suite: SupportedCipherSuite, sent: &[u8], received: &[u8], secret: &[u8]) -> Self {
        let (ours, theirs) = (messages(sent), messages(received));
        let mut clear = Self::default();
        let mut reader = FlightReader::default();
        for (kind, body) in &theirs {
            let event = Event::Message { kind: *kind, body: body.clone() };
            match (clear.flight.is_some(), kind) {
                (false, _) => {
                    if let Ok(Progress::Done(flight)) = reader.take(event) {
                        clear.flight = Some(flight);
                    }
                }
                (true, 4) => clear.ticket = Some(body.clone()),
                (true, _) => {}
            }
        }
        clear.verified = verified(suite, &ours, &theirs, secret);
        clear
    }
}

/// What the client's Finished said: over every message before it, in their order
/// (RFC 5246 section 7.4.9).
fn verified(
    suite: SupportedCipherSuite,
    ours: &[(u8, Vec<u8>)],
    theirs: &[(u8, Vec<u8>)],
    secret: &[u8],
) -> Option<[u8; 12]> {
    let SupportedCipherSuite::Tls12(suite) = suite else { return None };
    let (hello, keys) = ours.split_first()?;
    let done = theirs.iter().position(|(kind, _)| *kind == HELLO_DONE)?;
    let all = std::iter::once(hello).chain(&theirs[..=done]).chain(keys);
    let transcript: Vec<u8> = all
        .flat_map(|(kind, body)| {
            let [_, length @ ..] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
            [&[*kind], &length[..], body].concat()
        })
        .collect();
    let digest = suite.common.hash_provider.hash(&transcript);
    (!secret.is_empty()).then(|| {
        let mut verified = [0; 12];
        suite.prf_provider.for_secret(&mut verified, secret, b"client finished", digest.as_ref());
        verified
    })
}

/// The handshake messages that came in clear.
fn messages(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut reassembler = Reassembler::default();
    // The library has read the same: what it let pass and this does not is no message.
    reassembler.push(bytes).ok();
    std::iter::from_fn(|| reassembler.next_event())
        .filter_map(|event| match event {
            Event::Message { kind, body } => Some((kind, body)),
            Event::Alert { .. } => None,
        })
        .collect()
}

/// What follows the change of keys.
fn after_change(mut bytes: &[u8]) -> &[u8] {
    while let Ok(Some((kind, _, rest))) = record::first(bytes) {
        bytes = rest;
        if kind == CHANGE_CIPHER {
            return bytes;
        }
    }
    &[]
}

/// Remembers the main secret of a session of TLS 1.2; it leaves this module in no form.
#[derive(Default)]
struct MainSecret(Mutex<Vec<u8>>);

impl MainSecret {
    fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for MainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MainSecret")
    }
}

impl KeyLog for MainSecret {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if label == MAIN_SECRET {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = secret.to_vec();
        }
    }

    fn will_log(&self, label: &str) -> bool {
        label == MAIN_SECRET
    }
}
