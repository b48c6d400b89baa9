//! One accept loop for both ports: TLS where it is on, one task per connection.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections served at the same time; more are closed at once.
const MAX_CONNECTIONS: usize = 256;

/// Longest TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Pause after an accept that failed, so that running out of descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Bytes both ways, with or without TLS below.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection as a session sees it.
pub type Stream = Box<dyn Duplex>;

/// Accepts until dropped. Every session ends with this future.
pub async fn serve<F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    session: impl Fn(Stream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut handshakes = JoinSet::new();
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if handshakes.len() + sessions.len() < MAX_CONNECTIONS => {
                    handshakes.spawn(handshake(stream, tls.clone()));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(opened) = handshakes.join_next() => {
                if let Ok(Some(stream)) = opened {
                    sessions.spawn(session(stream));
                }
            }
            Some(_) = sessions.join_next() => {}
        }
    }
}

/// The connection ready for its session; none if the client did not manage the handshake.
async fn handshake(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Stream> {
    // Small packets both ways: waiting to fill a segment would only add delay.
    stream.set_nodelay(true).ok()?;
    let Some(acceptor) = tls else { return Some(Box::new(stream)) };
    let accepted = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await;
    let stream = accepted.ok()?.ok()?;
    Some(Box::new(stream))
}
