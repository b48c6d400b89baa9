//! A session with a broker that has let somebody in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

pub(super) use super::end::{End, FORBIDDEN};
use super::line::Line;
use crate::insecure_tls::HandshakeError;
use crate::mqtt::codes::{self, Version};
use crate::mqtt::incoming::{Message, Packet, decode};
use crate::mqtt::outgoing::{self, Retained, Surety};
use crate::net::Failure;

/// Messages that are read over one connection.
pub(super) const MAX_MESSAGES: u32 = 100;

/// How long it must be quiet before what a broker keeps for new subscribers has come: brokers send
/// it right behind the SUBACK.
pub(super) const QUIET: Duration = Duration::from_millis(300);

/// How long a client that was let in waits for the answer to its first PINGREQ.
const HEARD: Duration = Duration::from_secs(1);

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
    /// with not authorized says the same where it came behind the question, and so does a broker
    /// that closes at this question alone.
    pub fn is_denied(&self) -> bool {
        matches!(
            self.suback,
            Ok(0x80 | 0x87 | 0x8f | 0xa2) | Err(End::Disconnected(0x87) | End::Forbidden)
        )
    }

    /// What refused it, for people; of use where it was denied.
    pub fn refusal(&self) -> String {
        match &self.suback {
            Ok(code) => format!("SUBACK {}", codes::suback(*code)),
            Err(End::Disconnected(code)) => format!("DISCONNECT {}", codes::answer(*code)),
            Err(_) => FORBIDDEN.to_owned(),
        }
    }

    /// True where the broker closed the connection at the question, without a word of MQTT.
    pub fn is_closed(&self) -> bool {
        self.suback.as_ref().is_err_and(End::is_end)
    }

    /// A question at which the connection was closed, and which is known to be the reason.
    pub const fn forbidden() -> Self {
        Self { suback: Err(End::Forbidden), found: false, ended: Some(End::Forbidden) }
    }
}

/// A session. It ends with this value, at the latest with its connection's own limits.
pub(super) struct Session {
    /// None once the broker has ended it, so that another connection may be opened.
    line: Option<Line>,
    version: Version,
    last_id: u16,
    messages: u32,
    /// Reason code of the DISCONNECT, once one came.
    left: Option<u8>,
    /// PINGREQs that were not answered yet.
    pings: u32,
    /// What came before anything was asked.
    kept: VecDeque<Packet>,
}

impl Session {
    /// A session over a line on which nothing was said yet.
    pub const fn new(line: Line, version: Version) -> Self {
        let kept = VecDeque::new();
        Self { line: Some(line), version, last_id: 0, messages: 0, left: None, pings: 0, kept }
    }

    /// True where the broker has ended it, and for nothing that it named but a missing right. Who lost
    /// a session to another client with the same id must not take it back again and again.
    pub const fn may_be_forbidden(&self) -> bool {
        self.line.is_none() && matches!(self.left, None | Some(0x87))
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
        let line = self.line.as_mut().ok_or(HandshakeError::Network(Failure::Closed))?;
        Ok(line.send(packet).await?)
    }

    /// The next packet. It may be given up at any time, and called again.
    pub async fn next(&mut self) -> Result<Packet, End> {
        match self.kept.pop_front() {
            Some(packet) => Ok(packet),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Result<Packet, End> {
        let packet = self.packet().await;
        if packet.as_ref().is_err_and(|end| end.is_end() || matches!(end, End::Disconnected(_))) {
            self.line = None;
        }
        packet
    }

    async fn packet(&mut self) -> Result<Packet, End> {
        let line = self.line.as_mut().ok_or(HandshakeError::Network(Failure::Closed))?;
        loop {
            let decoded = decode(&line.received, self.version)
                .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
            let Some((packet, used)) = decoded else {
                if let Err(error) = line.receive().await {
                    return Err(match line.closing.clone() {
                        Some(closing) => End::WebSocket(closing),
                        None => error.into(),
                    });
                }
                continue;
            };
            line.received.drain(..used);
            match packet {
                Packet::Publish(_) if self.messages == MAX_MESSAGES => return Err(End::Messages),
                Packet::Publish(_) => self.messages += 1,
                Packet::Pingresp => self.pings = self.pings.saturating_sub(1),
                Packet::Disconnect { code } => {
                    self.left = Some(code);
                    return Err(End::Disconnected(code));
                }
                _ => {}
            }
            return Ok(packet);
        }
    }

    /// Whether the broker stays with its CONNACK, asked before anything else: the code of the
    /// DISCONNECT by which it throws a client out that it has let in. What comes meanwhile is kept.
    pub async fn is_thrown_out(&mut self) -> Option<u8> {
        let heard = async {
            self.ping().await?;
            while self.pings > 0 {
                match self.read().await? {
                    Packet::Pingresp => {}
                    packet => self.kept.push_back(packet),
                }
            }
            Ok::<(), End>(())
        };
        // What is missing here is met again by the first question.
        timeout(HEARD, heard).await.ok();
        self.left
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.send(&outgoing::ping()).await?;
        self.pings += 1;
        Ok(())
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
            self.ping().await?;
            loop {
                match self.next().await? {
                    Packet::Pingresp if self.pings == 0 => return Ok(()),
                    Packet::Publish(message) => take(&message),
                    _ => {}
                }
            }
        };
        alive.await.map_err(|end| match end {
            End::Disconnected(code) => End::Unasked(code),
            end if end.is_end() => End::Early(Box::new(end)),
            other => other,
        })
    }

    /// Asks the broker whether this session still stands; an error if it does not, or nothing comes
    /// before the connection's own limit.
    pub async fn is_alive(&mut self) -> Result<(), End> {
        self.ping().await?;
        while !(self.next().await? == Packet::Pingresp && self.pings == 0) {}
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
        self.send(&outgoing::disconnect()).await.ok();
    }
}
