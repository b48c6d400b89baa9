//! `broker_transport_posture.v1`: whether an endpoint speaks plaintext, and which TLS it accepts.
//!
//! A question about a version or a class of suites is decided `false` by a refusal: a fatal alert,
//! an answer with another version or suite, or a closed connection where the same target answered
//! another hello. Silence decides nothing.

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
