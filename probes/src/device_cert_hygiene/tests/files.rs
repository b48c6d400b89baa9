//! Files that cannot be read, should not be read, or are many.

use model::document::Source;
use model::evidence::{DeviceCertHygieneStable, Item};
use testkit::peer::{Peer, Script};
use testkit::pki::{Authority, Leaf, device, usage};

use super::{Place, issue};

/// A PKCS#12 file with the certificate and its key.
fn pkcs12(identity: &testkit::pki::Identity, password: &str) -> Vec<u8> {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::pki_types::pem::PemObject as _;
    let key = PrivatePkcs8KeyDer::from_pem_slice(identity.key_pem.as_bytes()).expect("key");
    let certificate = Certificate::from_der(&identity.cert_der).expect("certificate");
    let key = PrivateKey::from_der(key.secret_pkcs8_der()).expect("key");
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new("device", key, [certificate]);
    store.add_entry("device", KeyStoreEntry::PrivateKeyChain(chain));
    let writer = store.writer(password).encryption_iterations(2_000).mac_iterations(2_000);
    writer.write().expect("file")
}

#[tokio::test]
async fn pkcs12_files_open_with_the_declared_password_and_never_show_it() {
    let authority = Authority::new("Devices");
    let mut place = Place::new();
    let identity = authority.issue(&Leaf::device("d-1"));
    place.put("fleet/d-1.p12", pkcs12(&identity, "open sesame"));
    place.put("fleet/d-2.pfx", b"0\x03abc");

    place.certificates.password = Some(place.put("password", "open sesame\n"));
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(1));
    let told = |stable: &DeviceCertHygieneStable| {
        let sample = stable.unreadable_sample.value().expect("sample");
        sample.iter().map(|u| format!("{}: {}", u.place, u.reason)).collect::<Vec<_>>()
    };
    assert_eq!(told(&stable), ["d-2.pfx: it is no PKCS#12 file that can be read"]);

    place.certificates.password = Some(place.put("password", "canary-4711"));
    let stable = place.stable().await;
    assert_eq!(told(&stable)[0], "d-1.p12: the declared password does not open it");
    let json = serde_json::to_string(&stable).expect("json");
    assert!(!json.contains("canary-4711") && !json.contains("open sesame"));

    place.certificates.password = None;
    let stable = place.stable().await;
    assert_eq!(told(&stable)[0], "d-1.p12: it needs a password, and none is declared");

    place.certificates.password = Some(Source::path("absent"));
    let stable = place.stable().await;
    assert_eq!(stable.unreadable_count, Item::observed(3));
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_with_its_place_and_reason() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    place.put("fleet/sound.pem", issue(&authority, "d-1"));
    place.put("fleet/empty.pem", "");
    place.put("fleet/text.pem", "just text\n");
    place.put("fleet/der.der", b"0\x82garbage");
    place.put("fleet/cut.pem", &issue(&authority, "d-2")[..300]);
    let json = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    place.put("fleet/two.pem", issue(&authority, "d-3") + json);
    let stable = place.stable().await;
    let told: Vec<_> = stable
        .unreadable_sample
        .value()
        .expect("sample")
        .iter()
        .map(|u| format!("{}: {}", u.place, u.reason))
        .collect();
    assert_eq!(
        told,
        [
            "cut.pem:1: it has no end",
            "der.der: it is no X.509 certificate in DER",
            "empty.pem: it is empty",
            "text.pem: it is neither PEM nor DER",
            "two.pem#2: it is no X.509 certificate in DER",
        ]
    );
    assert_eq!(stable.set_certificates, Item::observed(2));
}

#[cfg(unix)]
#[tokio::test]
async fn links_out_of_the_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    place.put("outside/secret.pem", issue(&authority, "outside"));
    place.put("fleet/real.pem", issue(&authority, "inside"));
    // As a projected volume lays it out: a hidden folder and a link beside it.
    place.put("fleet/..2026/projected.pem", issue(&authority, "projected"));
    let fleet = place.path().join("fleet");
    symlink("../outside/secret.pem", fleet.join("escape.pem")).expect("link");
    symlink("../outside", fleet.join("folder")).expect("link");
    symlink(".", fleet.join("loop")).expect("link");
    symlink("..2026/projected.pem", fleet.join("projected.pem")).expect("link");
    symlink("nowhere.pem", fleet.join("dangling.pem")).expect("link");
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(2));
    let told: Vec<_> = stable
        .unreadable_sample
        .value()
        .expect("sample")
        .iter()
        .map(|u| (u.place.as_str(), u.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("dangling.pem", "it is a link to nothing"),
            ("escape.pem", "it is a link that leads out of the folder"),
        ]
    );
}

