//! Node-RED's settings.js: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{places, seen, undetermined, word};

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
    for guardrail in super::super::readers::node_red::COVERED {
        if !matches!(guardrail, Guardrail::InlineSecret | Guardrail::DefaultSecret) {
            assert_eq!(word(&seen, guardrail), "on", "{guardrail:?}");
        }
    }
    assert_eq!(seen.secrets_inline.value().unwrap(), &[]);
    assert_eq!(undetermined(&seen), Vec::<String>::new());
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
    for (from, to, guardrail, expected) in cases {
        assert!(HARDENED.contains(from), "{from}");
        let seen = node_red(&HARDENED.replacen(from, to, 1));
        assert_eq!(word(&seen, guardrail), expected, "{to}");
    }
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
