//! Targets: endpoints, sources, trust, credentials, and the limits of probes.

use model::document::Place;

use super::{problems, problems_in, target};

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
fn a_table_needs_names_that_postgres_keeps_and_an_address_that_is_a_secret() {
    let set = |source: &str, table: &str| {
        target(&format!("deviceCertificates: [{{name: fleet, {source}, table: {{{table}}}}}]"))
    };
    let good = "schema: \"PKI; x\", name: \"the \\\"table\\\"\", device: id, certificate: pem, cohort: site, username: login";
    assert_eq!(problems(&set("env: FLEET", good)), "no problem in 1 documents");
    let told = problems(&set("path: address", "name: t, device: id, certificate: pem"));
    assert_eq!(told, "no problem in 1 documents");
    let long = "x".repeat(64);
    let wrong = set(
        "url: https://h/x, password: {env: P}",
        &format!("name: \"\", device: {long}, certificate: \"a\\0b\", username: \"\""),
    );
    let told = problems(&wrong);
    for expected in [
        "deviceCertificates[0].url: with `table` the source holds the address of a database",
        "deviceCertificates[0].password: password opens PKCS#12 files",
        "deviceCertificates[0].table.name: expected a name of Postgres",
        "deviceCertificates[0].table.device: expected a name of Postgres",
        "deviceCertificates[0].table.certificate: expected a name of Postgres",
        "deviceCertificates[0].table.username: expected a name of Postgres",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(told.lines().count(), 6, "{told}");
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
