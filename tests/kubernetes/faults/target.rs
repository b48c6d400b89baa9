//! Probe pods, Jobs, runs, targets and namespaces that go away in the middle, and targets that
//! cannot be audited.

use crate::cluster::{Kubectl, Namespace, eventually};
use crate::operator::{Installation, in_peace};

use super::{AtWork, GIVES_UP, Hanging, NEVER, over, rows, run_of};

/// What every run says that did not get all its evidence.
fn assert_incomplete(at_work: &AtWork, status: &serde_json::Value) {
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["status"], "INCOMPLETE", "{status:#}");
    assert_ne!(status["posture"], "green", "{status:#}");
    assert_eq!(status["evidence"]["stored"], at_work.stored(), "{status:#}");
    let stored = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|condition| condition["type"] == "EvidenceStored")
        .unwrap();
    assert_eq!(stored["status"], "False", "{status:#}");
    assert_eq!(stored["reason"], "EvidenceMissing");
    for lost in ["broker_transport_posture of endpoint/broker", "ingest_auth of endpoint/ingest"] {
        assert!(stored["message"].as_str().unwrap().contains(lost), "{lost} in {stored:#}");
    }
    at_work.assert_stored_once();
}

#[test]
fn a_probe_pod_that_is_killed_is_followed_by_another_that_brings_the_rest() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("pod-again", GIVES_UP, "{}");
    let first = at_work.pod();
    first.kill(&at_work.namespace);
    // What the first one delivered is not asked again, of the target or of the store.
    let planned = at_work.namespace.field("auditrun/slow", ".status.evidence.planned").unwrap();
    let left = format!(": {} probes", planned.parse::<u32>().unwrap() - 1);
    eventually("the second pod to say what is left", || {
        let second = at_work.pod_after(&first)?;
        at_work.namespace.logs(&format!("pod/{}", second.name)).contains(&left).then_some(())
    });
    let status = at_work.over();
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["stored"], status["evidence"]["planned"], "{status:#}");
    assert_eq!(u64::from(at_work.stored()), status["evidence"]["planned"].as_u64().unwrap());
    assert_ne!(status["posture"], "green", "nothing answered: {status:#}");
    at_work.assert_stored_once();
}

#[test]
fn a_probe_pod_that_is_killed_and_may_not_be_tried_again_leaves_a_run_that_names_what_is_missing() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("pod-once", NEVER, "{backoffLimit: 0}");
    at_work.pod().kill(&at_work.namespace);
    let status = at_work.over();
    assert_incomplete(&at_work, &status);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("its Job failed"), "{message}");
}

#[test]
fn a_job_that_runs_into_its_deadline_leaves_a_run_that_names_what_is_missing() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("deadline", NEVER, "{activeDeadlineSeconds: 12}");
    let status = at_work.over();
    assert_incomplete(&at_work, &status);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("its Job failed: DeadlineExceeded"), "{message}");
}

#[test]
fn a_job_that_is_deleted_leaves_a_run_that_names_what_is_missing() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("job", NEVER, "{}");
    at_work.namespace.run(&["delete", "job/slow", "--wait=false"]);
    let status = at_work.over();
    assert_incomplete(&at_work, &status);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("its Job was deleted"), "{message}");
    at_work.namespace.wait_until_gone("job/slow");
}

/// Nothing of a run is left in its namespace.
fn assert_swept(namespace: &Namespace) {
    for kind in ["auditruns", "jobs", "pods"] {
        eventually(&format!("no {kind} to be left"), || {
            namespace.json(kind)["items"].as_array()?.is_empty().then_some(())
        });
    }
}

#[test]
fn a_run_that_is_deleted_takes_its_job_along_and_makes_room_for_the_next() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("run", NEVER, "{}");
    at_work.namespace.run(&["delete", "auditrun/slow", "--wait=false"]);
    assert_swept(&at_work.namespace);
    // A target is probed by one run at a time: the next one gets its turn.
    at_work.namespace.apply(&run_of(AtWork::NAME, "next", "{}"));
    at_work.namespace.wait_for("auditrun/next", ".status.phase", "Running");
}

#[test]
fn a_target_that_is_deleted_takes_its_runs_and_jobs_along() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("target", NEVER, "{}");
    at_work.namespace.run(&["delete", "audittarget/slow", "--wait=false"]);
    assert_swept(&at_work.namespace);
}

#[test]
fn a_namespace_that_is_deleted_leaves_nothing_and_the_operator_goes_on() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("namespace", NEVER, "{}");
    let cluster = Kubectl::new();
    let name = at_work.namespace.name();
    cluster.run(&["delete", "namespace", name, "--wait=false"]);
    cluster.wait_until_gone(&format!("namespace/{name}"));
    let left = cluster.run(&["get", "auditruns,jobs,pods", "--all-namespaces"]);
    assert!(!left.contains(name), "{left}");
    let next = AtWork::new("after", NEVER, "{}");
    assert_eq!(next.stored(), 1);
}

#[test]
fn a_target_that_cannot_be_audited_says_why_and_so_does_its_run() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("wrong");
    namespace.apply(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: wrong}
spec:
  path: ingest
  endpoints:
  - {name: ingest, protocol: http, host: ingest.example, port: 80, path: /}
  checks:
  - {id: ingest_auth, params: {noSuch: 1}}
---
apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {name: wrong}
spec: {targetRef: {name: wrong}}
---
apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {name: nobody}
spec: {targetRef: {name: nobody}}
",
    );
    let ready = ".status.conditions[?(@.type==\"Ready\")]";
    namespace.wait_for("audittarget/wrong", &format!("{ready}.status"), "False");
    let said = namespace.field("audittarget/wrong", &format!("{ready}.message")).unwrap();
    assert!(said.contains("noSuch"), "{said}");
    let status = over(&namespace, "wrong");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    assert_eq!(status["message"], said, "{status:#}");
    let status = over(&namespace, "nobody");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    assert!(status["message"].as_str().unwrap().contains("`nobody`"), "{status:#}");
    assert!(namespace.json("jobs")["items"].as_array().unwrap().is_empty());
    assert_eq!(rows("runs", "target", &format!("{}/wrong", namespace.name())), 0);
}

#[test]
fn a_secret_and_a_config_that_are_missing_become_evidence_and_hold_up_no_pod() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("missing");
    let target = hanging.target("slow", 2).replace(
        "  endpoints:",
        "  credentials: [{name: token, kind: bearer, secretRef: {name: absent, key: token}}]\n  endpoints:",
    );
    namespace.apply(&target);
    namespace.run(&["delete", "configmap/slow"]);
    namespace.apply(&run_of("slow", "slow", "{}"));
    let status = over(&namespace, "slow");
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["stored"], status["evidence"]["planned"], "{status:#}");
    assert_ne!(status["posture"], "green");
    let run = status["runId"].as_str().unwrap();
    let sql = format!(
        "SELECT body FROM evidence JOIN run_evidence USING (digest) WHERE run = '{run}' \
         AND check_id = 'gateway_config_guardrails'"
    );
    let body = Installation::get().database().sql(&sql).unwrap();
    assert!(body.contains("\"error\"") && body.contains("configmaps/slow"), "{body}");
}
