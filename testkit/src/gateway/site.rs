//! The folder of a reference gateway: certificates, secrets, `gateway.toml` and the document
//! that audits it.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use model::Digest;
use model::digest::hex;

use super::config::{
    Admin, Authenticator, Config, GatewaySection, Ingest, IngestAuth, Limits, LogLevel, Mqtt,
    MqttAuth, Tls, TlsVersion, Uplink,
};
use super::{GatewayError, config, read};
use crate::pki::{Authority, Leaf};
use crate::process::free_port;

/// Name of the target in the audit document.
pub const TARGET_NAME: &str = "reference-gateway";

/// Name of the audit document in the folder.
const TARGET_FILE: &str = "target.yaml";
const CA_FILE: &str = "ca.pem";
const CERT_FILE: &str = "server.pem";
const KEY_FILE: &str = "server.key";
const TOKEN_FILE: &str = "token";
const PASSWORD_FILE: &str = "passwords";
const DEVICE_PASSWORD_FILE: &str = "device-password";

/// The user that devices present to the broker.
const DEVICE_USER: &str = "device";

/// How well the gateway is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posture {
    /// Ingest in plaintext without authentication, and settings left to undeclared defaults.
    Exposed,
    /// Ingest over TLS with a bearer token, and every setting declared.
    Hardened,
}

/// Where a gateway listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The broker, over TLS in both postures.
    pub broker: u16,
    /// The ingest edge while exposed.
    pub http: u16,
    /// The ingest edge once hardened.
    pub https: u16,
}

/// The ports of the guides: 8883, 8080 and 8443.
impl Default for Ports {
    fn default() -> Self {
        Self { broker: 8883, http: 8080, https: 8443 }
    }
}

impl Ports {
    /// Three loopback ports that nobody listens on.
    pub fn free() -> Self {
        Self { broker: free_port(), http: free_port(), https: free_port() }
    }
}

/// The folder of one gateway.
#[derive(Debug)]
pub struct Site {
    dir: PathBuf,
    host: String,
    bind: String,
    ports: Ports,
}

impl Site {
    /// Puts certificates and secrets into `dir`, unless they are there from an earlier call:
    /// certificates, token and password stay the same when the posture changes.
    pub fn create(dir: &Path, ports: Ports) -> Result<Self, GatewayError> {
        Self::create_at(dir, IpAddr::V4(Ipv4Addr::LOCALHOST), ports)
    }

    /// The same for a gateway that listens on another address of this machine, such as one that
    /// pods can reach.
    pub fn create_at(dir: &Path, host: IpAddr, ports: Ports) -> Result<Self, GatewayError> {
        Self::create_as(dir, &host.to_string(), &host.to_string(), ports)
    }

    /// The same for a gateway that others know by `host`, an address or a name, and that listens
    /// on `bind`, an address or a name of its own machine.
    pub fn create_as(
        dir: &Path,
        host: &str,
        bind: &str,
        ports: Ports,
    ) -> Result<Self, GatewayError> {
        let site =
            Self { dir: dir.to_owned(), host: host.to_owned(), bind: bind.to_owned(), ports };
        std::fs::create_dir_all(dir).map_err(file_error(dir))?;
        if !site.path(CERT_FILE).exists() {
            let authority = Authority::new("Reference gateway CA");
            let mut leaf = Leaf::default();
            match host.parse() {
                Ok(address) if leaf.ip.contains(&address) => {}
                Ok(address) => leaf.ip.push(address),
                Err(_) => leaf = Leaf::server(host),
            }
            let server = authority.issue(&leaf);
            site.write_public(CA_FILE, &authority.pem())?;
            site.write_secret(KEY_FILE, &server.key_pem)?;
            site.write_public(CERT_FILE, &server.cert_pem)?;
        }
        if !site.path(TOKEN_FILE).exists() {
            site.write_secret(TOKEN_FILE, &random_text())?;
        }
        if !site.path(PASSWORD_FILE).exists() {
            let password = random_text();
            let digest = Digest::of_bytes(password.as_bytes());
            site.write_secret(DEVICE_PASSWORD_FILE, &password)?;
            site.write_secret(PASSWORD_FILE, &format!("{DEVICE_USER}:{digest}\n"))?;
        }
        Ok(site)
    }

