//! A scripted peer on loopback, with or without TLS: it behaves badly in one named way, and counts
//! who came.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::process::loopback;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Answers the first bytes of a connection.
pub type Responder = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Makes what answers the pieces of one connection, so that it may remember what it heard there.
pub type Listener = Arc<dyn Fn() -> Box<dyn FnMut(&[u8]) -> Vec<u8> + Send> + Send + Sync>;

/// What a peer does with a connection.
#[derive(Clone)]
pub enum Script {
    /// Closes it at once, in an orderly way.
    Close,
    /// Waits for the first bytes, then cuts it (RST).
    Reset,
    /// Keeps it open, reads, and says nothing.
    Hang,
    /// Waits for the first bytes, says this, and closes.
    Reply(Vec<u8>),
    /// Waits for the first bytes, says this, and keeps the connection open.
    ReplyAndHold(Vec<u8>),
    /// Waits for the first bytes, says what they ask for, and closes.
    Respond(Responder),
    /// Says what each piece that comes asks for, until it has nothing to say; then it closes.
    Converse(Responder),
    /// The same, by what it remembers of this connection.
    Remember(Listener),
    /// Says this one byte at a time, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Says this over and over, as fast as it is read.
    Endless(Vec<u8>),
    /// Hands it on to another loopback port: a counting proxy.
    Forward(u16),
}

impl Script {
    /// A script that computes its answer from the first bytes it gets.
    pub fn respond(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::Respond(Arc::new(answer))
    }

    /// The same with a memory for each connection, which `listen` makes.
    pub fn remember<F: FnMut(&[u8]) -> Vec<u8> + Send + 'static>(
        listen: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self::Remember(Arc::new(move || Box::new(listen())))
    }

    /// A script that computes an answer to each piece that it gets, as far as one read brings it.
    pub fn converse(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::Converse(Arc::new(answer))
    }
}

/// A listening peer; it ends with this value.
pub struct Peer {
    port: u16,
    accepted: Arc<AtomicU32>,
    received: Received,
    task: JoinHandle<()>,
}

impl Peer {
    /// Starts a peer that plays one script with everybody.
    pub async fn start(script: Script) -> Self {
        Self::sequence(vec![script]).await
    }

    /// Starts a peer that plays the scripts in turn, one per connection; the last one repeats.
    pub async fn sequence(scripts: Vec<Script>) -> Self {
        Self::listen(LOOPBACK, None, scripts, None).await
    }

    /// Starts a peer that plays one script with everybody inside TLS.
    pub async fn secured(tls: Arc<ServerConfig>, script: Script) -> Self {
        Self::listen(LOOPBACK, Some(TlsAcceptor::from(tls)), vec![script], None).await
    }

    /// Starts a peer that plays one script with everybody, inside TLS or not, on an address of this
    /// machine that others reach.
    pub async fn start_at(address: IpAddr, tls: Option<Arc<ServerConfig>>, script: Script) -> Self {
        Self::listen(address, tls.map(TlsAcceptor::from), vec![script], None).await
    }

    /// Starts a peer that plays one script inside TLS with strangers, and another one with clients
    /// that have shown a certificate.
    pub async fn gated(tls: Arc<ServerConfig>, strangers: Script, known: Script) -> Self {
        Self::listen(LOOPBACK, Some(TlsAcceptor::from(tls)), vec![strangers], Some(known)).await
    }

