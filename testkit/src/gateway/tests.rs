use std::sync::Arc;

use bytes::BytesMut;
use model::document::{AuditTarget, Protocol, Resource};
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, Publish, Subscribe, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error as CodecError, QoS};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::config::{Config, ConfigError, FILE};
use super::listener::Stream;
use super::*;

impl Fixture {
    async fn tls(&self, address: SocketAddr) -> Stream {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.site.ca_pem().unwrap().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(address).await.unwrap();
        let name = ServerName::from(address.ip());
        Box::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap())
    }

    async fn send(&self, request: &str) -> Stream {
        let mut stream: Stream = match Config::read(self.dir.path()).unwrap().ingest.tls {
            Some(_) => self.tls(self.gateway.ingest()).await,
            None => Box::new(TcpStream::connect(self.gateway.ingest()).await.unwrap()),
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a whole request and reads until the gateway closes.
    async fn http(&self, request: &str) -> String {
        let mut answer = Vec::new();
        self.send(request).await.read_to_end(&mut answer).await.ok();
        String::from_utf8(answer).unwrap()
    }

    /// Sends the head of a request and reads version and status of what comes first.
    async fn first_line(&self, head: &str) -> String {
        let mut answer = [0; "HTTP/1.1 200".len()];
        self.send(head).await.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer.to_vec()).unwrap()
    }

    async fn post(&self, authorization: &str, body: &str) -> String {
        let length = body.len();
        self.http(&format!(
            "POST /v1/ingest HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{authorization}\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn get(&self, path: &str, authorization: &str) -> String {
        self.http(&format!(
            "GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{authorization}\r\n"
        ))
        .await
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.site.token().unwrap())
    }
}

const READING: &str = r#"{"device": "pump-7", "readings": [{"temperature": 21.5}]}"#;

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("no answer")
}

