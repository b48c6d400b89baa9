//! The content of an answer: how long it is (RFC 9112, section 6.3), and its bytes.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answer, Failure, Wire};

/// Longest line that begins a chunk, in bytes: a size in hexadecimal, and extensions that nobody
/// uses.
const MAX_CHUNK_LINE: usize = 1024;

/// How the end of a content is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// After so many bytes.
    Length(u64),
    /// In chunks, the last one empty.
    Chunked,
    /// With the connection.
    Close,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<'_, S> {
    /// The content behind the head that was read last, at most `most` bytes.
    pub(super) async fn content(&mut self, answer: &Answer, most: u64) -> Result<Vec<u8>, Failure> {
        match framing(answer)? {
            Framing::Length(length) => self.take(length, most).await,
            Framing::Chunked => self.chunks(most).await,
            Framing::Close => self.rest(most).await,
        }
    }

    /// The next `length` bytes.
    async fn take(&mut self, length: u64, most: u64) -> Result<Vec<u8>, Failure> {
        let too_long = Failure::ContentTooLong(most);
        let length = usize::try_from(length).map_err(|_| too_long.clone())?;
        if size(length) > most {
            return Err(too_long);
        }
        while self.input.len() < length {
            let missing = length - self.input.len();
            self.more(missing).await?;
        }
        Ok(self.input.drain(..length).collect())
    }

    /// Chunks up to the empty one (RFC 9112, section 7.1). Trailers are not read.
    async fn chunks(&mut self, most: u64) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        loop {
            let length = self.chunk_size().await?;
            if length == 0 {
                return Ok(content);
            }
            let left = most - size(content.len());
            let chunk = self.take(length, left).await.map_err(|failure| match failure {
                Failure::ContentTooLong(_) => Failure::ContentTooLong(most),
                other => other,
            })?;
            content.extend(chunk);
            if self.take(2, 2).await? != b"\r\n" {
                return Err(Failure::NotHttp("a chunk does not end where it says"));
            }
        }
    }

    async fn chunk_size(&mut self) -> Result<u64, Failure> {
        loop {
            match httparse::parse_chunk_size(&self.input) {
                Ok(httparse::Status::Complete((line, length))) => {
                    self.input.drain(..line);
                    return Ok(length);
                }
                Ok(httparse::Status::Partial) if self.input.len() < MAX_CHUNK_LINE => {
                    self.more(MAX_CHUNK_LINE).await?;
                }
                _ => return Err(Failure::NotHttp("the size of a chunk is broken")),
            }
        }
    }

    /// Everything up to the end of the stream.
    async fn rest(&mut self, most: u64) -> Result<Vec<u8>, Failure> {
        loop {
            if size(self.input.len()) > most {
                return Err(Failure::ContentTooLong(most));
            }
            if !self.fill(usize::MAX).await? {
                return Ok(std::mem::take(&mut self.input));
            }
        }
    }

    async fn more(&mut self, room: usize) -> Result<(), Failure> {
        if self.fill(room).await? { Ok(()) } else { Err(Failure::ContentCut) }
    }
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn framing(answer: &Answer) -> Result<Framing, Failure> {
    let mut codings = answer.headers("transfer-encoding");
    if let Some(coding) = codings.next() {
        let only = codings.next().is_none() && coding.eq_ignore_ascii_case(b"chunked");
        return if only {
            Ok(Framing::Chunked)
        } else {
            Err(Failure::NotHttp("it is transferred in a coding that was not asked for"))
        };
    }
    let mut lengths = answer.headers("content-length");
    let Some(first) = lengths.next() else { return Ok(Framing::Close) };
    if lengths.any(|other| other != first) {
        return Err(Failure::NotHttp("it says two lengths"));
    }
    let digits = !first.is_empty() && first.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(first).ok().filter(|_| digits);
    // More digits than fit are a length too, and one that nobody reads.
    length
        .map(|text| Framing::Length(text.parse().unwrap_or(u64::MAX)))
        .ok_or(Failure::NotHttp("its length is no number"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::super::{Request, download};
    use super::*;

    const REQUEST: Request<'static> = Request {
        method: "GET",
        path: "/",
        host: "h",
        authorization: None,
        body: None,
        headers: &[],
    };

    /// What a client that takes ten bytes makes of an answer that comes in small pieces.
    async fn read(answer: &'static [u8]) -> Result<String, Failure> {
        let (mut ours, mut theirs) = duplex(16);
        let peer = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                seen.push(theirs.read_u8().await.expect("a whole request"));
            }
            theirs.write_all(answer).await.ok();
        });
        let outcome = download(&mut ours, &REQUEST, 10).await;
        drop(ours);
        peer.await.expect("the peer ends");
        outcome.map(|(answer, content)| {
            format!("{} {}", answer.status, String::from_utf8_lossy(&content))
        })
    }

    #[tokio::test]
    async fn content_ends_where_its_framing_says() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n",
            b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhello",
        ] {
            assert_eq!(read(answer).await, Ok("200 hello".to_owned()));
        }
        let empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read(empty).await, Ok("200 ".to_owned()));
    }

    #[tokio::test]
    async fn content_of_any_other_answer_is_not_read() {
        for answer in [
            &b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"[..],
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 99999\r\n\r\n",
        ] {
            assert!(read(answer).await.is_ok_and(|seen| seen.ends_with(' ')));
        }
    }

    #[tokio::test]
    async fn content_beyond_the_limit_is_given_up() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nhello world",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        ] {
            assert_eq!(read(answer).await, Err(Failure::ContentTooLong(10)));
        }
        let just =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read(just).await, Ok("200 0123456789".to_owned()));
    }

    #[tokio::test]
    async fn content_that_ends_early_is_never_taken_for_whole() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
        ] {
            assert_eq!(read(answer).await, Err(Failure::ContentCut));
        }
    }

    #[tokio::test]
    async fn framing_that_is_broken_is_no_http() {
        for head in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
        ] {
            assert!(matches!(read(head).await, Err(Failure::NotHttp(_))));
        }
    }

    #[tokio::test]
    async fn the_line_of_a_chunk_has_an_end() {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;")
            .await
            .expect("write");
        theirs.write_all(&[b'a'; 4096]).await.expect("write");
        let outcome = download(&mut ours, &REQUEST, 10).await;
        assert_eq!(outcome.err(), Some(Failure::NotHttp("the size of a chunk is broken")));
    }
}
