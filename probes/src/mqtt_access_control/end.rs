//! Why a session brings nothing more.

use model::evidence::Item;

use super::session::MAX_MESSAGES;
use crate::insecure_tls::HandshakeError;
use crate::mqtt::codes;
use crate::mqtt::websocket::Closing;
use crate::tls::names;

/// What decided a question to which a broker closed the connection, for people.
pub(super) const FORBIDDEN: &str = "the broker closed the connection at this, and kept it open where \
                                    the same was asked in the identity's own scope";

/// Why nothing more comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The stream ended, or what came is no MQTT.
    Stream(HandshakeError),
    /// The broker closed the WebSocket and said why.
    WebSocket(Closing),
    /// The broker said DISCONNECT, with this reason code.
    Disconnected(u8),
    /// The same, before the question was sent: it answers nothing.
    Unasked(u8),
    /// The session ended in another way before the question was sent.
    Early(Box<Self>),
    /// The broker closed the connection at the question, and at nothing else: see `closing`.
    Forbidden,
    /// As many messages came as are read.
    Messages,
}

impl End {
    /// The item of a fact that is missing for this reason.
    pub fn item<T>(&self) -> Item<T> {
        match self {
            Self::Stream(HandshakeError::Network(failure)) => failure.item(),
            Self::Stream(HandshakeError::Alert(alert)) => {
                Item::refused(format!("the session ended with alert {}", names::alert(*alert)))
            }
            Self::Stream(other) => Item::error(other.to_string()),
            Self::WebSocket(Closing { status, reason }) => {
                Item::error(format!("the WebSocket was closed: {status} {reason}").trim_end())
            }
            Self::Disconnected(code) => {
                Item::refused(format!("the broker ended the session: {}", codes::answer(*code)))
            }
            Self::Unasked(code) => Item::refused(format!(
                "the broker ended the session before it was asked: {}",
                codes::answer(*code)
            )),
            Self::Early(end) => end.item(),
            Self::Forbidden => Item::refused(FORBIDDEN),
            Self::Messages => {
                Item::truncated(format!("{MAX_MESSAGES} messages were read over one connection"))
            }
        }
    }
}

impl End {
    /// True where the broker ended an open connection, without a word of MQTT.
    pub const fn is_end(&self) -> bool {
        match self {
            Self::Stream(HandshakeError::Network(failure)) => failure.is_end(),
            Self::WebSocket(_) => true,
            _ => false,
        }
    }
}

impl From<HandshakeError> for End {
    fn from(error: HandshakeError) -> Self {
        Self::Stream(error)
    }
}
