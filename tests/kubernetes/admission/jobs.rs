//! A probe Job is no more than a probe Job, and runs under the rules of its namespace.

use super::{assert_says, dry};
use crate::cluster::Namespace;
use crate::faults::{Hanging, NEVER, over, run_of};
use crate::operator::{Installation, in_peace};

#[test]
fn a_job_template_has_nothing_that_would_let_a_job_do_more_than_probe() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("subset");
    namespace.apply(&Hanging::new().target("t", NEVER));
    for (field, value) in [
        ("volumes", "[{name: v, hostPath: {path: /}}]"),
        ("volumeMounts", "[{name: v, mountPath: /v}]"),
        ("hostNetwork", "true"),
        ("hostPID", "true"),
        ("hostIPC", "true"),
        ("image", "mine"),
        ("command", "[sh]"),
        ("args", "[collect]"),
        ("env", "[{name: PLUMBLINE_INGEST_URL, value: 'https://mine.example'}]"),
        ("containers", "[{name: mine, image: mine}]"),
        ("initContainers", "[{name: mine, image: mine}]"),
        ("securityContext", "{privileged: true}"),
        ("podSecurityContext", "{runAsUser: 0}"),
        ("automountServiceAccountToken", "true"),
        ("runtimeClassName", "mine"),
    ] {
        let run = run_of("t", "r", &format!("{{{field}: {value}}}"));
        let schedule = format!(
            "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s}}
spec: {{targetRefs: [{{name: t}}], schedule: '0 0 1 1 *', jobTemplate: {{{field}: {value}}}}}
"
        );
        for document in [&run, &schedule] {
            let words = format!("unknown field \"spec.jobTemplate.{field}\"");
            assert_says(dry(&namespace, document), &words);
            // Who does without that check writes a document that does not have the field.
            let arguments = [
                "create",
                "--dry-run=server",
                "--validate=ignore",
                "--output=json",
                "--filename=-",
            ];
            let taken = namespace.feed(&arguments, document).expect(0).json();
            assert!(taken["spec"]["jobTemplate"].get(field).is_none(), "{field}: {taken:#}");
        }
    }
    // Labels are free but for ours.
    namespace.apply(&run_of("t", "label", "{labels: {plumbline.dev/run: another}}"));
    let status = over(&namespace, "label");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    let sentence = "spec.jobTemplate: `plumbline.dev/run` is set by the operator; remove it";
    assert_eq!(status["message"], sentence);
}

#[test]
fn a_namespace_that_takes_no_job_or_no_pod_ends_the_run_and_is_named() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let quota = |what: &str| {
        format!(
            "apiVersion: v1
kind: ResourceQuota
metadata: {{name: none}}
spec: {{hard: {{{what}: '0'}}}}
"
        )
    };
    let limit = "apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {memory: 16Mi}}]}
";
    let short = "{activeDeadlineSeconds: 10, backoffLimit: 0}";
    let cases = [
        (
            "jobs",
            quota("count/jobs.batch"),
            short,
            &["the Job was refused", "exceeded quota: none"][..],
        ),
        (
            "pods",
            quota("pods"),
            short,
            &["its Job failed: DeadlineExceeded", "it got no pod", "exceeded quota: none"],
        ),
        (
            "limits",
            limit.to_owned(),
            short,
            &["it got no pod", "maximum memory usage per Container is 16Mi"],
        ),
        (
            "nowhere",
            String::new(),
            "{activeDeadlineSeconds: 10, backoffLimit: 0, nodeSelector: {no: where}}",
            &[
                "its Job failed: DeadlineExceeded",
                "its pod was held up",
                "didn't match Pod's node affinity/selector",
            ],
        ),
    ];
    let begun: Vec<_> = cases
        .iter()
        .map(|(purpose, rule, template, words)| {
            let namespace = Namespace::new(purpose);
            if !rule.is_empty() {
                namespace.apply(rule);
            }
            for resource in ["pods", r"count/jobs\.batch"] {
                if rule.contains(&format!("{{{}:", resource.replace('\\', ""))) {
                    let path = format!(".status.hard.{resource}");
                    namespace.wait_for("resourcequota/none", &path, "0");
                }
            }
            namespace.apply(&hanging.target("t", NEVER));
            namespace.apply(&run_of("t", "r", template));
            (namespace, *words)
        })
        .collect();
    for (namespace, words) in begun {
        let status = over(&namespace, "r");
        let message = status["message"].as_str().unwrap();
        for word in words {
            assert!(message.contains(word), "{word:?} is not in {message:?}");
        }
        assert_ne!(status["posture"], "green", "{status:#}");
        assert!(namespace.json("pods")["items"].as_array().unwrap().is_empty());
    }
}
