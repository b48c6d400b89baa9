use model::evidence::CertificateBreach::{self, *};
use proptest::prelude::*;
use testkit::pki::{Authority, Extension, KeyUsage, Leaf, Limits, device, weak};

use super::super::der::{Reader, written};
use super::super::pem::{self, Block};
use super::super::profile::breaches;
use super::super::{Bundle, Facts, ocsp, path, profile};
use super::chain;

fn of(leaf: &Leaf) -> Vec<CertificateBreach> {
    breaches(&Authority::new("CA").issue(leaf).cert_der)
}

/// The same octets with every `from` replaced; the signature no longer fits, which is no matter here.
fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    let places: Vec<_> =
        (0..=der.len() - from.len()).filter(|at| der[*at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "there is nothing to replace");
    places.into_iter().for_each(|at| der[at..at + to.len()].copy_from_slice(to));
    der
}

#[test]
fn sound_certificates_break_nothing() {
    assert_eq!(of(&Leaf::default()), []);
    assert_eq!(of(&Leaf::device(&device(7))), []);
    assert_eq!(of(&Leaf { endless: true, ..Leaf::default() }), []);
    let root = Authority::new("CA");
    assert_eq!(breaches(&root.der()), []);
    let limits =
        Limits { path_length: Some(0), permitted: vec!["example".to_owned()], ..Limits::default() };
    assert_eq!(breaches(&root.limited_intermediate("Line", &limits).der()), []);
    assert_eq!(breaches(b"garbage"), []);
}

#[test]
fn serial_numbers_are_positive_and_short() {
    let serial = |octets: &[u8]| Leaf { serial: Some(octets.to_vec()), ..Leaf::default() };
    assert_eq!(of(&serial(&[0])), [SerialNotPositive]);
    assert_eq!(of(&serial(&[0x7f; 20])), []);
    assert_eq!(of(&serial(&[0x7f; 21])), [SerialTooLong]);
    let der = Authority::new("CA").issue(&serial(&[0x55, 0x66])).cert_der;
    let negative = patched(&der, &[2, 2, 0x55, 0x66], &[2, 2, 0xd5, 0x66]);
    assert_eq!(breaches(&negative), [SerialNotPositive]);
}

#[test]
fn dates_are_written_as_their_year_asks() {
    let end = "2050-06-01T00:00:00Z".parse().expect("date");
    let der = Authority::new("CA").issue(&Leaf { not_after: end, ..Leaf::default() }).cert_der;
    assert_eq!(breaches(&der), []);
    assert_eq!(breaches(&patched(&der, b"20500601", b"20490601")), [DateEncoding]);
    assert_eq!(breaches(&patched(&der, b"20500601", b"20010601")), [DateEncoding, DatesContradict]);
}

#[test]
fn extensions_are_known_or_not_critical_and_stand_there_once() {
    let strange = |critical| Extension { oid: vec![1, 3, 9, 9, 9], critical, value: vec![5, 0] };
    let with = |extensions| of(&Leaf { extensions, ..Leaf::default() });
    assert_eq!(with(vec![strange(false)]), []);
    assert_eq!(with(vec![strange(true)]), [UnknownCriticalExtension]);
    assert_eq!(with(vec![strange(false), strange(false)]), [RepeatedExtension]);
    let empty = Extension { oid: vec![2, 5, 29, 17], critical: false, value: vec![0x30, 0] };
    let nameless = Leaf { dns: vec![], ip: vec![], extensions: vec![empty], ..Leaf::default() };
    assert_eq!(of(&nameless), [EmptyAlternativeName]);
}

#[test]
fn only_authorities_certify_and_they_insist_on_it() {
    let certifies = Leaf {
        key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyCertSign],
        ..Leaf::default()
    };
    assert_eq!(of(&certifies), [CertSignWithoutAuthority]);
    let authority = Authority::limited(
        "CA",
        &Limits { key_usages: vec![KeyUsage::CrlSign], ..Limits::default() },
    );
    assert_eq!(breaches(&authority.der()), [AuthorityWithoutCertSign]);
    // CA:FALSE with name constraints, and basicConstraints that are not critical.
    let names = Extension {
        oid: vec![2, 5, 29, 30],
        critical: true,
        value: vec![0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a'],
    };
    let constrained = Leaf { extensions: vec![names], ..Leaf::default() };
    assert_eq!(of(&constrained), [ConstraintsWithoutAuthority]);
    let soft =
        Extension { oid: vec![2, 5, 29, 19], critical: false, value: vec![0x30, 3, 1, 1, 0xff] };
    let soft =
        Leaf { extensions: vec![soft], key_usages: vec![KeyUsage::KeyCertSign], ..Leaf::default() };
    assert_eq!(of(&soft), [ConstraintsNotCritical]);
}

