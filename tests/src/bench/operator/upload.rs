//! The pod's side of an upload, with as little work of its own as HTTPS takes: what is measured is
//! the ingest, and both share the machine.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// One connection to the ingest.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    head: String,
}

impl Connection {
    /// Connects, trusting what the operator's own authority signed.
    pub async fn open(
        ingest: SocketAddr,
        tls: &Arc<ClientConfig>,
        token: &str,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(ingest).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(ingest.ip());
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
        let head = format!("host: {ingest}\r\nauthorization: Bearer {token}\r\n");
        Ok(Self { stream, head })
    }

    /// Asks for a path; the body of the answer.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head);
        self.exchange(request.as_bytes()).await
    }

    /// A request that uploads a document, ready to be sent.
    pub fn upload(&self, body: &[u8], digest: &str) -> Vec<u8> {
        let head = format!(
            "POST /v1/evidence HTTP/1.1\r\n{}content-type: application/json\r\n\
             content-digest: {digest}\r\ncontent-length: {}\r\n\r\n",
            self.head,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends a request and reads its answer, which must be 200.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let mut answer = Vec::with_capacity(4096);
        let body = loop {
            ensure!(answer.len() < LONGEST, "the head of the answer does not end");
            if self.stream.read_buf(&mut answer).await? == 0 {
                bail!("closed after {} bytes of an answer", answer.len());
            }
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let head = std::str::from_utf8(&answer[..body])?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer has a length")?.trim().parse()?;
        ensure!(length < LONGEST, "an answer of {length} bytes");
        while answer.len() < body + length {
            if self.stream.read_buf(&mut answer).await? == 0 {
                bail!("closed after {} bytes of an answer", answer.len());
            }
        }
        let body = answer.split_off(body);
        ensure!(head.starts_with("http/1.1 200 "), "{head}{}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}
