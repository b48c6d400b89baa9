//! OCSP responses that OpenSSL makes and staples.

use std::fs;
use std::process::Command;

use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use testkit::evidence::value;
use testkit::openssl::Server;
use testkit::pki::Identity;

use super::certificates::{Place, failing};

/// Extensions of the two certificates.
const PROFILES: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
keyUsage = critical, digitalSignature
";

/// What makes the certificate promise a staple.
const PROMISE: &str = "tlsfeature = status_request\n";

/// An authority and a server certificate, made by OpenSSL.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// An authority whose server certificate has these extensions, too.
    pub fn with(extensions: &str) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        authority.put("profiles", &format!("{PROFILES}{extensions}"));
        for name in ["ca.key", "server.key"] {
            authority.openssl(&format!("ecparam -name prime256v1 -genkey -noout -out {name}"));
        }
        authority.openssl(
            "req -x509 -new -key ca.key -subj /CN=Plant -days 90 -config profiles \
             -extensions authority -out ca.pem",
        );
        authority.openssl(
            "req -new -key server.key -subj /CN=localhost -config profiles -out server.csr",
        );
        authority.openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 0x4d01 -days 60 \
             -extfile profiles -extensions server -out server.pem",
        );
        authority
    }

    /// Writes a file of it.
    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The text of a file of it.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Runs OpenSSL among its files.
    pub fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .expect("openssl is installed");
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the index of what it issued: this one line.
    pub fn index(&self, line: &str) {
        self.put("index", &format!("{line}\tunknown\t/CN=localhost\n"));
        self.put("index.attr", "");
    }

    /// A response with this line in the index of the authority; the path of its file.
    fn respond(&self, line: &str, days: &str) -> String {
        self.index(line);
        self.openssl(&format!(
            "ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem \
             -cert server.pem {days} -respout response.der"
        ));
        self.folder.path().join("response.der").display().to_string()
    }

    /// The server's certificate and key.
    pub fn identity(&self) -> Identity {
        let cert_pem = self.text("server.pem");
        Identity { cert_pem, cert_der: Vec::new(), key_pem: self.text("server.key") }
    }
}

#[tokio::test]
async fn a_staple_is_verified_and_judged() {
    let authority = Authority::with(PROMISE);
    let due = Timestamp::now() + 1_000.hours();
    let due = due.strftime("%y%m%d%H%M%SZ");
    for (line, days, outcome, expected) in [
        (format!("V\t{due}\t\t4D01"), "-ndays 7", "good", vec![]),
        (format!("V\t{due}\t\t4D01"), "", "good", vec!["staple_stale"]),
        (format!("R\t{due}\t261101000000Z\t4D01"), "-ndays 7", "revoked", vec!["stapled_revoked"]),
        (format!("V\t{due}\t\t4D02"), "-ndays 7", "unknown", vec!["stapled_revoked"]),
    ] {
        let response = authority.respond(&line, days);
        let server = Server::start(&authority.identity(), &["-status_file", &response]).unwrap();
        let place = Place::trusting(&authority.text("ca.pem"));
        let evidence = place.look_for(server.port(), "localhost").await;
        assert_eq!(value(&evidence, "/staple/outcome"), json!(outcome), "{line}");
        assert_eq!(failing(&evidence), expected, "{line}");
    }
}

#[tokio::test]
async fn a_promise_without_a_staple_fails_for_that_and_nothing_else() {
    let authority = Authority::with(PROMISE);
    let server = Server::start(&authority.identity(), &[]).unwrap();
    let place = Place::trusting(&authority.text("ca.pem"));
    let evidence = place.look_for(server.port(), "localhost").await;
    assert_eq!(value(&evidence, "/staple/present"), json!(false));
    assert_eq!(failing(&evidence), ["must_staple_violated"]);
}

#[tokio::test]
async fn a_staple_that_is_renewed_is_no_drift() {
    let authority = Authority::with("");
    let due = (Timestamp::now() + 1_000.hours()).strftime("%y%m%d%H%M%SZ").to_string();
    let mut digests = Vec::new();
    for (line, days) in [
        (format!("V\t{due}\t\t4D01"), "-ndays 7"),
        (format!("V\t{due}\t\t4D01"), "-ndays 8"),
        (format!("R\t{due}\t261101000000Z\t4D01"), "-ndays 8"),
    ] {
        let response = authority.respond(&line, days);
        let server = Server::start(&authority.identity(), &["-status_file", &response]).unwrap();
        let place = Place::trusting(&authority.text("ca.pem"));
        let evidence = place.look_for(server.port(), "localhost").await;
        assert_eq!(value(&evidence, "/staple/freshness"), json!("current"));
        digests.push(evidence);
    }
    // The port is another each time, so the items are compared and not the digest.
    let items = |place: usize| {
        let mut items = digests[place].stable.clone();
        items.remove("/endpoint/address");
        items
    };
    assert_eq!(items(0), items(1));
    assert_ne!(items(1), items(2));
    assert_ne!(digests[0].volatile["/staple/due"], digests[1].volatile["/staple/due"]);
}

#[tokio::test]
async fn a_list_that_is_renewed_is_no_drift_and_one_that_is_overdue_says_since_when() {
    let authority = testkit::pki::Authority::new("Plant CA");
    let server = Server::start(&authority.issue(&testkit::pki::Leaf::default()), &[]).unwrap();
    let mut place = Place::trusting(&authority.pem());
    place.trust.crls = vec![model::document::Source::path("list.crl")];
    let mut seen = Vec::new();
    for hours in [24, 48, -1] {
        place.put("list.crl", &authority.crl(&[], Timestamp::now() + hours.hours()));
        seen.push(place.look_for(server.port(), "localhost").await);
    }
    assert_eq!(seen[0].digest(), seen[1].digest());
    assert_ne!(seen[0].volatile["/revocation/due"], seen[1].volatile["/revocation/due"]);
    assert_eq!(value(&seen[1], "/revocation/freshness"), json!("current"));
    assert_eq!(value(&seen[2], "/revocation/freshness"), json!("overdue"));
    assert!(value(&seen[2], "/revocation/overdue_since").is_string());
    assert_eq!(failing(&seen[2]), ["crl_stale"]);
}
