//! A small HTTP/1.1 client over any stream: one request, one answer, nothing else.
//!
//! [`exchange`] reads at most [`MAX_HEAD`] bytes and never the content of an answer, and asks with
//! `Expect: 100-continue` (RFC 9110, section 10.1.1) before it hands a body over, so that a caller
//! learns whether the other side took the body before it answered. [`download`] reads the content
//! of a 200 too, up to a limit. No redirect is followed.
//! Time and bytes are also bounded by the stream, see [`crate::net`].

mod content;
mod excerpt;
mod offer;
mod submit;
#[cfg(test)]
mod tests;

use std::time::Duration;

use model::evidence::Item;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::insecure_tls::HandshakeError;
use crate::net;
use crate::text::cut;
pub use excerpt::{EXCERPT_BYTES, EXCERPT_PATIENCE, Excerpt, excerpt};
pub use offer::offer;
pub use submit::submit;

/// Bytes of answer heads that are read, interim answers included.
pub const MAX_HEAD: usize = 32 * 1024;

/// Header lines of one answer head.
pub const MAX_HEADERS: usize = 64;

/// Interim answers (1xx) before the final one.
pub const MAX_INTERIM: usize = 8;

/// How long the other side may think before the body is sent unasked. RFC 9110, section 10.1.1
/// forbids to wait forever, because old servers never say `100 Continue`.
pub const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// One request. It has no `Debug`: its `authorization` may be a secret.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Method: a token (RFC 9110, section 9.1).
    pub method: &'a str,
    /// Path, with the query if there is one.
    pub path: &'a str,
    /// Value of `Host`.
    pub host: &'a str,
    /// Value of `Authorization`; none sends no such header.
    pub authorization: Option<&'a str>,
    /// JSON body; none sends no body.
    pub body: Option<&'a str>,
    /// Further header lines: names and values that hold no secret and no line break.
    pub headers: &'a [(&'a str, &'a str)],
}

/// How a body is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// With `Expect: 100-continue`: the body goes out only when it is asked for, or after a
    /// second of silence.
    AskFirst,
    /// Together with the head.
    Unasked,
}

/// What had become of the body when the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Not a byte of it was sent.
    Kept,
    /// The other side asked for it with `100 Continue`.
    AskedFor,
    /// It was sent without having been asked for.
    Pushed,
}

/// The head of a final answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status, 101 or 200-599; 100 from [`offer`] alone.
    pub status: u16,
    /// What had become of the request's body.
    pub body: Body,
    headers: Vec<(String, Vec<u8>)>,
}

impl Answer {
    /// An answer of which nothing but the status is known, to a request that went out whole.
    pub const fn of_status(status: u16) -> Self {
        Self { status, body: Body::Pushed, headers: Vec::new() }
    }

    /// The values of a header, in the order they came. `name` in lower case.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The first value of a header. `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers(name).next()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The stream gave no answer.
    #[error(transparent)]
    Stream(#[from] HandshakeError),
    /// What came is not HTTP.
    #[error("the answer is not HTTP/1.1: {0}")]
    NotHttp(&'static str),
    /// The head of the answer is larger than [`MAX_HEAD`] or [`MAX_HEADERS`].
    #[error("the head of the answer is longer than {MAX_HEAD} bytes or {MAX_HEADERS} lines")]
    HeadTooLong,
    /// The content of the answer is larger than the caller takes.
    #[error("the answer has more than the {0} bytes that are read")]
    ContentTooLong(u64),
    /// The connection ended inside the content.
    #[error("the answer ends before its content does")]
    ContentCut,
}

impl Failure {
    /// The item that says why a fact is missing.
    pub fn item<T>(&self) -> Item<T> {
        match self {
            Self::Stream(HandshakeError::Network(failure)) => failure.item(),
            Self::Stream(HandshakeError::Alert(_)) => Item::refused(self.to_string()),
            Self::Stream(_) | Self::NotHttp(_) | Self::ContentCut => Item::error(self.to_string()),
            Self::HeadTooLong | Self::ContentTooLong(_) => Item::truncated(self.to_string()),
        }
    }

    /// True if the port refused the connection.
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::Stream(HandshakeError::Network(net::Failure::Refused)))
    }

