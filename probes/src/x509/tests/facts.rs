use jiff::Timestamp;
use model::evidence::{KeyAlgorithm, UsageGrant};
use proptest::prelude::*;
use testkit::pki::{Authority, Leaf, self_signed, usage, weak};

use super::super::facts::{Facts, FactsError};
use super::super::key::Key;
use super::{facts_of, read};

fn named(common_name: &str) -> Facts {
    read(&self_signed(&Leaf { common_name: common_name.to_owned(), ..Leaf::default() }))
}

#[test]
fn a_sound_server_certificate_is_read_whole() {
    let authority = Authority::new("Plant CA");
    let leaf = Leaf { serial: Some(vec![0x01, 0xab]), ..Leaf::default() };
    let facts = read(&authority.issue(&leaf));
    assert_eq!(facts.subject, "CN=localhost");
    assert_eq!(facts.issuer, "CN=Plant CA");
    assert_eq!(facts.issuer_common_name.as_deref(), Some("Plant CA"));
    assert_eq!(facts.serial_text(), "01ab");
    assert_eq!(facts.names.dns, ["localhost"]);
    assert_eq!(facts.key_usage, Some(vec!["digitalSignature"]));
    assert_eq!(facts.extended_usage, Some(vec!["serverAuth".to_owned()]));
    assert_eq!(facts.key, Ok(Key { algorithm: KeyAlgorithm::Ec, bits: 256, tiny_exponent: false }));
    assert_eq!(facts.signature.expect("signature").hash, "sha256");
    assert_eq!(facts.not_before.as_second(), leaf.not_before.as_second());
    assert_eq!(facts.not_after.expect("end").as_second(), leaf.not_after.as_second());
    assert!(!facts.is_ca && facts.subject_id != facts.issuer_id);
}

#[test]
fn weak_keys_and_signatures_are_told_as_openssl_tells_them() {
    let of = |pem: &str| {
        let facts = facts_of(pem);
        let key = facts.key.expect("key");
        let signature = facts.signature.expect("signature");
        (key.algorithm, key.bits, signature.algorithm, signature.hash)
    };
    use KeyAlgorithm::{Ec, Ed25519, Rsa};
    assert_eq!(of(weak::RSA_1024_SHA1), (Rsa, 1024, "sha1WithRSAEncryption", "sha1"));
    assert_eq!(of(weak::RSA_2048_MD5), (Rsa, 2048, "md5WithRSAEncryption", "md5"));
    assert_eq!(of(weak::EC_192), (Ec, 192, "ecdsa-with-SHA256", "sha256"));
    assert_eq!(of(weak::RSA_2048_PSS), (Rsa, 2048, "RSASSA-PSS", "sha256"));
    assert_eq!(of(weak::ED25519), (Ed25519, 256, "Ed25519", "intrinsic"));
}

/// A DER element with a length of at most two octets.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content].concat()
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<Key, String> {
    use x509_parser::prelude::FromDer as _;
    let numbers = [element(2, modulus), element(2, exponent)].concat();
    let key = [vec![0], element(0x30, &numbers)].concat();
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let der = element(0x30, &[algorithm.to_vec(), element(3, &key)].concat());
    let (_, spki) = x509_parser::x509::SubjectPublicKeyInfo::from_der(&der).expect("key");
    super::super::key::read(&spki)
}

#[test]
fn the_bits_of_a_modulus_are_counted_from_its_first_one() {
    let modulus = [[0x7f].as_slice(), &[0xff; 255]].concat();
    assert_eq!(rsa_key(&modulus, &[1, 0, 1]).expect("key").bits, 2047);
    assert!(rsa_key(&[0], &[1, 0, 1]).is_err());
}

#[test]
fn exponents_below_three_are_tiny() {
    let tiny = |exponent: &[u8]| rsa_key(&[0x7f; 256], exponent).expect("key").tiny_exponent;
    assert!(tiny(&[0]) && tiny(&[1]) && tiny(&[2]));
    assert!(!tiny(&[3]) && !tiny(&[1, 0, 1]) && !tiny(&[2, 1]));
}

#[test]
fn a_certificate_without_an_end_has_no_end() {
    let endless = Leaf { endless: true, device_serial: Some("4711".into()), ..Leaf::default() };
    let facts = read(&self_signed(&endless));
    assert_eq!(facts.not_after, None);
    assert_eq!(facts.lifetime_seconds(), None);
    assert!(facts.has_device_serial);
    assert_eq!(facts.subject, "CN=localhost, serialNumber=4711");
}

