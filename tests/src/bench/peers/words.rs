//! Servers that have words of their own for what they accept.

use super::configuration::{self, Configuration, Keys, OTHERS};
use super::server::{Program, Settings, Setup};

/// Priorities of GnuTLS.
const GNUTLS: [(&[&str], Keys); 7] = [
    (&["NORMAL"], Keys::Both),
    (&["NORMAL:-VERS-ALL:+VERS-TLS1.2"], Keys::Ecdsa),
    (&["NORMAL:-VERS-ALL:+VERS-TLS1.3"], Keys::Rsa),
    (&["SECURE192:-VERS-TLS1.0:-VERS-TLS1.1"], Keys::Rsa),
    (
        &[
            "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0:+3DES-CBC:+ARCFOUR-128",
            ":+CAMELLIA-128-CBC:+CAMELLIA-256-GCM:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519",
        ],
        Keys::Rsa,
    ),
    (&["NORMAL:-KX-ALL:+RSA:+ECDHE-RSA:-CIPHER-ALL:+AES-128-CCM-8:+AES-256-GCM"], Keys::Rsa),
    (&["NORMAL:-VERS-TLS1.3:-GROUP-DH-ALL:+ANON-ECDH:+ANON-DH:+NULL"], Keys::Both),
];

/// Lowest and highest version of Go, suites and groups.
const GO: [(&[&str], Keys); 6] = [
    (&["0x0301", "0x0304", "all", "0x001d,0x0017,0x0018,0x0019"], Keys::Both),
    (&["0x0303", "0x0304", "secure", "0x11ec,0x001d,0x0017"], Keys::Both),
    (&["0x0303", "0x0303", "secure", "0x0017"], Keys::Ecdsa),
    (&["0x0304", "0x0304", "secure", "0x11ec,0x11eb,0x11ed,0x001d"], Keys::Rsa),
    (&["0x0301", "0x0302", "all", "0x0018"], Keys::Rsa),
    (
        &[
            "0x0303",
            "0x0304",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "0x001d",
        ],
        Keys::Both,
    ),
];

/// Groups of Java 17 where nobody says otherwise (its JSSE Reference Guide, "Supported Named Groups").
const JAVA_GROUPS: &str =
    "x25519,secp256r1,secp384r1,secp521r1,x448,ffdhe2048,ffdhe3072,ffdhe4096,ffdhe6144,ffdhe8192";

/// Groups of Java, whether the file java.security counts, protocols and suites.
const JAVA: [(&[&str], Keys); 6] = [
    (&[JAVA_GROUPS, "usual", "TLSv1.3,TLSv1.2", "default"], Keys::Both),
    (&[JAVA_GROUPS, "usual", "TLSv1.2", "default"], Keys::Rsa),
    (&["x25519", "usual", "TLSv1.3", "default"], Keys::Ecdsa),
    (&[JAVA_GROUPS, "open", "TLSv1.2,TLSv1.1,TLSv1,SSLv3", "default"], Keys::Both),
    (&["secp384r1,secp521r1", "open", "TLSv1.1,TLSv1", "default"], Keys::Rsa),
    (
        &[
            "secp256r1,x448",
            "usual",
            "TLSv1.3,TLSv1.2",
            "TLS_CHACHA20_POLY1305_SHA256,TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,\
             TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ],
        Keys::Rsa,
    ),
];

/// Versions of rustls, suites and groups.
const RUSTLS: [(&[&str], Keys); 5] = [
    (&["TLSv1.3,TLSv1.2", "all", "0x11ec,0x11eb,x25519,secp256r1,secp384r1"], Keys::Ecdsa),
    (&["TLSv1.3,TLSv1.2", "all", "x25519,secp256r1,secp384r1"], Keys::Rsa),
    (&["TLSv1.2", "all", "secp384r1"], Keys::Rsa),
    (&["TLSv1.3", "TLS_AES_128_GCM_SHA256", "0x11ec"], Keys::Ecdsa),
    (
        &[
            "TLSv1.3,TLSv1.2",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,TLS_CHACHA20_POLY1305_SHA256",
            "x25519",
        ],
        Keys::Rsa,
    ),
];

/// Versions of tlslite, ciphers, message authentication and key exchanges.
const TLSLITE: [(&[&str], Keys); 4] = [
    (&["SSLv3", "rc4", "md5,sha", "rsa"], Keys::Rsa),
    (&["SSLv3", "3des,aes128,aes256", "sha", "rsa,dhe_rsa"], Keys::Rsa),
    (&["SSLv3,TLSv1.0", "rc4,3des,aes128", "sha", "rsa"], Keys::Rsa),
    (
        &["SSLv3,TLSv1.2", "rc4,3des,aes256,aes128gcm", "md5,sha,sha256,aead", "rsa,ecdhe_rsa"],
        Keys::Rsa,
    ),
];

/// Kinds of cipher of SSL 2.0 of Scapy, versions beside it and their suites. There is none of TLS:
/// sslscan never ends on such a server.
const SCAPY: [(&[&str], Keys); 4] = [
    (
        &[
            "SSL_CK_RC4_128_WITH_MD5,SSL_CK_RC4_128_EXPORT40_WITH_MD5,SSL_CK_RC2_128_CBC_WITH_MD5,\
             SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5,SSL_CK_IDEA_128_CBC_WITH_MD5,\
             SSL_CK_DES_64_CBC_WITH_MD5,SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
            "",
            "",
        ],
        Keys::Rsa,
    ),
    (&["SSL_CK_RC4_128_EXPORT40_WITH_MD5", "", ""], Keys::Rsa),
    (
        &[
            "SSL_CK_RC4_128_WITH_MD5,SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
            "SSLv3",
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA,TLS_RSA_WITH_AES_128_CBC_SHA",
        ],
        Keys::Rsa,
    ),
    (&["", "SSLv3", "TLS_RSA_WITH_RC4_128_SHA,TLS_RSA_WITH_AES_256_CBC_SHA"], Keys::Rsa),
];

/// Every server of a run: `count` of `s_server`, then the others, one program after the other.
pub(super) fn all(count: usize) -> Vec<Setup> {
    let flags = |program, change: fn(Configuration) -> Configuration| {
        OTHERS.map(|configuration| Setup::flags(program, change(configuration)))
    };
    let generated = configuration::all(count).into_iter();
    let mut setups: Vec<_> =
        generated.map(|configuration| Setup::flags(Program::OpenSsl, configuration)).collect();
    setups.extend(flags(Program::Nginx, |same| same));
    setups.extend(flags(Program::HaProxy, Configuration::with_one_key));
    setups.extend(flags(Program::Mosquitto, Configuration::with_minimum));
    setups.extend(flags(Program::Node, |same| same));
    let mut speak = |program, words: &'static [(&'static [&'static str], Keys)]| {
        let settings = words.iter().map(|(words, keys)| Settings::Words(words, *keys));
        setups.extend(settings.map(|settings| Setup { program, settings }));
    };
    speak(Program::GnuTls, &GNUTLS);
    speak(Program::Go, &GO);
    speak(Program::Java, &JAVA);
    speak(Program::Rustls, &RUSTLS);
    speak(Program::Tlslite, &TLSLITE);
    speak(Program::Scapy, &SCAPY);
    setups
}
