//! Files that want to do harm, and secrets that want to travel.

use model::document::ConfigFormat;
use model::evidence::Item;
use proptest::prelude::*;

use super::{context, declared, folder, mapped, observe, seen, undetermined};
use crate::gateway_config_guardrails::interpolation::{Filler, Style};
use crate::gateway_config_guardrails::settings::Environment;
use crate::gateway_config_guardrails::{mapping::Mapping, readers};

fn reason<T>(item: &Item<T>) -> &str {
    item.reason().unwrap_or("observed")
}

#[test]
fn a_file_that_is_no_configuration_is_an_error_for_every_guardrail() {
    let cases: [(&str, &[u8], &str); 5] = [
        ("m.conf", b"listener 1883\0", "NUL"),
        ("a.toml", b"= = =", "line 1"),
        ("a.json", b"{", "line 1"),
        ("a.yaml", b"a: [", "line"),
        ("unknown", b"what is this?", "declare `format`"),
    ];
    for (name, content, expected) in cases {
        let folder = folder(&[(name, content)]);
        let seen = observe(&context(folder.path()), &declared(name, ConfigFormat::Auto));
        assert!(reason(&seen.auth_not_enforced).contains(expected), "{name}: {seen:?}");
        assert_eq!(seen.undetermined.status(), "error");
    }
    let folder = folder(&[]);
    let missing = observe(&context(folder.path()), &declared("gone.toml", ConfigFormat::Auto));
    assert!(reason(&missing.undetermined).contains("gone.toml"), "{missing:?}");
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let large = vec![b'#'; 4 * 1024 * 1024 + 1];
    let folder = folder(&[("m.conf", &large)]);
    let seen = observe(&context(folder.path()), &declared("m.conf", ConfigFormat::Mosquitto));
    assert!(reason(&seen.undetermined).contains("4 MiB"), "{seen:?}");
}

