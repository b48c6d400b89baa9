//! What suites, groups and signature schemes are called, so that a slip of the pen in a profile is
//! a mistake with a place and not a list that nothing is ever on.

/// Protocol versions, the oldest first.
pub(super) const VERSIONS: [&str; 6] =
    ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// Groups of the IANA registry "TLS Supported Groups" that have been in use.
const GROUPS: &[&str] = &[
    "sect163k1",
    "sect163r1",
    "sect163r2",
    "sect193r1",
    "sect193r2",
    "sect233k1",
    "sect233r1",
    "sect239k1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
    "secp160k1",
    "secp160r1",
    "secp160r2",
    "secp192k1",
    "secp192r1",
    "secp224k1",
    "secp224r1",
    "secp256k1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "brainpoolP256r1tls13",
    "brainpoolP384r1tls13",
    "brainpoolP512r1tls13",
    "x25519",
    "x448",
    "curveSM2",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "MLKEM512",
    "MLKEM768",
    "MLKEM1024",
    "SecP256r1MLKEM768",
    "X25519MLKEM768",
    "SecP384r1MLKEM1024",
    "curveSM2MLKEM768",
    "X25519Kyber768Draft00",
    "SecP256r1Kyber768Draft00",
];

/// Schemes of the IANA registry "TLS SignatureScheme", and the pairs of TLS 1.2 that are none.
const SCHEMES: &[&str] = &[
    "rsa_pkcs1_md5",
    "rsa_pkcs1_sha1",
    "rsa_pkcs1_sha224",
    "rsa_pkcs1_sha256",
    "rsa_pkcs1_sha384",
    "rsa_pkcs1_sha512",
    "dsa_md5",
    "dsa_sha1",
    "dsa_sha224",
    "dsa_sha256",
    "dsa_sha384",
    "dsa_sha512",
    "ecdsa_md5",
    "ecdsa_sha1",
    "ecdsa_sha224",
    "ecdsa_secp256r1_sha256",
    "ecdsa_secp384r1_sha384",
    "ecdsa_secp521r1_sha512",
    "rsa_pss_rsae_sha256",
    "rsa_pss_rsae_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pss_pss_sha256",
    "rsa_pss_pss_sha384",
    "rsa_pss_pss_sha512",
    "ed25519",
    "ed448",
    "ecdsa_brainpoolP256r1tls13_sha256",
    "ecdsa_brainpoolP384r1tls13_sha384",
    "ecdsa_brainpoolP512r1tls13_sha512",
    "sm2sig_sm3",
    "mldsa44",
    "mldsa65",
    "mldsa87",
];

/// Key exchanges in the names of suites up to TLS 1.2.
const KEY_EXCHANGES: &[&str] = &[
    "NULL",
    "RSA",
    "RSA_EXPORT",
    "RSA_EXPORT1024",
    "DH_DSS",
    "DH_DSS_EXPORT",
    "DH_RSA",
    "DH_RSA_EXPORT",
    "DHE_DSS",
    "DHE_DSS_EXPORT",
    "DHE_DSS_EXPORT1024",
    "DHE_RSA",
    "DHE_RSA_EXPORT",
    "DH_anon",
    "DH_anon_EXPORT",
    "KRB5",
    "KRB5_EXPORT",
    "PSK",
    "DHE_PSK",
    "RSA_PSK",
    "PSK_DHE",
    "ECDHE_PSK",
    "ECDH_ECDSA",
    "ECDHE_ECDSA",
    "ECDH_RSA",
    "ECDHE_RSA",
    "ECDH_anon",
    "SRP_SHA",
    "SRP_SHA_RSA",
    "SRP_SHA_DSS",
    "ECCPWD",
    "GOSTR341112_256",
];

/// Ciphers in the names of suites, without a hash behind them.
const CIPHERS: &[&str] = &[
    "NULL",
    "RC2_CBC_40",
    "RC2_CBC_56",
    "RC4_40",
    "RC4_56",
    "RC4_128",
    "DES40_CBC",
    "DES_CBC",
    "DES_CBC_40",
    "3DES_EDE_CBC",
    "IDEA_CBC",
    "SEED_CBC",
    "AES_128_CBC",
    "AES_256_CBC",
    "AES_128_GCM",
    "AES_256_GCM",
    "AES_128_CCM",
    "AES_256_CCM",
    "AES_128_CCM_8",
    "AES_256_CCM_8",
    "CAMELLIA_128_CBC",
    "CAMELLIA_256_CBC",
    "CAMELLIA_128_GCM",
    "CAMELLIA_256_GCM",
    "ARIA_128_CBC",
    "ARIA_256_CBC",
    "ARIA_128_GCM",
    "ARIA_256_GCM",
    "CHACHA20_POLY1305",
    "AEGIS_128L",
    "AEGIS_256",
    "SM4_GCM",
    "SM4_CCM",
    "KUZNYECHIK_CTR",
    "MAGMA_CTR",
    "28147_CNT",
];

