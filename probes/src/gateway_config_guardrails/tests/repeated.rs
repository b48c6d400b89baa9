//! What mosquitto, nginx and HAProxy make of a key that stands there twice. What the programs
//! themselves do with it is held by the tests of the services tier.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{places, seen, undetermined, word};

fn mosquitto(text: &str, version: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("mosquitto.conf", text)], ConfigFormat::Mosquitto, Some(version))
}

fn nginx(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("nginx.conf", text)], ConfigFormat::Nginx, Some("1.26.0"))
}

fn haproxy(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("haproxy.cfg", text)], ConfigFormat::Haproxy, Some("2.6.12"))
}

/// `place setting value` of the lines that do not count, and of those that stop the program.
fn lists(seen: &GatewayConfigGuardrailsStable) -> (Vec<String>, Vec<String>) {
    let words = |item: &model::evidence::Item<Vec<model::evidence::Observation>>| {
        let observed = item.value().unwrap().iter().zip(places(item));
        observed.map(|(one, at)| format!("{at} {} {}", one.setting, one.value)).collect()
    };
    (words(&seen.overridden), words(&seen.repeated))
}

#[test]
fn mosquitto_takes_the_last_of_a_switch_and_says_which_line_does_not_count() {
    let text = "listener 1883 192.0.2.1\nallow_anonymous true\n  allow_anonymous false\nmax_connections -1\nmax_connections 9\n";
    let seen = mosquitto(text, "2.0.11");
    assert_eq!(word(&seen, Guardrail::Anonymous), "on");
    let (overridden, repeated) = lists(&seen);
    let expected =
        ["mosquitto.conf:2:1 allow_anonymous true", "mosquitto.conf:4:1 max_connections -1"];
    assert_eq!(overridden, expected);
    assert_eq!(repeated, Vec::<String>::new());
    assert_eq!(undetermined(&seen), Vec::<String>::new());
}

#[test]
fn mosquitto_refuses_a_text_that_is_said_twice_and_so_nothing_is_known_of_what_hangs_on_it() {
    let text = "listener 8883 192.0.2.1\ncertfile a\nkeyfile k\ntls_version tlsv1.1\ntls_version tlsv1.2\nallow_anonymous false\n";
    let seen = mosquitto(text, "2.0.11");
    let (overridden, repeated) = lists(&seen);
    assert_eq!(overridden, Vec::<String>::new());
    let expected =
        ["mosquitto.conf:5:1 tls_version set more than once: mosquitto refuses to start"];
    assert_eq!(repeated, expected);
    assert_eq!(word(&seen, Guardrail::TlsVersion), "open");
    assert_eq!(undetermined(&seen), ["tls_version"]);
}

#[test]
fn mosquitto_tells_listeners_bridges_and_names_of_one_key_apart() {
    let twice = |text: &str, version: &str| lists(&mosquitto(text, version)).1.len();
    let bridge = "connection b\naddress 192.0.2.1\n";
    for (text, expected) in [
        ("listener 1\ncertfile a\nlistener 2\ncertfile b\n", 0),
        ("certfile a\nlistener 2\ncertfile b\n", 0),
        ("connection a\naddress x\nconnection b\naddress y\n", 0),
        ("log_type error\nlog_type all\nplugin a\nplugin b\n", 0),
        ("user a\nuser b\n", 1),
        ("listener 1\nacl_file a\nlistener 2\nacl_file b\n", 1),
        ("per_listener_settings true\nlistener 1\nacl_file a\nlistener 2\nacl_file b\n", 0),
        (&format!("{bridge}addresses y\n"), 1),
        (&format!("{bridge}username a\nremote_username b\n"), 1),
        (&format!("{bridge}clientid a\nlocal_clientid b\n"), 0),
    ] {
        assert_eq!(twice(text, "2.0.11"), expected, "{text}");
    }
    // 2.1 lets the last of them count.
    let acl = mosquitto("listener 1\nacl_file a\nacl_file b\n", "2.1.0");
    assert_eq!(lists(&acl).1, Vec::<String>::new());
    assert_eq!(places(&acl.overridden), ["mosquitto.conf:2:1"]);
    // It also keeps a true that was said once.
    let listeners = "per_listener_settings true\nper_listener_settings false\nlistener 1\n";
    assert_eq!(places(&mosquitto(listeners, "2.1.0").overridden), ["mosquitto.conf:2:1"]);
    assert_eq!(places(&mosquitto(listeners, "2.0.11").overridden), ["mosquitto.conf:1:1"]);
}

