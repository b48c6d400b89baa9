//! The whole command against real peers: mosquitto as the broker, the reference gateway as the
//! ingest edge, SQLite and Postgres as the store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::os::unix::fs::PermissionsExt as _;

use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;
use testkit::gateway::Posture;
use testkit::mosquitto::{Broker, Setup};
use testkit::pki::{Authority, Leaf, self_signed};
use testkit::postgres::{Database, PASSWORD};
use tests::plumb::Bench;
use tests::site::Running;

/// Without it mosquitto before 2.1 takes packets of any size.
const BOUND: &str = "max_packet_size 65536";
const LOGIN: (&str, &str) = ("gateway", "a-long-passphrase-of-the-test");

/// An access list for the one user that there is.
fn access_list(bench: &Bench) -> String {
    let path = bench.write("acl", "user gateway\ntopic readwrite plant/#\n");
    format!("acl_file {}", path.display())
}

/// The keys of an assessment's open findings, sorted.
fn keys(assessment: &Value) -> Vec<&str> {
    let findings = assessment["findings"].as_array().unwrap();
    let mut keys: Vec<_> = findings.iter().map(|f| f["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    keys
}

/// The mandatory controls that could not be decided, with their reasons.
fn undecided(assessment: &Value) -> Vec<String> {
    let controls = assessment["controls"].as_array().unwrap().iter();
    let open = controls.filter(|c| c["mandatory"] == true && c["verdict"] == "inconclusive");
    open.map(|control| format!("{}: {}", control["rule"], control["reason"])).collect()
}

/// A mosquitto that is set up as its guides advise, in front of the exposed gateway: one target
/// with both endpoints and both configurations.
struct Plant {
    bench: Bench,
    _gateway: Running,
    _broker: Broker,
}

const TARGET: &str = "gateway/plant.yaml";

impl Plant {
    fn start() -> Self {
        let bench = Bench::new();
        let gateway = Running::start(&bench, Posture::Exposed);
        let authority = Authority::new("Plant CA");
        let identity = authority.issue(&Leaf::default());
        let acl = access_list(&bench);
        let setup = Setup {
            identity: Some(&identity),
            password: Some(LOGIN),
            lines: &["tls_version tlsv1.3", BOUND, &acl],
            ..Setup::default()
        };
        let broker = Broker::start(&setup).unwrap();
        let trusted = bench.read("gateway/ca.pem") + &authority.pem();
        bench.write("gateway/ca.pem", trusted);
        // The gateway's own document, with mosquitto in the place of its broker.
        let own = std::fs::read_to_string(gateway.target()).unwrap();
        let (before, rest) = own.split_once("      port: ").unwrap();
        let (_, after) = rest.split_once('\n').unwrap();
        let text = format!("{before}      port: {}\n{after}{}", broker.port(), config_of(&broker));
        bench.write(TARGET, text);
        Self { bench, _gateway: gateway, _broker: broker }
    }

    fn run(&self, store: &str, bundle: &str) {
        let output = format!("json={bundle}");
        self.bench.plumb(&["run", "-f", TARGET, "--store", store, "-o", &output]).expect(1);
    }
}

/// One more entry of `gatewayConfig`.
fn config_of(broker: &Broker) -> String {
    format!(
        "    - {{name: mosquitto, format: mosquitto, programVersion: 2.0.11, path: {}}}\n",
        broker.config().display()
    )
}

const PLANT_FINDINGS: [&str; 5] = [
    "broker_transport_posture.pq_hybrid_not_offered",
    "gateway_config_guardrails.auth_enforcement_disabled",
    "gateway_config_guardrails.unsafe_defaults_not_observable",
    "ingest_auth.insecure_transport",
    "ingest_auth.unauthenticated_ingest_allowed",
];

#[test]
fn a_run_says_and_proves_the_same_in_sqlite_and_in_postgres() {
    let plant = Plant::start();
    let database = Database::create().unwrap();
    let stores = ["sqlite:runs.db".to_owned(), database.url()];
    let assessments = stores.each_ref().map(|store| {
        plant.run(store, "bundle.json");
        let verified = plant.bench.plumb(&["verify", "last", "--store", store]).expect(0);
        assert!(verified.stdout.contains("checks hold"), "{}", verified.stdout);
        let show = ["runs", "show", "last", "--store", store];
        let record = plant.bench.plumb(&show).expect(0).json();
        // The bundle is judged again, offline, to the bytes that the store has.
        let again = plant.bench.plumb(&["assess", "bundle.json"]).expect(1);
        let stored = model::digest::canonical(&record["assessment"]);
        assert_eq!(again.stdout.trim_end().as_bytes(), stored, "{store}");
        record["assessment"].clone()
    });
    assert_eq!(keys(&assessments[0]), PLANT_FINDINGS);
    assert_eq!(undecided(&assessments[0]), [""; 0]);
    let [sqlite, postgres] = assessments.map(|mut assessment| {
        assessment["assessed_at"].take();
        assessment
    });
    assert_eq!(sqlite, postgres);
}

#[test]
fn runs_in_postgres_are_listed_compared_and_reported() {
    let plant = Plant::start();
    let database = Database::create().unwrap();
    let store = ["--store", &database.url()];
    let plumb = |arguments: &[&str]| plant.bench.plumb(&[arguments, &store[..]].concat());
    plant.run(store[1], "first.json");
    plant.run(store[1], "second.json");

    let list = plumb(&["runs", "list", "--json"]).expect(0);
    let runs: Vec<Value> =
        list.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["state"] == "complete" && run["status"] == "FAIL"));
    assert!(runs[0]["started_at"].as_str() >= runs[1]["started_at"].as_str(), "newest first");

    let diff = plumb(&["diff", "last~1", "last"]).expect(0);
    assert!(diff.stdout.contains("0 improved, 0 regressed"), "{}", diff.stdout);
    assert!(!diff.stdout.contains("drift "), "{}", diff.stdout);

    plumb(&["report", "last", "-o", "json=again.json", "-o", "html=page.html"]).expect(0);
    assert_eq!(plant.bench.read("again.json"), plant.bench.read("second.json"));
    let page = plant.bench.plumb(&["verify", "page.html"]).expect(0);
    assert!(page.stdout.contains("byte for byte"), "{}", page.stdout);
    for file in ["again.json", "page.html", "second.json"] {
        let text = plant.bench.read(file);
        assert!(!text.contains(PASSWORD) && !text.contains(LOGIN.1), "a password is in {file}");
    }
}

