//! `gateway.toml`: the file that decides how the reference gateway behaves.
//!
//! Paths in it are relative to the folder of the file. Unknown keys are refused. The whole schema:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `gateway.id` | string | required | name of this gateway |
//! | `gateway.log_level` | `error` `warn` `info` `debug` `trace` | `info` | how much is logged |
//! | `gateway.bind` | address or name | `127.0.0.1` | where listeners listen that do not say it; a name is looked up at the start |
//! | `gateway.effective_config` | bool | `false` | serve `GET /v1/config/effective`, secrets as digests, behind the same authentication as ingest |
//! | `mqtt.bind` | address or name | `gateway.bind` | address of the broker |
//! | `mqtt.port` | 1-65535 | required | port of the broker |
//! | `mqtt.keepalive_seconds` | seconds, 1-65535 | `300` | longest silence of a device; a device may ask for less |
//! | `mqtt.allow_anonymous` | bool | `true` | let devices in without user and password |
//! | `mqtt.tls.enabled` | bool | `false` | TLS on the broker's port |
//! | `mqtt.tls.cert`, `mqtt.tls.key` | path | required if enabled | PEM chain and PEM key |
//! | `mqtt.tls.min_version` | `1.2` `1.3` | `1.2` | oldest TLS version accepted |
//! | `mqtt.auth.password_file` | path | none | lines `user:sha256:<hex of the password>` |
//! | `ingest.bind` | address or name | `gateway.bind` | address of the ingest edge |
//! | `ingest.port` | 1-65535 | required | port of the ingest edge |
//! | `ingest.auth.enabled` | bool | `false` | ask for a credential before the body is read |
//! | `ingest.auth.authenticators` | list of `bearer` | `[]` | which credentials are known; enabled with an empty list refuses to start |
//! | `ingest.auth.token_file` | path | none | file that holds the bearer token |
//! | `ingest.auth.token_env` | variable name | none | environment variable that holds the bearer token |
//! | `ingest.auth.device` | string | none | the one device that the token stands for: messages of another are answered 403 |
//! | `ingest.tls.*` | as `mqtt.tls.*` | off | TLS on the ingest port |
//! | `ingest.limits.max_body_bytes` | bytes | `1048576` | larger bodies are answered 413, by their length before they are read |
//! | `ingest.limits.requests_per_minute` | count | `6000` | more requests are answered 429; every answer says how many are left |
//! | `uplink.url` | URL | required | where readings are forwarded to; this gateway forwards nothing and only declares it |
//! | `uplink.verify` | bool | `true` | check the certificate of the uplink |
//! | `admin.enabled`, `admin.debug` | bool | `false` | management and debug surfaces; this gateway has none and refuses to start with one on |
//! | `admin.bind` | address or name | `gateway.bind` | address of the management surface |
//!
//! Tables that may be missing altogether: `mqtt.tls`, `mqtt.auth`, `ingest.auth`, `ingest.tls`,
//! `ingest.limits`, `admin`. A missing table leaves the defaults above in force, and nobody who
//! reads only the file can tell them: that is what the exposed posture shows with `ingest.tls`,
//! `ingest.limits` and `mqtt.keepalive_seconds`.
//!
//! There is no key that holds a secret: tokens and passwords are named by file or variable.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file in the gateway's folder.
pub const FILE: &str = "gateway.toml";

/// Longest silence of a device where the file does not say, in seconds.
pub const DEFAULT_KEEPALIVE_SECONDS: u16 = 300;

/// Largest ingest body where the file does not say, in bytes.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// Most ingest requests in one minute where the file does not say.
pub const DEFAULT_REQUESTS_PER_MINUTE: u32 = 6_000;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The gateway itself.
    pub gateway: GatewaySection,
    /// The embedded broker.
    pub mqtt: Mqtt,
    /// The ingest edge.
    pub ingest: Ingest,
    /// Where readings go.
    pub uplink: Uplink,
    /// Management surfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
}

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySection {
    /// Name of this gateway.
    pub id: String,
    /// How much is logged.
    #[serde(default)]
    pub log_level: LogLevel,
    /// Address of listeners that name none.
    #[serde(default = "loopback")]
    pub bind: String,
    /// Serve the effective configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub effective_config: bool,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what happens.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And every byte.
    Trace,
}

/// `[mqtt]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    /// Address of the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// Port of the broker.
    pub port: u16,
    /// Longest silence of a device, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive_seconds: Option<u16>,
    /// Let devices in without user and password.
    #[serde(default = "yes")]
    pub allow_anonymous: bool,
    /// TLS on the broker's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<MqttAuth>,
}

