//! The ThingsBoard gateway: exposed, mixed, hardened, with connectors.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{keeps, one_change, places, seen, word};

pub(super) const EXPOSED: &str = r#"{"thingsboard": {
  "host": "tb.example", "port": 1883,
  "remoteShell": true,
  "security": {"accessToken": "YOUR_ACCESS_TOKEN"}},
 "connectors": [
  {"type": "mqtt", "configuration": "mqtt.json"},
  {"type": "rest", "configuration": "rest.json"}]}
"#;

pub(super) const HARDENED: &str = r#"{"thingsboard": {
  "host": "tb.example", "port": 8883,
  "remoteShell": false, "remoteConfiguration": false,
  "security": {"type": "tlsPrivateKey", "caCert": "ca.pem", "cert": "gw.pem", "privateKey": "gw.key"}},
 "connectors": []}
"#;

fn gateway(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("tb_gateway.json", text)], ConfigFormat::Auto, None)
}

#[test]
fn an_exposed_gateway_is_seen_with_the_files_of_its_connectors() {
    let files = [
        ("tb_gateway.json", EXPOSED),
        (
            "mqtt.json",
            "{\"broker\": {\"host\": \"mq.example\",\n \"security\": {\"type\": \"anonymous\"}}}",
        ),
        (
            "rest.json",
            "{\"server\": {\"host\": \"0.0.0.0\",\n \"SSL\": false},\n \"mapping\": [{\"endpoint\": \"/a\"}, {\"security\": {\"type\": \"basic\", \"password\": \"hunter2\"}}]}",
        ),
    ];
    let seen = seen(&files, ConfigFormat::Auto, None);
    assert_eq!(seen.format.value().unwrap(), "thingsboard-gateway");
    assert_eq!(
        places(&seen.tls_plaintext),
        ["mqtt.json:2:2", "rest.json:2:2", "tb_gateway.json:2:25"]
    );
    assert_eq!(places(&seen.admin_exposed), ["tb_gateway.json:3:3"]);
    assert_eq!(places(&seen.bind_all_interfaces), ["rest.json:1:13"]);
    assert_eq!(places(&seen.auth_not_enforced), ["rest.json:3:14"]);
    assert_eq!(seen.secrets_known.value().unwrap()[0].line, 4);
    assert_eq!(seen.secrets_inline.value().unwrap().len(), 2);
    assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
}

#[test]
fn a_hardened_gateway_leaves_nothing_off() {
    let seen = gateway(HARDENED);
    keeps(&seen, &[Guardrail::Tls, Guardrail::PeerVerification, Guardrail::Admin], &["on"]);
}

#[test]
fn one_change_leaves_one_guardrail_off_or_open() {
    let cases = [
        (", \"cert\": \"gw.pem\"", "", Guardrail::PeerVerification, "off"),
        ("\"type\": \"tlsPrivateKey\"", "\"insecure\": true", Guardrail::PeerVerification, "off"),
        ("\"caCert\": \"ca.pem\", ", "", Guardrail::PeerVerification, "off"),
        ("\"remoteShell\": false", "\"remoteShell\": \"${SHELL}\"", Guardrail::Admin, "open"),
        ("8883", "1883", Guardrail::Tls, "on"),
        ("8883", "1883, \"x\": 1", Guardrail::PeerVerification, "on"),
    ];
    one_change(HARDENED, gateway, &cases);
    let local = EXPOSED.replace("tb.example", "127.0.0.1").replace("\"connectors\": [", "\"x\": [");
    assert_eq!(word(&gateway(&local), Guardrail::Tls), "local");
}

#[test]
fn a_connector_that_is_not_in_evidence_leaves_open_what_it_could_change() {
    let text = HARDENED
        .replace("[]", "[{\"type\": \"rest\", \"configuration\": \"../../etc/rest.json\"}]");
    let seen = gateway(&text);
    assert_eq!(word(&seen, Guardrail::Authentication), "open");
    assert_eq!(word(&seen, Guardrail::Tls), "open");
    assert_eq!(word(&seen, Guardrail::Admin), "on");
}

#[test]
fn the_older_yaml_says_the_same() {
    let text = "thingsboard:\n  host: tb.example\n  port: 1883\n  remoteShell: true\n";
    let seen = seen(&[("tb_gateway.yaml", text)], ConfigFormat::Auto, None);
    assert_eq!(places(&seen.admin_exposed), ["tb_gateway.yaml:4:3"]);
    assert_eq!(word(&seen, Guardrail::Tls), "off");
}

#[test]
fn variables_of_the_declared_environment_beat_the_file() {
    let with = |env: &str, text: &str| {
        super::seen_with(&[("tb_gateway.json", text)], ConfigFormat::Auto, None, Some(env))
    };
    let plain = with("TB_GW_PORT=1883\nTB_GW_ACCESS_TOKEN=YOUR_ACCESS_TOKEN\n", HARDENED);
    // An authority to trust switches TLS on, whatever the port.
    assert_eq!(word(&plain, Guardrail::Tls), "on");
    assert_eq!(plain.secrets_known.value().unwrap()[0].file, "program.env");
    assert_eq!(places(&plain.overridden), ["tb_gateway.json:2:25"]);
    let bare = HARDENED.replace("\"caCert\": \"ca.pem\", ", "");
    assert_eq!(places(&with("TB_GW_PORT=1883\n", &bare).tls_plaintext), ["program.env:1:1"]);
    assert_eq!(places(&with("port=1883\n", &bare).tls_plaintext), ["program.env:1:1"]);
    assert_eq!(word(&with("port=1883\nTB_GW_PORT=8883\n", &bare), Guardrail::Tls), "open");
    assert_eq!(word(&with("TB_GW_PORT=${PORT}\n", &bare), Guardrail::Tls), "open");
    assert_eq!(
        word(&with("TB_GW_PORT=1883\nTB_GW_HOST=127.0.0.1\n", &bare), Guardrail::Tls),
        "local"
    );
    let exposed = with("TB_GW_PORT=8883\nTB_GW_CA_CERT=ca.pem\nTB_GW_CERT=gw.pem\n", EXPOSED);
    // Only its connectors, which are not here, are still open.
    assert_eq!(word(&exposed, Guardrail::Tls), "open");
    assert_eq!(word(&exposed, Guardrail::PeerVerification), "open");
    // Names of other programs mean nothing.
    assert_eq!(word(&with("MY_PORT=1883\n", &bare), Guardrail::Tls), "on");
}