#[tokio::test]
async fn a_folder_without_a_certificate_is_an_error_and_not_a_fleet_in_order() {
    let place = Place::new();
    place.put("fleet/notes.txt", "nothing here");
    let stable = place.stable().await;
    let reason = Some("`fleet` holds no device certificate in use");
    assert_eq!(stable.keys_shared_count.reason(), reason);
    assert_eq!(stable.expiry_earliest.reason(), reason);
    assert_eq!(stable.unreadable_count, Item::observed(0));

    let mut absent = Place::new();
    absent.certificates.path = Some("absent".into());
    let stable = absent.stable().await;
    assert_eq!(stable.unreadable_count.status(), "error");
    assert_eq!(stable.set_certificates.status(), "error");
}

#[tokio::test]
async fn a_deadline_that_passes_leaves_no_half_a_fleet() {
    let mut place = Place::new();
    place.put("fleet/a.pem", issue(&Authority::new("Devices"), "a"));
    place.policy.deadline_seconds = 0;
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates.status(), "timeout");
    assert_eq!(stable.keys_shared_count.status(), "timeout");
}

#[tokio::test]
async fn two_thousand_certificates_in_one_file_are_read_as_a_stream() {
    let (mut place, authority) = (Place::new(), Authority::new("Devices"));
    let mut file = std::fs::File::create(place.path().join("fleet.pem")).expect("file");
    authority.write_fleet(2_000, &mut file).expect("fleet");
    drop(file);
    let devices: String = (0..2_000).map(|n| device(n) + "\n").collect();
    place.certificates.path = Some("fleet.pem".into());
    let place = place.inventory(&format!("device_id\n{devices}"));
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(2_000));
    assert_eq!(stable.binding_unbound_count, Item::observed(0));
    assert_eq!(stable.binding_missing_count, Item::observed(0));
    assert_eq!(stable.keys_shared_count, Item::observed(0));
    let days = stable.expiry_days.value().expect("days");
    assert_eq!(days.last().map(|day| day.total), Some(2_000));
    assert!((84..=85).contains(&days.len()), "2,000 hours are 84 days: {}", days.len());
}

#[tokio::test]
async fn hostile_subjects_are_cut_and_made_visible() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let hostile = Leaf {
        common_name: format!("<script>\u{1b}[0m\u{202e}{}", "x".repeat(5_000)),
        usages: vec![usage::SERVER],
        ..Leaf::device("hostile")
    };
    place.put("fleet/a.pem", authority.issue(&hostile).cert_pem);
    let stable = place.stable().await;
    let subject = &stable.usage_excluded_sample.value().expect("sample")[0].subject;
    assert!(subject.starts_with("CN=\\<script\\>\\1B[0m\\E2\\80\\AExxx"), "{subject}");
    assert!(subject.len() < 200 && !subject.contains('\u{1b}'), "{subject}");
}

#[tokio::test]
async fn certificates_may_stand_in_a_variable() {
    let mut place = Place::new();
    place.certificates.path = None;
    // A variable that every test process has, and that holds no certificate.
    place.certificates.env = Some("PATH".into());
    let stable = place.stable().await;
    assert_eq!(stable.set_source, Item::observed("env PATH".to_owned()));
    assert_eq!(stable.set_certificates.status(), "error");
    place.certificates.env = Some("PLUMBLINE_NO_SUCH_VARIABLE".into());
    let stable = place.stable().await;
    assert!(stable.set_certificates.reason().expect("reason").contains("not set"));
}

#[tokio::test]
async fn certificates_may_stand_at_an_address() {
    let authority = Authority::new("Devices");
    let sound = authority.issue(&Leaf::device("d-1"));
    let csv = format!("device_id,pem\nd-1,\"{}\"\n", sound.cert_pem);
    for (name, content) in [
        ("fleet.pem?v=2", sound.cert_pem.as_bytes()),
        ("d-1.der", &sound.cert_der[..]),
        ("fleet.CSV?v=2", csv.as_bytes()),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
        let peer = Peer::start(Script::Reply([head.as_bytes(), content].concat())).await;
        let mut place = Place::new();
        place.certificates.path = None;
        place.certificates.url = Some(format!("http://127.0.0.1:{}/{name}", peer.port()));
        let stable = place.stable().await;
        assert_eq!(stable.set_certificates, Item::observed(1), "{name}");
        assert_eq!(stable.unreadable_count, Item::observed(0), "{name}");
        assert!(stable.set_source.value().is_some_and(|place| !place.contains('?')), "{name}");
    }
    let peer = Peer::start(Script::Reply(b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec())).await;
    let mut place = Place::new();
    place.certificates.path = None;
    place.certificates.url = Some(format!("http://127.0.0.1:{}/fleet", peer.port()));
    assert_eq!(place.stable().await.set_certificates.status(), "error");
}
