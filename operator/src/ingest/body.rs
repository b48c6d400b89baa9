//! The body of an upload: bounded on the wire and unpacked, and held to its digest.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use engine::contract::MAX_DOCUMENT;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use sha2::{Digest as _, Sha256};

use super::Refusal;

/// Largest body on the wire, packed or not.
const MAX_WIRE: usize = MAX_DOCUMENT;
/// How long a body may take to arrive: the largest one at 280 kB a second.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Longest body that needs no turn of its own. Most documents have some kilobytes.
pub(super) const LARGE: u64 = 256 * 1024;

/// True for a body that is long, or whose length is not known: packed, or in chunks.
pub(super) fn is_large(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let short = length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|l| l <= LARGE);
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    !(short && plain)
}

/// The document's bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("a document has at most {MAX_DOCUMENT} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let arrival = tokio::time::timeout(ARRIVAL, Limited::new(body, MAX_WIRE).collect()).await;
    let Ok(arrived) = arrival else {
        let message = "the body took too long to arrive";
        return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow", message));
    };
    let wire = match arrived {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "cut_off", "the body ended early"));
        }
    };
    check_digest(headers, &wire)?;
    match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
        // Without a copy: nobody else holds these bytes.
        None | Some(b"identity") => Ok(wire.into()),
        Some(b"gzip") => unpack(&wire).ok_or_else(too_large)?.map_err(|reason| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "encoding",
                format!("the body is no gzip: {reason}"),
            )
        }),
        Some(_) => {
            let message = "the body is packed in a way that is not taken; use gzip or none";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding", message))
        }
    }
}

/// `Content-Digest` of RFC 9530, section 2: over the bytes on the wire.
fn check_digest(headers: &HeaderMap, wire: &Bytes) -> Result<(), Refusal> {
    let said = headers.get("content-digest").and_then(|value| value.to_str().ok());
    let Some(said) = said else {
        let message = "a document comes with Content-Digest: sha-256=:...:";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "digest", message));
    };
    let found = content_digest(wire);
    if said.split(',').any(|part| part.trim() == found) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::BAD_REQUEST, "digest", format!("the body's digest is {found}")))
}

/// The value of `Content-Digest` for a body.
fn content_digest(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes));
    format!("sha-256=:{digest}:")
}

/// The unpacked bytes; none if there are too many.
fn unpack(wire: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_DOCUMENT).unwrap_or(u64::MAX) + 1;
    let read = flate2::read::GzDecoder::new(wire).take(limit).read_to_end(&mut bytes);
    if bytes.len() > MAX_DOCUMENT {
        return None;
    }
    Some(read.map(|_| bytes).map_err(|error| error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn reason(
        bytes: Vec<u8>,
        digest: Option<String>,
        encoding: Option<&str>,
    ) -> &'static str {
        let mut headers = HeaderMap::new();
        if let Some(digest) = digest {
            headers.insert("content-digest", digest.parse().unwrap());
        }
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        }
        match read(&headers, Body::from(bytes)).await {
            Ok(_) => "taken",
            Err(refusal) => refusal.reason,
        }
    }

    #[tokio::test]
    async fn a_body_is_held_to_its_digest() {
        let bytes = b"{}".to_vec();
        // RFC 9530, appendix B.1 has this digest for `{"hello": "world"}` and a line break.
        assert_eq!(
            content_digest(b"{\"hello\": \"world\"}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
        assert_eq!(reason(bytes.clone(), Some(content_digest(b"{}")), None).await, "taken");
        assert_eq!(reason(bytes.clone(), Some(content_digest(b"{ }")), None).await, "digest");
        assert_eq!(reason(bytes, None, None).await, "digest");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_given_up() {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let refusal = read(&HeaderMap::new(), never).await.map(drop).map_err(|r| r.reason);
        assert_eq!(refusal, Err("slow"));
    }

    #[tokio::test]
    async fn a_body_that_unpacks_to_too_much_is_refused_before_it_is_held() {
        let bomb = packed(&vec![0; MAX_DOCUMENT + 1]);
        assert!(bomb.len() < 64 * 1024, "{}", bomb.len());
        let digest = content_digest(&bomb);
        assert_eq!(reason(bomb, Some(digest), Some("gzip")).await, "too_large");
        let fits = packed(&vec![b' '; MAX_DOCUMENT]);
        let digest = content_digest(&fits);
        assert_eq!(reason(fits, Some(digest), Some("gzip")).await, "taken");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_on_the_wire_or_oddly_packed_is_refused() {
        let large = vec![b' '; MAX_WIRE + 1];
        let digest = content_digest(&large);
        assert_eq!(reason(large, Some(digest), None).await, "too_large");
        let bytes = b"{}".to_vec();
        let digest = Some(content_digest(&bytes));
        assert_eq!(reason(bytes.clone(), digest.clone(), Some("br")).await, "encoding");
        assert_eq!(reason(bytes, digest, Some("gzip")).await, "encoding");
    }
}
