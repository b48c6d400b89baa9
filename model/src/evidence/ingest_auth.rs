//! `ingest_auth.v1`: how an ingest edge answers requests with and without a credential.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClientCertificate, Contract, Item};
use crate::check::CheckId;

/// The contract `ingest_auth.v1`.
pub struct IngestAuth;

impl Contract for IngestAuth {
    const CHECK: CheckId = CheckId::IngestAuth;
    const VERSION: u32 = 1;
    type Stable = IngestAuthStable;
    type Volatile = IngestAuthVolatile;
}

/// What an answer means for the one question "was the request let in?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// 2xx: let in.
    Accepted,
    /// Turned away for want of a credential, or for the wrong one: 401 or 403; where the server
    /// asks for a client certificate also a TLS alert about it, 495 or 496 as nginx names it, and
    /// 400 before any byte of the body was sent.
    Denied,
    /// 3xx before any byte of the body was sent: sent elsewhere, nothing taken.
    Redirected,
}

/// What a plaintext request met, from best to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlainOutcome {
    /// The connection was refused, or the port does not speak plaintext HTTP.
    NotSpoken,
    /// Answered that nothing takes this request there: 404, 405, 410, 421, 426, 501 or 505.
    Rejected,
    /// Answered with a redirect before any byte of the body was sent.
    Redirected,
    /// Asked for another credential, in plaintext: 401 or 403.
    Challenged,
    /// Took the body and then answered with a redirect.
    RedirectedAfterBody,
    /// Answered 2xx, or looked at the body that it had taken: 400, 413, 415 or 422.
    Accepted,
}

/// What the health endpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// 2xx.
    Healthy,
    /// 5xx, or no answer after the endpoint had been healthy.
    Unhealthy,
}

/// Why a certificate chain is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrustFault {
    /// No path leads to one of the target's anchors.
    UnknownIssuer,
    /// The certificate does not carry the name of the host.
    WrongName,
    /// A certificate on the path has expired.
    Expired,
    /// A certificate on the path is not valid yet.
    NotYetValid,
    /// The key is none of those that the target pins.
    UnpinnedKey,
    /// Anything else that a verifier refuses.
    Other,
}

/// Items that rules read. A request's `access` is observed only where the status decides it:
/// a 400 before authentication, a redirect after the body, a 429 or a 5xx leaves it undecided with
/// the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestAuthStable {
    /// Declared protocol of the endpoint: `http` or `https`.
    #[serde(rename = "/endpoint/protocol")]
    pub endpoint_protocol: Item<String>,
    /// `host:port` as declared.
    #[serde(rename = "/endpoint/address")]
    pub endpoint_address: Item<String>,
    /// Request method.
    #[serde(rename = "/endpoint/method")]
    pub endpoint_method: Item<String>,
    /// Request path.
    #[serde(rename = "/endpoint/path")]
    pub endpoint_path: Item<String>,

    /// `host:port` that the plaintext items speak of: the worse of the endpoint's own port and
    /// the declared plaintext port.
    #[serde(rename = "/plain/address")]
    pub plain_address: Item<String>,
    /// What became of a plaintext HTTP request with a fake token.
    #[serde(rename = "/plain/outcome")]
    pub plain_outcome: Item<PlainOutcome>,
    /// Status of the answer to it.
    #[serde(rename = "/plain/response/status")]
    pub plain_status: Item<u16>,
    /// Whether the body was handed over before the final answer.
    #[serde(rename = "/plain/response/body_sent")]
    pub plain_body_sent: Item<bool>,
    /// Target of a redirect without its query, if there was one: hostile text, cut at 160 bytes.
    #[serde(rename = "/plain/response/location")]
    pub plain_location: Item<Option<String>>,

    /// TLS version negotiated on the endpoint, `TLSv1.2` or `TLSv1.3`.
    #[serde(rename = "/tls/version")]
    pub tls_version: Item<String>,
    /// Whether the presented chain leads to the target's own trust anchors and names the host.
    #[serde(rename = "/tls/trusted")]
    pub tls_trusted: Item<bool>,
    /// Why it does not; nothing where it does.
    #[serde(rename = "/tls/fault")]
    pub tls_fault: Item<Option<TrustFault>>,

    /// What becomes of a client without a certificate, as the request without a credential met it.
    #[serde(rename = "/tls/client_certificate")]
    pub tls_client_certificate: Item<ClientCertificate>,

    /// Request without an `Authorization` header and without a client certificate.
    #[serde(rename = "/anonymous/access")]
    pub anonymous_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/anonymous/response/status")]
    pub anonymous_status: Item<u16>,
    /// Schemes of the `WWW-Authenticate` headers of that answer, sorted, joined by `, `.
    #[serde(rename = "/anonymous/response/www_authenticate")]
    pub anonymous_challenge: Item<Option<String>>,
    /// Whether the body was handed over before that answer.
    #[serde(rename = "/anonymous/response/body_sent")]
    pub anonymous_body_sent: Item<bool>,

    /// Request with a malformed `Authorization` header.
    #[serde(rename = "/malformed/access")]
    pub malformed_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/malformed/response/status")]
    pub malformed_status: Item<u16>,

    /// Request with a scheme that the edge does not use.
    #[serde(rename = "/wrong_scheme/access")]
    pub wrong_scheme_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/wrong_scheme/response/status")]
    pub wrong_scheme_status: Item<u16>,

    /// Request with a well-formed random token.
    #[serde(rename = "/random/access")]
    pub random_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/random/response/status")]
    pub random_status: Item<u16>,

    /// How the declared credential is presented: `bearer`, `basic` or `clientCertificate`, or one
    /// of the first two `and clientCertificate`.
    #[serde(rename = "/credential/kind")]
    pub credential_kind: Item<String>,
    /// Request with the declared credential; only ever over TLS with a trusted chain.
    #[serde(rename = "/credential/access")]
    pub credential_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/credential/response/status")]
    pub credential_status: Item<u16>,

    /// Health before the requests.
    #[serde(rename = "/health/before")]
    pub health_before: Item<Health>,
    /// Health after the requests.
    #[serde(rename = "/health/after")]
    pub health_after: Item<Health>,

    /// Connections that were opened.
    #[serde(rename = "/connections")]
    pub connections: Item<u32>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestAuthVolatile {
    /// `Server` header of the first answer: hostile text, cut at 160 bytes.
    #[serde(rename = "/server")]
    pub server: Item<Option<String>>,
    /// `Date` header of the first answer.
    #[serde(rename = "/date")]
    pub date: Item<Option<String>>,
}