#[test]
fn a_line_that_does_not_count_shows_no_secret() {
    let text = "connection b\naddress 127.0.0.1\nremote_password hunter2hunter2\npassword hunter3hunter3\nmax_keepalive hunter4hunter4\nmax_keepalive 5\n";
    let json = serde_json::to_string(&mosquitto(text, "2.0.11")).unwrap();
    assert!(json.contains("set more than once") && !json.contains("hunter"), "{json}");
}

#[test]
fn nginx_refuses_most_directives_twice_and_a_block_is_one_place() {
    let server = |inside: &str| {
        nginx(&format!("http {{\n server {{\n listen 192.0.2.1:443 ssl;\n{inside} }}\n}}\n"))
    };
    let seen = server("  ssl_verify_client on;\n  ssl_verify_client optional_no_ca;\n");
    let expected = [
        "nginx.conf:5:3 ssl_verify_client set more than once in its block: nginx refuses to start",
    ];
    assert_eq!(lists(&seen).1, expected);
    assert_eq!(undetermined(&seen), ["ssl_verify_client"]);
    for (inside, repeated, overridden) in [
        ("ssl_protocols TLSv1.2; ssl_protocols TLSv1.3;", 0, 0),
        ("error_log a; error_log b; allow all; allow all;", 0, 0),
        ("location /a { root x; } location /b { root x; }", 0, 0),
        ("root x; location /b { root x; }", 0, 0),
        ("location /b { proxy_pass http://127.0.0.1; proxy_pass http://192.0.2.1; }", 1, 0),
        ("client_max_body_size 1m; client_max_body_size 0;", 1, 0),
        ("user a; user b; root x; root y; root z;", 3, 0),
        ("return 404; return 301 https://h;", 0, 1),
    ] {
        let (gone, again) = lists(&server(inside));
        assert_eq!((again.len(), gone.len()), (repeated, overridden), "{inside}");
    }
    let limits = server("client_max_body_size 1m; client_max_body_size 2m;");
    assert_eq!(word(&limits, Guardrail::Limits), "open");
}

#[test]
fn nginx_sees_twice_what_an_include_brings_into_the_same_block() {
    let main = "http {\n ssl_session_tickets off;\n include more.conf;\n}\n";
    let files = [("nginx.conf", main), ("more.conf", "\n  ssl_session_tickets on;\n")];
    let seen = seen(&files, ConfigFormat::Nginx, Some("1.26.0"));
    assert_eq!(places(&seen.repeated), ["more.conf:2:3"]);
}

#[test]
fn the_last_login_server_of_nginx_for_mail_is_the_one_that_is_asked() {
    let mail = |first: &str, last: &str| {
        nginx(&format!(
            "mail {{\n auth_http {first};\n auth_http {last};\n server {{ listen 192.0.2.1:993 ssl; protocol imap; ssl_protocols TLSv1.3; }}\n}}\n"
        ))
    };
    let seen = mail("127.0.0.1:9", "192.0.2.9:9");
    assert_eq!(places(&seen.overridden), ["nginx.conf:2:2"]);
    assert_eq!(places(&seen.tls_plaintext), ["nginx.conf:3:2"]);
    assert_eq!(word(&seen, Guardrail::Tls), "off");
    assert_eq!(word(&mail("192.0.2.9:9", "127.0.0.1:9"), Guardrail::Tls), "open");
}

/// A front end with a backend, and what each of its sections holds beside that.
fn front(global: &str, defaults: &str, bind: &str, front: &str, back: &str) -> String {
    format!(
        "global\n{global}defaults\n  mode http\n  timeout client 1m\n  timeout server 1m\n{defaults}frontend f\n  bind 192.0.2.1:443 ssl crt c {bind}\n{front}  default_backend b\nbackend b\n{back}"
    )
}

