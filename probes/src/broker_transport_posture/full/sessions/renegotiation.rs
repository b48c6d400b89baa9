//! Whether a client may begin anew inside a session of TLS 1.2.

use model::evidence::Item;

use crate::tls::client_hello::Extras;
use crate::tls::inside::{Inside, Stop};
use crate::tls::names::{self, TLS12};
use crate::tls::record::{Event, Malformed};
use crate::tls::{ClientHello, ServerFlight};

/// Types of handshake messages that may come before the answer to a hello: HelloRequest, which asks
/// for one; NewSessionTicket; and Finished, which ends the first handshake.
const BEFORE_AN_ANSWER: [u8; 3] = [0, 4, 20];

/// Alerts that speak of a record or message which could not be read, and so of nothing else:
/// bad_record_mac, decryption_failed, record_overflow, decode_error, decrypt_error.
const NOT_UNDERSTOOD: [u8; 5] = [20, 21, 22, 50, 51];

/// The alert of a server that declines and goes on (RFC 5246 section 7.2.2).
pub(super) const NO_RENEGOTIATION: u8 = 100;

/// What came of the attempt to renegotiate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A ServerHello.
    Accepted,
    /// An alert that declines.
    Declined(u8),
    /// The end of the connection.
    Ended,
    /// An alert that speaks of something else.
    Unclear(u8),
}

impl Answer {
    pub(super) fn item(&self) -> Item<bool> {
        match self {
            Self::Accepted => Item::observed(true),
            Self::Declined(_) | Self::Ended => Item::observed(false),
            Self::Unclear(alert) => Item::error(format!(
                "the second hello was not understood: alert {}",
                names::alert(*alert)
            )),
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Accepted => "ServerHello".to_owned(),
            Self::Declined(alert) | Self::Unclear(alert) => {
                format!("alert {}", names::alert(*alert))
            }
            Self::Ended => "the connection was closed".to_owned(),
        }
    }
}

/// Puts a second hello into a session of TLS 1.2, bound to it where the server binds
/// (RFC 5746 sections 3.5 and 4.2), and waits for the answer.
pub(super) async fn renegotiate(sni: Option<&str>, inside: &mut Inside) -> Result<Answer, Stop> {
    let binds = inside.flight().is_some_and(ServerFlight::secure_renegotiation);
    let extras = Extras { verified: inside.verified().filter(|_| binds), ..Extras::default() };
    let hello = ClientHello::up_to(TLS12, vec![inside.suite()], sni).with(extras);
    inside.say(&hello.message(rand::random())).await;
    loop {
        match inside.next_event().await {
            Ok(Event::Message { kind: 2, .. }) => return Ok(Answer::Accepted),
            Ok(Event::Message { kind, .. }) if BEFORE_AN_ANSWER.contains(&kind) => {}
            Ok(Event::Message { kind, .. }) => {
                return Err(Malformed::Message(kind).into());
            }
            Ok(Event::Alert { description, .. }) if NOT_UNDERSTOOD.contains(&description) => {
                return Ok(Answer::Unclear(description));
            }
            // A warning other than these two says nothing about the question.
            Ok(Event::Alert { level: 1, description })
                if ![0, NO_RENEGOTIATION].contains(&description) => {}
            Ok(Event::Alert { description, .. }) => return Ok(Answer::Declined(description)),
            Err(Stop::Network(failure)) if failure.is_end() => return Ok(Answer::Ended),
            Err(stop) => return Err(stop),
        }
    }
}
