//! Certificates of real servers and files of real tools: OpenSSL and mosquitto, and what the rules
//! say about what the probes saw there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use engine::judge::judge;
use engine::rule::built_in;
use jiff::{Timestamp, ToSpan as _};
use model::document::{DeviceCertificates, Endpoint, Protocol, Source, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;
use serde_json::json;
use testkit::evidence::value;
use testkit::mosquitto::{Broker, Setup};
use testkit::openssl::Server;
use testkit::pki::{Authority, Identity, Leaf, self_signed};

/// A folder with the files that a target names.
pub struct Place {
    folder: tempfile::TempDir,
    /// Whom the target trusts.
    pub trust: Trust,
    /// What its probes may do.
    pub policy: ProbePolicy,
}

impl Place {
    /// A folder with that bundle as the declared anchors.
    pub fn trusting(bundle: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("ca.pem"), bundle).expect("bundle");
        let ca_bundle = Some(Source::path("ca.pem"));
        let trust = Trust { ca_bundle, ..Trust::default() };
        Self { folder, trust, policy: ProbePolicy::default() }
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the others.
    pub fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("file");
        path
    }

    async fn collect(&self, check: CheckId, inputs: Inputs) -> Evidence {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let context = Context::new(RunId("run".to_owned()), self.folder.path().to_owned())
            .with_tables(Arc::new(tables::Postgres));
        let request = CheckRequest {
            check,
            target: TargetKey("target".to_owned()),
            subject: Subject("subject".to_owned()),
            inputs,
            policy: self.policy.clone(),
            params: BTreeMap::new(),
        };
        probes::collect(&context, &request).await
    }

    /// What an endpoint on loopback presents, asked for by the name `localhost`.
    async fn look(&self, port: u16) -> Evidence {
        self.look_for(port, "localhost").await
    }

    /// The same, asked for by another name or address.
    pub async fn look_for(&self, port: u16, name: &str) -> Evidence {
        let endpoint = Endpoint {
            server_name: Some(name.to_owned()),
            ..Endpoint::new("broker", Protocol::Mqtts, "127.0.0.1", port)
        };
        let trust = self.trust.clone();
        let inputs = Inputs::Endpoint { endpoint, trust, credentials: Vec::new() };
        self.collect(CheckId::BrokerCertIdentity, inputs).await
    }

    /// What the files below a folder hold.
    async fn read(&self, folder: &str, password: Option<&str>) -> Evidence {
        let password = password.map(Source::path);
        let certificates = DeviceCertificates {
            name: "fleet".to_owned(),
            password,
            path: Some(folder.to_owned()),
            ..DeviceCertificates::default()
        };
        self.set(certificates).await
    }

    /// What a set of devices holds.
    pub async fn set(&self, certificates: DeviceCertificates) -> Evidence {
        let trust = self.trust.clone();
        self.collect(CheckId::DeviceCertHygiene, Inputs::DeviceCertificates { certificates, trust })
            .await
    }
}

/// The rules of the evidence's check that fail on it now, by name.
pub fn failing(evidence: &Evidence) -> Vec<String> {
    let rules = built_in();
    let own = rules.rules().iter().filter(|rule| rule.key.check() == evidence.check);
    own.filter(|rule| {
        let (verdict, error) = judge(rule, &evidence.stable, &rule.params, Timestamp::now());
        assert_eq!(error, None, "{}", rule.key);
        verdict.as_str() == "fail"
    })
    .map(|rule| rule.key.name().to_owned())
    .collect()
}

fn openssl(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {error}");
    text
}

#[tokio::test]
async fn a_sound_broker_fails_nothing() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::default());
    let setup = Setup { identity: Some(&identity), ..Setup::default() };
    let broker = Broker::start(&setup).expect("mosquitto");
    let evidence = Place::trusting(&authority.pem()).look(broker.port()).await;
    assert_eq!(failing(&evidence), [""; 0]);
    assert_eq!(value(&evidence, "/path/outcome"), json!("trusted"));
    assert_eq!(value(&evidence, "/handshake/key_proven"), json!(true));
}

#[tokio::test]
async fn an_expired_certificate_fails_for_its_date_and_nothing_else() {
    let authority = Authority::new("Plant CA");
    let now = Timestamp::now();
    let leaf =
        Leaf { not_before: now - 2_400.hours(), not_after: now - 24.hours(), ..Leaf::default() };
    let server = Server::start(&authority.issue(&leaf), &[]).expect("openssl s_server");
    let evidence = Place::trusting(&authority.pem()).look(server.port()).await;
    assert_eq!(failing(&evidence), ["expired"]);
}

#[tokio::test]
async fn a_certificate_for_another_name_fails_for_its_name_and_nothing_else() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::server("broker.other.example"));
    let setup = Setup { identity: Some(&identity), ..Setup::default() };
    let broker = Broker::start(&setup).expect("mosquitto");
    let evidence = Place::trusting(&authority.pem()).look(broker.port()).await;
    assert_eq!(failing(&evidence), ["hostname_mismatch"]);
}

