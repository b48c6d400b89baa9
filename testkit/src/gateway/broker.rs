//! The embedded broker: MQTT 3.1.1 with QoS 0 and 1, clean sessions only.
//!
//! There are no retained messages, no wills and no QoS 2; a packet that asks for one of them is
//! served without it, or ends the connection where the protocol leaves no other way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use model::Digest;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectAuth, ConnectReturnCode, Packet, PubAck, Publish, SubAck,
    SubscribeReasonCode, UnsubAck,
};
use rumqttc::mqttbytes::{Error as CodecError, QoS, matches, valid_filter, valid_topic};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::config::Mqtt;
use super::listener::Stream;
use super::{GatewayError, read};

/// Largest packet, in bytes.
const MAX_PACKET: usize = 256 * 1024;

/// Messages that wait for one slow subscriber; more are dropped.
const QUEUE: usize = 64;

/// Longest wait for CONNECT, and for a client that takes no bytes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who may connect.
#[derive(Debug)]
pub struct Users {
    anonymous: bool,
    digests: BTreeMap<String, String>,
}

impl Users {
    /// Reads the password file that the section names.
    pub fn read(dir: &Path, section: &Mqtt) -> Result<Self, GatewayError> {
        let mut digests = BTreeMap::new();
        if let Some(auth) = &section.auth {
            let path = dir.join(&auth.password_file);
            for line in read(path.clone())?.lines().filter(|line| !line.is_empty()) {
                let (user, digest) = line.split_once(':').ok_or_else(|| GatewayError::File {
                    path: path.clone(),
                    reason: "a line is not `user:sha256:<hex>`".to_owned(),
                })?;
                digests.insert(user.to_owned(), digest.to_owned());
            }
        }
        Ok(Self { anonymous: section.allow_anonymous, digests })
    }

    fn admit(&self, auth: &ConnectAuth) -> bool {
        match auth {
            ConnectAuth::None => self.anonymous,
            ConnectAuth::Username { .. } => false,
            ConnectAuth::UsernamePassword { username, password } => self
                .digests
                .get(username)
                .is_some_and(|digest| *digest == Digest::of_bytes(password).as_str()),
        }
    }
}

/// The broker: who may connect, and who listens to what.
#[derive(Debug)]
pub struct Broker {
    users: Users,
    keepalive_seconds: u16,
    sessions: Mutex<BTreeMap<String, Session>>,
    count: AtomicU64,
}

/// One connected client.
#[derive(Debug)]
struct Session {
    number: u64,
    filters: BTreeMap<String, QoS>,
    outbox: mpsc::Sender<Publish>,
}

/// Why a connection ends; the session has nothing more to say.
struct Closed;

impl From<std::io::Error> for Closed {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl From<CodecError> for Closed {
    fn from(_: CodecError) -> Self {
        Self
    }
}

impl Broker {
    /// A broker without clients.
    pub const fn new(users: Users, keepalive_seconds: u16) -> Self {
        Self {
            users,
            keepalive_seconds,
            sessions: Mutex::new(BTreeMap::new()),
            count: AtomicU64::new(0),
        }
    }

    /// Serves one connection to its end.
    pub async fn session(self: Arc<Self>, stream: Stream) {
        let mut link = Link { stream, input: BytesMut::new() };
        let Ok(Ok(connect)) = timeout(PATIENCE, self.connect(&mut link)).await else { return };
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let id = match connect.client_id.as_str() {
            "" => format!("auto-{number}"),
            id => id.to_owned(),
        };
        let (outbox, inbox) = mpsc::channel(QUEUE);
        // A second connection with the same id drops the first one's outbox, which ends it
        // (MQTT 3.1.1, 3.1.4-2).
        let session = Session { number, filters: BTreeMap::new(), outbox };
        self.sessions().insert(id.clone(), session);

        // The end of a session has no reader: the client sees the closed connection.
        let _: Result<(), Closed> = self.serve(&mut link, &id, connect.keep_alive, inbox).await;

        let mut sessions = self.sessions();
        if sessions.get(&id).is_some_and(|session| session.number == number) {
            sessions.remove(&id);
        }
    }

    /// Reads CONNECT and answers it; an error where the answer was a refusal.
    async fn connect(&self, link: &mut Link) -> Result<Connect, Closed> {
        let connect = match link.packet().await {
            Ok(Packet::Connect(connect)) => connect,
            Err(Fault::Codec(CodecError::InvalidProtocolLevel(_))) => {
                link.acknowledge(ConnectReturnCode::RefusedProtocolVersion).await?;
                return Err(Closed);
            }
            _ => return Err(Closed),
        };
        if !self.users.admit(&connect.auth) {
            link.acknowledge(ConnectReturnCode::NotAuthorized).await?;
            return Err(Closed);
        }
        if connect.client_id.is_empty() && !connect.clean_session {
            link.acknowledge(ConnectReturnCode::BadClientId).await?;
            return Err(Closed);
        }
        link.acknowledge(ConnectReturnCode::Success).await?;
        Ok(connect)
    }

