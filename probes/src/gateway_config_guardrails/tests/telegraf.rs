//! telegraf.conf: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, SecretKind};

use super::{keeps, one_change, places, seen, undetermined, word};

pub(super) const EXPOSED: &str = r#"[agent]
  debug = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://mq.example:1883"]
  username = "gw"
  password = "changeme"
  insecure_skip_verify = true
[[inputs.http_listener_v2]]
  service_address = ":8080"
  data_format = "json"
[[outputs.influxdb_v2]]
  urls = ["http://192.0.2.7:8086"]
  token = "${INFLUX_TOKEN}"
  tls_min_version = "TLS10"
"#;

pub(super) const HARDENED: &str = r#"[agent]
  interval = ${INTERVAL}
# [[inputs.http_listener_v2]]
[[inputs.mqtt_consumer]]
  servers = ["ssl://mq.example:8883"]
  tls_ca = "/etc/telegraf/ca.pem"
  tls_min_version = "TLS13"
  password = "@{vault:mqtt}"
[[inputs.http_listener_v2]]
  service_address = "192.0.2.10:8443"
  tls_cert = "/etc/telegraf/gw.pem"
  tls_min_version = "TLS12"
  basic_username = "gw"
  basic_password = "${BASIC}"
[[outputs.mqtt]]
  servers = ["tcp://mq.example:8883"]
  tls_ca = "/etc/telegraf/ca.pem"
[[inputs.socket_listener]]
  service_address = "unix:///run/t.sock"
"#;

fn telegraf(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("telegraf.conf", text)], ConfigFormat::Auto, None)
}

#[test]
fn an_exposed_agent_is_seen_with_every_place() {
    let seen = telegraf(EXPOSED);
    assert_eq!(seen.format.value().unwrap(), "telegraf");
    assert_eq!(places(&seen.debug_logging), ["telegraf.conf:2:3"]);
    assert_eq!(
        places(&seen.tls_plaintext),
        ["telegraf.conf:4:14", "telegraf.conf:9:3", "telegraf.conf:12:11"]
    );
    assert_eq!(places(&seen.tls_unverified_peers), ["telegraf.conf:7:3"]);
    assert_eq!(places(&seen.bind_all_interfaces), ["telegraf.conf:9:3"]);
    assert_eq!(places(&seen.auth_not_enforced), ["telegraf.conf:9:3"]);
    assert_eq!(places(&seen.tls_old_versions), ["telegraf.conf:14:3"]);
    let secrets = seen.secrets_inline.value().unwrap();
    assert_eq!(secrets.len(), 1);
    assert_eq!((secrets[0].line, secrets[0].kind), (6, SecretKind::Password));
    assert_eq!(seen.secrets_known.value().unwrap().len(), 1);
}

#[test]
fn a_hardened_agent_leaves_nothing_off() {
    let seen = telegraf(HARDENED);
    keeps(
        &seen,
        &[
            Guardrail::Authentication,
            Guardrail::Tls,
            Guardrail::TlsVersion,
            Guardrail::PeerVerification,
            Guardrail::Bind,
            Guardrail::Debug,
        ],
        &["on"],
    );
}

#[test]
fn one_change_leaves_one_guardrail_off_or_open() {
    let cases = [
        (
            "tls_ca = \"/etc/telegraf/ca.pem\"\n[[inputs.socket",
            "tls_enable = false\n[[inputs.socket",
            Guardrail::Tls,
            "off",
        ),
        ("ssl://mq", "tcp://mq", Guardrail::Tls, "off"),
        ("ssl://mq", "${SCHEME}://mq", Guardrail::Tls, "open"),
        (
            "  basic_username = \"gw\"\n  basic_password = \"${BASIC}\"\n",
            "",
            Guardrail::Authentication,
            "off",
        ),
        ("\"TLS13\"", "\"TLS11\"", Guardrail::TlsVersion, "off"),
        ("\"TLS13\"", "$MIN", Guardrail::TlsVersion, "open"),
        ("  tls_min_version = \"TLS12\"\n", "", Guardrail::TlsVersion, "open"),
        ("192.0.2.10:8443", "tcp://:8443", Guardrail::Bind, "off"),
        ("\"192.0.2.10:8443\"", "${ADDRESS}", Guardrail::Bind, "open"),
        ("unix:///run/t.sock", "tcp://127.0.0.1:1", Guardrail::Authentication, "local"),
    ];
    one_change(HARDENED, telegraf, &cases);
}

#[test]
fn the_version_settles_what_a_listener_took_before() {
    let text = HARDENED.replace("  tls_min_version = \"TLS12\"\n", "");
    let as_version = |version| {
        word(&seen(&[("t.conf", &text)], ConfigFormat::Telegraf, version), Guardrail::TlsVersion)
    };
    assert_eq!(as_version(Some("1.23.4")), "off");
    assert_eq!(as_version(Some("1.24.0")), "on");
}

#[test]
fn files_of_the_folder_beside_it_add_up() {
    let files = [
        ("telegraf.conf", HARDENED),
        ("telegraf.d/a.conf", "[[outputs.mqtt]]\n  servers = [\"tcp://mq.example:1883\"]\n"),
        ("telegraf.d/b.conf", "[[outputs.http]]\n  url = \n"),
        ("telegraf.d/c.txt", "[agent]\n  debug = true\n"),
    ];
    let with = seen(&files[..2], ConfigFormat::Auto, None);
    assert_eq!(places(&with.tls_plaintext), ["telegraf.d/a.conf:2:14"]);
    let broken = seen(&files, ConfigFormat::Auto, None);
    assert_eq!(word(&broken, Guardrail::Debug), "open");
    assert!(undetermined(&broken).contains(&"telegraf.d".to_owned()));
}

#[test]
fn a_default_behind_a_variable_is_a_secret_in_the_file() {
    let text = HARDENED.replace("${BASIC}", "${BASIC:-hunter2hunter2hunter2}");
    let seen = telegraf(&text);
    assert_eq!(seen.secrets_inline.value().unwrap()[0].line, 14);
    assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
}
