//! Transport posture of real servers: OpenSSL's `s_server`, whose flags are the truth to compare
//! with, and mosquitto.

use model::document::Protocol;
use probes::broker_transport_posture::MAX_CONNECTIONS;
use serde_json::json;
use testkit::evidence::{expect, value};
use testkit::mosquitto::{Broker, Setup};
use testkit::openssl::{self, Cipher};
use testkit::peer::{Peer, Script};
use testkit::pki::Authority;

use super::posture::{decide, ec_identity, rsa_identity, s_server};

const VERSIONS: [(&str, &str); 4] = [
    ("-tls1", "/tls/tls10/accepted"),
    ("-tls1_1", "/tls/tls11/accepted"),
    ("-tls1_2", "/tls/tls12/accepted"),
    ("-tls1_3", "/tls/tls13/accepted"),
];

#[tokio::test]
async fn a_server_with_one_version_accepts_that_and_no_other() {
    let identity = rsa_identity();
    for (flag, accepted) in VERSIONS {
        let server = s_server(&identity, &[flag, "-cipher", "ALL:@SECLEVEL=0"]);
        let seen = decide(Protocol::Tls, server.port()).await;
        for (_, pointer) in VERSIONS {
            expect(&seen, &[(pointer, json!(pointer == accepted))]);
        }
        expect(&seen, &[("/tls/sslv3/accepted", json!(false)), ("/tls/spoken", json!(true))]);
    }
}

#[tokio::test]
async fn a_server_with_a_hole_between_its_versions_is_seen_with_the_hole() {
    let identity = rsa_identity();
    let flags = ["-no_tls1_1", "-no_tls1_3", "-cipher", "ALL:@SECLEVEL=0"];
    let server = s_server(&identity, &flags);
    let seen = decide(Protocol::Tls, server.port()).await;
    for (pointer, expected) in [
        ("/tls/tls10/accepted", true),
        ("/tls/tls11/accepted", false),
        ("/tls/tls12/accepted", true),
        ("/tls/tls13/accepted", false),
    ] {
        expect(&seen, &[(pointer, json!(expected))]);
    }
}

#[tokio::test]
async fn the_defaults_of_openssl_are_seen_as_they_are() {
    let server = s_server(&ec_identity(), &[]);
    let seen = decide(Protocol::Tls, server.port()).await;
    expect(
        &seen,
        &[
            ("/plain/outcome", json!("not_spoken")),
            ("/tls/tls12/accepted", json!(true)),
            ("/tls/tls13/accepted", json!(true)),
            ("/tls/tls13/pq_hybrid", json!(false)),
            ("/tls/tls13/group", json!("x25519")),
            ("/tls/clear/group", json!("x25519")),
            ("/tls/clear/signature", json!("ecdsa_secp256r1_sha256")),
            ("/tls/clear/secure_renegotiation", json!(true)),
            ("/tls/clear/compression", json!(false)),
            ("/tls/clear/extended_master_secret", json!(true)),
            ("/tls/clear/downgrade_sentinel", json!(true)),
            ("/tls/suites/null_or_anon/accepted", json!(false)),
            ("/tls/suites/export_or_sub112/accepted", json!(false)),
            ("/tls/suites/block64/accepted", json!(false)),
            ("/tls/suites/non_forward_secret/accepted", json!(false)),
            ("/tls/suites/cbc/accepted", json!(true)),
            ("/tls/suites/cbc/encrypt_then_mac", json!(true)),
            ("/tls/client_certificate", json!("not_requested")),
        ],
    );
}

#[tokio::test]
async fn a_server_with_everything_on_is_decided_in_every_class() {
    let flags = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-psk", "00112233"];
    let server = s_server(&rsa_identity(), &flags);
    let seen = decide(Protocol::Tls, server.port()).await;
    expect(
        &seen,
        &[
            ("/tls/tls10/accepted", json!(true)),
            ("/tls/tls11/accepted", json!(true)),
            ("/tls/tls12/accepted", json!(true)),
            ("/tls/tls13/accepted", json!(true)),
            ("/tls/suites/null_or_anon/accepted", json!(true)),
            ("/tls/suites/export_or_sub112/accepted", json!(false)),
            ("/tls/suites/block64/accepted", json!(false)),
            ("/tls/suites/non_forward_secret/accepted", json!(true)),
            ("/tls/suites/ffdhe/accepted", json!(true)),
            ("/tls/suites/cbc/accepted", json!(true)),
        ],
    );
}

