//! The least of HTTP/2 (RFC 9113): one request on one stream, and the status of its answer.
//!
//! Nothing is unpacked beyond the first field of the answer, which a server must begin with
//! (`:status`, section 8.3.2), so no compression state is kept and no bomb can go off. What is
//! read is bounded here by [`MAX_FRAMES`], and in time and bytes by the stream.

mod hpack;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::http::{Failure, MAX_INTERIM, Request};

/// What HTTP/2 over TLS is called in ALPN (RFC 9113, section 3.2).
pub const ALPN: &[u8] = b"h2";

/// Frames that are read before the answer.
pub const MAX_FRAMES: usize = 64;

/// Longest body that is sent: one frame of the size that every peer takes (section 4.2), which is
/// also within every initial window (section 6.9.2).
pub const MAX_BODY: usize = 16_384;

/// What a client says first (section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Largest payload that a peer may send unless it is told otherwise (section 6.5.2).
const MAX_PAYLOAD: usize = 16_384;

/// Types of frames (section 6).
mod frame {
    pub const DATA: u8 = 0x0;
    pub const HEADERS: u8 = 0x1;
    pub const RST_STREAM: u8 = 0x3;
    pub const SETTINGS: u8 = 0x4;
    pub const PING: u8 = 0x6;
    pub const GOAWAY: u8 = 0x7;
}

/// Flags of frames (section 6).
mod flag {
    pub const ACK: u8 = 0x1;
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

/// Sends `request` over a TLS stream on which `h2` was agreed on, and reads the final status.
pub async fn status<S>(stream: &mut S, request: &Request<'_>) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let body = request.body.unwrap_or_default().as_bytes();
    if body.len() > MAX_BODY {
        return Err(Failure::NotHttp("the body is too long for one frame"));
    }
    let mut message = PREFACE.to_vec();
    message.extend(encode(frame::SETTINGS, 0, 0, &[]));
    let ends = if body.is_empty() { flag::END_STREAM } else { 0 };
    message.extend(encode(frame::HEADERS, flag::END_HEADERS | ends, 1, &hpack::request(request)));
    if !body.is_empty() {
        message.extend(encode(frame::DATA, flag::END_STREAM, 1, body));
    }
    stream.write_all(&message).await?;
    stream.flush().await?;

    let mut interim = 0;
    for _ in 0..MAX_FRAMES {
        let Frame { kind, flags, stream: id, payload } = Frame::read(stream).await?;
        let reply = match (kind, id) {
            (frame::SETTINGS, 0) if flags & flag::ACK == 0 => {
                encode(frame::SETTINGS, flag::ACK, 0, &[])
            }
            (frame::PING, 0) if flags & flag::ACK == 0 => {
                encode(frame::PING, flag::ACK, 0, &payload)
            }
            (frame::HEADERS, 1) => {
                let status = fields(flags, &payload).and_then(hpack::status);
                let status = status.ok_or(Failure::NotHttp("its first field is no status"))?;
                if status >= 200 {
                    return Ok(status);
                }
                interim += 1;
                if interim > MAX_INTERIM {
                    return Err(Failure::NotHttp("interim answers do not end"));
                }
                continue;
            }
            (frame::RST_STREAM, 1) => return Err(Failure::NotHttp("the stream was reset")),
            (frame::GOAWAY, 0) => return Err(Failure::NotHttp("the connection was given up")),
            _ => continue,
        };
        // The other side may have answered and closed: then the answer counts, not this failure.
        if stream.write_all(&reply).await.is_ok() {
            stream.flush().await.ok();
        }
    }
    Err(Failure::NotHttp("frames without an answer do not end"))
}

/// One frame.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Self, Failure> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if length > MAX_PAYLOAD {
            return Err(Failure::NotHttp("a frame is longer than it may be"));
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        Ok(Self { kind, flags, stream: u32::from_be_bytes(id) & 0x7fff_ffff, payload })
    }
}

fn encode(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("payloads are bounded by MAX_BODY");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The field block of a HEADERS frame without padding and priority (section 6.2).
fn fields(flags: u8, payload: &[u8]) -> Option<&[u8]> {
    let (padding, block) = match flags & flag::PADDED {
        0 => (0, payload),
        _ => payload.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
    };
    let block = if flags & flag::PRIORITY == 0 { block } else { block.get(5..)? };
    block.get(..block.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const REQUEST: Request<'static> = Request {
        method: "POST",
        path: "/v1/ingest",
        host: "edge.example",
        authorization: None,
        body: Some("{}"),
        headers: &[],
    };

    fn headers(block: &[u8]) -> Vec<u8> {
        encode(frame::HEADERS, flag::END_HEADERS, 1, block)
    }

    async fn answered(frames: &[Vec<u8>]) -> (Result<u16, Failure>, Vec<u8>) {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(&frames.concat()).await.expect("room");
        theirs.shutdown().await.expect("an end");
        let outcome = status(&mut ours, &REQUEST).await;
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.expect("bytes");
        (outcome, sent)
    }

    #[tokio::test]
    async fn the_status_is_the_first_field_of_the_first_final_answer() {
        let settings = encode(frame::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
        let (outcome, sent) =
            answered(&[settings.clone(), headers(b"\x48\x03100"), headers(b"\x48\x03401")]).await;
        assert_eq!(outcome, Ok(401));
        assert!(sent.starts_with(PREFACE) && sent.ends_with(&[0, 0, 0, 4, 1, 0, 0, 0, 0]));
        let body = encode(frame::DATA, flag::END_STREAM, 1, b"{}");
        assert!(sent.windows(body.len()).any(|part| part == body));

        let padded = [&[2][..], &[0; 5], b"\x88", &[0, 0]].concat();
        let flags = flag::END_HEADERS | flag::PADDED | flag::PRIORITY;
        let (outcome, _) = answered(&[encode(frame::HEADERS, flags, 1, &padded)]).await;
        assert_eq!(outcome, Ok(200));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_a_failure() {
        let not_http = |why| Err(Failure::NotHttp(why));
        let padding = encode(frame::HEADERS, flag::PADDED, 1, &[9, 0x88]);
        for (frames, why) in [
            (vec![headers(b"")], "its first field is no status"),
            (vec![padding], "its first field is no status"),
            (vec![headers(b"\x83")], "its first field is no status"),
            (vec![encode(frame::GOAWAY, 0, 0, &[0; 8])], "the connection was given up"),
            (vec![encode(frame::RST_STREAM, 0, 1, &[0; 4])], "the stream was reset"),
            (vec![vec![0xff; 9]], "a frame is longer than it may be"),
            (vec![headers(b"\x48\x03100"); 20], "interim answers do not end"),
            (vec![encode(0x20, 0, 7, b"new"); 80], "frames without an answer do not end"),
            (vec![encode(frame::PING, 0, 0, &[7; 8]); 80], "frames without an answer do not end"),
        ] {
            assert_eq!(answered(&frames).await.0, not_http(why));
        }
        let cut = answered(&[b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]).await.0;
        assert_eq!(cut, not_http("a frame is longer than it may be"));
        assert!(answered(&[vec![0, 0, 4, 4]]).await.0.is_err_and(|f| f.is_silence()));
    }
}