    /// True if the other side was reached for and gave nothing, or is gone; false where a limit
    /// of ours came first.
    pub const fn is_silence(&self) -> bool {
        use net::Failure::{AnswerTimeout, Closed, ConnectTimeout, Refused, Reset};
        matches!(
            self,
            Self::Stream(HandshakeError::Network(
                Refused | Reset | Closed | ConnectTimeout(_) | AnswerTimeout(_)
            ))
        )
    }

    /// True if there was a connection and it brought something other than HTTP, or an end.
    pub const fn is_other_protocol(&self) -> bool {
        match self {
            Self::Stream(HandshakeError::Network(failure)) => failure.is_end(),
            Self::NotHttp(_) => true,
            Self::Stream(_) | Self::HeadTooLong | Self::ContentTooLong(_) | Self::ContentCut => {
                false
            }
        }
    }
}

impl From<net::Failure> for Failure {
    fn from(failure: net::Failure) -> Self {
        Self::Stream(failure.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Stream(HandshakeError::from(&error))
    }
}

/// Sends `request` over `stream` and reads the head of the answer.
pub async fn exchange<S>(
    stream: &mut S,
    request: &Request<'_>,
    handover: Handover,
) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Wire { stream, input: Vec::new() }.ask(request, handover).await
}

/// Sends `request` over `stream`, which hands its body over unasked, and reads the answer; of an
/// answer other than 200 only the head. The content has at most `most` bytes, as sent: what
/// `Content-Encoding` says is left to the caller.
pub async fn download<S>(
    stream: &mut S,
    request: &Request<'_>,
    most: u64,
) -> Result<(Answer, Vec<u8>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire { stream, input: Vec::new() };
    let answer = wire.ask(request, Handover::Unasked).await?;
    let content = match answer.status {
        200 => wire.content(&answer, most).await?,
        _ => Vec::new(),
    };
    Ok((answer, content))
}

/// As [`download`], but reads the content of every answer, whatever its status. A content that
/// cannot be read whole leaves the head.
pub async fn fetch<S>(
    stream: &mut S,
    request: &Request<'_>,
    most: u64,
) -> Result<(Answer, Result<Vec<u8>, Failure>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire { stream, input: Vec::new() };
    let answer = wire.ask(request, Handover::Unasked).await?;
    let empty = matches!(answer.status, 204 | 304);
    let content = if empty { Ok(Vec::new()) } else { wire.content(&answer, most).await };
    Ok((answer, content))
}

/// True if `text` may stand in a request line or a header value: visible ASCII, and spaces where
/// `spaces` says so. Anything else could start a line of its own.
pub fn is_plain(text: &str, spaces: bool) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() || (spaces && b == b' '))
}

/// The value of `Host` (RFC 9110, section 7.2): a DNS name or IP address, and the port unless it
/// is the default one.
pub fn authority(name: &str, port: u16, default_port: u16) -> String {
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    if port == default_port { name } else { format!("{name}:{port}") }
}

/// What a `Location` header names, without query and fragment, which may change with every answer
/// and may hold a secret: hostile text, cut.
pub fn place(location: &[u8]) -> String {
    let end = location.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(location.len());
    cut(&location[..end])
}