/// Hashes at the end of the names of suites.
const HASHES: &[&str] =
    &["NULL", "MD5", "SHA", "SHA256", "SHA384", "SHA512", "SM3", "OMAC", "IMIT"];

/// Whether it is the name of a group, or a pattern over some.
pub(super) fn is_group(name: &str) -> bool {
    is_one_of(GROUPS, name)
}

/// Whether it is the name of a signature scheme, or a pattern over some.
pub(super) fn is_scheme(name: &str) -> bool {
    is_one_of(SCHEMES, name)
}

fn is_one_of(known: &[&str], name: &str) -> bool {
    known.iter().any(|known| super::glob::matches(name, known))
}

/// Whether it is built like the name of a suite of that version, or of any where there is none. A
/// pattern is only held to the letters of such names.
pub(super) fn is_suite(version: Option<&str>, name: &str) -> bool {
    if name.contains('*') {
        return name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'*'));
    }
    let old = || name.strip_prefix("SSL_CK_").is_some_and(is_cipher_of_ssl2);
    let middle = || {
        name.strip_prefix("TLS_").and_then(|rest| rest.split_once("_WITH_")).is_some_and(
            |(exchange, cipher)| KEY_EXCHANGES.contains(&exchange) && is_cipher(cipher),
        )
    };
    let new = || {
        let cipher = name.strip_prefix("TLS_").and_then(|rest| rest.rsplit_once('_'));
        // The last two are the suites of RFC 9150, which do not encrypt.
        !name.contains("_WITH_")
            && cipher.is_some_and(|(cipher, hash)| {
                CIPHERS.contains(&cipher) && cipher != "NULL" && HASHES.contains(&hash)
                    || matches!((cipher, hash), ("SHA256", "SHA256") | ("SHA384", "SHA384"))
            })
    };
    match version {
        Some("SSLv2") => old(),
        Some("TLSv1.3") => new(),
        Some(_) => middle(),
        None => old() || middle() || new(),
    }
}

fn is_cipher(text: &str) -> bool {
    CIPHERS.contains(&text)
        || text
            .rsplit_once('_')
            .is_some_and(|(cipher, hash)| CIPHERS.contains(&cipher) && HASHES.contains(&hash))
}

/// `SSL_CK_RC4_128_WITH_MD5` and its like.
fn is_cipher_of_ssl2(text: &str) -> bool {
    text.split_once("_WITH_")
        .is_some_and(|(cipher, hash)| !cipher.is_empty() && matches!(hash, "MD5" | "SHA"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_told_from_slips_of_the_pen_by_version() {
        for (version, name) in [
            (Some("TLSv1.2"), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            (Some("TLSv1.2"), "TLS_DHE_RSA_WITH_AES_128_CCM_8"),
            (Some("TLSv1.0"), "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            (Some("TLSv1.3"), "TLS_AES_128_CCM_8_SHA256"),
            (Some("SSLv2"), "SSL_CK_RC4_128_WITH_MD5"),
            (None, "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5"),
            (None, "TLS_RSA_*"),
        ] {
            assert!(is_suite(version, name), "{version:?} {name}");
        }
        for (version, name) in [
            (Some("TLSv1.2"), "TLS_AES_128_GCM_SHA256"),
            (Some("TLSv1.3"), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            (Some("TLSv1.2"), "ECDHE-RSA-AES128-GCM-SHA256"),
            (Some("TLSv1.2"), "TLS_ECDHE_RSA_WITH_AES128_GCM_SHA256"),
            (Some("TLSv1.2"), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265"),
            (None, "tls_rsa_with_aes_128_cbc_sha"),
            (None, "TLS_RSA_WITH_AES_128_CBC_SHA\n"),
            (None, "TLS.*"),
            (None, ""),
        ] {
            assert!(!is_suite(version, name), "{version:?} {name}");
        }
    }

    #[test]
    fn groups_and_schemes_are_those_of_the_registries() {
        assert!(is_group("x25519") && is_group("sect*") && is_scheme("*_sha1"));
        assert!(!is_group("X25519") && !is_group("prime256v1") && !is_group("secp512*"));
        assert!(!is_scheme("sha256WithRSAEncryption") && !is_scheme("ecdsa_sha256"));
    }
}
