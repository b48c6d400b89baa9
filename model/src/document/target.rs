//! `AuditTarget`: one path, and how it may be looked at.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::source::with_source;
use super::{KeyRef, Metadata, Source, limits};
use crate::check::CheckId;
use crate::key::{IssueKey, TargetKey};
use crate::severity::Severity;

/// What is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditTarget {
    /// `plumbline.dev/v1alpha1`.
    pub api_version: String,
    /// Name and labels.
    pub metadata: Metadata,
    /// The path.
    pub spec: AuditTargetSpec,
}

impl AuditTarget {
    /// The key that findings of this target are told apart by: `namespace/name` where a namespace
    /// is declared, so that every namespace of a cluster has its own, and the name elsewhere.
    pub fn key(&self) -> TargetKey {
        let Metadata { namespace, name, .. } = &self.metadata;
        match namespace {
            Some(namespace) => TargetKey(format!("{namespace}/{name}")),
            None => TargetKey(name.clone()),
        }
    }
}

/// The path: its endpoints, its files, and what is trusted on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditTargetSpec {
    /// The part of the platform that this target stands for.
    pub path: PathKind,
    /// Team that owns what is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How much depends on this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// One or two sentences for the head of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is probed over the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Whom the path's clients trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// What probes may present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Credential>,
    /// Configuration files of the gateway and the broker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway_config: Vec<GatewayConfig>,
    /// Certificates of the devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_certificates: Vec<DeviceCertificates>,
    /// The checks to run; without it every check whose inputs are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSelection>,
    /// How gently probes must behave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_policy: Option<ProbePolicySpec>,
}

impl AuditTargetSpec {
    /// Everything that the target reads from, in the order of the document.
    pub fn sources(&self) -> Vec<Source> {
        let trust = self.trust.iter().flat_map(|trust| trust.ca_bundle.iter().chain(&trust.crls));
        let configs = self.gateway_config.iter().flat_map(GatewayConfig::sources);
        let certificates = self.device_certificates.iter().flat_map(|set| {
            std::iter::once(set.source()).chain(set.password.clone()).chain(set.inventory.clone())
        });
        trust
            .cloned()
            .chain(self.credentials.iter().map(Credential::source))
            .chain(configs)
            .chain(certificates)
            .collect()
    }
}

/// The part of the platform that a target stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathKind {
    /// A gateway with the broker and ingest edge beside it.
    Gateway,
    /// An MQTT broker.
    Mqtt,
    /// An ingest edge.
    Ingest,
    /// Device identity.
    Identity,
    /// Observability of the path.
    Observability,
}

/// How much depends on a path.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Criticality {
    /// Little.
    Low,
    /// Something.
    Medium,
    /// Much.
    High,
    /// Everything.
    Critical,
}

/// A place where the path can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// Name, unique in the target; findings are told apart by it.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// DNS name or IP address, an IPv6 address without brackets.
    #[schemars(length(min = 1, max = limits::HOST_LENGTH))]
    pub host: String,
    /// TCP port, 1 to 65535.
    #[serde(deserialize_with = "port")]
    #[schemars(range(min = limits::PORT.0, max = limits::PORT.1))]
    pub port: u16,
    /// Path of the request, for `http`, `https`, `ws` and `wss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = limits::REQUEST_PATH))]
    pub path: Option<String>,
    /// Path of the health request on this endpoint, for `http` and `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = limits::REQUEST_PATH))]
    pub health_path: Option<String>,
    /// Name that the certificate must carry, where it is not `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Names of the credentials to present; without it the one whose name equals the endpoint's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(max = limits::LABEL_LENGTH)))]
    pub credentials: Option<Vec<String>>,
}

/// Reads a port like any other number, and refuses what is none in words that name the range of
/// ports. Validation refuses 0, also in an object that was read elsewhere.
fn port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    struct Port;

    impl Visitor<'_> for Port {
        type Value = u16;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let (min, max) = limits::PORT;
            write!(f, "a whole number from {min} to {max}")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u16, E> {
            let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
            u16::try_from(number).map_err(wrong)
        }
    }

    from.deserialize_u16(Port)
}

