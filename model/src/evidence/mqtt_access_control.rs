//! `mqtt_access_control.v1`: whom a broker lets in, and what they may read and write there.
//!
//! A read is decided by what was delivered, never by a SUBACK: some brokers grant every
//! subscription and filter what they deliver. A write is decided by a reason code of MQTT 5 or by a
//! message that came round, never by a PUBACK of MQTT 3.1.1, which says success for a message that
//! was dropped, too. Topics are kept as digests, and of payloads only the size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, ClientCertificate, Contract, Item};
use crate::check::CheckId;
use crate::digest::Digest;

/// The contract `mqtt_access_control.v1`.
pub struct MqttAccessControl;

impl Contract for MqttAccessControl {
    const CHECK: CheckId = CheckId::MqttAccessControl;
    const VERSION: u32 = 1;
    type Stable = MqttAccessControlStable;
    type Volatile = MqttAccessControlVolatile;
}

/// What became of a CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MqttAccess {
    /// Let in: CONNACK 0.
    Accepted,
    /// Turned away for want of a right or a credential: CONNACK 4 or 5, 0x86, 0x87 or 0x8C, or a
    /// DISCONNECT with such a code right behind CONNACK 0, a TLS alert about the client certificate, or
    /// 401 or 403 before the WebSocket was opened.
    Denied,
}

/// As whom reading was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MqttReader {
    /// Nobody was let in whose rights could be looked at.
    Nobody,
    /// A client without user name, password and certificate; every topic is foreign to it.
    Anonymous,
    /// A client with a user name and password that were made up; every topic is foreign to it.
    MadeUpCredential,
    /// A client with a declared credential; topics outside its declared scope are foreign to it.
    DeclaredCredential,
}

/// What became of a subscription to `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WildcardOutcome {
    /// The SUBACK refused it.
    Denied,
    /// The SUBACK granted it, and nothing foreign was delivered while the probe listened: whether
    /// delivery is filtered was not seen.
    GrantedSilent,
    /// The SUBACK granted it, and a canary that its owner received was not delivered to it.
    GrantedFiltered,
    /// A message with a foreign topic was delivered.
    Delivered,
}

/// Limits as a CONNACK of MQTT 5 names them (section 3.2.2.3); null where the property is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncedLimits {
    /// Session Expiry Interval, in seconds.
    pub session_expiry: Option<u32>,
    /// Receive Maximum, in messages.
    pub receive_maximum: Option<u16>,
    /// Maximum QoS.
    pub maximum_qos: Option<u8>,
    /// Retain Available.
    pub retain_available: Option<bool>,
    /// Maximum Packet Size, in bytes.
    pub maximum_packet_size: Option<u32>,
    /// Topic Alias Maximum.
    pub topic_alias_maximum: Option<u16>,
    /// Wildcard Subscription Available.
    pub wildcard_subscription_available: Option<bool>,
    /// Subscription Identifiers Available.
    pub subscription_identifiers_available: Option<bool>,
    /// Shared Subscription Available.
    pub shared_subscription_available: Option<bool>,
    /// Server Keep Alive, in seconds.
    pub server_keep_alive: Option<u16>,
}

/// Limits as they hold, with the defaults of MQTT 5 section 3.2.2.3 filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectiveLimits {
    /// Seconds that a session outlives its connection.
    pub session_expiry: u32,
    /// Messages of QoS 1 and 2 that may be under way to the broker at once.
    pub receive_maximum: u16,
    /// Highest QoS that the broker takes.
    pub maximum_qos: u8,
    /// Whether retained messages are taken.
    pub retain_available: bool,
    /// Longest packet that the broker takes, in bytes; null where it names no limit.
    pub maximum_packet_size: Option<u32>,
    /// Topic aliases that the broker takes.
    pub topic_alias_maximum: u16,
    /// Whether wildcard subscriptions are taken.
    pub wildcard_subscription_available: bool,
    /// Whether subscription identifiers are taken.
    pub subscription_identifiers_available: bool,
    /// Whether shared subscriptions are taken.
    pub shared_subscription_available: bool,
    /// Seconds of keep alive that hold: the broker's, else those that were asked for.
    pub keep_alive: u16,
}

/// A message that was delivered, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveredMessage {
    /// Digest of its topic.
    pub topic: Digest,
    /// Size of its payload, in bytes.
    pub payload_bytes: u64,
    /// Whether the broker had kept it for new subscribers.
    pub retained: bool,
}

