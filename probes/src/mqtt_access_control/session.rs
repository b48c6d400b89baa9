//! A session with a broker that has let somebody in.

use std::time::Duration;

use model::evidence::Item;
use tokio::time::{Instant, timeout_at};

use super::line::Line;
use crate::insecure_tls::HandshakeError;
use crate::mqtt::codes::Version;
use crate::mqtt::incoming::{Message, Packet, decode};
use crate::mqtt::outgoing::{self, Retained, Surety};
use crate::mqtt::websocket::Closing;
use crate::tls::names;

/// Messages that are read over one connection.
pub(super) const MAX_MESSAGES: u32 = 100;

/// How long it must be quiet before what a broker keeps for new subscribers has come: brokers send
/// it right behind the SUBACK.
pub(super) const QUIET: Duration = Duration::from_millis(300);

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
            Self::Disconnected(code) => Item::refused(format!(
                "the broker ended the session: {}",
                crate::mqtt::codes::answer(*code)
            )),
            Self::Unasked(code) => Item::refused(format!(
                "the broker ended the session before it was asked: {}",
                crate::mqtt::codes::answer(*code)
            )),
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

/// How long to wait for messages behind a SUBACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until nothing has come for [`QUIET`].
    Quiet,
    /// For so long, whatever comes.
    Whole(Duration),
}

/// What a subscription brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscribed {
    /// Code of the SUBACK, or why there is none.
    pub suback: Result<u8, End>,
    /// Whether a message came that was waited for.
    pub found: bool,
    /// Why listening ended early, if it did.
    pub ended: Option<End>,
}

impl Subscribed {
    /// True where the broker granted it.
    pub fn is_granted(&self) -> bool {
        matches!(self.suback, Ok(0..=2))
    }

    /// True where the broker refused it for want of a right, or refuses such filters to everybody:
    /// not authorized, failure in 3.1.1, an invalid filter, wildcards not supported. A DISCONNECT
    /// with not authorized says the same where it came behind the question.
    pub fn is_denied(&self) -> bool {
        matches!(self.suback, Ok(0x80 | 0x87 | 0x8f | 0xa2) | Err(End::Disconnected(0x87)))
    }
}

/// A session. It ends with this value, at the latest with its connection's own limits.
pub(super) struct Session {
    line: Line,
    version: Version,
    last_id: u16,
    messages: u32,
    /// Reason code of the DISCONNECT, once one came.
    left: Option<u8>,
}

impl Session {
    /// A session over a line on which nothing was said yet.
    pub const fn new(line: Line, version: Version) -> Self {
        Self { line, version, last_id: 0, messages: 0, left: None }
    }

    /// Version of the protocol.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Messages that came.
    pub const fn messages(&self) -> u32 {
        self.messages
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &[u8]) -> Result<(), End> {
        Ok(self.line.send(packet).await?)
    }

    /// The next packet. It may be given up at any time, and called again.
    pub async fn next(&mut self) -> Result<Packet, End> {
        loop {
            let decoded = decode(&self.line.received, self.version)
                .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
            let Some((packet, used)) = decoded else {
                if let Err(error) = self.line.receive().await {
                    return Err(match self.line.closing.clone() {
                        Some(closing) => End::WebSocket(closing),
                        None => error.into(),
                    });
                }
                continue;
            };
            self.line.received.drain(..used);
            match packet {
                Packet::Publish(_) if self.messages == MAX_MESSAGES => return Err(End::Messages),
                Packet::Publish(_) => self.messages += 1,
                Packet::Disconnect { code } => {
                    self.left = Some(code);
                    return Err(End::Disconnected(code));
                }
                _ => {}
            }
            return Ok(packet);
        }
    }

    /// A packet id that is not in use.
    pub const fn new_id(&mut self) -> u16 {
        // Far fewer than 65535 packets are sent over one session.
        self.last_id += 1;
        self.last_id
    }

