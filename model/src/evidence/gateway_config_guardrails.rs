//! `gateway_config_guardrails.v1`: which guardrails a configuration leaves off, and which of its
//! settings nobody can tell from the file.
//!
//! Every guardrail is one list: the settings that leave it off, with their places. An empty list
//! that is observed means that the guardrail is on; a list that is not observed means that the
//! configuration does not decide it, and the settings to blame stand in `/undetermined`. Secrets
//! are told by place, kind and length class only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Item};
use crate::check::CheckId;

/// Entries that a list of this contract holds at most; further ones are left out.
pub const MAX_ENTRIES: usize = 64;

/// Settings that `/settings` holds at most.
pub const MAX_SETTINGS: usize = 256;

/// The contract `gateway_config_guardrails.v1`.
pub struct GatewayConfigGuardrails;

impl Contract for GatewayConfigGuardrails {
    const CHECK: CheckId = CheckId::GatewayConfigGuardrails;
    const VERSION: u32 = 1;
    type Stable = GatewayConfigGuardrailsStable;
    type Volatile = GatewayConfigGuardrailsVolatile;
}

/// A protection that a configuration can leave off.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Guardrail {
    /// Ingest asks for a credential.
    Authentication,
    /// Nobody is let in without a name.
    Anonymous,
    /// A name taken from a certificate rests on a certificate that was asked for.
    IdentityMapping,
    /// Who may read and write what is written down.
    Authorization,
    /// Connections are encrypted.
    Tls,
    /// TLS 1.2 or newer.
    TlsVersion,
    /// Certificates of the other side are checked.
    PeerVerification,
    /// No secret that everybody knows, and none that is short.
    DefaultSecret,
    /// No secret in the file itself.
    InlineSecret,
    /// Private keys are readable by their owner only.
    KeyPermissions,
    /// Listeners are bound to a named address or interface.
    Bind,
    /// Management and debug surfaces are off or local.
    Admin,
    /// Logging does not tell everything.
    Debug,
    /// Queues, packets and connections are bounded.
    Limits,
    /// Every key is one that the program knows.
    UnknownKey,
    /// The process has no more rights on its host than it needs.
    Privileges,
    /// Who a client is said to be by a header counts only from a known proxy.
    ProxyHeader,
}

impl Guardrail {
    /// Every guardrail, in the order of the contract.
    pub const ALL: [Self; 17] = [
        Self::Authentication,
        Self::Anonymous,
        Self::IdentityMapping,
        Self::Authorization,
        Self::Tls,
        Self::TlsVersion,
        Self::PeerVerification,
        Self::DefaultSecret,
        Self::InlineSecret,
        Self::KeyPermissions,
        Self::Bind,
        Self::Admin,
        Self::Debug,
        Self::Limits,
        Self::UnknownKey,
        Self::Privileges,
        Self::ProxyHeader,
    ];
}

/// From where a setting can be reached.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// From other machines.
    Network,
    /// From this machine only.
    Loopback,
    /// Not a matter of one listener.
    Unstated,
}

/// One setting and its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// File, as the target names it; included files relative to the folder that was read.
    pub file: String,
    /// Line, from 1. A setting that is absent has the line of what it would belong to.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Name of the setting in the words of the program.
    pub setting: String,
    /// Its value where that can be shown, else what is known of it.
    pub value: String,
    /// From where it can be reached.
    pub reach: Reach,
}

/// Where a secret stands. Its value is in no evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretPlace {
    /// File, as in [`Observation`].
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Name of the setting.
    pub setting: String,
    /// What it is.
    pub kind: SecretKind,
    /// How long it is, roughly.
    pub length: LengthClass,
}

/// What a secret is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A password.
    Password,
    /// A bearer token or API key.
    Token,
    /// A private or shared key.
    Key,
    /// User and password inside an address.
    UrlCredentials,
    /// Something else that is named a secret.
    Other,
}

/// Length of a secret in characters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LengthClass {
    /// Nothing at all.
    Empty,
    /// 1 to 7.
    UpTo7,
    /// 8 to 15.
    UpTo15,
    /// 16 or more.
    From16,
}

/// A setting whose value in force cannot be told from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undetermined {
    /// Name of the setting, or of what is missing.
    pub setting: String,
    /// The guardrails that hang on it, sorted.
    pub guardrails: Vec<Guardrail>,
    /// Why it cannot be told, and what would settle it.
    pub reason: String,
    /// File, as in [`Observation`].
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where the value of a setting comes from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Written in the file.
    Explicit,
    /// The program's own default.
    Default,
    /// Filled in from somewhere that is not in evidence.
    Unresolved,
}

