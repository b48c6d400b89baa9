//! Our reading of configurations against programs that read them for real: mosquitto 2.0, and
//! the reference gateway in both postures under the built-in rules.

mod repeats;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use engine::judge::judge;
use engine::rule::built_in;
use jiff::Timestamp;
use model::document::{ConfigFormat, GatewayConfig};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey, Verdict};
use probes::Context;
use serde_json::Value;
use testkit::gateway::{Ports, Posture, Site};
use testkit::pki::{Leaf, self_signed};
use testkit::process::{Running, free_port, loopback};

async fn review(folder: &Path, file: &str, version: Option<&str>) -> Evidence {
    let context = Context::new(RunId("run".to_owned()), folder.to_owned());
    let config = GatewayConfig {
        name: "gateway-main".to_owned(),
        format: ConfigFormat::Auto,
        program_version: version.map(str::to_owned),
        path: Some(file.to_owned()),
        ..GatewayConfig::default()
    };
    let request = CheckRequest {
        check: CheckId::GatewayConfigGuardrails,
        target: TargetKey("target".to_owned()),
        subject: Subject::config("gateway-main"),
        inputs: Inputs::Config { config },
        policy: ProbePolicy::default(),
        params: BTreeMap::new(),
    };
    probes::collect(&context, &request).await
}

/// Verdicts of the built-in rules of this check, by name.
fn verdicts(evidence: &Evidence) -> BTreeMap<String, Verdict> {
    built_in()
        .rules()
        .iter()
        .filter(|rule| rule.key.check() == CheckId::GatewayConfigGuardrails)
        .map(|rule| {
            let (verdict, defect) =
                judge(rule, &evidence.stable, &rule.params, Timestamp::UNIX_EPOCH);
            assert_eq!(defect, None, "{}", rule.key);
            (rule.key.name().to_owned(), verdict)
        })
        .collect()
}

fn names(verdicts: &BTreeMap<String, Verdict>, select: impl Fn(&Verdict) -> bool) -> Vec<&str> {
    verdicts.iter().filter(|(_, verdict)| select(verdict)).map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn the_reference_gateway_has_two_findings_before_and_none_after() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::create(folder.path(), Ports::free()).unwrap();
    let built_in = built_in();
    let mandatory =
        |name: &str| built_in.rules().iter().any(|rule| rule.key.name() == name && rule.mandatory);

    site.write(Posture::Exposed).unwrap();
    let before = review(folder.path(), "gateway.toml", None).await;
    let judged = verdicts(&before);
    let failed = names(&judged, |verdict| matches!(verdict, Verdict::Fail));
    assert_eq!(failed, ["auth_enforcement_disabled", "unsafe_defaults_not_observable"]);
    let open = names(&judged, |verdict| matches!(verdict, Verdict::Inconclusive { .. }));
    assert_eq!(open, ["queue_or_packet_unbounded", "tls_disabled", "tls_version_weak"]);
    assert!(!open.into_iter().any(mandatory));
    let undetermined = before.item("/undetermined").and_then(|item| item.value()).unwrap();
    let settings: Vec<_> =
        undetermined.as_array().unwrap().iter().map(|entry| entry["setting"].clone()).collect();
    assert_eq!(
        settings,
        ["ingest.limits.max_body_bytes", "ingest.tls.min_version", "mqtt.keepalive_seconds"]
    );

    site.write(Posture::Hardened).unwrap();
    let after = review(folder.path(), "gateway.toml", None).await;
    let judged = verdicts(&after);
    let applies = |verdict: &Verdict| !matches!(verdict, Verdict::NotApplicable { .. });
    let passed = |verdict: &Verdict| matches!(verdict, Verdict::Pass);
    assert_eq!(names(&judged, applies), names(&judged, passed));
    let not_applicable = names(&judged, |verdict| !applies(verdict));
    assert_eq!(
        not_applicable,
        [
            "acl_missing",
            "container_privileged",
            "identity_mapping_without_mtls",
            "proxy_header_trusted"
        ]
    );
    assert_eq!(
        after.item("/undetermined").and_then(|item| item.value()),
        Some(&Value::Array(vec![]))
    );
    let json = serde_json::to_string(&after).unwrap();
    assert!(!json.contains(&site.token().unwrap()));
    assert!(engine::contract::admit(json.as_bytes()).is_ok());
}