#[test]
fn haproxy_takes_the_last_and_says_which_line_does_not_count() {
    let local = "  server s 127.0.0.1:80\n";
    let cases = [
        ("", "", "", "  timeout client 0\n  timeout client 1m\n", Guardrail::Limits, "on", 1),
        ("", "", "", "  timeout client 1m\n  timeout client 0s\n", Guardrail::Limits, "off", 1),
        ("", "  timeout client 0\n", "", "", Guardrail::Limits, "off", 1),
        ("", "  timeout client 0\n", "", "  timeout client 5s\n", Guardrail::Limits, "on", 1),
        ("", "", "ssl-min-ver TLSv1.0 ssl-min-ver TLSv1.2", "", Guardrail::TlsVersion, "on", 1),
        ("", "", "ssl-min-ver TLSv1.2 ssl-min-ver TLSv1.0", "", Guardrail::TlsVersion, "off", 1),
        (
            "  ssl-default-bind-options ssl-min-ver TLSv1.2\n  ssl-default-bind-options ssl-min-ver TLSv1.0 no-sslv3\n",
            "",
            "",
            "",
            Guardrail::TlsVersion,
            "off",
            1,
        ),
        (
            "  ssl-default-bind-options ssl-min-ver TLSv1.2\n  ssl-default-bind-options no-sslv3\n",
            "",
            "",
            "",
            Guardrail::TlsVersion,
            "on",
            0,
        ),
        (
            "",
            "",
            "",
            "  option forwardfor if-none\n  option httplog\n",
            Guardrail::ProxyHeader,
            "off",
            0,
        ),
    ];
    for (global, defaults, bind, inside, guardrail, expected, gone) in cases {
        let text = front(global, defaults, bind, inside, local);
        let seen = haproxy(&text);
        assert_eq!(word(&seen, guardrail), expected, "{text}");
        assert_eq!(lists(&seen).0.len(), gone, "{text}: {:?}", lists(&seen).0);
    }
    let seen = haproxy(&front("", "", "", "   timeout client 0\n  timeout client 9s\n", local));
    assert_eq!(lists(&seen).0, ["haproxy.cfg:8:4 timeout client set again later"]);
}

#[test]
fn what_haproxy_says_for_every_server_adds_up_and_holds_for_those_behind_it() {
    let server = "  server s 192.0.2.9:443\n";
    let secured = "  default-server ssl verify required\n";
    let checked = "  default-server check\n";
    for (defaults, back, tls, peer) in [
        ("", format!("{secured}{checked}{server}"), "on", "on"),
        ("", format!("{checked}{secured}{server}"), "on", "on"),
        (secured, format!("{checked}{server}"), "on", "on"),
        ("", format!("{server}{secured}"), "off", "on"),
        ("", format!("{secured}  default-server no-ssl\n{server}"), "off", "on"),
        ("", format!("{secured}  server s 192.0.2.9:443 verify none\n"), "on", "off"),
        ("", "  server s 192.0.2.9:443 no-ssl ssl verify required\n".to_owned(), "on", "on"),
        ("", "  server s 192.0.2.9:443 ssl verify required no-ssl\n".to_owned(), "off", "on"),
        ("", "  server s 192.0.2.9:443 ssl verify none verify required\n".to_owned(), "on", "on"),
        ("", "  server s 192.0.2.9:443 ssl verify required verify none\n".to_owned(), "on", "off"),
    ] {
        let text = front("", defaults, "", "", &back);
        let seen = haproxy(&text);
        let words = (word(&seen, Guardrail::Tls), word(&seen, Guardrail::PeerVerification));
        assert_eq!(words, (tls, peer), "{text}");
    }
    let none_last = "  ssl-server-verify required\n  ssl-server-verify none\n";
    let none_first = "  ssl-server-verify none\n  ssl-server-verify required\n";
    let plain = "  server s 192.0.2.9:443 ssl\n";
    for (global, expected) in [(none_last, "off"), (none_first, "on")] {
        let seen = haproxy(&front(global, "", "", "", plain));
        assert_eq!(word(&seen, Guardrail::PeerVerification), expected, "{global}");
        assert_eq!(places(&seen.overridden), ["haproxy.cfg:2:3"]);
    }
}
