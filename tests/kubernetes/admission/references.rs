//! What a document names, its author must have a right to.

use super::{assert_says, dry, somebody};
use crate::cluster::{Kubectl, Namespace};
use crate::operator::{Installation, in_peace};

/// Every place of a target where a SOURCE stands.
const PLACES: [(&str, &str); 9] = [
    ("credentials", "credentials: [{name: c, kind: bearer, SOURCE}]"),
    ("gatewayConfig", "gatewayConfig: [{name: g, format: mosquitto, SOURCE}]"),
    (
        "gatewayConfig.mapping",
        "gatewayConfig: [{name: g, format: mosquitto, url: 'https://x.example/c', mapping: {SOURCE}}]",
    ),
    (
        "gatewayConfig.environment",
        "gatewayConfig: [{name: g, format: emqx, url: 'https://x.example/c', environment: {SOURCE}}]",
    ),
    ("deviceCertificates", "deviceCertificates: [{name: d, SOURCE}]"),
    (
        "deviceCertificates.password",
        "deviceCertificates: [{name: d, url: 'https://x.example/c', password: {SOURCE}}]",
    ),
    (
        "deviceCertificates.inventory",
        "deviceCertificates: [{name: d, url: 'https://x.example/c', inventory: {SOURCE}}]",
    ),
    ("trust.caBundle", "trust: {caBundle: {SOURCE}}"),
    ("trust.crls", "trust: {crls: [{SOURCE}]}"),
];

fn target(name: &str, fields: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: {name}}}
spec:
  path: ingest
  endpoints: [{{name: c, protocol: https, host: one.example, port: 443}}]
  {fields}
"
    )
}

const TOKEN: &str = "credentials: [{name: c, kind: bearer, secretRef: {name: token, key: token}}]";

#[test]
fn a_target_names_only_secrets_and_configmaps_that_its_author_may_get_wherever_it_names_them() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("sources");
    let mallory = somebody(&namespace, "mallory", &["create audittargets"]);
    for (kind, resource, reference) in
        [("Secret", "secrets", "secretRef"), ("ConfigMap", "configmaps", "configMapRef")]
    {
        let right = format!("get {resource}/theirs");
        let alice = somebody(&namespace, "alice", &["create audittargets", &right]);
        let all = format!("get {resource}");
        let bob = somebody(&namespace, "bob", &["create audittargets", &all]);
        for (place, fields) in PLACES {
            if (place, kind) == ("credentials", "ConfigMap") {
                continue;
            }
            let source = format!("{reference}: {{name: theirs, key: k}}");
            let document = target("t", &fields.replace("SOURCE", &source));
            let sentence = format!(
                "the document names the {kind} \"theirs\", which mallory may not get in namespace \
                 \"{}\"; somebody who may can apply it",
                namespace.name()
            );
            assert_says(dry(&mallory, &document), &sentence);
            for may in [&alice, &bob] {
                assert_eq!(dry(may, &document), Ok(()), "{kind} in {place}");
            }
            // The right to one of them is no right to another.
            let other = document.replace("name: theirs", "name: others");
            assert_says(dry(&alice, &other), "\"others\", which alice may not get");
        }
    }
}

fn patch(user: &Kubectl, flags: &[&str], change: &str) -> Result<(), String> {
    let patch = ["patch", "audittarget/t", "--type=merge", "--patch", change];
    let ended = user.try_run(&[&patch[..], flags].concat());
    if ended.code == Some(0) { Ok(()) } else { Err(ended.stderr) }
}

