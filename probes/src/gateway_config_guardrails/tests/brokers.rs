//! NanoMQ, HiveMQ, RabbitMQ and VerneMQ: exposed, mixed and hardened, what versions change, and
//! files that want to do harm.

use model::document::ConfigFormat as Format;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, Item};
use proptest::prelude::*;

use super::{
    context, declared, folder, observe, places, seen, seen_with, undetermined, weak, word,
};

fn known(seen: &GatewayConfigGuardrailsStable) -> Vec<String> {
    seen.secrets_known
        .value()
        .unwrap()
        .iter()
        .map(|s| format!("{}:{}", s.setting, s.line))
        .collect()
}

pub(super) const NANOMQ: &str = r#"
listeners.ssl { bind = "192.0.2.10:8883", keyfile = "/srv/k.pem", certfile = "/srv/c.pem"
  cacertfile = "/srv/ca.pem", verify_peer = true, fail_if_no_peer_cert = true }
auth { allow_anonymous = false, no_match = deny, deny_action = disconnect
  password = {include "pwd.conf"}, acl = {include "acl.conf"} }
mqtt.max_packet_size = 1MB
"#;

#[test]
fn nanomq_is_told_by_line() {
    let text = "listeners.tcp { bind = \"0.0.0.0:1883\", enable = false }\nhttp_server { port = 8081\n username = admin, password = public }\nlog.level = debug\n";
    let exposed = seen(&[("nanomq.conf", text)], Format::Auto, None);
    assert_eq!(exposed.program.value().unwrap(), "nanomq");
    assert_eq!(
        weak(&exposed),
        ["Anonymous off", "Authorization off", "Tls off", "Bind off", "Admin off", "Debug off"]
    );
    assert_eq!(places(&exposed.bind_all_interfaces), ["nanomq.conf:1:17"]);
    assert_eq!(known(&exposed), ["http_server.password:3"]);
    let files = [
        ("nanomq.conf", NANOMQ),
        ("pwd.conf", "\"dev\": \"a-password-of-some-length\"\n"),
        (
            "acl.conf",
            "rules = [{permit = allow, username = dev, topics = [\"a\"]}\n {permit = deny}]\n",
        ),
    ];
    let hardened = seen(&files, Format::Nanomq, None);
    assert_eq!(weak(&hardened), ["TlsVersion open"], "{hardened:#?}");
    assert_eq!(hardened.secrets_inline.value().unwrap()[0].file, "pwd.conf");
    let open = [files[0], files[1], ("acl.conf", "rules = [{permit = allow}]\n")];
    assert_eq!(places(&seen(&open, Format::Nanomq, None).authorization_missing), ["acl.conf:1:11"]);
    let missing = seen(&files[..1], Format::Nanomq, None);
    assert_eq!(word(&missing, Guardrail::Authorization), "open");
    // The file is stronger than the environment, and the environment stronger than the default.
    let env = Some("NANOMQ_ALLOW_ANONYMOUS=false\n");
    let plain = "listeners.tcp.bind = \"192.0.2.1:1883\"\n";
    let from_env = seen_with(&[("n.conf", plain)], Format::Nanomq, None, env);
    assert_eq!(word(&from_env, Guardrail::Anonymous), "on");
    let text = format!("{plain}auth.allow_anonymous = true\n");
    let from_file = seen_with(&[("n.conf", &text)], Format::Nanomq, None, env);
    assert_eq!(places(&from_file.auth_anonymous), ["n.conf:2:1"]);
    let typo = format!("{plain}auth.allow_anonymus = false\n");
    let typo = seen(&[("n.conf", &typo)], Format::Nanomq, None);
    assert!(typo.unknown_keys.value().unwrap()[0].value.contains("auth.allow_anonymous"));
    let bridges = format!(
        "{plain}bridges.mqtt.up {{ server = \"mqtt-tcp://cloud.example:1883\" }}\nbridges.mqtt.tls {{ server = \"tls+mqtt-tcp://cloud.example:8883\" }}\n"
    );
    let bridges = seen(&[("n.conf", &bridges)], Format::Nanomq, None);
    assert!(places(&bridges.tls_plaintext).contains(&"n.conf:2:19".to_owned()));
    assert_eq!(places(&bridges.tls_unverified_peers), ["n.conf:3:20"]);
}

