//! Keys that stand there twice, against the programs that read them: mosquitto, nginx and HAProxy.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use model::evidence::Evidence;
use testkit::pki::{Leaf, self_signed};
use testkit::process::{Running, free_port};

use super::{RealBroker, review, value, write};

fn count(evidence: &Evidence, pointer: &str) -> usize {
    value(evidence, pointer).as_array().map_or(0, Vec::len)
}

/// Whether a program that only looks at a configuration takes it.
fn takes(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    let command = command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.output().unwrap().status.success()
}

#[tokio::test]
async fn what_mosquitto_takes_once_is_listed_and_what_it_takes_again_replaces() {
    let identity = self_signed(&Leaf::default());
    let listener = "listener P1 127.0.0.1\n";
    let bridge = "listener P1 127.0.0.1\nconnection b\naddress 127.0.0.1:1\ntopic # both\n";
    let cases = [
        (listener, "acl_file empty", true),
        (listener, "password_file empty", true),
        (listener, "psk_file empty", true),
        (listener, "certfile cert.pem", true),
        (listener, "keyfile key.pem", true),
        (listener, "cafile cert.pem", true),
        (listener, "tls_version tlsv1.2", true),
        (listener, "ciphers HIGH", true),
        (listener, "psk_hint hint", true),
        (listener, "bind_interface lo", true),
        (listener, "mount_point m/", true),
        (listener, "user root", true),
        (bridge, "bridge_cafile cert.pem", true),
        (bridge, "bridge_tls_version tlsv1.2", true),
        (bridge, "remote_username u", true),
        (bridge, "bridge_insecure true", false),
        (listener, "allow_anonymous false", false),
        (listener, "require_certificate false", false),
        (listener, "use_identity_as_username false", false),
        (listener, "max_connections 5", false),
        (listener, "protocol mqtt", false),
        (listener, "max_packet_size 1000", false),
        (listener, "max_queued_messages 5", false),
        (listener, "per_listener_settings false", false),
        ("", "port P1", false),
        ("", "bind_address 127.0.0.1", true),
    ];
    for (before, line, refused) in cases {
        for twice in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "empty", "");
            write(folder.path(), "cert.pem", &identity.cert_pem);
            write(folder.path(), "key.pem", &identity.key_pem);
            // The log of the test names a user of its own.
            let named = line.starts_with("user ");
            let lines = if twice { format!("{line}\n{line}\n") } else { format!("{line}\n") };
            let text = format!("{before}{lines}").replace("P1", &free_port().to_string());
            write(folder.path(), "mosquitto.conf", &text);
            let evidence = review(folder.path(), "mosquitto.conf", Some("2.0.11")).await;
            let repeated = usize::from(twice && refused);
            assert_eq!(count(&evidence, "/repeated"), repeated, "{text}");
            assert_eq!(count(&evidence, "/overridden"), usize::from(twice && !refused), "{text}");
            if !named {
                assert_eq!(RealBroker::start(folder.path()).runs, repeated == 0, "{text}");
            }
        }
    }
}

#[tokio::test]
async fn what_nginx_takes_once_is_listed() {
    let identity = self_signed(&Leaf::default());
    let cases = [
        ("autoindex on;", true),
        ("client_max_body_size 1m;", true),
        ("grpc_ssl_verify off;", true),
        ("proxy_ssl_verify off;", true),
        ("real_ip_header X-Real-IP;", true),
        ("root /srv;", true),
        ("ssl_ciphers HIGH;", true),
        ("ssl_client_certificate cert.pem;", true),
        ("ssl_early_data off;", true),
        ("ssl_prefer_server_ciphers on;", true),
        ("ssl_session_tickets off;", true),
        ("ssl_verify_client optional_no_ca;", true),
        ("ssl_verify_depth 2;", true),
        ("location / { proxy_pass http://127.0.0.1:1; P }", true),
        ("error_log log;", false),
        ("set_real_ip_from 192.0.2.1;", false),
        ("allow all;", false),
        ("add_header a b;", false),
        ("ssl_protocols TLSv1.2;", false),
        ("return 404;", false),
    ];
    for (line, refused) in cases {
        for twice in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "cert.pem", &identity.cert_pem);
            write(folder.path(), "key.pem", &identity.key_pem);
            let inside = match (line.contains(" P "), twice) {
                (true, true) => line.replace(" P ", " proxy_pass http://127.0.0.1:2; "),
                (true, false) => line.replace(" P ", " "),
                (false, true) => format!("{line} {line}"),
                (false, false) => line.to_owned(),
            };
            let port = free_port();
            let text = format!(
                "pid pid; error_log log; events {{ }}\nhttp {{ access_log off; server {{\n listen 127.0.0.1:{port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;\n {inside}\n}} }}\n"
            );
            write(folder.path(), "nginx.conf", &text);
            let evidence = review(folder.path(), "nginx.conf", None).await;
            let repeated = usize::from(twice && refused);
            assert_eq!(count(&evidence, "/repeated"), repeated, "{text}");
            let place = folder.path().join("nginx.conf");
            let prefix = format!("{}/", folder.path().display());
            let arguments = ["-t", "-p", &prefix, "-c", place.to_str().unwrap()];
            assert_eq!(takes("nginx", &arguments, folder.path()), repeated == 0, "{text}");
        }
    }
}

