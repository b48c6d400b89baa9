//! The offer of a body that is never sent: what the other side says to its length alone.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::{Answer, Body, CONTINUE_PATIENCE, Failure, MAX_INTERIM, Request, Wire, head};
use crate::net;

/// Sends the head of `request` with a `Content-Length` of `length` and `Expect: 100-continue`, and
/// reads what comes: a final answer, or `100 Continue`, which is given as an answer of its own.
/// Silence for [`CONTINUE_PATIENCE`] is a failure. No byte of a body is ever sent, so the
/// connection must be closed afterwards.
pub async fn offer<S>(stream: &mut S, request: &Request<'_>, length: u64) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire { stream, input: Vec::new() };
    wire.send(head(request, Some(length), true).as_bytes()).await?;
    for _ in 0..=MAX_INTERIM {
        let silent = net::Failure::AnswerTimeout(CONTINUE_PATIENCE);
        let head = timeout(CONTINUE_PATIENCE, wire.head()).await.map_err(|_| silent)??;
        if head.status < 102 || head.status >= 200 {
            return Ok(Answer { status: head.status, body: Body::Kept, headers: head.headers });
        }
    }
    Err(Failure::NotHttp("interim answers do not end"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const REQUEST: Request<'static> = Request {
        method: "POST",
        path: "/",
        host: "h",
        authorization: None,
        body: None,
        headers: &[],
    };

    /// What is made of an answer, and everything that was sent.
    async fn offered(answer: &'static [u8]) -> (Result<u16, Failure>, String) {
        let (mut ours, mut theirs) = duplex(4096);
        theirs.write_all(answer).await.expect("room");
        let outcome = offer(&mut ours, &REQUEST, 1_000_000).await.map(|answer| answer.status);
        drop(ours);
        let mut sent = String::new();
        theirs.read_to_string(&mut sent).await.expect("text");
        (outcome, sent)
    }

    #[tokio::test]
    async fn the_length_alone_is_told_and_no_byte_of_a_body_is_sent() {
        for (answer, status) in [
            (&b"HTTP/1.1 413 Too Large\r\n\r\n"[..], 413),
            (b"HTTP/1.1 100 Continue\r\n\r\n", 100),
            (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 No\r\n\r\n", 401),
        ] {
            let (outcome, sent) = offered(answer).await;
            assert_eq!(outcome, Ok(status));
            assert!(sent.contains("Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"));
            assert!(sent.ends_with("\r\n\r\n"), "{sent}");
        }
    }

    #[tokio::test]
    async fn silence_ends_the_offer() {
        let (outcome, sent) = offered(b"").await;
        assert!(outcome.is_err_and(|failure| failure.is_silence()));
        assert!(sent.ends_with("\r\n\r\n"), "{sent}");
    }

    #[tokio::test]
    async fn interim_answers_without_end_are_given_up() {
        let (outcome, _) = offered(&b"HTTP/1.1 102 Wait\r\n\r\n".repeat(20).leak()[..]).await;
        assert_eq!(outcome, Err(Failure::NotHttp("interim answers do not end")));
    }
}