/// One broker, how it is declared, and the findings that this gives: no more, no fewer.
struct Case<'a> {
    what: &'a str,
    setup: Setup<'a>,
    protocol: &'a str,
    /// Further lines of `spec`.
    more: &'a str,
    /// Lets everybody read the server's key.
    open_key: bool,
    /// Whether every mandatory control gets a verdict.
    decided: bool,
    findings: &'a [&'a str],
}

const NOT_HYBRID: &str = "broker_transport_posture.pq_hybrid_not_offered";

#[test]
fn each_setup_of_mosquitto_gives_its_findings_and_no_other() {
    let bench = Bench::new();
    let authority = Authority::new("Plant CA");
    let strangers = Authority::new("Somebody else's CA");
    let issue = |leaf: Leaf| authority.issue(&leaf);
    let sound = issue(Leaf::default());
    let expired = issue(Leaf {
        not_before: Timestamp::now() - (24 * 40).hours(),
        not_after: Timestamp::now() - 24.hours(),
        ..Leaf::default()
    });
    let ending = issue(Leaf {
        not_before: Timestamp::now() - (24 * 80).hours(),
        not_after: Timestamp::now() + 60.hours(),
        ..Leaf::default()
    });
    let other_name = issue(Leaf::server("other.example"));
    let stranger = strangers.issue(&Leaf::default());
    let alone = self_signed(&Leaf::default());
    let acl = access_list(&bench);
    let lines = ["tls_version tlsv1.3", BOUND, acl.as_str()];
    let base = Case {
        what: "TLS 1.3, passwords and an access list",
        setup: Setup {
            identity: Some(&sound),
            password: Some(LOGIN),
            lines: &lines,
            ..Setup::default()
        },
        protocol: "mqtts",
        more: "",
        open_key: false,
        decided: true,
        findings: &[NOT_HYBRID],
    };
    let with = |identity| Setup { identity: Some(identity), ..base.setup.clone() };
    let clients = authority.pem();
    let cases = [
        Case {
            what: "plaintext for everybody, declared as such",
            setup: Setup { identity: None, password: None, lines: &[BOUND], ..base.setup.clone() },
            protocol: "mqtt",
            findings: &["broker_transport_posture.plaintext_listener_reachable"],
            ..base
        },
        Case {
            what: "plaintext with passwords, declared as TLS",
            setup: Setup { identity: None, lines: &[BOUND, &acl], ..base.setup.clone() },
            // Only TLS can answer the rest.
            decided: false,
            findings: &[
                "broker_transport_posture.plaintext_listener_reachable",
                "broker_transport_posture.tls_not_spoken",
            ],
            ..base
        },
        Case {
            what: "TLS 1.2 alone, with one modern suite",
            setup: Setup {
                openssl: Some(NO_TLS13),
                lines: &[
                    "tls_version tlsv1.2",
                    "ciphers ECDHE-ECDSA-AES128-GCM-SHA256",
                    BOUND,
                    &acl,
                ],
                ..base.setup.clone()
            },
            findings: &["broker_transport_posture.tls13_not_offered"],
            ..base
        },
        Case {
            what: "TLS 1.2 with a suite in CBC mode",
            setup: Setup {
                openssl: Some(NO_TLS13),
                lines: &[
                    "tls_version tlsv1.2",
                    "ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256",
                    BOUND,
                    &acl,
                ],
                ..base.setup.clone()
            },
            findings: &[
                "broker_transport_posture.cbc_suite_accepted",
                "broker_transport_posture.tls13_not_offered",
            ],
            ..base
        },
        Case {
            what: "TLS 1.2 with nothing but a suite in CBC mode",
            setup: Setup {
                openssl: Some(NO_TLS13),
                lines: &["tls_version tlsv1.2", "ciphers ECDHE-ECDSA-AES128-SHA256", BOUND, &acl],
                ..base.setup.clone()
            },
            decided: true,
            findings: &[
                "broker_transport_posture.cbc_suite_accepted",
                "broker_transport_posture.tls13_not_offered",
            ],
            ..base
        },
        Case {
            what: "a certificate that has ended",
            setup: with(&expired),
            findings: &["broker_cert_identity.expired", NOT_HYBRID],
            ..base
        },
        Case {
            what: "a certificate that ends within days",
            setup: with(&ending),
            findings: &["broker_cert_identity.expiring_critical", NOT_HYBRID],
            ..base
        },
        Case {
            what: "a certificate for another name",
            setup: with(&other_name),
            findings: &["broker_cert_identity.hostname_mismatch", NOT_HYBRID],
            ..base
        },
        Case {
            what: "a certificate from an authority that nobody declared",
            setup: with(&stranger),
            findings: &["broker_cert_identity.chain_untrusted", NOT_HYBRID],
            ..base
        },
        Case {
            what: "a certificate that vouches for itself",
            setup: with(&alone),
            findings: &["broker_cert_identity.self_signed_leaf", NOT_HYBRID],
            ..base
        },
        Case {
            what: "client certificates, required by broker and policy",
            setup: Setup {
                client_authority: Some(clients),
                lines: &["tls_version tlsv1.3", "require_certificate true", BOUND, &acl],
                ..base.setup.clone()
            },
            more: REQUIRE_CERTIFICATES,
            ..base
        },
        Case {
            what: "client certificates, required by the policy alone",
            setup: base.setup.clone(),
            more: REQUIRE_CERTIFICATES,
            findings: &["broker_transport_posture.client_certificate_not_requested", NOT_HYBRID],
            ..base
        },
        Case {
            what: "packets of any size",
            setup: Setup { lines: &["tls_version tlsv1.3", &acl], ..base.setup.clone() },
            findings: &[NOT_HYBRID, "gateway_config_guardrails.queue_or_packet_unbounded"],
            ..base
        },
        Case {
            what: "a key that everybody may read",
            setup: base.setup.clone(),
            open_key: true,
            findings: &[NOT_HYBRID, "gateway_config_guardrails.key_file_permissions"],
            ..base
        },
        base,
    ];
    bench.write("ca.pem", authority.pem());
    for case in &cases {
        let assessment = judged(&bench, case);
        assert_eq!(keys(&assessment), case.findings, "{}", case.what);
        let open = undecided(&assessment);
        assert_eq!(open.is_empty(), case.decided, "{}: {open:#?}", case.what);
        assert_eq!(assessment["defects"], Value::Array(Vec::new()), "{}", case.what);
    }
}