#[test]
fn too_many_included_files_leave_everything_open() {
    let names: Vec<_> = (0..300).map(|n| format!("d/{n:03}.conf")).collect();
    let mut files = vec![("m.conf", "listener 1883 192.0.2.1\ninclude_dir d\n")];
    files.extend(names.iter().map(|name| (name.as_str(), "")));
    let seen = seen(&files, ConfigFormat::Mosquitto, Some("2.0"));
    assert_eq!(undetermined(&seen), ["include_dir"]);
    assert!(reason(&seen.auth_anonymous).contains("256 files"));
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_folder_is_opened() {
    use std::os::unix::fs::symlink;
    let outside = folder(&[("conf.d/a.conf", b"allow_anonymous true\n"), ("acl", b"topic #\n")]);
    let at = outside.path().display().to_string();
    let cases = [
        ("listener 1883 192.0.2.1\ninclude_dir linked\n".to_owned(), "out of the folder"),
        (format!("listener 1883 192.0.2.1\ninclude_dir {at}/conf.d\n"), "not beside"),
        ("listener 1883 192.0.2.1\ninclude_dir ../conf.d\n".to_owned(), ""),
    ];
    for (text, expected) in cases {
        let inside = folder(&[("m.conf", text.as_bytes())]);
        symlink(outside.path().join("conf.d"), inside.path().join("linked")).unwrap();
        let mut config = declared("m.conf", ConfigFormat::Mosquitto);
        config.program_version = Some("2.0".to_owned());
        let seen = observe(&context(inside.path()), &config);
        assert!(reason(&seen.auth_anonymous).contains(expected), "{text}: {seen:?}");
        assert_eq!(seen.auth_anonymous.status(), "not_attempted", "{text}");
        assert_eq!(seen.files.value().unwrap(), &["m.conf"]);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_leads_back_to_itself_ends() {
    use std::os::unix::fs::symlink;
    let inside =
        folder(&[("m.conf", b"listener 1883\ninclude_dir loop\n"), ("x.conf", b"port 1\n")]);
    symlink(inside.path(), inside.path().join("loop")).unwrap();
    let seen = observe(&context(inside.path()), &declared("m.conf", ConfigFormat::Mosquitto));
    assert_eq!(seen.files.value().unwrap(), &["m.conf", "m.conf", "x.conf"]);
}

#[test]
fn two_hundred_local_listeners_do_not_hide_the_one_that_counts() {
    let mut text = "listener 1883 127.0.0.1\nallow_anonymous true\n".repeat(200);
    text.push_str("listener 1884 192.0.2.1\n");
    let seen = seen(&[("m.conf", &text)], ConfigFormat::Mosquitto, Some("2.0"));
    let plaintext = seen.tls_plaintext.value().unwrap();
    assert_eq!(plaintext.len(), model::evidence::MAX_ENTRIES);
    assert!(plaintext.iter().any(|one| one.value.contains("1884")));
}

#[test]
fn files_that_want_much_work_are_read_in_bounds() {
    let cases: [(&str, String); 19] = [
        ("m.conf", "a\n".repeat(2_000_000)),
        ("m.conf", "listener 1\n".repeat(300_000)),
        ("m.conf", "plugin x\nplugin_opt_config_file y\nlistener 1\n".repeat(40_000)),
        ("m.conf", "allow_anonymous x\n".repeat(200_000)),
        ("a.toml", "a=1\n".repeat(900_000)),
        ("a.json", format!("[{}1]", "1,".repeat(2_000_000))),
        ("a.yaml", "- a\n".repeat(900_000)),
        (".env", "password=x\n".repeat(300_000)),
        ("nginx.conf", "server { listen 1;\n".repeat(200_000)),
        ("nginx.conf", format!("http {{ {} }}", "server { listen 1; }\n".repeat(12_000))),
        ("haproxy.cfg", format!("frontend a\n{}", "bind :1\n".repeat(40_000))),
        ("haproxy.cfg", "frontend a\n bind :1\n".repeat(5_000)),
        ("a.service", format!("[Service]\n{}", "Environment=PASSWORD=x\n".repeat(90_000))),
        ("telegraf.conf", "[[inputs.x]]\npassword=\"x\"\n".repeat(20_000)),
        ("settings.js", format!("module.exports = {{uiPort: {}", "[".repeat(900_000))),
        ("settings.js", format!("module.exports = {{{}}}", "uiPort: 1,".repeat(20_000))),
        ("compose.yaml", format!("services:\n{}", " a: {ports: [1]}\n".repeat(9_000))),
        ("tb_gateway.json", "{\"thingsboard\":".repeat(200_000)),
        ("a.ini", "[a]\npassword=x\n".repeat(200_000)),
    ];
    for (name, text) in cases {
        let format = if name == "m.conf" { ConfigFormat::Mosquitto } else { ConfigFormat::Auto };
        let seen = seen(&[(name, &text)], format, None);
        let told = serde_json::to_string(&seen).unwrap().len();
        assert!(told < 256 * 1024, "{name}: {told} bytes of evidence");
        assert_ne!(seen.auth_anonymous.status(), "observed", "{name} {}", &text[..20]);
    }
}

/// A word that stands for a secret; it must not be in any evidence.
const CANARY: &str = "c4nary-Zq8vT1xY7w";

#[test]
fn a_secret_in_any_place_stays_where_it_is() {
    let mosquitto = [
        "remote_password",
        "local_password",
        "bridge_psk",
        "plugin_opt_password",
        "password_file",
        "acl_file",
        "certfile",
        "listener",
        "listener 1883",
        "bind_address",
        "connection",
        "address",
        "user",
        "allow_anonymous",
        "tls_version",
        "log_type",
        "protocol",
        "max_connections",
        "include_dir",
        "psk_hint",
        "topic",
        "plugin",
        "unknown_key",
        "port",
        "bind_interface",
    ];
    for key in mosquitto {
        let text = format!("listener 1883\nconnection a\nplugin x\n{key} {CANARY}\n");
        let json =
            serde_json::to_string(&seen(&[("m.conf", &text)], ConfigFormat::Mosquitto, None));
        assert!(!json.unwrap().contains(CANARY), "{key}");
    }
    for (from, to) in super::gateway::HARDENED.lines().filter_map(|line| {
        let (key, _) = line.split_once(" = ")?;
        Some((line.to_owned(), format!("{key} = \"{CANARY}\"")))
    }) {
        let text = super::gateway::HARDENED.replace(&from, &to);
        let json = serde_json::to_string(&super::gateway::read(&text)).unwrap();
        assert!(!json.contains(CANARY), "{to}");
    }
    let mapping = "format: yaml\nsettings:\n- {path: a, guardrail: tls, unsafe: [x]}\n- {path: b, type: secret}\n- {path: c, guardrail: bind, type: address, unsafe: [wildcard]}\n- {path: d, guardrail: tls, type: url, unsafe: [http]}\n- {path: e, type: file}\n";
    let text = format!(
        "a: {CANARY}\nb: {CANARY}\nc: {CANARY}\nd: http://{CANARY}@h/{CANARY}?{CANARY}\ne: {CANARY}\nf: {CANARY}\npassword: {CANARY}\n\"{CANARY} as a key\": 1\n"
    );
    let json = serde_json::to_string(&mapped("a.yaml", &text, mapping)).unwrap();
    assert!(!json.contains(CANARY), "{json}");
}

#[test]
fn pasted_keys_do_not_travel_as_unknown_settings() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZZZZZZZZZZZZZZZZ\nqrs8tuv/wxyz01==\n";
    let json =
        serde_json::to_string(&seen(&[("m.conf", pem)], ConfigFormat::Mosquitto, None)).unwrap();
    for part in ["MIGH", "qrs8", "BEGIN"] {
        assert!(!json.contains(part), "{part}");
    }
}

/// Formats with a reader of their own.
const FORMATS: [ConfigFormat; 12] = [
    ConfigFormat::Mosquitto,
    ConfigFormat::Yaml,
    ConfigFormat::PlumblineGateway,
    ConfigFormat::Compose,
    ConfigFormat::Kubernetes,
    ConfigFormat::Nginx,
    ConfigFormat::Haproxy,
    ConfigFormat::Telegraf,
    ConfigFormat::NodeRed,
    ConfigFormat::Systemd,
    ConfigFormat::ThingsboardGateway,
    ConfigFormat::Ini,
];

/// Gives a text to every reader; what they make of it does not matter here.
fn read_as_everything(text: &str) {
    let _ = readers::toml::read(text);
    let _ = readers::yaml::read(text);
    let _ = readers::json::read(text);
    let _ = readers::env::read(text);
    let _ = readers::ini::read(text);
    let _ = readers::yaml::read_all(text);
    let _ = readers::variables::fill(text);
    let environment = Environment::default();
    for style in [Style::Shell, Style::Spring] {
        let _ = Filler::new(style, &environment).value(text);
    }
    let _ = Mapping::parse(text);
}

proptest! {
    #[test]
    fn readers_never_panic_on_text(text in "\\PC{0,400}") {
        read_as_everything(&text);
    }

    #[test]
    fn readers_never_panic_on_what_looks_like_their_format(
        text in "([a-z]{0,3}[:=\\[\\]{}\"'#,&*!|>%@` \\t\\n.-]{0,3}){0,60}"
    ) {
        read_as_everything(&text);
    }

    #[test]
    fn readers_never_panic_on_variables(text in "([$]{1,2}[{]{0,2}[AB_x1]{0,2}[:?+-]{0,2}[}]{0,2}){0,40}") {
        read_as_everything(&text);
    }

    #[test]
    fn the_check_never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let folder = folder(&[("f", &bytes)]);
        for format in FORMATS {
            let _ = observe(&context(folder.path()), &declared("f", format));
        }
    }

    #[test]
    fn the_check_never_panics_on_samples_with_changes(
        which in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, any::<char>()), 1..8)
    ) {
        let (name, sample, format) = SAMPLES[which];
        let mut text: Vec<char> = sample.chars().collect();
        for (at, kind, c) in changes {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = c,
                1 => text.insert(at, c),
                2 => text.truncate(at.max(1)),
                3 => text.insert(at, ['{', '}', '"', '[', '$', '\\'][c as usize % 6]),
                4 => text[at] = '\n',
                _ => { text.remove(at); text.push(' '); }
            }
        }
        let text: String = text.into_iter().filter(|c| *c != '\0').collect();
        let first = seen(&[(name, &text)], format, None);
        let again = seen(&[(name, &text)], format, None);
        prop_assert_eq!(first, again);
    }

    #[test]
    fn the_check_never_panics_on_shuffled_settings(
        keys in prop::collection::vec((0..KEYS.len(), "[a-z0-9/. \\t-]{0,12}"), 0..40)
    ) {
        let text: String = keys.iter().map(|(key, value)| format!("{} {value}\n", KEYS[*key])).collect();
        let first = seen(&[("m.conf", &text)], ConfigFormat::Mosquitto, None);
        let again = seen(&[("m.conf", &text)], ConfigFormat::Mosquitto, None);
        prop_assert_eq!(first, again);
    }
}

