//! nginx as a front end: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, SecretKind};

use super::{keeps, one_change, places, seen, undetermined, word};

pub(super) const EXPOSED: &str = "user www-data;
error_log /var/log/nginx/error.log debug;
http {
  ssl_protocols TLSv1 TLSv1.2;
  set_real_ip_from 0.0.0.0/0;
  server {
    listen 80;
    listen 443 ssl;
    client_max_body_size 0;
    location /status { stub_status; }
    location / {
      proxy_pass https://ingest.example;
      proxy_set_header Authorization \"Bearer t0ken-t0ken-t0ken\";
      proxy_set_header X-Client $ssl_client_s_dn;
    }
  }
}
stream {
  server { listen 1883; proxy_pass 127.0.0.1:1884; }
}
";

pub(super) const HARDENED: &str = "http {
  ssl_protocols TLSv1.2 TLSv1.3;
  upstream ingest { server 127.0.0.1:8080; server unix:/run/ingest.sock; }
  # ssl_protocols TLSv1;
  server {
    listen 192.0.2.10:80;
    return 301 https://$host$request_uri;
  }
  server {
    listen 192.0.2.10:443 ssl;
    ssl_verify_client on;
    location / {
      proxy_pass http://ingest;
      proxy_set_header X-Client $ssl_client_s_dn;
    }
    location /api { proxy_pass https://api.example; proxy_ssl_verify on; }
    location /status { stub_status; allow 127.0.0.1; deny all; }
  }
}
stream {
  server {
    listen 192.0.2.10:8883 ssl;
    ssl_protocols TLSv1.3;
    proxy_pass 127.0.0.1:1883;
  }
}
";

fn nginx(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("nginx.conf", text)], ConfigFormat::Auto, Some("1.26.0"))
}

#[test]
fn an_exposed_front_end_is_seen_with_every_place() {
    let seen = nginx(EXPOSED);
    assert_eq!(seen.format.value().unwrap(), "nginx");
    let at = |item| places(item);
    assert_eq!(
        at(&seen.bind_all_interfaces),
        ["nginx.conf:7:5", "nginx.conf:8:5", "nginx.conf:19:12"]
    );
    assert_eq!(at(&seen.tls_plaintext), ["nginx.conf:7:5", "nginx.conf:19:12"]);
    assert_eq!(at(&seen.tls_old_versions), ["nginx.conf:4:3"]);
    assert_eq!(at(&seen.tls_unverified_peers), ["nginx.conf:12:7"]);
    assert_eq!(at(&seen.auth_unproven_identity), ["nginx.conf:14:7"]);
    assert_eq!(at(&seen.admin_exposed), ["nginx.conf:10:24"]);
    assert_eq!(at(&seen.limits_unbounded), ["nginx.conf:9:5"]);
    assert_eq!(at(&seen.debug_logging), ["nginx.conf:2:1"]);
    assert_eq!(at(&seen.proxy_header_trusted), ["nginx.conf:5:3"]);
    let secret = &seen.secrets_inline.value().unwrap()[0];
    assert_eq!((secret.line, secret.kind), (13, SecretKind::Token));
    assert!(!serde_json::to_string(&seen).unwrap().contains("t0ken"));
}

#[test]
fn a_hardened_front_end_leaves_nothing_off_for_other_machines() {
    let seen = nginx(HARDENED);
    keeps(&seen, &super::super::readers::nginx::COVERED, &["on", "local"]);
}

#[test]
fn one_change_leaves_one_guardrail_off() {
    let cases = [
        ("listen 192.0.2.10:8883 ssl", "listen 192.0.2.10:8883", Guardrail::Tls, "off"),
        ("return 301 https://$host$request_uri;", "root /srv;", Guardrail::Tls, "off"),
        ("server unix:/run/ingest.sock;", "server 192.0.2.20:80;", Guardrail::Tls, "off"),
        ("192.0.2.10:443", "443", Guardrail::Bind, "off"),
        ("proxy_ssl_verify on;", "", Guardrail::PeerVerification, "off"),
        ("ssl_verify_client on;", "ssl_verify_client optional;", Guardrail::IdentityMapping, "off"),
        (
            "ssl_verify_client on;",
            "ssl_verify_client optional_no_ca;",
            Guardrail::PeerVerification,
            "off",
        ),
        ("allow 127.0.0.1; deny all;", "", Guardrail::Admin, "off"),
        (
            "ssl_protocols TLSv1.3;",
            "ssl_protocols TLSv1.3; ssl_protocols TLSv1.1;",
            Guardrail::TlsVersion,
            "off",
        ),
        (
            "proxy_pass 127.0.0.1:1883;",
            "proxy_pass 127.0.0.1:1883; set_real_ip_from ::/0;",
            Guardrail::ProxyHeader,
            "off",
        ),
    ];
    one_change(HARDENED, nginx, &cases);
}

