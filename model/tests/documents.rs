//! Reading documents from the outside: what is refused, where, and in which words.

use jiff::{SignedDuration, Timestamp};
use model::document::{
    AuditTarget, Fault, Field, Located, MAX_EXCEPTION_DAYS, Place, Position, Resource, read,
    read_files, validate, validate_exception,
};

/// The problems of a file, one per line, without the file's name.
fn problems(text: &str) -> String {
    problems_in(text, Place::Outside)
}

fn problems_in(text: &str, place: Place) -> String {
    match read("t.yaml", text, place) {
        Ok(documents) => format!("no problem in {} documents", documents.len()),
        Err(problems) => lines(&problems),
    }
}

fn lines(problems: &[model::document::Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| problem.to_string()).collect();
    lines.join("\n").replace("t.yaml:", "")
}

/// A target whose `spec` begins in line 5 with the path and goes on with `rest`, indented by two.
fn target(rest: &str) -> String {
    document("AuditTarget", &format!("path: gateway\n{rest}"))
}

/// A schedule of one target whose `spec` goes on in line 7 with `rest`.
fn schedule(rest: &str) -> String {
    document("AuditSchedule", &format!("targetRefs: [{{name: a}}]\nschedule: 0 4 * * *\n{rest}"))
}

fn document(kind: &str, spec: &str) -> String {
    let spec = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: plumbline.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n  {spec}\n"
    )
}

fn one_target(text: &str) -> Located<AuditTarget> {
    let documents = read("t.yaml", text, Place::Outside).expect("the document is good");
    let [document] = &documents[..] else { panic!("expected one document") };
    match &document.value {
        Resource::AuditTarget(target) => document.with(target.clone()),
        other => panic!("expected a target, found {}", other.kind()),
    }
}

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

