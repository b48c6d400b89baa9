//! TLS by hand, as far as a hello and the answer to it: for the versions and suites that no modern
//! library speaks, and for facts that a library hides. [`inside`] goes on from a session that a
//! library has made.
//!
//! Invariant: every way in which a server may decline is told apart (alert with its number, close,
//! reset, timeout, garbage), because they do not mean the same.

use tokio::io::AsyncWriteExt as _;

use crate::net::{Connection, Dialer, Failure};
use crate::text;

mod bytes;
pub mod client_hello;
pub mod enumerate;
pub mod inside;
pub mod keys;
pub mod names;
pub mod record;
pub mod resume;
pub mod server_flight;
pub mod sslv2;
mod suite_table;
pub mod suites;
pub mod tap;
pub mod tickets;

pub use client_hello::ClientHello;
pub use server_flight::ServerFlight;

use record::{Malformed, Reassembler};
use server_flight::{FlightReader, Progress};

/// What a server answered to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A ServerHello, with what followed in clear.
    Flight(ServerFlight),
    /// A fatal alert, by number.
    Alert(u8),
    /// Bytes that are no TLS; their beginning as text.
    NotTls(String),
    /// TLS that breaks the protocol.
    Malformed(Malformed),
    /// No connection, or none that said enough.
    Failed(Failure),
}

/// Sends one hello over a new connection and reads the answer. Nothing more is ever sent.
pub async fn ask(dialer: &Dialer, hello: &ClientHello) -> Answer {
    let mut connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return Answer::Failed(failure),
    };
    // A server that refuses early may have closed already: what it said before is still there to
    // be read, so a failed write is no reason not to read.
    connection.write_all(&hello.encode(rand::random())).await.ok();
    answer(&mut connection).await
}

async fn answer(connection: &mut Connection) -> Answer {
    let mut reassembler = Reassembler::default();
    let mut reader = FlightReader::default();
    let mut first = Vec::new();
    loop {
        let stopped = match connection.receive(16 * 1024).await {
            Err(failure) => Answer::Failed(failure),
            Ok(bytes) => {
                if first.is_empty() {
                    first.clone_from(&bytes);
                }
                match progress(&mut reassembler, &mut reader, &bytes) {
                    Ok(Progress::More) => continue,
                    Ok(Progress::Done(flight)) => return Answer::Flight(flight),
                    Ok(Progress::Refused(alert)) => return Answer::Alert(alert),
                    Err(Malformed::NotTls) => Answer::NotTls(text::cut(&first)),
                    Err(malformed) => Answer::Malformed(malformed),
                }
            }
        };
        // A ServerHello decides version and suite, whatever becomes of the rest.
        return reader.finish().map_or(stopped, Answer::Flight);
    }
}

fn progress(
    reassembler: &mut Reassembler,
    reader: &mut FlightReader,
    bytes: &[u8],
) -> Result<Progress, Malformed> {
    // A fault further back must not hide the events before it.
    let pushed = reassembler.push(bytes);
    while let Some(event) = reassembler.next_event() {
        match reader.take(event)? {
            Progress::More => {}
            decided => return Ok(decided),
        }
    }
    pushed.map(|()| Progress::More)
}
