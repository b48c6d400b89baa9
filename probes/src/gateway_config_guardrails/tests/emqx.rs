//! EMQX: layers, listeners, authenticators, acl.conf, the environment, and what versions change.

use model::document::ConfigFormat;
use model::evidence::{Guardrail, Origin, SecretKind};

use super::{list, places, seen, seen_with, undetermined, weak, word};

const CLUSTER: (&str, &str) = ("cluster.hocon", "");

const EXPOSED: &str = r#"node.cookie = emqxsecretcookie
listeners.tcp.default.bind = "0.0.0.0:1883"
dashboard.listeners.http.bind = 18083
dashboard.default_password = public
authorization.no_match = allow
log.console.level = debug
"#;

pub const HARDENED: &str = r#"node.cookie = "a-cookie-of-its-own-and-long"
listeners {
  tcp.default.enable = false, ws.default.enable = false
  wss.default.enable = false
  ssl.default {
    bind = "192.0.2.10:8883", max_connections = 500
    ssl_options {
      verify = verify_peer, fail_if_no_peer_cert = true
      certfile = "/run/secrets/mq.pem", keyfile = "/run/secrets/mq.key"
      versions = [tlsv1.3, "tlsv1.2"]
    }
  }
}
authentication = [{mechanism = password_based, backend = built_in_database}]
authorization { no_match = deny, sources = [{type = built_in_database, enable = true}] }
mqtt.max_packet_size = 64KB
dashboard {
  listeners { http.bind = 0, https.bind = "127.0.0.1:18084" }
  default_password = "a-long-password-of-its-own"
}
"#;

/// One open door: the plain listener asks nobody.
const MIXED: &str = r#"
listeners.tcp.default { bind = "192.0.2.10:1883", enable_authn = false, max_connections = 10 }
listeners.ws.default.enable = false
listeners.wss.default.enable = false
listeners.ssl.default { bind = "192.0.2.10:8883", max_connections = 500
  ssl_options { keyfile = "/run/secrets/mq.key", versions = ["tlsv1.2", "tlsv1.1"] } }
authentication = [{mechanism = password_based, backend = built_in_database}]
authorization { no_match = deny, sources = [{type = file}] }
dashboard { listeners.http.bind = "127.0.0.1:18083", default_password = "a-long-password-of-its-own" }
"#;

fn emqx(files: &[(&str, &str)], version: &str) -> model::evidence::GatewayConfigGuardrailsStable {
    seen(files, ConfigFormat::Emqx, Some(version))
}

#[test]
fn an_exposed_broker_is_told_by_line() {
    let seen = seen(&[("emqx.conf", EXPOSED), CLUSTER], ConfigFormat::Auto, Some("5.8.4"));
    assert_eq!(seen.format.value().unwrap(), "emqx");
    assert_eq!(
        weak(&seen),
        [
            "Anonymous off",
            "Authorization off",
            "Tls off",
            "Bind off",
            "Admin off",
            "Debug off",
            "Limits off"
        ]
    );
    assert_eq!(places(&seen.debug_logging), ["emqx.conf:6:1"]);
    assert_eq!(places(&seen.admin_exposed), ["emqx.conf:3:1"]);
    assert_eq!(places(&seen.authorization_missing), ["emqx.conf:5:1"]);
    assert!(places(&seen.tls_plaintext).contains(&"emqx.conf:2:1".to_owned()));
    let known: Vec<_> =
        seen.secrets_known.value().unwrap().iter().map(|s| (s.setting.clone(), s.line)).collect();
    assert!(known.contains(&("node.cookie".to_owned(), 1)), "{known:?}");
    assert!(known.contains(&("dashboard.default_password".to_owned(), 4)));
    // The listener that nobody declares has the key that everybody has.
    assert!(known.contains(&("listeners.ssl.default.ssl_options.keyfile".to_owned(), 2)));
}

#[test]
fn a_hardened_broker_has_every_guardrail_on_under_every_version() {
    let files = [("emqx.conf", HARDENED), CLUSTER];
    let env = Some("EMQX_SECURITY_PROFILE=hardened\n");
    for version in [Some("5.1"), Some("5.10.4"), Some("6.0.0"), Some("6.3.0"), None] {
        let seen = seen_with(&files, ConfigFormat::Emqx, version, env);
        assert_eq!(weak(&seen), ["Admin local"], "{version:?} {seen:#?}");
        assert!(seen.secrets_known.value().unwrap().is_empty(), "{version:?}");
        assert!(undetermined(&seen).is_empty(), "{version:?}");
    }
}

