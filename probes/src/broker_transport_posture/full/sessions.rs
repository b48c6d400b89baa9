//! Two whole sessions, of which one asks to renegotiate and is taken up again: what no hello can show.
//!
//! A session of TLS 1.2 is asked once, and only once, whether its client may begin anew. After it, a
//! second connection shows whether the session goes on there, by its ticket or its id. The tickets of
//! TLS 1.3 are read as they come, and a second connection shows whether one of them is taken. The
//! session that decision mode makes anyway is one of the two. The other is of TLS 1.2 where it can be:
//! its hello is at the same time the first question about suites, so it takes no connection of its
//! own either.

mod renegotiation;

use std::time::Duration;

use model::evidence::{Asked, Item, Resumption};
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::interview::Interview;
use super::super::{Missing, absent, known};
use super::lane::{Lane, Port, is_worth_retrying};
use super::resumption;
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::net::{Connection, Dialer, Failure};
use crate::tls::enumerate::{Ask, Offer, legacy};
use crate::tls::inside::{self, Inside, Second, Secret, Stop};
use crate::tls::names::{self, TLS12, TLS13};
use crate::tls::record::Event;
use crate::tls::tap::Tap;
use crate::tls::tickets::{self, Ticket};
use renegotiation::{Answer, NO_RENEGOTIATION, renegotiate};

/// How long a server may take for its first ticket, or for its leave. It has our Finished and our
/// leave by then, so both take one round trip.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take for more of them. They come together.
const GRACE: Duration = Duration::from_millis(250);

/// What two sessions showed.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Whether a client may renegotiate in TLS 1.2.
    pub(super) renegotiation: Item<bool>,
    /// By what a session of TLS 1.2 is taken up again.
    pub(super) resumption: Item<Resumption>,
    /// Whether a session of TLS 1.3 is taken up again by its ticket.
    pub(super) psk_resumption: Item<bool>,
    /// Tickets of TLS 1.2, of which there is at most one.
    clear: Result<Vec<Ticket>, Missing>,
    /// Tickets of TLS 1.3.
    encrypted: Result<Vec<Ticket>, Missing>,
    /// Every question and its answer.
    pub(super) asked: Vec<Asked>,
}

impl Sessions {
    /// What both sessions showed, put together.
    pub(super) fn of(old: Shown, new: Shown) -> Self {
        Self {
            renegotiation: old.renegotiation,
            resumption: old.resumption,
            psk_resumption: new.psk_resumption,
            clear: old.tickets,
            encrypted: new.tickets,
            asked: old.asked.into_iter().chain(new.asked).collect(),
        }
    }
}

/// The session of TLS 1.2, and everything else about that version beside it.
pub(super) async fn old(
    port: Port<'_>,
    interview: &Interview,
    mut lane: Lane<legacy::Elimination>,
) -> (Lane<legacy::Elimination>, Shown) {
    if let Some(shown) = interview.session.shown(TLS12) {
        return (lane.run(port).await, shown.clone());
    }
    // What is not known yet comes first, so that the answer is news.
    let known = lane.machine.suites_as_found();
    let (mut suites, last): (Vec<u16>, Vec<u16>) =
        of_library().into_iter().partition(|suite| !known.contains(suite));
    suites.extend(last);
    let made = made(port, interview, TLS12, &suites).await;
    match made.and_then(|(session, secret)| taken_over(session, &secret)) {
        Ok(inside) => {
            if let Some(flight) = inside.flight() {
                lane.hear(&offered(suites), flight);
            }
            tokio::join!(lane.run(port), old_session(port.dialer, port.sni, inside))
        }
        Err(shown) => (lane.run(port).await, *shown),
    }
}

/// The session of TLS 1.3.
pub(super) async fn new(port: Port<'_>, interview: &Interview) -> Shown {
    if let Some(shown) = interview.session.shown(TLS13) {
        return shown.clone();
    }
    match made(port, interview, TLS13, &[]).await {
        Ok((session, secret)) => new_session(port.dialer, session, &secret).await,
        Err(shown) => *shown,
    }
}

