//! How a broker is asked and set up here, and messages of others in it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use model::document::{Allowance, Credential, CredentialKind, Endpoint, Protocol, Source, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;
use probes::mqtt_access_control::{MAX_CONNECTIONS, MORE_CONNECTIONS};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::evidence::value;
use testkit::mosquitto::{Broker, Setup};
use testkit::pki::{Authority, Identity, Leaf};
use testkit::process::loopback;

/// Asks a broker on loopback as a stranger.
pub async fn audit(protocol: Protocol, port: u16) -> Evidence {
    audit_with(protocol, port, json!({})).await
}

/// The same with parameters.
pub async fn audit_with(protocol: Protocol, port: u16, params: Value) -> Evidence {
    let endpoint = Endpoint {
        server_name: protocol.is_tls().then(|| "localhost".to_owned()),
        ..Endpoint::new("broker", protocol, "127.0.0.1", port)
    };
    let inputs = Inputs::Endpoint { endpoint, trust: Trust::default(), credentials: Vec::new() };
    let context = Context::new(RunId("run".to_owned()), ".".into());
    collect(&context, inputs, &[], params).await
}

async fn collect(
    context: &Context,
    inputs: Inputs,
    allow: &[Allowance],
    params: Value,
) -> Evidence {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let mut params: BTreeMap<_, _> = params.as_object().unwrap().clone().into_iter().collect();
    let more = ["defaultCredentials", "staging"].iter().any(|name| params.contains_key(*name));
    let most = MAX_CONNECTIONS + if more { MORE_CONNECTIONS } else { 0 };
    params.insert("connectIntervalMilliseconds".to_owned(), json!(0));
    params.insert("listenMilliseconds".to_owned(), json!(400));
    let request = CheckRequest {
        check: CheckId::MqttAccessControl,
        target: TargetKey("target".to_owned()),
        subject: Subject::endpoint("broker"),
        inputs,
        // A broker that says nothing to MQTT 5 is waited for as long as this, twice.
        policy: ProbePolicy {
            allow: allow.to_vec(),
            connect_timeout_seconds: 2,
            ..ProbePolicy::default()
        },
        params,
    };
    let evidence = probes::collect(context, &request).await;
    let connections = value(&evidence, "/connections").as_u64().unwrap();
    assert!(connections <= u64::from(most), "{connections} connections");
    // Whatever a broker says, the evidence of it is admitted.
    let text = serde_json::to_string(&evidence).unwrap();
    engine::contract::admit(text.as_bytes()).unwrap();
    evidence
}

/// A folder with what a target names, and a broker of TLS beside it.
pub struct Plant {
    folder: TempDir,
    identity: Identity,
}

impl Plant {
    /// A folder with the trust anchors of a broker to come.
    pub fn new() -> Self {
        let authority = Authority::new("Plant CA");
        let identity = authority.issue(&Leaf::default());
        let plant = Self { folder: TempDir::new().unwrap(), identity };
        plant.write("ca.pem", &authority.pem());
        plant
    }

    /// Writes a file as a careful owner does; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A broker of TLS that knows these users alone.
    pub fn broker(&self, users: &[(&str, &str)], acl: &str, lines: &[&str]) -> Broker {
        self.broker_of(users, acl, &Setup { lines, ..Setup::default() })
    }

    /// The same, set up further.
    pub fn broker_of(&self, users: &[(&str, &str)], acl: &str, setup: &Setup<'_>) -> Broker {
        let passwords = self.write("passwords", "");
        for (user, password) in users {
            let status = Command::new("mosquitto_passwd")
                .args(["-b", &passwords, user, password])
                .status()
                .unwrap();
            assert!(status.success(), "{status}");
        }
        self.logins(users);
        let acl = format!("acl_file {}", self.write("acl", acl));
        let passwords = format!("password_file {passwords}");
        let own = ["allow_anonymous false", &passwords, &acl];
        let lines = [&own[..], setup.lines].concat();
        let identity = Some(&self.identity);
        Broker::start(&Setup { identity, lines: &lines, ..setup.clone() }).unwrap()
    }

    /// Writes what users log in with, each into a file.
    pub fn logins(&self, users: &[(&str, &str)]) {
        for (number, (user, password)) in users.iter().enumerate() {
            self.write(&format!("login-{number}"), &format!("{user}:{password}\n"));
        }
    }

    /// The certificate and the key of the broker.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Writes a client's certificate and key, and gives the authority that issued it.
    pub fn client_certificate(&self, authority: &Authority, file: &str, name: &str) {
        let leaf = authority.issue(&Leaf::device(name));
        self.write(file, &format!("{}{}", leaf.cert_pem, leaf.key_pem));
    }

    /// Asks the broker with both logins.
    pub async fn audit(&self, port: u16, allow: &[Allowance]) -> Evidence {
        self.ask(port, allow, &Asked::default()).await
    }

    /// Asks the broker in another way.
    pub async fn ask(&self, port: u16, allow: &[Allowance], asked: &Asked<'_>) -> Evidence {
        let credential = |(file, kind): &(&str, CredentialKind)| Credential {
            name: (*file).to_owned(),
            kind: *kind,
            path: Some((*file).to_owned()),
            env: None,
            config_map_ref: None,
            secret_ref: None,
            url: None,
        };
        let inputs = Inputs::Endpoint {
            endpoint: Endpoint::new("broker", asked.protocol, "localhost", port),
            trust: Trust { ca_bundle: Some(Source::path("ca.pem")), ..Trust::default() },
            credentials: asked.credentials.iter().map(credential).collect(),
        };
        let mut params = json!({
            "scopeA": "devices/device-a",
            "scopeB": "devices/device-b",
            "clientIdB": "test-pair-b",
        });
        params.as_object_mut().unwrap().extend(asked.params.as_object().unwrap().clone());
        let context = Context::new(RunId("run-1".to_owned()), self.folder.path().to_owned());
        collect(&context, inputs, allow, params).await
    }
}

/// How a plant's broker is asked: over TLS with two logins, where nothing else is said.
pub struct Asked<'a> {
    /// Protocol of the endpoint.
    pub protocol: Protocol,
    /// Files of the plant with credentials, and what they hold.
    pub credentials: &'a [(&'a str, CredentialKind)],
    /// Parameters beside the scopes and the second client id.
    pub params: Value,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self { protocol: Protocol::Mqtts, credentials: LOGINS, params: json!({}) }
    }
}

/// The two logins of a plant.
pub const LOGINS: &[(&str, CredentialKind)] =
    &[("login-0", CredentialKind::Mqtt), ("login-1", CredentialKind::Mqtt)];

/// Publishes one message in MQTT 3.1.1 with QoS 0, and waits until the broker has taken it.
pub fn publish(port: u16, topic: &str, payload: &[u8], retained: bool) {
    let mut stream = connected(port);
    stream.write_all(&message(topic, payload, retained)).unwrap();
    // A PINGRESP comes after what was sent before it.
    stream.write_all(&[0xc0, 0]).unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
}

fn connected(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(loopback(port)).unwrap();
    stream.write_all(b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04meta").unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    stream
}

fn message(topic: &str, payload: &[u8], retained: bool) -> Vec<u8> {
    let body = [&[0, u8::try_from(topic.len()).unwrap()], topic.as_bytes(), payload].concat();
    [&[0x30 | u8::from(retained), u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

/// Somebody who publishes to a topic over and over, until this value ends.
pub struct Publisher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Starts to publish.
    pub fn start(port: u16, topic: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let packet = message(topic, b"1", false);
        let mut stream = connected(port);
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) && stream.write_all(&packet).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
