//! A scripted TCP peer on loopback: it behaves badly in one named way, and counts who came.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::process::loopback;

/// Answers the first bytes of a connection.
pub type Responder = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

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
}

/// A listening peer; it ends with this value.
pub struct Peer {
    port: u16,
    accepted: Arc<AtomicU32>,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Starts a peer that plays one script with everybody.
    pub async fn start(script: Script) -> Self {
        Self::sequence(vec![script]).await
    }

    /// Starts a peer that plays the scripts in turn, one per connection; the last one repeats.
    pub async fn sequence(scripts: Vec<Script>) -> Self {
        assert!(!scripts.is_empty(), "a peer needs at least one script");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicU32::new(0));
        let received = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let (accepted, received) = (Arc::clone(&accepted), Arc::clone(&received));
            async move {
                // Connections end with the peer, because the set ends with this task.
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let turn = accepted.fetch_add(1, Ordering::SeqCst) as usize;
                    let script = scripts[turn.min(scripts.len() - 1)].clone();
                    connections.spawn(play(script, stream, Arc::clone(&received)));
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

    /// The first bytes of each connection whose script waits for them, in the order they came.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Plays one script. The other side may leave at any time: no error matters here.
async fn play(script: Script, mut stream: TcpStream, received: Arc<Mutex<Vec<Vec<u8>>>>) {
    match script {
        Script::Close => {}
        Script::Reset => {
            first_bytes(&mut stream, &received).await;
            stream.set_zero_linger().ok();
        }
        Script::Hang => drain(&mut stream).await,
        Script::Reply(answer) => {
            first_bytes(&mut stream, &received).await;
            stream.write_all(&answer).await.ok();
            stream.shutdown().await.ok();
            drain(&mut stream).await;
        }
        Script::ReplyAndHold(answer) => {
            first_bytes(&mut stream, &received).await;
            stream.write_all(&answer).await.ok();
            drain(&mut stream).await;
        }
        Script::Respond(answer) => {
            let question = first_bytes(&mut stream, &received).await;
            stream.write_all(&answer(&question)).await.ok();
            stream.shutdown().await.ok();
            drain(&mut stream).await;
        }
        Script::Drip(bytes, pause) => {
            for byte in bytes {
                tokio::time::sleep(pause).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
        Script::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
        Script::Forward(port) => {
            if let Ok(mut onward) = TcpStream::connect(loopback(port)).await {
                copy_bidirectional(&mut stream, &mut onward).await.ok();
            }
        }
    }
}

async fn first_bytes(stream: &mut TcpStream, received: &Mutex<Vec<Vec<u8>>>) -> Vec<u8> {
    let mut buffer = vec![0; 16 * 1024];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    buffer.truncate(read);
    received.lock().unwrap().push(buffer.clone());
    buffer
}

/// Reads until the other side closes, so that our close is a FIN and not an RST.
async fn drain(stream: &mut TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {}
}
