//! What is a document at all: its syntax, its shape, and the words for what is wrong with them.

use model::document::{Field, Position};

use super::{one_target, problems, schedule, target};

#[test]
fn a_target_is_read_with_the_place_of_every_field() {
    let document = one_target(&target(
        "endpoints:\n  - {name: ingest, protocol: https, host: edge.example, port: 8443}",
    ));
    let endpoint = &document.value.spec.endpoints[0];
    assert_eq!(endpoint.address(), "edge.example:8443");
    let port = Field::of("spec").key("endpoints").index(0).key("port");
    assert_eq!(port.to_string(), "spec.endpoints[0].port");
    assert_eq!(document.locate(&port), Position { line: 7, column: 65 });
    let absent = Field::of("spec").key("endpoints").index(0).key("serverName");
    assert_eq!(document.locate(&absent), Position { line: 7, column: 7 });
    assert_eq!(document.at(), Position { line: 1, column: 1 });
}

#[test]
fn line_breaks_of_every_system_are_the_same() {
    let text = target("endpoints:\n  - {name: a, protocol: tls, host: h, port: 1}");
    let port = Field::of("spec").key("endpoints").index(0).key("port");
    let unix = one_target(&text);
    for breaks in ["\r\n", "\r"] {
        let other = one_target(&format!("\u{feff}{}", text.replace('\n', breaks)));
        assert_eq!(other.value, unix.value);
        assert_eq!(other.locate(&port), unix.locate(&port));
    }
    let wrong = text.replace("port: 1", "port: x");
    assert_eq!(problems(&wrong.replace('\n', "\r\n")), problems(&wrong));
}

#[test]
fn comments_empty_documents_and_end_marks_are_no_documents() {
    let text = format!("# head\n---\n---\n# nothing\n---\n{}...\n---\n", target(""));
    assert_eq!(one_target(&text).at(), Position { line: 6, column: 1 });
}

#[test]
fn aliases_and_json_are_yaml_too() {
    let shared = target(
        "endpoints:\n  - {name: a, protocol: tls, host: &host h.example, port: 1}\n  - {name: b, protocol: tls, host: *host, port: 2}",
    );
    assert_eq!(one_target(&shared).value.spec.endpoints[1].host, "h.example");
    let json = r#"{"apiVersion": "plumbline.dev/v1alpha1", "kind": "AuditTarget",
        "metadata": {"name": "a"}, "spec": {"path": "mqtt"}}"#;
    assert_eq!(one_target(json).value.metadata.name, "a");
}

#[test]
fn a_file_without_documents_is_a_problem() {
    insta::assert_snapshot!(problems(""), @"1:1: expected at least one document of plumbline.dev/v1alpha1, found none; the file is empty or holds only comments");
    insta::assert_snapshot!(problems("\n# nothing\n---\n"), @"1:1: expected at least one document of plumbline.dev/v1alpha1, found none; the file is empty or holds only comments");
}