pub(super) const HIVEMQ: &str = r#"<?xml version="1.0"?>
<hivemq>
  <listeners>
    <tls-tcp-listener>
      <port>8883</port>
      <bind-address>192.0.2.10</bind-address>
      <tls>
        <keystore><path>mq.jks</path><password>${ENV:KS_PW}</password></keystore>
        <protocols><protocol>TLSv1.3</protocol></protocols>
        <client-authentication-mode>REQUIRED</client-authentication-mode>
      </tls>
    </tls-tcp-listener>
  </listeners>
  <restrictions><max-connections>500</max-connections></restrictions>
  <mqtt><packets><max-packet-size>65536</max-packet-size></packets></mqtt>
</hivemq>
"#;

const ALLOW: (&str, &str) =
    ("extensions/hivemq-allow-all-extension/hivemq-extension.xml", "<hivemq-extension/>");

#[test]
fn hivemq_is_told_by_line() {
    let text = "<hivemq><listeners><tcp-listener>\n <port>1883</port><bind-address>0.0.0.0</bind-address>\n</tcp-listener></listeners></hivemq>\n";
    let exposed = seen(&[("conf/config.xml", text), ALLOW], Format::Auto, Some("2026.5"));
    assert_eq!(exposed.format.value().unwrap(), "hivemq");
    assert_eq!(
        weak(&exposed),
        ["Anonymous off", "Authorization off", "Tls off", "Bind off", "Limits off"]
    );
    assert_eq!(places(&exposed.bind_all_interfaces), ["conf/config.xml:2:19"]);
    let off = ("extensions/hivemq-allow-all-extension/DISABLED", "");
    let disabled = seen(&[("conf/config.xml", text), ALLOW, off], Format::Hivemq, Some("2026.5"));
    assert_eq!(word(&disabled, Guardrail::Anonymous), "open");
    let rbac =
        ("extensions/hivemq-file-rbac-extension/hivemq-extension.xml", "<hivemq-extension/>");
    let hardened = seen(&[("conf/config.xml", HIVEMQ), rbac], Format::Hivemq, Some("2026.5"));
    assert_eq!(weak(&hardened), ["Authorization open"]);
    assert!(hardened.secrets_inline.value().unwrap().is_empty());
    let old = HIVEMQ.replace("TLSv1.3", "TLSv1.1").replace("</hivemq>", "<restrictions/></hivemq>");
    let mixed = seen(&[("conf/config.xml", &old), rbac], Format::Hivemq, Some("2026.5"));
    assert_eq!(places(&mixed.tls_old_versions), ["conf/config.xml:9:20"]);
    // HiveMQ 4 has a control center with a password that everybody knows, the other has none.
    let four = seen(&[("conf/config.xml", HIVEMQ), rbac], Format::Hivemq, Some("4.28"));
    assert_eq!(word(&four, Guardrail::Admin), "off");
    assert_eq!(known(&four).len(), 1);
    let either = seen(&[("conf/config.xml", HIVEMQ), rbac], Format::Hivemq, None);
    assert_eq!(word(&either, Guardrail::Admin), "open");
    let env = Some("KS_PW=changeit\n");
    let filled =
        seen_with(&[("conf/config.xml", HIVEMQ), rbac], Format::Hivemq, Some("2026.5"), env);
    assert_eq!(known(&filled), ["listeners.tls-tcp-listener.1.tls.keystore.password:8"]);
}

pub(super) const RABBITMQ: &str = "listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = 192.0.2.10:8883 # devices
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
mqtt.allow_anonymous = false
management.tcp.ip = 127.0.0.1
connection_max = 500
";

const PLUGINS: (&str, &str) = ("enabled_plugins", "[rabbitmq_management,rabbitmq_mqtt].\n");