/// What a session that was made shows; nothing where it cannot be looked into.
pub(in super::super) async fn look(
    dialer: &Dialer,
    sni: Option<&str>,
    session: Session,
    secret: &Secret,
) -> Option<Shown> {
    match session.version {
        TLS12 => {
            let inside = Inside::take_over(session, secret).ok()?;
            Some(old_session(dialer, sni, inside).await)
        }
        _ => Some(new_session(dialer, session, secret).await),
    }
}

/// A session that the library has made.
type Session = insecure_tls::Session<Tap<Connection>>;

fn taken_over(session: Session, secret: &Secret) -> Result<Inside, Box<Shown>> {
    Inside::take_over(session, secret).map_err(|error| {
        let missing = Item::error(error.to_string());
        Box::new(Shown::nothing(missing, None))
    })
}

/// Suites of TLS 1.2 that the library has.
fn of_library() -> Vec<u16> {
    let provider = CryptoProvider::get_default();
    let all = provider.into_iter().flat_map(|provider| &provider.cipher_suites);
    all.filter(|suite| suite.tls13().is_none()).map(|suite| suite.suite().into()).collect()
}

/// What the library offers beside these suites.
fn offered(suites: Vec<u16>) -> Offer {
    let provider = CryptoProvider::get_default();
    let groups = provider.into_iter().flat_map(|provider| &provider.kx_groups);
    let schemes = provider
        .map(|provider| provider.signature_verification_algorithms.supported_schemes())
        .unwrap_or_default();
    Offer {
        ask: Ask::Suites,
        suites,
        groups: groups.map(|group| group.name().into()).collect(),
        signatures: schemes.into_iter().map(u16::from).collect(),
    }
}

impl Sessions {
    /// The longest lifetime of a ticket; none where no session got one. A version in which no
    /// session can be made has no say.
    pub(super) fn ticket_lifetime(&self) -> Item<Option<u32>> {
        let mut longest = None;
        let mut made = false;
        for tickets in [&self.clear, &self.encrypted] {
            match tickets {
                Ok(tickets) => {
                    made = true;
                    longest = longest.max(tickets.iter().map(|ticket| ticket.lifetime).max());
                }
                Err(Item::NotAttempted { .. }) => {}
                Err(missing) => return absent(missing),
            }
        }
        match (made, &self.encrypted, &self.clear) {
            (true, ..) => Item::observed(longest),
            (false, Err(missing), _) | (false, _, Err(missing)) => absent(missing),
            (false, Ok(_), Ok(_)) => Item::observed(None),
        }
    }

    /// Most early data that a ticket of TLS 1.3 allows.
    pub(super) fn early_data_max(&self) -> Item<u32> {
        match &self.encrypted {
            Ok(tickets) => {
                Item::observed(tickets.iter().map(|ticket| ticket.early_data).max().unwrap_or(0))
            }
            Err(missing) => absent(missing),
        }
    }
}

/// What one session showed.
#[derive(Debug, Clone)]
pub(in super::super) struct Shown {
    renegotiation: Item<bool>,
    resumption: Item<Resumption>,
    psk_resumption: Item<bool>,
    /// What the client met in TLS 1.3 when it came again.
    pub(super) second: Option<Second>,
    tickets: Result<Vec<Ticket>, Missing>,
    asked: Vec<Asked>,
}

impl Shown {
    fn nothing(missing: Missing, asked: Option<Asked>) -> Self {
        Self {
            renegotiation: absent(&missing),
            resumption: absent(&missing),
            psk_resumption: absent(&missing),
            second: None,
            tickets: Err(missing),
            asked: asked.into_iter().collect(),
        }
    }
}