#[test]
fn the_first_server_on_an_address_decides_the_versions_for_all_of_them() {
    let text = "http {
server { listen 443 ssl; ssl_protocols TLSv1.1 TLSv1.2; }
server { listen 443 ssl; ssl_protocols TLSv1.3; }
}";
    assert_eq!(places(&nginx(text).tls_old_versions), ["nginx.conf:2:26"]);
    let named = text.replace(
        "server { listen 443 ssl; ssl_protocols TLSv1.3",
        "server { listen 443 ssl default_server; ssl_protocols TLSv1.3",
    );
    assert_eq!(word(&nginx(&named), Guardrail::TlsVersion), "on");
}

#[test]
fn absent_protocols_mean_what_the_version_says() {
    let text = HARDENED.replace("  ssl_protocols TLSv1.2 TLSv1.3;\n", "");
    let as_version = |version| {
        word(&seen(&[("nginx.conf", &text)], ConfigFormat::Nginx, version), Guardrail::TlsVersion)
    };
    assert_eq!(as_version(Some("1.22.1")), "off");
    assert_eq!(as_version(Some("1.28.0")), "on");
    assert_eq!(as_version(None), "open");
}

#[test]
fn files_that_are_named_are_read_in_place_and_inside_the_folder_only() {
    let main = "http { include conf.d/*.conf; include mime.types; ssl_protocols TLSv1.2; }\n";
    let site = "server { listen 127.0.0.1:443 ssl; }\n";
    let other = "server { listen 1883; include ../nginx.conf; }\n";
    let files = [("nginx.conf", main), ("conf.d/a.conf", site), ("conf.d/b.conf", other)];
    let with = seen(&files, ConfigFormat::Auto, None);
    assert_eq!(places(&with.bind_all_interfaces), ["conf.d/b.conf:1:10"]);
    let without = seen(&files[..1], ConfigFormat::Auto, None);
    assert_eq!(word(&without, Guardrail::Tls), "open");
    assert_eq!(undetermined(&without), ["include"]);
    let alone = seen(&[("site.conf", site)], ConfigFormat::Auto, Some("1.28.0"));
    assert_eq!(undetermined(&alone), ["ssl_protocols"]);
}

#[test]
fn what_a_variable_or_bytes_that_pass_decide_is_open() {
    let variable = HARDENED.replace("http://ingest;", "http://$backend;");
    assert_eq!(word(&nginx(&variable), Guardrail::Tls), "open");
    let passing = "stream { server { listen 192.0.2.1:8883; ssl_preread on; proxy_pass b:8883; } }";
    assert_eq!(word(&nginx(passing), Guardrail::Tls), "open");
}

const MAIL: &str = "mail {
  ssl_protocols TLSv1.2 TLSv1.3;
  auth_http 127.0.0.1:9000/auth;
  server { listen 192.0.2.10:993 ssl; protocol imap; }
  server { listen 192.0.2.10:587; protocol smtp; starttls only; }
  server { listen unix:/run/pop; protocol pop3; }
}
";