/// A configuration, its other files, and the ports in it that speak TLS.
struct Case {
    text: &'static str,
    others: &'static [(&'static str, &'static str)],
    tls: &'static [&'static str],
}

const fn case(text: &'static str) -> Case {
    Case { text, others: &[], tls: &[] }
}

const fn with(text: &'static str, others: &'static [(&'static str, &'static str)]) -> Case {
    Case { text, others, tls: &[] }
}

const fn tls(text: &'static str, tls: &'static [&'static str]) -> Case {
    Case { text, others: &[], tls }
}

/// `P1` to `P3` stand for free ports. Every listener is on loopback where the case allows it.
const CASES: [Case; 52] = [
    case(""),
    case("allow_anonymous false"),
    case("allow_anonymous true"),
    case("per_listener_settings true"),
    case("per_listener_settings true\nallow_anonymous false"),
    case("max_connections 5"),
    case("max_connections 5\nallow_anonymous false"),
    case("max_connections -1"),
    case("require_certificate true\nlistener P1 127.0.0.1"),
    case("max_qos 1\nlistener P1 127.0.0.1\nallow_anonymous true"),
    case("max_qos 2\nlistener P1 127.0.0.1\nallow_anonymous true"),
    case("socket_domain ipv4"),
    case("bind_interface lo"),
    case("ciphers HIGH"),
    case("tls_version tlsv1.2"),
    case("use_username_as_clientid true\nlistener P1 127.0.0.1"),
    case("listener P1 127.0.0.1"),
    case("listener P1 127.0.0.1\nallow_anonymous true"),
    case("listener P1 127.0.0.1\nallow_anonymous false"),
    case("listener P1 127.0.0.1\nallow_anonymous 1"),
    case("listener P1 127.0.0.1\nallow_anonymous 0"),
    case("allow_anonymous true\nlistener P1 127.0.0.1\nallow_anonymous false"),
    case("allow_anonymous false\nlistener P1 127.0.0.1\nallow_anonymous true"),
    case("   listener P1 127.0.0.1\n   allow_anonymous true # note\r\n"),
    case("listener P1 127.0.0.1 # note\nallow_anonymous true   \n      \n# end"),
    case("listener P1\t127.0.0.1\nallow_anonymous true"),
    case("listener P1x 127.0.0.1\nallow_anonymous true"),
    case("listener P1 127.0.0.1\nmax_connections abc"),
    case("port P1"),
    case("port P1\nallow_anonymous true"),
    case("port P1\nport P2\nallow_anonymous true"),
    case("port P1\nbind_address 127.0.0.1\nlistener P2 127.0.0.1\nallow_anonymous true"),
    case("per_listener_settings true\nport P1"),
    case("per_listener_settings true\nport P1\nallow_anonymous false"),
    case("per_listener_settings true\nport P1\nlistener P2 127.0.0.1"),
    case("per_listener_settings true\nlistener P1 127.0.0.1\nport P2\nallow_anonymous true"),
    case(
        "per_listener_settings true\nlistener P1 127.0.0.1\nallow_anonymous true\nlistener P2 127.0.0.1",
    ),
    case("per_listener_settings true\nallow_anonymous true\nlistener P1 127.0.0.1"),
    case(
        "per_listener_settings true\nper_listener_settings false\nlistener P1 127.0.0.1\nallow_anonymous true\nlistener P2 127.0.0.1",
    ),
    case(
        "listener P1 127.0.0.1\nper_listener_settings true\nallow_anonymous true\nlistener P2 127.0.0.1",
    ),
    case("per_listener_settings true\nallow_zero_length_clientid false\nlistener P1 127.0.0.1"),
    with("listener P1 127.0.0.1\npassword_file users", &[("users", "")]),
    with("listener P1 127.0.0.1\npassword_file users\nallow_anonymous true", &[("users", "")]),
    with("per_listener_settings true\npassword_file users\nport P1", &[("users", "")]),
    with(
        "listener P1 127.0.0.1\ninclude_dir d",
        &[("d/B.conf", "allow_anonymous true"), ("d/a.conf", "allow_anonymous false")],
    ),
    with(
        "listener P1 127.0.0.1\ninclude_dir d",
        &[
            ("d/B.conf", "allow_anonymous false"),
            ("d/a.conf", "allow_anonymous true"),
            ("d/z.cfg", "nonsense"),
        ],
    ),
    with(
        "listener P1 127.0.0.1\ninclude_dir d",
        &[("d/a.conf", "max_connections 4\nallow_anonymous true")],
    ),
    with(
        "per_listener_settings true\nlistener P1 127.0.0.1\ninclude_dir d",
        &[("d/a.conf", "allow_anonymous true")],
    ),
    tls("listener P1 127.0.0.1\ncertfile cert.pem\nkeyfile key.pem\nallow_anonymous true", &["P1"]),
    case("listener P1 127.0.0.1\ncertfile cert.pem\nallow_anonymous true"),
    case("listener P1 127.0.0.1\ncafile cert.pem\nrequire_certificate true\nallow_anonymous true"),
    tls(
        "listener P1 127.0.0.1\npsk_hint hint\nlistener P2 127.0.0.1\nallow_anonymous true",
        &["P1"],
    ),
];

#[tokio::test]
async fn listeners_and_anonymous_clients_are_told_as_mosquitto_opens_them() {
    let identity = self_signed(&Leaf::default());
    for case in &CASES {
        let ports = [free_port(), free_port(), free_port()];
        let fill = |text: &str| {
            let numbered = ["P1", "P2", "P3"].into_iter().zip(ports);
            numbered
                .fold(text.to_owned(), |text, (name, port)| text.replace(name, &port.to_string()))
        };
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "mosquitto.conf", &format!("{}\n", fill(case.text)));
        write(folder.path(), "cert.pem", &identity.cert_pem);
        write(folder.path(), "key.pem", &identity.key_pem);
        for (name, text) in case.others {
            write(folder.path(), name, &fill(text));
        }
        let evidence = review(folder.path(), "mosquitto.conf", Some("2.0.11")).await;
        let told_plain = told_ports(&evidence, "/tls/plaintext");
        let told_anonymous = told_ports(&evidence, "/auth/anonymous");
        let tls: BTreeSet<u16> =
            case.tls.iter().filter_map(|name| fill(name).parse().ok()).collect();
        assert!(told_plain.is_disjoint(&tls), "{}", case.text);

        let broker = RealBroker::start(folder.path());
        let told: BTreeSet<u16> = told_plain.union(&tls).copied().collect();
        assert_eq!(broker.ports, told, "ports of: {}", case.text);
        for port in told_plain {
            let let_in = connect(port) == Some(0);
            assert_eq!(let_in, told_anonymous.contains(&port), "port {port} of: {}", case.text);
        }
        for port in tls {
            assert_eq!(connect(port), None, "TLS port {port} of: {}", case.text);
        }
        assert_eq!(value(&evidence, "/unknown_keys"), &Value::Array(vec![]), "{}", case.text);
    }
}

