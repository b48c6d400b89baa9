//! Node-RED's settings.js: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{keeps, one_change, places, seen, undetermined, word};

const EXPOSED: &str = "// Settings
module.exports = {
  uiPort: process.env.PORT || 1880,
  flowFile: \"flows.json\",
  // adminAuth: { type: \"credentials\" },
  logging: { console: { level: 'trace', audit: false } },
  credentialSecret: \"changeme\",
  functionGlobalContext: { cp: require(\"child_process\") },
};
";

pub(super) const HARDENED: &str = "#!/usr/bin/env node
/* settings */
module.exports = {
  uiHost: \"127.0.0.1\", requireHttps: true,
  https: { key: require(\"fs\").readFileSync(\"/srv/k.pem\"), cert: require(\"fs\").readFileSync(\"/srv/c.pem\") },
  adminAuth: { type: \"credentials\",
    users: [{ username: \"ops\", password: process.env.NR_HASH, permissions: \"*\" }] },
  httpNodeAuth: { user: \"dev\", pass: \"$2b$08$abcdefghijklmnopqrstuv\" },
  httpNodeMiddleware: function (req, res, next) { if (/[}/]/.test(req.url)) { next(); } },
  credentialSecret: process.env.NR_SECRET,
  logging: { console: { level: \"info\" } },
}
";

fn node_red(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("settings.js", text)], ConfigFormat::Auto, None)
}

#[test]
fn an_exposed_file_is_seen_with_every_place() {
    let seen = node_red(EXPOSED);
    assert_eq!(seen.format.value().unwrap(), "node-red");
    assert_eq!(places(&seen.admin_exposed), ["settings.js:1:1"]);
    assert_eq!(places(&seen.auth_not_enforced), ["settings.js:1:1"]);
    assert_eq!(places(&seen.bind_all_interfaces), ["settings.js:1:1"]);
    assert_eq!(places(&seen.tls_plaintext), ["settings.js:1:1"]);
    assert_eq!(places(&seen.debug_logging), ["settings.js:6:25"]);
    let secret = &seen.secrets_known.value().unwrap()[0];
    assert_eq!((secret.line, secret.column), (7, 3));
}

#[test]
fn a_hardened_file_leaves_nothing_off() {
    let seen = node_red(HARDENED);
    keeps(&seen, &super::super::readers::node_red::COVERED, &["on"]);
}

#[test]
fn one_change_leaves_one_guardrail_off_or_open() {
    let cases = [
        ("\"127.0.0.1\"", "\"::\"", Guardrail::Bind, "off"),
        ("\"127.0.0.1\"", "process.env.HOST || \"127.0.0.1\"", Guardrail::Bind, "open"),
        (
            "adminAuth: {",
            "adminAuth: { default: { permissions: \"*\" },",
            Guardrail::Admin,
            "local",
        ),
        ("adminAuth: {", "adminAuth: { ...more,", Guardrail::Admin, "open"),
        ("logging: {", "...more, logging: {", Guardrail::Admin, "open"),
        ("module.exports = {", "module.exports = { ...more,", Guardrail::Admin, "on"),
        ("adminAuth: {", "adminAuth: require(\"./auth\"), x: {", Guardrail::Admin, "open"),
        ("adminAuth: {", "httpAdminRoot: false, x: {", Guardrail::Admin, "on"),
        ("https: {", "x: {", Guardrail::Tls, "local"),
        ("https: {", "https: async () => load(), x: {", Guardrail::Tls, "on"),
        ("httpNodeAuth: {", "x: {", Guardrail::Authentication, "open"),
        ("info", "debug", Guardrail::Debug, "off"),
    ];
    one_change(HARDENED, node_red, &cases);
}

#[test]
fn what_is_assigned_behind_the_export_counts() {
    let text = format!(
        "{HARDENED}module.exports.uiHost = \"0.0.0.0\"\nmodule.exports.logging.console.level = \"debug\";\n"
    );
    let seen = node_red(&text);
    assert_eq!(word(&seen, Guardrail::Bind), "off");
    assert_eq!(word(&seen, Guardrail::Debug), "off");
    let changed = format!("{HARDENED}Object.assign(module.exports, require(\"./more\"));\n");
    assert_eq!(word(&node_red(&changed), Guardrail::Bind), "open");
}

#[test]
fn an_object_with_a_name_is_followed_if_nothing_else_is_done_with_it() {
    let named = HARDENED.replace("module.exports =", "const settings =");
    let exported = format!("{named}\nmodule.exports = settings;\n");
    assert_eq!(word(&node_red(&exported), Guardrail::Admin), "on");
    let changed = format!("{named}\nchange(settings);\nmodule.exports = settings;\n");
    assert_eq!(word(&node_red(&changed), Guardrail::Admin), "open");
    assert_eq!(undetermined(&node_red(&changed)), ["module.exports"]);
}

#[test]
fn secrets_are_told_by_place_and_false_keeps_credentials_in_clear() {
    let text = HARDENED
        .replace("pass: \"$2b$08$abcdefghijklmnopqrstuv\"", "pass: \"hunter2\"")
        .replace("process.env.NR_SECRET", "false");
    let seen = node_red(&text);
    let inline = seen.secrets_inline.value().unwrap();
    assert_eq!((inline.len(), inline[0].setting.as_str()), (1, "httpNodeAuth.pass"));
    let short: Vec<_> =
        seen.secrets_short.value().unwrap().iter().map(|one| &one.setting).collect();
    assert_eq!(short, ["httpNodeAuth.pass", "credentialSecret"]);
    assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
}

#[test]
fn what_stays_open_is_refused_with_its_place_and_without_its_text() {
    for text in [
        "module.exports = { uiPort: \"hunter2",
        "module.exports = { uiPort: /* hunter2",
        "module.exports = { uiPort: 1",
    ] {
        let seen = node_red(text);
        let reason = seen.undetermined.reason().unwrap();
        assert!(reason.contains("line 1") && !reason.contains("hunter2"), "{reason}");
    }
}

#[test]
fn brokers_of_the_flows_are_told_by_place() {
    let with = |flows: &str| {
        seen(&[("settings.js", HARDENED), ("flows.json", flows)], ConfigFormat::Auto, None)
    };
    let tls = r#"{"id": "t", "type": "tls-config",
 "verifyservercert": VERIFY}"#;
    let broker = r#"[{"id": "b", "type": "mqtt-broker", "broker": "mq.example", "port": 8883,
 "tls": "t", "usetls": USES},
TLS]"#;
    let flows = |uses: &str, verify: &str| {
        broker.replace("TLS", &tls.replace("VERIFY", verify)).replace("USES", uses)
    };
    let safe = with(&flows("true", "true"));
    assert_eq!(safe.files.value().unwrap(), &["settings.js", "flows.json"]);
    assert_eq!(
        [word(&safe, Guardrail::Tls), word(&safe, Guardrail::PeerVerification)],
        ["on", "on"]
    );
    let plain = with(&flows("false", "true"));
    assert_eq!(places(&plain.tls_plaintext), ["flows.json:2:14"]);
    let unchecked = with(&flows("true", "false"));
    assert_eq!(places(&unchecked.tls_unverified_peers), ["flows.json:4:2"]);
    // Without a node that says so, nothing is checked.
    let none = with(&broker.replace("USES", "true").replace("TLS", "{}"));
    assert_eq!(places(&none.tls_unverified_peers), ["flows.json:1:2"]);
    let address = |address: &str| with(&flows("true", "true").replace("mq.example", address));
    assert_eq!(places(&address("mqtt://mq.example").tls_plaintext), ["flows.json:1:37"]);
    assert_eq!(word(&address("wss://mq.example/mqtt"), Guardrail::Tls), "on");
    assert_eq!(word(&address("${BROKER}"), Guardrail::Tls), "open");
    assert_eq!(word(&address("127.0.0.1"), Guardrail::Tls), "on");
    let local = with(&flows("false", "true").replace("mq.example", "127.0.0.1"));
    assert_eq!(word(&local, Guardrail::Tls), "local");
    let broken = with("[{\"hunter2\"");
    assert_eq!(word(&broken, Guardrail::PeerVerification), "open");
    assert!(!serde_json::to_string(&broken).unwrap().contains("hunter2"));
    let secret = with("[{\"type\": \"http request\",\n \"password\": \"hunter2\"}]");
    assert_eq!(secret.secrets_inline.value().unwrap().last().unwrap().line, 2);
}

#[test]
fn the_flows_are_those_that_the_settings_name() {
    let named = HARDENED.replace("  uiHost", "  flowFile: \"mine.json\",\n  uiHost");
    let flows = r#"[{"id": "b", "type": "mqtt-broker", "broker": "mq.example", "usetls": false}]"#;
    let seen = |files: &[(&str, &str)]| seen(files, ConfigFormat::Auto, None);
    let read = seen(&[("settings.js", &named), ("mine.json", flows), ("flows.json", "[")]);
    assert_eq!(places(&read.tls_plaintext), ["mine.json:1:61"]);
    let missing = seen(&[("settings.js", &named), ("flows.json", flows)]);
    assert_eq!(word(&missing, Guardrail::Tls), "on");
    assert_eq!(undetermined(&missing), ["flowFile"]);
}