#[test]
fn mail_servers_are_front_ends_as_others_are() {
    let kept = nginx(MAIL);
    // Where mail goes on is said by the program that is asked: nothing is off, and TLS is open.
    assert_eq!(word(&kept, Guardrail::Tls), "open");
    assert_eq!(undetermined(&kept), ["auth_http"]);
    for guardrail in [Guardrail::Bind, Guardrail::TlsVersion, Guardrail::PeerVerification] {
        assert_eq!(word(&kept, guardrail), "on", "{guardrail:?}");
    }
    assert_eq!(kept.secrets_inline.value().unwrap().len(), 0);
    let cases = [
        ("192.0.2.10:993 ssl", "192.0.2.10:993", Guardrail::Tls, "off"),
        ("starttls only", "starttls on", Guardrail::Tls, "off"),
        ("starttls only", "starttls off", Guardrail::Tls, "off"),
        ("127.0.0.1:9000/auth", "http://login.example/auth", Guardrail::Tls, "off"),
        ("192.0.2.10:587", "587", Guardrail::Bind, "off"),
        ("TLSv1.2 TLSv1.3", "TLSv1.1 TLSv1.2", Guardrail::TlsVersion, "off"),
        (
            "protocol imap;",
            "protocol imap; ssl_verify_client optional_no_ca;",
            Guardrail::PeerVerification,
            "off",
        ),
        ("protocol imap;", "protocol imap; set_real_ip_from ::/0;", Guardrail::ProxyHeader, "off"),
    ];
    one_change(MAIL, nginx, &cases);
    let exposed = nginx(&MAIL.replace("starttls only", "starttls on"));
    assert_eq!(places(&exposed.tls_plaintext), ["nginx.conf:3:3", "nginx.conf:5:12"]);
    let secret = MAIL.replace(
        "  server { listen unix",
        "  auth_http_header X-Auth-Key c4nary;\n  server { listen unix",
    );
    let secret = nginx(&secret);
    assert_eq!(secret.secrets_inline.value().unwrap()[0].kind, SecretKind::Key);
    assert!(!serde_json::to_string(&secret).unwrap().contains("c4nary"));
}

#[test]
fn how_users_of_mail_log_in_changes_nothing_and_a_password_without_tls_is_off_whatever_it_is() {
    let login = |method: &str, listen: &str| {
        let to = format!("protocol smtp; smtp_auth {method}; {listen}");
        nginx(&MAIL.replace("protocol smtp; starttls only;", &to))
    };
    for method in ["none", "plain", "login plain", "cram-md5", "external"] {
        let kept = login(method, "starttls only;");
        assert_eq!(undetermined(&kept), ["auth_http"], "{method}");
        assert_eq!(word(&kept, Guardrail::Tls), "open", "{method}");
        let bare = login(method, "");
        assert_eq!(places(&bare.tls_plaintext), ["nginx.conf:3:3", "nginx.conf:5:12"], "{method}");
    }
}

#[test]
fn upstreams_of_one_name_in_two_modules_are_two() {
    let away = "http { upstream u { server 192.0.2.9:80; }
  server { listen 192.0.2.1:443 ssl; ssl_protocols TLSv1.3; location / { proxy_pass http://u; } } }
stream { upstream u { server 127.0.0.1:1883; }
  server { listen 192.0.2.1:8883 ssl; ssl_protocols TLSv1.3; proxy_pass u; } }
";
    assert_eq!(places(&nginx(away).tls_plaintext), ["nginx.conf:2:74", "nginx.conf:4:62"]);
    assert_eq!(word(&nginx(away), Guardrail::Tls), "off");
    let here = away.replace("192.0.2.9:80", "unix:/run/u");
    assert_eq!(word(&nginx(&here), Guardrail::Tls), "local");
}

#[test]
fn whom_a_server_takes_names_from_replaces_what_it_would_inherit() {
    let from = |own: &str| {
        let text = format!(
            "http {{ set_real_ip_from 0.0.0.0/0;
  server {{ listen 192.0.2.1:443 ssl; ssl_protocols TLSv1.3; {own} }} }}\n"
        );
        word(&nginx(&text), Guardrail::ProxyHeader)
    };
    assert_eq!(from(""), "off");
    assert_eq!(from("set_real_ip_from 192.0.2.9;"), "on");
    assert_eq!(from("set_real_ip_from ::/0;"), "off");
    assert_eq!(from("location / { set_real_ip_from 192.0.2.9; }"), "off");
}

#[test]
fn versions_hold_for_what_goes_over_to_tls_and_a_part_of_a_file_is_told() {
    let old = MAIL.replace("  ssl_protocols TLSv1.2 TLSv1.3;\n", "").replace(":993 ssl", ":993 ");
    let places = |text: &str| places(&nginx(text).tls_old_versions);
    assert_eq!(places(&old), ["nginx.conf:4:3"], "STARTTLS speaks TLS too");
    assert_eq!(places(&old.replace("starttls only", "starttls off")), Vec::<String>::new());
    // A file that an unknown block includes.
    let part =
        "server { listen 192.0.2.10:143; protocol imap; starttls only; ssl_protocols TLSv1.3; }\n";
    let seen = seen(&[("mail.conf", part)], ConfigFormat::Nginx, Some("1.26.0"));
    assert_eq!(word(&seen, Guardrail::Tls), "on");
}
