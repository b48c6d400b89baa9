//! Bounded connections to one target.
//!
//! A [`Dialer`] opens a counted number of connections, a few at a time; a [`Connection`] carries its
//! own deadline and byte limit, so whatever speaks over it (MQTT, TLS, HTTP) is bounded too. What
//! goes wrong is one of a few [`Failure`]s, told apart by kind and never by text.

mod public;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use model::document::Endpoint;
use model::evidence::Item;
use model::request::ProbePolicy;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, timeout_at};

/// Addresses of one name that are tried before the first connection stands.
const MAX_ADDRESSES: usize = 4;

/// What a probe may spend on one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in total.
    pub connections: u32,
    /// Connections open at the same time.
    pub at_once: u16,
    /// Time until a connection attempt is given up.
    pub connect: Duration,
    /// Time from the open connection to the end of what is asked over it.
    pub answer: Duration,
    /// Time for everything together, from the making of the dialer.
    pub total: Duration,
    /// Bytes read from one connection.
    pub bytes: u64,
}

impl Limits {
    /// The limits of a policy, with a number of connections in total. An answer may take as long
    /// as a connection attempt; one connection gives at most 1 MiB.
    pub fn new(policy: &ProbePolicy, connections: u32) -> Self {
        let patience = Duration::from_secs(policy.connect_timeout_seconds.into());
        Self {
            connections,
            at_once: policy.max_connections.max(1),
            connect: patience,
            answer: patience,
            total: Duration::from_secs(policy.deadline_seconds.into()),
            bytes: 1024 * 1024,
        }
    }
}

/// Why there is no connection, or no more bytes from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name has no address.
    #[error("`{0}` has no address")]
    Unresolved(String),
    /// The name has addresses, and none of them is one that may be connected to.
    #[error("`{0}` has no public address")]
    NotPublic(String),
    /// The port refuses connections.
    #[error("the connection was refused")]
    Refused,
    /// The other side cut the connection (RST).
    #[error("the connection was reset")]
    Reset,
    /// The other side closed the connection (FIN).
    #[error("the connection was closed")]
    Closed,
    /// No connection within the time allowed.
    #[error("no connection within {} ms", .0.as_millis())]
    ConnectTimeout(Duration),
    /// No whole answer within the time allowed.
    #[error("no answer within {} ms", .0.as_millis())]
    AnswerTimeout(Duration),
    /// The time for the whole check has passed.
    #[error("the deadline of {} s for the whole check has passed", .0.as_secs())]
    Deadline(Duration),
    /// The other side sent more than is read from one connection.
    #[error("more than {0} bytes came over one connection")]
    TooManyBytes(u64),
    /// Every connection that the check may open has been opened.
    #[error("all {0} connections of this check have been used")]
    BudgetSpent(u32),
    /// Any other fault of the network, by kind.
    #[error("the connection failed: {0}")]
    Other(io::ErrorKind),
}

impl Failure {
    /// The item that says why a fact is missing: a refusal, a timeout, a limit of ours or an error.
    pub fn item<T>(&self) -> Item<T> {
        let reason = self.to_string();
        match self {
            Self::Refused => Item::refused(reason),
            Self::ConnectTimeout(_) | Self::AnswerTimeout(_) | Self::Deadline(_) => {
                Item::timeout(reason)
            }
            Self::TooManyBytes(_) | Self::BudgetSpent(_) => Item::truncated(reason),
            Self::Unresolved(_)
            | Self::NotPublic(_)
            | Self::Reset
            | Self::Closed
            | Self::Other(_) => Item::error(reason),
        }
    }

    /// True if the other side ended an open connection, by FIN or by RST.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Reset | Self::Closed)
    }

    /// True if time ran out.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout(_) | Self::AnswerTimeout(_) | Self::Deadline(_))
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        if let Some(failure) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            return failure.clone();
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            // A write after the other side's RST is a broken pipe: the same event seen later.
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Reset,
            io::ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::Other(kind),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure {
            _ if failure.is_timeout() => io::ErrorKind::TimedOut,
            Failure::TooManyBytes(_) => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, failure)
    }
}

/// Opens connections to one host and port, within limits.
#[derive(Debug)]
pub struct Dialer {
    host: String,
    port: u16,
    limits: Limits,
    end: Instant,
    slots: Arc<Semaphore>,
    opened: AtomicU32,
    /// Connects to public addresses only.
    public_only: bool,
    /// The address that answered first; every later connection goes to the same one.
    address: OnceCell<SocketAddr>,
}

impl Dialer {
    /// A dialer for an endpoint. The clock of `limits.total` starts now.
    pub fn new(endpoint: &Endpoint, limits: Limits) -> Self {
        Self::to(&endpoint.host, endpoint.port, limits)
    }