#[test]
fn names_are_labels_and_differ() {
    let text = target(
        "endpoints:\n  - {name: Main Broker, protocol: tls, host: h, port: 1}\n  - {name: b, protocol: tls, host: h, port: 1}\n  - {name: b, protocol: tls, host: h, port: 2}\ncredentials:\n  - {name: t, kind: bearer, env: T}\n  - {name: t, kind: basic, env: T}\ngatewayConfig:\n  - {name: c, path: c}\n  - {name: c, path: d}\ndeviceCertificates:\n  - {name: d, path: c}\n  - {name: d, path: d}\nchecks: [{id: ingest_auth}, {id: ingest_auth}]",
    )
    .replace("{name: a}", "{name: Plant_7, namespace: a/b}");
    insta::assert_snapshot!(problems(&text), @r#"
    3:18: metadata.name: expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit; found `Plant_7`; did you mean `plant-7`?
    3:38: metadata.namespace: expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit; found `a/b`; did you mean `a-b`?
    7:14: spec.endpoints[0].name: expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit; found `Main Broker`; did you mean `main-broker`?
    9:14: spec.endpoints[2].name: `b` is already given in spec.endpoints[1].name; each must differ
    12:14: spec.credentials[1].name: `t` is already given in spec.credentials[0].name; each must differ
    15:14: spec.gatewayConfig[1].name: `c` is already given in spec.gatewayConfig[0].name; each must differ
    18:14: spec.deviceCertificates[1].name: `d` is already given in spec.deviceCertificates[0].name; each must differ
    19:36: spec.checks[1].id: `ingest_auth` is already given in spec.checks[0].id; each must differ
    "#);
}

#[test]
fn endpoints_say_where_and_nothing_else() {
    let text = target(
        "endpoints:\n  - {name: a, protocol: mqtts, host: mqtts://b, port: 0, path: /x}\n  - {name: b, protocol: https, host: h:8443, port: 1, path: v1/ingest, healthPath: /a b}\n  - {name: c, protocol: mqtt, host: \"[::1]\", port: 1, serverName: x, healthPath: /h}\n  - {name: d, protocol: wss, host: \"\", port: 1, path: /mqtt, healthPath: /h}\n  - {name: e, protocol: tls, host: h/x, port: 1, serverName: \"*.example\"}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    7:40: spec.endpoints[0].host: expected a DNS name or an IP address, found `mqtts://b`; `mqtts` belongs into `protocol`
    7:57: spec.endpoints[0].port: expected a whole number from 1 to 65535, found 0
    7:66: spec.endpoints[0].path: path means something for http, https, ws or wss only; this endpoint speaks mqtts, remove it
    8:40: spec.endpoints[1].host: expected a DNS name or an IP address, found `h:8443`; 8443 belongs into `port`
    8:63: spec.endpoints[1].path: expected a path that begins with `/`, found `v1/ingest`
    8:86: spec.endpoints[1].healthPath: expected a path of visible ASCII characters without `#`, found `/a b`; percent-encode the others
    9:39: spec.endpoints[2].host: expected a DNS name or an IP address, found `[::1]`; write `::1` without brackets
    9:69: spec.endpoints[2].serverName: serverName means something where TLS is spoken only; this endpoint speaks mqtt, remove it
    9:84: spec.endpoints[2].healthPath: healthPath means something for http or https only; this endpoint speaks mqtt, remove it
    10:38: spec.endpoints[3].host: expected a DNS name or an IP address, found empty text
    10:76: spec.endpoints[3].healthPath: healthPath means something for http or https only; this endpoint speaks wss, remove it
    11:38: spec.endpoints[4].host: expected a DNS name or an IP address, found `h/x`; what follows `/` belongs into `path`
    11:64: spec.endpoints[4].serverName: expected a DNS name or an IP address, found `*.example`
    "#);
}

#[test]
fn what_is_no_port_is_refused_in_words_that_name_the_range_of_ports() {
    for port in ["0", "65536", "-1", "x", "\"8883\"", "8883.5", "true", "~", "[1]", "0x1F"] {
        let text =
            target(&format!("endpoints:\n  - {{name: a, protocol: tls, host: h, port: {port}}}"));
        let problem = problems(&text);
        let expected =
            "7:47: spec.endpoints[0].port: expected a whole number from 1 to 65535, found";
        assert!(problem.starts_with(expected) && problem.lines().count() == 1, "{port}: {problem}");
    }
    // Outside a file the same words come from serde.
    let endpoint = |port: i64| {
        let json = serde_json::json!({"name": "a", "protocol": "tls", "host": "h", "port": port});
        serde_json::from_value::<model::document::Endpoint>(json)
    };
    assert!(endpoint(65_535).is_ok_and(|endpoint| endpoint.port == 65_535));
    for port in [-1, 65_536] {
        let error = endpoint(port).expect_err("no port").to_string();
        assert!(error.contains("expected a whole number from 1 to 65535"), "{error}");
    }
}

#[test]
fn endpoints_list_credentials_that_exist_and_fit() {
    let text = target(
        "credentials:\n  - {name: token, kind: bearer, env: T}\n  - {name: user, kind: mqtt, env: U}\n  - {name: cert, kind: clientCertificate, path: c.pem}\nendpoints:\n  - {name: a, protocol: mqtts, host: h, port: 1, credentials: [token, user, cert]}\n  - {name: b, protocol: http, host: h, port: 1, credentials: [token, tokn, user, cert, cert]}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    11:66: spec.endpoints[0].credentials[0]: a bearer credential is presented over HTTP, and this endpoint speaks mqtts; remove `token` here
    12:72: spec.endpoints[1].credentials[1]: expected the name of an entry of spec.credentials, found `tokn`; did you mean `token`?
    12:78: spec.endpoints[1].credentials[2]: a mqtt credential is presented over MQTT, and this endpoint speaks http; remove `user` here
    12:84: spec.endpoints[1].credentials[3]: a clientCertificate credential is presented over TLS, and this endpoint speaks http; remove `cert` here
    12:90: spec.endpoints[1].credentials[4]: `cert` is already given in spec.endpoints[1].credentials[3]; each must differ
    12:90: spec.endpoints[1].credentials[4]: a clientCertificate credential is presented over TLS, and this endpoint speaks http; remove `cert` here
    "#);
}

#[test]
fn a_source_is_exactly_one_thing() {
    let text = target(
        "trust:\n  caBundle: {path: a, env: B}\n  crls: [{}]\ncredentials:\n  - {name: a, kind: bearer}\n  - {name: b, kind: bearer, env: \"s3cr3t value\"}\n  - {name: c, kind: bearer, url: http://h/x?s3cr3t}\n  - {name: d, kind: bearer, url: \"https://u:s3cr3t@h/x\"}\n  - {name: e, kind: bearer, path: \" \"}\n  - {name: f, kind: bearer, path: null, url: \"https://h/x\"}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    7:15: spec.trust.caBundle: expected exactly one of path, configMapRef, secretRef, env, url, found path and env
    8:12: spec.trust.crls[0]: expected exactly one of path, configMapRef, secretRef, env, url, found none
    10:7: spec.credentials[0]: expected exactly one of path, configMapRef, secretRef, env, url, found none
    11:36: spec.credentials[1].env: expected the name of an environment variable, of letters, digits and `_`; write its name, not its value
    12:36: spec.credentials[2].url: expected https, found http to `h`; plaintext is read from this machine only
    13:36: spec.credentials[3].url: expected an address without user and password; remove them
    14:37: spec.credentials[4].path: expected a file or folder, found empty text
    "#);
}

#[test]
fn cluster_sources_are_refused_on_the_command_line_and_the_others_inside() {
    let text = target(
        "credentials:\n  - {name: a, kind: bearer, secretRef: {name: s, key: k}}\n  - {name: b, kind: bearer, env: T}\ngatewayConfig:\n  - name: c\n    configMapRef: {name: c}\n    mapping: {path: m.yaml}\n  - {name: d, url: \"https://h/x\"}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    7:42: spec.credentials[0].secretRef: secretRef exists only inside the cluster; on the command line use path or env
    11:21: spec.gatewayConfig[0].configMapRef: configMapRef exists only inside the cluster; on the command line use path or env
    "#);
    insta::assert_snapshot!(problems_in(&text, Place::Inside), @r#"
    8:36: spec.credentials[1].env: env exists only outside the cluster; inside it use secretRef or configMapRef
    12:23: spec.gatewayConfig[0].mapping.path: path exists only outside the cluster; inside it use secretRef or configMapRef
    "#);
}

#[test]
fn references_name_objects_and_keys() {
    let text = target(
        "credentials:\n  - {name: a, kind: bearer, secretRef: {name: A_b, key: a/b}}\n  - {name: b, kind: bearer, secretRef: {name: a.b, key: tls.crt}}",
    );
    insta::assert_snapshot!(problems_in(&text, Place::Inside), @r#"
    7:49: spec.credentials[0].secretRef.name: expected the name of an object in the cluster, found `A_b`
    7:59: spec.credentials[0].secretRef.key: expected letters, digits, `-`, `_` and `.`, found `a/b`
    "#);
}

#[test]
fn trust_is_named_by_subjects_and_digests() {
    let text = target(
        "trust:\n  expectedIssuers: [CN=a, \"\", CN=a]\n  pinnedKeys:\n    - sha256:ab\n    - 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9\n  profile: mozilla_intermediate",
    );
    insta::assert_snapshot!(problems(&text.replace("\n    profile: mozilla_intermediate", "")), @r#"
    7:29: spec.trust.expectedIssuers[1]: expected a common name or a whole subject, found empty text
    7:33: spec.trust.expectedIssuers[2]: `CN=a` is already given in spec.trust.expectedIssuers[0]; each must differ
    9:9: spec.trust.pinnedKeys[0]: expected `sha256:` and 64 lower-case hex digits, found `sha256:ab`
    10:9: spec.trust.pinnedKeys[1]: expected `sha256:` and 64 lower-case hex digits, found `5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9`
    "#);
    insta::assert_snapshot!(problems(&text), @"11:14: spec.trust.profile: expected mozilla-intermediate, mozilla-modern, bsi, nist, mozilla-modern-5.7, mozilla-intermediate-5.7, mozilla-old-5.7, mozilla-modern-5.8, mozilla-intermediate-5.8, mozilla-old-5.8, mozilla-modern-6.0, mozilla-intermediate-6.0, bsi-tr-02102-2-2025-01, nist-sp-800-52r2, rfc-9325 or own, found `mozilla_intermediate`; did you mean `mozilla-intermediate`?");
}

#[test]
fn severities_are_overridden_for_rules_of_the_same_check() {
    let text = target(
        "checks:\n  - id: ingest_auth\n    severityOverrides:\n      ingest_auth.insecure_transport: low\n      gateway_config_guardrails.auth_enforcement_disabled: low",
    );
    insta::assert_snapshot!(problems(&text), @r#"10:62: spec.checks[0].severityOverrides["gateway_config_guardrails.auth_enforcement_disabled"]: expected a rule of ingest_auth, found one of gateway_config_guardrails; move it to that check"#);
    let text = text.replace("gateway_config_guardrails.", "ingestauth.");
    insta::assert_snapshot!(problems(&text), @r#"10:9: spec.checks[0].severityOverrides["ingestauth.auth_enforcement_disabled"]: `ingestauth` is not a check; known checks: broker_transport_posture, broker_cert_identity, mqtt_access_control, ingest_auth, gateway_runtime_health, gateway_config_guardrails, device_cert_hygiene"#);
}

#[test]
fn probes_stay_within_the_limits() {
    insta::assert_snapshot!(problems(&target("probePolicy: {maxConnections: 65, connectTimeoutSeconds: 0, deadlineSeconds: 3601, minIntervalSeconds: 9999999, maxConcurrentProbes: 65}")), @r#"
    6:33: spec.probePolicy.maxConnections: expected a whole number from 1 to 64, found 65
    6:60: spec.probePolicy.connectTimeoutSeconds: expected a whole number from 1 to 60, found 0
    6:80: spec.probePolicy.deadlineSeconds: expected a whole number from 1 to 3600, found 3601
    6:106: spec.probePolicy.minIntervalSeconds: expected a whole number from 0 to 2592000, found 9999999
    6:136: spec.probePolicy.maxConcurrentProbes: expected a whole number from 1 to 64, found 65
    "#);
}

#[test]
fn a_schedule_says_what_and_when() {
    let text = document(
        "AuditSchedule",
        "bundle: audit-baseline\nchecks: [ingest_auth, ingest_auth]\nschedule: \"0 0 30 2 *\"\ntimeZone: europe/berln\nbaseline: {policy: pinned}\nretention: {days: 0}\njobTemplate: 7\njitterSeconds: 86401\nrules: {pack: \"\"}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    5:3: spec: expected exactly one of targetRefs and targetSelector, found none; add the targets that are audited
    6:11: spec.checks: expected at most one of bundle and checks, found both; remove one
    6:25: spec.checks[1]: `ingest_auth` is already given in spec.checks[0]; each must differ
    7:13: spec.schedule: expected a schedule that comes true on some day, found `0 0 30 2 *`, which never does
    8:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `europe/berln`; did you mean `Europe/Berlin`?
    9:13: spec.baseline.runRef: the policy pinned needs a run; add runRef with its name
    10:21: spec.retention.days: expected a whole number from 1 to 36500, found 0
    11:16: spec.jobTemplate: expected a mapping
    12:18: spec.jitterSeconds: expected a whole number from 0 to 86400, found 86401
    13:17: spec.rules.pack: expected the id of a rule pack, found empty text
    "#);
    let text = schedule("targetSelector: {}\nchecks: []\nbaseline: {policy: previous, runRef: x}")
        .replace("[{name: a}]", "[{name: x}, {name: X}, {name: x}]");
    insta::assert_snapshot!(problems(&text), @r#"
    5:34: spec.targetRefs[1].name: expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit; found `X`; did you mean `x`?
    5:45: spec.targetRefs[2].name: `x` is already given in spec.targetRefs[0].name; each must differ
    7:19: spec.targetSelector: expected exactly one of targetRefs and targetSelector, found both; remove one
    8:11: spec.checks: expected at least one check, found an empty list
    9:40: spec.baseline.runRef: runRef is read with the policy pinned only; remove it, or use pinned
    "#);
    insta::assert_snapshot!(problems(&schedule("").replace("[{name: a}]", "[]")), @"5:15: spec.targetRefs: expected at least one target, found an empty list");
}

#[test]
fn cron_expressions_have_five_fields_and_come_true() {
    let cases = [
        "* * * * *",
        "*/15 0-6 1,15 * MON-FRI",
        "0 0 29 2 *",
        "0 0 L * *",
        "@daily",
        "0 4 * *",
        "0 0 4 * * *",
        "61 * * * *",
        "0 0 31 4 *",
        "CRON_TZ=UTC 0 4 * * *",
        "a b c d e",
        "",
    ];
    let verdicts = cases.map(|cron| {
        let text = schedule("").replace("0 4 * * *", &format!("\"{cron}\""));
        format!("{cron}: {}", problems(&text))
    });
    insta::assert_snapshot!(verdicts.join("\n"), @r#"
    * * * * *: no problem in 1 documents
    */15 0-6 1,15 * MON-FRI: no problem in 1 documents
    0 0 29 2 *: no problem in 1 documents
    0 0 L * *: no problem in 1 documents
    @daily: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `@daily`
    0 4 * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `0 4 * *`
    0 0 4 * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `0 0 4 * * *`
    61 * * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `61 * * * *`: Number out of bounds
    0 0 31 4 *: 6:13: spec.schedule: expected a schedule that comes true on some day, found `0 0 31 4 *`, which never does
    CRON_TZ=UTC 0 4 * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `CRON_TZ=UTC 0 4 * * *`; the zone belongs into timeZone
    a b c d e: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `a b c d e`: CronPattern contains illegal character 'A' in part 'A'
    : 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found ``
    "#);
}

#[test]
fn time_zones_are_those_of_the_database() {
    for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
        assert_eq!(problems(&schedule(&format!("timeZone: {zone}"))), "no problem in 1 documents");
    }
    insta::assert_snapshot!(problems(&schedule("timeZone: CEST-1")), @"7:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `CEST-1`");
    insta::assert_snapshot!(problems(&schedule("timeZone: utc")), @"7:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `utc`; did you mean `UTC`?");
}

const EXCEPTION: &str = "issueKeys: [ingest_auth.insecure_transport]\nreason: ordered\napprovedBy: somebody\nexpiresAt: 2030-06-30T00:00:00Z\n";

#[test]
fn an_exception_has_a_reason_an_approver_and_an_end() {
    let good = document("AuditException", EXCEPTION);
    assert_eq!(problems(&good), "no problem in 1 documents");
    let endless = good.replace("expiresAt: 2030-06-30T00:00:00Z", "");
    insta::assert_snapshot!(problems(&endless), @"5:3: spec.expiresAt: this field is required and missing; add it");
    let vague = good
        .replace("2030-06-30T00:00:00Z", "2030-06-30")
        .replace("[ingest_auth.insecure_transport]", "[ingest_auth, ingest_auth.X]");
    insta::assert_snapshot!(problems(&vague), @r#"
    5:15: spec.issueKeys[0]: expected `<check>.<name>` in lower case with `_`, found `ingest_auth`
    5:28: spec.issueKeys[1]: expected `<check>.<name>` in lower case with `_`, found `ingest_auth.X`
    8:14: spec.expiresAt: expected a time with its offset, such as 2030-12-31T00:00:00Z, found `2030-06-30`
    "#);
    let empty = good.replace("ordered", "\" \"").replace("somebody", "\"\"").replace(
        "[ingest_auth.insecure_transport]",
        "[]\n  expireOnChange: true\n  subjects: [endpoint/a, ingest, config/, target]",
    );
    insta::assert_snapshot!(problems(&empty), @r#"
    5:3: spec.evidence: expireOnChange needs the evidence that was accepted; add its digest, which the finding shows
    5:14: spec.issueKeys: expected at least one rule, found an empty list
    7:26: spec.subjects[1]: expected endpoint/NAME, config/NAME, certificates/NAME or target, found `ingest`
    7:34: spec.subjects[2]: expected endpoint/NAME, config/NAME, certificates/NAME or target, found `config/`
    8:11: spec.reason: expected a reason why this is acceptable, found empty text
    9:15: spec.approvedBy: expected the name of who accepts it, found empty text
    "#);
}

#[test]
fn an_exception_ends_within_half_a_year() {
    let text = document("AuditException", EXCEPTION);
    let documents = read("t.yaml", &text, Place::Outside).expect("the document is good");
    let Resource::AuditException(exception) = &documents[0].value else { panic!("no exception") };
    let end = exception.spec.expires_at;
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let faults = |now: Timestamp| -> Vec<Fault> { validate_exception(exception, now) };
    assert_eq!(faults(end), []);
    assert_eq!(faults(end - days(MAX_EXCEPTION_DAYS)), []);
    assert_eq!(faults(end + days(1)), [], "an exception that has ended is not wrong");
    let [fault] = &faults(end - days(MAX_EXCEPTION_DAYS) - SignedDuration::from_secs(1))[..] else {
        panic!("one second more than allowed is one fault")
    };
    insta::assert_snapshot!(documents[0].problem(fault.clone()), @"t.yaml:8:14: spec.expiresAt: expected a time at most 180 days ahead, found 2030-06-30T00:00:00Z; approve it again when it ends");
}

#[test]
fn two_documents_of_one_kind_have_two_names() {
    let a = target("");
    let files = [("a.yaml", a.as_bytes()), ("b.yaml", a.as_bytes())];
    let problems = read_files(&files, Place::Outside).expect_err("the names are equal");
    insta::assert_snapshot!(lines(&problems), @"b.yaml:3:18: metadata.name: a second AuditTarget named `a`; the first stands at a.yaml:1; give each its own name");
    let other = schedule("");
    let files = [("a.yaml", a.as_bytes()), ("b.yaml", other.as_bytes())];
    assert_eq!(read_files(&files, Place::Outside).map(|d| d.len()), Ok(2));
}

#[test]
fn the_problems_of_all_files_are_reported_in_their_order() {
    let files = [("a.yaml", &b"kind: X\n"[..]), ("b.yaml", &b"\xff\xfe"[..]), ("c.yaml", &b""[..])];
    let problems = read_files(&files, Place::Outside).expect_err("nothing is good");
    let files: Vec<_> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["a.yaml", "b.yaml", "c.yaml"]);
}

#[test]
fn objects_from_the_cluster_are_checked_without_a_file() {
    let document = one_target(&target("credentials: [{name: a, kind: bearer, path: t}]"));
    let faults = validate(&Resource::AuditTarget(document.value), Place::Inside);
    insta::assert_snapshot!(faults[0], @"spec.credentials[0].path: path exists only outside the cluster; inside it use secretRef or configMapRef");
    assert_eq!(faults.len(), 1);
}

#[test]
fn a_file_full_of_mistakes_is_cut_off() {
    let text = "a: b\n---\n".repeat(500);
    let problems = read("t.yaml", &text, Place::Outside).expect_err("nothing is good");
    assert_eq!(problems.len(), 51);
    assert_eq!(problems[50].message, "more problems follow; they are listed once these are solved");
    let broken = "a: [\n---\n".repeat(500);
    let problems = read("t.yaml", &broken, Place::Outside).expect_err("nothing is good");
    assert!((50..=51).contains(&problems.len()), "{}", problems.len());
}

#[test]
fn a_table_needs_names_that_postgres_keeps_and_an_address_that_is_a_secret() {
    let set = |source: &str, table: &str| {
        target(&format!("deviceCertificates: [{{name: fleet, {source}, table: {{{table}}}}}]"))
    };
    let good = "schema: \"PKI; x\", name: \"the \\\"table\\\"\", device: id, certificate: pem, cohort: site";
    assert_eq!(problems(&set("env: FLEET", good)), "no problem in 1 documents");
    let told = problems(&set("path: address", "name: t, device: id, certificate: pem"));
    assert_eq!(told, "no problem in 1 documents");
    let long = "x".repeat(64);
    let wrong = set(
        "url: https://h/x, password: {env: P}",
        &format!("name: \"\", device: {long}, certificate: \"a\\0b\""),
    );
    let told = problems(&wrong);
    for expected in [
        "deviceCertificates[0].url: with `table` the source holds the address of a database",
        "deviceCertificates[0].password: password opens PKCS#12 files",
        "deviceCertificates[0].table.name: expected a name of Postgres",
        "deviceCertificates[0].table.device: expected a name of Postgres",
        "deviceCertificates[0].table.certificate: expected a name of Postgres",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(told.lines().count(), 5, "{told}");
}

#[test]
fn hosts_for_revocation_are_hosts_with_a_port_at_most() {
    let hosts = |list: &str| target(&format!("trust: {{revocationHosts: [{list}]}}"));
    let told = problems(&hosts("ca.example, \"10.0.0.7:8080\", \"[::1]:80\""));
    assert_eq!(told, "no problem in 1 documents");
    for wrong in ["\"http://ca.example\"", "ca.example/ocsp", "\"h:0\"", "\"u@h\"", "\"\"", "h, h"]
    {
        assert!(problems(&hosts(wrong)).contains("spec.trust.revocationHosts"), "{wrong}");
    }
}