#[test]
fn rabbitmq_is_told_by_line() {
    let text = "listeners.tcp.default = 5672\nloopback_users = none\nmqtt.allow_anonymous = true\nmanagement.tcp.port = 15672\nlog.console.level = debug\n";
    let exposed = seen(&[("rabbitmq.conf", text), PLUGINS], Format::Auto, Some("3.10.8"));
    assert_eq!(exposed.program.value().unwrap(), "rabbitmq");
    assert_eq!(
        weak(&exposed),
        [
            "Anonymous off",
            "Authorization open",
            "Tls off",
            "Bind off",
            "Admin off",
            "Debug off",
            "Limits off"
        ]
    );
    assert_eq!(places(&exposed.auth_anonymous), ["rabbitmq.conf:3:1"]);
    assert_eq!(known(&exposed), ["default_pass:2"]);
    for version in [Some("3.13"), Some("4.1"), None] {
        let hardened = seen(&[("rabbitmq.conf", RABBITMQ), PLUGINS], Format::Rabbitmq, version);
        assert_eq!(weak(&hardened), ["Authorization open", "Admin local"], "{version:?}");
        assert!(known(&hardened).is_empty());
    }
    // Adding TLS does not take the plain listener away, and guest is let in from here only.
    let mixed = RABBITMQ
        .replace("mqtt.listeners.tcp = none\n", "")
        .replace("anonymous = false", "anonymous = true");
    let seen_mixed = seen(&[("rabbitmq.conf", &mixed), PLUGINS], Format::Rabbitmq, Some("3.13"));
    assert_eq!(word(&seen_mixed, Guardrail::Tls), "off");
    assert_eq!(word(&seen_mixed, Guardrail::Anonymous), "local");
    let nobody = format!("{mixed}anonymous_login_user = none\n");
    let four = seen(&[("rabbitmq.conf", &nobody), PLUGINS], Format::Rabbitmq, Some("4.0"));
    assert_eq!(word(&four, Guardrail::Anonymous), "on");
}

/// What the node itself opens was looked at on 3.10.8.
#[test]
fn mqtt_over_websocket_opens_a_plain_listener_of_rabbitmq_by_itself() {
    let plugins = ("enabled_plugins", "[rabbitmq_web_mqtt].\n");
    let read = |more: &str, advanced: &str| {
        let text = format!("{RABBITMQ}{more}");
        let files = [("rabbitmq.conf", &*text), ("advanced.config", advanced), plugins];
        seen(&files, Format::Rabbitmq, Some("3.10.8"))
    };
    let none = "[].\n";
    let closed = "web_mqtt.tcp.listener = none\n";
    for (more, advanced, tls, bind) in [
        ("", none, "off", "off"),
        (closed, none, "on", "on"),
        ("web_mqtt.tcp.listener = 127.0.0.1:15675\n", none, "local", "on"),
        ("web_mqtt.tcp.ip = 192.0.2.10\nweb_mqtt.tcp.port = 9000\n", none, "off", "on"),
        ("", "[{rabbitmq_web_mqtt, [{tcp_config, []}]}].\n", "on", "on"),
        (
            "",
            "[{rabbitmq_web_mqtt, [{tcp_config, [{port, 15675}, {ip, \"127.0.0.1\"}]}]}].\n",
            "local",
            "on",
        ),
    ] {
        let seen = read(more, advanced);
        let words = (word(&seen, Guardrail::Tls), word(&seen, Guardrail::Bind));
        assert_eq!(words, (tls, bind), "{more}{advanced}");
    }
    let secured = format!("{closed}web_mqtt.ssl.port = 15676\n");
    assert_eq!(word(&read(&secured, none), Guardrail::Bind), "off");
    assert_eq!(word(&read(&secured, none), Guardrail::TlsVersion), "open");
    let old = format!("{secured}web_mqtt.ssl.ip = 192.0.2.10\nweb_mqtt.ssl.versions.1 = tlsv1.1\n");
    let old = read(&old, none);
    assert_eq!((word(&old, Guardrail::Bind), word(&old, Guardrail::TlsVersion)), ("on", "off"));
    // A listener without a name lets strangers in from where it is reached.
    let anonymous = RABBITMQ.replace("anonymous = false", "anonymous = true");
    let anonymous = format!("{anonymous}loopback_users = none\nweb_mqtt.tcp.ip = 192.0.2.10\n");
    let files = [("rabbitmq.conf", &*anonymous), plugins];
    let anonymous = seen(&files, Format::Rabbitmq, Some("3.10.8"));
    assert_eq!(word(&anonymous, Guardrail::Anonymous), "off");
    // Without the list of plugins nobody can say.
    let unknown = seen(&[("rabbitmq.conf", RABBITMQ)], Format::Rabbitmq, Some("3.10.8"));
    assert_eq!(word(&unknown, Guardrail::Tls), "open");
}

