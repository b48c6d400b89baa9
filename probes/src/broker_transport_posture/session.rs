//! One whole handshake as a modern client makes it, and what becomes of a session without a client
//! certificate.

use model::document::{Endpoint, Protocol};
use model::evidence::{Asked, ClientCertificate, Item};

use super::full::sessions::{self, Shown};
use super::mode::Mode;
use super::{hello, websocket};
use crate::insecure_tls::{self, HandshakeError, Options, Presented};
use crate::net::{Connection, Dialer};
use crate::tls::inside;
use crate::tls::tap::Tap;
use crate::tls::{ServerFlight, names, suites};
use crate::{mqtt, text};

/// What a modern client meets.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Version, suite and group, or why there is no session.
    pub(super) negotiated: Result<Negotiated, HandshakeError>,
    /// What the server showed on the way there.
    pub(super) presented: Presented,
    /// Whether a client certificate was asked for.
    requested: bool,
    /// What came of the session without one; only where one was asked for.
    after: Option<After>,
    /// What the session showed from inside; full mode only, and only where none was asked for.
    shown: Option<Shown>,
}

/// What was agreed on, by IANA code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Negotiated {
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) group: Option<u16>,
}

/// What a request inside a session without a certificate met.
#[derive(Debug, Clone, PartialEq, Eq)]
enum After {
    /// It was answered, like this.
    Served(String),
    /// It was answered with a status that some servers give where a certificate is missing.
    Unclear(u16),
    /// The session ended, or nothing came.
    Ended(HandshakeError),
}

/// Makes the handshake. Where a certificate is asked for, a request follows: in TLS 1.3 the
/// refusal comes only after the handshake (RFC 8446 section 4.4.2.4). Full mode looks into the
/// session where none is.
pub(super) async fn observe(dialer: &Dialer, endpoint: &Endpoint, mode: Mode) -> Session {
    let connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return Session::without(failure.into(), Presented::default()),
    };
    let name = endpoint.reference_identity();
    let (handshake, secret) = match mode {
        Mode::Full => {
            let (handshake, secret) = inside::connect(connection, name, Options::default()).await;
            (handshake, Some(secret))
        }
        Mode::Decision => {
            let tap = Tap::new(connection);
            (insecure_tls::connect(tap, name, Options::default()).await, None)
        }
    };
    let presented = handshake.presented;
    let requested = presented.client_certificate_requested;
    let mut session = match handshake.outcome {
        Err(error) => return Session::without(error, presented),
        Ok(session) => session,
    };
    let negotiated =
        Negotiated { version: session.version, suite: session.suite, group: session.group };
    let (mut after, mut shown) = (None, None);
    if requested {
        after = Some(request(&mut session, endpoint).await);
    } else if let Some(secret) = secret {
        shown = sessions::look(dialer, hello::sni(endpoint), session, &secret).await;
    }
    Session { negotiated: Ok(negotiated), presented, requested, after, shown }
}

async fn request(
    session: &mut insecure_tls::Session<Tap<Connection>>,
    endpoint: &Endpoint,
) -> After {
    let stream = &mut session.stream;
    let answer = match endpoint.protocol {
        Protocol::Wss => websocket::upgrade(stream, endpoint).await.map(|reply| match reply {
            websocket::Reply::Http { status: status @ (400 | 403 | 495 | 496 | 500..), .. } => {
                After::Unclear(status)
            }
            websocket::Reply::Http { status, .. } => After::Served(format!("status {status}")),
            websocket::Reply::Other(bytes) => After::Served(text::cut(&bytes)),
        }),
        _ => mqtt::connect(stream, &mqtt::client_id()).await.map(|reply| match reply {
            mqtt::Reply::Connack(code) => After::Served(format!("CONNACK {code}")),
            mqtt::Reply::Other(bytes) => After::Served(text::cut(&bytes)),
        }),
    };
    answer.unwrap_or_else(|error| After::Ended(HandshakeError::from(&error)))
}

impl Session {
    fn without(error: HandshakeError, presented: Presented) -> Self {
        let requested = presented.client_certificate_requested;
        Self { negotiated: Err(error), presented, requested, after: None, shown: None }
    }

    /// What the session showed from inside, if it is one of this version.
    pub(super) fn shown(&self, version: u16) -> Option<&Shown> {
        let made = self.negotiated.as_ref().is_ok_and(|session| session.version == version);
        self.shown.as_ref().filter(|_| made)
    }

