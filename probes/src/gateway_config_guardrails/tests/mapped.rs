//! Any other program's file, through a mapping.

use model::document::ConfigFormat;
use model::evidence::{Guardrail, LengthClass, SecretKind};

use super::{mapped, places, seen, undetermined, word};

const MAPPING: &str = r#"
format: FORMAT
program: acme-edge
strict: true
settings:
  - {path: auth, guardrail: authentication, type: bool, safe: [true], default: [{value: false}]}
  - {path: tls, guardrail: tls, safe: [require], unsafe: [off]}
  - {path: bind, guardrail: bind, type: address, unsafe: [wildcard], absent: ignore}
  - {path: limit, guardrail: limits, type: size, safe: [{min: 1, max: 1048576}], absent: unsafe}
  - {path: level, guardrail: debug, safe: [info], unsafe: [debug], default: [{value: info, since: "3"}, {value: debug, until: "3"}]}
  - {path: pin, type: secret}
"#;

fn through(name: &str, text: &str) -> model::evidence::GatewayConfigGuardrailsStable {
    let format = name.rsplit('.').next().unwrap();
    mapped(name, text, &MAPPING.replace("FORMAT", format))
}

#[test]
fn the_five_formats_say_the_same() {
    let files = [
        (
            "a.env",
            "auth=true\ntls=require\nbind=192.0.2.1:1883\nlimit=64KB\nlevel=info\npin=correct-horse-battery\n",
        ),
        (
            "a.toml",
            "auth = true\ntls = \"require\"\nbind = \"192.0.2.1:1883\"\nlimit = \"64KB\"\nlevel = \"info\"\npin = \"correct-horse-battery\"\n",
        ),
        (
            "a.yaml",
            "auth: yes\ntls: require\nbind: 192.0.2.1:1883\nlimit: 64KB\nlevel: info\npin: correct-horse-battery\n",
        ),
        (
            "a.ini",
            "auth = true\ntls = require\nbind = 192.0.2.1:1883\nlimit = 64KB\nlevel = info\npin = correct-horse-battery\n",
        ),
        (
            "a.json",
            "{\"auth\": true, \"tls\": \"require\", \"bind\": \"192.0.2.1:1883\", \"limit\": 65536, \"level\": \"info\", \"pin\": \"correct-horse-battery\"}",
        ),
    ];
    for (name, text) in files {
        let seen = through(name, text);
        for guardrail in [
            Guardrail::Authentication,
            Guardrail::Tls,
            Guardrail::Bind,
            Guardrail::Limits,
            Guardrail::Debug,
            Guardrail::UnknownKey,
        ] {
            assert_eq!(word(&seen, guardrail), "on", "{name} {guardrail:?}");
        }
        assert_eq!(undetermined(&seen), Vec::<String>::new(), "{name}");
        assert_eq!(seen.program.value().unwrap(), "acme-edge");
        assert_eq!(seen.secrets_inline.value().unwrap().len(), 1, "{name}");
        assert!(seen.secrets_short.value().unwrap().is_empty(), "{name}");
        // A guardrail that the mapping does not speak of does not apply.
        assert_eq!(word(&seen, Guardrail::Authorization), "open");
        assert!(!seen.guardrails.value().unwrap().contains(&Guardrail::Authorization));
    }
}

#[test]
fn absent_keys_mean_what_the_mapping_says() {
    let seen = through("a.yaml", "level: info\n");
    assert_eq!(word(&seen, Guardrail::Authentication), "off");
    assert_eq!(seen.auth_not_enforced.value().unwrap()[0].value, "false (default)");
    assert_eq!(word(&seen, Guardrail::Limits), "off");
    assert_eq!(word(&seen, Guardrail::Bind), "on");
    assert_eq!(word(&seen, Guardrail::Tls), "open");
    assert_eq!(undetermined(&seen), ["tls"]);
}

#[test]
fn defaults_that_differ_between_versions_need_the_version() {
    let seen = through("a.yaml", "auth: true\ntls: require\nlimit: 1\n");
    assert_eq!(undetermined(&seen), ["level"]);
    assert_eq!(word(&seen, Guardrail::Debug), "open");
}

#[test]
fn values_that_cannot_be_told_are_undetermined() {
    let cases =
        ["${TLS}", "{{ tls }}", "$TLS", "!vault x", "ENC[a]", "sometimes", "[require]", "{a: b}"];
    for value in cases {
        let seen = through("a.yaml", &format!("auth: on\nlimit: 1\nlevel: info\ntls: {value}\n"));
        assert_eq!(word(&seen, Guardrail::Tls), "open", "{value}");
        assert!(undetermined(&seen).contains(&"tls".to_owned()), "{value}");
    }
}

