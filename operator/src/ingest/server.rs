//! TLS in front of the routes: bounded in connections and time, and with the certificate that is
//! in force when a connection comes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::share::Shares;

/// Connections open at the same time.
const MAX_CONNECTIONS: usize = 512;
/// Connections of one address open at the same time: nobody keeps the others out.
const MAX_OF_ADDRESS: usize = 128;
/// How long a client may take for its handshake, and for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may last: an upload of the largest document over a slow link.
const CONNECTION: Duration = Duration::from_secs(120);
/// How long open connections may go on after the process was told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop`, then lets open connections end.
pub async fn serve(
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let addresses = Shares::new(MAX_OF_ADDRESS);
    while !*stop.borrow() {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < MAX_CONNECTIONS => {
                    let Some(place) = addresses.take(peer.ip().to_canonical()) else { continue };
                    let connection =
                        connection(stream, TlsAcceptor::from(tls.borrow().clone()), router.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Dropped: the client tries again, and those who are in are not slowed down.
                Ok(_) => {}
                // Out of descriptors, most likely: somebody must end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => {}
        }
    }
    drop(listener);
    timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await.ok();
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    stream.set_nodelay(true).ok();
    let Ok(Ok(stream)) = timeout(HEAD, acceptor.accept(stream)).await else { return };
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A connection that ends badly is the client's to notice.
    timeout(CONNECTION, connection).await.ok();
}
