//! The project's images do their work in pods that may do nothing else.

use crate::cluster::{Namespace, eventually, image};
use crate::operator::in_peace;

/// What every container of these tests may do: the strictest profile, and no writing.
const CONFINED: &str = "{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, \
                        capabilities: {drop: [ALL]}}";

fn job(name: &str, pod: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
{pod}"
    )
}

#[test]
fn plumb_says_its_version_as_a_restricted_job() {
    let _peace = in_peace();
    let namespace = Namespace::new("version");
    let image = image("plumb");
    namespace.apply(&job(
        "version",
        &format!(
            "      containers:
      - {{name: plumb, image: '{image}', args: [--version], securityContext: {CONFINED}}}
"
        ),
    ));
    assert_eq!(namespace.wait_for_job("version"), Ok(()));
    let version = format!("plumb {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(namespace.logs("job/version").trim(), version);
}

#[test]
fn a_job_that_fails_is_said_to_fail_and_why() {
    let _peace = in_peace();
    let namespace = Namespace::new("fail");
    let image = image("plumb");
    namespace.apply(&job(
        "wrong",
        &format!(
            "      containers:
      - {{name: plumb, image: '{image}', args: [no-such-command], securityContext: {CONFINED}}}
"
        ),
    ));
    assert_eq!(namespace.wait_for_job("wrong"), Err("BackoffLimitExceeded".to_owned()));
    let log = namespace.logs("job/wrong");
    assert!(log.contains("no-such-command"), "{log}");
}

#[test]
fn plumb_tells_the_whole_reference_story_as_a_restricted_job() {
    let _peace = in_peace();
    let namespace = Namespace::new("story");
    let image = image("plumb");
    namespace.apply(&job(
        "demo",
        &format!(
            "      volumes: [{{name: data, emptyDir: {{}}}}]
      containers:
      - name: plumb
        image: '{image}'
        args: [demo, --dir, /data/demo]
        env: [{{name: HOME, value: /data}}]
        securityContext: {CONFINED}
        volumeMounts: [{{name: data, mountPath: /data}}]
"
        ),
    ));
    assert_eq!(namespace.wait_for_job("demo"), Ok(()));
    let log = namespace.logs("job/demo");
    for words in ["4 findings", "0 findings", "4 improved"] {
        assert!(log.contains(words), "{words} in:\n{log}");
    }
}

#[test]
fn the_reference_gateway_starts_and_says_how_to_audit_it() {
    let _peace = in_peace();
    let namespace = Namespace::new("gateway");
    let image = image("plumbline-reference-gateway");
    namespace.apply(&format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: gateway}}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
  volumes: [{{name: site, emptyDir: {{}}}}]
  containers:
  - name: gateway
    image: '{image}'
    args: [run, --dir, /site/gateway]
    securityContext: {CONFINED}
    volumeMounts: [{{name: site, mountPath: /site}}]
"
    ));
    namespace.wait_for("pod/gateway", ".status.phase", "Running");
    eventually("the gateway to say how to audit it", || {
        let log = namespace.logs("pod/gateway");
        log.contains("plumb run -f /site/gateway/target.yaml").then_some(())
    });
    namespace.run(&["delete", "pod/gateway", "--wait=false"]);
    namespace.wait_until_gone("pod/gateway");
}