impl Endpoint {
    /// An endpoint of which nothing but the place is declared.
    pub fn new(name: &str, protocol: Protocol, host: &str, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            host: host.to_owned(),
            port,
            path: None,
            health_path: None,
            server_name: None,
            credentials: None,
        }
    }

    /// `host:port`, with an IPv6 address in brackets.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The identity that the certificate must carry: `serverName`, else `host`.
    pub fn reference_identity(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.host)
    }
}

/// What is spoken at an endpoint.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// MQTT over TCP.
    Mqtt,
    /// MQTT over TLS.
    Mqtts,
    /// MQTT over WebSocket.
    Ws,
    /// MQTT over WebSocket over TLS.
    Wss,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// TLS, whatever is inside.
    Tls,
}

impl Protocol {
    /// The word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
        }
    }

    /// True where a TLS handshake comes first.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss | Self::Https | Self::Tls)
    }

    /// True where MQTT is spoken inside.
    pub const fn is_mqtt(self) -> bool {
        matches!(self, Self::Mqtt | Self::Mqtts | Self::Ws | Self::Wss)
    }

    /// True where HTTP requests are answered.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// Whom the path's clients trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trust {
    /// PEM file with the trust anchors, and with intermediates that the owner wants used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<Source>,
    /// Common names or whole subjects of the issuers that may appear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_issuers: Vec<String>,
    /// Digests of the public keys that servers may present: `sha256:` over SubjectPublicKeyInfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = limits::DIGEST)))]
    pub pinned_keys: Vec<String>,
    /// TLS profile that the endpoints are held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Certificate revocation lists, PEM or DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<Source>,
    /// Hosts, or `host:port`, that may be asked for revocation where `probePolicy.allow` names
    /// `onlineRevocation`, whatever their address; no other is asked then. Without it a host that a
    /// certificate names is asked at port 80, and only at a public address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = limits::HOST_LENGTH)))]
    pub revocation_hosts: Vec<String>,
}

/// A TLS profile that a rule pack holds as data.
///
/// A word without an edition means the edition that its comment names, now and later: a newer
/// edition gets a word of its own, so that no target is held to something else by an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Mozilla server-side TLS, intermediate: means `mozilla-intermediate-6.0`.
    MozillaIntermediate,
    /// Mozilla server-side TLS, modern: means `mozilla-modern-6.0`.
    MozillaModern,
    /// BSI TR-02102-2: means `bsi-tr-02102-2-2025-01`.
    Bsi,
    /// NIST SP 800-52: means `nist-sp-800-52r2`.
    Nist,
    /// Mozilla server-side TLS 5.7, modern.
    #[serde(rename = "mozilla-modern-5.7")]
    MozillaModern57,
    /// Mozilla server-side TLS 5.7, intermediate.
    #[serde(rename = "mozilla-intermediate-5.7")]
    MozillaIntermediate57,
    /// Mozilla server-side TLS 5.7, old.
    #[serde(rename = "mozilla-old-5.7")]
    MozillaOld57,
    /// Mozilla server-side TLS 5.8, modern.
    #[serde(rename = "mozilla-modern-5.8")]
    MozillaModern58,
    /// Mozilla server-side TLS 5.8, intermediate.
    #[serde(rename = "mozilla-intermediate-5.8")]
    MozillaIntermediate58,
    /// Mozilla server-side TLS 5.8, old.
    #[serde(rename = "mozilla-old-5.8")]
    MozillaOld58,
    /// Mozilla server-side TLS 6.0, modern.
    #[serde(rename = "mozilla-modern-6.0")]
    MozillaModern60,
    /// Mozilla server-side TLS 6.0, intermediate.
    #[serde(rename = "mozilla-intermediate-6.0")]
    MozillaIntermediate60,
    /// BSI TR-02102-2, lists of edition 2025-01.
    #[serde(rename = "bsi-tr-02102-2-2025-01")]
    BsiTr0210222025,
    /// NIST SP 800-52 revision 2.
    #[serde(rename = "nist-sp-800-52r2")]
    NistSp80052r2,
    /// RFC 9325 as RFC 10015 updates it.
    #[serde(rename = "rfc-9325")]
    Rfc9325,
    /// The profile that a rule pack of the owner's gives the name `own`.
    Own,
}

