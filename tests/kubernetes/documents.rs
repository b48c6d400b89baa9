//! Wrong documents are refused where they are written, in sentences that their authors understand;
//! what only the controller can see is said in the status.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cluster::{Kubectl, Namespace};
use crate::faults::over;
use crate::operator::{Installation, in_peace};

/// Wrong specs by kind, with the words that refuse them.
const WRONG: &[(&str, &[(&str, &str)])] = &[
    (
        "AuditTarget",
        &[
            (
                "path: ingest, trust: {caBundle: {secretRef: {name: a}, configMapRef: {name: a}}}",
                "spec.trust.caBundle: Invalid value: say where it comes from by exactly one of secretRef, configMapRef and url",
            ),
            (
                "path: ingest, trust: {caBundle: {}}",
                "by exactly one of secretRef, configMapRef and url",
            ),
            (
                "path: ingest, trust: {caBundle: {path: ca.pem}}",
                "path and env exist only outside the cluster; inside it use secretRef, configMapRef or url",
            ),
            (
                "path: ingest, trust: {crls: [{env: CRL}]}",
                "path and env exist only outside the cluster",
            ),
            (
                "path: ingest, credentials: [{name: c, kind: bearer, configMapRef: {name: a}}]",
                "spec.credentials[0]: Invalid value: a credential comes from a Secret; use secretRef",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: https, host: h, port: 0}]",
                "spec.endpoints[0].port in body should be greater than or equal to 1",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: amqp, host: h, port: 1}]",
                "spec.endpoints[0].protocol: Unsupported value: \"amqp\": supported values: \"mqtt\", \"mqtts\", \"ws\", \"wss\", \"http\", \"https\", \"tls\"",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: https, port: 1}]",
                "spec.endpoints[0].host: Required value",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: http, host: h, port: 1, serverName: x}]",
                "serverName is read only where TLS is spoken (mqtts, wss, https, tls); remove it",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: mqtts, host: h, port: 1, path: /x}]",
                "path is read only for http, https, ws and wss; remove it",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: wss, host: h, port: 1, healthPath: /x}]",
                "healthPath is read only for http and https; remove it",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: https, host: h, port: 1}, {name: a, protocol: https, host: i, port: 1}]",
                "spec.endpoints[1]: Duplicate value: {\"name\":\"a\"}",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: https, host: h, port: 1, credentials: [other]}]",
                "an endpoint lists a credential that spec.credentials does not declare",
            ),
            (
                "path: ingest, endpoints: [{name: A_B, protocol: https, host: h, port: 1}]",
                "spec.endpoints[0].name: Invalid value: \"A_B\": a name has lower-case letters, digits and -, at most 63",
            ),
            (
                "path: ingest, endpoints: [{name: a, protocol: https, host: h, port: 1, path: x}]",
                "spec.endpoints[0].path: Invalid value: \"x\": a path begins with /",
            ),
            (
                "path: ingest, trust: {caBundle: {url: 'http://ca.example/ca.pem'}}",
                "spec.trust.caBundle.url: Invalid value: \"http://ca.example/ca.pem\": an address begins with https://",
            ),
            ("path: ingest, endpoint: []", "unknown field \"spec.endpoint\""),
            ("owner: somebody", "spec.path: Required value"),
            (
                "path: kitchen",
                "spec.path: Unsupported value: \"kitchen\": supported values: \"gateway\"",
            ),
            (
                "path: ingest, checks: [{id: ingest_auth, severityOverrides: {no_check.name: low}}]",
                "spec.checks[0].severityOverrides: Invalid value: a key is the id of a rule",
            ),
            (
                "path: ingest, checks: [{id: nope}]",
                "spec.checks[0].id: Unsupported value: \"nope\"",
            ),
            (
                "path: ingest, trust: {pinnedKeys: [abc]}",
                "spec.trust.pinnedKeys[0]: Invalid value: \"abc\": a digest is sha256: and 64 lower-case hexadecimal digits",
            ),
        ],
    ),
    (
        "AuditSchedule",
        &[
            (
                "schedule: '0 0 * * *'",
                "spec: Invalid value: say which targets are audited by targetRefs or by targetSelector, not by both",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], targetSelector: {matchLabels: {a: b}}",
                "by targetRefs or by targetSelector, not by both",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: []",
                "spec.targetRefs in body should have at least 1 items",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}, {name: a}]",
                "spec.targetRefs[1]: Duplicate value",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], bundle: audit-baseline, checks: [ingest_auth]",
                "spec: Invalid value: say what is audited by bundle or by checks, not by both",
            ),
            ("targetRefs: [{name: a}]", "spec.schedule: Required value"),
            (
                "schedule: 'every day', targetRefs: [{name: a}]",
                "spec.schedule: Invalid value: \"every day\": a schedule has five fields: minute, hour, day of month, month, day of week",
            ),
            ("schedule: '0 0 0 * * *', targetRefs: [{name: a}]", "a schedule has five fields"),
            (
                "schedule: 'TZ=UTC 0 0 * *', targetRefs: [{name: a}]",
                "the time zone belongs into timeZone, not into schedule",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], jitterSeconds: -1",
                "spec.jitterSeconds in body should be greater than or equal to 0",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], concurrencyPolicy: Maybe",
                "supported values: \"Forbid\", \"Allow\", \"Replace\"",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], baseline: {policy: pinned}",
                "spec.baseline: Invalid value: the policy pinned needs runRef, the name of a run; no other policy reads it",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], baseline: {policy: previous, runRef: r}",
                "no other policy reads it",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], retention: {days: 0}",
                "spec.retention.days in body should be greater than or equal to 1",
            ),
            (
                "schedule: '0 0 * * *', targetRefs: [{name: a}], jobTemplate: {activeDeadlineSeconds: 1}",
                "spec.jobTemplate.activeDeadlineSeconds in body should be greater than or equal to 10",
            ),
        ],
    ),
    (
        "AuditRun",
        &[
            ("mode: audit", "spec.targetRef: Required value"),
            (
                "targetRef: {name: a}, bundle: audit-baseline, checks: [ingest_auth]",
                "by bundle or by checks, not by both",
            ),
            (
                "targetRef: {name: a}, checks: []",
                "spec.checks in body should have at least 1 items",
            ),
            ("targetRef: {name: a}, target: a", "unknown field \"spec.target\""),
        ],
    ),
    (
        "AuditException",
        &[
            (
                "issueKeys: [ingest_auth.insecure_transport], reason: r, approvedBy: me",
                "spec.expiresAt: Required value",
            ),
            (
                "issueKeys: [ingest_auth.insecure_transport], reason: r, approvedBy: me, expiresAt: tomorrow",
                "spec.expiresAt in body must be of type date-time: \"tomorrow\"",
            ),
            (
                "issueKeys: [], reason: r, approvedBy: me, expiresAt: '2030-01-01T00:00:00Z'",
                "spec.issueKeys in body should have at least 1 items",
            ),
            (
                "issueKeys: [no_check.name], reason: r, approvedBy: me, expiresAt: '2030-01-01T00:00:00Z'",
                "an issue key is the id of a rule",
            ),
            (
                "issueKeys: [nope], reason: r, approvedBy: me, expiresAt: '2030-01-01T00:00:00Z'",
                "spec.issueKeys[0]: Invalid value: \"nope\": an issue key is the id of a rule, such as ingest_auth.invalid_token_accepted",
            ),
            (
                "issueKeys: [ingest_auth.insecure_transport], subjects: [broker], reason: r, approvedBy: me, expiresAt: '2030-01-01T00:00:00Z'",
                "a subject is target, or endpoint, config or certificates with a name, such as endpoint/broker",
            ),
            (
                "issueKeys: [ingest_auth.insecure_transport], reason: '', approvedBy: me, expiresAt: '2030-01-01T00:00:00Z'",
                "spec.reason in body should be at least 1 chars long",
            ),
        ],
    ),
];

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: {kind}
metadata: {{name: {name}}}
spec: {{{spec}}}
"
    )
}