    /// Writes `gateway.toml` and `target.yaml` for a posture; returns the path of the latter.
    pub fn write(&self, posture: Posture) -> Result<PathBuf, GatewayError> {
        self.config(posture).write(&self.dir, posture.heading())?;
        self.write_public(TARGET_FILE, &self.target(posture))?;
        Ok(self.path(TARGET_FILE))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the gateway of this folder listens.
    pub const fn ports(&self) -> Ports {
        self.ports
    }

    /// The bearer token of the ingest edge.
    pub fn token(&self) -> Result<String, GatewayError> {
        read(self.path(TOKEN_FILE))
    }

    /// User and password of a device.
    pub fn device_login(&self) -> Result<(String, String), GatewayError> {
        Ok((DEVICE_USER.to_owned(), read(self.path(DEVICE_PASSWORD_FILE))?))
    }

    /// The trust anchors of both listeners, PEM.
    pub fn ca_pem(&self) -> Result<String, GatewayError> {
        read(self.path(CA_FILE))
    }

    /// What `gateway.toml` says in a posture.
    pub fn config(&self, posture: Posture) -> Config {
        let hardened = posture == Posture::Hardened;
        let bind = || self.bind.clone();
        let tls = || Tls {
            enabled: true,
            cert: CERT_FILE.into(),
            key: KEY_FILE.into(),
            min_version: TlsVersion::Tls12,
        };
        Config {
            gateway: GatewaySection {
                id: "gw-reference-01".to_owned(),
                log_level: LogLevel::Info,
                bind: bind(),
                effective_config: hardened,
            },
            mqtt: Mqtt {
                bind: Some(bind()),
                port: self.ports.broker,
                keepalive_seconds: hardened.then_some(60),
                allow_anonymous: false,
                tls: Some(tls()),
                auth: Some(MqttAuth { password_file: PASSWORD_FILE.into() }),
            },
            ingest: Ingest {
                bind: Some(bind()),
                port: if hardened { self.ports.https } else { self.ports.http },
                auth: Some(IngestAuth {
                    enabled: hardened,
                    authenticators: if hardened { vec![Authenticator::Bearer] } else { Vec::new() },
                    token_file: hardened.then(|| TOKEN_FILE.into()),
                    token_env: None,
                    device: None,
                }),
                tls: hardened.then(tls),
                limits: hardened.then_some(Limits {
                    max_body_bytes: Some(65_536),
                    requests_per_minute: Some(600),
                }),
            },
            uplink: Uplink { url: "https://telemetry.example.com/v1".to_owned(), verify: true },
            admin: Some(Admin { enabled: false, bind: Some(bind()), debug: false }),
        }
    }

    /// The AuditTarget document for a posture, with files beside it.
    pub fn target(&self, posture: Posture) -> String {
        self.target_from(posture, |file| format!("path: {file}"))
    }

    /// What makes the gateway known to a cluster: its public files as a ConfigMap, its token as a
    /// Secret, and the AuditTarget that names both. YAML, to be applied.
    pub fn manifests(&self, posture: Posture) -> Result<String, GatewayError> {
        Ok(format!("{}---\n{}", self.known()?, self.cluster_target(posture)))
    }

    /// What a gateway in a cluster runs with, and is audited by: its public files as a ConfigMap,
    /// its token as a Secret, and as another Secret what only the gateway itself may read. YAML.
    pub fn objects(&self) -> Result<String, GatewayError> {
        let own = [CERT_FILE, KEY_FILE, PASSWORD_FILE];
        let own = own.iter().map(|name| Ok((*name, read(self.path(name))?)));
        let own = own.collect::<Result<Vec<_>, GatewayError>>()?;
        let own = object("Secret", &format!("{TARGET_NAME}-server"), "stringData", &own);
        Ok(format!("{}---\n{own}", self.known()?))
    }

    /// The AuditTarget document for a cluster that has [`Self::objects`].
    pub fn cluster_target(&self, posture: Posture) -> String {
        self.target_from(posture, |file| {
            let kind = if file == TOKEN_FILE { "secretRef" } else { "configMapRef" };
            format!("{kind}: {{name: {TARGET_NAME}, key: {file}}}")
        })
    }

    fn known(&self) -> Result<String, GatewayError> {
        let public = [(config::FILE, read(self.path(config::FILE))?), (CA_FILE, self.ca_pem()?)];
        let secret = [(TOKEN_FILE, self.token()?)];
        let public = object("ConfigMap", TARGET_NAME, "data", &public);
        Ok(format!("{public}---\n{}", object("Secret", TARGET_NAME, "stringData", &secret)))
    }

    fn target_from(&self, posture: Posture, source: impl Fn(&str) -> String) -> String {
        let Ports { broker, http, https } = self.ports;
        let (protocol, port, description, checks) = match posture {
            Posture::Exposed => (
                "http",
                http,
                "Reference gateway with its broker and ingest edge, before hardening.",
                CHECKS.replace("{ingest}", ""),
            ),
            Posture::Hardened => (
                "https",
                https,
                "Reference gateway with its broker and ingest edge, after hardening.",
                CHECKS.replace("{ingest}", &format!("\n      params: {{plainPort: {http}}}")),
            ),
        };
        format!(
            "\
apiVersion: {api}
kind: AuditTarget
metadata:
  name: {TARGET_NAME}
spec:
  path: gateway
  owner: edge-platform
  criticality: high
  description: {description}
  endpoints:
    - name: broker
      protocol: mqtts
      host: {host}
      port: {broker}
    - name: ingest
      protocol: {protocol}
      host: {host}
      port: {port}
      path: /v1/ingest
      healthPath: /healthz
  trust:
    caBundle: {{{ca}}}
  credentials:
    - name: ingest
      kind: bearer
      {token}
{checks}  gatewayConfig:
    - name: gateway-main
      format: plumbline-gateway
      {config}
",
            api = model::document::API_VERSION,
            host = yaml_text(&self.host),
            ca = source(CA_FILE),
            token = source(TOKEN_FILE),
            config = source(config::FILE),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn write_public(&self, name: &str, text: &str) -> Result<(), GatewayError> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(file_error(&path))
    }

    /// Writes a file that only its owner may read.
    fn write_secret(&self, name: &str, text: &str) -> Result<(), GatewayError> {
        let path = self.path(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(file_error(&path))
    }
}

/// The checks of the reference story. Hardened, the port where ingest used to answer in plaintext is
/// looked at, too.
const CHECKS: &str = "  checks:
    - id: broker_transport_posture
    - id: broker_cert_identity
    - id: ingest_auth{ingest}
    - id: gateway_config_guardrails
";

impl Posture {
    const fn heading(self) -> &'static str {
        match self {
            Self::Exposed => "Reference gateway, before hardening.",
            Self::Hardened => "Reference gateway, after hardening.",
        }
    }
}

/// A ConfigMap or Secret with files in it.
fn object(kind: &str, name: &str, field: &str, files: &[(&str, String)]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{field}:\n");
    for (file, content) in files {
        // A file that ends in no new line gets none: a token is sent as it is.
        let style = if content.ends_with('\n') { "|" } else { "|-" };
        writeln!(text, "  {file}: {style}").expect("text can be written to");
        for line in content.lines() {
            writeln!(text, "    {line}").expect("text can be written to");
        }
    }
    text
}

/// An IPv6 address has colons, which mean something in YAML.
fn yaml_text(text: &str) -> String {
    if text.contains(':') { format!("\"{text}\"") } else { text.to_owned() }
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> GatewayError {
    move |error| GatewayError::File { path: path.to_owned(), reason: error.to_string() }
}

/// 32 random bytes as hex.
fn random_text() -> String {
    hex(&rand::random::<[u8; 32]>())
}
