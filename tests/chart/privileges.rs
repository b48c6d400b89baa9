//! The operator may do what its contract says, where it says so, and nothing more.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::helm::{CASES, NAMESPACE, Rendering, render, render_chart};

/// What the operator may do where targets are: `group/resource[name] verb`.
const AUDIT: &[&str] = &[
    "/pods get",
    "/pods list",
    "/pods watch",
    "batch/jobs create",
    "batch/jobs delete",
    "batch/jobs get",
    "batch/jobs list",
    "batch/jobs patch",
    "batch/jobs watch",
    "events.k8s.io/events create",
    "events.k8s.io/events list",
    "events.k8s.io/events patch",
    "plumbline.dev/auditexceptions get",
    "plumbline.dev/auditexceptions list",
    "plumbline.dev/auditexceptions watch",
    "plumbline.dev/auditexceptions/status patch",
    "plumbline.dev/auditexceptions/status update",
    "plumbline.dev/auditruns create",
    "plumbline.dev/auditruns delete",
    "plumbline.dev/auditruns get",
    "plumbline.dev/auditruns list",
    "plumbline.dev/auditruns patch",
    "plumbline.dev/auditruns watch",
    "plumbline.dev/auditruns/status patch",
    "plumbline.dev/auditruns/status update",
    "plumbline.dev/auditschedules get",
    "plumbline.dev/auditschedules list",
    "plumbline.dev/auditschedules watch",
    "plumbline.dev/auditschedules/status patch",
    "plumbline.dev/auditschedules/status update",
    "plumbline.dev/audittargets get",
    "plumbline.dev/audittargets list",
    "plumbline.dev/audittargets patch",
    "plumbline.dev/audittargets watch",
    "plumbline.dev/audittargets/status patch",
    "plumbline.dev/audittargets/status update",
];

/// What it may do in its own namespace alone.
const OWN: &[&str] = &[
    "/secrets create",
    "/secrets[plumbline-ingest] get",
    "/secrets[plumbline-ingest] patch",
    "/secrets[plumbline-ingest] update",
    "coordination.k8s.io/leases create",
    "coordination.k8s.io/leases[plumbline-operator] get",
    "coordination.k8s.io/leases[plumbline-operator] patch",
    "coordination.k8s.io/leases[plumbline-operator] update",
];

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

/// The single rights that a role's rules add up to.
fn rights(role: &Value) -> BTreeSet<String> {
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = words(&rule["resourceNames"]);
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    if names.is_empty() {
                        rights.insert(format!("{group}/{resource} {verb}"));
                    }
                    for name in &names {
                        rights.insert(format!("{group}/{resource}[{name}] {verb}"));
                    }
                }
            }
        }
    }
    rights
}

/// What the operator's account is granted, by namespace; none is the whole cluster.
fn granted(rendering: &Rendering) -> BTreeSet<(Option<String>, String)> {
    let account = rendering.of("ServiceAccount").next().expect("there is a service account");
    let mut granted = BTreeSet::new();
    for (binding, role) in [("RoleBinding", "Role"), ("ClusterRoleBinding", "ClusterRole")] {
        for binding in rendering.of(binding) {
            let subjects = binding["subjects"].as_array().unwrap();
            assert_eq!(subjects.len(), 1);
            assert_eq!(subjects[0]["kind"], "ServiceAccount");
            assert_eq!(subjects[0]["name"], account["metadata"]["name"]);
            assert_eq!(subjects[0]["namespace"], NAMESPACE);
            assert_eq!(binding["roleRef"]["kind"], role);
            let namespace = binding["metadata"]["namespace"].as_str().map(str::to_owned);
            let role = rendering
                .of(role)
                .find(|role| {
                    role["metadata"]["name"] == binding["roleRef"]["name"]
                        && role["metadata"]["namespace"] == binding["metadata"]["namespace"]
                })
                .expect("the binding's role is there");
            granted.extend(rights(role).into_iter().map(|right| (namespace.clone(), right)));
        }
    }
    granted
}

fn expected(parts: &[(Option<&str>, &[&str])]) -> BTreeSet<(Option<String>, String)> {
    let each = parts.iter().flat_map(|(namespace, rights)| {
        let place = namespace.map(str::to_owned);
        rights.iter().map(move |right| (place.clone(), (*right).to_owned()))
    });
    each.collect()
}