#[test]
fn the_worst_item_of_a_list_decides() {
    let mapping = "format: json\nsettings:\n- {path: listeners.*.tls, guardrail: tls, type: bool, safe: [true]}\n";
    let seen = mapped("a.json", "{\"listeners\": [{\"tls\": true},\n {\"tls\": false}]}", mapping);
    assert_eq!(places(&seen.tls_plaintext), ["a.json:2:3"]);
    assert_eq!(seen.tls_plaintext.value().unwrap()[0].setting, "listeners[1].tls");
}

#[test]
fn a_key_set_twice_is_reported_and_decides_only_if_both_agree() {
    for name in ["a.json", "a.yaml", "a.env"] {
        let two = |first: &str, second: &str| match name {
            "a.json" => format!("{{\"tls\": \"{first}\",\n\"tls\": \"{second}\"}}"),
            "a.yaml" => format!("tls: {first}\ntls: {second}\n"),
            _ => format!("tls={first}\ntls={second}\n"),
        };
        let differ = through(name, &two("require", "off"));
        assert_eq!(word(&differ, Guardrail::Tls), "open", "{name}");
        assert_eq!(differ.repeated.value().unwrap().len(), 2, "{name}");
        assert_eq!(word(&through(name, &two("off", "off")), Guardrail::Tls), "off", "{name}");
        assert_eq!(word(&through(name, &two("require", "require")), Guardrail::Tls), "on");
    }
}

#[test]
fn conditions_switch_a_setting_off() {
    let mapping = "format: toml\nsettings:\n- {path: admin.on, type: bool}\n- {path: admin.bind, guardrail: admin, type: address, unsafe: [wildcard, specific], default: [{value: wildcard}], when: {path: admin.on, is: [true]}}\n- {path: tls.min, guardrail: tls_version, type: tls_version, safe: ['1.2', '1.3'], unless: {path: admin.on, is: [false]}}\n";
    let off = mapped("a.toml", "[admin]\non = false\nbind = \"0.0.0.0\"\n", mapping);
    assert_eq!([word(&off, Guardrail::Admin), word(&off, Guardrail::TlsVersion)], ["on", "on"]);
    let on = mapped("a.toml", "[admin]\non = true\n[tls]\nmin = \"TLSv1.1\"\n", mapping);
    assert_eq!([word(&on, Guardrail::Admin), word(&on, Guardrail::TlsVersion)], ["off", "off"]);
}

#[test]
fn secrets_are_found_by_name_and_inside_addresses() {
    let text = "MQTT_PASSWORD=public\nMQTT_PASSWORD_FILE=/run/secrets/mq\nAPI_TOKEN=${API_TOKEN}\nUPLINK=mqtts://gw:tr0ub4dor@mq.example:8883\nTOKEN_TTL=30\nUSE_TOKEN=true\nDB_PASS=\nKEY_PATH=/etc/key.pem\nSIGNING_KEY=abcdefghijklmnopqrstuvwxyz\n";
    let seen = seen(&[(".env", text)], ConfigFormat::Auto, None);
    let inline: Vec<_> = seen
        .secrets_inline
        .value()
        .unwrap()
        .iter()
        .map(|secret| (secret.line, secret.kind, secret.length))
        .collect();
    assert_eq!(
        inline,
        [
            (1, SecretKind::Password, LengthClass::UpTo7),
            (4, SecretKind::UrlCredentials, LengthClass::UpTo15),
            (9, SecretKind::Key, LengthClass::From16),
        ]
    );
    assert_eq!(seen.secrets_known.value().unwrap().len(), 1);
    assert_eq!(undetermined(&seen), ["mapping"]);
}

#[test]
fn a_mapping_for_another_format_is_an_error_that_says_so() {
    let mapping = MAPPING.replace("FORMAT", "yaml");
    let files: [(&str, &[u8]); 2] = [("a.toml", b"a = 1\n"), ("mapping.yaml", mapping.as_bytes())];
    let folder = super::folder(&files);
    let mut config = super::declared("a.toml", ConfigFormat::Toml);
    config.mapping = Some(model::document::Source::path("mapping.yaml"));
    let seen = super::observe(&super::context(folder.path()), &config);
    assert_eq!(seen.undetermined.status(), "error");
    assert!(seen.undetermined.reason().unwrap().contains("another format"));
}
