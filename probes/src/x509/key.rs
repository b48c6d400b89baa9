//! Public keys: kind, size, and the digest that pins and inventories name them by.

use model::evidence::KeyAlgorithm;
use sha2::{Digest as _, Sha256};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Field sizes of named curves (SEC 2, RFC 5639), by object identifier, in bits.
const CURVES: [(&str, u32); 21] = [
    ("1.2.840.10045.3.1.1", 192),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.132.0.6", 112),
    ("1.3.132.0.8", 160),
    ("1.3.132.0.9", 160),
    ("1.3.132.0.10", 256),
    ("1.3.132.0.30", 160),
    ("1.3.132.0.31", 192),
    ("1.3.132.0.32", 224),
    ("1.3.132.0.33", 224),
    ("1.3.132.0.34", 384),
    ("1.3.132.0.35", 521),
    ("1.3.132.0.1", 163),
    ("1.3.132.0.15", 163),
    ("1.3.132.0.16", 283),
    ("1.3.132.0.17", 283),
    ("1.3.132.0.26", 233),
    ("1.3.132.0.27", 233),
    ("1.3.36.3.3.2.8.1.1.7", 256),
    ("1.3.36.3.3.2.8.1.1.11", 384),
    ("1.3.36.3.3.2.8.1.1.13", 512),
];

/// TLS code points of named curves (RFC 8422 section 5.1.1), by object identifier.
const GROUPS: [(&str, u16); 9] = [
    ("1.2.840.10045.3.1.1", 0x0013),
    ("1.3.132.0.33", 0x0015),
    ("1.3.132.0.10", 0x0016),
    ("1.2.840.10045.3.1.7", 0x0017),
    ("1.3.132.0.34", 0x0018),
    ("1.3.132.0.35", 0x0019),
    ("1.3.36.3.3.2.8.1.1.7", 0x001a),
    ("1.3.36.3.3.2.8.1.1.11", 0x001b),
    ("1.3.36.3.3.2.8.1.1.13", 0x001c),
];

/// The TLS group of the curve that a certificate in DER has its key on; none for other keys.
pub fn named_group(der: &[u8]) -> Option<u16> {
    use x509_parser::prelude::FromDer as _;
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(der).ok()?;
    let parameters = certificate.public_key().algorithm.parameters.as_ref()?;
    let curve = parameters.as_oid().ok()?.to_id_string();
    GROUPS.iter().find(|(oid, _)| *oid == curve).map(|(_, group)| *group)
}

/// SHA-256 over a SubjectPublicKeyInfo.
pub type KeyId = [u8; 32];

/// A public key whose kind is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Kind of the key.
    pub algorithm: KeyAlgorithm,
    /// Size in bits; see [`KeyAlgorithm`] for what is counted.
    pub bits: u32,
    /// True for an RSA public exponent below 3.
    pub tiny_exponent: bool,
}

/// The digest of a key.
pub fn id(spki: &SubjectPublicKeyInfo<'_>) -> KeyId {
    Sha256::digest(spki.raw).into()
}

/// A digest as evidence and documents write it.
pub fn written(digest: &[u8; 32]) -> String {
    format!("sha256:{}", model::digest::hex(digest))
}

/// Reads a key; the error names the algorithm or what is wrong with the key.
pub fn read(spki: &SubjectPublicKeyInfo<'_>) -> Result<Key, String> {
    let oid = spki.algorithm.algorithm.to_id_string();
    let fixed = |algorithm, bits| Ok(Key { algorithm, bits, tiny_exponent: false });
    match oid.as_str() {
        // rsaEncryption and RSASSA-PSS (RFC 8017 appendix C, RFC 4055 section 1.2)
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => rsa(spki),
        "1.2.840.10045.2.1" => elliptic(spki),
        "1.2.840.10040.4.1" => dsa(spki),
        // RFC 8410 section 3
        "1.3.101.112" => fixed(KeyAlgorithm::Ed25519, 256),
        "1.3.101.113" => fixed(KeyAlgorithm::Ed448, 456),
        // RFC 9881 section 2
        "2.16.840.1.101.3.4.3.17" => fixed(KeyAlgorithm::MlDsa, 44),
        "2.16.840.1.101.3.4.3.18" => fixed(KeyAlgorithm::MlDsa, 65),
        "2.16.840.1.101.3.4.3.19" => fixed(KeyAlgorithm::MlDsa, 87),
        _ => Err(format!("a key of the unknown kind {oid}")),
    }
}

fn rsa(spki: &SubjectPublicKeyInfo<'_>) -> Result<Key, String> {
    use x509_parser::prelude::FromDer as _;
    let broken = || "an RSA key that cannot be read".to_owned();
    let bytes = &spki.subject_public_key.data;
    let (_, key) = x509_parser::public_key::RSAPublicKey::from_der(bytes).map_err(|_| broken())?;
    let bits = bits(key.modulus);
    if bits == 0 {
        return Err(broken());
    }
    let exponent = self::bits(key.exponent);
    let tiny_exponent = exponent <= 1 || (exponent == 2 && key.exponent.last() == Some(&2));
    Ok(Key { algorithm: KeyAlgorithm::Rsa, bits, tiny_exponent })
}

fn elliptic(spki: &SubjectPublicKeyInfo<'_>) -> Result<Key, String> {
    let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let curve = curve.ok_or("an elliptic-curve key without a named curve")?.to_id_string();
    let size = CURVES.iter().find(|(oid, _)| *oid == curve);
    let (_, bits) = size.ok_or_else(|| format!("a key on the unknown curve {curve}"))?;
    Ok(Key { algorithm: KeyAlgorithm::Ec, bits: *bits, tiny_exponent: false })
}

/// The size of a DSA key is that of its prime, the first of its parameters (RFC 3279 2.3.2).
fn dsa(spki: &SubjectPublicKeyInfo<'_>) -> Result<Key, String> {
    use x509_parser::asn1_rs::{FromDer as _, Integer};
    let parameters = spki.algorithm.parameters.as_ref().ok_or("a DSA key without parameters")?;
    let (_, prime) = Integer::from_der(parameters.data)
        .map_err(|_| "a DSA key whose parameters cannot be read".to_owned())?;
    Ok(Key { algorithm: KeyAlgorithm::Dsa, bits: bits(prime.as_ref()), tiny_exponent: false })
}

/// Significant bits of a big-endian number.
fn bits(number: &[u8]) -> u32 {
    let Some(start) = number.iter().position(|byte| *byte != 0) else { return 0 };
    let whole = u32::try_from(number.len() - start).unwrap_or(u32::MAX / 8).min(u32::MAX / 8);
    whole * 8 - number[start].leading_zeros()
}
