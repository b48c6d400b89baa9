//! A proxy on loopback that makes the way to a port as long as a round trip says: half of it in each
//! direction, and a whole one before a connection.

use std::time::Duration;

use testkit::process::loopback;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// Pieces of 16 KiB that may be under way in a direction.
const UNDER_WAY: usize = 256;

/// A listening proxy; it ends with this value.
pub(super) struct Delay {
    /// The port it listens on.
    pub port: u16,
    task: JoinHandle<()>,
}

impl Delay {
    /// Starts a proxy to another loopback port.
    ///
    /// The kernel answers a client's SYN by itself, at once. So the proxy takes nothing off a new
    /// connection for one round trip: all that the client says arrives when it would have if the
    /// answer to its SYN had been that long on the way.
    pub(super) async fn start(onward: u16, round_trip: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(loopback(0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            // Connections end with the proxy, because the set ends with this task.
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(async move {
                    sleep(round_trip).await;
                    let Ok(far) = TcpStream::connect(loopback(onward)).await else { return };
                    // Small messages go out as they come.
                    near.set_nodelay(true).ok();
                    far.set_nodelay(true).ok();
                    let ((from_near, to_near), (from_far, to_far)) =
                        (near.into_split(), far.into_split());
                    let way = round_trip / 2;
                    tokio::join!(carry(from_near, to_far, way), carry(from_far, to_near, way));
                });
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes, and the end of them, `way` later than they come. What is under way waits on its
/// own and holds up nothing that comes after it.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, way: Duration) {
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let depart = async move {
        loop {
            let mut piece = vec![0; 16 * 1024];
            let read = from.read(&mut piece).await.unwrap_or(0);
            piece.truncate(read);
            let sent = sender.send((Instant::now() + way, piece)).await;
            if read == 0 || sent.is_err() {
                return;
            }
        }
    };
    let arrive = async move {
        while let Some((due, piece)) = arriving.recv().await {
            sleep_until(due).await;
            if piece.is_empty() || to.write_all(&piece).await.is_err() {
                break;
            }
        }
        to.shutdown().await.ok();
    };
    tokio::join!(depart, arrive);
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::peer::{Peer, Script};

    #[tokio::test(start_paused = true)]
    async fn a_question_and_its_answer_take_two_round_trips_with_the_connection() {
        let peer = Peer::start(Script::Reply(b"answer".to_vec())).await;
        let round_trip = Duration::from_millis(50);
        let proxy = Delay::start(peer.port(), round_trip).await.unwrap();
        let clock = Instant::now();
        let mut stream = TcpStream::connect(loopback(proxy.port)).await.unwrap();
        stream.write_all(b"question").await.unwrap();
        let mut answer = [0; 6];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
        let took = clock.elapsed();
        assert!(took >= 2 * round_trip && took < 3 * round_trip, "{took:?}");
        // The end comes half a round trip after the peer's, which waits for ours.
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut answer).await.unwrap(), 0);
    }
}