/// A session of one version, where it is accepted; what its absence shows, where there is none.
async fn made(
    port: Port<'_>,
    interview: &Interview,
    version: u16,
    suites: &[u16],
) -> Result<(Session, Secret), Box<Shown>> {
    match known(interview.version(version)) {
        Ok(true) if interview.bare => {
            return Err(Box::new(Shown::nothing(super::takes_extensions(), None)));
        }
        Ok(true) => {}
        Ok(false) => {
            let reason = format!("{} is not accepted", names::version(version));
            return Err(Box::new(Shown::nothing(Item::not_attempted(reason), None)));
        }
        Err(missing) => return Err(Box::new(Shown::nothing(missing, None))),
    }
    let mut opened = open(port, version, suites).await;
    if let Err((HandshakeError::Network(failure), _)) = &opened
        && is_worth_retrying(failure)
    {
        opened = open(port, version, suites).await;
    }
    opened.map_err(|(error, certificate_requested)| {
        let question = format!("a whole session of {}", names::version(version));
        let asked = Asked { question, answer: error.to_string() };
        let missing = no_session(&error, version, certificate_requested);
        Box::new(Shown::nothing(missing, Some(asked)))
    })
}

/// A session, or why there is none and whether a certificate was asked for on the way.
async fn open(
    port: Port<'_>,
    version: u16,
    suites: &[u16],
) -> Result<(Session, Secret), (HandshakeError, bool)> {
    let only: &'static SupportedProtocolVersion = match version {
        TLS12 => &rustls::version::TLS12,
        _ => &rustls::version::TLS13,
    };
    let connection = port.dialer.connect().await.map_err(|failure| (failure.into(), false))?;
    let options = Options { versions: vec![only], suites: suites.to_vec(), ..Options::default() };
    let (handshake, secret) = inside::connect(connection, port.name, options).await;
    match handshake.outcome {
        Ok(session) => Ok((session, secret)),
        Err(error) => Err((error, handshake.presented.client_certificate_requested)),
    }
}

fn no_session(error: &HandshakeError, version: u16, certificate_requested: bool) -> Missing {
    let version = names::version(version);
    match error {
        HandshakeError::Alert(_)
            if certificate_requested && error.is_about_client_certificate() =>
        {
            Item::not_attempted(format!(
                "this takes a session of {version}, and there is none without a client certificate"
            ))
        }
        HandshakeError::Alert(alert) => Item::not_attempted(format!(
            "this takes a session of {version}, and none can be made with the suites of this probe: \
             alert {}",
            names::alert(*alert)
        )),
        HandshakeError::Network(failure) => failure.item(),
        other => Item::error(other.to_string()),
    }
}

/// A session of TLS 1.2: its ticket is there already, and the question is put. Then it ends, and
/// another connection names it: there are servers that hear one at a time.
async fn old_session(dialer: &Dialer, sni: Option<&str>, mut inside: Inside) -> Shown {
    let ticket = inside.ticket().map(tickets::of_tls12);
    let tickets = match ticket {
        None => Ok(Vec::new()),
        Some(Some(ticket)) => Ok(ticket.into_iter().collect()),
        Some(None) => Err(Item::error("the ticket that came cannot be read")),
    };
    let named = resumption::Named::of(&inside);
    let renegotiation = renegotiate(sni, &mut inside).await;
    inside.close().await;
    drop(inside);
    // Who says goodbye, or that it does not renegotiate, has nothing against the session.
    let sound = matches!(&renegotiation, Ok(Answer::Declined(0 | NO_RENEGOTIATION)));
    let (resumption, resumed) = resumption::ask(dialer, sni, named, sound).await;
    let answer = match &renegotiation {
        Ok(answer) => answer.words(),
        Err(stop) => stop.to_string(),
    };
    let answer = match &tickets {
        Ok(tickets) => format!("{}; renegotiation: {answer}", tickets::words(tickets)),
        Err(_) => format!("a ticket that cannot be read; renegotiation: {answer}"),
    };
    Shown {
        renegotiation: renegotiation.map_or_else(|stop| why(&stop), |answer| answer.item()),
        resumption,
        psk_resumption: Item::not_attempted("a session of TLS 1.3 was not made"),
        second: None,
        tickets,
        asked: std::iter::once(Asked {
            question: "a whole session of TLSv1.2, and a second hello in it".to_owned(),
            answer,
        })
        .chain(resumed)
        .collect(),
    }
}