#[tokio::test]
async fn what_stops_mosquitto_is_never_read_as_a_setting() {
    let cases = [
        ("listener P1 127.0.0.1\n # indented", "/unknown_keys"),
        ("listener P1 127.0.0.1\nallow_anonymous\tfalse", "/unknown_keys"),
        ("listener P1 127.0.0.1\n\tallow_anonymous false", "/unknown_keys"),
        ("listener P1 127.0.0.1\nAllow_Anonymous false", "/unknown_keys"),
        ("listener P1 127.0.0.1\nlistener_allow_anonymous false", "/unknown_keys"),
        ("\u{feff}listener P1 127.0.0.1", "/unknown_keys"),
        ("listener P1 127.0.0.1\nallow_anonymous False", "/undetermined"),
        ("listener P1 127.0.0.1\nallow_anonymous \tfalse", "/undetermined"),
        ("listener P1 127.0.0.1\nallow_anonymous", "/undetermined"),
        (
            "listener P1 127.0.0.1\nallow_anonymous false\nper_listener_settings true",
            "/undetermined",
        ),
        ("per_listener_settings yes\nlistener P1 127.0.0.1", "/undetermined"),
        ("listener P1 127.0.0.1\nacl_file a\nacl_file b", "/undetermined"),
        ("listener P1 127.0.0.1\nmax_packet_size 0", "/undetermined"),
        ("listener P1 127.0.0.1\npassword_file", "/undetermined"),
        ("listener P1 127.0.0.1\nbridge_insecure true", "/undetermined"),
        ("listener P1 127.0.0.1\ninclude_dir nowhere", "/undetermined"),
    ];
    for (text, pointer) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "mosquitto.conf", &text.replace("P1", &free_port().to_string()));
        let evidence = review(folder.path(), "mosquitto.conf", Some("2.0.11")).await;
        let listed = value(&evidence, pointer).as_array().map_or(0, Vec::len);
        assert_eq!(listed, 1, "{pointer} of: {text}");
        assert!(!RealBroker::start(folder.path()).runs, "the broker starts with: {text}");
    }
}

