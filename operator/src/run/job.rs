//! The Job that probes: pure, from the run to the object.
//!
//! It runs in the target's namespace under that namespace's rules, with no more rights than any
//! pod there: its only token is bound to the ingest, and Secrets and ConfigMaps that the target
//! names are mounted by the kubelet and never read by the operator.

use std::collections::{BTreeMap, BTreeSet};

use crds::job_template::{ACTIVE_DEADLINE_SECONDS, BACKOFF_LIMIT};
use crds::{AuditRun, JobTemplate, RUN_LABEL, TARGET_LABEL};
use k8s_openapi::api::batch::v1::Job;
use kube::Resource as _;
use kube::ResourceExt as _;
use model::document::{AuditTarget, KeyRef, Source};
use serde_json::{Value, json};

use crate::settings::Settings;

/// The audience of the token that a probe pod presents to the ingest.
pub const AUDIENCE: &str = "ingest.plumbline.dev";
/// Seconds that the token lives; the least that Kubernetes allows. It is renewed in place.
const TOKEN_SECONDS: i64 = 600;
/// User and group of the images.
const USER: i64 = 65_532;
/// Exit code of `plumb collect` when trying again cannot help.
pub const REFUSED: i32 = 42;

/// Seconds before the Job's deadline at which the pod gives up by itself, to say what it has.
const LAST_WORDS: i64 = 5;

/// Where the pod finds things.
const TOKEN: &str = "/run/plumbline/token";
const MOUNTS: &str = "/run/plumbline/mounts";

/// What every Job of this operator has in common.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Image of `plumb`.
    pub image: String,
    /// When it is pulled.
    pub pull_policy: &'static str,
    /// What the Job calls.
    pub ingest_url: String,
}

impl From<&Settings> for Shape {
    fn from(settings: &Settings) -> Self {
        Self {
            image: settings.probe_image.clone(),
            pull_policy: settings.probe_image_pull_policy.as_str(),
            ingest_url: settings.ingest_url(),
        }
    }
}

/// The Job of a run. `ca` is the PEM of the authority that the ingest's certificate comes from.
pub fn job(
    run: &AuditRun,
    target: &AuditTarget,
    template: &JobTemplate,
    shape: &Shape,
    ca: &str,
) -> Job {
    let name = run.name_any();
    let own: BTreeMap<&str, &str> = BTreeMap::from([
        ("app.kubernetes.io/name", "plumbline-probe"),
        ("app.kubernetes.io/managed-by", "plumbline-operator"),
        (RUN_LABEL, name.as_str()),
        (TARGET_LABEL, target.metadata.name.as_str()),
    ]);
    let mut labels: BTreeMap<&str, &str> =
        template.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    labels.extend(own);
    let (volumes, mounts) = volumes(target);
    let deadline = template.active_deadline_seconds.unwrap_or(ACTIVE_DEADLINE_SECONDS);
    let pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "serviceAccountName": template.service_account_name,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "nodeSelector": template.node_selector,
        "tolerations": template.tolerations,
        "affinity": template.affinity,
        "topologySpreadConstraints": template.topology_spread_constraints,
        "priorityClassName": template.priority_class_name,
        "imagePullSecrets": template.image_pull_secrets,
        "containers": [{
            "name": "probe",
            "image": shape.image,
            "imagePullPolicy": shape.pull_policy,
            "args": ["collect"],
            "env": [
                { "name": "PLUMBLINE_INGEST_URL", "value": shape.ingest_url },
                { "name": "PLUMBLINE_INGEST_CA", "value": ca },
                { "name": "PLUMBLINE_INGEST_TOKEN_FILE", "value": format!("{TOKEN}/token") },
                { "name": "PLUMBLINE_MOUNTS", "value": MOUNTS },
                { "name": "PLUMBLINE_DEADLINE_SECONDS", "value": (deadline - LAST_WORDS).max(5).to_string() },
            ],
            "resources": resources(template),
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
            "terminationMessagePolicy": "File",
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    });
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": run.namespace(),
            "labels": labels,
            "annotations": template.annotations,
            "ownerReferences": [run.controller_owner_ref(&())],
        },
        "spec": {
            "activeDeadlineSeconds": deadline,
            "backoffLimit": template.backoff_limit.unwrap_or(BACKOFF_LIMIT),
            // No ttlSecondsAfterFinished yet: the Job stays until its evidence is stored.
            "podFailurePolicy": { "rules": [
                { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
                { "action": "FailJob", "onExitCodes": {
                    "containerName": "probe", "operator": "In", "values": [REFUSED],
                } },
            ] },
            "template": {
                "metadata": { "labels": labels, "annotations": template.annotations },
                "spec": pod,
            },
        },
    });
    serde_json::from_value(without_nulls(job)).expect("the object above is a Job")
}

/// What a probe needs is little; a template may say otherwise.
fn resources(template: &JobTemplate) -> Value {
    match &template.resources {
        Some(resources) => json!(resources),
        None => json!({
            "requests": { "cpu": "20m", "memory": "32Mi" },
            "limits": { "memory": "256Mi" },
        }),
    }
}

/// Token, scratch space, and a folder for each Secret and ConfigMap that the target names.
fn volumes(target: &AuditTarget) -> (Vec<Value>, Vec<Value>) {
    let mut volumes = vec![json!({
        "name": "token",
        "projected": { "sources": [{ "serviceAccountToken": {
            "audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": "token",
        } }] },
    })];
    let mut mounts = vec![json!({ "name": "token", "mountPath": TOKEN, "readOnly": true })];
    let sources = target.spec.sources();
    let named = |of: fn(&Source) -> Option<&KeyRef>| -> BTreeMap<String, Option<BTreeSet<String>>> {
        let mut named = BTreeMap::new();
        for reference in sources.iter().filter_map(of) {
            let keys = named.entry(reference.name.clone()).or_insert_with(|| Some(BTreeSet::new()));
            match (&reference.key, keys) {
                (Some(key), Some(keys)) => {
                    keys.insert(key.clone());
                }
                // The whole object is wanted, whatever else names a part of it.
                (None, keys) => *keys = None,
                (Some(_), None) => {}
            }
        }
        named
    };
    let items = |keys: Option<BTreeSet<String>>| {
        keys.map(|keys| {
            keys.iter().map(|key| json!({ "key": key, "path": key })).collect::<Vec<_>>()
        })
    };
    for (kind, field, objects) in [
        ("secrets", "secret", named(|source| source.secret_ref.as_ref())),
        ("configmaps", "configMap", named(|source| source.config_map_ref.as_ref())),
    ] {
        for (index, (name, keys)) in objects.into_iter().enumerate() {
            let volume = format!("{field}-{index}").to_lowercase();
            let named = if field == "secret" { "secretName" } else { "name" };
            // Optional: a Secret that is missing must become evidence, not a pod that never starts.
            let source = json!({ named: name, "items": items(keys), "optional": true, "defaultMode": 0o440 });
            volumes.push(json!({ "name": volume, field: source }));
            let path = format!("{MOUNTS}/{kind}/{name}");
            mounts.push(json!({ "name": volume, "mountPath": path, "readOnly": true }));
        }
    }
    (volumes, mounts)
}

/// Kubernetes takes an absent field for its default, and null for a mistake.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
