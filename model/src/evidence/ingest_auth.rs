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

/// What an edge did with a request that it should not take as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intake {
    /// 2xx, or `100 Continue` where the length alone is too much.
    Accepted,
    /// Turned away for what it is: 400, 406, 411, 413, 415 or 422; 409 for a repetition.
    Rejected,
}

/// What an edge did with a message that it had taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repetition {
    /// 2xx with the same status as the first time: nothing shows that it was known.
    Accepted,
    /// 2xx with another status than the first time, such as 200 after 201 or 202.
    Recognised,
    /// 409 or another refusal of what it is.
    Rejected,
}

/// Whether a device can write in the name of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceBinding {
    /// Its canary under its own id was taken, and the one under the other's id was not.
    Bound,
    /// Both were taken.
    NotBound,
}

/// Where a redirect of an HTTPS endpoint leads.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RedirectTarget {
    /// No request was answered with a redirect.
    None,
    /// To the same host and port over TLS.
    SameOrigin,
    /// To another host or port over TLS.
    OtherOrigin,
    /// To plaintext.
    Plaintext,
}

/// What a browser is told about a foreign origin (Fetch Standard, section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorsOrigin {
    /// Nothing: the browser keeps the answer from the page.
    None,
    /// `*`: every page may read, and none with the user's credentials.
    Wildcard,
    /// The made-up origin itself.
    Reflected,
    /// Another origin.
    Other,
}

/// What an error answer tells about the inside of the edge.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Leak {
    /// Calls with files and lines.
    StackTrace,
    /// A path of the machine.
    FilePath,
    /// A product with its version.
    SoftwareVersion,
    /// A complaint of a database.
    DatabaseError,
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

    /// Whether `params.expiredToken` names a credential.
    #[serde(rename = "/expired/declared", default = "super::not_asked::<bool>")]
    pub expired_declared: Item<bool>,
    /// Request with the token of the operator that has expired; sent as the declared credential is.
    #[serde(rename = "/expired/access", default = "super::not_asked::<Access>")]
    pub expired_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/expired/response/status", default = "super::not_asked::<u16>")]
    pub expired_status: Item<u16>,
    /// Whether `params.wrongAudienceToken` names a credential.
    #[serde(rename = "/wrong_audience/declared", default = "super::not_asked::<bool>")]
    pub wrong_audience_declared: Item<bool>,
    /// Request with the token that was issued for somebody else; sent as the declared credential is.
    #[serde(rename = "/wrong_audience/access", default = "super::not_asked::<Access>")]
    pub wrong_audience_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/wrong_audience/response/status", default = "super::not_asked::<u16>")]
    pub wrong_audience_status: Item<u16>,
    /// Whether `params.queryParameter` names the parameter that a token may come in.
    #[serde(rename = "/query_token/declared", default = "super::not_asked::<bool>")]
    pub query_token_declared: Item<bool>,
    /// Request with the declared token in the query and without `Authorization`.
    #[serde(rename = "/query_token/access", default = "super::not_asked::<Access>")]
    pub query_token_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/query_token/response/status", default = "super::not_asked::<u16>")]
    pub query_token_status: Item<u16>,

    /// Whether `params.deviceId` and `params.otherDeviceId` name two devices, and `canaryWrite` is
    /// allowed.
    #[serde(rename = "/device_binding/declared", default = "super::not_asked::<bool>")]
    pub device_binding_declared: Item<bool>,
    /// What the declared credential may write, which stands for the first of them.
    #[serde(rename = "/device_binding/outcome", default = "super::not_asked::<DeviceBinding>")]
    pub device_binding_outcome: Item<DeviceBinding>,
    /// Status of the answer to its canary under its own id.
    #[serde(rename = "/device_binding/own/status", default = "super::not_asked::<u16>")]
    pub device_binding_own: Item<u16>,
    /// Status of the answer to its canary under the other's id.
    #[serde(rename = "/device_binding/other/status", default = "super::not_asked::<u16>")]
    pub device_binding_other: Item<u16>,

    /// Worst redirect among the answers of an HTTPS endpoint. None is ever followed.
    #[serde(rename = "/redirect/target", default = "super::not_asked::<RedirectTarget>")]
    pub redirect_target: Item<RedirectTarget>,
    /// Where it leads, without its query: hostile text, cut at 160 bytes.
    #[serde(rename = "/redirect/location", default = "super::not_asked::<Option<String>>")]
    pub redirect_location: Item<Option<String>>,

    /// Methods that were asked without a credential, sorted: `TRACE`, and `PUT` or `POST` and
    /// `DELETE` where `canaryWrite` is allowed.
    #[serde(rename = "/methods/asked", default = "super::not_asked::<Vec<String>>")]
    pub methods_asked: Item<Vec<String>>,
    /// Those of them that were answered 2xx, sorted.
    #[serde(rename = "/methods/accepted", default = "super::not_asked::<Vec<String>>")]
    pub methods_accepted: Item<Vec<String>>,
    /// `Allow` header of the answer to `OPTIONS`: hostile text, cut at 160 bytes.
    #[serde(rename = "/methods/offered", default = "super::not_asked::<Option<String>>")]
    pub methods_offered: Item<Option<String>>,

    /// Length that a request claimed whose body was never sent, in bytes.
    #[serde(rename = "/oversize/bytes", default = "super::not_asked::<u64>")]
    pub oversize_bytes: Item<u64>,
    /// What the edge said to that length: with the credential that it lets in, or without where it
    /// lets anybody in.
    #[serde(rename = "/oversize/intake", default = "super::not_asked::<Intake>")]
    pub oversize_intake: Item<Intake>,
    /// Status of that answer; 100 where the edge asked for the body.
    #[serde(rename = "/oversize/response/status", default = "super::not_asked::<u16>")]
    pub oversize_status: Item<u16>,

    /// What the edge did with a body that breaks off inside its JSON, sent by the same way in.
    #[serde(rename = "/payload/intake", default = "super::not_asked::<Intake>")]
    pub payload_intake: Item<Intake>,
    /// Status of that answer.
    #[serde(rename = "/payload/response/status", default = "super::not_asked::<u16>")]
    pub payload_status: Item<u16>,

    /// Whether `canaryWrite` is allowed, so that a message may be sent twice.
    #[serde(rename = "/replay/allowed", default = "super::not_asked::<bool>")]
    pub replay_allowed: Item<bool>,
    /// What the edge did with the second copy of a message, by the same way in.
    #[serde(rename = "/replay/repetition", default = "super::not_asked::<Repetition>")]
    pub replay_repetition: Item<Repetition>,
    /// Status of the second answer.
    #[serde(rename = "/replay/response/status", default = "super::not_asked::<u16>")]
    pub replay_status: Item<u16>,

    /// Whether any answer told of a limit of requests. Nothing is ever flooded to find out.
    #[serde(rename = "/rate_limit/observable", default = "super::not_asked::<bool>")]
    pub rate_limit_observable: Item<bool>,
    /// By what: names of headers in lower case, or `429`, sorted.
    #[serde(rename = "/rate_limit/signals", default = "super::not_asked::<Vec<String>>")]
    pub rate_limit_signals: Item<Vec<String>>,

    /// Whether the endpoint chose HTTP/2 when it was offered beside HTTP/1.1 (RFC 7301, RFC 9113).
    #[serde(rename = "/http2/chosen", default = "super::not_asked::<bool>")]
    pub http2_chosen: Item<bool>,
    /// Request without a credential over HTTP/2.
    #[serde(rename = "/http2/access", default = "super::not_asked::<Access>")]
    pub http2_access: Item<Access>,
    /// Status of that answer.
    #[serde(rename = "/http2/response/status", default = "super::not_asked::<u16>")]
    pub http2_status: Item<u16>,

    /// `max-age` of `Strict-Transport-Security` in seconds (RFC 6797, section 6.1.1), the smallest
    /// of all answers that had one; nothing where none had.
    #[serde(rename = "/hsts/max_age", default = "super::not_asked::<Option<u64>>")]
    pub hsts_max_age: Item<Option<u64>>,

    /// What the error answers tell about the inside, sorted. Their text is not kept.
    #[serde(rename = "/errors/leaks", default = "super::not_asked::<Vec<Leak>>")]
    pub error_leaks: Item<Vec<Leak>>,

    /// What a preflight from a made-up origin was told.
    #[serde(rename = "/cors/origin", default = "super::not_asked::<CorsOrigin>")]
    pub cors_origin: Item<CorsOrigin>,
    /// Whether `Access-Control-Allow-Credentials` was `true` there.
    #[serde(rename = "/cors/credentials", default = "super::not_asked::<bool>")]
    pub cors_credentials: Item<bool>,

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
    /// Digest of the first error answer in which a leak was found, as far as it was read.
    #[serde(rename = "/errors/digest", default = "super::not_asked::<Option<String>>")]
    pub error_digest: Item<Option<String>>,
}