#[test]
fn the_last_instant_that_a_timestamp_holds_is_still_an_end() {
    let last = Timestamp::from_second(Timestamp::MAX.as_second()).expect("in range");
    let facts = read(&self_signed(&Leaf { not_after: last, ..Leaf::default() }));
    assert_eq!(facts.not_after, Some(last));
}

#[test]
fn usage_is_named_any_unrestricted_or_excluded() {
    let of = |usages| read(&self_signed(&Leaf { usages, ..Leaf::default() })).grants("serverAuth");
    assert_eq!(of(vec![usage::SERVER]), UsageGrant::Named);
    assert_eq!(of(vec![usage::ANY]), UsageGrant::Any);
    assert_eq!(of(vec![]), UsageGrant::Unrestricted);
    assert_eq!(of(vec![usage::CLIENT]), UsageGrant::Excluded);
}

#[test]
fn separators_in_a_name_cannot_forge_another_attribute() {
    assert_eq!(named("good, O=Trusted Corp").subject, "CN=good\\, O\\=Trusted Corp");
    assert_eq!(named("#x ").subject, "CN=\\#x\\ ");
}

#[test]
fn what_cannot_be_seen_in_a_name_is_shown_as_hex() {
    assert_eq!(named("a\u{1b}[31mb").subject, "CN=a\\1B[31mb");
    assert_eq!(named("evil\u{202e}moc.knab").subject, "CN=evil\\E2\\80\\AEmoc.knab");
    assert_eq!(named("a\0b\r\n").subject, "CN=a\\00b\\0D\\0A");
    assert_eq!(named("<script>").subject, "CN=\\<script\\>");
    assert_eq!(named("Gerät 7 \u{1f321}").subject, "CN=Gerät 7 \u{1f321}");
}

#[test]
fn a_name_of_half_a_megabyte_is_read_and_one_beyond_the_limit_is_refused() {
    let long = named(&"x".repeat(500_000));
    assert_eq!(long.subject.len(), 500_003);
    let identity = self_signed(&Leaf { common_name: "x".repeat(600_000), ..Leaf::default() });
    let size = identity.cert_der.len();
    assert_eq!(Facts::read(&identity.cert_der), Err(FactsError::TooLarge(size)));
}

#[test]
fn bytes_after_a_certificate_and_bytes_that_are_none_are_told_apart() {
    let mut der = self_signed(&Leaf::default()).cert_der;
    der.extend_from_slice(b"xyz");
    assert_eq!(Facts::read(&der), Err(FactsError::TrailingBytes(3)));
    assert_eq!(Facts::read(b"\x30\x03abc"), Err(FactsError::NotX509));
    assert_eq!(Facts::read(b""), Err(FactsError::NotX509));
}

#[test]
fn a_broken_extension_makes_the_certificate_unreadable_instead_of_unrestricted() {
    // The length of basicConstraints' inner SEQUENCE is made to lie.
    let leaf = Leaf { is_ca: true, ..Leaf::default() };
    let mut der = self_signed(&leaf).cert_der;
    let oid = der.windows(5).position(|w| w == [0x06, 0x03, 0x55, 0x1d, 0x13]).expect("extension");
    let inner = der[oid..].windows(2).position(|w| w == [0x30, 0x03]).expect("value") + oid;
    der[inner + 2] = 0x05;
    assert_eq!(Facts::read(&der), Err(FactsError::Extension("basicConstraints")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Facts::read(&bytes);
    }

    #[test]
    fn a_certificate_with_any_bytes_changed_is_read_or_refused(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        end in any::<proptest::sample::Index>(),
        cut in any::<bool>(),
    ) {
        static SOUND: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| Authority::new("CA").issue(&Leaf::default()).cert_der);
        let mut der = SOUND.clone();
        for (place, byte) in changes {
            let place = place.index(der.len());
            der[place] = byte;
        }
        if cut {
            der.truncate(end.index(der.len()));
        }
        let facts = Facts::read(&der);
        let chain = super::chain(&[&der, &der]);
        let bundle = super::super::Bundle::read(&der);
        let _ = (facts, super::super::path::judge(&chain, &bundle));
    }
}