/// One setting that bears on a guardrail, for the reader and for drift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name of the setting.
    pub setting: String,
    /// Its value, or `set, not shown`.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// File, as in [`Observation`].
    pub file: String,
    /// Line, from 1; the first line where the value is a default.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Items that rules read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfigGuardrailsStable {
    /// Where the configuration was read, as declared.
    #[serde(rename = "/config/source")]
    pub source: Item<String>,
    /// How it was read: the name of a format, as a target declares it.
    #[serde(rename = "/config/format")]
    pub format: Item<String>,
    /// The program that reads it: that of the format, `generic`, or the name that the mapping
    /// gives.
    #[serde(rename = "/config/program")]
    pub program: Item<String>,
    /// Version of that program as the target declares it.
    #[serde(rename = "/config/version")]
    pub version: Item<Option<String>>,
    /// Files that were read, in order of reading.
    #[serde(rename = "/config/files")]
    pub files: Item<Vec<String>>,
    /// Guardrails that this configuration has settings for, sorted. Others do not apply to it.
    #[serde(rename = "/config/guardrails")]
    pub guardrails: Item<Vec<Guardrail>>,

    /// Settings that bear on a guardrail, sorted by name, at most [`MAX_SETTINGS`].
    #[serde(rename = "/settings")]
    pub settings: Item<Vec<Setting>>,
    /// Keys that are set more than once where programs differ in which one counts, or where the
    /// program does not start with them.
    #[serde(rename = "/repeated")]
    pub repeated: Item<Vec<Observation>>,
    /// Values that do not count because a later one of the same key, or one of a stronger file or
    /// environment, took their place.
    #[serde(rename = "/overridden", default = "super::not_asked::<Vec<Observation>>")]
    pub overridden: Item<Vec<Observation>>,

    /// Settings that let ingest take data without asking for a credential.
    #[serde(rename = "/auth/not_enforced")]
    pub auth_not_enforced: Item<Vec<Observation>>,
    /// Listeners or settings that let clients in without a name.
    #[serde(rename = "/auth/anonymous")]
    pub auth_anonymous: Item<Vec<Observation>>,
    /// Settings that take the name from a certificate that need not be presented.
    #[serde(rename = "/auth/unproven_identity")]
    pub auth_unproven_identity: Item<Vec<Observation>>,
    /// Listeners behind which every client may read and write everything.
    #[serde(rename = "/authorization/missing")]
    pub authorization_missing: Item<Vec<Observation>>,

    /// Listeners and links without TLS.
    #[serde(rename = "/tls/plaintext")]
    pub tls_plaintext: Item<Vec<Observation>>,
    /// Settings that allow TLS versions before 1.2.
    #[serde(rename = "/tls/old_versions")]
    pub tls_old_versions: Item<Vec<Observation>>,
    /// Settings that switch the check of the other side's certificate off.
    #[serde(rename = "/tls/unverified_peers")]
    pub tls_unverified_peers: Item<Vec<Observation>>,

    /// Secrets that stand in the configuration itself.
    #[serde(rename = "/secrets/inline")]
    pub secrets_inline: Item<Vec<SecretPlace>>,
    /// Secrets in the configuration that are on the public list of defaults.
    #[serde(rename = "/secrets/known")]
    pub secrets_known: Item<Vec<SecretPlace>>,
    /// Secrets in the configuration with fewer than 16 characters.
    #[serde(rename = "/secrets/short")]
    pub secrets_short: Item<Vec<SecretPlace>>,
    /// Private key files that group or others may read, with their mode.
    #[serde(rename = "/keys/open_permissions")]
    pub keys_open_permissions: Item<Vec<Observation>>,

    /// Listeners on every interface.
    #[serde(rename = "/bind/all_interfaces")]
    pub bind_all_interfaces: Item<Vec<Observation>>,
    /// Management and debug surfaces that are switched on.
    #[serde(rename = "/admin/exposed")]
    pub admin_exposed: Item<Vec<Observation>>,
    /// Settings that log more than operation needs.
    #[serde(rename = "/debug/logging")]
    pub debug_logging: Item<Vec<Observation>>,
    /// Queues, packets and connections without a bound.
    #[serde(rename = "/limits/unbounded")]
    pub limits_unbounded: Item<Vec<Observation>>,
    /// Keys that the program does not know.
    #[serde(rename = "/unknown_keys")]
    pub unknown_keys: Item<Vec<Observation>>,

    /// Settings that give a process more rights on its host than it needs: root, privileged,
    /// namespaces of the host, a writable root file system.
    #[serde(rename = "/privileges/excessive", default = "super::not_asked::<Vec<Observation>>")]
    pub privileges_excessive: Item<Vec<Observation>>,
    /// Settings that believe a PROXY or forwarding header from anybody.
    #[serde(rename = "/proxy/header_trusted", default = "super::not_asked::<Vec<Observation>>")]
    pub proxy_header_trusted: Item<Vec<Observation>>,

    /// Settings whose value in force cannot be told from the configuration.
    #[serde(rename = "/undetermined")]
    pub undetermined: Item<Vec<Undetermined>>,
}

/// Items that only a reader sees: a file has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfigGuardrailsVolatile {}
