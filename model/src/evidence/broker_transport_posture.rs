//! `broker_transport_posture.v1`: whether an endpoint speaks plaintext, and which TLS it accepts.
//!
//! A question about a version or a class of suites is decided `false` by a refusal: a fatal alert,
//! an answer with another version or suite, or a closed connection where the same target answered
//! another hello. Silence decides nothing. The items under `/tls/full` and `/tls/features` list
//! everything that is accepted; they are had in full mode alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Item};
use crate::check::CheckId;

/// The contract `broker_transport_posture.v1`.
pub struct BrokerTransportPosture;

impl Contract for BrokerTransportPosture {
    const CHECK: CheckId = CheckId::BrokerTransportPosture;
    const VERSION: u32 = 1;
    type Stable = BrokerTransportPostureStable;
    type Volatile = BrokerTransportPostureVolatile;
}

/// What a plaintext MQTT CONNECT met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlainMqtt {
    /// A CONNACK with any code: plaintext MQTT is spoken.
    Connack,
    /// The connection was refused or closed without a byte, or something else than MQTT answered.
    NotSpoken,
}

/// What a plaintext WebSocket upgrade with the subprotocol `mqtt` met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlainWebSocket {
    /// 101 with the subprotocol `mqtt`: MQTT over plaintext WebSocket is spoken.
    Upgraded,
    /// An HTTP answer that does not open MQTT: another status below 500, or no subprotocol.
    Declined,
    /// The connection was refused or closed without a byte, or something else than HTTP answered.
    NotSpoken,
}

/// What a server wants from a client without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    /// No certificate is asked for.
    NotRequested,
    /// One is asked for, and a session without one is served.
    Requested,
    /// One is asked for, and a client without one is turned away: the session ends with an alert,
    /// or ingest answers so before it looks at the request.
    Required,
}

/// One question and its answer in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What was offered.
    pub question: String,
    /// What came back, with hostile text cut at 160 bytes.
    pub answer: String,
}

/// A cipher suite that a version accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionSuite {
    /// Version, such as `TLSv1.2`.
    pub version: String,
    /// Suite, by its IANA name.
    pub suite: String,
}

/// By what a server takes a session up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resumption {
    /// By the ticket that it gave.
    Ticket,
    /// By the id of the session, which it remembers.
    SessionId,
    /// By neither: it gave none, or began anew.
    None,
}

/// A key exchange group that a version accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionGroup {
    /// Version, such as `TLSv1.3`.
    pub version: String,
    /// Group, such as `x25519` or `X25519MLKEM768`.
    pub group: String,
}

/// A scheme that a server signs its handshake with in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionScheme {
    /// Version: TLS 1.2 or 1.3; earlier ones do not say.
    pub version: String,
    /// Scheme, such as `rsa_pss_rsae_sha256`.
    pub scheme: String,
}

/// The prime that came with a finite-field key exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrimeSize {
    /// Version, such as `TLSv1.2`.
    pub version: String,
    /// Suite, by its IANA name.
    pub suite: String,
    /// Length of the prime in bits.
    pub bits: u32,
}

/// Whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreferredBy {
    /// The server's.
    Server,
    /// The client's.
    Client,
    /// There is only one suite to choose.
    Single,
}

/// Whose order of suites decides in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionPreference {
    /// Version, such as `TLSv1.2`.
    pub version: String,
    /// Whose.
    pub by: PreferredBy,
}

/// A leaf certificate that a server presents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Key: algorithm with size or curve, such as `rsa2048` or `ec256`; `unknown` where the
    /// certificate cannot be read.
    pub key: String,
    /// Algorithm that it is signed with, such as `sha256WithRSAEncryption`; `unknown` where the
    /// certificate cannot be read.
    pub signature: String,
    /// SHA-256 over its DER, as lowercase hex.
    pub sha256: String,
}