    async fn listen(
        address: IpAddr,
        tls: Option<TlsAcceptor>,
        scripts: Vec<Script>,
        known: Option<Script>,
    ) -> Self {
        assert!(!scripts.is_empty(), "a peer needs at least one script");
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicU32::new(0));
        let received = Received::default();
        let task = tokio::spawn({
            let (accepted, received) = (Arc::clone(&accepted), Arc::clone(&received));
            async move {
                // Connections end with the peer, because the set ends with this task.
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let turn = accepted.fetch_add(1, Ordering::SeqCst) as usize;
                    let script = scripts[turn.min(scripts.len() - 1)].clone();
                    let (tls, received) = (tls.clone(), Arc::clone(&received));
                    let known = known.clone();
                    connections.spawn(async move {
                        match tls {
                            None => Line::new(stream, received).play(script).await,
                            Some(tls) => match tls.accept(stream).into_fallible().await {
                                Ok(stream) => {
                                    let shown = stream.get_ref().1.peer_certificates().is_some();
                                    let script = known.filter(|_| shown).unwrap_or(script);
                                    Line::new(stream, received).play(script).await;
                                }
                                // Read to the end, so that the alert is not overtaken by a reset.
                                Err((_, refused)) => Line::new(refused, received).end().await,
                            },
                        }
                    });
                }
            }
        });
        Self { port, accepted, received, task }
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Connections it has accepted.
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// What came over each connection whose script waits for the first bytes, in the order in
    /// which those came; with TLS, what came inside.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }

    /// All that [`Peer::received`] gives, as one text.
    pub fn heard(&self) -> String {
        String::from_utf8_lossy(&self.received().concat()).into_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What came over each connection.
type Received = Arc<Mutex<Vec<Vec<u8>>>>;

/// One connection. The other side may leave at any time: no error matters here.
struct Line<S> {
    stream: S,
    received: Received,
    /// Its place in `received`, once its first bytes were waited for.
    place: Option<usize>,
}

impl<S: Stream> Line<S> {
    const fn new(stream: S, received: Received) -> Self {
        Self { stream, received, place: None }
    }

    async fn play(mut self, script: Script) {
        match script {
            Script::Close => {}
            Script::Reset => {
                self.first_bytes().await;
                self.stream.tcp().set_zero_linger().ok();
            }
            Script::Hang => self.drain().await,
            Script::Reply(answer) => {
                self.first_bytes().await;
                self.stream.write_all(&answer).await.ok();
                self.end().await;
            }
            Script::ReplyAndHold(answer) => {
                self.first_bytes().await;
                self.stream.write_all(&answer).await.ok();
                self.stream.flush().await.ok();
                self.drain().await;
            }
            Script::Respond(answer) => {
                let question = self.first_bytes().await;
                self.stream.write_all(&answer(&question)).await.ok();
                self.end().await;
            }
            Script::Converse(answer) => self.converse(|question| answer(question)).await,
            Script::Remember(listener) => self.converse(listener()).await,
            Script::Drip(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(pause).await;
                    self.stream.write_all(&[byte]).await.ok();
                    if self.stream.flush().await.is_err() {
                        return;
                    }
                }
            }
            Script::Endless(bytes) => while self.stream.write_all(&bytes).await.is_ok() {},
            Script::Forward(port) => {
                if let Ok(mut onward) = TcpStream::connect(loopback(port)).await {
                    copy_bidirectional(&mut self.stream, &mut onward).await.ok();
                }
            }
        }
    }

    async fn converse(mut self, mut answer: impl FnMut(&[u8]) -> Vec<u8>) {
        let mut said = answer(&self.first_bytes().await);
        while !said.is_empty() {
            self.stream.write_all(&said).await.ok();
            self.stream.flush().await.ok();
            said = answer(&self.more_bytes().await);
        }
        self.end().await;
    }

    async fn first_bytes(&mut self) -> Vec<u8> {
        let mut received = vec![0; 16 * 1024];
        let read = self.stream.read(&mut received).await.unwrap_or(0);
        received.truncate(read);
        let mut all = self.received.lock().unwrap();
        self.place = Some(all.len());
        all.push(received.clone());
        received
    }

    /// The next bytes; none where the other side has closed.
    async fn more_bytes(&mut self) -> Vec<u8> {
        let mut received = vec![0; 16 * 1024];
        let read = self.stream.read(&mut received).await.unwrap_or(0);
        received.truncate(read);
        if let Some(place) = self.place {
            self.received.lock().unwrap()[place].extend_from_slice(&received);
        }
        received
    }

    /// Closes our side, and waits for the other.
    async fn end(mut self) {
        self.stream.shutdown().await.ok();
        self.drain().await;
    }

    /// Reads until the other side closes, so that our close is a FIN and not an RST.
    async fn drain(&mut self) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = self.stream.read(&mut buffer).await {
            if let Some(place) = self.place {
                self.received.lock().unwrap()[place].extend_from_slice(&buffer[..read]);
            }
        }
    }
}

/// A connection, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// The connection below.
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
