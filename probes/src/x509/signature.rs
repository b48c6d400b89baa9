//! Signature algorithms by name, and the hash in them.

use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::AlgorithmIdentifier;

/// Algorithms whose identifier names the hash (RFC 3279, 4055, 5758, 8017, 8410, 9688, 9881).
const KNOWN: [(&str, &str, &str); 29] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption", "md2"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption", "md5"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption", "sha1"),
    ("1.3.14.3.2.29", "sha1WithRSA", "sha1"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption", "sha224"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption", "sha256"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption", "sha384"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption", "sha512"),
    ("1.2.840.10040.4.3", "dsa-with-sha1", "sha1"),
    ("2.16.840.1.101.3.4.3.1", "dsa-with-sha224", "sha224"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-sha256", "sha256"),
    ("2.16.840.1.101.3.4.3.3", "dsa-with-sha384", "sha384"),
    ("2.16.840.1.101.3.4.3.4", "dsa-with-sha512", "sha512"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1", "sha1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", "sha224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", "sha256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", "sha384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", "sha512"),
    ("2.16.840.1.101.3.4.3.10", "ecdsa-with-SHA3-256", "sha3_256"),
    ("2.16.840.1.101.3.4.3.11", "ecdsa-with-SHA3-384", "sha3_384"),
    ("2.16.840.1.101.3.4.3.12", "ecdsa-with-SHA3-512", "sha3_512"),
    ("2.16.840.1.101.3.4.3.14", "rsa-with-SHA3-256", "sha3_256"),
    ("2.16.840.1.101.3.4.3.15", "rsa-with-SHA3-384", "sha3_384"),
    ("2.16.840.1.101.3.4.3.16", "rsa-with-SHA3-512", "sha3_512"),
    ("1.3.101.112", "Ed25519", "intrinsic"),
    ("1.3.101.113", "Ed448", "intrinsic"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", "intrinsic"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", "intrinsic"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", "intrinsic"),
];

/// Hashes that RSASSA-PSS may name (RFC 4055 section 2.1, RFC 8692).
const HASHES: [(&str, &str); 8] = [
    ("1.2.840.113549.2.5", "md5"),
    ("1.3.14.3.2.26", "sha1"),
    ("2.16.840.1.101.3.4.2.4", "sha224"),
    ("2.16.840.1.101.3.4.2.1", "sha256"),
    ("2.16.840.1.101.3.4.2.2", "sha384"),
    ("2.16.840.1.101.3.4.2.3", "sha512"),
    ("1.3.6.1.5.5.7.6.30", "shake128"),
    ("1.3.6.1.5.5.7.6.31", "shake256"),
];

/// A signature algorithm that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// Its usual name.
    pub algorithm: &'static str,
    /// The hash in it, or `intrinsic`.
    pub hash: &'static str,
}

/// Reads a signature algorithm; the error names the identifier.
pub fn read(identifier: &AlgorithmIdentifier<'_>) -> Result<Signature, String> {
    let oid = identifier.algorithm.to_id_string();
    if let Some((_, algorithm, hash)) = KNOWN.iter().find(|(known, ..)| *known == oid) {
        return Ok(Signature { algorithm, hash });
    }
    // The hash of RSASSA-PSS stands in its parameters and is SHA-1 where they leave it out.
    if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(identifier)
    {
        let hash = parameters.hash_algorithm_oid().to_id_string();
        return HASHES
            .iter()
            .find(|(known, _)| *known == hash)
            .map(|(_, hash)| Signature { algorithm: "RSASSA-PSS", hash })
            .ok_or_else(|| format!("RSASSA-PSS with the unknown hash {hash}"));
    }
    Err(format!("the unknown signature algorithm {oid}"))
}