const KEYS: [&str; 18] = [
    "listener",
    "port",
    "bind_address",
    "allow_anonymous",
    "per_listener_settings",
    "acl_file",
    "password_file",
    "plugin",
    "plugin_load",
    "plugin_use",
    "connection",
    "address",
    "certfile",
    "keyfile",
    "max_connections",
    "require_certificate",
    "include_dir",
    "listener_allow_anonymous",
];

/// Files that are whole, to be changed.
const SAMPLES: [(&str, &str, ConfigFormat); 9] = [
    ("compose.yaml", super::compose::EXPOSED, ConfigFormat::Compose),
    ("k.yaml", super::kubernetes::HARDENED, ConfigFormat::Kubernetes),
    ("nginx.conf", super::nginx::EXPOSED, ConfigFormat::Nginx),
    ("haproxy.cfg", super::haproxy::EXPOSED, ConfigFormat::Haproxy),
    ("telegraf.conf", super::telegraf::HARDENED, ConfigFormat::Telegraf),
    ("settings.js", super::node_red::HARDENED, ConfigFormat::NodeRed),
    ("broker.service", super::systemd::HARDENED, ConfigFormat::Systemd),
    ("tb_gateway.json", super::thingsboard::EXPOSED, ConfigFormat::ThingsboardGateway),
    ("a.ini", "[a]\nk = 1\npassword = x\n", ConfigFormat::Ini),
];

#[test]
fn a_secret_anywhere_in_a_sample_stays_where_it_is() {
    for (name, sample, format) in SAMPLES {
        let word = |c: char| c.is_ascii_alphanumeric();
        // Every word of the sample in turn.
        for (at, _) in sample.match_indices(word) {
            if sample[..at].chars().next_back().is_some_and(word) {
                continue;
            }
            let end = sample[at..].find(|c| !word(c)).unwrap_or(sample.len() - at);
            let text = format!("{}{CANARY}{}", &sample[..at], &sample[at + end..]);
            let json = serde_json::to_string(&seen(&[(name, &text)], format, None)).unwrap();
            // It may be a part of the name of a setting, and never of a value.
            for (at, _) in json.match_indices(CANARY) {
                let start = json[..at].rfind('"').unwrap();
                assert!(!json[..start].ends_with("\"value\":"), "{name}: {text}");
            }
        }
    }
}
