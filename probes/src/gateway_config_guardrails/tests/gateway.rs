//! The reference gateway's own file, before and after.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{declared, folder, places, undetermined, word};

/// The posture that the audit finds.
pub(super) const EXPOSED: &str = r#"# exposed

[gateway]
id = "gw-07"
log_level = "info"
bind = "127.0.0.1"

[mqtt]
port = 8883
allow_anonymous = false

[mqtt.tls]
enabled = true
cert = "broker.pem"
key = "broker.key"
min_version = "1.2"

[mqtt.auth]
password_file = "users"

[ingest]
port = 8080

[ingest.auth]
enabled = false
authenticators = []

[uplink]
url = "https://telemetry.example/v1"
verify = true
"#;

/// The posture after the sprint.
pub(super) const HARDENED: &str = r#"# hardened

[gateway]
id = "gw-07"
log_level = "info"
bind = "127.0.0.1"

[mqtt]
port = 8883
keepalive_seconds = 60
allow_anonymous = false

[mqtt.tls]
enabled = true
cert = "broker.pem"
key = "broker.key"
min_version = "1.2"

[mqtt.auth]
password_file = "users"

[ingest]
port = 8443

[ingest.auth]
enabled = true
authenticators = ["bearer"]
token_file = "token"

[ingest.tls]
enabled = true
cert = "ingest.pem"
key = "ingest.key"
min_version = "1.2"

[ingest.limits]
max_body_bytes = 65536
requests_per_minute = 600

[uplink]
url = "https://telemetry.example/v1"
verify = true

[admin]
enabled = false
debug = false
"#;

/// What is seen of a gateway's file, its keys readable by their owner only.
pub(super) fn read(text: &str) -> GatewayConfigGuardrailsStable {
    read_with_mode(text, 0o600)
}

fn read_with_mode(text: &str, mode: u32) -> GatewayConfigGuardrailsStable {
    let files: [(&str, &[u8]); 3] =
        [("gateway.toml", text.as_bytes()), ("broker.key", b"key"), ("ingest.key", b"key")];
    let folder = folder(&files);
    #[cfg(unix)]
    for key in ["broker.key", "ingest.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join(key), permissions).unwrap();
    }
    let config = declared("gateway.toml", ConfigFormat::Auto);
    super::observe(&super::context(folder.path()), &config)
}

const JUDGED: [Guardrail; 10] = [
    Guardrail::Authentication,
    Guardrail::Anonymous,
    Guardrail::Tls,
    Guardrail::TlsVersion,
    Guardrail::PeerVerification,
    Guardrail::KeyPermissions,
    Guardrail::Bind,
    Guardrail::Admin,
    Guardrail::Debug,
    Guardrail::Limits,
];

#[test]
fn exposed_switches_authentication_off_and_leaves_three_settings_untold() {
    let seen = read(EXPOSED);
    let value = seen.auth_not_enforced.value().unwrap();
    let values: Vec<_> = value.iter().map(|o| format!("{} = {}", o.setting, o.value)).collect();
    assert_eq!(values, ["ingest.auth.enabled = false", "ingest.auth.authenticators = 0 items"]);
    assert_eq!(places(&seen.auth_not_enforced), ["gateway.toml:25:1", "gateway.toml:26:1"]);
    assert_eq!(
        undetermined(&seen),
        ["ingest.limits.max_body_bytes", "ingest.tls.min_version", "mqtt.keepalive_seconds"]
    );
    let words: Vec<_> = JUDGED.iter().map(|guardrail| word(&seen, *guardrail)).collect();
    assert_eq!(words, ["off", "on", "open", "open", "on", "on", "on", "on", "on", "open"]);
    assert_eq!(seen.tls_plaintext.status(), "not_attempted");
    assert_eq!(word(&seen, Guardrail::UnknownKey), "on");
}

#[test]
fn hardened_keeps_every_guardrail_and_leaves_nothing_untold() {
    let seen = read(HARDENED);
    for guardrail in JUDGED {
        assert_eq!(word(&seen, guardrail), "on", "{guardrail:?}");
    }
    assert_eq!(undetermined(&seen), Vec::<String>::new());
    assert!(seen.secrets_inline.value().unwrap().is_empty());
    assert_eq!(seen.program.value().unwrap(), "plumbline-gateway");
}

#[test]
fn every_way_to_weaken_the_hardened_file_is_seen() {
    let cases = [
        (
            "enabled = true\nauthenticators",
            "enabled = false\nauthenticators",
            Guardrail::Authentication,
        ),
        ("authenticators = [\"bearer\"]", "authenticators = []", Guardrail::Authentication),
        ("allow_anonymous = false", "allow_anonymous = true", Guardrail::Anonymous),
        ("allow_anonymous = false\n", "", Guardrail::Anonymous),
        ("enabled = true\ncert = \"ingest.pem\"", "enabled = false\ncert = \"i\"", Guardrail::Tls),
        ("https://telemetry", "http://telemetry", Guardrail::Tls),
        ("verify = true", "verify = false", Guardrail::PeerVerification),
        ("bind = \"127.0.0.1\"", "bind = \"0.0.0.0\"", Guardrail::Bind),
        ("[admin]\nenabled = false", "[admin]\nenabled = true", Guardrail::Admin),
        ("debug = false", "debug = true", Guardrail::Admin),
        ("log_level = \"info\"", "log_level = \"trace\"", Guardrail::Debug),
        ("requests_per_minute = 600", "requests_per_minute = 0", Guardrail::Limits),
        ("requests_per_minute", "request_per_minute", Guardrail::UnknownKey),
    ];
    for (from, to, guardrail) in cases {
        assert!(HARDENED.contains(from), "{from}");
        let seen = read(&HARDENED.replace(from, to));
        assert_eq!(word(&seen, guardrail), "off", "{to}");
    }
    let keys = read_with_mode(HARDENED, 0o640);
    assert_eq!(places(&keys.keys_open_permissions).len(), 2);
}

#[test]
fn what_a_variable_fills_in_is_undetermined_and_never_asked_of_our_environment() {
    let home = std::env::var("PATH").unwrap();
    let text = HARDENED.replace("min_version = \"1.2\"", "min_version = \"${PATH}\"");
    let seen = read(&text);
    assert_eq!(undetermined(&seen), ["ingest.tls.min_version", "mqtt.tls.min_version"]);
    assert_eq!(word(&seen, Guardrail::TlsVersion), "open");
    assert!(!serde_json::to_string(&seen).unwrap().contains(&home));
}