    /// Subscribes, listens until `wanted` takes a message or patience ends, and unsubscribes.
    pub async fn look(
        &mut self,
        filter: &str,
        retained: Retained,
        patience: Patience,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Subscribed {
        let mut seen = self.subscribe(filter, retained, &mut wanted).await;
        if seen.is_granted() && !seen.found {
            (seen.found, seen.ended) = self.listen(patience, wanted).await;
        }
        if seen.is_granted()
            && seen.ended.is_none()
            && let Err(end) = self.unsubscribe(filter).await
        {
            seen.ended = Some(end);
        }
        seen
    }

    /// Subscribes and waits for the SUBACK; messages may overtake it.
    pub async fn subscribe(
        &mut self,
        filter: &str,
        retained: Retained,
        wanted: &mut impl FnMut(&Message) -> bool,
    ) -> Subscribed {
        self.subscribe_for(filter, retained, Surety::AtMostOnce, wanted).await
    }

    /// The same, for messages that are to come as surely as this.
    pub async fn subscribe_for(
        &mut self,
        filter: &str,
        retained: Retained,
        surety: Surety,
        wanted: &mut impl FnMut(&Message) -> bool,
    ) -> Subscribed {
        let asked = self.new_id();
        let packet = outgoing::subscribe(self.version, asked, filter, retained, surety);
        let mut found = false;
        let suback = async {
            self.settle(&mut |message| found |= wanted(message)).await?;
            self.send(&packet).await?;
            loop {
                match self.next().await? {
                    Packet::Suback { id, code } if id == asked => return Ok(code),
                    Packet::Publish(message) => found |= wanted(&message),
                    _ => {}
                }
            }
        };
        let suback = suback.await;
        Subscribed { ended: suback.clone().err(), suback, found }
    }

    /// Listens until `wanted` takes a message, or patience or the session ends.
    pub async fn listen(
        &mut self,
        patience: Patience,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> (bool, Option<End>) {
        let end = match patience {
            Patience::Quiet => None,
            Patience::Whole(time) => Some(Instant::now() + time),
        };
        loop {
            let until = end.unwrap_or_else(|| Instant::now() + QUIET);
            match timeout_at(until, self.next()).await {
                Ok(Ok(Packet::Publish(message))) if wanted(&message) => return (true, None),
                Ok(Ok(_)) => {}
                Ok(Err(end)) => return (false, Some(end)),
                Err(_) => return (false, None),
            }
        }
    }

    /// Makes sure that what comes next answers what is asked next. A broker that throws a client out
    /// after its CONNACK has said nothing about a question that it was never sent.
    pub async fn settle(&mut self, take: &mut impl FnMut(&Message)) -> Result<(), End> {
        if let Some(code) = self.left {
            return Err(End::Unasked(code));
        }
        let alive = async {
            self.send(&outgoing::ping()).await?;
            loop {
                match self.next().await? {
                    Packet::Pingresp => return Ok(()),
                    Packet::Publish(message) => take(&message),
                    _ => {}
                }
            }
        };
        alive.await.map_err(|end| match end {
            End::Disconnected(code) => End::Unasked(code),
            other => other,
        })
    }

    /// Asks the broker whether this session still stands; an error if it does not, or nothing comes
    /// before the connection's own limit.
    pub async fn is_alive(&mut self) -> Result<(), End> {
        self.send(&outgoing::ping()).await?;
        while self.next().await? != Packet::Pingresp {}
        Ok(())
    }

    async fn unsubscribe(&mut self, filter: &str) -> Result<(), End> {
        let asked = self.new_id();
        self.send(&outgoing::unsubscribe(self.version, asked, filter)).await?;
        let until = Instant::now() + QUIET;
        loop {
            match timeout_at(until, self.next()).await {
                Ok(Ok(Packet::Unsuback { id })) if id == asked => return Ok(()),
                Ok(Ok(_)) => {}
                Ok(Err(end)) => return Err(end),
                // A broker that does not answer goes on delivering, and that is counted.
                Err(_) => return Ok(()),
            }
        }
    }

    /// Says DISCONNECT, so that no will and no session stays.
    pub async fn end(mut self) {
        self.line.send(&outgoing::disconnect()).await.ok();
    }
}
