use jiff::{Timestamp, ToSpan as _};
use model::evidence::CrlSignature;
use testkit::pki::Authority;

use super::super::{Bundle, Crl};

fn due() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("date") + 24.hours()
}

fn bundle(authority: &Authority) -> Bundle {
    Bundle::read(authority.pem().as_bytes())
}

#[test]
fn a_list_is_read_and_its_signature_checked_against_the_bundle() {
    let authority = Authority::new("Devices");
    let text = authority.crl(&[&[0x00, 0x8f], &[0x05]], due());
    let lists = Crl::read(text.as_bytes(), &bundle(&authority)).expect("list");
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].issuer, "CN=Devices");
    assert_eq!(lists[0].next_update, Some(due()));
    assert_eq!(lists[0].signature, CrlSignature::Verified);
    assert!(lists[0].names(&[0x8f]) && lists[0].names(&[0x00, 0x8f]) && lists[0].names(&[5]));
    assert!(!lists[0].names(&[6]));
}

#[test]
fn a_list_of_an_impostor_is_wrong_and_one_of_a_stranger_unchecked() {
    let text = Authority::new("Devices").crl(&[&[5]], due());
    let read =
        |bundle: &Bundle| Crl::read(text.as_bytes(), bundle).expect("list").remove(0).signature;
    assert_eq!(read(&bundle(&Authority::new("Devices"))), CrlSignature::Wrong);
    assert_eq!(read(&bundle(&Authority::new("Others"))), CrlSignature::Unchecked);
    assert_eq!(read(&Bundle::default()), CrlSignature::Unchecked);
}

#[test]
fn half_a_list_is_no_list() {
    let text = Authority::new("Devices").crl(&[&[5]], due());
    let half = &text[..text.len() / 2];
    let nothing = Bundle::default();
    assert!(Crl::read(half.as_bytes(), &nothing).expect_err("broken").contains("no end"));
    assert!(Crl::read(b"", &nothing).expect_err("empty").contains("no X509 CRL"));
    assert!(Crl::read(b"\x30\x03abc", &nothing).is_err());
}
