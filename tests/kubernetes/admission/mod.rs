//! No confused deputy: whoever may write documents gains no right by it.
//!
//! Each test has a second, weaker user, and shows both sides: who is refused, in which words, and
//! who may apply the same document.

mod credentials;
mod forged;
mod jobs;
mod references;

use std::fmt::Write as _;

use crate::cluster::{Kubectl, Namespace, eventually};

/// Somebody with these rights in the namespace, and no others: `"get,list secrets/token"`. Asked
/// for again, they replace the ones from before.
fn somebody(namespace: &Namespace, name: &str, rights: &[&str]) -> Kubectl {
    let mut rules = String::new();
    for right in rights {
        let (verbs, object) = right.split_once(' ').unwrap();
        let (resource, only) = named(object);
        let group = match resource.split('/').next().unwrap() {
            "jobs" => "batch",
            kind if kind.starts_with("audit") => "plumbline.dev",
            _ => "",
        };
        let only = only.map(|name| format!(", resourceNames: [{name}]")).unwrap_or_default();
        writeln!(
            rules,
            "- {{apiGroups: ['{group}'], resources: ['{resource}'], verbs: [{verbs}]{only}}}"
        )
        .unwrap();
    }
    namespace.apply(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}}}
rules:
{rules}---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {name}}}]
"
    ));
    let user = namespace.impersonating(name);
    let last = rights.last().unwrap();
    let (verbs, object) = last.split_once(' ').unwrap();
    // The API server learns of a role a moment later.
    eventually(&format!("{name} to be allowed to {last}"), || {
        let (resource, only) = named(object);
        let verb = verbs.split(',').next().unwrap();
        let subresource = resource.split_once('/').map(|(_, part)| format!("--subresource={part}"));
        let object = match only {
            Some(name) => format!("{resource}/{name}"),
            None => resource.split('/').next().unwrap().to_owned(),
        };
        let mut question = vec!["auth".to_owned(), "can-i".to_owned(), verb.to_owned(), object];
        question.extend(subresource);
        (user.try_run(&question).stdout.trim() == "yes").then_some(())
    });
    user
}

/// `secrets/token` is one Secret; `audittargets/status` a part of each target.
fn named(object: &str) -> (&str, Option<&str>) {
    match object.split_once('/') {
        Some((_, "status" | "ephemeralcontainers")) | None => (object, None),
        Some((resource, name)) => (resource, Some(name)),
    }
}

/// Creates what is only looked at: nothing of it stays.
fn dry(user: &Kubectl, yaml: &str) -> Result<(), String> {
    let ended = user.feed(&["create", "--dry-run=server", "--filename=-"], yaml);
    if ended.code == Some(0) { Ok(()) } else { Err(ended.stderr) }
}

#[track_caller]
fn assert_says(refused: Result<(), String>, sentence: &str) {
    match refused {
        Ok(()) => panic!("admitted, and should be refused: {sentence}"),
        Err(said) => assert!(said.contains(sentence), "{sentence}\nis not in\n{said}"),
    }
}