/// A certificate whose signed fields, and what stands behind them, are changed.
fn changed<'a>(
    der: &'a [u8],
    change: impl FnOnce(&mut Vec<&'a [u8]>, &mut Vec<&'a [u8]>),
) -> Vec<u8> {
    let parts = |octets: &'a [u8]| -> Vec<_> {
        let mut inside = Reader::new(octets).expect(0x30).expect("a sequence").inside();
        std::iter::from_fn(|| inside.element()).map(|element| element.whole).collect()
    };
    let mut behind = parts(der);
    let mut fields = parts(behind.remove(0));
    change(&mut fields, &mut behind);
    let signed = written(0x30, &fields);
    let all: Vec<&[u8]> = std::iter::once(&signed[..]).chain(behind).collect();
    written(0x30, &all)
}

#[test]
fn names_algorithms_and_extensions_are_where_they_have_to_be() {
    let der = Authority::new("CA").issue(&Leaf::default()).cert_der;
    assert_eq!(breaches(&changed(&der, |_, _| ())), []);
    // Version, serial number, signature, issuer, validity, subject.
    let field = |place: usize, with: &'static [u8]| {
        breaches(&changed(&der, |fields, _| fields[place] = with))
    };
    assert_eq!(field(0, &[0xa0, 3, 2, 1, 1]), [ExtensionsWithoutV3]);
    assert_eq!(field(3, &[0x30, 0]), [EmptyIssuer]);
    assert_eq!(field(5, &[0x30, 0]), [EmptySubject]);
    let ed25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    assert_eq!(
        breaches(&changed(&der, |_, behind| behind[0] = ed25519)),
        [SignatureAlgorithmsDiffer]
    );
}

/// Reads a certificate in every way that there is.
fn read_all(der: &[u8]) {
    Facts::read(der).ok();
    breaches(der);
    profile::must_staple(der);
    let root = Authority::new("CA");
    path::judge(&chain(&[der]), &Bundle::read(root.pem().as_bytes())).ok();
    ocsp::read(testkit::pki::ocsp::GOOD, der, &chain(&[der])).ok();
}

fn corpus() -> Vec<Vec<u8>> {
    let root = Authority::new("CA");
    let limits =
        Limits { path_length: Some(3), permitted: vec!["a.b".into()], ..Limits::default() };
    let mut all = vec![
        root.issue(&Leaf::default()).cert_der,
        root.limited_intermediate("Line", &limits).der(),
    ];
    for text in [weak::RSA_1024_SHA1, weak::EC_192, weak::RSA_2048_PSS, testkit::pki::ocsp::LEAF] {
        let Some(Block::Certificate(der)) = pem::all(text.as_bytes()).into_iter().next() else {
            panic!("certificate")
        };
        all.push(der);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_certificate_makes_a_reader_crash(
        number in 0_usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut der = corpus().swap_remove(number);
        for (place, octet) in changes {
            let place = place.index(der.len());
            der[place] = octet;
        }
        if !whole {
            der.truncate(cut.index(der.len()));
        }
        read_all(&der);
    }

    #[test]
    fn no_octets_make_a_reader_crash(mut octets in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&octets);
        octets.insert(0, 0x30);
        read_all(&octets);
    }
}

#[test]
fn deep_nesting_and_huge_lengths_are_told_and_cost_nothing() {
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        nested.extend([0x30, 0x80]);
    }
    for octets in [
        nested,
        [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].to_vec(),
        [0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff].to_vec(),
        vec![0x30; 500_000],
    ] {
        assert!(Facts::read(&octets).is_err());
        read_all(&octets);
    }
    let mut trailing = Authority::new("CA").der();
    trailing.extend([0; 9]);
    let told = Facts::read(&trailing).expect_err("trailing").to_string();
    assert_eq!(told, "9 bytes follow the certificate");
}
