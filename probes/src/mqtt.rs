//! MQTT as far as probes speak it, over any stream: one CONNECT of 3.1.1 and its answer here, and
//! in the modules below the packets of 3.1, 3.1.1 and 5 that access control is asked with.
//!
//! A codec of its own: a probe must tell a CONNACK with a code nobody defined from bytes that are
//! no MQTT at all, and clients' libraries fold both into one error.

pub mod codes;
pub mod incoming;
pub mod outgoing;
pub mod properties;
pub mod websocket;
mod wire;

pub use wire::Malformed;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::net::Failure;

/// Seconds of keep alive that a CONNECT asks for.
const KEEP_ALIVE: u16 = 10;

/// What answered a CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A CONNACK with its return code (MQTT 3.1.1 section 3.2.2.3).
    Connack(u8),
    /// Other bytes: the first of them.
    Other(Vec<u8>),
}

/// A random client id that an owner can tell from a device's: `plumb-` and 16 hex digits, within
/// the 23 characters that every server must take (MQTT 3.1.1 section 3.1.3.1).
pub fn client_id() -> String {
    format!("plumb-{:016x}", rand::random::<u64>())
}

/// Sends one CONNECT with a clean session and no credentials, and reads the answer.
pub async fn connect<S>(stream: &mut S, client_id: &str) -> Result<Reply, std::io::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A peer that refuses early may have closed already; what it said before can still be read,
    // so a failed write is no reason not to read.
    if stream.write_all(&packet(client_id)).await.is_ok() {
        stream.flush().await.ok();
    }
    let mut reply = Vec::new();
    loop {
        let mut buffer = [0; 64];
        let read = match stream.read(&mut buffer).await {
            Ok(read) => read,
            Err(error) if reply.is_empty() => return Err(error),
            Err(_) => 0,
        };
        reply.extend_from_slice(&buffer[..read]);
        if read == 0 && reply.is_empty() {
            return Err(Failure::Closed.into());
        }
        if let Some(reply) = decode(&reply, read == 0) {
            return Ok(reply);
        }
    }
}

/// The reply, once enough of it is there.
fn decode(bytes: &[u8], ended: bool) -> Option<Reply> {
    /// Fixed header of every CONNACK: its type, and the length of what follows.
    const CONNACK: [u8; 2] = [0x20, 2];
    match *bytes {
        [kind, length, flags, code, ..] if [kind, length] == CONNACK && flags <= 1 => {
            Some(Reply::Connack(code))
        }
        _ if !ended && bytes.len() < 4 && CONNACK.iter().zip(bytes).all(|(a, b)| a == b) => None,
        _ => Some(Reply::Other(bytes.to_vec())),
    }
}

/// A CONNECT packet (MQTT 3.1.1 section 3.1).
fn packet(client_id: &str) -> Vec<u8> {
    /// Connect flag 1: clean session, and nothing else.
    const CLEAN_SESSION: u8 = 0x02;
    let mut body = vec![0, 4];
    body.extend(b"MQTT");
    body.extend([4, CLEAN_SESSION]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    let length = u16::try_from(client_id.len()).expect("client ids are short");
    body.extend(length.to_be_bytes());
    body.extend(client_id.as_bytes());
    let length = u8::try_from(body.len()).expect("the packet is shorter than 128 bytes");
    debug_assert!(length < 128);
    [vec![0x10, length], body].concat()
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn reply_to(answer: &[u8]) -> Result<Reply, Failure> {
        let (mut ours, mut theirs) = duplex(1024);
        theirs.write_all(answer).await.expect("room");
        theirs.shutdown().await.expect("open");
        connect(&mut ours, "plumb-test").await.map_err(Failure::from)
    }

    #[test]
    fn the_packet_is_what_the_reference_client_would_send() {
        let mut bytes = rumqttc::mqttbytes::v4::Connect::new("plumb-0123456789abcdef");
        bytes.keep_alive = KEEP_ALIVE;
        bytes.clean_session = true;
        let mut expected = Default::default();
        bytes.write(&mut expected).expect("valid");
        assert_eq!(packet("plumb-0123456789abcdef"), expected.to_vec());
    }

    #[test]
    fn client_ids_are_short_random_and_recognisable() {
        let (one, other) = (client_id(), client_id());
        assert!(one.starts_with("plumb-") && one.len() <= 23);
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn every_connack_code_is_a_connack() {
        for code in [0, 5, 0x87] {
            assert_eq!(reply_to(&[0x20, 2, 0, code]).await, Ok(Reply::Connack(code)));
        }
    }

    #[tokio::test]
    async fn other_bytes_are_kept_apart_from_a_close() {
        assert_eq!(reply_to(b"HTTP").await, Ok(Reply::Other(b"HTTP".to_vec())));
        assert_eq!(reply_to(&[0x20, 2, 0]).await, Ok(Reply::Other(vec![0x20, 2, 0])));
        assert_eq!(reply_to(&[0x20, 2, 7, 0]).await, Ok(Reply::Other(vec![0x20, 2, 7, 0])));
        assert_eq!(reply_to(&[]).await, Err(Failure::Closed));
    }

    #[tokio::test]
    async fn a_connack_in_single_bytes_is_put_together() {
        let (mut ours, mut theirs) = duplex(1024);
        let peer = tokio::spawn(async move {
            let mut question = [0; 24];
            theirs.read_exact(&mut question).await.expect("CONNECT");
            for byte in [0x20, 2, 0, 5] {
                theirs.write_all(&[byte]).await.expect("open");
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(connect(&mut ours, "plumb-test").await.ok(), Some(Reply::Connack(5)));
        peer.await.expect("peer");
    }
}
