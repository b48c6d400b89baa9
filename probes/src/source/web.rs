//! Reading a `url` source: one gentle GET that carries nothing but the address.
//!
//! The server is held to the trust anchors of this machine, not to those of the target: the target
//! declares whom its devices trust, and may declare that very bundle by an address. No redirect is
//! followed, no credential is sent, and nothing is unpacked; bytes and time are bounded.

use std::time::Duration;

use model::document::Address;
use model::evidence::TrustFault;
use rustls::RootCertStore;

use super::MAX_BYTES;
use crate::http::{self, Answer, Failure, Request};
use crate::insecure_tls::HandshakeError;
use crate::net::{self, Connection, Dialer, Limits};
use crate::text::cut;
use crate::verified_tls::{Refusal, Verifier};

/// What one reading may spend. The bytes of the connection leave room for what TLS and chunks
/// add; the content itself is bounded by [`MAX_BYTES`].
const LIMITS: Limits = Limits {
    connections: 1,
    at_once: 1,
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(30),
    total: Duration::from_secs(30),
    bytes: 2 * MAX_BYTES,
};

/// Why an address gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// The address is none that is read.
    #[error("{0}")]
    Address(String),
    /// Nobody can be trusted.
    #[error("this machine has no trust anchors; name a PEM file with some in `SSL_CERT_FILE`")]
    NoAnchors,
    /// The server did not prove who it is.
    #[error("{}", untrusted(*.0))]
    Untrusted(TrustFault),
    /// There was no answer, or none that could be read whole.
    #[error(transparent)]
    Http(#[from] Failure),
    /// The answer points elsewhere.
    #[error("it answers {status} and points to `{to}`; declare the address that it leads to")]
    Redirect {
        /// 300-399.
        status: u16,
        /// Where to, without a query, cut.
        to: String,
    },
    /// The answer is none of the expected ones.
    #[error("it answers {0}, expected 200")]
    Status(u16),
    /// The answer is packed, though that was not asked for.
    #[error("it is packed as `{0}`, which was not asked for; declare one that is not")]
    Packed(String),
}

impl From<net::Failure> for WebError {
    fn from(failure: net::Failure) -> Self {
        Self::Http(failure.into())
    }
}

impl From<Refusal> for WebError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Untrusted(fault) => Self::Untrusted(fault),
            Refusal::Handshake(error) => Self::Http(error.into()),
        }
    }
}

/// The bytes at an address, at most [`MAX_BYTES`].
pub async fn read(url: &str) -> Result<Vec<u8>, WebError> {
    read_within(url, anchors, LIMITS).await
}

pub(super) async fn read_within(
    url: &str,
    anchors: impl FnOnce() -> RootCertStore,
    limits: Limits,
) -> Result<Vec<u8>, WebError> {
    let address = Address::of_source(url).map_err(WebError::Address)?;
    let secure = address.scheme == "https";
    let default_port = if secure { 443 } else { 80 };
    let port = address.port.unwrap_or(default_port);
    let host = http::authority(address.host, port, default_port);
    let path = address.request_path();
    let request = Request {
        method: "GET",
        path: &path,
        host: &host,
        authorization: None,
        body: None,
        headers: &[],
    };
    // Before anything is contacted.
    let verifier = if secure { Some(verifier(anchors(), address.host)?) } else { None };

    let mut connection = Dialer::to(address.host, port, limits).connect().await?;
    let (answer, content) = match verifier {
        Some(verifier) => over_tls(connection, &verifier, &request).await?,
        None => http::download(&mut connection, &request, MAX_BYTES).await?,
    };
    judge(&answer)?;
    Ok(content)
}

async fn over_tls(
    connection: Connection,
    verifier: &Verifier,
    request: &Request<'_>,
) -> Result<(Answer, Vec<u8>), WebError> {
    let mut stream = verifier.connect(connection, None).await.outcome?;
    Ok(http::download(&mut stream, request, MAX_BYTES).await?)
}

fn verifier(anchors: RootCertStore, host: &str) -> Result<Verifier, WebError> {
    if anchors.is_empty() {
        return Err(WebError::NoAnchors);
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    Verifier::new(anchors, host, &[])
        .map_err(|reason| Failure::from(HandshakeError::Protocol(reason)).into())
}

/// The trust anchors of this machine; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. What cannot
/// be read among them vouches for nobody.
fn anchors() -> RootCertStore {
    let mut anchors = RootCertStore::empty();
    anchors.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    anchors
}

fn judge(answer: &Answer) -> Result<(), WebError> {
    match answer.status {
        200 => {}
        status @ 300..=399 => {
            let to = answer.header("location").map(http::place).unwrap_or_default();
            return Err(WebError::Redirect { status, to });
        }
        status => return Err(WebError::Status(status)),
    }
    match answer
        .headers("content-encoding")
        .find(|coding| !coding.eq_ignore_ascii_case(b"identity"))
    {
        Some(coding) => Err(WebError::Packed(cut(coding))),
        None => Ok(()),
    }
}

fn untrusted(fault: TrustFault) -> &'static str {
    match fault {
        TrustFault::UnknownIssuer => {
            "no trust anchor of this machine vouches for its certificate; name a PEM file with one \
             in `SSL_CERT_FILE`"
        }
        TrustFault::WrongName => "its certificate does not carry the name of the host",
        TrustFault::Expired => "its certificate has expired",
        TrustFault::NotYetValid => "its certificate is not valid yet",
        TrustFault::UnpinnedKey | TrustFault::Other => "its certificate cannot be trusted",
    }
}