    /// A dialer for a DNS name or IP address. The clock of `limits.total` starts now.
    pub fn to(host: &str, port: u16, limits: Limits) -> Self {
        Self {
            host: host.to_owned(),
            port,
            limits,
            end: Instant::now() + limits.total,
            slots: Arc::new(Semaphore::new(limits.at_once.max(1).into())),
            opened: AtomicU32::new(0),
            public_only: false,
            address: OnceCell::new(),
        }
    }

    /// The same, but for public addresses only: for names that somebody else has written. What a
    /// name is resolved to is what is looked at and connected to, so no second look-up comes between.
    #[must_use]
    pub fn public_only(self) -> Self {
        Self { public_only: true, ..self }
    }

    /// Opens a connection as soon as one of the slots is free.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        let late = Failure::Deadline(self.limits.total);
        let slot = timeout_at(self.end, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| late.clone())?
            .expect("the semaphore is never closed");
        if Instant::now() >= self.end {
            return Err(late);
        }
        self.reserve()?;
        match self.open().await {
            Ok(stream) => Ok(Connection::new(stream, slot, self.limits, self.end)),
            Err(failure) => {
                self.opened.fetch_sub(1, Ordering::SeqCst);
                Err(failure)
            }
        }
    }

    /// Connections that the other side has accepted so far.
    pub fn opened(&self) -> u32 {
        self.opened.load(Ordering::SeqCst)
    }

    /// Connections that may still be opened.
    pub fn left(&self) -> u32 {
        self.limits.connections.saturating_sub(self.opened())
    }

    fn reserve(&self) -> Result<(), Failure> {
        let total = self.limits.connections;
        self.opened
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < total).then_some(n + 1))
            .map(|_| ())
            .map_err(|_| Failure::BudgetSpent(total))
    }

    async fn open(&self) -> Result<TcpStream, Failure> {
        let until = (Instant::now() + self.limits.connect).min(self.end);
        let late = || Failure::ConnectTimeout(self.limits.connect);
        if let Some(address) = self.address.get() {
            return timeout_at(until, dial(*address)).await.map_err(|_| late())?;
        }
        let unresolved = || Failure::Unresolved(self.host.clone());
        let addresses: Vec<SocketAddr> =
            timeout_at(until, tokio::net::lookup_host((self.host.as_str(), self.port)))
                .await
                .map_err(|_| late())?
                .map_err(|_| unresolved())?
                .take(MAX_ADDRESSES)
                .collect();
        let is_open = |address: &SocketAddr| !self.public_only || public::is_public(address.ip());
        if !addresses.is_empty() && !addresses.iter().any(is_open) {
            return Err(Failure::NotPublic(self.host.clone()));
        }
        let addresses = addresses.into_iter().filter(is_open);
        let mut first = None;
        for address in addresses {
            match timeout_at(until, dial(address)).await.unwrap_or_else(|_| Err(late())) {
                Ok(stream) => {
                    // Another connection may have been first; then its address stays.
                    self.address.set(address).ok();
                    return Ok(stream);
                }
                Err(failure) => {
                    first.get_or_insert(failure);
                }
            }
        }
        Err(first.unwrap_or_else(unresolved))
    }
}

async fn dial(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An open connection with a deadline and a byte limit; both show as errors that turn back into
/// the right [`Failure`]. Dropping it frees its slot.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    limits: Limits,
    end: Instant,
    clock: Pin<Box<Sleep>>,
    bytes_left: u64,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, slot: OwnedSemaphorePermit, limits: Limits, end: Instant) -> Self {
        let clock = Box::pin(tokio::time::sleep_until((Instant::now() + limits.answer).min(end)));
        Self { stream, limits, end, clock, bytes_left: limits.bytes, _slot: slot }
    }

    /// Starts the clock and the byte count anew, for the next question over the same connection.
    /// The deadline of the whole check stays.
    pub fn renew(&mut self) {
        self.clock.as_mut().reset((Instant::now() + self.limits.answer).min(self.end));
        self.bytes_left = self.limits.bytes;
    }

    /// The next bytes, at most `max`; [`Failure::Closed`] at the end of the stream.
    pub async fn receive(&mut self, max: usize) -> Result<Vec<u8>, Failure> {
        let mut buffer = vec![0; max];
        let read = self.read(&mut buffer).await?;
        if read == 0 {
            return Err(Failure::Closed);
        }
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Pending until the deadline; then the failure that it is.
    fn expired(&mut self, context: &mut Context<'_>) -> Poll<Failure> {
        ready!(self.clock.as_mut().poll(context));
        Poll::Ready(if Instant::now() >= self.end {
            Failure::Deadline(self.limits.total)
        } else {
            Failure::AnswerTimeout(self.limits.answer)
        })
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The clock comes first: a peer that always has one more byte must not escape it.
        if let Poll::Ready(failure) = self.expired(context) {
            return Poll::Ready(Err(failure.into()));
        }
        if self.bytes_left == 0 {
            return Poll::Ready(Err(Failure::TooManyBytes(self.limits.bytes).into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.saturating_sub(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(failure) = self.expired(context) {
            return Poll::Ready(Err(failure.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
