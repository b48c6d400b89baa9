//! A peer on loopback that says what the fuzzer chose, and the runtime that it lives in.

use std::cell::RefCell;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// Between what one connection is told and what the next one is told, and between two files.
const NEXT: &[u8] = b"\xffNEXT\xff";

/// How long the peer waits for the other side to say something, or to go.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_all().build().expect("a runtime of one thread");
    static LISTENER: RefCell<Option<TcpListener>> = const { RefCell::new(None) };
}

/// Runs a future to its end.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Runs `against` with the port of a peer that tells every connection a part of `bytes`, in turn.
pub(super) fn with_peer<T>(bytes: &[u8], against: impl AsyncFnOnce(u16) -> T) -> T {
    let parts: Vec<Vec<u8>> = parts(bytes).into_iter().map(<[u8]>::to_vec).collect();
    block_on(async {
        let listener = match LISTENER.take() {
            Some(listener) => listener,
            None => TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"),
        };
        let port = listener.local_addr().expect("it is bound").port();
        let serve = async {
            for part in parts.iter().cycle() {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(tell(stream, part.clone()));
                }
            }
        };
        let outcome = tokio::select! {
            outcome = against(port) => outcome,
            () = serve => unreachable!("the peer serves until the other side is done"),
        };
        LISTENER.set(Some(listener));
        outcome
    })
}

async fn tell(mut stream: TcpStream, part: Vec<u8>) {
    let told = async {
        let mut buffer = [0; 4_096];
        // However much it is: what comes does not depend on what was asked.
        let _ = stream.read(&mut buffer).await?;
        stream.write_all(&part).await?;
        stream.shutdown().await?;
        // What is unread when a socket closes cuts the connection, and the answer with it.
        while stream.read(&mut buffer).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    tokio::time::timeout(PATIENCE, told).await.ok();
}

/// The parts of an input, at least one.
pub(super) fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(NEXT.len()).position(|window| window == NEXT) {
        parts.push(&rest[..at]);
        rest = &rest[at + NEXT.len()..];
    }
    parts.push(rest);
    parts
}
