//! SSL 2.0 and SSL 3.0 of servers that still have them: Scapy's and tlslite's (`tests/tls_servers`).
//! What a server was told is the truth to compare with.

use std::collections::BTreeSet;

use model::Verdict;
use model::digest::hex;
use model::document::Protocol;
use model::evidence::Evidence;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::evidence::{expect, status, value};
use testkit::pki::Identity;
use tests::tls_servers::{Library, Server};

use super::posture::{Pairs, connections, decide, enumerate, pairs, rsa_identity, verdict};

/// Every kind of cipher of SSL 2.0.
const KINDS: [&str; 7] = [
    "SSL_CK_RC4_128_WITH_MD5",
    "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
    "SSL_CK_RC2_128_CBC_WITH_MD5",
    "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
    "SSL_CK_IDEA_128_CBC_WITH_MD5",
    "SSL_CK_DES_64_CBC_WITH_MD5",
    "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
];

const RC4: &str = "TLS_RSA_WITH_RC4_128_SHA";
const DES3: &str = "TLS_RSA_WITH_3DES_EDE_CBC_SHA";
const AES: &str = "TLS_RSA_WITH_AES_128_CBC_SHA";

/// What a server of Scapy is told.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    /// Versions beside SSL 2.0, in Scapy's words.
    versions: &'a [&'a str],
    /// Its kinds of SSL 2.0; none without the version.
    kinds: Option<&'a [&'a str]>,
    suites: &'a [&'a str],
    /// How it says no.
    declines: &'a str,
}

fn scapy(identity: &Identity, told: Told<'_>) -> Server {
    let ssl2: &[&str] = if told.kinds.is_some() { &["SSLv2"] } else { &[] };
    let words = json!({
        "versions": ([ssl2, told.versions].concat()),
        "kinds": told.kinds.unwrap_or_default(),
        "suites": told.suites,
        "declines": told.declines,
    });
    Server::start(Library::Scapy, identity, words).expect("a server of Scapy")
}

/// Pairs of one version with suites.
fn of(version: &str, suites: &[&str]) -> Pairs {
    suites.iter().map(|suite| (version.to_owned(), (*suite).to_owned())).collect()
}

/// The suites that a server of Scapy was told, by version.
fn told_pairs(told: Told<'_>) -> Pairs {
    let below = told.versions.iter().flat_map(|version| {
        let version = version.replace("TLS ", "TLSv");
        of(&version, told.suites)
    });
    of("SSLv2", told.kinds.unwrap_or_default()).into_iter().chain(below).collect()
}

fn digests(seen: &Evidence) -> Vec<Value> {
    let listed = value(seen, "/tls/full/certificates");
    listed.as_array().expect("a list").iter().map(|leaf| leaf["sha256"].clone()).collect()
}

