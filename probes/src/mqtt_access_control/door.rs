//! The broker's door: every connection of this check is opened here, one after the other and with
//! a pause between two.

use std::sync::Arc;
use std::time::Duration;

use model::document::{Endpoint, Protocol};
use model::evidence::{AnnouncedLimits, Asked, Item, MqttAccess};
use rustls::sign::CertifiedKey;
use tokio::time::timeout;

use super::line::{Line, Wire};
use super::pace;
use super::session::{End, Session};
use crate::broker_transport_posture::websocket;
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::mqtt::codes::{self, Meaning, Version};
use crate::mqtt::incoming::Packet;
use crate::mqtt::outgoing::Connect;
use crate::net::{Connection, Dialer, Failure};
use crate::verified_tls::{OwnCertificate, Refusal, Verifier};

/// What is said of a code that came in a DISCONNECT, and not in the CONNACK.
pub(super) const BEHIND: &str = ", by a DISCONNECT behind CONNACK 0";

/// What a CONNECT met.
pub(super) enum Answer {
    /// A CONNACK.
    Connack {
        /// Its code.
        code: u8,
        /// Whether it says that the session was there before.
        present: bool,
        /// Code of the DISCONNECT that came right behind it, where one did.
        left: Option<u8>,
        /// What it announces.
        limits: Option<AnnouncedLimits>,
        /// The session; of use where the code is 0.
        session: Session,
    },
    /// An HTTP answer that opened no WebSocket.
    Declined(u16),
    /// The way to the broker, or the broker, ended it.
    Ended(End),
    /// It was not asked.
    Unasked(String),
}

/// What a CONNECT met, and whether a client certificate was asked for on the way.
pub(super) struct Knock {
    /// What it met.
    pub answer: Answer,
    /// Whether the handshake came far enough to tell, and the server wanted a certificate.
    pub certificate_requested: bool,
}

impl Knock {
    const fn unasked(reason: String) -> Self {
        Self { answer: Answer::Unasked(reason), certificate_requested: false }
    }

    /// Whether the client was let in; observed only where the answer decides it.
    pub fn access(&self) -> Item<MqttAccess> {
        if let Some(code) = self.code() {
            return match codes::meaning(code) {
                Meaning::Accepted => Item::observed(MqttAccess::Accepted),
                Meaning::Denied => Item::observed(MqttAccess::Denied),
                _ => self.reason().and_then(Item::refused),
            };
        }
        match &self.answer {
            Answer::Declined(401 | 403) => Item::observed(MqttAccess::Denied),
            _ if self.is_certificate_wanted() || self.is_turned_away() => {
                Item::observed(MqttAccess::Denied)
            }
            _ => self.missing(),
        }
    }

    /// True where the broker closed the WebSocket in place of a CONNACK, and said that the client may
    /// not come in.
    pub fn is_turned_away(&self) -> bool {
        matches!(&self.answer, Answer::Ended(End::WebSocket(closing)) if closing.is_denial())
    }

    /// The code that decided it with its name, or why there is none: that of the CONNACK, or of a
    /// DISCONNECT that took it back.
    pub fn reason(&self) -> Item<String> {
        match (&self.answer, self.taken_back()) {
            (_, Some(code)) => Item::observed(format!("{}{BEHIND}", codes::answer(code))),
            (Answer::Connack { code, .. }, None) => Item::observed(codes::connack(*code)),
            _ => self.missing(),
        }
    }

    /// The code that decided it, where one came.
    pub const fn code(&self) -> Option<u8> {
        match (&self.answer, self.taken_back()) {
            (_, Some(code)) => Some(code),
            (Answer::Connack { code, .. }, None) => Some(*code),
            _ => None,
        }
    }

    /// Code of a DISCONNECT right behind CONNACK 0, where it says what a CONNACK could have said (MQTT 5
    /// section 3.14.2.1). Whoever is thrown out for another reason was let in.
    const fn taken_back(&self) -> Option<u8> {
        match self.answer {
            Answer::Connack { code: 0, left: Some(code), .. } => match codes::meaning(code) {
                Meaning::Denied | Meaning::LeaveAlone => Some(code),
                _ => None,
            },
            _ => None,
        }
    }

    /// True where the client was let in to a session that was there before.
    pub const fn is_resumed(&self) -> bool {
        self.taken_back().is_none()
            && matches!(self.answer, Answer::Connack { code: 0, present: true, .. })
    }

    /// True where the session ended for want of a client certificate.
    pub fn is_certificate_wanted(&self) -> bool {
        self.certificate_requested
            && matches!(&self.answer, Answer::Ended(End::Stream(error))
                if error.is_about_client_certificate())
    }

    /// True where the broker does not speak this version: it says so, or closes without a word.
    pub fn is_not_spoken(&self) -> bool {
        match &self.answer {
            Answer::Connack { code, .. } => codes::meaning(*code) == Meaning::Unsupported,
            Answer::Ended(end) => end.is_end() && !self.is_turned_away(),
            _ => false,
        }
    }