/// The head of a request whose body has `length` bytes; none has no body.
fn head(request: &Request<'_>, length: Option<u64>, asks: bool) -> String {
    let Request { method, path, host, authorization, headers, .. } = *request;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: plumbline\r\nAccept: */*\r\n\
         Connection: close\r\n"
    );
    if let Some(value) = authorization {
        head.push_str("Authorization: ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        head.push_str("Content-Type: application/json\r\nContent-Length: ");
        head.push_str(&length.to_string());
        head.push_str("\r\n");
    }
    if asks {
        head.push_str("Expect: 100-continue\r\n");
    }
    head.push_str("\r\n");
    head
}

/// The head of one answer, interim or final.
struct Head {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
}

/// A stream with the bytes that were read ahead.
struct Wire<'a, S> {
    stream: &'a mut S,
    input: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<'_, S> {
    /// Sends a request and reads the head of its final answer.
    async fn ask(&mut self, request: &Request<'_>, handover: Handover) -> Result<Answer, Failure> {
        let asks = request.body.is_some() && handover == Handover::AskFirst;
        let length = request.body.map(|body| body.len() as u64);
        let mut message = head(request, length, asks);
        let mut body = Body::Kept;
        if let Some(text) = request.body.filter(|_| !asks) {
            message.push_str(text);
            body = Body::Pushed;
        }
        self.send(message.as_bytes()).await?;

        let mut waits = asks;
        let mut interim = 0;
        loop {
            let next = if waits {
                timeout(CONTINUE_PATIENCE, self.head()).await.ok()
            } else {
                Some(self.head().await)
            };
            match next.transpose()? {
                Some(head) if head.status == 100 && waits => {
                    body = Body::AskedFor;
                    waits = false;
                    self.hand_over(request.body).await;
                }
                Some(head) if head.status < 200 && head.status != 101 => {
                    interim += 1;
                    if interim > MAX_INTERIM {
                        return Err(Failure::NotHttp("interim answers do not end"));
                    }
                }
                Some(Head { status, headers }) => return Ok(Answer { status, body, headers }),
                None => {
                    body = Body::Pushed;
                    waits = false;
                    self.hand_over(request.body).await;
                }
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Sends the body. A failure is left to the next read: the other side may have answered and
    /// closed in the meantime, and then the answer counts.
    async fn hand_over(&mut self, body: Option<&str>) {
        self.send(body.unwrap_or_default().as_bytes()).await.ok();
    }

    /// The next head. Dropping this future loses no bytes.
    async fn head(&mut self) -> Result<Head, Failure> {
        // Heads are cut off the front of `input`, so this bounds all of them together only with
        // the limit on interim answers; each of them alone is bounded here.
        loop {
            if let Some((length, head)) = parse(&self.input)? {
                self.input.drain(..length);
                return Ok(head);
            }
            if self.input.len() >= MAX_HEAD {
                return Err(Failure::HeadTooLong);
            }
            if !self.fill(MAX_HEAD - self.input.len()).await? {
                return Err(if self.input.is_empty() {
                    net::Failure::Closed.into()
                } else {
                    Failure::NotHttp("it ends inside its head")
                });
            }
        }
    }

    /// Reads at most `room` bytes more; false at the end of the stream. Dropping this future
    /// loses no bytes.
    async fn fill(&mut self, room: usize) -> Result<bool, Failure> {
        let mut buffer = [0; 4096];
        let room = buffer.len().min(room);
        let read = self.stream.read(&mut buffer[..room]).await?;
        self.input.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }
}

/// The head at the front of `input` and its length; none while it is not whole.
fn parse(input: &[u8]) -> Result<Option<(usize, Head)>, Failure> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Failure::HeadTooLong),
        Err(httparse::Error::Version) => return Err(Failure::NotHttp("no HTTP/1 version")),
        Err(httparse::Error::Status) => return Err(Failure::NotHttp("no status line")),
        Err(_) => return Err(Failure::NotHttp("a header line is broken")),
    };
    let status = response.code.filter(|code| (100..600).contains(code));
    let status = status.ok_or(Failure::NotHttp("the status is not within 100-599"))?;
    let headers = response
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
        .collect();
    Ok(Some((length, Head { status, headers })))
}
