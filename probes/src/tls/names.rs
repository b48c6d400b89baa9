//! Names of code points, as the IANA registries spell them.

/// SSL 2.0 (RFC 6176).
pub const SSL2: u16 = 0x0002;
/// SSL 3.0 (RFC 6101).
pub const SSL3: u16 = 0x0300;
/// TLS 1.0 (RFC 2246).
pub const TLS10: u16 = 0x0301;
/// TLS 1.1 (RFC 4346).
pub const TLS11: u16 = 0x0302;
/// TLS 1.2 (RFC 5246).
pub const TLS12: u16 = 0x0303;
/// TLS 1.3 (RFC 8446).
pub const TLS13: u16 = 0x0304;

/// Hybrid groups of ECDHE and ML-KEM (RFC 10024): X25519MLKEM768, SecP256r1MLKEM768 and
/// SecP384r1MLKEM1024.
pub const HYBRID_GROUPS: [u16; 3] = [0x11ec, 0x11eb, 0x11ed];

/// A protocol version, such as `TLSv1.2`.
pub fn version(code: u16) -> String {
    match code {
        SSL2 => "SSLv2".to_owned(),
        SSL3 => "SSLv3".to_owned(),
        TLS10 => "TLSv1.0".to_owned(),
        TLS11 => "TLSv1.1".to_owned(),
        TLS12 => "TLSv1.2".to_owned(),
        TLS13 => "TLSv1.3".to_owned(),
        _ => format!("0x{code:04x}"),
    }
}

/// A key exchange group, such as `x25519`.
pub fn group(code: u16) -> String {
    let name = match code {
        0x0001 => "sect163k1",
        0x0002 => "sect163r1",
        0x0003 => "sect163r2",
        0x0004 => "sect193r1",
        0x0005 => "sect193r2",
        0x0006 => "sect233k1",
        0x0007 => "sect233r1",
        0x0008 => "sect239k1",
        0x0009 => "sect283k1",
        0x000a => "sect283r1",
        0x000b => "sect409k1",
        0x000c => "sect409r1",
        0x000d => "sect571k1",
        0x000e => "sect571r1",
        0x000f => "secp160k1",
        0x0010 => "secp160r1",
        0x0011 => "secp160r2",
        0x0012 => "secp192k1",
        0x0014 => "secp224k1",
        0x001f => "brainpoolP256r1tls13",
        0x0020 => "brainpoolP384r1tls13",
        0x0021 => "brainpoolP512r1tls13",
        0x0029 => "curveSM2",
        0x0015 => "secp224r1",
        0x0013 => "secp192r1",
        0x0016 => "secp256k1",
        0x0017 => "secp256r1",
        0x0018 => "secp384r1",
        0x0019 => "secp521r1",
        0x001a => "brainpoolP256r1",
        0x001b => "brainpoolP384r1",
        0x001c => "brainpoolP512r1",
        0x001d => "x25519",
        0x001e => "x448",
        0x0100 => "ffdhe2048",
        0x0101 => "ffdhe3072",
        0x0102 => "ffdhe4096",
        0x0103 => "ffdhe6144",
        0x0104 => "ffdhe8192",
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x11ee => "curveSM2MLKEM768",
        0x6399 => "X25519Kyber768Draft00",
        0x639a => "SecP256r1Kyber768Draft00",
        _ => return format!("0x{code:04x}"),
    };
    name.to_owned()
}

/// A signature scheme, such as `ecdsa_secp256r1_sha256`.
pub fn signature(code: u16) -> String {
    let name = match code {
        0x0101 => "rsa_pkcs1_md5",
        0x0102 => "dsa_md5",
        0x0103 => "ecdsa_md5",
        0x0201 => "rsa_pkcs1_sha1",
        0x0202 => "dsa_sha1",
        0x0203 => "ecdsa_sha1",
        0x0301 => "rsa_pkcs1_sha224",
        0x0302 => "dsa_sha224",
        0x0303 => "ecdsa_sha224",
        0x0401 => "rsa_pkcs1_sha256",
        0x0402 => "dsa_sha256",
        0x0403 => "ecdsa_secp256r1_sha256",
        0x0501 => "rsa_pkcs1_sha384",
        0x0502 => "dsa_sha384",
        0x0503 => "ecdsa_secp384r1_sha384",
        0x0601 => "rsa_pkcs1_sha512",
        0x0602 => "dsa_sha512",
        0x0603 => "ecdsa_secp521r1_sha512",
        0x0708 => "sm2sig_sm3",
        0x0804 => "rsa_pss_rsae_sha256",
        0x0805 => "rsa_pss_rsae_sha384",
        0x0806 => "rsa_pss_rsae_sha512",
        0x0807 => "ed25519",
        0x0808 => "ed448",
        0x0809 => "rsa_pss_pss_sha256",
        0x080a => "rsa_pss_pss_sha384",
        0x080b => "rsa_pss_pss_sha512",
        0x081a => "ecdsa_brainpoolP256r1tls13_sha256",
        0x081b => "ecdsa_brainpoolP384r1tls13_sha384",
        0x081c => "ecdsa_brainpoolP512r1tls13_sha512",
        0x0904 => "mldsa44",
        0x0905 => "mldsa65",
        0x0906 => "mldsa87",
        _ => return format!("0x{code:04x}"),
    };
    name.to_owned()
}

/// An alert with its number, such as `40 handshake_failure`.
pub fn alert(code: u8) -> String {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return format!("{code}"),
    };
    format!("{code} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_code_points_show_their_number() {
        assert_eq!(version(0x7f1c), "0x7f1c");
        assert_eq!(group(0x6398), "0x6398");
        assert_eq!(signature(0xfefe), "0xfefe");
        assert_eq!(alert(255), "255");
    }
}
