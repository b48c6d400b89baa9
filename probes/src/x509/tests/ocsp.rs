use model::evidence::StapleOutcome::{Good, Revoked, Unknown};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use testkit::pki::{Authority, ocsp as fixtures};

use super::super::{ocsp, profile};

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("certificate")
}

fn read(response: &[u8]) -> Result<ocsp::Answer, String> {
    ocsp::read(response, &der(fixtures::LEAF), &[der(fixtures::AUTHORITY)])
}

#[test]
fn a_response_of_the_issuer_says_good_revoked_or_unknown() {
    let outcome = |response| read(response).expect("verified").outcome;
    assert_eq!(outcome(fixtures::GOOD), Good);
    assert_eq!(outcome(fixtures::REVOKED), Revoked);
    assert_eq!(outcome(fixtures::UNKNOWN), Unknown);
    let answer = read(fixtures::GOOD).expect("verified");
    assert_eq!(answer.this_update.to_string(), "2026-11-28T01:43:56Z");
    assert_eq!(answer.next_update.expect("date").to_string(), "2026-12-05T01:43:56Z");
}

#[test]
fn a_responder_counts_only_if_the_issuer_certified_it_for_that() {
    assert_eq!(read(fixtures::DELEGATED).expect("verified").outcome, Good);
    let told = |response| read(response).expect_err("not verified");
    assert_eq!(
        told(fixtures::NOT_FOR_OCSP),
        "the response is signed by a certificate that is not for OCSP"
    );
    assert_eq!(
        told(fixtures::STRANGER),
        "the response is signed by a responder whom the issuer did not certify"
    );
    assert_eq!(told(fixtures::OTHER_CERTIFICATE), "the response speaks about another certificate");
}

#[test]
fn without_the_issuer_at_hand_nothing_is_decided() {
    let leaf = der(fixtures::LEAF);
    let impostor = CertificateDer::from(Authority::new("Plant CA").der());
    for issuers in [vec![], vec![impostor], vec![leaf.clone()]] {
        let told = ocsp::read(fixtures::GOOD, &leaf, &issuers).expect_err("not verified");
        assert!(told.contains("is not at hand"), "{told}");
    }
}

#[test]
fn whatever_is_wrong_with_a_response_it_is_told() {
    let told = |response: &[u8]| read(response).expect_err("broken");
    assert_eq!(told(b"HTTP/1.1 200 OK"), "it is no OCSP response in DER");
    assert_eq!(told(&[]), "it is no OCSP response in DER");
    assert_eq!(told(&[0x30, 3, 0x0a, 1, 3]), "the responder answered tryLater");
    assert_eq!(told(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), "it is no OCSP response in DER");
    assert!(told(&vec![0x30; 70_000]).contains("70000 bytes"));
    let mut trailing = fixtures::GOOD.to_vec();
    trailing.push(0);
    assert_eq!(told(&trailing), "bytes follow the OCSP response");
}

#[test]
fn no_change_of_one_byte_turns_a_response_into_another_answer() {
    for response in [fixtures::GOOD, fixtures::REVOKED, fixtures::DELEGATED] {
        let sound = read(response).expect("verified");
        for place in 0..response.len() {
            let mut changed = response.to_vec();
            changed[place] ^= 0x01;
            if let Ok(answer) = read(&changed) {
                assert_eq!(answer, sound, "byte {place}");
            }
            read(&response[..place]).expect_err("a part is no response");
        }
    }
}

#[test]
fn a_promise_to_staple_is_seen() {
    assert!(profile::must_staple(&der(fixtures::LEAF)));
    assert!(!profile::must_staple(&der(fixtures::AUTHORITY)));
    assert!(!profile::must_staple(b"garbage"));
}