/// A session of TLS 1.3: we say that we have said all, and let the library hear what comes until the
/// server does, so that it keeps the tickets. Then we look at the same bytes. Silence without a ticket
/// decides nothing: there are servers that never leave.
async fn new_session(dialer: &Dialer, mut session: Session, secret: &Secret) -> Shown {
    let ended = hear_out(&mut session).await;
    let heard = tickets_of(session, secret);
    let kept = heard.as_ref().map_or(0, Vec::len);
    let (heard, ended) = match (heard, ended) {
        (Ok(heard), ended) => (heard, ended),
        (Err(missing), ended) => (Vec::new(), ended.and(Err(missing))),
    };
    let missing: Option<Missing> = ended.err();
    let answer = match &missing {
        Some(missing) if heard.is_empty() => missing.reason().unwrap_or_default().to_owned(),
        _ => tickets::words(&heard),
    };
    let question = "a whole session of TLSv1.3, and its tickets".to_owned();
    let mut asked = vec![Asked { question, answer }];
    // What was heard counts, also where the server says nothing after it and does not leave.
    let tickets = match missing {
        Some(missing) if heard.is_empty() => Err(missing),
        _ => Ok(heard),
    };
    let mut second = None;
    let psk_resumption = match &tickets {
        Err(missing) => absent(missing),
        Ok(heard) if heard.is_empty() => Item::observed(false),
        Ok(_) => {
            let (met, resumed) = resumption::ask_by_ticket(dialer, secret.again(), kept).await;
            asked.extend(resumed);
            second = met.as_ref().ok().copied();
            met.map_or_else(|missing| absent(&missing), |met| Item::observed(met.resumed))
        }
    };
    let none = "TLS 1.3 has none";
    Shown {
        renegotiation: Item::not_attempted(none),
        resumption: Item::not_attempted("a session of TLS 1.2 was not made"),
        psk_resumption,
        second,
        tickets,
        asked,
    }
}

/// Says goodbye and reads until the server does, or has nothing more to say.
async fn hear_out(session: &mut Session) -> Result<(), Missing> {
    let stream = &mut session.stream;
    stream.get_mut().1.send_close_notify();
    // A server that has left has said before what there is to be heard.
    stream.flush().await.ok();
    let mut buffer = [0; 4096];
    let (mut tickets, mut waited) = (0, Duration::ZERO);
    loop {
        match tokio::time::timeout(GRACE, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                return match HandshakeError::from(&error) {
                    HandshakeError::Network(failure) if failure.is_end() => Ok(()),
                    HandshakeError::Network(failure) => Err(failure.item()),
                    error @ HandshakeError::Alert(_) if error.is_about_client_certificate() => {
                        Err(no_session(&error, TLS13, true))
                    }
                    HandshakeError::Alert(_) => Ok(()),
                    other => Err(Item::error(other.to_string())),
                };
            }
            Err(_) => {
                let so_far = stream.get_ref().1.tls13_tickets_received();
                waited += GRACE;
                if so_far > 0 && so_far == tickets {
                    return Ok(());
                }
                if waited >= PATIENCE {
                    return Err(Failure::AnswerTimeout(PATIENCE).item());
                }
                tickets = so_far;
            }
        }
    }
}

/// The tickets of TLS 1.3 among what a session was sent, at most [`tickets::MAX`].
fn tickets_of(session: Session, secret: &Secret) -> Result<Vec<Ticket>, Missing> {
    let inside =
        Inside::take_over(session, secret).map_err(|error| Item::error(error.to_string()))?;
    let events = inside.heard().map_err(|stop| why(&stop))?;
    let bodies = events.into_iter().filter_map(|event| match event {
        Event::Message { kind: NEW_SESSION_TICKET, body } => Some(body),
        _ => None,
    });
    let unread = || Item::error("a ticket that came cannot be read");
    bodies.take(tickets::MAX).map(|body| tickets::of_tls13(&body).ok_or_else(unread)).collect()
}

/// Type of a NewSessionTicket (RFC 8446 section 4).
const NEW_SESSION_TICKET: u8 = 4;

/// Why a fact is missing.
pub(super) fn why<T>(stop: &Stop) -> Item<T> {
    match stop {
        Stop::Network(failure) => failure.item(),
        other => Item::error(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