#[test]
fn one_open_listener_among_closed_ones_is_found() {
    let acl = "{deny, all, subscribe, [\"$SYS/#\"]}.\n{allow, all}.\n";
    let seen = emqx(&[("emqx.conf", MIXED), CLUSTER, ("acl.conf", acl)], "5.8");
    assert_eq!(places(&seen.auth_anonymous), ["emqx.conf:2:51"]);
    assert_eq!(places(&seen.tls_old_versions), ["emqx.conf:6:73"]);
    assert_eq!(places(&seen.authorization_missing), ["acl.conf:2:1"]);
    assert_eq!(word(&seen, Guardrail::Bind), "on");
    let closed = "{allow, {user, \"ops\"}, subscribe, [\"$SYS/#\"]}.\n{deny, all}.\n";
    let seen = emqx(&[("emqx.conf", MIXED), CLUSTER, ("acl.conf", closed)], "5.8");
    assert_eq!(word(&seen, Guardrail::Authorization), "on");
    let seen = emqx(&[("emqx.conf", MIXED), CLUSTER], "5.8");
    assert_eq!(word(&seen, Guardrail::Authorization), "open");
}

#[test]
fn the_rules_are_read_from_the_file_that_the_source_names() {
    let open = "{allow, all}.\n";
    let closed = "{deny, all}.\n";
    let with = |written: &str, files: &[(&str, &str)]| {
        let source = format!("type = file, path = \"{written}\"");
        let text = MIXED.replace("type = file", &source);
        let all = [&[("emqx.conf", &*text), CLUSTER], files].concat();
        emqx(&all, "5.8")
    };
    let both = [("acl.conf", closed), ("etc/mine.conf", open)];
    let seen = with("/opt/emqx/etc/mine.conf", &both);
    assert_eq!(places(&seen.authorization_missing), ["etc/mine.conf:1:1"]);
    let shipped = with("${EMQX_ETC_DIR}/acl.conf", &both);
    assert_eq!(word(&shipped, Guardrail::Authorization), "on");
    let absent = with("etc/other.conf", &both);
    assert_eq!(word(&absent, Guardrail::Authorization), "open");
    assert!(absent.authorization_missing.reason().unwrap().contains("other.conf"));
}

#[test]
fn without_cluster_hocon_only_what_the_file_says_is_decided() {
    let seen = emqx(&[("emqx.conf", EXPOSED)], "5.8");
    assert_eq!(word(&seen, Guardrail::Anonymous), "open");
    assert_eq!(word(&seen, Guardrail::Authorization), "off");
    assert_eq!(word(&seen, Guardrail::Tls), "off");
    assert!(undetermined(&seen).contains(&"cluster.hocon".to_owned()));
    let hardened = emqx(&[("emqx.conf", HARDENED)], "5.8");
    assert_eq!(word(&hardened, Guardrail::Anonymous), "on");
    assert_eq!(word(&hardened, Guardrail::Debug), "open");
}

#[test]
fn layers_are_read_from_weak_to_strong_and_tell_what_they_override() {
    let files = [
        ("etc/emqx.conf", HARDENED),
        ("etc/base.hocon", "log.console.level = debug\nmqtt.max_packet_size = 1MB\n"),
        (
            "data/configs/cluster.hocon",
            "log.console.level = info\nauthorization.no_match = allow\n",
        ),
    ];
    let seen = seen_with(
        &files,
        ConfigFormat::Emqx,
        Some("5.8"),
        Some("EMQX_LOG__CONSOLE__LEVEL=debug\n"),
    );
    assert_eq!(word(&seen, Guardrail::Authorization), "on");
    assert_eq!(places(&seen.debug_logging), ["program.env:1:1"]);
    let overridden: Vec<_> = seen
        .overridden
        .value()
        .unwrap()
        .iter()
        .map(|one| format!("{}:{} {} {}", one.file, one.line, one.setting, one.value))
        .collect();
    assert_eq!(
        overridden,
        [
            "data/configs/cluster.hocon:1 log.console.level info",
            "data/configs/cluster.hocon:2 authorization.no_match allow",
            "etc/base.hocon:1 log.console.level debug",
            "etc/base.hocon:2 mqtt.max_packet_size 1MB",
        ]
    );
}