#[test]
fn a_credential_that_is_there_is_pointed_elsewhere_only_by_somebody_who_may_read_it() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("elsewhere");
    let rights = ["get,patch audittargets", "get,patch audittargets/status"];
    let mallory = somebody(&namespace, "mallory", &rights);
    let alice = somebody(&namespace, "alice", &[rights[0], rights[1], "get secrets/token"]);
    namespace.apply(&target("t", TOKEN));
    let endpoint = |host: &str, port: u16| {
        format!(
            "{{\"spec\":{{\"endpoints\":[{{\"name\":\"c\",\"protocol\":\"https\",\"host\":\"{host}\",\"port\":{port}}}]}}}}"
        )
    };
    let dry = ["--dry-run=server"];
    for change in [
        endpoint("mallory.example", 443),
        endpoint("one.example", 8443),
        r#"{"spec":{"trust":{"caBundle":{"url":"https://mallory.example/ca.pem"}}}}"#.to_owned(),
        r#"{"spec":{"description":"another"}}"#.to_owned(),
    ] {
        assert_says(patch(&mallory, &dry, &change), "\"token\", which mallory may not get");
        assert_eq!(patch(&alice, &dry, &change), Ok(()), "{change}");
    }
    // What is no part of the spec is no business of the Secret's.
    let label = r#"{"metadata":{"labels":{"team":"edge"},"annotations":{"note":"x"}}}"#;
    assert_eq!(patch(&mallory, &[], label), Ok(()));
    let status = r#"{"status":{"lastRunRequest":"x"}}"#;
    assert_eq!(patch(&mallory, &["--subresource=status"], status), Ok(()));
    let host = "{.spec.endpoints[0].host}";
    let seen = namespace.run(&["get", "audittarget/t", &format!("--output=jsonpath={host}")]);
    assert_eq!(seen, "one.example");
}

fn schedule(fields: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s}}
spec: {{schedule: '0 0 1 1 *', {fields}}}
"
    )
}

fn run(fields: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {{name: r}}
spec: {{targetRef: {{name: t}}{fields}}}
"
    )
}

#[test]
fn a_schedule_is_of_targets_that_its_author_may_see_and_so_is_a_run() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("targets");
    let writes = "create auditschedules";
    let runs = "create auditruns";
    let mallory = somebody(&namespace, "mallory", &[runs, writes]);
    let alice = somebody(&namespace, "alice", &[runs, writes, "get audittargets/t"]);
    let bob = somebody(&namespace, "bob", &[runs, writes, "list audittargets"]);
    let of = namespace.name();

    let names = schedule("targetRefs: [{name: t}]");
    let sentence = format!(
        "the document names the AuditTarget \"t\", which mallory may not get in namespace \"{of}\""
    );
    assert_says(dry(&mallory, &names), &sentence);
    assert_eq!(dry(&alice, &names), Ok(()));
    let two = schedule("targetRefs: [{name: t}, {name: u}]");
    assert_says(dry(&alice, &two), "\"u\", which alice may not get");

    let selects = schedule("targetSelector: {matchLabels: {a: b}}");
    for (user, name) in [(&mallory, "mallory"), (&alice, "alice")] {
        let sentence = format!(
            "selects AuditTargets by label, and {name} may not list AuditTargets in namespace \
             \"{of}\"; name them in targetRefs"
        );
        assert_says(dry(user, &selects), &sentence);
    }
    assert_eq!(dry(&bob, &selects), Ok(()));

    let sentence = format!(
        "the run is of the AuditTarget \"t\", which mallory may not get in namespace \"{of}\""
    );
    assert_says(dry(&mallory, &run("")), &sentence);
    assert_eq!(dry(&alice, &run("")), Ok(()));
}

#[test]
fn a_job_template_names_what_its_author_may_use() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("templates");
    let rights = ["create auditschedules", "create auditruns", "get audittargets"];
    let with = |more| [&rights[..], &[more]].concat();
    let mallory = somebody(&namespace, "mallory", &rights);
    let alice = somebody(&namespace, "alice", &with("create pods"));
    let bob = somebody(&namespace, "bob", &with("get secrets/pull"));
    let account = "jobTemplate: {serviceAccountName: strong}";
    let secret = "jobTemplate: {imagePullSecrets: [{name: pull}]}";
    let of = namespace.name();
    for (template, may, sentence) in [
        (
            account,
            &alice,
            format!(
                "names the service account \"strong\", which only somebody may do who may create \
                 pods; mallory may not in namespace \"{of}\""
            ),
        ),
        (
            secret,
            &bob,
            format!("names the Secret \"pull\", which mallory may not get in namespace \"{of}\""),
        ),
    ] {
        for document in [
            schedule(&format!("targetRefs: [{{name: t}}], {template}")),
            run(&format!(", {template}")),
        ] {
            assert_says(dry(&mallory, &document), &sentence);
            assert_eq!(dry(may, &document), Ok(()));
        }
    }
}
