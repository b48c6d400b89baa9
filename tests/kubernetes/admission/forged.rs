//! What passes for a run's own, and was made by somebody else.

use serde_json::{Value, json};

use super::{assert_says, dry, somebody};
use crate::cluster::{Kubectl, Namespace, eventually, image};
use crate::faults::ingest::{AUDIENCE, Ingest, token};
use crate::faults::{AtWork, NEVER, over, run_of};
use crate::operator::{Installation, OPERATOR, in_peace};

/// Who makes the pods of Jobs on the cluster of `tests/cluster`.
const JOB_CONTROLLER: &str = "system:serviceaccount:kube-system:job-controller";

/// A pod that never starts, with more metadata.
fn pod(name: &str, metadata: Value) -> String {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": spec("nowhere"),
    });
    pod["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    pod.to_string()
}

fn spec(node: &str) -> Value {
    json!({
        "nodeName": node,
        "restartPolicy": "Never",
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [{
            "name": "probe",
            "image": image("plumb"),
            "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
            },
        }],
    })
}

/// A Job that makes such pods, under labels of its own and of its pods.
fn job(name: &str, metadata: Value, pods: Value) -> String {
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name },
        "spec": { "template": { "metadata": { "labels": pods }, "spec": spec("nowhere") } },
    });
    job["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    job.to_string()
}

fn label(run: &str) -> Value {
    json!({ "labels": { "plumbline.dev/run": run, "app.kubernetes.io/managed-by": "plumbline-operator" } })
}

fn owner(api: &str, kind: &str, name: &str, uid: &str) -> Value {
    json!({ "ownerReferences": [
        { "apiVersion": api, "kind": kind, "name": name, "uid": uid, "controller": true },
    ] })
}

fn patch(user: &Kubectl, object: &str, flags: &[&str], change: &Value) -> Result<(), String> {
    let change = change.to_string();
    let patch = ["patch", object, "--type=strategic", "--patch", &change];
    let ended = user.try_run(&[&patch[..], flags].concat());
    if ended.code == Some(0) { Ok(()) } else { Err(ended.stderr) }
}

#[test]
fn only_the_operator_says_of_a_run_where_it_comes_from() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("origin");
    let mallory = somebody(&namespace, "mallory", &["create auditruns", "get audittargets"]);
    let operator = namespace.impersonating(OPERATOR);
    let run = |fields: &str| {
        format!(
            "apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {{name: r}}
spec: {{targetRef: {{name: t}}{fields}}}
"
        )
    };
    for (field, value) in [
        ("scheduleRef", "{name: nightly}"),
        ("slot", "'2026-11-21T10:00:00Z'"),
        ("trigger", "Schedule"),
        ("notBefore", "'2026-11-21T10:00:00Z'"),
        ("nextRun", "'2026-11-21T10:00:00Z'"),
    ] {
        let document = run(&format!(", {field}: {value}"));
        let sentence = |who: &str| {
            format!(
                "only the operator sets {field} of a run; {who} may not in namespace \"{}\"; leave that out",
                namespace.name()
            )
        };
        assert_says(dry(&mallory, &document), &sentence("mallory"));
        // Not the cluster's administrator either.
        assert_says(dry(&namespace, &document), "only the operator sets");
        assert_eq!(dry(&operator, &document), Ok(()), "{field}");
    }
    let several = run(", slot: '2026-11-21T10:00:00Z', scheduleRef: {name: nightly}");
    assert_says(dry(&mallory, &several), "only the operator sets scheduleRef, slot of a run");
    assert_eq!(dry(&mallory, &run(", trigger: Manual")), Ok(()));
}

#[test]
fn a_job_under_the_label_of_runs_is_made_by_the_operator_alone() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("forged-job");
    let mallory = somebody(&namespace, "mallory", &["create,get,patch jobs"]);
    let operator = namespace.impersonating(OPERATOR);
    let labelled = job("j", label("r"), json!({}));
    let who = format!("mallory may not in namespace \"{}\"", namespace.name());
    let words =
        "a Job with the label plumbline.dev/run is a run's own, and only the operator makes it";
    assert_says(dry(&mallory, &labelled), &format!("{words}; {who}; create an AuditRun instead"));
    assert_says(dry(&namespace, &labelled), words);
    assert_eq!(dry(&operator, &labelled), Ok(()));
    // A Job of their own is theirs, until it is to pass for a run's.
    assert_eq!(dry(&mallory, &job("j", json!({}), json!({}))), Ok(()));
    namespace.apply(&job("j", json!({}), json!({})));
    let server = ["--dry-run=server"];
    let never = "the label plumbline.dev/run of a Job never changes; mallory may not change it";
    assert_says(patch(&mallory, "job/j", &server, &json!({ "metadata": label("r") })), never);
    let note = json!({ "metadata": { "annotations": { "note": "x" } } });
    assert_eq!(patch(&mallory, "job/j", &server, &note), Ok(()));
}

