//! A credential goes to the endpoint that it is bound to, over TLS that is trusted, and nowhere else.

use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf};
use testkit::tls;
use tokio::runtime::Runtime;

use crate::cluster::Namespace;
use crate::faults::{over, run_of};
use crate::operator::{Installation, in_peace};

const TOKEN: &str = "canary-8c1f2e6d5b";

fn indented(pem: &str) -> String {
    pem.lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn a_token_reaches_neither_the_end_of_a_redirect_nor_plaintext_nor_an_edge_that_is_not_trusted() {
    let installation = Installation::get();
    let _peace = in_peace();
    let node = installation.node();
    let runtime = Runtime::new().unwrap();
    let authority = Authority::new("Edge CA");
    let leaf = Leaf { ip: vec![node], ..Leaf::server("edge.example") };
    let refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".to_vec();
    let start = |tls, script| runtime.block_on(Peer::start_at(node, tls, script));
    let elsewhere = start(None, Script::Reply(refused.clone()));
    let moved = format!(
        "HTTP/1.1 307 Moved\r\nlocation: http://{node}:{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.port()
    );
    let redirecting =
        start(Some(tls::server(&authority.issue(&leaf))), Script::Reply(moved.into_bytes()));
    let plain = start(None, Script::Reply(refused.clone()));
    let stranger = Authority::new("Another CA").issue(&leaf);
    let untrusted = start(Some(tls::server(&stranger)), Script::Reply(refused));

    let namespace = Namespace::new("token");
    namespace.apply(&format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: token}}
stringData: {{token: {TOKEN}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: trust}}
data:
  ca.pem: |
{}---
apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: t}}
spec:
  path: ingest
  endpoints:
  - {{name: redirecting, protocol: https, host: {node}, port: {}, path: /, credentials: [c]}}
  - {{name: plain, protocol: http, host: {node}, port: {}, path: /, credentials: [c]}}
  - {{name: untrusted, protocol: https, host: {node}, port: {}, path: /, credentials: [c]}}
  trust: {{caBundle: {{configMapRef: {{name: trust, key: ca.pem}}}}}}
  credentials: [{{name: c, kind: bearer, secretRef: {{name: token, key: token}}}}]
  checks: [{{id: ingest_auth}}]
",
        indented(&authority.pem()),
        redirecting.port(),
        plain.port(),
        untrusted.port(),
    ));
    namespace.apply(&run_of("t", "r", "{}"));
    let status = over(&namespace, "r");
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["planned"], 3, "{status:#}");
    assert_eq!(status["evidence"]["stored"], 3, "{status:#}");

    // It is in use: the endpoint that it is bound to got it.
    assert!(redirecting.heard().contains(TOKEN), "the token was not presented at all");
    assert_eq!(elsewhere.accepted(), 0, "the redirect was followed");
    assert!(plain.accepted() > 0 && untrusted.accepted() > 0, "nobody asked");
    assert!(!plain.heard().contains(TOKEN), "the token went over plaintext");
    assert!(!untrusted.heard().contains(TOKEN), "the token went to a stranger");

    let run = status["runId"].as_str().unwrap();
    let sql = format!(
        "SELECT body::jsonb -> 'stable' -> '/credential/access' ->> 'status' FROM evidence \
         JOIN run_evidence USING (digest) WHERE run = '{run}' ORDER BY run_evidence.subject"
    );
    let accesses = installation.database().sql(&sql).unwrap();
    let accesses: Vec<_> = accesses.lines().collect();
    assert_eq!(accesses, ["not_attempted", "observed", "not_attempted"]);
    let told = format!("SELECT count(*) FROM evidence WHERE body LIKE '%{TOKEN}%'");
    assert_eq!(installation.database().sql(&told).unwrap(), "0");
}