#[tokio::test]
async fn a_missing_intermediate_fails_until_it_is_sent() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let identity = middle.issue(&Leaf::default());
    let place = Place::trusting(&(root.pem() + &middle.pem()));

    let server = Server::start(&identity, &[]).expect("openssl s_server");
    assert_eq!(failing(&place.look(server.port()).await), ["chain_incomplete"]);

    let chain = place.put("chain.pem", &middle.pem());
    let flags = ["-cert_chain", chain.to_str().expect("a path in UTF-8")];
    let server = Server::start(&identity, &flags).expect("openssl s_server");
    assert_eq!(failing(&place.look(server.port()).await), [""; 0]);

    let whole = Identity { cert_pem: identity.cert_pem.clone() + &middle.pem(), ..identity };
    let setup = Setup { identity: Some(&whole), ..Setup::default() };
    let broker = Broker::start(&setup).expect("mosquitto");
    assert_eq!(failing(&place.look(broker.port()).await), [""; 0]);
}

#[tokio::test]
async fn a_self_signed_and_a_foreign_certificate_fail_once_each() {
    let place = Place::trusting(&Authority::new("Plant CA").pem());
    let server = Server::start(&self_signed(&Leaf::default()), &[]).expect("openssl s_server");
    assert_eq!(failing(&place.look(server.port()).await), ["self_signed_leaf"]);
    let foreign = Authority::new("Other CA").issue(&Leaf::default());
    let server = Server::start(&foreign, &[]).expect("openssl s_server");
    assert_eq!(failing(&place.look(server.port()).await), ["chain_untrusted"]);
}

#[tokio::test]
async fn a_broker_that_wants_client_certificates_still_shows_its_own() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::default());
    let setup = Setup {
        identity: Some(&identity),
        client_authority: Some(authority.pem()),
        lines: &["require_certificate true"],
        ..Setup::default()
    };
    let broker = Broker::start(&setup).expect("mosquitto");
    let server = Server::start(&identity, &["-tls1_2", "-Verify", "1"]).expect("s_server");
    // TLS 1.3 tells the client only after the handshake that its certificate is missed.
    for (port, outcome) in
        [(broker.port(), "completed"), (server.port(), "ended_after_certificate")]
    {
        let evidence = Place::trusting(&authority.pem()).look(port).await;
        assert_eq!(failing(&evidence), [""; 0]);
        assert_eq!(value(&evidence, "/handshake/outcome"), json!(outcome));
        assert_eq!(value(&evidence, "/path/outcome"), json!("trusted"));
    }
}

#[tokio::test]
async fn a_weak_key_and_a_weak_signature_are_told_although_no_library_of_ours_makes_them() {
    let authority = Authority::new("Plant CA");
    let place = Place::trusting(&authority.pem());
    openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:1024",
            "-sha1",
            "-nodes",
            "-days",
            "90",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        place.folder.path(),
    );
    let text = |name: &str| std::fs::read_to_string(place.path(name)).expect("made by openssl");
    let identity =
        Identity { cert_pem: text("cert.pem"), cert_der: Vec::new(), key_pem: text("key.pem") };
    let server = Server::start(&identity, &["-cipher", "ALL:@SECLEVEL=0"]).expect("s_server");
    let evidence = place.look(server.port()).await;
    assert_eq!(failing(&evidence), ["self_signed_leaf", "weak_key", "weak_signature"]);
    let printed = openssl(&["x509", "-in", "cert.pem", "-noout", "-serial"], place.folder.path());
    let serial = printed.trim().trim_start_matches("serial=").to_ascii_lowercase();
    let ours = value(&evidence, "/leaf/serial");
    assert_eq!(
        ours.as_str().expect("text").trim_start_matches('0'),
        serial.trim_start_matches('0')
    );
}

