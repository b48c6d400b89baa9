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

use crate::context::MANAGER;
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
pub const LAST_WORDS: i64 = 5;

/// Label of every Job and pod of this operator; its value is [`MANAGER`].
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

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

/// True if a Job that is there is the one that this operator made for the run, before a crash. An
/// owner alone says nothing: whoever may create Jobs may name one.
pub fn is_of(run: &AuditRun, job: &Job) -> bool {
    let carries = |key: &str, value: &str| job.labels().get(key).is_some_and(|v| v == value);
    carries(MANAGED_BY, MANAGER)
        && carries(RUN_LABEL, &run.name_any())
        && job.owner_references().iter().any(|owner| Some(&owner.uid) == run.uid().as_ref())
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
        (MANAGED_BY, MANAGER),
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;
    use model::document::{Place, Resource};

    use super::*;

    const TARGET: &str = "
apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: gw, namespace: plant}
spec:
  path: gateway
  endpoints: [{name: ingest, protocol: https, host: gw.plant.svc, port: 8443}]
  trust: {caBundle: {configMapRef: {name: trust, key: ca.pem}}, crls: [{configMapRef: {name: trust, key: crl.pem}}]}
  credentials:
  - {name: ingest, kind: bearer, secretRef: {name: token, key: bearer}}
  - {name: other, kind: basic, secretRef: {name: token}}
";

    fn target() -> AuditTarget {
        let mut read = model::document::read("target.yaml", TARGET, Place::Inside).unwrap();
        let Resource::AuditTarget(target) = read.remove(0).value else { panic!("no target") };
        target
    }

    fn run() -> AuditRun {
        serde_json::from_value(json!({
            "apiVersion": "plumbline.dev/v1alpha1",
            "kind": "AuditRun",
            "metadata": { "name": "nightly-gw-1", "namespace": "plant", "uid": "u-1" },
            "spec": { "targetRef": { "name": "gw" } },
        }))
        .unwrap()
    }

    fn built(template: Value) -> Job {
        let template = JobTemplate::read(Some(&template)).unwrap();
        let shape = Shape {
            image: "plumb:1".to_owned(),
            pull_policy: "IfNotPresent",
            ingest_url: "https://ingest.audit.svc:8443".to_owned(),
        };
        job(&run(), &target(), &template, &shape, "-----BEGIN CERTIFICATE-----")
    }

    fn pod(job: &Job) -> PodSpec {
        job.spec.clone().unwrap().template.spec.unwrap()
    }

    #[test]
    fn a_pod_has_what_pod_security_restricted_asks_for() {
        let pod = pod(&built(json!({})));
        let of_pod = pod.security_context.unwrap();
        assert_eq!(of_pod.run_as_non_root, Some(true));
        assert_eq!(of_pod.seccomp_profile.unwrap().type_, "RuntimeDefault");
        let of_container = pod.containers[0].security_context.clone().unwrap();
        assert_eq!(of_container.allow_privilege_escalation, Some(false));
        assert_eq!(of_container.read_only_root_filesystem, Some(true));
        assert_eq!(of_container.capabilities.unwrap().drop.unwrap(), ["ALL"]);
    }

    #[test]
    fn the_only_token_is_bound_to_the_ingest() {
        let pod = pod(&built(json!({})));
        assert_eq!(pod.automount_service_account_token, Some(false));
        assert_eq!(pod.enable_service_links, Some(false));
        let tokens: Vec<_> = pod
            .volumes
            .unwrap()
            .into_iter()
            .filter_map(|volume| volume.projected?.sources?.remove(0).service_account_token)
            .collect();
        assert_eq!(tokens.len(), 1);
        assert_eq!(tokens[0].audience.as_deref(), Some(AUDIENCE));
    }

    #[test]
    fn what_the_target_names_is_mounted_and_nothing_else() {
        let pod = pod(&built(json!({})));
        let volumes = pod.volumes.unwrap();
        let secrets: Vec<_> = volumes.iter().filter_map(|volume| volume.secret.as_ref()).collect();
        assert_eq!(secrets.len(), 1, "one volume for both credentials");
        assert_eq!(secrets[0].secret_name.as_deref(), Some("token"));
        assert_eq!(secrets[0].items, None, "one of them names the whole Secret");
        assert_eq!(secrets[0].optional, Some(true), "a missing Secret is a finding, not a hang");
        let maps: Vec<_> = volumes.iter().filter_map(|volume| volume.config_map.as_ref()).collect();
        assert_eq!(maps.len(), 1);
        let keys: Vec<_> =
            maps[0].items.as_ref().unwrap().iter().map(|item| item.key.as_str()).collect();
        assert_eq!(keys, ["ca.pem", "crl.pem"]);
        let mounts = pod.containers[0].volume_mounts.clone().unwrap();
        let places: Vec<_> = mounts.iter().map(|mount| mount.mount_path.as_str()).collect();
        assert_eq!(
            places,
            [
                TOKEN,
                "/run/plumbline/mounts/secrets/token",
                "/run/plumbline/mounts/configmaps/trust"
            ]
        );
        assert!(mounts.iter().all(|mount| mount.read_only == Some(true)));
    }

    #[test]
    fn a_template_shapes_the_job_and_leaves_its_identity_alone() {
        let job = built(json!({
            "labels": { "team": "edge" },
            "nodeSelector": { "zone": "a" },
            "serviceAccountName": "prober",
            "activeDeadlineSeconds": 60,
            "backoffLimit": 3,
        }));
        let labels = job.metadata.labels.clone().unwrap();
        assert_eq!(labels["team"], "edge");
        assert_eq!(labels[RUN_LABEL], "nightly-gw-1");
        let spec = job.spec.clone().unwrap();
        assert_eq!((spec.active_deadline_seconds, spec.backoff_limit), (Some(60), Some(3)));
        assert_eq!(spec.ttl_seconds_after_finished, None, "it stays until its evidence is stored");
        let pod = pod(&job);
        assert_eq!(pod.service_account_name.as_deref(), Some("prober"));
        assert_eq!(pod.node_selector.unwrap()["zone"], "a");
        let owner = &job.metadata.owner_references.unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("AuditRun", "u-1"));
    }

    #[test]
    fn a_job_that_is_there_is_ours_only_with_our_labels_and_the_run_as_its_owner() {
        let ours = built(json!({}));
        assert!(is_of(&run(), &ours));
        for label in [RUN_LABEL, MANAGED_BY] {
            let mut forged = ours.clone();
            forged.metadata.labels.as_mut().unwrap().insert(label.to_owned(), "other".to_owned());
            assert!(!is_of(&run(), &forged), "{label}");
            forged.metadata.labels.as_mut().unwrap().remove(label);
            assert!(!is_of(&run(), &forged), "{label}");
        }
        let mut of_another = ours;
        of_another.metadata.owner_references.as_mut().unwrap()[0].uid = "u-2".to_owned();
        assert!(!is_of(&run(), &of_another));
    }

    #[test]
    fn a_refusal_ends_the_job_and_a_disruption_does_not_count() {
        let policy = built(json!({})).spec.unwrap().pod_failure_policy.unwrap();
        assert_eq!(policy.rules[0].action, "Ignore");
        let on = policy.rules[1].on_exit_codes.clone().unwrap();
        assert_eq!((policy.rules[1].action.as_str(), on.values), ("FailJob", vec![REFUSED]));
    }
}