    async fn serve(
        &self,
        link: &mut Link,
        id: &str,
        asked_seconds: u16,
        mut inbox: mpsc::Receiver<Publish>,
    ) -> Result<(), Closed> {
        let seconds = match asked_seconds {
            0 => self.keepalive_seconds,
            asked => asked.min(self.keepalive_seconds),
        };
        // One and a half times the keep alive (MQTT 3.1.1, 3.1.2.10).
        let silence = Duration::from_secs(u64::from(seconds)) * 3 / 2;
        let mut silent_until = Instant::now() + silence;
        let mut next_id: u16 = 0;
        loop {
            tokio::select! {
                packet = timeout_at(silent_until, link.packet()) => {
                    let Ok(Ok(packet)) = packet else { return Err(Closed) };
                    silent_until = Instant::now() + silence;
                    self.answer(link, id, packet).await?;
                }
                message = inbox.recv() => {
                    let Some(mut message) = message else { return Err(Closed) };
                    if message.qos == QoS::AtLeastOnce {
                        next_id = next_id.checked_add(1).unwrap_or(1);
                        message.pkid = next_id;
                    }
                    link.send(&Packet::Publish(message)).await?;
                }
            }
        }
    }

    async fn answer(&self, link: &mut Link, id: &str, packet: Packet) -> Result<(), Closed> {
        match packet {
            Packet::Publish(message) => {
                let topic = std::str::from_utf8(&message.topic).map_err(|_| Closed)?;
                if !valid_topic(topic) || message.qos == QoS::ExactlyOnce {
                    return Err(Closed);
                }
                self.route(topic, &message);
                match message.qos {
                    QoS::AtLeastOnce => link.send(&Packet::PubAck(PubAck::new(message.pkid))).await,
                    _ => Ok(()),
                }
            }
            Packet::Subscribe(subscribe) => {
                let codes = subscribe
                    .filters
                    .into_iter()
                    .map(|filter| self.subscribe(id, filter.path, filter.qos))
                    .collect();
                link.send(&Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await
            }
            Packet::Unsubscribe(unsubscribe) => {
                if let Some(session) = self.sessions().get_mut(id) {
                    session.filters.retain(|filter, _| !unsubscribe.topics.contains(filter));
                }
                link.send(&Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid))).await
            }
            Packet::PingReq => link.send(&Packet::PingResp).await,
            Packet::PubAck(_) => Ok(()),
            _ => Err(Closed),
        }
    }

    fn subscribe(&self, id: &str, filter: String, asked: QoS) -> SubscribeReasonCode {
        let granted = lower(asked, QoS::AtLeastOnce);
        match self.sessions().get_mut(id) {
            Some(session) if valid_filter(&filter) => {
                session.filters.insert(filter, granted);
                SubscribeReasonCode::Success(granted)
            }
            _ => SubscribeReasonCode::Failure,
        }
    }

    /// Puts a message into the outbox of everybody who asked for it; a full outbox loses it.
    fn route(&self, topic: &str, message: &Publish) {
        for session in self.sessions().values() {
            let wanted = session.filters.iter().filter(|(filter, _)| matches(topic, filter));
            if let Some(granted) = wanted.map(|(_, qos)| *qos).reduce(higher) {
                let mut copy = message.clone();
                copy.qos = lower(copy.qos, granted);
                copy.retain = false;
                copy.dup = false;
                session.outbox.try_send(copy).ok();
            }
        }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lower(a: QoS, b: QoS) -> QoS {
    if a < b { a } else { b }
}

fn higher(a: QoS, b: QoS) -> QoS {
    if a > b { a } else { b }
}

/// A connection that speaks packets.
struct Link {
    stream: Stream,
    input: BytesMut,
}

/// Why no packet came.
enum Fault {
    Ended,
    Codec(CodecError),
}

impl Link {
    /// The next packet. Dropping this future loses no bytes.
    async fn packet(&mut self) -> Result<Packet, Fault> {
        loop {
            match Packet::read(&mut self.input, MAX_PACKET) {
                Ok(packet) => return Ok(packet),
                Err(CodecError::InsufficientBytes(_)) => {}
                Err(error) => return Err(Fault::Codec(error)),
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Err(Fault::Ended),
                Ok(_) => {}
            }
        }
    }

    async fn send(&mut self, packet: &Packet) -> Result<(), Closed> {
        let mut output = BytesMut::new();
        packet.write(&mut output, MAX_PACKET)?;
        let written = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        timeout(PATIENCE, written).await.map_err(|_| Closed)??;
        Ok(())
    }

    async fn acknowledge(&mut self, code: ConnectReturnCode) -> Result<(), Closed> {
        self.send(&Packet::ConnAck(ConnAck::new(code, false))).await
    }
}