#[tokio::test]
async fn the_exposed_gateway_takes_a_reading_from_anybody() {
    let fixture = Fixture::start(Posture::Exposed).await;
    assert_eq!(status(&fixture.post("", READING).await), "202");
    assert_eq!(fixture.gateway.readings(), 1);
    assert_eq!(status(&fixture.get("/v1/config/effective", "").await), "404");
    assert!(fixture.get("/healthz", "").await.contains(r#"{"status":"ok","uplink":"up"}"#));
}

#[tokio::test]
async fn the_hardened_gateway_asks_for_its_token() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let refused = fixture.post("", READING).await;
    assert_eq!(status(&refused), "401");
    assert!(refused.to_lowercase().contains("www-authenticate: bearer"), "{refused}");
    assert_eq!(status(&fixture.post("Authorization: Bearer wrong\r\n", READING).await), "401");
    assert_eq!(fixture.gateway.readings(), 0);
    assert_eq!(status(&fixture.post(&fixture.bearer(), READING).await), "202");
    assert_eq!(fixture.gateway.readings(), 1);
    assert!(fixture.get("/healthz", "").await.contains(r#"{"status":"ok","uplink":"up"}"#));
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_is_asked_for() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let head = "POST /v1/ingest HTTP/1.1\r\nHost: gateway\r\nExpect: 100-continue\r\n\
                Connection: close\r\nContent-Length: 20\r\n";
    let refused = fixture.first_line(&format!("{head}\r\n")).await;
    assert_eq!(refused, "HTTP/1.1 401");
    let welcomed = fixture.first_line(&format!("{head}{}\r\n", fixture.bearer())).await;
    assert_eq!(welcomed, "HTTP/1.1 100");
}

#[tokio::test]
async fn the_effective_configuration_shows_defaults_and_hides_secrets() {
    let fixture = Fixture::start(Posture::Hardened).await;
    assert_eq!(status(&fixture.get("/v1/config/effective", "").await), "401");
    let answer = fixture.get("/v1/config/effective", &fixture.bearer()).await;
    assert_eq!(status(&answer), "200");
    let token = fixture.site.token().unwrap();
    let file = std::fs::read_to_string(fixture.dir.path().join(FILE)).unwrap();
    assert!(answer.contains(model::Digest::of_bytes(token.as_bytes()).as_str()));
    assert!(answer.contains(r#""keepalive_seconds":60"#), "{answer}");
    assert!(!answer.contains(&token) && !file.contains(&token));
}

#[tokio::test]
async fn a_body_that_is_no_telemetry_is_refused() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let bearer = fixture.bearer();
    assert_eq!(status(&fixture.post(&bearer, "{").await), "400");
    assert_eq!(status(&fixture.post(&bearer, r#"{"device": 1}"#).await), "422");
    let large = " ".repeat(70_000);
    assert_eq!(status(&fixture.post(&bearer, &large).await), "413");
    assert_eq!(fixture.gateway.readings(), 0);
}

#[tokio::test]
async fn more_requests_than_the_file_allows_are_answered_429() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::create(dir.path(), Ports::free()).unwrap();
    let mut config = site.config(Posture::Exposed);
    config.ingest.limits =
        Some(config::Limits { max_body_bytes: None, requests_per_minute: Some(1) });
    config.write(dir.path(), "One request a minute.").unwrap();
    let gateway = Gateway::start(dir.path()).await.unwrap();
    let fixture = Fixture { dir, site, gateway };
    assert_eq!(status(&fixture.post("", READING).await), "202");
    assert_eq!(status(&fixture.post("", READING).await), "429");
}

#[tokio::test]
async fn hardening_keeps_certificates_and_secrets_and_closes_the_old_port() {
    let exposed = Fixture::start(Posture::Exposed).await;
    let (token, ca) = (exposed.site.token().unwrap(), exposed.site.ca_pem().unwrap());
    let old = exposed.gateway.ingest();
    let hardened = exposed.restart(Posture::Hardened).await;
    let again = Site::create(hardened.dir.path(), hardened.site.ports()).unwrap();
    assert_eq!(again.token().unwrap(), token);
    assert_eq!(again.ca_pem().unwrap(), ca);
    assert_ne!(hardened.gateway.ingest(), old);
    assert!(TcpStream::connect(old).await.is_err());
}

#[tokio::test]
async fn a_stopped_gateway_leaves_no_port_and_no_connection() {
    let fixture = Fixture::start(Posture::Exposed).await;
    let mut open = TcpStream::connect(fixture.gateway.ingest()).await.unwrap();
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n").await.unwrap();
    open.read_u8().await.unwrap();
    let addresses = [fixture.gateway.broker(), fixture.gateway.ingest()];
    fixture.gateway.stop().await;
    for address in addresses {
        assert!(TcpStream::connect(address).await.is_err());
    }
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).await.ok();
}

#[tokio::test]
async fn the_broker_refuses_devices_without_a_password() {
    let fixture = Fixture::start(Posture::Exposed).await;
    let mut anonymous = Device::open(&fixture).await;
    assert_eq!(anonymous.connect(Connect::new("a")).await, ConnectReturnCode::NotAuthorized);
    let mut guess = Connect::new("b");
    guess.set_credentials("device", "guess");
    let mut guesser = Device::open(&fixture).await;
    assert_eq!(guesser.connect(guess).await, ConnectReturnCode::NotAuthorized);
    assert!(guesser.receive().await.is_none(), "a refused connection is closed");
}

#[tokio::test]
async fn a_message_reaches_the_device_that_subscribed_to_it() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let mut reader = Device::login(&fixture, "reader").await;
    let mut subscribe = Subscribe::new("site/+/temperature", QoS::AtLeastOnce);
    subscribe.pkid = 1;
    reader.send(Packet::Subscribe(subscribe)).await;
    let Some(Packet::SubAck(granted)) = reader.receive().await else { panic!("no SUBACK") };
    assert_eq!(granted.return_codes, [SubscribeReasonCode::Success(QoS::AtLeastOnce)]);

    let mut writer = Device::login(&fixture, "writer").await;
    for (pkid, topic) in [(1, "site/7/pressure"), (2, "site/7/temperature")] {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, "21.5");
        publish.pkid = pkid;
        writer.send(Packet::Publish(publish)).await;
        let Some(Packet::PubAck(acknowledged)) = writer.receive().await else {
            panic!("no PUBACK")
        };
        assert_eq!(acknowledged.pkid, pkid);
    }
    let Some(Packet::Publish(message)) = reader.receive().await else { panic!("no message") };
    assert_eq!(message.topic, "site/7/temperature");
    assert_eq!(message.payload, "21.5");

    writer.send(Packet::PingReq).await;
    assert_eq!(writer.receive().await, Some(Packet::PingResp));
    writer.send(Packet::Disconnect).await;
    assert_eq!(writer.receive().await, None);
}

#[tokio::test]
async fn a_second_connection_with_the_same_id_ends_the_first() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let mut first = Device::login(&fixture, "pump-7").await;
    let mut second = Device::login(&fixture, "pump-7").await;
    assert_eq!(first.receive().await, None);
    second.send(Packet::PingReq).await;
    assert_eq!(second.receive().await, Some(Packet::PingResp));
}

#[tokio::test]
async fn bytes_that_are_no_packet_end_the_connection() {
    let fixture = Fixture::start(Posture::Hardened).await;
    let mut device = Device::open(&fixture).await;
    device.stream.write_all(&[0xf0, 0x00]).await.unwrap();
    assert_eq!(device.receive().await, None);
}

#[test]
fn the_audit_documents_are_valid_targets() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports { broker: 1, http: 2, https: 3 };
    let site = Site::create(dir.path(), ports).unwrap();
    let target = |posture| -> AuditTarget {
        match serde_saphyr::from_str(&site.target(posture)).unwrap() {
            Resource::AuditTarget(target) => target,
            other => panic!("{other:?}"),
        }
    };
    let exposed = target(Posture::Exposed);
    assert_eq!(exposed.metadata.name, TARGET_NAME);
    assert_eq!(exposed.spec.endpoints[1].protocol, Protocol::Http);
    assert_eq!(exposed.spec.endpoints[1].port, 2);
    let hardened = target(Posture::Hardened);
    assert_eq!(hardened.spec.endpoints[1].protocol, Protocol::Https);
    assert_eq!(hardened.spec.endpoints[1].port, 3);
    assert_eq!(hardened.spec.checks[2].params["plainPort"], 2);
    assert_eq!(hardened.key(), exposed.key());
}

#[test]
fn the_documents_of_the_guide_are_those_of_a_gateway_in_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let host = "reference-gateway.plant-7.svc";
    let site = Site::create_as(dir.path(), host, "edge", Ports::default()).unwrap();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/first-schedule");
    for (posture, file) in [(Posture::Exposed, "exposed"), (Posture::Hardened, "hardened")] {
        let text = std::fs::read_to_string(guide.join(file).with_extension("yaml")).unwrap();
        let read = |text: &str| match serde_saphyr::from_str(text).unwrap() {
            Resource::AuditTarget(target) => target,
            other => panic!("{other:?}"),
        };
        let (shown, own) = (read(&text), read(&site.cluster_target(posture)));
        assert_eq!(shown.metadata.name, own.metadata.name);
        assert_eq!(shown.spec, own.spec);
        site.write(posture).unwrap();
        assert_eq!(site.config(posture).gateway.bind, "edge");
    }
}