    /// True where MQTT came back.
    pub const fn is_answered(&self) -> bool {
        matches!(self.answer, Answer::Connack { .. })
    }

    /// The session and its limits, where the client was let in.
    pub fn into_session(self) -> Option<(Session, Option<AnnouncedLimits>)> {
        if self.taken_back().is_some() {
            return None;
        }
        match self.answer {
            Answer::Connack { code: 0, limits, session, .. } => Some((session, limits)),
            _ => None,
        }
    }

    /// Ends the session, where there is one.
    pub async fn leave(self) {
        if let Some((session, _)) = self.into_session() {
            session.end().await;
        }
    }

    fn missing<T>(&self) -> Item<T> {
        match &self.answer {
            Answer::Connack { code, .. } => Item::refused(codes::connack(*code)),
            Answer::Declined(status) => {
                Item::error(format!("the WebSocket was not opened: status {status}"))
            }
            Answer::Ended(end) => end.item(),
            Answer::Unasked(reason) => Item::not_attempted(reason),
        }
    }
}

/// What a known client shows on the way in.
pub(super) struct Way<'v> {
    /// Whom the broker must prove to be.
    pub verifier: &'v Verifier,
    /// The client's certificate.
    pub certificate: Option<Arc<CertifiedKey>>,
}

/// The door of one endpoint.
pub(super) struct Door<'e> {
    endpoint: &'e Endpoint,
    dialer: Dialer,
    interval: Duration,
    /// Time for a CONNACK.
    patience: Duration,
    closed: Option<String>,
    halted: bool,
    /// Questions and answers so far.
    pub asked: Vec<Asked>,
}

impl<'e> Door<'e> {
    /// A door that nobody has knocked at.
    pub const fn new(
        endpoint: &'e Endpoint,
        dialer: Dialer,
        interval: Duration,
        patience: Duration,
    ) -> Self {
        let asked = Vec::new();
        Self { endpoint, dialer, interval, patience, closed: None, halted: false, asked }
    }

    /// Connections that were opened.
    pub fn opened(&self) -> u32 {
        self.dialer.opened()
    }

    /// Connections that may still be opened.
    pub fn left(&self) -> u32 {
        self.dialer.left()
    }

    /// Whether the broker asked to be left alone.
    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Lets nobody through any more, for this reason.
    pub fn close(&mut self, reason: &str) {
        self.closed.get_or_insert_with(|| reason.to_owned());
    }

    /// Connects as a stranger: without a certificate, and over TLS with whoever answers.
    pub async fn knock(&mut self, question: &str, connect: &Connect<'_>) -> Knock {
        self.ask(question, connect, None).await
    }

    /// Connects as somebody known: only over TLS, and only to a broker that proves who it is.
    pub async fn enter(&mut self, question: &str, connect: &Connect<'_>, way: &Way<'_>) -> Knock {
        if !self.endpoint.protocol.is_tls() {
            return Knock::unasked("a credential is never sent over plaintext".to_owned());
        }
        self.ask(question, connect, Some(way)).await
    }

    /// Opens a WebSocket as a page of another site would have it opened, and says nothing over it.
    /// The status that came, and whether MQTT was chosen.
    pub async fn upgrade_from(&mut self, origin: &str) -> Item<(u16, bool)> {
        if let Some(reason) = &self.closed {
            return Item::not_attempted(reason.clone());
        }
        pace::turn(&self.endpoint.host, self.interval).await;
        let reply = async {
            let mut stream = self.stream(None, &mut false).await?;
            let reply = websocket::upgrade_from(&mut stream, self.endpoint, Some(origin)).await;
            reply.map_err(|error| HandshakeError::from(&error))
        };
        let late = |_| Err(Failure::AnswerTimeout(self.patience).into());
        let answer = match timeout(self.patience, reply).await.unwrap_or_else(late) {
            Ok(websocket::Reply::Http { status, mqtt }) => Item::observed((status, mqtt)),
            Ok(websocket::Reply::Other(_)) => {
                Item::error("the answer to the WebSocket upgrade is no HTTP")
            }
            Err(error) => End::from(error).item(),
        };
        let said = match answer.value() {
            Some((status, _)) => format!("status {status}"),
            None => answer.reason().unwrap_or_default().to_owned(),
        };
        let question = format!("WebSocket from the origin {origin}");
        self.asked.push(Asked { question, answer: said });
        answer
    }

    async fn ask(&mut self, question: &str, connect: &Connect<'_>, way: Option<&Way<'_>>) -> Knock {
        if let Some(reason) = &self.closed {
            return Knock::unasked(reason.clone());
        }
        pace::turn(&self.endpoint.host, self.interval).await;
        let mut certificate_requested = false;
        let answer = self.answer(connect, way, &mut certificate_requested).await;
        let knock = Knock { answer, certificate_requested };
        self.remember(question, connect.version, &knock);
        knock
    }