/// Items that rules read. A reason is the code as the protocol version has it, with its name, such
/// as `0x87 not authorized`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttAccessControlStable {
    /// Declared protocol of the endpoint: `mqtt`, `mqtts`, `ws` or `wss`.
    #[serde(rename = "/endpoint/protocol")]
    pub endpoint_protocol: Item<String>,
    /// `host:port` as declared.
    #[serde(rename = "/endpoint/address")]
    pub endpoint_address: Item<String>,
    /// Whether the endpoint is declared with TLS.
    #[serde(rename = "/endpoint/tls")]
    pub endpoint_tls: Item<bool>,
    /// What becomes of a client without a certificate, as the first CONNECT met it.
    #[serde(rename = "/tls/client_certificate")]
    pub tls_client_certificate: Item<ClientCertificate>,
    /// Whether the broker asked to be left alone (0x8A banned, 0x9F connection rate exceeded):
    /// then nothing more was asked.
    #[serde(rename = "/halted")]
    pub halted: Item<bool>,

    /// CONNECT without user name, password and certificate: accepted where either version was.
    #[serde(rename = "/anonymous/access")]
    pub anonymous_access: Item<MqttAccess>,
    /// The same in MQTT 5.
    #[serde(rename = "/anonymous/v5/access")]
    pub anonymous_v5_access: Item<MqttAccess>,
    /// Reason code of that CONNACK.
    #[serde(rename = "/anonymous/v5/reason")]
    pub anonymous_v5_reason: Item<String>,
    /// The same in MQTT 3.1.1.
    #[serde(rename = "/anonymous/v311/access")]
    pub anonymous_v311_access: Item<MqttAccess>,
    /// Return code of that CONNACK.
    #[serde(rename = "/anonymous/v311/reason")]
    pub anonymous_v311_reason: Item<String>,

    /// CONNECT with a user name and a password that were made up.
    #[serde(rename = "/random/access")]
    pub random_access: Item<MqttAccess>,
    /// Code of that CONNACK.
    #[serde(rename = "/random/reason")]
    pub random_reason: Item<String>,
    /// Whether that password crossed the network in plaintext and was looked at: a CONNACK 4 or 5,
    /// 0x86 or 0x87 on an endpoint without TLS.
    #[serde(rename = "/plain/password_checked")]
    pub plain_password_checked: Item<bool>,

    /// CONNECT of MQTT 3.1.1 with an empty client id and a clean session.
    #[serde(rename = "/empty_client_id/access")]
    pub empty_client_id_access: Item<MqttAccess>,
    /// Return code of that CONNACK.
    #[serde(rename = "/empty_client_id/reason")]
    pub empty_client_id_reason: Item<String>,

    /// Whether MQTT 3.1 (`MQIsdp`, level 3) is spoken: a CONNACK other than 1, unacceptable
    /// protocol version.
    #[serde(rename = "/legacy31/spoken")]
    pub legacy31_spoken: Item<bool>,
    /// Return code of that CONNACK.
    #[serde(rename = "/legacy31/reason")]
    pub legacy31_reason: Item<String>,

    /// Limits of the first CONNACK of MQTT 5 that let the probe in.
    #[serde(rename = "/limits/announced")]
    pub limits_announced: Item<AnnouncedLimits>,
    /// The same with defaults filled in.
    #[serde(rename = "/limits/effective")]
    pub limits_effective: Item<EffectiveLimits>,

    /// As whom reading was tried.
    #[serde(rename = "/read/as")]
    pub read_as: Item<MqttReader>,
    /// What became of a subscription to every topic: level by level, and by `#`.
    #[serde(rename = "/wildcard/outcome")]
    pub wildcard_outcome: Item<WildcardOutcome>,
    /// Code of its SUBACK, or that the connection was closed at this question alone.
    #[serde(rename = "/wildcard/reason")]
    pub wildcard_reason: Item<String>,
    /// Whether a foreign topic was delivered to a wildcard subscription. Observed false only where
    /// the subscription was refused, or a canary was kept from it.
    #[serde(rename = "/wildcard/foreign_delivered")]
    pub wildcard_foreign_delivered: Item<bool>,
    /// Whether a retained message with a foreign topic was delivered. Observed false only where
    /// the subscriptions were refused, or the broker takes no retained messages.
    #[serde(rename = "/retained/foreign_delivered")]
    pub retained_foreign_delivered: Item<bool>,
    /// Whether a topic below `$SYS` was delivered. Observed false only where the subscription was
    /// refused.
    #[serde(rename = "/sys/delivered")]
    pub sys_delivered: Item<bool>,
    /// Whether one of them is the broker's version.
    #[serde(rename = "/sys/version_disclosed")]
    pub sys_version_disclosed: Item<bool>,

    /// CONNECT with the first declared identity; only ever over TLS with a trusted chain.
    #[serde(rename = "/credential/access")]
    pub credential_access: Item<MqttAccess>,
    /// Code of that CONNACK.
    #[serde(rename = "/credential/reason")]
    pub credential_reason: Item<String>,
    /// Whether a canary of the first identity was taken in the scope of the second.
    #[serde(rename = "/publish/outside_scope")]
    pub publish_outside_scope: Item<bool>,
    /// What decided that: the code of the PUBACK or DISCONNECT, that it came round, or that the
    /// connection was closed at this question alone.
    #[serde(rename = "/publish/reason")]
    pub publish_reason: Item<String>,
    /// Whether the second identity received a canary in the scope of the first. Observed false
    /// only where the first received it itself, or the second was refused to listen there.
    #[serde(rename = "/cross_device/delivered")]
    pub cross_device_delivered: Item<bool>,
    /// What decided that: that it came, that it did not, or the refusal.
    #[serde(rename = "/cross_device/reason", default = "super::not_asked::<String>")]
    pub cross_device_reason: Item<String>,
    /// Whether the first identity was kept from taking the client id of the second, which was
    /// connected: it was refused, or let in without ending the session of the second, which the
    /// second itself ended by connecting again.
    #[serde(rename = "/client_id/bound")]
    pub client_id_bound: Item<bool>,
    /// Code of that CONNACK.
    #[serde(rename = "/client_id/reason")]
    pub client_id_reason: Item<String>,

    /// Whether a user name and password of a test identity are declared for this endpoint, over TLS.
    #[serde(rename = "/identity/login", default = "super::not_asked::<bool>")]
    pub identity_login: Item<bool>,
    /// Whether the broker answers a known user with a wrong password otherwise than a user that was
    /// made up.
    #[serde(rename = "/oracle/tells", default = "super::not_asked::<bool>")]
    pub oracle_tells: Item<bool>,
    /// Code of the CONNACK to the user that was made up.
    #[serde(rename = "/oracle/unknown_user", default = "super::not_asked::<String>")]
    pub oracle_unknown: Item<String>,
    /// Code of the CONNACK to the first identity's user with a wrong password.
    #[serde(rename = "/oracle/wrong_password", default = "super::not_asked::<String>")]
    pub oracle_known: Item<String>,

    /// Default credentials that the target lists, at most three.
    #[serde(rename = "/defaults/listed", default = "super::not_asked::<u32>")]
    pub defaults_listed: Item<u32>,
    /// Whether one of them was let in. Observed false only where every one was turned away.
    #[serde(rename = "/defaults/accepted", default = "super::not_asked::<bool>")]
    pub defaults_accepted: Item<bool>,
    /// Code of the CONNACK that decided it: the one that let it in, else the last.
    #[serde(rename = "/defaults/reason", default = "super::not_asked::<String>")]
    pub defaults_reason: Item<String>,
    /// Name of the credential in the target that was let in.
    #[serde(rename = "/defaults/credential", default = "super::not_asked::<String>")]
    pub defaults_credential: Item<String>,

    /// Whether the target says that no live device uses this broker, and it speaks TLS.
    #[serde(rename = "/staging/asked", default = "super::not_asked::<bool>")]
    pub staging_asked: Item<bool>,
    /// Whether a canary of the first identity was taken below `$SYS`.
    #[serde(rename = "/staging/sys_publish", default = "super::not_asked::<bool>")]
    pub staging_sys_publish: Item<bool>,
    /// What decided that: the code of the PUBACK or DISCONNECT, or that it came round.
    #[serde(rename = "/staging/sys_reason", default = "super::not_asked::<String>")]
    pub staging_sys_reason: Item<String>,
    /// Whether a will of the first identity was delivered in the scope of the second, where it may
    /// not write. Observed false only where the CONNECT was refused for it, or a will in its own scope
    /// was delivered.
    #[serde(rename = "/staging/will_delivered", default = "super::not_asked::<bool>")]
    pub staging_will_delivered: Item<bool>,
    /// Code of the CONNACK to the CONNECT with that will.
    #[serde(rename = "/staging/will_reason", default = "super::not_asked::<String>")]
    pub staging_will_reason: Item<String>,
    /// Whether the first identity was let in to a session that the second had left, under a client id
    /// that the probe made up for it (Session Present of the CONNACK).
    #[serde(rename = "/staging/session_resumed", default = "super::not_asked::<bool>")]
    pub staging_session_resumed: Item<bool>,
    /// Whether a canary that the broker kept for the second identity in that session came to the
    /// first. Observed false only where it had come to the second one, when that came back itself.
    #[serde(rename = "/staging/session_delivered", default = "super::not_asked::<bool>")]
    pub staging_session_delivered: Item<bool>,
    /// Code of the CONNACK to the first identity with that client id.
    #[serde(rename = "/staging/session_reason", default = "super::not_asked::<String>")]
    pub staging_session_reason: Item<String>,

    /// Whether this endpoint speaks WebSocket and the target says that browsers are clients.
    #[serde(rename = "/ws/browsers", default = "super::not_asked::<bool>")]
    pub ws_browsers: Item<bool>,
    /// Whether a WebSocket was opened for a page of a foreign site. Observed false only where the same
    /// request without an `Origin` was taken.
    #[serde(rename = "/ws/foreign_origin", default = "super::not_asked::<bool>")]
    pub ws_foreign_origin: Item<bool>,

    /// Connections that were opened.
    #[serde(rename = "/connections")]
    pub connections: Item<u32>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttAccessControlVolatile {
    /// Questions and their answers, in the order in which they were asked.
    #[serde(rename = "/asked")]
    pub asked: Item<Vec<Asked>>,
    /// The first messages that decided something, at most 16.
    #[serde(rename = "/messages")]
    pub messages: Item<Vec<DeliveredMessage>>,
    /// Messages that were delivered in all.
    #[serde(rename = "/messages_read")]
    pub messages_read: Item<u32>,
}
