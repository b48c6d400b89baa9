//! HAProxy as a front end: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{keeps, one_change, places, seen, word};

pub(super) const EXPOSED: &str = "global
  debug
  stats socket ipv4@0.0.0.0:9999 level admin
  ssl-server-verify none
defaults
  mode http
frontend web
  bind *:80
  bind :443 ssl crt /srv/tls/both.pem ssl-min-ver TLSv1.0 verify optional accept-proxy
  option forwardfor if-none
  http-request set-header X-Client %[ssl_c_s_dn(cn)]
  default_backend ingest
backend ingest
  timeout server 1m
  stats enable
  stats auth admin:admin
  server a 192.0.2.20:8080
  server b 192.0.2.21:8443 ssl
listen stats
  bind 192.0.2.10:8404
  stats enable
  timeout client 1m
  timeout server 1m
";

pub(super) const HARDENED: &str = "global
  ssl-default-bind-options ssl-min-ver TLSv1.2
  stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
  mode tcp
  timeout client 2m
  timeout server 2m
  # timeout client 0
frontend mqtts
  bind 192.0.2.10:8883 ssl crt /srv/tls/both.pem ca-file /srv/tls/ca.pem verify required
  default_backend mq
backend mq
  server a 127.0.0.1:1883
  server b 192.0.2.21:8883 ssl verify required ca-file /srv/tls/ca.pem
frontend web
  mode http
  bind 192.0.2.10:80
  http-request redirect scheme https if !{ ssl_fc }
";

fn haproxy(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("haproxy.cfg", text)], ConfigFormat::Auto, Some("2.6.12"))
}

#[test]
fn an_exposed_front_end_is_seen_with_every_place() {
    let seen = haproxy(EXPOSED);
    assert_eq!(seen.format.value().unwrap(), "haproxy");
    let lines = |item| -> Vec<String> {
        let strip = |place: String| place.replace("haproxy.cfg:", "");
        places(item).into_iter().map(strip).collect()
    };
    assert_eq!(lines(&seen.bind_all_interfaces), ["8:3", "9:3"]);
    assert_eq!(lines(&seen.tls_plaintext), ["8:3", "17:3", "20:3"]);
    assert_eq!(lines(&seen.tls_old_versions), ["9:3"]);
    assert_eq!(lines(&seen.tls_unverified_peers), ["4:3"]);
    assert_eq!(lines(&seen.auth_unproven_identity), ["11:3"]);
    assert_eq!(lines(&seen.proxy_header_trusted), ["9:3", "10:3"]);
    assert_eq!(lines(&seen.admin_exposed), ["3:3", "21:3"]);
    assert_eq!(lines(&seen.debug_logging), ["2:3"]);
    assert_eq!(lines(&seen.limits_unbounded), ["7:1"]);
    let secret = &seen.secrets_known.value().unwrap()[0];
    assert_eq!((secret.line, secret.setting.as_str()), (16, "stats auth"));
}

#[test]
fn a_hardened_front_end_leaves_nothing_off_for_other_machines() {
    let seen = haproxy(HARDENED);
    keeps(&seen, &super::super::readers::haproxy::COVERED, &["on", "local"]);
}

#[test]
fn one_change_leaves_one_guardrail_off_or_open() {
    let cases = [
        ("8883 ssl crt", "8883 crt", Guardrail::Tls, "off"),
        (" if !{ ssl_fc }", " if { path /x }", Guardrail::Tls, "off"),
        ("server a 127.0.0.1:1883", "server a 192.0.2.20:1883", Guardrail::Tls, "off"),
        (
            "ssl verify required ca-file /srv/tls/ca.pem\nfrontend",
            "ssl verify none\nfrontend",
            Guardrail::PeerVerification,
            "off",
        ),
        ("ssl-min-ver TLSv1.2", "ssl-min-ver TLSv1.1", Guardrail::TlsVersion, "off"),
        ("ssl-min-ver TLSv1.2", "no-sslv3", Guardrail::TlsVersion, "on"),
        ("bind 192.0.2.10:80\n", "bind \"${ADDR}:80\"\n", Guardrail::Bind, "open"),
        ("bind 192.0.2.10:80\n", "bind ipv4@:80\n", Guardrail::Bind, "off"),
        ("  timeout client 2m\n", "", Guardrail::Limits, "off"),
        (
            "verify required\n  default",
            "verify required accept-proxy\n  default",
            Guardrail::ProxyHeader,
            "off",
        ),
        (
            "verify required\n  default",
            "verify required accept-proxy\n  tcp-request connection reject if !{ src 192.0.2.5 }\n  default",
            Guardrail::ProxyHeader,
            "on",
        ),
        ("defaults\n", ".if defined(X)\n debug\n.endif\ndefaults\n", Guardrail::Admin, "open"),
    ];
    one_change(HARDENED, haproxy, &cases);
}

#[test]
fn an_absent_version_means_what_the_release_says() {
    let text = HARDENED.replace("  ssl-default-bind-options ssl-min-ver TLSv1.2\n", "");
    let as_version = |version| {
        word(&seen(&[("h.cfg", &text)], ConfigFormat::Haproxy, version), Guardrail::TlsVersion)
    };
    assert_eq!(as_version(Some("2.0.5")), "off");
    assert_eq!(as_version(Some("2.6.12")), "on");
    assert_eq!(as_version(None), "open");
}

#[test]
fn passwords_of_a_list_of_users_are_told_by_place() {
    let text = "userlist u\n  user a insecure-password hunter2\n  user b password $5$hash\n  user c insecure-password \"$PW\"\n";
    let seen = haproxy(text);
    assert_eq!(seen.secrets_inline.value().unwrap().len(), 1);
    assert_eq!(seen.secrets_inline.value().unwrap()[0].line, 2);
    assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
}

#[test]
fn files_of_the_folder_beside_it_add_up_in_the_order_of_their_names() {
    let more = "frontend plain\n  bind 192.0.2.10:1883\n  default_backend mq\n";
    let files = [
        ("haproxy.cfg", HARDENED),
        ("conf.d/20.cfg", more),
        ("conf.d/10.cfg", "defaults\n  mode tcp\n  timeout client 1m\n"),
        ("conf.d/note.txt", "no section\n"),
    ];
    let seen = |files: &[(&str, &str)]| seen(files, ConfigFormat::Auto, Some("2.6.12"));
    let all = seen(&files);
    assert_eq!(all.files.value().unwrap(), &["haproxy.cfg", "conf.d/10.cfg", "conf.d/20.cfg"]);
    assert_eq!(places(&all.tls_plaintext), ["conf.d/20.cfg:2:3", "haproxy.cfg:13:3"]);
    // The defaults of one file hold in the next.
    assert_eq!(word(&all, Guardrail::Limits), "on");
    let without = [files[0], files[1], ("conf.d/10.cfg", "defaults\n  mode tcp\n")];
    assert_eq!(places(&seen(&without).limits_unbounded), ["conf.d/20.cfg:1:1"]);
    // A backend is found in whichever file it stands.
    let broken = seen(&[files[0], ("conf.d/10.cfg", "hunter2 before any section\n")]);
    assert_eq!(word(&broken, Guardrail::Tls), "open");
    assert!(!serde_json::to_string(&broken).unwrap().contains("hunter2"));
}