#[test]
fn the_environment_sets_listeners_and_lists_as_the_file_does() {
    let env = "EMQX_LISTENERS__TCP__DEFAULT__ENABLE=true\nEMQX_LISTENERS__TCP__DEFAULT__BIND=0.0.0.0:1883\nEMQX_AUTHENTICATION=[]\nEMQX_NODE_COOKIE=emqxsecretcookie\nEMQX_DASHBOARD__DEFAULT_PASSWORD=${FROM_ELSEWHERE}\n";
    let files = [("emqx.conf", HARDENED), CLUSTER];
    let seen = seen_with(&files, ConfigFormat::Emqx, Some("5.8"), Some(env));
    assert_eq!(word(&seen, Guardrail::Anonymous), "off");
    assert_eq!(places(&seen.bind_all_interfaces), ["program.env:2:1"]);
    let known = seen.secrets_known.value().unwrap();
    assert!(known.iter().any(|secret| secret.setting == "node.cookie" && secret.line == 4));
    let settings = seen.settings.value().unwrap();
    let password = settings.iter().find(|s| s.setting == "dashboard.default_password").unwrap();
    assert_eq!(password.origin, Origin::Unresolved);
}

#[test]
fn defaults_are_those_of_the_version_and_open_where_versions_differ() {
    let text = HARDENED.replace(
        "no_match = deny, sources = [{type = built_in_database, enable = true}]",
        "sources = []",
    );
    let files = [("emqx.conf", text.as_str()), CLUSTER];
    for (version, expected) in [(Some("5.10.4"), "off"), (Some("6.0.0"), "on"), (None, "open")] {
        let env = Some("EMQX_SECURITY_PROFILE=legacy\n");
        let seen = seen_with(&files, ConfigFormat::Emqx, version, env);
        assert_eq!(word(&seen, Guardrail::Authorization), expected, "{version:?}");
    }
    let seen = seen_with(&files, ConfigFormat::Emqx, None, None);
    let reason = seen.authorization_missing.reason().unwrap();
    assert!(reason.contains("5, 6.0, 6.2.1"), "{reason}");
}

#[test]
fn the_security_profile_decides_what_is_not_said_and_is_asked_for_where_it_is_not_here() {
    let files = [("emqx.conf", "mqtt.max_mqueue_len = 100\n"), CLUSTER];
    let with = |env| seen_with(&files, ConfigFormat::Emqx, Some("6.3"), env);
    let hardened = with(Some("EMQX_SECURITY_PROFILE=hardened\n"));
    assert_eq!(word(&hardened, Guardrail::Anonymous), "on");
    assert_eq!(word(&hardened, Guardrail::Tls), "local");
    let legacy = with(Some("A=b\n"));
    assert_eq!(word(&legacy, Guardrail::Anonymous), "off");
    assert_eq!(word(&legacy, Guardrail::Tls), "off");
    let unknown = with(None);
    assert_eq!(word(&unknown, Guardrail::Anonymous), "open");
    assert!(undetermined(&unknown).contains(&"EMQX_SECURITY_PROFILE".to_owned()));
}

#[test]
fn a_line_that_is_commented_out_is_absent() {
    let text = format!("{HARDENED}\n# log.console.level = debug\n// authentication = []\n");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(weak(&seen), ["Admin local"]);
}

#[test]
fn a_variable_leaves_open_what_hangs_on_it_and_nothing_else() {
    let text = HARDENED.replace("no_match = deny", "no_match = ${HOME}");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(weak(&seen), ["Authorization open", "Admin local"]);
    assert_eq!(undetermined(&seen), ["authorization.no_match"]);
    let with = seen_with(
        &[("emqx.conf", &text), CLUSTER],
        ConfigFormat::Emqx,
        Some("5.8"),
        Some("HOME=deny\n"),
    );
    assert_eq!(weak(&with), ["Admin local"]);
}

#[test]
fn an_address_that_cannot_be_told_leaves_the_listener_open_and_not_off() {
    let text = HARDENED.replace("tcp.default.enable = false", "tcp.default.bind = ${WHERE}");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(
        weak(&seen),
        ["Anonymous open", "Tls open", "Bind open", "Admin local", "Limits open"]
    );
}

#[test]
fn a_disabled_authenticator_is_none() {
    let text = HARDENED
        .replace(
            "backend = built_in_database}]\na",
            "backend = built_in_database, enable = false}]\na",
        )
        .replace("fail_if_no_peer_cert = true", "fail_if_no_peer_cert = false");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(weak(&seen), ["Anonymous off", "Admin local"]);
}