#[tokio::test]
async fn fingerprints_and_key_digests_are_those_of_openssl() {
    let authority = Authority::new("Plant CA");
    let identity = authority.issue(&Leaf::default());
    let place = Place::trusting(&authority.pem());
    place.put("cert.pem", &identity.cert_pem);
    let server = Server::start(&identity, &[]).expect("openssl s_server");
    let evidence = place.look(server.port()).await;

    let folder = place.folder.path();
    let printed =
        openssl(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"], folder);
    let fingerprint = printed.trim().rsplit('=').next().expect("digest").replace(':', "");
    let expected = format!("sha256:{}", fingerprint.to_ascii_lowercase());
    assert_eq!(value(&evidence, "/leaf/fingerprint"), json!(expected));

    place.put("key.pem", &openssl(&["x509", "-in", "cert.pem", "-noout", "-pubkey"], folder));
    openssl(&["pkey", "-pubin", "-in", "key.pem", "-outform", "DER", "-out", "key.der"], folder);
    let printed = openssl(&["dgst", "-sha256", "-r", "key.der"], folder);
    let expected = format!("sha256:{}", printed.split_whitespace().next().expect("digest"));
    assert_eq!(value(&evidence, "/leaf/spki"), json!(expected));
}

/// `openssl verify` without a clock is somebody else's word on which chains hold.
#[tokio::test]
async fn paths_are_judged_as_openssl_judges_them() {
    let (root, impostor, other) =
        (Authority::new("Root"), Authority::new("Root"), Authority::new("Other"));
    let middle = root.intermediate("Middle");
    let low = middle.intermediate("Low");
    let leaf = Leaf::default();
    let cases = [
        ("of the root", root.issue(&leaf), vec![]),
        ("of an intermediate", middle.issue(&leaf), vec![middle.pem()]),
        ("of two intermediates", low.issue(&leaf), vec![low.pem(), middle.pem()]),
        ("in another order", low.issue(&leaf), vec![middle.pem(), low.pem()]),
        ("with a gap", low.issue(&leaf), vec![low.pem()]),
        ("without any", middle.issue(&leaf), vec![]),
        ("of an impostor", impostor.issue(&leaf), vec![]),
        ("of another root", other.issue(&leaf), vec![other.pem()]),
    ];
    let place = Place::trusting(&root.pem());
    for (name, identity, more) in cases {
        place.put("leaf.pem", &identity.cert_pem);
        // OpenSSL does not read an empty file.
        place.put("more.pem", &(more.concat() + &identity.cert_pem));
        let verified = Command::new("openssl")
            .args(["verify", "-no_check_time", "-CAfile", "ca.pem", "-untrusted", "more.pem"])
            .arg("leaf.pem")
            .current_dir(place.folder.path())
            .output()
            .expect("openssl is installed");
        let chain = place.put("chain.pem", &more.concat());
        let chain = chain.to_str().expect("a path in UTF-8").to_owned();
        let flags = ["-cert_chain", chain.as_str()];
        let flags = if more.is_empty() { &flags[..0] } else { &flags[..] };
        let server = Server::start(&identity, flags).expect("openssl s_server");
        let outcome = value(&place.look(server.port()).await, "/path/outcome");
        let expected = if verified.status.success() { "trusted" } else { "untrusted" };
        assert_eq!(outcome, json!(expected), "{name}");
    }
}

#[tokio::test]
async fn pkcs12_files_of_openssl_open_in_both_of_its_encryptions() {
    let authority = Authority::new("Devices");
    let place = Place::trusting(&authority.pem());
    std::fs::create_dir(place.path("fleet")).expect("folder");
    place.put("password", "open sesame");
    for (name, flags) in [("new", &[][..]), ("old", &["-legacy"][..])] {
        let identity = authority.issue(&Leaf::device(name));
        place.put("leaf.pem", &(identity.cert_pem + &identity.key_pem));
        let file = format!("fleet/{name}.p12");
        let export = ["pkcs12", "-export", "-in", "leaf.pem", "-certfile", "ca.pem"];
        let rest = ["-passout", "file:password", "-out", file.as_str()];
        openssl(&[&export[..], flags, &rest[..]].concat(), place.folder.path());
    }
    let evidence = place.read("fleet", Some("password")).await;
    assert_eq!(value(&evidence, "/unreadable/sample"), json!([]));
    assert_eq!(value(&evidence, "/set/certificates"), json!(2));
    assert_eq!(value(&evidence, "/set/authorities"), json!(1));
    assert_eq!(failing(&evidence), [""; 0]);

    place.put("password", "wrong");
    let evidence = place.read("fleet", Some("password")).await;
    assert_eq!(value(&evidence, "/unreadable/count"), json!(2));
    assert_eq!(failing(&evidence), ["unreadable"]);
}

#[tokio::test]
async fn a_fleet_with_one_key_of_everything_wrong_fails_by_every_name() {
    let authority = Authority::new("Devices");
    let mut place = Place::trusting(&authority.pem());
    place.trust.expected_issuers = vec!["Devices".to_owned()];
    std::fs::create_dir(place.path("fleet")).expect("folder");
    let key = testkit::pki::key();
    let now = Timestamp::now();
    let serial = Some(vec![0x77]);
    for leaf in [
        Leaf { serial: serial.clone(), ..Leaf::device("shared-1") },
        Leaf { serial, ..Leaf::device("shared-2") },
        Leaf { not_after: now - 24.hours(), not_before: now - 48.hours(), ..Leaf::device("old") },
        Leaf { not_after: now + 240.hours(), ..Leaf::device("soon") },
        Leaf { endless: true, ..Leaf::device("endless") },
        Leaf { is_ca: true, ..Leaf::device("authority") },
    ] {
        let pem = authority.issue_for(&leaf, &key).cert_pem;
        place.put(&format!("fleet/{}.pem", leaf.common_name), &pem);
    }
    place.put("fleet/weak.pem", testkit::pki::weak::RSA_1024_SHA1);
    place.put("fleet/broken.pem", "nothing");
    place.put("crl.pem", &authority.crl(&[&[0x77]], now - 24.hours()));
    place.trust.crls = vec![Source::path("crl.pem")];
    let evidence = place.read("fleet", None).await;
    assert_eq!(
        failing(&evidence),
        [
            "crl_stale",
            "duplicate_serial_per_issuer",
            "expired",
            "expiring_soon",
            "non_expiring",
            "revoked_but_active",
            "shared_private_key",
            "unexpected_issuer",
            "unreadable",
            "weak_key",
            "weak_signature",
            "wrong_usage",
        ]
    );
}