#[test]
fn rabbitmq_layers_are_read_from_weak_to_strong() {
    let advanced = "[{rabbitmq_mqtt, [{allow_anonymous, true}, {tcp_listeners, [{\"0.0.0.0\", 1883}]}]},\n {rabbit, [{loopback_users, []}]}].\n";
    let files = [
        ("rabbitmq.conf", RABBITMQ),
        ("conf.d/10.conf", "management.tcp.ip = 0.0.0.0\n"),
        ("advanced.config", advanced),
        PLUGINS,
    ];
    let layered = seen(&files, Format::Rabbitmq, Some("3.13"));
    assert_eq!(places(&layered.auth_anonymous), ["advanced.config:1:19"]);
    assert_eq!(word(&layered, Guardrail::Tls), "off");
    assert_eq!(places(&layered.admin_exposed), ["conf.d/10.conf:1:1"]);
    let overridden = layered.overridden.value().unwrap();
    assert!(overridden.iter().any(|one| one.setting == "mqtt.allow_anonymous" && one.line == 8));
    let variable = RABBITMQ.replace("anonymous = false", "anonymous = $(ANON)");
    let open = seen(&[("rabbitmq.conf", &variable), PLUGINS], Format::Rabbitmq, Some("3.13"));
    let plain =
        variable.replace("mqtt.listeners.tcp = none", "mqtt.listeners.tcp.1 = 192.0.2.1:1883");
    let asked = seen(&[("rabbitmq.conf", &plain), PLUGINS], Format::Rabbitmq, Some("3.13"));
    assert_eq!(word(&open, Guardrail::Anonymous), "on");
    assert_eq!(word(&asked, Guardrail::Anonymous), "open");
    let env = Some("ANON=false\n");
    let told =
        seen_with(&[("rabbitmq.conf", &plain), PLUGINS], Format::Rabbitmq, Some("3.13"), env);
    assert_eq!(word(&told, Guardrail::Anonymous), "on");
    let bare = seen(&[("rabbitmq.conf", "connection_max = 5\n")], Format::Rabbitmq, Some("3.13"));
    assert!(undetermined(&bare).contains(&"enabled_plugins".to_owned()));
}

pub(super) const VERNEMQ: &str = "allow_anonymous = off
listener.ssl.default = 192.0.2.10:8883
listener.ssl.cafile = /srv/tls/ca.pem
listener.ssl.require_certificate = on
listener.ssl.tls_version = tlsv1.3,tlsv1.2
listener.vmqs.clustering = 192.0.2.10:44054
vmq_acl.acl_file = /srv/mq/vmq.acl
distributed_cookie = a-cookie-of-its-own-and-long
max_message_size = 65536
";