fn value<'a>(evidence: &'a Evidence, pointer: &str) -> &'a Value {
    let item = evidence.item(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    item.value().unwrap_or_else(|| panic!("{pointer}: {item:?}"))
}

/// The ports that a list names: every entry says `listener <port>`.
fn told_ports(evidence: &Evidence, pointer: &str) -> BTreeSet<u16> {
    let entries = value(evidence, pointer).as_array().cloned().unwrap_or_default();
    let port = |entry: &Value| {
        let (_, rest) = entry["value"].as_str()?.split_once("listener ")?;
        rest.split(' ').next()?.parse().ok()
    };
    entries.iter().filter_map(port).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A broker that was started with a configuration, and what it said about it.
struct RealBroker {
    /// It started, and ends with this value.
    runs: bool,
    /// Ports that it opened by its own word.
    ports: BTreeSet<u16>,
    _process: Running,
}

impl RealBroker {
    /// Starts the broker in a folder. Its log goes to a file that a second configuration names,
    /// so that the first one stays as it is: the broker reads one file and this one includes it
    /// by its text.
    fn start(folder: &Path) -> Self {
        let log = folder.join("log");
        let text = std::fs::read_to_string(folder.join("mosquitto.conf")).unwrap();
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let logged = format!("{text}\nuser {user}\nlog_dest file {}\n", log.display());
        write(folder, "logged.conf", &logged);
        let mut command = Command::new("mosquitto");
        command.args(["-c", "logged.conf"]).current_dir(folder);
        let mut process = Running::start("mosquitto", &mut command).unwrap();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let ready = || said().lines().any(|line| line.ends_with(" running"));
        let runs = process.wait_until(Duration::from_secs(20), ready).is_ok();
        let port = |line: &str| {
            let (_, rest) = line.split_once("listen socket on port ")?;
            rest.trim_end_matches('.').parse().ok()
        };
        let ports = said().lines().filter_map(port).collect();
        Self { runs, ports, _process: process }
    }
}

/// The return code of a CONNECT without a name, MQTT 3.1.1; none if there is no CONNACK.
fn connect(port: u16) -> Option<u8> {
    const CONNECT: &[u8] = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05probe";
    let mut stream = TcpStream::connect_timeout(&loopback(port), Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(CONNECT).ok()?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).ok()?;
    (answer[0] == 0x20).then_some(answer[3])
}