const TOKEN_REVIEW: &[&str] = &["authentication.k8s.io/tokenreviews create"];

#[test]
fn in_all_namespaces_the_operator_has_the_rights_of_its_contract() {
    let want = expected(&[(None, AUDIT), (None, TOKEN_REVIEW), (Some(NAMESPACE), OWN)]);
    assert_eq!(granted(&render("default")), want);
}

#[test]
fn with_watched_namespaces_only_token_reviews_are_cluster_wide() {
    let want = expected(&[
        (Some("plant-7"), AUDIT),
        (Some("plant-8"), AUDIT),
        (None, TOKEN_REVIEW),
        (Some(NAMESPACE), OWN),
    ]);
    let rendering = render("namespaced");
    assert_eq!(granted(&rendering), want);
    assert_eq!(rendering.of("ClusterRole").count(), 1);
}

#[test]
fn the_release_namespace_can_be_watched_too() {
    let over = "watchNamespaces={plumbline-system}";
    let rendering = render_chart(&crate::helm::chart(), "default", &[over]);
    let want = expected(&[(Some(NAMESPACE), AUDIT), (Some(NAMESPACE), OWN), (None, TOKEN_REVIEW)]);
    assert_eq!(granted(&rendering), want);
}

#[test]
fn a_certificate_that_is_given_is_only_read() {
    let granted = granted(&render("external-database"));
    let secrets: Vec<_> = granted.iter().filter(|(_, right)| right.contains("secrets")).collect();
    let want = (Some(NAMESPACE.to_owned()), "/secrets[ingest-certificate] get".to_owned());
    assert_eq!(secrets, [&want]);
}

#[test]
fn no_role_has_a_wildcard_or_a_right_that_leads_to_others() {
    for case in CASES {
        let rendering = render(case);
        for role in rendering.of("Role").chain(rendering.of("ClusterRole")) {
            for right in rights(role) {
                assert!(!right.contains('*'), "{case}: {right}");
                for forbidden in [
                    "escalate",
                    "bind",
                    "impersonate",
                    "pods/exec",
                    "pods/log",
                    "pods/ephemeralcontainers",
                    "serviceaccounts",
                    "rbac.authorization.k8s.io",
                    "/nodes",
                    "deletecollection",
                ] {
                    assert!(!right.contains(forbidden), "{case}: {right}");
                }
            }
        }
    }
}

#[test]
fn secrets_are_read_by_name_and_in_the_own_namespace_only() {
    for case in CASES {
        let rendering = render(case);
        for role in rendering.of("ClusterRole") {
            let rights = rights(role);
            assert!(!rights.iter().any(|right| right.contains("secrets")), "{case}: {rights:?}");
        }
        for role in rendering.of("Role") {
            for right in rights(role).iter().filter(|right| right.contains("secrets")) {
                assert_eq!(role["metadata"]["namespace"], NAMESPACE, "{case}: {right}");
                let by_name = right.starts_with("/secrets[") && !right.ends_with(" list");
                assert!(by_name || right == "/secrets create", "{case}: {right}");
            }
        }
    }
}

#[test]
fn people_get_no_status_and_only_administrators_accept_findings() {
    let rendering = render("default");
    let view = rights(rendering.object("ClusterRole", "plumbline-view"));
    let edit = rights(rendering.object("ClusterRole", "plumbline-edit"));
    let accept = rights(rendering.object("ClusterRole", "plumbline-accept"));
    let reads =
        |right: &String| ["get", "list", "watch"].contains(&right.rsplit(' ').next().unwrap());
    assert!(view.iter().all(reads), "{view:?}");
    for right in view.iter().chain(&edit).chain(&accept) {
        assert!(right.starts_with("plumbline.dev/") && !right.contains("/status"), "{right}");
    }
    assert!(!edit.iter().any(|right| right.contains("auditexceptions")), "{edit:?}");
    assert!(!edit.contains("plumbline.dev/auditruns update"), "a run never changes");
    let labels = &rendering.object("ClusterRole", "plumbline-accept")["metadata"]["labels"];
    assert_eq!(labels["rbac.authorization.k8s.io/aggregate-to-admin"], "true");
    assert!(labels.get("rbac.authorization.k8s.io/aggregate-to-edit").is_none());
}