/// What a client may read and write is asked in `mqtt.rs`.
const CHECKS: &str = "  checks:
    - {id: broker_transport_posture}
    - {id: broker_cert_identity}
    - {id: gateway_config_guardrails}
";

const REQUIRE_CERTIFICATES: &str = "  checks:
    - {id: broker_transport_posture, params: {client_certificate: required}}
    - {id: broker_cert_identity}
    - {id: gateway_config_guardrails}
";

/// mosquitto.conf can set the oldest version of TLS, not the newest.
const NO_TLS13: &str = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n\
                        [limits]\nMaxProtocol = TLSv1.2\n";

/// The assessment of one broker, by the whole command.
fn judged(bench: &Bench, case: &Case<'_>) -> Value {
    let broker = Broker::start(&case.setup).unwrap();
    if case.open_key {
        let key = broker.config().with_file_name("server.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let text = format!(
        "\
apiVersion: {api}
kind: AuditTarget
metadata: {{name: plant}}
spec:
  path: mqtt
  endpoints:
    - {{name: broker, protocol: {protocol}, host: 127.0.0.1, port: {port}{name}}}
  trust:
    caBundle: {{path: ca.pem}}
{more}  gatewayConfig:
{config}",
        api = model::document::API_VERSION,
        protocol = case.protocol,
        name = if case.protocol == "mqtts" { ", serverName: localhost" } else { "" },
        port = broker.port(),
        more = if case.more.is_empty() { CHECKS } else { case.more },
        config = config_of(&broker),
    );
    bench.write("plant.yaml", text);
    let arguments = ["run", "-f", "plant.yaml", "--baseline", "none", "--fail-on", "never"];
    bench.plumb(&[&arguments[..], &["-o", "json=bundle.json"]].concat()).expect(0);
    let bundle: Value = serde_json::from_str(&bench.read("bundle.json")).unwrap();
    bundle["record"]["assessment"].clone()
}