/// What a client is shown that does not send the right server name (SNI, RFC 6066 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherName {
    /// A certificate that a client with the name is shown, too.
    SameCertificate,
    /// Another certificate.
    OtherCertificate,
    /// Nothing: it is turned away.
    Refused,
}

/// How much an endpoint was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeMode {
    /// What rules need to decide in few connections.
    Decision,
    /// Everything that is accepted.
    Full,
}

/// Items that rules read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerTransportPostureStable {
    /// Declared protocol of the endpoint.
    #[serde(rename = "/endpoint/protocol")]
    pub endpoint_protocol: Item<String>,
    /// `host:port` as declared.
    #[serde(rename = "/endpoint/address")]
    pub endpoint_address: Item<String>,
    /// Whether the declared protocol begins with a TLS handshake.
    #[serde(rename = "/endpoint/tls")]
    pub endpoint_tls: Item<bool>,

    /// What the port does with a plaintext MQTT CONNECT without credentials.
    #[serde(rename = "/plain/outcome")]
    pub plain_outcome: Item<PlainMqtt>,
    /// Return code of the plaintext CONNACK (MQTT 3.1.1 section 3.2.2.3).
    #[serde(rename = "/plain/connack_code")]
    pub plain_connack_code: Item<u8>,
    /// What the port does with a plaintext WebSocket upgrade.
    #[serde(rename = "/websocket/outcome")]
    pub websocket_outcome: Item<PlainWebSocket>,
    /// HTTP status of the answer to that upgrade.
    #[serde(rename = "/websocket/status")]
    pub websocket_status: Item<u16>,

    /// Whether any hello was answered with a ServerHello or a TLS alert.
    #[serde(rename = "/tls/spoken")]
    pub tls_spoken: Item<bool>,
    /// Whether SSL 3.0 is accepted.
    #[serde(rename = "/tls/sslv3/accepted")]
    pub sslv3_accepted: Item<bool>,
    /// Whether TLS 1.0 is accepted.
    #[serde(rename = "/tls/tls10/accepted")]
    pub tls10_accepted: Item<bool>,
    /// Whether TLS 1.1 is accepted.
    #[serde(rename = "/tls/tls11/accepted")]
    pub tls11_accepted: Item<bool>,
    /// Whether TLS 1.2 is accepted.
    #[serde(rename = "/tls/tls12/accepted")]
    pub tls12_accepted: Item<bool>,
    /// Whether TLS 1.3 is accepted.
    #[serde(rename = "/tls/tls13/accepted")]
    pub tls13_accepted: Item<bool>,
    /// Suite negotiated with a modern TLS 1.3 client.
    #[serde(rename = "/tls/tls13/suite")]
    pub tls13_suite: Item<String>,
    /// Key exchange group negotiated with a modern TLS 1.3 client.
    #[serde(rename = "/tls/tls13/group")]
    pub tls13_group: Item<String>,
    /// Whether a hybrid group of ECDHE and ML-KEM is accepted (RFC 10024).
    #[serde(rename = "/tls/tls13/pq_hybrid")]
    pub tls13_pq_hybrid: Item<bool>,

    /// Whether some version up to TLS 1.2 is accepted, whose first flight comes in clear. The
    /// facts under `/tls/clear` are those of the best such version with the suites in order of
    /// preference.
    #[serde(rename = "/tls/clear/answered")]
    pub clear_answered: Item<bool>,
    /// Version of that flight.
    #[serde(rename = "/tls/clear/version")]
    pub clear_version: Item<String>,
    /// Suite of that flight.
    #[serde(rename = "/tls/clear/suite")]
    pub clear_suite: Item<String>,
    /// Elliptic-curve group of that flight; none for other key exchanges.
    #[serde(rename = "/tls/clear/group")]
    pub clear_group: Item<Option<String>>,
    /// Scheme that the key exchange of that flight is signed with; none where nothing is signed
    /// or the version does not say.
    #[serde(rename = "/tls/clear/signature")]
    pub clear_signature: Item<Option<String>>,
    /// Whether `renegotiation_info` was answered (RFC 5746).
    #[serde(rename = "/tls/clear/secure_renegotiation")]
    pub clear_secure_renegotiation: Item<bool>,
    /// Whether TLS compression was chosen when it was offered (RFC 3749).
    #[serde(rename = "/tls/clear/compression")]
    pub clear_compression: Item<bool>,
    /// Whether `extended_master_secret` was answered (RFC 7627).
    #[serde(rename = "/tls/clear/extended_master_secret")]
    pub clear_extended_master_secret: Item<bool>,
    /// Whether a server that has TLS 1.3 marks a handshake in TLS 1.2 as a downgrade
    /// (RFC 8446 section 4.1.3).
    #[serde(rename = "/tls/clear/downgrade_sentinel")]
    pub clear_downgrade_sentinel: Item<bool>,

    /// Whether a suite without encryption or without authentication is accepted.
    #[serde(rename = "/tls/suites/null_or_anon/accepted")]
    pub null_or_anon_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/null_or_anon/witness")]
    pub null_or_anon_witness: Item<String>,
    /// Whether an EXPORT, DES, RC2 or RC4 suite is accepted.
    #[serde(rename = "/tls/suites/export_or_sub112/accepted")]
    pub export_or_sub112_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/export_or_sub112/witness")]
    pub export_or_sub112_witness: Item<String>,
    /// Whether a suite with 64-bit blocks is accepted: 3DES, IDEA.
    #[serde(rename = "/tls/suites/block64/accepted")]
    pub block64_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/block64/witness")]
    pub block64_witness: Item<String>,
    /// Whether a suite without forward secrecy is accepted: RSA, static DH or ECDH, plain PSK.
    #[serde(rename = "/tls/suites/non_forward_secret/accepted")]
    pub non_forward_secret_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/non_forward_secret/witness")]
    pub non_forward_secret_witness: Item<String>,
    /// Whether a suite with ephemeral finite-field Diffie-Hellman is accepted.
    #[serde(rename = "/tls/suites/ffdhe/accepted")]
    pub ffdhe_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/ffdhe/witness")]
    pub ffdhe_witness: Item<String>,
    /// Bits of the prime that the server sent with it.
    #[serde(rename = "/tls/suites/ffdhe/dh_bits")]
    pub ffdhe_dh_bits: Item<u32>,
    /// Whether a suite in CBC mode is accepted.
    #[serde(rename = "/tls/suites/cbc/accepted")]
    pub cbc_accepted: Item<bool>,
    /// A suite that shows it.
    #[serde(rename = "/tls/suites/cbc/witness")]
    pub cbc_witness: Item<String>,
    /// Whether `encrypt_then_mac` was answered with it (RFC 7366).
    #[serde(rename = "/tls/suites/cbc/encrypt_then_mac")]
    pub cbc_encrypt_then_mac: Item<bool>,

    /// What a client without a certificate meets.
    #[serde(rename = "/tls/client_certificate")]
    pub client_certificate: Item<ClientCertificate>,

    /// TLS profile that the target declares, by its word in documents.
    #[serde(rename = "/policy/profile", default = "super::not_asked::<String>")]
    pub policy_profile: Item<String>,

    /// Whether the endpoint is asked by a DNS name, which a client sends along; an address is not
    /// (RFC 6066 section 3).
    #[serde(rename = "/endpoint/named", default = "super::not_asked::<bool>")]
    pub endpoint_named: Item<bool>,

    /// Mode that was asked for. Rules about what full mode alone sees do not apply in the other.
    #[serde(rename = "/policy/mode", default = "super::not_asked::<ProbeMode>")]
    pub policy_mode: Item<ProbeMode>,

    /// Every version that is accepted, the oldest first. This and the items below are had in full
    /// mode only.
    #[serde(rename = "/tls/full/versions", default = "super::not_asked::<Vec<String>>")]
    pub full_versions: Item<Vec<String>>,
    /// Every suite of every version, by version and then by code point.
    #[serde(rename = "/tls/full/suites", default = "super::not_asked::<Vec<VersionSuite>>")]
    pub full_suites: Item<Vec<VersionSuite>>,
    /// Every key exchange group of TLS 1.3, and every elliptic curve of each version from TLS 1.0 to
    /// 1.2.
    #[serde(rename = "/tls/full/groups", default = "super::not_asked::<Vec<VersionGroup>>")]
    pub full_groups: Item<Vec<VersionGroup>>,
    /// Groups that may be accepted and cannot be told, because a server up to TLS 1.2 with an ECDSA
    /// key demands the curve of its certificate and prefers it to them (RFC 8422 section 5.1).
    #[serde(rename = "/tls/full/hidden_groups", default = "super::not_asked::<Vec<VersionGroup>>")]
    pub full_hidden_groups: Item<Vec<VersionGroup>>,
    /// Every scheme that a handshake of TLS 1.2 and 1.3 is signed with.
    #[serde(rename = "/tls/full/signatures", default = "super::not_asked::<Vec<VersionScheme>>")]
    pub full_signatures: Item<Vec<VersionScheme>>,
    /// Primes of the accepted suites with finite-field Diffie-Hellman up to TLS 1.2.
    #[serde(rename = "/tls/full/dh_bits", default = "super::not_asked::<Vec<PrimeSize>>")]
    pub full_dh_bits: Item<Vec<PrimeSize>>,
    /// Whose order of suites decides, for every version.
    #[serde(
        rename = "/tls/full/preference",
        default = "super::not_asked::<Vec<VersionPreference>>"
    )]
    pub full_preference: Item<Vec<VersionPreference>>,
    /// Questions that were answered in two ways that no one server would: a fleet of unlike servers.
    /// Where suites or groups contradict each other nothing else is listed; certificates that differ
    /// make their own list incomplete, and no other.
    #[serde(rename = "/tls/full/inconsistent", default = "super::not_asked::<Vec<String>>")]
    pub full_inconsistent: Item<Vec<String>>,
    /// Every leaf certificate that was presented, by digest.
    #[serde(rename = "/tls/full/certificates", default = "super::not_asked::<Vec<Leaf>>")]
    pub full_certificates: Item<Vec<Leaf>>,
    /// Whether SSL 2.0 is accepted (RFC 6176); full mode only.
    #[serde(rename = "/tls/sslv2/accepted", default = "super::not_asked::<bool>")]
    pub sslv2_accepted: Item<bool>,
    /// Whether a session up to TLS 1.2 gets an id to resume it by (RFC 5246 section 7.4.1.3).
    #[serde(rename = "/tls/features/session_id", default = "super::not_asked::<bool>")]
    pub features_session_id: Item<bool>,
    /// Whether tickets are issued up to TLS 1.2 (RFC 5077).
    #[serde(rename = "/tls/features/session_ticket", default = "super::not_asked::<bool>")]
    pub features_session_ticket: Item<bool>,
    /// By what a session of TLS 1.2 was taken up again on another connection (RFC 5077 section 3.1,
    /// RFC 5246 section 7.3).
    #[serde(rename = "/tls/features/resumption", default = "super::not_asked::<Resumption>")]
    pub features_resumption: Item<Resumption>,
    /// Whether a session of TLS 1.3 was taken up again on another connection by a ticket that it got
    /// (RFC 8446 section 2.2); false where it got none.
    #[serde(rename = "/tls/features/psk_resumption", default = "super::not_asked::<bool>")]
    pub features_psk_resumption: Item<bool>,
    /// Longest lifetime of the tickets that a session of TLS 1.3 (RFC 8446 section 4.6.1) and one
    /// of TLS 1.2 (RFC 5077 section 3.3) got, in seconds; none where they got no ticket. A version
    /// in which this probe can make no session has no say.
    #[serde(rename = "/tls/features/ticket_lifetime", default = "super::not_asked::<Option<u32>>")]
    pub features_ticket_lifetime: Item<Option<u32>>,
    /// Most early data that a ticket of TLS 1.3 allows, in bytes; 0 where none is allowed, and
    /// where no ticket comes.
    #[serde(rename = "/tls/features/early_data_max", default = "super::not_asked::<u32>")]
    pub features_early_data_max: Item<u32>,
    /// Application protocol chosen from `mqtt`, `h2` and `http/1.1` (RFC 7301); none where the
    /// server does not choose.
    #[serde(rename = "/tls/features/alpn", default = "super::not_asked::<Option<String>>")]
    pub features_alpn: Item<Option<String>>,
    /// Whether an OCSP response comes with the certificate when it is asked for (RFC 6066 section 8).
    #[serde(rename = "/tls/features/ocsp_stapled", default = "super::not_asked::<bool>")]
    pub features_ocsp_stapled: Item<bool>,
    /// Whether the certificate demands a stapled response (RFC 7633).
    #[serde(rename = "/tls/features/must_staple", default = "super::not_asked::<bool>")]
    pub features_must_staple: Item<bool>,
    /// What a client is shown that sends no server name.
    #[serde(rename = "/tls/features/without_name", default = "super::not_asked::<OtherName>")]
    pub features_without_name: Item<OtherName>,
    /// What a client is shown that sends a server name that nobody has (RFC 6761 section 6.4); asked
    /// only where a client without a name does not meet the same certificate.
    #[serde(rename = "/tls/features/unknown_name", default = "super::not_asked::<OtherName>")]
    pub features_unknown_name: Item<OtherName>,
    /// Whether a fallback is refused that says that it is one (RFC 7507). The signal is obsolete (RFC
    /// 8996): a server of TLS 1.3 that marks its lower versions itself (RFC 8446 section 4.1.3) is not
    /// asked.
    #[serde(rename = "/tls/features/fallback_scsv", default = "super::not_asked::<bool>")]
    pub features_fallback_scsv: Item<bool>,
    /// Whether a client may renegotiate in TLS 1.2: a second hello inside a session, of which there
    /// is one for each document, is answered with a ServerHello.
    #[serde(rename = "/tls/features/client_renegotiation", default = "super::not_asked::<bool>")]
    pub features_client_renegotiation: Item<bool>,
    /// Whether a version of the future is passed over (RFC 8446 section 4.2.1).
    #[serde(rename = "/tls/features/version_tolerant", default = "super::not_asked::<bool>")]
    pub features_version_tolerant: Item<bool>,
    /// Whether unknown suites, groups and extensions are passed over (RFC 8701).
    #[serde(rename = "/tls/features/grease_tolerant", default = "super::not_asked::<bool>")]
    pub features_grease_tolerant: Item<bool>,
    /// Whether hellos with extensions are answered. Where they are not, hellos up to TLS 1.2 are sent
    /// without (RFC 5246 section 7.4.1.4).
    #[serde(rename = "/tls/features/extension_tolerant", default = "super::not_asked::<bool>")]
    pub features_extension_tolerant: Item<bool>,
    /// How many authorities a request for a client certificate names.
    #[serde(rename = "/tls/features/client_ca_names", default = "super::not_asked::<u32>")]
    pub features_client_ca_names: Item<u32>,

    /// Connections that were opened.
    #[serde(rename = "/connections")]
    pub connections: Item<u32>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerTransportPostureVolatile {
    /// Every question in the order of the plan, with its answer. Whether a refusal arrives as a
    /// close or a reset is a matter of timing, so the words may differ between two runs that
    /// decide the same.
    #[serde(rename = "/asked")]
    pub asked: Item<Vec<Asked>>,
}