/// Which classes a suite is in, by OpenSSL's own columns.
fn classes(cipher: &Cipher) -> [(&'static str, bool); 6] {
    let exchange = cipher.exchange.as_str();
    let anonymous = cipher.authentication == "None";
    let encryption = cipher.encryption.as_str();
    [
        ("null_or_anon", encryption == "None" || anonymous),
        ("export_or_sub112", ["RC4", "RC2", "DES("].iter().any(|w| encryption.starts_with(w))),
        ("block64", encryption.starts_with("3DES") || encryption.starts_with("IDEA")),
        ("non_forward_secret", ["RSA", "PSK", "RSAPSK"].contains(&exchange)),
        ("ffdhe", !anonymous && ["DH", "DHEPSK"].contains(&exchange)),
        ("cbc", cipher.mac != "AEAD" && encryption != "None" && !encryption.starts_with("RC4")),
    ]
}

#[tokio::test]
async fn every_single_suite_of_openssl_lands_in_the_classes_of_its_columns() {
    let (rsa, ec) = (rsa_identity(), ec_identity());
    let mut tried = 0;
    for cipher in openssl::ciphers().expect("listing") {
        // SRP needs an identity in the hello, DSS a kind of certificate that nobody issues, and
        // ARIA and Camellia with PSK are not asked about.
        let rare = cipher.exchange.ends_with("PSK")
            && ["ARIA", "Camellia"].iter().any(|name| cipher.encryption.starts_with(name));
        if rare || ["SRP", "DSS"].iter().any(|kind| cipher.standard_name.contains(kind)) {
            continue;
        }
        let identity = if cipher.authentication == "ECDSA" { &ec } else { &rsa };
        let suites = format!("{}:@SECLEVEL=0", cipher.name);
        let server = s_server(identity, &["-tls1_2", "-cipher", &suites, "-psk", "00112233"]);
        let seen = decide(Protocol::Tls, server.port()).await;
        expect(&seen, &[("/tls/tls12/accepted", json!(true))]);
        for (class, expected) in classes(&cipher) {
            let pointer = format!("/tls/suites/{class}/accepted");
            assert_eq!(value(&seen, &pointer), json!(expected), "{class} of {cipher:?}");
            if expected {
                let witness = value(&seen, &format!("/tls/suites/{class}/witness"));
                assert_eq!(witness, json!(cipher.standard_name));
            }
        }
        tried += 1;
    }
    assert!(tried > 80, "only {tried} suites were tried");
}

#[tokio::test]
async fn the_size_of_a_dhe_prime_is_what_the_server_was_given() {
    let server =
        s_server(&rsa_identity(), &["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"]);
    let seen = decide(Protocol::Tls, server.port()).await;
    expect(&seen, &[("/tls/suites/ffdhe/dh_bits", json!(2048))]);
}

#[tokio::test]
async fn client_certificates_of_openssl_are_told_apart() {
    let identity = ec_identity();
    for version in ["-tls1_2", "-tls1_3"] {
        for (flags, expected) in [
            (vec![version], "not_requested"),
            (vec![version, "-verify", "2"], "requested"),
            (vec![version, "-Verify", "2"], "required"),
        ] {
            let server = s_server(&identity, &flags);
            // `s_server -www` answers HTTP inside, as a broker behind WebSocket does.
            let seen = decide(Protocol::Wss, server.port()).await;
            expect(&seen, &[("/tls/client_certificate", json!(expected))]);
        }
    }
}

#[tokio::test]
async fn plaintext_mosquitto_answers_with_a_connack() {
    let open = Broker::start(&Setup::default()).expect("mosquitto");
    let seen = decide(Protocol::Mqtt, open.port()).await;
    expect(&seen, &[("/plain/outcome", json!("connack")), ("/plain/connack_code", json!(0))]);

    let setup = Setup { password: Some(("gateway", "correct horse")), ..Setup::default() };
    let closed = Broker::start(&setup).expect("mosquitto");
    let seen = decide(Protocol::Mqtt, closed.port()).await;
    expect(&seen, &[("/plain/outcome", json!("connack")), ("/plain/connack_code", json!(5))]);
}

#[tokio::test]
async fn plaintext_websocket_of_mosquitto_is_upgraded() {
    let setup = Setup { websockets: true, ..Setup::default() };
    let broker = Broker::start(&setup).expect("mosquitto");
    let seen = decide(Protocol::Ws, broker.port()).await;
    expect(&seen, &[("/websocket/outcome", json!("upgraded")), ("/websocket/status", json!(101))]);
}

#[tokio::test]
async fn mosquitto_with_tls_is_seen_with_its_versions() {
    let identity = ec_identity();
    for (lines, tls12, tls11) in [
        (&["tls_version tlsv1.3"][..], false, false),
        (&["tls_version tlsv1.2"][..], true, false),
        (&["tls_version tlsv1.1", "ciphers ALL:@SECLEVEL=0"][..], true, true),
    ] {
        let setup = Setup { identity: Some(&identity), lines, ..Setup::default() };
        let broker = Broker::start(&setup).expect("mosquitto");
        let seen = decide(Protocol::Mqtts, broker.port()).await;
        expect(
            &seen,
            &[
                ("/plain/outcome", json!("not_spoken")),
                ("/tls/tls10/accepted", json!(false)),
                ("/tls/tls11/accepted", json!(tls11)),
                ("/tls/tls12/accepted", json!(tls12)),
                ("/tls/client_certificate", json!("not_requested")),
            ],
        );
    }
}

#[tokio::test]
async fn mosquitto_that_requires_certificates_is_seen_as_that_in_both_versions() {
    let identity = ec_identity();
    let authority = Authority::new("Devices").pem();
    for version in ["tls_version tlsv1.3", "tls_version tlsv1.2"] {
        for (require, expected) in [("true", "required"), ("false", "not_requested")] {
            let require = format!("require_certificate {require}");
            let setup = Setup {
                identity: Some(&identity),
                client_authority: Some(authority.clone()),
                lines: &[version, &require],
                ..Setup::default()
            };
            let broker = Broker::start(&setup).expect("mosquitto");
            let seen = decide(Protocol::Mqtts, broker.port()).await;
            expect(&seen, &[("/tls/client_certificate", json!(expected))]);
        }
    }
}

#[tokio::test]
async fn the_connections_in_the_evidence_are_those_that_a_proxy_counts() {
    let server = s_server(&rsa_identity(), &["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
    let proxy = Peer::start(Script::Forward(server.port())).await;
    let seen = decide(Protocol::Tls, proxy.port()).await;
    expect(&seen, &[("/connections", json!(proxy.accepted()))]);
    assert!(proxy.accepted() <= MAX_CONNECTIONS);
}