#[test]
fn a_probe_pod_is_made_by_the_job_controller_and_nobody_changes_what_it_is() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("forged-pod", NEVER, "{}");
    let namespace = &at_work.namespace;
    let rights = ["create,get,patch pods", "get,patch pods/ephemeralcontainers"];
    let mallory = somebody(namespace, "mallory", &rights);
    let of = format!("in namespace \"{}\"", namespace.name());
    let forged = pod("p", label("slow"));
    let words = "a pod with the label plumbline.dev/run is a run's own, and only the Job controller makes it";
    let sentence = format!("{words}; mallory may not {of}; create an AuditRun instead");
    assert_says(dry(&mallory, &forged), &sentence);
    assert_says(dry(namespace, &forged), words);
    assert_eq!(dry(&namespace.impersonating(JOB_CONTROLLER), &forged), Ok(()));
    // Somebody's own pod is theirs, until it is to pass for a run's.
    let own = pod("own", json!({}));
    assert_eq!(dry(&mallory, &own), Ok(()));
    namespace.apply(&own);
    let never = format!(
        "the label plumbline.dev/run of a pod never changes; mallory may not change it {of}"
    );
    let server = ["--dry-run=server"];
    let given = json!({ "metadata": label("slow") });
    assert_says(patch(&mallory, "pod/own", &server, &given), &never);

    let probe = format!("pod/{}", at_work.pod().name);
    let taken = json!({ "metadata": { "labels": { "plumbline.dev/run": null } } });
    let another = json!({ "metadata": { "labels": { "plumbline.dev/run": "other" } } });
    let image = json!({ "spec": { "containers": [{ "name": "probe", "image": "mine" }] } });
    let mut owned = json!({ "metadata": owner("batch/v1", "Job", "mine", "0b5f") });
    // It stands beside the one that is there, and there is one controller at most.
    owned["metadata"]["ownerReferences"][0]["controller"] = json!(false);
    for (change, words) in [
        (taken, never.clone()),
        (another, never),
        (image, format!("the image of a probe pod never changes; mallory may not change it {of}")),
        (
            owned,
            format!(
                "a pod with the label plumbline.dev/run gets no other owner; mallory may not name one {of}"
            ),
        ),
    ] {
        assert_says(patch(&mallory, &probe, &server, &change), &words);
    }
    // As Pod Security wants it, so that it is not what refuses.
    let confined =
        json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    let debug = json!({ "name": "debug", "image": "mine", "securityContext": confined });
    let container = json!({ "spec": { "ephemeralContainers": [debug] } });
    let flags = ["--dry-run=server", "--subresource=ephemeralcontainers"];
    let words = format!("a probe pod takes no further container; mallory may not add one {of}");
    assert_says(patch(&mallory, &probe, &flags, &container), &words);
    let note = json!({ "metadata": { "annotations": { "note": "x" } } });
    assert_eq!(patch(&mallory, &probe, &server, &note), Ok(()));
}

/// What the ingest tells a pod, by its token.
fn asks(ingest: &Ingest, namespace: &Namespace, pod: &str) -> Option<(u16, String)> {
    let uid = namespace.field(&format!("pod/{pod}"), ".metadata.uid")?;
    let token = token(namespace, pod, &uid, AUDIENCE);
    let (status, _, body) = ingest.send(ingest.plan_request(Some(&token)));
    Some((status, body["message"].as_str().unwrap_or_default().to_owned()))
}

#[test]
fn an_owner_that_somebody_named_opens_nothing_at_the_ingest() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("forged-owner", NEVER, "{}");
    let namespace = &at_work.namespace;
    let refused = "the token's pod or its Job is not one that was made for the run";

    // A pod that names the run's Job. The Job controller disowns it within a second or so.
    let uid = namespace.field("job/slow", ".metadata.uid").unwrap();
    let mut number = 0;
    eventually("a forged pod to be refused for its label", || {
        number += 1;
        let name = format!("forged-{number}");
        namespace.apply(&pod(&name, owner("batch/v1", "Job", "slow", &uid)));
        let (status, said) = asks(&ingest, namespace, &name)?;
        assert_eq!(status, 403, "{said}");
        (said == refused).then_some(())
    });

    // A Job that names the run, whose pods the Job controller makes under the run's label.
    let uid = namespace.field("auditrun/slow", ".metadata.uid").unwrap();
    let mut run = owner("plumbline.dev/v1alpha1", "AuditRun", "slow", &uid);
    // Without a label of its own it would be given its pods'.
    run["labels"] = json!({ "mine": "yes" });
    namespace.apply(&job("forged", run, json!({ "plumbline.dev/run": "slow" })));
    let made = eventually("the forged Job's pod", || {
        let name = "{.items[*].metadata.name}";
        let pods = ["get", "pods", "--selector=job-name=forged"];
        let output = format!("--output=jsonpath={name}");
        let names = namespace.run(&[&pods[..], &[output.as_str()]].concat());
        Some(names).filter(|names| !names.is_empty())
    });
    let (status, said) = asks(&ingest, namespace, &made).unwrap();
    assert_eq!((status, said.as_str()), (403, refused));
    assert_eq!(at_work.stored(), 1);
}

#[test]
fn a_job_that_was_there_before_the_operators_own_is_not_taken_for_it() {
    Installation::get();
    let _peace = in_peace();
    let at_work = AtWork::new("forged-early", NEVER, "{}");
    let namespace = &at_work.namespace;
    // It waits for the run that is at work, and somebody is faster.
    namespace.apply(&run_of(AtWork::NAME, "next", "{}"));
    let uid = namespace.field("auditrun/next", ".metadata.uid").unwrap();
    let managed = json!({ "app.kubernetes.io/managed-by": "plumbline-operator" });
    let mut metadata = owner("plumbline.dev/v1alpha1", "AuditRun", "next", &uid);
    metadata["labels"] = managed;
    namespace.apply(&job("next", metadata, json!({})));
    namespace.run(&["delete", "auditrun/slow", "--wait=false"]);
    let status = over(namespace, "next");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    assert_eq!(status["message"], "there is another Job `next` in this namespace");
}