impl Profile {
    /// Every word, in the order of the schema.
    pub const ALL: [Self; 16] = [
        Self::MozillaIntermediate,
        Self::MozillaModern,
        Self::Bsi,
        Self::Nist,
        Self::MozillaModern57,
        Self::MozillaIntermediate57,
        Self::MozillaOld57,
        Self::MozillaModern58,
        Self::MozillaIntermediate58,
        Self::MozillaOld58,
        Self::MozillaModern60,
        Self::MozillaIntermediate60,
        Self::BsiTr0210222025,
        Self::NistSp80052r2,
        Self::Rfc9325,
        Self::Own,
    ];

    /// The word as it is written in documents and evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MozillaIntermediate => "mozilla-intermediate",
            Self::MozillaModern => "mozilla-modern",
            Self::Bsi => "bsi",
            Self::Nist => "nist",
            Self::MozillaModern57 => "mozilla-modern-5.7",
            Self::MozillaIntermediate57 => "mozilla-intermediate-5.7",
            Self::MozillaOld57 => "mozilla-old-5.7",
            Self::MozillaModern58 => "mozilla-modern-5.8",
            Self::MozillaIntermediate58 => "mozilla-intermediate-5.8",
            Self::MozillaOld58 => "mozilla-old-5.8",
            Self::MozillaModern60 => "mozilla-modern-6.0",
            Self::MozillaIntermediate60 => "mozilla-intermediate-6.0",
            Self::BsiTr0210222025 => "bsi-tr-02102-2-2025-01",
            Self::NistSp80052r2 => "nist-sp-800-52r2",
            Self::Rfc9325 => "rfc-9325",
            Self::Own => "own",
        }
    }
}

with_source! {
/// Something that probes may present.
///
/// Where it comes from. `bearer`: the token; `basic` and `mqtt`: `user:password`;
/// `clientCertificate`: PEM with chain and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// How it is presented.
    pub kind: CredentialKind,
}
}

/// How a credential is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// MQTT user name and password.
    Mqtt,
    /// TLS client certificate.
    ClientCertificate,
}

impl CredentialKind {
    /// The word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Mqtt => "mqtt",
            Self::ClientCertificate => "clientCertificate",
        }
    }
}

with_source! {
/// A configuration file.
///
/// Where the file is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayConfig {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// How it is read; told from the file's name and content where it is `auto`.
    #[serde(default)]
    pub format: ConfigFormat,
    /// Version of the program that reads it; defaults depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_version: Option<String>,
    /// Mapping file that says which key stands for which guardrail, for the generic formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Source>,
    /// What the environment of the program sets, as `KEY=value` lines, for the formats in which it
    /// fills values in or overrules the file. Nothing is ever taken from another environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Source>,
}
}

impl GatewayConfig {
    /// The configuration, and everything that is read with it, in the order of the document.
    pub fn sources(&self) -> Vec<Source> {
        let more = self.mapping.iter().chain(&self.environment).cloned();
        std::iter::once(self.source()).chain(more).collect()
    }
}

