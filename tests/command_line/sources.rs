//! Sources that are addresses.

use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;
use tests::plumb::{Bench, Ended};
use tokio::runtime::Runtime;

const CONFIG: &str =
    "[gateway]\nid = \"gw-01\"\nlog_level = \"debug\"\n\n[ingest.auth]\nenabled = false\n";

/// A server of files over HTTPS, and a folder with its authority and a target that names it.
struct Files {
    bench: Bench,
    peer: Peer,
    _runtime: Runtime,
}

impl Files {
    fn start() -> Self {
        let authority = Authority::new("Files CA");
        let bench = Bench::new();
        bench.write("ca.pem", authority.pem());
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{CONFIG}", CONFIG.len());
        let runtime = Runtime::new().unwrap();
        let tls = tls::server(&authority.issue(&Leaf::default()));
        let peer = runtime.block_on(Peer::secured(tls, Script::Reply(answer.into_bytes())));
        let target = format!(
            "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {{name: gw}}\nspec:\n  \
             path: gateway\n  gatewayConfig:\n    - name: main\n      format: plumbline-gateway\n      \
             url: https://localhost:{}/gateway.toml?sig=s3cr3t-signature\n",
            peer.port()
        );
        bench.write("target.yaml", target);
        Self { bench, peer, _runtime: runtime }
    }

    fn run(&self, anchors: &str, more: &[&str]) -> Ended {
        let arguments = [&["run", "-f", "target.yaml"], more].concat();
        let mut command = self.bench.command(&arguments);
        Ended::from(command.env("SSL_CERT_FILE", anchors).output().unwrap())
    }
}

#[test]
fn a_configuration_at_an_address_is_audited_and_its_signature_is_seen_nowhere() {
    let files = Files::start();
    let dry = files.run("ca.pem", &["--dry-run"]).expect(0);
    let place = format!("https://localhost:{}/gateway.toml", files.peer.port());
    assert!(dry.stdout.contains(&format!("reads {place}\n")), "{}", dry.stdout);
    assert_eq!(files.peer.accepted(), 0, "a dry run contacts nobody");

    let outputs = ["-o", "json=out.json", "-o", "html=out.html", "-o", "sarif=out.sarif"];
    let run = files.run("ca.pem", &outputs).expect(1);
    assert_eq!(files.peer.accepted(), 1);
    assert!(files.peer.heard().starts_with("GET /gateway.toml?sig=s3cr3t-signature HTTP/1.1\r\n"));
    let json = files.bench.read("out.json");
    assert!(json.contains("gateway_config_guardrails.auth_enforcement_disabled"));
    assert!(json.contains(&place));
    let html = files.bench.read("out.html");
    for text in [json, html, files.bench.read("out.sarif"), run.stdout, run.stderr, dry.stdout] {
        let found = text.find("s3cr3t").map(|at| &text[at.saturating_sub(300)..at]);
        assert_eq!(found, None);
    }
    for entry in std::fs::read_dir(files.bench.path(".local/share/plumbline")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"s3cr3t"), "it is in the store");
    }
    files.bench.plumb(&["verify", "last"]).expect(0);
}

#[test]
fn an_address_that_nobody_vouches_for_leaves_the_run_incomplete() {
    let files = Files::start();
    files.bench.write("other.pem", Authority::new("Another CA").pem());
    files.run("other.pem", &["-o", "json=out.json"]).expect(3);
    assert_eq!(files.peer.heard(), "", "nothing is asked of a server that is not trusted");
    let json = files.bench.read("out.json");
    assert!(json.contains("no trust anchor of this machine vouches for its certificate"), "{json}");
    let found = json.find("s3cr3t").map(|at| &json[at.saturating_sub(300)..at]);
    assert_eq!(found, None);
}