    fn remember(&mut self, question: &str, version: Version, knock: &Knock) {
        let reason = knock.reason();
        let answer = match reason.value() {
            Some(code) => match code.strip_suffix(BEHIND) {
                Some(code) => format!("CONNACK 0 accepted, and DISCONNECT {code}"),
                None => format!("CONNACK {code}"),
            },
            None => reason.reason().unwrap_or_default().to_owned(),
        };
        let question = format!("CONNECT of MQTT {}: {question}", version.as_str());
        self.asked.push(Asked { question, answer });
        if let (Some(Meaning::LeaveAlone), Some(said)) =
            (knock.code().map(codes::meaning), reason.value())
        {
            self.halted = true;
            self.close(&format!("the broker answered {said}, so nothing more was asked"));
        }
        // Nobody is there; asking five more times would only cost time.
        if let Answer::Ended(End::Stream(HandshakeError::Network(
            failure @ (Failure::Refused
            | Failure::Unresolved(_)
            | Failure::ConnectTimeout(_)
            | Failure::Deadline(_)),
        ))) = &knock.answer
        {
            self.close(&format!("the broker was not reached: {failure}"));
        }
    }

    async fn answer(
        &self,
        connect: &Connect<'_>,
        way: Option<&Way<'_>>,
        certificate_requested: &mut bool,
    ) -> Answer {
        let connack = async {
            let stream = match self.stream(way, certificate_requested).await {
                Ok(stream) => stream,
                Err(error) => return Answer::Ended(error.into()),
            };
            let line = match self.line(stream).await {
                Ok(Ok(line)) => line,
                Ok(Err(status)) => return Answer::Declined(status),
                Err(error) => return Answer::Ended(error.into()),
            };
            let mut session = Session::new(line, connect.version);
            // A peer that refuses early may have closed already; what it said can still be read.
            session.send(&connect.packet()).await.ok();
            match session.next().await {
                Ok(Packet::Connack { code, present, limits }) => {
                    Answer::Connack { code, present, left: None, limits, session }
                }
                Ok(_) => Answer::Ended(End::Stream(HandshakeError::Protocol(
                    "the answer to CONNECT is another packet".to_owned(),
                ))),
                Err(end) => Answer::Ended(end),
            }
        };
        let late = |_| Answer::Ended(End::Stream(Failure::AnswerTimeout(self.patience).into()));
        let mut answer = timeout(self.patience, connack).await.unwrap_or_else(late);
        // MQTT 3.1.1 has no DISCONNECT of a broker.
        if let (Version::V5, Answer::Connack { code: 0, left, session, .. }) =
            (connect.version, &mut answer)
        {
            *left = session.is_thrown_out().await;
        }
        answer
    }

    async fn stream(
        &self,
        way: Option<&Way<'_>>,
        certificate_requested: &mut bool,
    ) -> Result<Box<dyn Wire>, HandshakeError> {
        let connection = self.dialer.connect().await?;
        match way {
            None if !self.endpoint.protocol.is_tls() => Ok(Box::new(connection)),
            None => {
                let name = self.endpoint.reference_identity();
                let shaken = insecure_tls::connect(connection, name, Options::default()).await;
                *certificate_requested = shaken.presented.client_certificate_requested;
                Ok(Box::new(shaken.outcome?.stream))
            }
            Some(way) => self.verified(connection, way, certificate_requested).await,
        }
    }

    async fn verified(
        &self,
        connection: Connection,
        way: &Way<'_>,
        certificate_requested: &mut bool,
    ) -> Result<Box<dyn Wire>, HandshakeError> {
        // Without a word of the protocol inside, as clients of MQTT connect.
        let attempt = way.verifier.offer(connection, way.certificate.clone(), &[]).await;
        *certificate_requested = attempt.certificate != OwnCertificate::NotRequested;
        match attempt.outcome {
            Ok(stream) => Ok(Box::new(stream)),
            Err(Refusal::Handshake(error)) => Err(error),
            Err(Refusal::Untrusted(_)) => Err(HandshakeError::Protocol(
                "the broker did not prove who it is, so the credential was not sent".to_owned(),
            )),
        }
    }

    /// The way for MQTT over a stream, or the status of an HTTP answer that opened none.
    async fn line(&self, mut stream: Box<dyn Wire>) -> Result<Result<Line, u16>, HandshakeError> {
        if !matches!(self.endpoint.protocol, Protocol::Ws | Protocol::Wss) {
            return Ok(Ok(Line::new(stream, false)));
        }
        let reply = websocket::upgrade(&mut stream, self.endpoint).await;
        match reply.map_err(|error| HandshakeError::from(&error))? {
            websocket::Reply::Http { status: 101, mqtt: true } => Ok(Ok(Line::new(stream, true))),
            websocket::Reply::Http { status, .. } => Ok(Err(status)),
            websocket::Reply::Other(_) => Err(HandshakeError::Protocol(
                "the answer to the WebSocket upgrade is no HTTP".to_owned(),
            )),
        }
    }
}