#[tokio::test]
async fn kinds_of_ssl2_are_those_that_the_server_was_told_whatever_else_it_has() {
    let identity = rsa_identity();
    let export = [KINDS[1], KINDS[3]];
    let told =
        |kinds, versions, suites, declines| Told { versions, kinds: Some(kinds), suites, declines };
    // Alone, with both ways to say no to a hello of TLS, and beside other versions.
    let mut cases = vec![
        told(&KINDS[..], &[], &[], "alert"),
        told(&KINDS[..1], &[], &[], "close"),
        told(&export[..], &[], &[], "alert"),
        told(&export[..], &["SSLv3"], &[DES3], "close"),
        told(&KINDS[2..5], &["SSLv3", "TLS 1.0"], &[RC4, DES3], "alert"),
        told(&KINDS[5..], &["TLS 1.0"], &[AES], "alert"),
        told(&KINDS[..], &["SSLv3", "TLS 1.0", "TLS 1.1", "TLS 1.2"], &[AES, RC4], "close"),
    ];
    cases.extend(KINDS.iter().map(|kind| {
        told(std::slice::from_ref(kind), &["TLS 1.0", "TLS 1.1", "TLS 1.2"], &[AES], "alert")
    }));
    for told in cases {
        let server = scapy(&identity, told);
        let seen = enumerate(Protocol::Tls, server.port()).await;
        expect(
            &seen,
            &[("/tls/sslv2/accepted", json!(true)), ("/tls/full/inconsistent", json!([]))],
        );
        assert_eq!(pairs(&seen, "/tls/full/suites", "suite"), told_pairs(told), "{told:?}");
        let versions: BTreeSet<String> = told_pairs(told).into_iter().map(|(v, _)| v).collect();
        assert_eq!(value(&seen, "/tls/full/versions"), json!(versions), "{told:?}");
        assert_eq!(digests(&seen), [json!(hex(&Sha256::digest(&identity.cert_der)))], "{told:?}");
        assert_eq!(verdict(&seen, "sslv2_accepted"), Verdict::Fail, "{told:?}");
        let sslv3 = verdict(&seen, "sslv3_accepted");
        if told.versions.contains(&"SSLv3") {
            assert_eq!(sslv3, Verdict::Fail, "{told:?}");
        } else if !told.versions.is_empty() {
            assert_eq!(sslv3, Verdict::Pass, "{told:?}");
        }
        assert!(connections(&seen) <= 48, "{told:?}: {} connections", connections(&seen));
    }
}

#[tokio::test]
async fn ssl2_is_found_where_a_server_waits_for_the_rest_of_every_other_hello() {
    let told = Told { versions: &[], kinds: Some(&KINDS[..2]), suites: &[], declines: "silence" };
    let server = scapy(&rsa_identity(), told);
    let seen = enumerate(Protocol::Tls, server.port()).await;
    expect(&seen, &[("/tls/sslv2/accepted", json!(true))]);
    assert_eq!(verdict(&seen, "sslv2_accepted"), Verdict::Fail);
    // Silence decides nothing.
    for pointer in ["/tls/full/suites", "/tls/tls10/accepted"] {
        assert_eq!(status(&seen, pointer), "timeout", "{pointer}");
    }
}

#[tokio::test]
async fn ssl2_that_is_refused_in_whatever_way_is_not_accepted() {
    let identity = rsa_identity();
    let versions = &["SSLv3", "TLS 1.0", "TLS 1.2"];
    for (kinds, declines) in [
        (None, "alert"),
        (None, "close"),
        // A server that has the version, and no kind of cipher left for it.
        (Some(&[][..]), "error"),
        (Some(&[][..]), "close"),
    ] {
        let told = Told { versions, kinds, suites: &[AES], declines };
        let server = scapy(&identity, told);
        let seen = enumerate(Protocol::Tls, server.port()).await;
        expect(&seen, &[("/tls/sslv2/accepted", json!(false))]);
        assert_eq!(pairs(&seen, "/tls/full/suites", "suite"), told_pairs(told), "{told:?}");
        assert_eq!(verdict(&seen, "sslv2_accepted"), Verdict::Pass, "{told:?}");
    }
    // Decision mode does not ask, so it says nothing.
    let told = Told { versions, kinds: Some(&KINDS), suites: &[AES], declines: "alert" };
    let server = scapy(&identity, told);
    let seen = decide(Protocol::Tls, server.port()).await;
    assert_eq!(status(&seen, "/tls/sslv2/accepted"), "not_attempted");
    assert!(matches!(verdict(&seen, "sslv2_accepted"), Verdict::NotApplicable { .. }));
    expect(&seen, &[("/tls/sslv3/accepted", json!(true)), ("/tls/tls12/accepted", json!(true))]);
}

type Words = &'static [&'static str];