/// `[mqtt.auth]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttAuth {
    /// File with one `user:sha256:<hex of the password>` per line.
    pub password_file: PathBuf,
}

/// `[mqtt.tls]` and `[ingest.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// TLS on this port.
    #[serde(default)]
    pub enabled: bool,
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Oldest version accepted.
    #[serde(default)]
    pub min_version: TlsVersion,
}

/// A TLS version that this gateway speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 (RFC 9846).
    #[serde(rename = "1.3")]
    Tls13,
}

/// `[ingest]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// Address of the ingest edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// Port of the ingest edge.
    pub port: u16,
    /// Who may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<IngestAuth>,
    /// TLS on the ingest port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// How much one may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// `[ingest.auth]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestAuth {
    /// Ask for a credential before the body is read.
    #[serde(default)]
    pub enabled: bool,
    /// Which credentials are known.
    #[serde(default)]
    pub authenticators: Vec<Authenticator>,
    /// File that holds the bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Environment variable that holds the bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The device that the token stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authenticator {
    /// `Authorization: Bearer` with the one token of this gateway.
    Bearer,
}

/// `[ingest.limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest body, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<usize>,
    /// Most requests in one minute, over all clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
}

/// `[uplink]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    /// Where readings are forwarded to.
    pub url: String,
    /// Check the certificate of the uplink.
    #[serde(default = "yes")]
    pub verify: bool,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// A management surface.
    #[serde(default)]
    pub enabled: bool,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// Debug surfaces.
    #[serde(default)]
    pub debug: bool,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no TOML of this schema; the message names line and column.
    #[error("`{}`: {error}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        error: Box<toml_edit::de::Error>,
    },
    /// It contradicts itself.
    #[error("`{key}`: {reason}")]
    Contradiction {
        /// The key.
        key: &'static str,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
}

impl Config {
    /// Reads `gateway.toml` in `dir`.
    pub fn read(dir: &Path) -> Result<Self, ConfigError> {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ConfigError::File { path: path.clone(), error })?;
        let config: Self = toml_edit::de::from_str(&text)
            .map_err(|error| ConfigError::Schema { path, error: Box::new(error) })?;
        config.check()?;
        Ok(config)
    }

    /// Writes `gateway.toml` in `dir`, with `heading` as a comment on top.
    pub fn write(&self, dir: &Path, heading: &str) -> Result<(), ConfigError> {
        let body = toml_edit::ser::to_string_pretty(self).expect("every key is a string");
        let path = dir.join(FILE);
        std::fs::write(&path, format!("# {heading}\n\n{body}"))
            .map_err(|error| ConfigError::File { path, error })
    }

    /// The sections that a listener can do without are only usable together.
    fn check(&self) -> Result<(), ConfigError> {
        let contradiction = |key, reason| Err(ConfigError::Contradiction { key, reason });
        if let Some(auth) = self.ingest.auth.as_ref().filter(|auth| auth.enabled) {
            if auth.authenticators.is_empty() {
                return contradiction(
                    "ingest.auth.authenticators",
                    "authentication is on and nothing could pass it; list `bearer`",
                );
            }
            if auth.token_file.is_some() == auth.token_env.is_some() {
                return contradiction(
                    "ingest.auth.token_file",
                    "set exactly one of `token_file` and `token_env`",
                );
            }
        }
        if !self.mqtt.allow_anonymous && self.mqtt.auth.is_none() {
            return contradiction(
                "mqtt.auth.password_file",
                "anonymous devices are refused and nobody else is known; name a password file",
            );
        }
        if self.admin.as_ref().is_some_and(|admin| admin.enabled || admin.debug) {
            return contradiction("admin.enabled", "this gateway has no management surface");
        }
        Ok(())
    }
}

impl Mqtt {
    /// Longest silence in force, in seconds.
    pub fn keepalive(&self) -> u16 {
        self.keepalive_seconds.unwrap_or(DEFAULT_KEEPALIVE_SECONDS)
    }
}

impl Ingest {
    /// Largest body in force, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.limits.as_ref().and_then(|l| l.max_body_bytes).unwrap_or(DEFAULT_MAX_BODY_BYTES)
    }

    /// Requests per minute in force.
    pub fn requests_per_minute(&self) -> u32 {
        let declared = self.limits.as_ref().and_then(|limits| limits.requests_per_minute);
        declared.unwrap_or(DEFAULT_REQUESTS_PER_MINUTE)
    }

    /// True if a credential is asked for.
    pub fn asks(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.enabled)
    }
}

fn loopback() -> String {
    "127.0.0.1".to_owned()
}

const fn yes() -> bool {
    true
}
