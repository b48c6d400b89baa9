//! A WebSocket upgrade (RFC 6455) with the subprotocol `mqtt`, and nothing after it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::document::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::net::Failure;

/// Path where brokers serve WebSocket, if the document names none.
const DEFAULT_PATH: &str = "/mqtt";

/// Longest head of an answer that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// What answered an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// HTTP, with its status and whether the subprotocol `mqtt` was chosen.
    Http { status: u16, mqtt: bool },
    /// Other bytes: the first of them.
    Other(Vec<u8>),
}

/// Sends one upgrade request and reads the head of the answer.
pub(crate) async fn upgrade<S>(stream: &mut S, endpoint: &Endpoint) -> Result<Reply, std::io::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    upgrade_from(stream, endpoint, None).await
}

/// The same as a page of a site would ask, where an origin is given.
pub(crate) async fn upgrade_from<S>(
    stream: &mut S,
    endpoint: &Endpoint,
    origin: Option<&str>,
) -> Result<Reply, std::io::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A peer that refuses early may have closed already; what it said before can still be read.
    if stream.write_all(request(endpoint, origin).as_bytes()).await.is_ok() {
        stream.flush().await.ok();
    }
    let mut head = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        let read = match stream.read(&mut buffer).await {
            Ok(read) => read,
            Err(error) if head.is_empty() => return Err(error),
            Err(_) => 0,
        };
        head.extend_from_slice(&buffer[..read]);
        if read == 0 && head.is_empty() {
            return Err(Failure::Closed.into());
        }
        if let Some(reply) = decode(&head, read == 0 || head.len() >= MAX_HEAD) {
            return Ok(reply);
        }
    }
}

fn request(endpoint: &Endpoint, origin: Option<&str>) -> String {
    let key = STANDARD.encode(rand::random::<[u8; 16]>());
    // A path that cannot stand in a request line is the document's fault; the default still shows
    // whether WebSocket is spoken here.
    let path = endpoint.path.as_deref().unwrap_or(DEFAULT_PATH);
    let fits = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    let path = if fits { path } else { DEFAULT_PATH };
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: mqtt\r\n{origin}\r\n",
        endpoint.address()
    )
}

/// The reply, once enough of it is there.
fn decode(head: &[u8], ended: bool) -> Option<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(head);
    match (parsed, response.code) {
        (Ok(httparse::Status::Partial), _) if !ended => None,
        (Ok(_), Some(status)) => {
            let mqtt = response.headers.iter().any(|header| {
                header.name.eq_ignore_ascii_case("sec-websocket-protocol")
                    && header.value.eq_ignore_ascii_case(b"mqtt")
            });
            Some(Reply::Http { status, mqtt })
        }
        _ => Some(Reply::Other(head.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::super::tests::endpoint;
    use super::*;
    use model::document::Protocol;

    async fn reply_to(answer: &[u8]) -> Result<Reply, Failure> {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(answer).await.expect("room");
        theirs.shutdown().await.expect("open");
        upgrade(&mut ours, &endpoint(Protocol::Ws, 8080)).await.map_err(Failure::from)
    }

    #[test]
    fn the_request_asks_for_mqtt_on_the_declared_path_and_carries_no_credential() {
        let mut declared = endpoint(Protocol::Ws, 8080);
        declared.path = Some("/broker".to_owned());
        let text = request(&declared, None);
        assert!(text.starts_with("GET /broker HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{text}");
        assert!(text.contains("Sec-WebSocket-Protocol: mqtt\r\n"));
        for absent in ["authorization", "origin"] {
            assert!(!text.to_ascii_lowercase().contains(absent), "{text}");
        }
        let from_a_page = request(&declared, Some("https://page.example"));
        assert!(from_a_page.ends_with("\r\nOrigin: https://page.example\r\n\r\n"), "{from_a_page}");
    }

    #[test]
    fn a_path_that_would_break_the_request_is_not_sent() {
        let mut hostile = endpoint(Protocol::Ws, 8080);
        hostile.path = Some("/x HTTP/1.1\r\nX-Injected: 1".to_owned());
        assert!(!request(&hostile, None).contains("X-Injected"));
    }

    #[tokio::test]
    async fn an_upgrade_needs_the_subprotocol() {
        let with = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
        assert_eq!(reply_to(with).await, Ok(Reply::Http { status: 101, mqtt: true }));
        let without = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        assert_eq!(reply_to(without).await, Ok(Reply::Http { status: 101, mqtt: false }));
    }

    #[tokio::test]
    async fn a_status_line_alone_decides_and_other_bytes_do_not() {
        let cut = b"HTTP/1.1 404 Not Found\r\nServer: cut";
        assert_eq!(reply_to(cut).await, Ok(Reply::Http { status: 404, mqtt: false }));
        assert_eq!(reply_to(&[21, 3, 3]).await, Ok(Reply::Other(vec![21, 3, 3])));
        assert_eq!(reply_to(b"").await, Err(Failure::Closed));
    }

    #[tokio::test]
    async fn a_head_without_end_is_given_up() {
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'a'; 20_000]].concat();
        assert_eq!(reply_to(&endless).await, Ok(Reply::Http { status: 200, mqtt: false }));
    }
}