/// Ciphers, message authentication and key exchanges of SSL 3.0 in tlslite's words, and the suites
/// that they come to.
const SSL3: [(Words, Words, Words, Words); 6] = [
    (&["rc4"], &["md5", "sha"], &["rsa"], &["TLS_RSA_WITH_RC4_128_MD5", RC4]),
    (&["rc4"], &["sha"], &["rsa"], &[RC4]),
    (&["3des"], &["sha"], &["rsa"], &[DES3]),
    (&["aes128"], &["sha"], &["rsa"], &[AES]),
    (
        &["3des", "aes256"],
        &["sha"],
        &["rsa", "dhe_rsa"],
        &[
            DES3,
            "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_RSA_WITH_AES_256_CBC_SHA",
            "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        ],
    ),
    // It has elliptic curves in SSL 3.0, as JSSE has.
    (
        &["rc4", "3des", "aes128"],
        &["sha"],
        &["ecdhe_rsa"],
        &[
            "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
            "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ],
    ),
];

/// A server of tlslite with versions, ciphers, message authentication and key exchanges.
fn tlslite(identity: &Identity, versions: &[&str], words: [&[&str]; 3]) -> Server {
    let [ciphers, macs, exchanges] = words;
    let told = json!({
        "versions": versions,
        "ciphers": ciphers,
        "macs": macs,
        "exchanges": exchanges,
    });
    Server::start(Library::Tlslite, identity, told).expect("a server of tlslite")
}

#[tokio::test]
async fn ssl3_is_found_with_its_suites_alone_and_below_other_versions() {
    let identity = rsa_identity();
    for (ciphers, macs, exchanges, suites) in SSL3 {
        for versions in [&["SSLv3"][..], &["SSLv3", "TLSv1.0", "TLSv1.1"]] {
            let server = tlslite(&identity, versions, [ciphers, macs, exchanges]);
            let about = format!("{versions:?} {suites:?}");
            let modes = [
                decide(Protocol::Tls, server.port()).await,
                enumerate(Protocol::Tls, server.port()).await,
            ];
            for seen in &modes {
                expect(
                    seen,
                    &[
                        ("/tls/sslv3/accepted", json!(true)),
                        ("/tls/tls10/accepted", json!(versions.len() > 1)),
                        ("/tls/tls11/accepted", json!(versions.len() > 1)),
                        ("/tls/tls12/accepted", json!(false)),
                        ("/tls/tls13/accepted", json!(false)),
                    ],
                );
                assert_eq!(verdict(seen, "sslv3_accepted"), Verdict::Fail, "{about}");
            }
            let [decided, listed] = modes;
            // Of these, decision mode must have seen one.
            let witness = value(&decided, "/tls/clear/suite");
            assert!(suites.iter().any(|suite| witness == json!(suite)), "{about}: {witness}");
            let all = versions.iter().flat_map(|version| of(version, suites)).collect::<Pairs>();
            assert_eq!(pairs(&listed, "/tls/full/suites", "suite"), all, "{about}");
            expect(
                &listed,
                &[
                    ("/tls/sslv2/accepted", json!(false)),
                    ("/tls/full/versions", json!(versions)),
                    ("/tls/full/inconsistent", json!([])),
                ],
            );
        }
    }
}

#[tokio::test]
async fn a_server_without_ssl3_is_never_said_to_have_it() {
    let identity = rsa_identity();
    for versions in [&["TLSv1.0"][..], &["TLSv1.0", "TLSv1.1", "TLSv1.2"], &["TLSv1.2"]] {
        let words = [&["rc4", "3des", "aes128"][..], &["sha"], &["rsa"]];
        let server = tlslite(&identity, versions, words);
        let (decided, listed) = tokio::join!(
            decide(Protocol::Tls, server.port()),
            enumerate(Protocol::Tls, server.port())
        );
        for seen in [&decided, &listed] {
            expect(seen, &[("/tls/sslv3/accepted", json!(false))]);
            assert_eq!(verdict(seen, "sslv3_accepted"), Verdict::Pass, "{versions:?}");
        }
        let suites = pairs(&listed, "/tls/full/suites", "suite");
        let all: Pairs = versions.iter().flat_map(|v| of(v, &[RC4, DES3, AES])).collect();
        assert_eq!(suites, all, "{versions:?}");
        expect(&listed, &[("/tls/sslv2/accepted", json!(false))]);
    }
}
