//! What every other test here stands on: the cluster is one, and it enforces what is claimed.

use crate::cluster::{Kubectl, Namespace, image};
use crate::operator::in_peace;

#[test]
fn the_api_answers_and_a_node_is_ready() {
    let _peace = in_peace();
    let cluster = Kubectl::new();
    assert_eq!(cluster.run(&["get", "--raw", "/readyz"]), "ok");
    let nodes = cluster.json("nodes");
    let name = nodes["items"][0]["metadata"]["name"].as_str().unwrap();
    cluster.wait_for_condition(&format!("node/{name}"), "Ready");
}

#[test]
fn a_pod_that_is_not_restricted_is_refused() {
    let _peace = in_peace();
    let namespace = Namespace::new("refuse");
    let reason = namespace.apply_refused(&format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: root}}
spec:
  containers:
  - {{name: root, image: '{}'}}
",
        image("plumb")
    ));
    for fault in ["violates PodSecurity \"restricted", "runAsNonRoot", "seccompProfile"] {
        assert!(reason.contains(fault), "{fault} in: {reason}");
    }
    assert_eq!(namespace.field("pod/root", ".metadata.name"), None);
}

#[test]
fn a_user_without_rights_is_refused() {
    let _peace = in_peace();
    let namespace = Namespace::new("weak");
    let user = format!("system:serviceaccount:{}:default", namespace.name());
    let ended = namespace.impersonating(&user).try_run(&["get", "secrets"]).expect(1);
    assert!(ended.stderr.contains("Forbidden"), "{}", ended.stderr);
}
