//! Defaults of every program by version, against what its own sources, schemas and change lists say.
//! A default that a reader assumes decides what an absent key means, so each stands here once more.

use model::document::ConfigFormat as Format;
use model::evidence::Guardrail as G;

use super::{seen, word};
use crate::gateway_config_guardrails::readers::programs;
use crate::gateway_config_guardrails::version::Version;

/// What the table of a program says of an absent key under a version.
fn assumed(format: Format, path: &str, version: &str) -> Vec<&'static str> {
    let program = programs::of(format).unwrap();
    let key = program.keys.iter().find(|key| key.path == path);
    let key = key.unwrap_or_else(|| panic!("{} knows no {path}", program.name));
    let version = Version::parse(version);
    key.defaults.iter().filter(|one| one.holds(version)).map(|one| one.value).collect()
}

/// Keys, versions, and the default of that version; an empty one is none.
type Defaults<'a> = &'a [(&'a str, &'a str, &'a str)];

#[test]
fn absent_keys_have_the_default_of_their_version() {
    let emqx = [
        ("listeners.tcp.default.bind", "5.0.0", "0.0.0.0:1883"),
        ("listeners.ssl.default.bind", "5.8.4", "0.0.0.0:8883"),
        ("listeners.ws.default.bind", "6.0.0", "0.0.0.0:8083"),
        ("listeners.wss.default.bind", "6.2.1", "0.0.0.0:8084"),
        ("listeners.*.*.enable_authn", "5.8.4", "true"),
        ("listeners.*.*.max_connections", "5.8.4", "infinity"),
        ("listeners.*.*.ssl_options.verify", "5.8.4", "verify_none"),
        ("listeners.*.*.ssl_options.fail_if_no_peer_cert", "5.8.4", "false"),
        ("authentication.*.enable", "5.8.4", "true"),
        ("authorization.no_match", "5.0.0", "allow"),
        ("authorization.no_match", "5.10.4", "allow"),
        ("authorization.no_match", "6.0.0", "deny"),
        ("authorization.no_match", "6.2.1", "deny"),
        ("dashboard.listeners.http.bind", "5.8.4", "18083"),
        ("dashboard.listeners.https.bind", "5.8.4", "0"),
        ("log.console.level", "5.8.4", "warning"),
        ("mqtt.max_packet_size", "5.8.4", "1MB"),
        ("mqtt.max_mqueue_len", "5.8.4", "1000"),
        ("connectors.*.*.ssl.enable", "5.8.4", "false"),
        ("connectors.*.*.ssl.verify", "5.8.4", "verify_none"),
    ];
    let nanomq = [
        ("listeners.tcp.bind", "0.25.6", "0.0.0.0:1883"),
        ("listeners.ws.bind", "0.25.6", "0.0.0.0:8083"),
        ("listeners.*.verify_peer", "0.25.6", "false"),
        ("listeners.*.fail_if_no_peer_cert", "0.25.6", "false"),
        ("auth.allow_anonymous", "0.25.6", "true"),
        ("auth.no_match", "0.25.6", "allow"),
        ("log.level", "0.25.6", "warn"),
        ("mqtt.max_packet_size", "0.25.6", "10MB"),
        ("mqtt.max_mqueue_len", "0.25.6", "1024"),
        ("bridges.mqtt.*.ssl.verify_peer", "0.25.6", "false"),
    ];
    let hivemq = [
        ("listeners.*.*.bind-address", "2026.5", "0.0.0.0"),
        ("listeners.*.*.tls.client-authentication-mode", "2026.5", "NONE"),
        ("restrictions.max-connections", "2026.5", "-1"),
        ("mqtt.packets.max-packet-size", "2026.5", "268435460"),
        ("mqtt.queued-messages.max-queue-size", "2026.5", "1000"),
    ];
    let rabbitmq = [
        ("mqtt.allow_anonymous", "3.10.8", "true"),
        ("mqtt.allow_anonymous", "4.0.1", "true"),
        ("mqtt.default_user", "3.13.0", "guest"),
        ("mqtt.default_user", "4.0.1", ""),
        ("anonymous_login_user", "3.13.0", ""),
        ("anonymous_login_user", "4.0.1", "guest"),
        ("ssl_options.verify", "3.13.0", "verify_none"),
        ("ssl_options.fail_if_no_peer_cert", "3.13.0", "false"),
        ("management.tcp.port", "3.13.0", "15672"),
        ("management.tcp.ip", "3.13.0", "0.0.0.0"),
        ("prometheus.tcp.ip", "3.13.0", "0.0.0.0"),
        ("log.file.level", "3.13.0", "info"),
        ("log.console.level", "4.0.1", "info"),
        ("connection_max", "3.13.0", "infinity"),
        ("max_message_size", "3.13.0", "134217728"),
        ("max_message_size", "4.0.0", "16777216"),
    ];
    let vernemq = [
        ("allow_anonymous", "2.2.0", "off"),
        ("plugins.vmq_acl", "2.2.0", "on"),
        ("plugins.vmq_passwd", "2.2.0", "on"),
        ("plugins.vmq_diversity", "2.2.0", "off"),
        ("plugins.vmq_webhooks", "2.2.0", "off"),
        ("listener.tcp.default", "2.2.0", "127.0.0.1:1883"),
        ("listener.http.default", "2.2.0", "127.0.0.1:8888"),
        ("listener.vmq.clustering", "2.2.0", "0.0.0.0:44053"),
        ("listener.max_connections", "2.2.0", "10000"),
        ("log.console.level", "2.2.0", "info"),
        ("max_message_size", "2.2.0", "0"),
        ("max_online_messages", "2.2.0", "1000"),
        ("max_offline_messages", "2.2.0", "1000"),
    ];
    let all: [(Format, Defaults<'_>); 5] = [
        (Format::Emqx, &emqx),
        (Format::Nanomq, &nanomq),
        (Format::Hivemq, &hivemq),
        (Format::Rabbitmq, &rabbitmq),
        (Format::Vernemq, &vernemq),
    ];
    for (format, rows) in all {
        for (path, version, expected) in rows {
            let expected: Vec<_> =
                Some(*expected).filter(|text| !text.is_empty()).into_iter().collect();
            assert_eq!(assumed(format, path, version), expected, "{format:?} {path} {version}");
        }
    }
}

/// A file, its format, the guardrail, and what becomes of it under each version.
type Row = (&'static str, &'static str, Format, G, &'static [(Option<&'static str>, &'static str)]);

const TLS: &str = "listener 8883 192.0.2.1\ncertfile c\nkeyfile k\nallow_anonymous false\n";

/// What a file says that does not say it, by version of the program.
const ROWS: &[Row] = &[
    // mosquitto: anonymous clients.
    (
        "mosquitto.conf",
        "listener 1883\n",
        Format::Mosquitto,
        G::Anonymous,
        &[
            (Some("1.6.15"), "off"),
            (Some("2.0.0"), "on"),
            (Some("2.0.22"), "on"),
            (Some("2.1.2"), "on"),
            (None, "open"),
        ],
    ),
    (
        "mosquitto.conf",
        "listener 1883\npassword_file p\n",
        Format::Mosquitto,
        G::Anonymous,
        &[(Some("1.6.15"), "on"), (Some("2.0.11"), "on"), (Some("2.1.2"), "on"), (None, "on")],
    ),
    (
        "mosquitto.conf",
        "allow_anonymous false\n",
        Format::Mosquitto,
        G::Anonymous,
        &[(Some("1.6.15"), "on"), (Some("2.0.11"), "local"), (Some("2.1.2"), "on")],
    ),
    // mosquitto: without a listener, 2.0 binds to this machine only.
    (
        "mosquitto.conf",
        "# nothing\n",
        Format::Mosquitto,
        G::Bind,
        &[(Some("1.6.15"), "off"), (Some("2.0.11"), "on"), (Some("2.1.2"), "on"), (None, "open")],
    ),
    // mosquitto: TLS versions that are not set, or set to one.
    (
        "mosquitto.conf",
        TLS,
        Format::Mosquitto,
        G::TlsVersion,
        &[(Some("1.6.15"), "off"), (Some("2.0.11"), "on"), (Some("2.1.2"), "on"), (None, "open")],
    ),
    (
        "mosquitto.conf",
        "listener 8883 192.0.2.1\ncertfile c\nkeyfile k\ntls_version tlsv1.1\n",
        Format::Mosquitto,
        G::TlsVersion,
        &[(Some("1.6.15"), "off"), (Some("2.0.11"), "off"), (Some("2.1.2"), "off"), (None, "off")],
    ),
    // mosquitto: packets had no bound until 2.1; connections have none.
    (
        "mosquitto.conf",
        "listener 8883 192.0.2.1\nmax_connections 500\n",
        Format::Mosquitto,
        G::Limits,
        &[(Some("1.6.15"), "off"), (Some("2.0.11"), "off"), (Some("2.1.2"), "on")],
    ),
    (
        "mosquitto.conf",
        "listener 8883 192.0.2.1\nmax_packet_size 65536\n",
        Format::Mosquitto,
        G::Limits,
        &[(Some("2.0.11"), "off"), (Some("2.1.2"), "off"), (None, "off")],
    ),
    (
        "mosquitto.conf",
        TLS,
        Format::Mosquitto,
        G::Authorization,
        &[(Some("2.0.11"), "off"), (None, "off")],
    ),
    ("mosquitto.conf", TLS, Format::Mosquitto, G::Debug, &[(Some("2.0.11"), "on"), (None, "on")]),
    // RabbitMQ: versions of TLS are those of the Erlang that runs it.
    (
        "rabbitmq.conf",
        "mqtt.listeners.tcp = none\nmqtt.listeners.ssl.1 = 192.0.2.1:8883\n",
        Format::Rabbitmq,
        G::TlsVersion,
        &[(Some("3.10.8"), "open"), (Some("4.1"), "open")],
    ),
    // nginx: the versions that a server takes where none is named.
    (
        "nginx.conf",
        "http { server { listen 192.0.2.1:443 ssl; } }\n",
        Format::Nginx,
        G::TlsVersion,
        &[
            (Some("1.22.1"), "off"),
            (Some("1.23.4"), "off"),
            (Some("1.27.2"), "off"),
            (Some("1.27.3"), "on"),
            (None, "open"),
        ],
    ),
    (
        "nginx.conf",
        "http { server { listen 192.0.2.1:443 ssl; } }\n",
        Format::Nginx,
        G::Limits,
        &[(Some("1.22.1"), "on")],
    ),
    (
        "nginx.conf",
        "http { server { listen 443 ssl; } }\n",
        Format::Nginx,
        G::Bind,
        &[(None, "off")],
    ),
    (
        "nginx.conf",
        "http { server { listen 192.0.2.1:443 ssl; location / { proxy_pass https://b.example; } } }\n",
        Format::Nginx,
        G::PeerVerification,
        &[(None, "off")],
    ),
    // HAProxy: the oldest version since 2.2, and no timeout of a client.
    (
        "haproxy.cfg",
        "frontend f\n  bind 192.0.2.1:8883 ssl crt x\n",
        Format::Haproxy,
        G::TlsVersion,
        &[
            (Some("2.0.31"), "off"),
            (Some("2.1.12"), "off"),
            (Some("2.2.0"), "on"),
            (Some("3.0"), "on"),
            (None, "open"),
        ],
    ),
    (
        "haproxy.cfg",
        "frontend f\n  bind 192.0.2.1:8883 ssl crt x\n",
        Format::Haproxy,
        G::Limits,
        &[(Some("2.6"), "off")],
    ),
    // Telegraf: servers took TLS 1.0 before 1.24.
    (
        "telegraf.conf",
        "[[inputs.http_listener_v2]]\n  service_address = \"192.0.2.1:1\"\n  tls_cert = \"c\"\n  tls_key = \"k\"\n",
        Format::Telegraf,
        G::TlsVersion,
        &[(Some("1.23.4"), "off"), (Some("1.24.0"), "on"), (Some("1.39.3"), "on"), (None, "open")],
    ),
    (
        "telegraf.conf",
        "[[inputs.http_listener_v2]]\n  data_format = \"json\"\n",
        Format::Telegraf,
        G::Bind,
        &[(None, "off")],
    ),
    (
        "telegraf.conf",
        "[[inputs.http_listener_v2]]\n  data_format = \"json\"\n",
        Format::Telegraf,
        G::Authentication,
        &[(None, "off")],
    ),
    // Node-RED.
    (
        "settings.js",
        "module.exports = { uiPort: 1880 };\n",
        Format::NodeRed,
        G::Bind,
        &[(None, "off")],
    ),
    (
        "settings.js",
        "module.exports = { uiPort: 1880 };\n",
        Format::NodeRed,
        G::Tls,
        &[(None, "off")],
    ),
    (
        "settings.js",
        "module.exports = { uiPort: 1880 };\n",
        Format::NodeRed,
        G::Admin,
        &[(None, "off")],
    ),
    (
        "settings.js",
        "module.exports = { uiPort: 1880 };\n",
        Format::NodeRed,
        G::Authentication,
        &[(None, "off")],
    ),
    (
        "settings.js",
        "module.exports = { uiPort: 1880 };\n",
        Format::NodeRed,
        G::Debug,
        &[(None, "on")],
    ),
    // The ThingsBoard gateway: port 1883, no shell, and no check without an authority and a certificate.
    (
        "tb_gateway.json",
        "{\"thingsboard\": {\"host\": \"tb.example\"}}",
        Format::ThingsboardGateway,
        G::Tls,
        &[(None, "off")],
    ),
    (
        "tb_gateway.json",
        "{\"thingsboard\": {\"host\": \"tb.example\"}}",
        Format::ThingsboardGateway,
        G::Admin,
        &[(None, "on")],
    ),
    (
        "tb_gateway.json",
        "{\"thingsboard\": {\"host\": \"tb.example\", \"port\": 8883, \"security\": {\"caCert\": \"c\"}}}",
        Format::ThingsboardGateway,
        G::PeerVerification,
        &[(None, "off")],
    ),
    // systemd: root, with everything that root may do.
    (
        "a.service",
        "[Service]\nExecStart=/bin/a\n",
        Format::Systemd,
        G::Privileges,
        &[(None, "off")],
    ),
    // Compose publishes on every interface, and Kubernetes lets processes gain rights.
    (
        "compose.yaml",
        "services: {a: {image: b, user: '1', ports: ['1883:1883']}}\n",
        Format::Compose,
        G::Bind,
        &[(None, "off")],
    ),
    (
        "k.yaml",
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b, securityContext: {runAsNonRoot: true}}]}\n",
        Format::Kubernetes,
        G::Privileges,
        &[(None, "off")],
    ),
];

#[test]
fn what_a_file_does_not_say_means_what_its_version_makes_of_it() {
    let mut wrong = Vec::new();
    for (name, text, format, guardrail, expected) in ROWS {
        for (version, expected) in *expected {
            let plugins = ("enabled_plugins", "[rabbitmq_mqtt].\n");
            let seen = seen(&[(*name, *text), plugins], *format, *version);
            let told = word(&seen, *guardrail);
            if told != *expected {
                wrong.push(format!(
                    "{name} {version:?} {guardrail:?}: {told}, not {expected}\n{text}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