/// A front end of HAProxy and the server behind it.
struct Proxy {
    folder: tempfile::TempDir,
    port: u16,
    behind: TcpListener,
    text: String,
}

impl Proxy {
    fn new(global: &str, bind: &str, back: &str) -> Self {
        let identity = self_signed(&Leaf::default());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "both.pem", &format!("{}{}", identity.cert_pem, identity.key_pem));
        let behind = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, server) = (free_port(), behind.local_addr().unwrap());
        let back = back.replace("SERVER", &format!("server s {server}"));
        let text = format!(
            "global\n{global}\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\nfrontend f\n  bind 127.0.0.1:{port} {bind}\n  default_backend b\nbackend b\n  mode tcp\n{back}\n"
        );
        write(folder.path(), "haproxy.cfg", &text);
        Self { folder, port, behind, text }
    }

    async fn evidence(&self) -> Evidence {
        review(self.folder.path(), "haproxy.cfg", Some("2.6.12")).await
    }

    fn start(&self) -> Running {
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f", "haproxy.cfg"]).current_dir(self.folder.path());
        let mut running = Running::start("haproxy", &mut command).unwrap();
        running.wait_for_port(self.port).unwrap();
        running
    }

    /// Whether it takes a client of TLS 1.1.
    fn takes_old(&self) -> bool {
        let _running = self.start();
        let address = format!("127.0.0.1:{}", self.port);
        let arguments =
            ["s_client", "-connect", &address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-brief"];
        takes("openssl", &arguments, self.folder.path())
    }

    /// Whether it speaks TLS with what stands behind it: the first byte of a handshake (RFC 8446
    /// section 5.1).
    fn encrypts(&self) -> bool {
        let _running = self.start();
        // The look at the port above was a connection of its own, and may have come through.
        let client = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        std::io::Write::write_all(&mut &client, b"hello").unwrap();
        for stream in self.behind.incoming().take(3) {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut first = [0];
            if stream.read(&mut first).unwrap_or(0) == 1 {
                return first[0] == 22;
            }
        }
        panic!("nothing came through");
    }
}

#[tokio::test]
async fn the_least_version_that_haproxy_is_told_last_is_the_one_that_counts() {
    let (old, new) = ("ssl-min-ver TLSv1.0", "ssl-min-ver TLSv1.2");
    let base = "ssl crt both.pem ciphers ALL:@SECLEVEL=0";
    let options = |text: &str| format!("  ssl-default-bind-options {text}\n");
    let cases = [
        (String::new(), format!("{base} {old} {new}"), 1),
        (String::new(), format!("{base} {new} {old}"), 1),
        (format!("{}{}", options(old), options(new)), base.to_owned(), 1),
        (format!("{}{}", options(new), options(old)), base.to_owned(), 1),
        (options(new), format!("{base} {old}"), 0),
    ];
    for (global, bind, gone) in cases {
        let proxy = Proxy::new(&global, &bind, "  SERVER");
        let evidence = proxy.evidence().await;
        let told = count(&evidence, "/tls/old_versions") > 0;
        assert_eq!(proxy.takes_old(), told, "{}", proxy.text);
        assert_eq!(count(&evidence, "/overridden"), gone, "{}", proxy.text);
    }
}

#[tokio::test]
async fn what_haproxy_says_for_servers_adds_up_and_the_last_word_counts() {
    let on = "  default-server ssl verify none\n";
    let cases = [
        format!("{on}  default-server maxconn 5\n  SERVER"),
        format!("  default-server maxconn 5\n{on}  SERVER"),
        format!("{on}  default-server no-ssl\n  SERVER"),
        format!("  SERVER\n{on}"),
        "  SERVER no-ssl ssl verify none".to_owned(),
        "  SERVER ssl verify none no-ssl".to_owned(),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for back in cases {
        // A front that ends TLS is judged by what it does behind it; the program is asked without.
        let judged = Proxy::new("", "ssl crt both.pem", &back).evidence().await;
        let told = !value(&judged, "/tls/plaintext").to_string().contains("server");
        assert_eq!(Proxy::new("", "", &back).encrypts(), told, "{back}");
        seen.insert(told);
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn the_last_timeout_of_a_frontend_of_haproxy_counts() {
    for (first, last, bounded) in [("2s", "0", false), ("0", "2s", true)] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "defaults\n  timeout connect 1s\n  timeout server 1s\nlisten l\n  bind 127.0.0.1:{}\n  timeout client {first}\n  timeout client {last}\n  server s 127.0.0.1:1\n",
            free_port()
        );
        write(folder.path(), "haproxy.cfg", &text);
        let evidence = review(folder.path(), "haproxy.cfg", Some("2.6.12")).await;
        let told = value(&evidence, "/limits/unbounded").to_string();
        assert_eq!(!told.contains("timeout client"), bounded, "{told}");
        assert_eq!(count(&evidence, "/overridden"), 1);
        let mut command = Command::new("haproxy");
        command.args(["-c", "-f", "haproxy.cfg"]).current_dir(folder.path());
        let said = command.output().unwrap();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(!said.contains("missing timeouts"), bounded, "{said}");
    }
}