#[test]
fn what_is_no_document_of_ours_is_refused_and_not_skipped() {
    let text = "apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: plumbline.dev/v1\nkind: AuditTarget\n---\napiVersion: plumbline.dev/v1alpha1\nkind: AuditTargets\n---\napiVersion: plumbline.dev/v1alpha1\nkind: AuditRun\n---\nkind: AuditTarget\n---\napiVersion: plumbline.dev/v1alpha1\n---\njust text\n---\napiVersion: [1]\nkind: AuditTarget\n---\napiVersion: v1\nkind: List\n";
    insta::assert_snapshot!(problems(text), @r#"
    1:1: a `Deployment` of `apps/v1` is no Plumbline document; keep it in another file
    4:13: apiVersion: expected plumbline.dev/v1alpha1, found `plumbline.dev/v1`
    8:7: kind: expected AuditTarget, AuditSchedule or AuditException, found `AuditTargets`; did you mean `AuditTarget`?
    11:7: kind: an AuditRun is created by the operator and not read from files; write an AuditSchedule, or use `plumb run` for a run of your own
    13:1: apiVersion: this field is required and missing; every document begins with apiVersion plumbline.dev/v1alpha1 and a kind
    15:1: kind: this field is required and missing; every document begins with apiVersion plumbline.dev/v1alpha1 and a kind
    17:1: expected a mapping with apiVersion plumbline.dev/v1alpha1 and a kind
    19:13: apiVersion: expected text, found a list or a mapping
    22:1: a `List` of `v1` is no Plumbline document; keep it in another file
    "#);
}

#[test]
fn every_mistake_of_shape_is_reported_in_one_go() {
    let text = target(
        "pathh: gateway\ncriticality: urgent\nendpoints:\n  - name: 7\n    protocol: mqttss\n    host: broker\n    prot: 8883\n  - protocol: https\n    host: [a]\n    port: \"8443\"\n  -\n  - name: b\n    protocol: tls\n    host: h\n    port: 70000\nprobePolicy: {allow: [canary], maxConnections: -1}\ngatewayConfig: {}\nchecks: [ingest_auth]\ntrust:\n  expectedIssuers: CN=x",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    6:3: spec.pathh: unknown field; did you mean `path`?
    7:16: spec.criticality: expected low, medium, high or critical, found `urgent`
    9:13: spec.endpoints[0].name: expected text, found the number `7`; put it in quotes
    10:17: spec.endpoints[0].protocol: expected mqtt, mqtts, ws, wss, http, https or tls, found `mqttss`; did you mean `mqtts`?
    12:7: spec.endpoints[0].prot: unknown field; did you mean `port`?
    13:7: spec.endpoints[1].name: this field is required and missing; add it
    14:13: spec.endpoints[1].host: expected text, found a list
    15:13: spec.endpoints[1].port: expected a whole number from 1 to 65535, found the text `8443`; remove the quotes
    16:6: spec.endpoints[2]: expected a mapping, found nothing
    20:13: spec.endpoints[3].port: expected a whole number from 1 to 65535, found the number `70000`
    21:25: spec.probePolicy.allow[0]: expected canaryWrite or onlineRevocation, found `canary`
    21:50: spec.probePolicy.maxConnections: expected a whole number from 0 to 65535, found the number `-1`
    22:18: spec.gatewayConfig: expected a list, found a mapping
    23:12: spec.checks[0]: expected a mapping, found `ingest_auth`
    25:22: spec.trust.expectedIssuers: expected a list, found `CN=x`
    "#);
}

#[test]
fn a_missing_field_is_named_where_it_should_stand() {
    insta::assert_snapshot!(problems(&target("endpoints:\n  - name: broker\n    protocol: mqtts\n    host: b")), @"7:7: spec.endpoints[0].port: this field is required and missing; add it");
    insta::assert_snapshot!(problems("apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {}\nspec:\n"), @r#"
    3:11: metadata.name: this field is required and missing; add it
    4:1: spec: expected a mapping, found nothing
    "#);
}

#[test]
fn fields_that_the_cluster_writes_are_explained() {
    let text = "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {name: a, uid: x, resourceVersion: \"1\"}\nspec: {path: mqtt}\nstatus: {}\n";
    insta::assert_snapshot!(problems(text), @r#"
    3:21: metadata.uid: unknown field; the cluster writes it, remove it
    3:29: metadata.resourceVersion: unknown field; the cluster writes it, remove it
    5:1: status: unknown field; the cluster writes it, remove it
    "#);
}

#[test]
fn values_that_readers_of_yaml_take_differently_are_refused() {
    let text = target(
        "owner: no\ndescription: 1.10\nendpoints:\n  - {name: a, protocol: on, host: 0x7f, port: 0o17}\n  - {name: \"b\", protocol: 1, host: 1_000, port: 08883}\nchecks:\n  - {id: ingest_auth, params: {a: yes, b: .nan, c: 010, d: 1e3, e: \"yes\", f: [~, -1]}}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    6:10: spec.owner: expected text, found `no`, which kubectl reads as a boolean; put it in quotes
    7:16: spec.description: expected text, found the number `1.10`; put it in quotes
    9:27: spec.endpoints[0].protocol: expected mqtt, mqtts, ws, wss, http, https or tls, found `on`, which kubectl reads as a boolean
    9:37: spec.endpoints[0].host: expected text, found `0x7f`, which is a number in another base than ten; put it in quotes
    9:49: spec.endpoints[0].port: expected a whole number from 1 to 65535, found `0o17`, which is a number in another base than ten; write it in plain decimal digits
    10:29: spec.endpoints[1].protocol: expected mqtt, mqtts, ws, wss, http, https or tls, found the number `1`
    10:38: spec.endpoints[1].host: expected text, found `1_000`, which kubectl reads as a number; put it in quotes
    10:51: spec.endpoints[1].port: expected a whole number from 1 to 65535, found `08883`, which kubectl reads as an octal number; write it in plain decimal digits
    12:37: spec.checks[0].params.a: expected a value that every YAML reader reads alike, found `yes`, which kubectl reads as a boolean; write true, false or decimal digits, or put it in quotes
    12:45: spec.checks[0].params.b: expected a value that every YAML reader reads alike, found `.nan`, which is no finite number; write true, false or decimal digits, or put it in quotes
    12:54: spec.checks[0].params.c: expected a value that every YAML reader reads alike, found `010`, which kubectl reads as an octal number; write true, false or decimal digits, or put it in quotes
    "#);
}

#[test]
fn booleans_in_quotes_and_words_are_refused() {
    insta::assert_snapshot!(problems(&schedule("suspend: \"true\"\nrunOnCreate: yes\nmode: true\njitterSeconds: 1.5")), @r#"
    7:12: spec.suspend: expected true or false, found the text `true`; remove the quotes
    8:16: spec.runOnCreate: expected true or false, found `yes`, which kubectl reads as a boolean; write one of these words
    9:9: spec.mode: expected audit, sprint or retainer, found the boolean `true`
    10:18: spec.jitterSeconds: expected a whole number from 0 to 4294967295, found the number `1.5`
    "#);
}

#[test]
fn keys_are_names_and_stand_once() {
    let text = format!(
        "{}  path: mqtt\n  7: x\n  yes: x\n  ? [a]\n  : b\n  <<: {{a: b}}\n",
        target("owner: &o {a: b}")
    );
    insta::assert_snapshot!(problems(&text), @r#"
    6:10: spec.owner: expected text, found a mapping
    7:3: spec.path: found this field twice, first in line 5; remove one
    8:3: spec: expected a name as the key, found `7`; put it in quotes
    9:3: spec: expected a name as the key, found `yes`; put it in quotes
    10:5: spec: expected a name as the key, found a list
    12:3: spec: found the merge key `<<`; merge keys are not read, write the fields out
    "#);
}

#[test]
fn tags_are_not_read() {
    insta::assert_snapshot!(problems(&target("owner: !!str 7\ndescription: !secret x")), @r#"
    6:10: spec.owner: found the YAML tag `!!str`; tags are not read, remove it
    6:10: spec.owner: expected text, found the number `7`; put it in quotes
    7:16: spec.description: found the YAML tag `!secret`; tags are not read, remove it
    "#);
}

#[test]
fn text_that_is_no_yaml_costs_its_own_document_only() {
    let text = "a: b: c\n---\n- a\nb: c\n---\na: [1\n---\na: {b\n---\n\"x\n---\na:\n\t- b\n---\na: *nowhere\n---\na: @x\n---\nnothing\n---\na: \"\\q\"\n---\na:\n  b: 1\n c: 2\n---\n%YAML 1.1\n---\nlast: one";
    insta::assert_snapshot!(problems(text), @r#"
    1:5: not valid YAML: found `: ` where no value can begin; check the indentation, and put text that holds `: ` in quotes
    4:1: not valid YAML: expected `- `; check the indentation of this line
    7:1: not valid YAML: expected `,` or `]` in a list that began with `[`
    9:1: not valid YAML: expected `,` or `}` in a mapping that began with `{`; put text that begins with `{` in quotes
    10:1: not valid YAML: a quote is opened and not closed before the document ends
    13:2: not valid YAML: found a tab where indentation is expected; indent with spaces
    15:4: not valid YAML: found an alias whose anchor is not defined above it in this document
    17:4: not valid YAML: found a character that cannot begin a value; put the text in quotes
    19:1: expected a mapping with apiVersion plumbline.dev/v1alpha1 and a kind
    21:4: not valid YAML: found an escape that YAML does not have; write `\\` for a backslash, or use single quotes
    25:2: not valid YAML: expected a key; check the indentation of this line
    27:1: not valid YAML: missing explicit document end marker before directive
    29:1: apiVersion: this field is required and missing; every document begins with apiVersion plumbline.dev/v1alpha1 and a kind
    "#);
}

#[test]
fn control_characters_of_a_document_never_reach_the_message() {
    let text = target(
        "\"own\\u001b[31mer\\u202e\": x\nendpoints:\n  - {name: \"a\\u0007\", protocol: \"t\\nls\", host: \"h\\u0000\", port: 1}",
    );
    let problems = problems(&text);
    assert!(problems.chars().all(|c| c == '\n' || !c.is_control()), "{problems:?}");
    insta::assert_snapshot!(problems, @r#"
    6:3: spec["own\u001b[31mer\u202e"]: unknown field; the fields here are path, owner, criticality, description, endpoints, trust, credentials, gatewayConfig, deviceCertificates, checks and probePolicy
    8:35: spec.endpoints[0].protocol: expected mqtt, mqtts, ws, wss, http, https or tls, found `t\u000als`; did you mean `tls`?
    "#);
}

#[test]
fn long_text_of_a_document_is_cut() {
    let long = "x".repeat(100_000);
    let text = target(&format!(
        "{long}: 1\nendpoints:\n  - {{name: a, protocol: {long}, host: {long}, port: 1}}"
    ));
    for line in problems(&text).lines() {
        assert!(line.len() < 700, "{} bytes", line.len());
    }
}
