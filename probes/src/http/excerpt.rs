//! The beginning of an answer's content, for what an error answer says.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::{Answer, Failure, Handover, Request, Wire};

/// Bytes of content that are looked at.
pub const EXCERPT_BYTES: usize = 16 * 1024;

/// How long the content may take to come: an answer that holds its connection open is not waited
/// for.
pub const EXCERPT_PATIENCE: Duration = Duration::from_millis(400);

/// The beginning of a content, as sent: chunks are not put together, and nothing is unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// At most [`EXCERPT_BYTES`].
    pub bytes: Vec<u8>,
    /// True if this is all of it.
    pub whole: bool,
}

/// As [`super::exchange`], and reads the beginning of the content.
pub async fn excerpt<S>(
    stream: &mut S,
    request: &Request<'_>,
    handover: Handover,
) -> Result<(Answer, Excerpt), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire { stream, input: Vec::new() };
    let answer = wire.ask(request, handover).await?;
    let length = answer.header("content-length").and_then(|length| {
        std::str::from_utf8(length).ok().and_then(|length| length.trim().parse::<usize>().ok())
    });
    let chunked = answer.header("transfer-encoding").is_some();
    // A failure or a pause leaves what came before it.
    let ended = timeout(EXCERPT_PATIENCE, wire.begin(length, chunked)).await.unwrap_or(false);
    let kept = length.unwrap_or(EXCERPT_BYTES).min(EXCERPT_BYTES).min(wire.input.len());
    let packed =
        answer.header("content-encoding").is_some_and(|c| !c.eq_ignore_ascii_case(b"identity"));
    wire.input.truncate(kept);
    Ok((answer, Excerpt { bytes: wire.input, whole: ended && !packed }))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<'_, S> {
    /// Reads up to the end or the limit; true if the end came first.
    async fn begin(&mut self, length: Option<usize>, chunked: bool) -> bool {
        loop {
            match length {
                Some(length) if self.input.len() >= length => return length <= EXCERPT_BYTES,
                None if chunked && self.input.ends_with(b"0\r\n\r\n") => return true,
                _ => {}
            }
            if self.input.len() >= EXCERPT_BYTES {
                return false;
            }
            match self.fill(EXCERPT_BYTES - self.input.len()).await {
                Ok(true) => {}
                // The end of the connection is the end of a content without a length.
                Ok(false) => return length.is_none() && !chunked,
                Err(_) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const REQUEST: Request<'static> = Request {
        method: "GET",
        path: "/",
        host: "h",
        authorization: None,
        body: None,
        headers: &[],
    };

    /// What is read of an answer whose connection then stays open, or ends.
    async fn read(answer: &[u8], ends: bool) -> (usize, bool) {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        let answer = answer.to_vec();
        let peer = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                seen.push(theirs.read_u8().await.expect("a whole request"));
            }
            theirs.write_all(&answer).await.expect("room");
            (!ends).then_some(theirs)
        });
        let outcome = excerpt(&mut ours, &REQUEST, Handover::Unasked).await;
        peer.await.expect("the peer ends");
        let (_, excerpt) = outcome.expect("an answer");
        (excerpt.bytes.len(), excerpt.whole)
    }

    #[tokio::test]
    async fn an_excerpt_knows_whether_it_is_all() {
        let long = [&b"HTTP/1.1 500 No\r\n\r\n"[..], &[b'x'; 20_000]].concat();
        let chunks = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n";
        let packed = b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na";
        for (answer, ends, bytes, whole) in [
            (&b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nabcde"[..], false, 3, true),
            (b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc", false, 3, false),
            (b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc", true, 3, false),
            (b"HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\nabc", false, 3, false),
            (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false, 0, true),
            (b"HTTP/1.1 500 No\r\n\r\nabc", false, 3, false),
            (b"HTTP/1.1 500 No\r\n\r\nabc", true, 3, true),
            (&[&chunks[..], b"1\r\na\r\n0\r\n\r\n"].concat(), false, 11, true),
            (&[&chunks[..], b"FFFFFFF\r\na"].concat(), false, 10, false),
            (packed, false, 1, false),
            (&long, false, EXCERPT_BYTES, false),
        ] {
            let head = String::from_utf8_lossy(&answer[..60.min(answer.len())]);
            assert_eq!(read(answer, ends).await, (bytes, whole), "{head}");
        }
    }
}