#[test]
fn what_a_cluster_is_given_holds_every_file_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::create(dir.path(), Ports::default()).unwrap();
    site.write(Posture::Hardened).unwrap();
    let objects = site.objects().unwrap();
    let mut files = Vec::new();
    for document in objects.split("\n---\n") {
        let object: serde_json::Value = serde_saphyr::from_str(document).unwrap();
        let data = object.get("data").or(object.get("stringData")).unwrap().as_object().unwrap();
        for (name, content) in data {
            let file = std::fs::read_to_string(dir.path().join(name)).unwrap();
            assert_eq!(content, &file, "{name}");
            files.push(format!("{}/{name}", object["kind"].as_str().unwrap()));
        }
    }
    files.sort();
    assert_eq!(
        files,
        [
            "ConfigMap/ca.pem",
            "ConfigMap/gateway.toml",
            "Secret/passwords",
            "Secret/server.key",
            "Secret/server.pem",
            "Secret/token",
        ]
    );
}

#[tokio::test]
async fn a_gateway_listens_on_a_name_of_its_machine() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::create_as(dir.path(), "a.example", "localhost", Ports::free());
    site.unwrap().write(Posture::Exposed).unwrap();
    let gateway = Gateway::start(dir.path()).await.unwrap();
    assert!(gateway.broker().ip().is_loopback(), "{}", gateway.broker());
    gateway.stop().await;
}

#[test]
fn a_file_that_contradicts_itself_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::create(dir.path(), Ports::default()).unwrap();
    let refusal = |change: fn(&mut Config)| {
        let mut config = site.config(Posture::Hardened);
        change(&mut config);
        config.write(dir.path(), "Contradictory.").unwrap();
        match Config::read(dir.path()) {
            Err(ConfigError::Contradiction { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    };
    let no_kind = refusal(|c| c.ingest.auth.as_mut().unwrap().authenticators.clear());
    assert_eq!(no_kind, "ingest.auth.authenticators");
    let no_token = refusal(|c| c.ingest.auth.as_mut().unwrap().token_file = None);
    assert_eq!(no_token, "ingest.auth.token_file");
    assert_eq!(refusal(|c| c.mqtt.auth = None), "mqtt.auth.password_file");
    assert_eq!(refusal(|c| c.admin.as_mut().unwrap().debug = true), "admin.enabled");
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::create(dir.path(), Ports::default()).unwrap();
    site.write(Posture::Exposed).unwrap();
    let path = dir.path().join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("allow_anonymous", "allow_anonymus")).unwrap();
    let error = Config::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("allow_anonymus") && error.contains("line"), "{error}");
}

/// An MQTT client that speaks packets.
struct Device {
    stream: Stream,
    input: BytesMut,
}

impl Device {
    async fn open(fixture: &Fixture) -> Self {
        Self { stream: fixture.tls(fixture.gateway.broker()).await, input: BytesMut::new() }
    }

    async fn login(fixture: &Fixture, id: &str) -> Self {
        let (user, password) = fixture.site.device_login().unwrap();
        let mut connect = Connect::new(id);
        connect.set_credentials(user, password);
        let mut device = Self::open(fixture).await;
        assert_eq!(device.connect(connect).await, ConnectReturnCode::Success);
        device
    }

    async fn connect(&mut self, connect: Connect) -> ConnectReturnCode {
        self.send(Packet::Connect(connect)).await;
        match self.receive().await {
            Some(Packet::ConnAck(ConnAck { code, .. })) => code,
            other => panic!("no CONNACK: {other:?}"),
        }
    }

    async fn send(&mut self, packet: Packet) {
        let mut output = BytesMut::new();
        packet.write(&mut output, 1024).unwrap();
        self.stream.write_all(&output).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next packet; none if the broker closed the connection.
    async fn receive(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.input, 1024) {
                Ok(packet) => return Some(packet),
                Err(CodecError::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