#[test]
fn vernemq_is_told_by_line() {
    let text = "allow_anonymous = on\nlistener.tcp.default = 0.0.0.0:1883\nlistener.http.default = 0.0.0.0:8888\ndistributed_cookie = vmq\n";
    let exposed = seen(&[("vernemq.conf", text)], Format::Auto, None);
    assert_eq!(exposed.program.value().unwrap(), "vernemq");
    assert_eq!(
        weak(&exposed),
        ["Anonymous off", "Authorization off", "Tls off", "Bind off", "Admin off", "Limits off"]
    );
    assert_eq!(places(&exposed.auth_anonymous), ["vernemq.conf:1:1"]);
    assert_eq!(known(&exposed), ["distributed_cookie:4"]);
    let acl = ("vmq.acl", "user dev\ntopic #\npattern readwrite devices/%u/#\n");
    let hardened = seen(&[("vernemq.conf", VERNEMQ), acl], Format::Vernemq, None);
    assert_eq!(weak(&hardened), ["Tls local", "Admin local"]);
    let mixed = VERNEMQ.replace(
        "listener.ssl.require_certificate = on",
        "listener.tcp.b = 192.0.2.10:1884\nlistener.tcp.b.allow_anonymous_override = on",
    );
    let mixed = seen(&[("vernemq.conf", &mixed), ("vmq.acl", "topic #\n")], Format::Vernemq, None);
    assert_eq!(places(&mixed.auth_anonymous), ["vernemq.conf:5:1"]);
    assert_eq!(places(&mixed.authorization_missing), ["vmq.acl:1:1"]);
    let twice = format!("{VERNEMQ}allow_anonymous = on\n");
    let twice = seen(
        &[("vernemq.conf", &twice), acl, ("conf.d/a.conf", "allow_anonymous = off\n")],
        Format::Vernemq,
        None,
    );
    assert_eq!(word(&twice, Guardrail::Anonymous), "on");
    assert_eq!(places(&twice.overridden), ["vernemq.conf:1:1", "vernemq.conf:10:1"]);
    let gone = seen(&[("vernemq.conf", VERNEMQ)], Format::Vernemq, None);
    assert_eq!(word(&gone, Guardrail::Authorization), "open");
}

const FORMATS: [Format; 5] =
    [Format::Emqx, Format::Nanomq, Format::Hivemq, Format::Rabbitmq, Format::Vernemq];

fn reason<T>(item: &Item<T>) -> &str {
    item.reason().unwrap_or("observed")
}

#[test]
fn hostile_files_are_errors_that_say_what_and_where() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><hivemq>&b;</hivemq>";
    let cases: [(Format, String, &str); 9] = [
        (Format::Hivemq, bomb.to_owned(), "line 1"),
        (Format::Hivemq, format!("<hivemq>{}", "<a>".repeat(1_000_000)), "100,000"),
        (
            Format::Hivemq,
            format!("<hivemq>{}{}</hivemq>", "<a>".repeat(90_000), "</a>".repeat(90_000)),
            "64 levels",
        ),
        (Format::Hivemq, format!("<hivemq>{}</hivemq>", "<a/>".repeat(500_000)), "100,000"),
        (Format::Hivemq, "<hivemq><a></hivemq>".to_owned(), "XML"),
        (Format::Nanomq, format!("a = {}", "[".repeat(4_000_000)), "64 levels"),
        (Format::Emqx, "a = \"hunter2\n".to_owned(), "line 1"),
        (Format::Rabbitmq, "a = 'hunter2\n".to_owned(), "line 1"),
        (Format::Vernemq, "\nhunter2\n".to_owned(), "line 2"),
    ];
    for (format, text, expected) in cases {
        let seen = seen(&[("f", &text)], format, None);
        let told = reason(&seen.undetermined);
        assert!(told.contains(expected) && !told.contains("hunter2"), "{format:?}: {told}");
    }
    for format in FORMATS {
        let folder = folder(&[("f", b"a = 1\0")]);
        let seen = observe(&context(folder.path()), &declared("f", format));
        assert!(reason(&seen.undetermined).contains("NUL"));
    }
}

