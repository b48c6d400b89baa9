//! A body that is no JSON, handed over unasked.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answer, Body, Failure, Head, MAX_INTERIM, Request, Wire, head};

/// As [`super::download`], with octets of some kind as the body; `request` names none.
pub async fn submit<S>(
    stream: &mut S,
    request: &Request<'_>,
    kind: &str,
    body: &[u8],
    most: u64,
) -> Result<(Answer, Vec<u8>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let length = body.len().to_string();
    let own = [("Content-Type", kind), ("Content-Length", length.as_str())];
    let headers = [request.headers, &own].concat();
    let head = head(&Request { headers: &headers, ..*request }, None, false);
    let mut wire = Wire { stream, input: Vec::new() };
    wire.send(&[head.as_bytes(), body].concat()).await?;
    for _ in 0..=MAX_INTERIM {
        let Head { status, headers } = wire.head().await?;
        if status < 200 && status != 101 {
            continue;
        }
        let answer = Answer { status, body: Body::Pushed, headers };
        let content = match status {
            200 => wire.content(&answer, most).await?,
            _ => Vec::new(),
        };
        return Ok((answer, content));
    }
    Err(Failure::NotHttp("interim answers do not end"))
}