#[test]
fn names_from_certificates_need_certificates() {
    let text = HARDENED.replace("fail_if_no_peer_cert = true", "fail_if_no_peer_cert = false")
        + "mqtt.peer_cert_as_username = cn\n";
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(word(&seen, Guardrail::IdentityMapping), "off");
    let text = format!("{HARDENED}mqtt.peer_cert_as_username = cn\n");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    assert_eq!(word(&seen, Guardrail::IdentityMapping), "on");
}

#[test]
fn a_link_without_tls_or_without_a_check_is_found() {
    let link = |ssl: &str| {
        let text =
            format!("{HARDENED}connectors.mqtt.up {{ server = \"cloud.example:1883\"\n {ssl} }}\n");
        emqx(&[("emqx.conf", &text), CLUSTER], "5.8")
    };
    assert_eq!(word(&link(""), Guardrail::Tls), "off");
    assert_eq!(word(&link("ssl.enable = true"), Guardrail::PeerVerification), "off");
    assert_eq!(weak(&link("ssl { enable = true, verify = verify_peer }")), ["Admin local"]);
}

#[test]
fn a_misspelt_key_is_told_with_the_one_that_was_meant() {
    for (line, meant) in [
        ("authorisation.no_match = deny", "authorization.no_match"),
        (
            "listeners.ssl.default.ssl_options.verfy = verify_peer",
            "listeners.*.*.ssl_options.verify",
        ),
    ] {
        let text = format!("{HARDENED}{line}\n");
        let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
        let unknown = list(&seen, Guardrail::UnknownKey).value().unwrap();
        assert_eq!(unknown.len(), 1, "{unknown:?}");
        assert!(unknown[0].value.contains(&format!("perhaps `{meant}`")), "{unknown:?}");
    }
}

#[test]
fn includes_are_followed_inside_the_folder() {
    let text = format!("{HARDENED}include \"more/log.conf\"\n");
    let seen = emqx(
        &[
            ("emqx.conf", &text),
            CLUSTER,
            ("more/log.conf", "\nlog { console { level = debug } }\n"),
        ],
        "5.8",
    );
    assert_eq!(places(&seen.debug_logging), ["more/log.conf:2:17"]);
    let seen =
        emqx(&[("emqx.conf", &format!("{HARDENED}include \"emqx.conf\"\n")), CLUSTER], "5.8");
    assert!(undetermined(&seen).contains(&"include".to_owned()));
    let missing =
        emqx(&[("emqx.conf", &format!("{HARDENED}include \"gone.conf\"\n")), CLUSTER], "5.8");
    assert_eq!(word(&missing, Guardrail::Anonymous), "open");
}

#[test]
fn the_shipped_key_is_known_by_its_path() {
    let text = HARDENED.replace("/run/secrets/mq.key", "${EMQX_ETC_DIR}/certs/key.pem");
    let seen = emqx(&[("emqx.conf", &text), CLUSTER], "5.8");
    let known = seen.secrets_known.value().unwrap();
    assert_eq!((known.len(), known[0].kind), (1, SecretKind::Key));
    assert!(seen.secrets_inline.value().unwrap().iter().all(|s| s.kind != SecretKind::Key));
}

#[test]
fn a_cookie_that_is_not_set_is_the_one_that_is_shipped() {
    let text = HARDENED.replace("node.cookie = \"a-cookie-of-its-own-and-long\"\n", "");
    let with = |env: &str| {
        seen_with(&[("emqx.conf", &text), CLUSTER], ConfigFormat::Emqx, Some("6.2.1"), Some(env))
    };
    let known = |seen: &model::evidence::GatewayConfigGuardrailsStable| {
        let known = seen.secrets_known.value().unwrap();
        known.iter().map(|one| one.setting.clone()).collect::<Vec<_>>()
    };
    assert_eq!(known(&with("OTHER=1\n")), ["node.cookie"]);
    assert!(known(&with("EMQX_NODE_COOKIE=a-cookie-of-its-own-and-long\n")).is_empty());
    assert!(known(&with("EMQX_SECURITY_PROFILE=hardened\n")).is_empty());
    // Nobody says what the environment sets.
    let open = emqx(&[("emqx.conf", &text), CLUSTER], "5.8.4");
    assert_eq!(open.secrets_known.status(), "not_attempted");
}