/// How a configuration file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigFormat {
    /// Told from the file's name and content.
    #[default]
    Auto,
    /// The reference gateway's own TOML.
    PlumblineGateway,
    /// mosquitto.conf.
    Mosquitto,
    /// HOCON of EMQX 5 and 6, with `cluster.hocon` beside it.
    Emqx,
    /// HOCON of NanoMQ.
    Nanomq,
    /// config.xml of HiveMQ.
    Hivemq,
    /// rabbitmq.conf with the MQTT plugin, with `conf.d` and `advanced.config` beside it.
    Rabbitmq,
    /// vernemq.conf, with `conf.d` beside it.
    Vernemq,
    /// `KEY=value` lines.
    Env,
    /// TOML through a mapping.
    Toml,
    /// YAML through a mapping.
    Yaml,
    /// JSON through a mapping.
    Json,
    /// A Docker Compose file, with its override and what it includes.
    Compose,
    /// Kubernetes manifests, as they are sent to the API server.
    Kubernetes,
    /// nginx.conf, with what it includes.
    Nginx,
    /// haproxy.cfg.
    Haproxy,
    /// telegraf.conf, with the `telegraf.d` beside it.
    Telegraf,
    /// settings.js of Node-RED, which is never run.
    NodeRed,
    /// A systemd unit, with its drop-ins beside it.
    Systemd,
    /// `tb_gateway.json` of the ThingsBoard IoT gateway, with the files of its connectors.
    ThingsboardGateway,
    /// INI through a mapping.
    Ini,
}

with_source! {
/// A set of device certificates.
///
/// Where the certificates are: a file, a folder, or a CSV that holds them. With `table` it holds the
/// address of a Postgres database instead: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceCertificates {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// Password of PKCS#12 files in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Source>,
    /// CSV inventory that binds devices to certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Source>,
    /// Table of a Postgres database that holds the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<DeviceTable>,
}
}

/// A table or view with a row for each certificate of a device. It is read and never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceTable {
    /// Schema of the table; without it the search path of the user finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub schema: Option<String>,
    /// Its name, with its case.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub name: String,
    /// Column with the id of the device, of any type.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub device: String,
    /// Column with the certificate, PEM or DER, of type `text`, `varchar` or `bytea`.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub certificate: String,
    /// Column with the cohort of the device, of any type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub cohort: Option<String>,
}

impl DeviceTable {
    /// The table as sentences name it: `schema.name`, or its name alone.
    pub fn written(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// One selected check with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckSelection {
    /// The check.
    pub id: CheckId,
    /// Parameters that rules of this check read, over their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Severities that this target gives to rules of this check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    // Without this the keys' pattern becomes `patternProperties`, which CRDs refuse.
    #[schemars(with = "BTreeMap<String, Severity>")]
    pub severity_overrides: BTreeMap<IssueKey, Severity>,
}

/// How gently probes must behave, as far as the document says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbePolicySpec {
    /// Connections open at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::CONNECTIONS.0, max = limits::CONNECTIONS.1))]
    pub max_connections: Option<u16>,
    /// Probes of one run at work at the same time; all of them where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::CONCURRENT_PROBES.0, max = limits::CONCURRENT_PROBES.1))]
    pub max_concurrent_probes: Option<u16>,
    /// Seconds until a connection attempt is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(
        min = limits::CONNECT_TIMEOUT_SECONDS.0,
        max = limits::CONNECT_TIMEOUT_SECONDS.1
    ))]
    pub connect_timeout_seconds: Option<u16>,
    /// Seconds until a whole check is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::DEADLINE_SECONDS.0, max = limits::DEADLINE_SECONDS.1))]
    pub deadline_seconds: Option<u16>,
    /// Seconds between two runs of this target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(
        min = limits::MIN_INTERVAL_SECONDS.0,
        max = limits::MIN_INTERVAL_SECONDS.1
    ))]
    pub min_interval_seconds: Option<u32>,
    /// What goes beyond looking, and is allowed here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allowance>,
}

/// Something that goes beyond looking.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Allowance {
    /// Write one canary record that the owner can tell from real data.
    CanaryWrite,
    /// Ask the OCSP responder and the CRL distribution point that the certificate of an endpoint
    /// names, once its path is trusted.
    OnlineRevocation,
}
