//! A gateway's repository: one configuration file, and the target that names it.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tests::github::{Checkout, GitHub, Pull, REPOSITORY};

/// The target.
pub const TARGET: &str = "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: edge}
spec:
  path: gateway
  gatewayConfig:
  - {name: main, format: mosquitto, path: conf/mosquitto.conf}
";

/// A configuration without any finding.
pub const HARDENED: &str = "listener 8883 10.0.0.5
cafile /etc/mosquitto/ca.crt
certfile /etc/mosquitto/server.crt
keyfile /etc/mosquitto/server.key
tls_version tlsv1.2
max_connections 200
allow_anonymous false
password_file /etc/mosquitto/passwd
acl_file /etc/mosquitto/acl
max_queued_messages 1000
max_queued_bytes 1048576
max_packet_size 262144
max_inflight_messages 20
";

/// Lets everybody in: one finding, `gateway_config_guardrails.anonymous_allowed`.
pub fn anonymous() -> String {
    HARDENED.replace("allow_anonymous false", "allow_anonymous true")
}

/// Also without a list of who may do what: a second finding, `acl_missing`.
pub fn anonymous_without_acl() -> String {
    anonymous().replace("acl_file /etc/mosquitto/acl\n", "")
}

/// A repository whose default branch has this configuration.
pub fn repository(config: &str) -> Checkout {
    let checkout = Checkout::new();
    checkout.write("plumbline.yaml", TARGET);
    checkout.write("conf/mosquitto.conf", config);
    checkout.commit();
    checkout
}

/// Opens a pull request on GitHub; its number.
pub fn open_pull(github: &GitHub, branch: &str) -> u64 {
    let main = github.upstream("GET", "/git/ref/heads/main", Value::Null);
    let sha = main["object"]["sha"].as_str().unwrap();
    let made = serde_json::json!({ "ref": format!("refs/heads/{branch}"), "sha": sha });
    github.upstream("POST", "/git/refs", made);
    let file = serde_json::json!({ "message": "change", "branch": branch, "content": "eA==" });
    github.upstream("PUT", &format!("/contents/{branch}.txt"), file);
    let pull = serde_json::json!({ "title": branch, "head": branch, "base": "main" });
    let pull = github.upstream("POST", "/pulls", pull);
    pull["number"].as_u64().unwrap()
}

/// A change on a branch of its own, and the commits around it: base and head.
pub fn change(checkout: &Checkout, change: impl Fn(&Checkout)) -> (String, String) {
    let base = checkout.git(&["rev-parse", "main"]);
    checkout.git(&["checkout", "--quiet", "-B", "topic", "main"]);
    change(checkout);
    let head = checkout.commit();
    (base, head)
}

/// The event of a pull request of the same repository.
pub fn pull<'a>(number: u64, action: &'a str, base: &'a str, head: &'a str) -> Pull<'a> {
    Pull { number, action, merged: false, base, head, from: REPOSITORY, by: "alice" }
}

/// Seconds from now, as a document writes them.
pub fn in_seconds(seconds: i64) -> jiff::Timestamp {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    jiff::Timestamp::from_second(at.as_second()).unwrap()
}

/// A target, and an exception for what [`anonymous`] brings.
pub fn exception(target: &str, until: jiff::Timestamp) -> String {
    format!(
        "{target}---
apiVersion: plumbline.dev/v1alpha1
kind: AuditException
metadata: {{name: lab}}
spec:
  issueKeys: [gateway_config_guardrails.anonymous_allowed]
  reason: a lab without devices
  approvedBy: alice
  expiresAt: {until}
"
    )
}

/// Waits until a moment is over.
pub fn wait_until_after(moment: jiff::Timestamp) {
    let seconds = u64::try_from(moment.as_second()).unwrap() + 1;
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    std::thread::sleep(end.duration_since(SystemTime::now()).unwrap_or_default());
}