    /// What a client without a certificate meets. `clear` is the flight of a version up to TLS 1.2:
    /// it shows the request where no handshake can be finished.
    pub(super) fn client_certificate(
        &self,
        clear: Option<&ServerFlight>,
    ) -> Item<ClientCertificate> {
        match (&self.negotiated, self.requested, &self.after) {
            (Ok(_), false, _) => Item::observed(ClientCertificate::NotRequested),
            (Ok(_), true, Some(After::Served(_))) => Item::observed(ClientCertificate::Requested),
            (_, true, Some(After::Ended(error))) | (Err(error), true, _)
                if error.is_about_client_certificate() =>
            {
                Item::observed(ClientCertificate::Required)
            }
            (Ok(_), true, Some(After::Ended(error))) | (Err(error), true, _) => undecided(error),
            (Ok(_), true, Some(After::Unclear(status))) => Item::error(format!(
                "a certificate is asked for; status {status} does not say whether it must come"
            )),
            (Ok(_), true, None) => Item::error("the session without a certificate was not used"),
            (Err(error), false, _) => match clear {
                Some(flight) if flight.certificate_requested => Item::error(
                    "a certificate is asked for; whether it must come would take a handshake with \
                     suites that this probe does not finish",
                ),
                Some(flight) if flight.ended => Item::observed(ClientCertificate::NotRequested),
                _ => undecided(error),
            },
        }
    }

    /// The question and its answer, for the reader.
    pub(super) fn asked(&self) -> Asked {
        let mut answer = match &self.negotiated {
            Ok(Negotiated { version, suite, group }) => format!(
                "{}, {}, {}",
                names::version(*version),
                suites::name(*suite),
                group.map_or_else(|| "no group".to_owned(), names::group),
            ),
            Err(error) => error.to_string(),
        };
        if self.requested {
            answer.push_str(", client certificate requested");
        }
        match &self.after {
            None => {}
            Some(After::Served(reply)) => answer.push_str(&format!(", without it: {reply}")),
            Some(After::Unclear(status)) => {
                answer.push_str(&format!(", without it: status {status}"));
            }
            Some(After::Ended(error)) => answer.push_str(&format!(", without it: {error}")),
        }
        Asked { question: "whole handshake, TLS 1.2 and 1.3".to_owned(), answer }
    }
}

fn undecided<T>(error: &HandshakeError) -> Item<T> {
    match error {
        HandshakeError::Network(failure) => failure.item(),
        HandshakeError::Alert(alert) => {
            Item::refused(format!("the handshake ended with alert {}", names::alert(*alert)))
        }
        other => Item::error(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Failure;

    fn session(
        negotiated: Result<u16, HandshakeError>,
        requested: bool,
        after: Option<After>,
    ) -> Session {
        let negotiated =
            negotiated.map(|version| Negotiated { version, suite: 0x1301, group: Some(0x001d) });
        Session { negotiated, presented: Presented::default(), requested, after, shown: None }
    }

    #[test]
    fn an_alert_after_the_request_means_required_in_both_versions() {
        let later = Some(After::Ended(HandshakeError::Alert(116)));
        for seen in [
            session(Ok(names::TLS13), true, later),
            session(Err(HandshakeError::Alert(40)), true, None),
        ] {
            assert_eq!(seen.client_certificate(None), Item::observed(ClientCertificate::Required));
        }
    }

    #[test]
    fn silence_after_the_request_decides_nothing() {
        for failure in [
            Failure::AnswerTimeout(std::time::Duration::from_secs(5)),
            Failure::Closed,
            Failure::Reset,
        ] {
            let after = Some(After::Ended(HandshakeError::Network(failure)));
            let item = session(Ok(names::TLS13), true, after).client_certificate(None);
            assert_eq!(item.value(), None, "{item:?}");
        }
    }

    #[test]
    fn an_alert_that_is_about_something_else_does_not_mean_required() {
        let item = session(Err(HandshakeError::Alert(50)), true, None).client_certificate(None);
        assert_eq!(item.status(), "refused");
    }

    #[test]
    fn the_clear_flight_decides_where_no_handshake_can_be_finished() {
        let failed = session(Err(HandshakeError::Alert(40)), false, None);
        let mut flight = ServerFlight { ended: true, ..ServerFlight::default() };
        assert_eq!(
            failed.client_certificate(Some(&flight)),
            Item::observed(ClientCertificate::NotRequested)
        );
        flight.certificate_requested = true;
        assert_eq!(failed.client_certificate(Some(&flight)).status(), "error");
        flight = ServerFlight::default();
        assert_eq!(failed.client_certificate(Some(&flight)).status(), "refused");
    }
}