#[test]
fn a_wrong_document_is_refused_with_a_sentence_that_says_what_to_change() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("refused");
    let mut wrong = String::new();
    for (kind, cases) in WRONG {
        for (spec, words) in *cases {
            let said = namespace.apply_refused(&document(kind, "x", spec));
            if !said.contains(words) {
                writeln!(wrong, "{kind} {spec}\n  expected: {words}\n  found: {said}").unwrap();
            }
            // One fault, one sentence; a regular expression is none.
            if said.contains("should match '") {
                writeln!(wrong, "{kind} {spec}\n  is refused by a pattern: {said}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_must_not_change_is_refused_when_it_changes() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("changed");
    namespace.apply(&document("AuditTarget", "t", "path: ingest"));
    let said = namespace.apply_refused(&document("AuditTarget", "t", "path: gateway"));
    assert!(said.contains("path is immutable; make a new target"), "{said}");
    namespace.apply(&document("AuditRun", "r", "targetRef: {name: t}"));
    let said = namespace.apply_refused(&document("AuditRun", "r", "targetRef: {name: u}"));
    assert!(said.contains("a run never changes; create another one"), "{said}");
}

#[test]
fn what_only_the_controller_can_see_stands_in_the_status() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("seen");
    let schedule = |name: &str, fields: &str| {
        document("AuditSchedule", name, &format!("targetRefs: [{{name: a}}], {fields}"))
    };
    namespace.apply(&schedule("zone", "schedule: '0 0 * * *', timeZone: Europe/Berlín"));
    namespace.apply(&schedule("never", "schedule: '0 0 30 2 *'"));
    namespace.apply(&schedule("words", "schedule: 'at noon or so every'"));
    for (name, words) in [
        ("zone", &["spec.timeZone: expected an IANA time zone such as Europe/Berlin, found "][..]),
        (
            "never",
            &["spec.schedule: expected a schedule that comes true on some day", "which never does"],
        ),
        ("words", &["spec.schedule: ", "found `at noon or so every`"]),
    ] {
        let object = format!("auditschedule/{name}");
        for condition in ["Ready", "Scheduled"] {
            let path = format!(".status.conditions[?(@.type==\"{condition}\")]");
            namespace.wait_for(&object, &format!("{path}.status"), "False");
            namespace.wait_for(&object, &format!("{path}.reason"), "InvalidSchedule");
            let message = namespace.field(&object, &format!("{path}.message")).unwrap();
            for word in words {
                assert!(message.contains(word), "{name}: {word:?} is not in {message:?}");
            }
        }
        assert_eq!(namespace.field(&object, ".status.nextScheduleTime"), None);
    }

    // An end in the past waives nothing, and says so.
    let past = "issueKeys: [ingest_auth.insecure_transport], reason: r, approvedBy: me, expiresAt: '2020-01-01T00:00:00Z'";
    namespace.apply(&document("AuditException", "past", past));
    let applied = ".status.conditions[?(@.type==\"Applied\")]";
    namespace.wait_for("auditexception/past", &format!("{applied}.status"), "False");
    let message = namespace.field("auditexception/past", &format!("{applied}.message")).unwrap();
    assert!(message.contains("it ended at 2020-01-01T00:00:00Z"), "{message}");

    let target = "path: ingest, endpoints: [{name: a, protocol: http, host: h.example, port: 80}]";
    namespace.apply(&document("AuditTarget", "t", target));
    let rules = "targetRef: {name: t}, rules: {pack: nobody/knows}";
    namespace.apply(&document("AuditRun", "rules", rules));
    let status = over(&namespace, "rules");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("spec.rules: this operator has plumbline"), "{message}");
}

/// Every property of a schema below a path that is described badly.
fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        // What Kubernetes itself says of these stands in their place.
        let known = ["metadata", "apiVersion", "kind"].contains(&name.as_str());
        let text = property["description"].as_str().unwrap_or_default();
        let sentence = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`' || c == '"')
            && text.split_whitespace().count() >= 2
            && text.trim_end().ends_with(['.', ')', '"', '`']);
        // Pod fields are described by Kubernetes, whose sentences are not ours to end.
        let theirs = path.contains(".jobTemplate.") || path.contains(".conditions.");
        if !known && (text.is_empty() || !(theirs || sentence)) {
            found.push(format!("{path}: {text:?}"));
        }
        if !theirs && (property["pattern"].is_string() || property["items"]["pattern"].is_string())
        {
            found.push(format!("{path}: refused by a pattern, without a sentence"));
        }
        undescribed(property, &path, found);
    }
    for below in ["items", "additionalProperties"] {
        if schema[below].is_object() {
            undescribed(&schema[below], path, found);
        }
    }
}

#[test]
fn every_field_is_explained_in_a_sentence() {
    Installation::get();
    let _peace = in_peace();
    let cluster = Kubectl::new();
    let mut found = Vec::new();
    for kind in ["audittargets", "auditschedules", "auditruns", "auditexceptions"] {
        let definition = cluster.json(&format!("crd/{kind}.plumbline.dev"));
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        undescribed(schema, kind, &mut found);
    }
    assert!(found.is_empty(), "not explained:\n{}", found.join("\n"));

    for (what, words) in [
        (
            "audittarget.spec.endpoints",
            ["What is probed over the network.", "TCP port, 1 to 65535."],
        ),
        (
            "auditschedule.spec",
            ["Cron expression of five fields: minute, hour", "IANA time zone of the schedule"],
        ),
        (
            "auditrun.status",
            ["What somebody should know now, in one sentence.", "PASS, FAIL or INCOMPLETE"],
        ),
        (
            "auditexception.spec",
            ["When it ends; no exception is for ever.", "Why this is acceptable."],
        ),
    ] {
        let explained = cluster.run(&["explain", what]);
        // Broken into lines as wide as kubectl likes them.
        let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(explained.contains(word), "{word:?} is not in {explained}");
        }
    }
}