#[test]
fn files_that_want_much_work_are_read_in_bounds() {
    let many =
        |one: &str| (0..40_000).map(|n| one.replace('N', &n.to_string())).collect::<String>();
    let cases = [
        (Format::Emqx, many("listeners.tcp.lN.bind = 1\n") + &many("authentication.N.x = 1\n")),
        (Format::Emqx, many("a = ${a}\n")),
        (Format::Nanomq, format!("auth.acl.rules = [{}]", many("{topics = [a]}\n"))),
        (
            Format::Hivemq,
            format!(
                "<hivemq><listeners>{}</listeners></hivemq>",
                many("<tcp-listener><port>N</port></tcp-listener>")
            ),
        ),
        (Format::Rabbitmq, many("listeners.tcp.N = 1\n")),
        (Format::Vernemq, many("listener.tcp.N = 1\n") + &many("allow_anonymuss = N\n")),
    ];
    for (format, text) in cases {
        let seen = seen(&[("f", &text)], format, None);
        let told = serde_json::to_string(&seen).unwrap().len();
        assert!(told < 256 * 1024, "{format:?}: {told} bytes of evidence");
    }
    let text = format!("allow_anonymous = off\n{}", many("listener.ssl.N = 192.0.2.1:1\n"));
    let seen = seen(&[("vernemq.conf", &text)], Format::Vernemq, None);
    assert_eq!(word(&seen, Guardrail::Anonymous), "open");
    assert!(undetermined(&seen).contains(&"listener.ssl".to_owned()));
}

#[test]
fn secrets_stay_where_they_are() {
    const KEY: &str = "k3y-Rb2wU9sL5e";
    const CANARY: &str = "c4nary-Zq8vT1xY7w";
    // `K` stands for a name that may be seen, and `V` for what stands for anything.
    let samples = [
        (
            Format::Emqx,
            "node.cookie = V\nnode.cookie = V2\ndashboard.default_password = V\n\
             listeners.tcp.default.bind = V\nauthorization.no_match = V\nlog.console.level = V\n\
             K = 1\nK.other = V\nmqtt.max_packet_size = V\n",
        ),
        (
            Format::Nanomq,
            "auth.password.K = V\nauth.password.K = V2\nhttp_server.password = V\n\
             http_server.password = V2\nauth.allow_anonymous = V\nlisteners.tcp.bind = V\n",
        ),
        (
            Format::Hivemq,
            "<hivemq><listeners><tls-tcp-listener><bind-address>V</bind-address><tls><keystore>\
             <password>V</password><password>V2</password></keystore></tls></tls-tcp-listener>\
             </listeners><K>V</K></hivemq>",
        ),
        (
            Format::Rabbitmq,
            "default_pass = V\ndefault_pass = V2\nmqtt.default_user = V\n\
             mqtt.allow_anonymous = V\nlisteners.tcp.1 = V\nloopback_users.K = V\n",
        ),
        (
            Format::Vernemq,
            "distributed_cookie = V\ndistributed_cookie = V2\nallow_anonymous = V\n\
             listener.tcp.default = V\nvmq_acl.acl_file = V\n",
        ),
    ];
    for (format, text) in samples {
        let text = text.replace('V', CANARY).replace('K', KEY);
        let seen = seen(&[("f", &text)], format, None);
        let told = serde_json::to_string(&seen).unwrap();
        assert!(!told.contains(CANARY), "{format:?}: {told}");
        assert!(seen.files.value().is_some(), "{format:?}: it was read: {told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_reader_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = folder(&[("f", &bytes)]);
        for format in FORMATS {
            let _ = observe(&context(folder.path()), &declared("f", format));
        }
    }

    #[test]
    fn no_reader_panics_on_a_mutated_sample(
        at in 0_usize..600, cut in 0_usize..40, more in "[\\PC\\n]{0,8}"
    ) {
        let samples = [super::emqx::HARDENED, NANOMQ, HIVEMQ, RABBITMQ, VERNEMQ];
        for (format, sample) in FORMATS.into_iter().zip(samples) {
            let mut chars: Vec<char> = sample.chars().collect();
            let start = at.min(chars.len());
            let end = (start + cut).min(chars.len());
            chars.splice(start..end, more.chars());
            let text: String = chars.into_iter().collect();
            let folder = folder(&[("f", text.as_bytes()), ("advanced.config", text.as_bytes())]);
            let _ = observe(&context(folder.path()), &declared("f", format));
        }
    }
}
