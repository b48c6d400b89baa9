//! Cipher suites of TLS 1.2 and below, and the classes that a posture forbids.
//!
//! Code points and names are those of the IANA registry, with the two suites of the Internet-Draft
//! "56-bit Export Cipher Suites" that were deployed. Left out are suites that no common stack has:
//! SRP (it needs an identity in the hello), Kerberos, ARIA and Camellia with PSK, and Camellia in GCM
//! with DSS.

pub use super::suite_table::SUITES;

/// A cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    /// Code point.
    pub code: u16,
    /// Name.
    pub name: &'static str,
}

/// What is wrong with a suite. A suite may be in several classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// No encryption, or nobody authenticated: NULL and anon (RFC 9325 section 4.1).
    NullOrAnon,
    /// EXPORT, DES, RC2 and RC4: below 112 bits of strength or broken (RFC 9325 section 4.1,
    /// RFC 7465).
    ExportOrSub112,
    /// Ciphers with blocks of 64 bits: 3DES and IDEA.
    Block64,
    /// Key exchange without forward secrecy: RSA, static DH and ECDH, PSK and RSA_PSK
    /// (RFC 10015 sections 2 and 4).
    NonForwardSecret,
    /// Ephemeral finite-field Diffie-Hellman: DHE (RFC 10015 section 3).
    Ffdhe,
    /// Block ciphers in CBC mode (RFC 9325 section 4.2).
    Cbc,
}

impl Class {
    /// Every class, the worst first.
    pub const ALL: [Self; 6] = [
        Self::NullOrAnon,
        Self::ExportOrSub112,
        Self::Block64,
        Self::NonForwardSecret,
        Self::Ffdhe,
        Self::Cbc,
    ];
}

impl Suite {
    /// True if the suite is in the class; told from its name.
    pub fn is(&self, class: Class) -> bool {
        let (exchange, cipher) = self.parts();
        match class {
            Class::NullOrAnon => cipher.starts_with("NULL") || exchange.contains("anon"),
            Class::ExportOrSub112 => {
                exchange.contains("EXPORT")
                    || ["RC4", "RC2", "DES_", "DES40"].iter().any(|weak| cipher.starts_with(weak))
            }
            Class::Block64 => cipher.starts_with("3DES") || cipher.starts_with("IDEA"),
            Class::NonForwardSecret => {
                !exchange.starts_with("ECDHE_") && !is_ffdhe(exchange) && !exchange.contains("anon")
            }
            Class::Ffdhe => is_ffdhe(exchange),
            Class::Cbc => cipher.contains("_CBC"),
        }
    }

    /// Every class the suite is in.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(|class| self.is(*class))
    }

    /// True if versions before TLS 1.2 have it: the others need a hash or an AEAD that came with
    /// TLS 1.2 (RFC 5246, RFC 5288).
    pub fn is_before_tls12(&self) -> bool {
        self.name.ends_with("_SHA") || self.name.ends_with("_MD5")
    }

    /// True if a server may have it in SSL 3.0: no PSK (RFC 4279). Suites with elliptic curves were
    /// defined for TLS alone (RFC 4492), and JSSE has them in SSL 3.0 all the same.
    pub fn is_ssl3(&self) -> bool {
        let (exchange, _) = self.parts();
        self.is_before_tls12() && !exchange.contains("PSK")
    }

    /// True if only GnuTLS has it, and not unless it is told to: Camellia in GCM (RFC 6367). Decision
    /// mode, whose hellos are full, leaves these to full mode.
    pub fn is_rare(&self) -> bool {
        let (exchange, cipher) = self.parts();
        cipher.starts_with("CAMELLIA_") && cipher.contains("_GCM_") && !exchange.contains("anon")
    }

    /// How the server sends its key exchange, if it does.
    pub fn exchange(&self) -> Exchange {
        let (exchange, _) = self.parts();
        let signed = !exchange.contains("anon");
        match exchange {
            _ if exchange.contains("PSK") => Exchange::Other,
            _ if exchange.starts_with("ECDHE_") || exchange == "ECDH_anon" => {
                Exchange::Ecdhe { signed }
            }
            _ if exchange.starts_with("DHE_") || exchange.starts_with("DH_anon") => {
                Exchange::Dhe { signed }
            }
            _ => Exchange::Other,
        }
    }

    /// Key exchange and cipher, the parts before and after `_WITH_`.
    fn parts(&self) -> (&'static str, &'static str) {
        let name = self.name.strip_prefix("TLS_").unwrap_or(self.name);
        name.split_once("_WITH_").unwrap_or((name, ""))
    }
}

fn is_ffdhe(exchange: &str) -> bool {
    exchange.starts_with("DHE_") || exchange == "PSK_DHE"
}

/// What a ServerKeyExchange holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// A named curve and a point (RFC 8422 section 5.4).
    Ecdhe {
        /// Whether a signature follows.
        signed: bool,
    },
    /// A prime, a generator and a public value (RFC 5246 section 7.4.3).
    Dhe {
        /// Whether a signature follows.
        signed: bool,
    },
    /// Something else, or no such message.
    Other,
}

/// The suite of a code point, if it is one of [`SUITES`].
pub fn suite(code: u16) -> Option<&'static Suite> {
    SUITES.binary_search_by_key(&code, |suite| suite.code).ok().map(|at| &SUITES[at])
}

/// Name of a suite of any version; the number where it has none here.
pub fn name(code: u16) -> String {
    let name = match code {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0x1304 => "TLS_AES_128_CCM_SHA256",
        0x1305 => "TLS_AES_128_CCM_8_SHA256",
        0x00c6 => "TLS_SM4_GCM_SM3",
        0x00c7 => "TLS_SM4_CCM_SM3",
        0xc0b4 => "TLS_SHA256_SHA256",
        0xc0b5 => "TLS_SHA384_SHA384",
        _ => match suite(code) {
            Some(suite) => suite.name,
            None => return format!("0x{code:04x}"),
        },
    };
    name.to_owned()
}

/// Code points of the suites for which `wanted` says yes, the worst class first, so that a server
/// that follows the client's order shows its worst.
pub fn worst_first(wanted: impl Fn(&Suite) -> bool) -> Vec<u16> {
    let mut suites: Vec<&Suite> = SUITES.iter().filter(|suite| wanted(suite)).collect();
    suites.sort_by_key(|suite| suite.classes().next().map_or(Class::ALL.len(), |c| c as usize));
    suites.into_iter().map(|suite| suite.code).collect()
}

/// Code points of the suites for which `wanted` says yes, those without a class first.
pub fn best_first(wanted: impl Fn(&Suite) -> bool) -> Vec<u16> {
    let mut suites = worst_first(wanted);
    suites.reverse();
    suites
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(name: &str) -> Vec<Class> {
        let suite = SUITES.iter().find(|suite| suite.name == name).expect(name);
        suite.classes().collect()
    }

    #[test]
    fn the_table_is_in_order_and_every_suite_is_found() {
        assert!(SUITES.is_sorted_by(|a, b| a.code < b.code));
        assert!(SUITES.iter().all(|known| suite(known.code) == Some(known)));
        assert_eq!(suite(0x1301), None);
    }

    #[test]
    fn classes_follow_from_names() {
        use Class::{Block64, Cbc, ExportOrSub112, Ffdhe, NonForwardSecret, NullOrAnon};
        assert_eq!(classes("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), []);
        assert_eq!(classes("TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"), []);
        assert_eq!(classes("TLS_RSA_WITH_NULL_SHA256"), [NullOrAnon, NonForwardSecret]);
        assert_eq!(classes("TLS_DH_anon_WITH_AES_128_GCM_SHA256"), [NullOrAnon]);
        assert_eq!(
            classes("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"),
            [ExportOrSub112, NonForwardSecret, Cbc]
        );
        assert_eq!(classes("TLS_ECDHE_RSA_WITH_RC4_128_SHA"), [ExportOrSub112]);
        assert_eq!(classes("TLS_DHE_RSA_WITH_DES_CBC_SHA"), [ExportOrSub112, Ffdhe, Cbc]);
        assert_eq!(classes("TLS_RSA_WITH_3DES_EDE_CBC_SHA"), [Block64, NonForwardSecret, Cbc]);
        assert_eq!(classes("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"), [NonForwardSecret]);
        assert_eq!(classes("TLS_PSK_DHE_WITH_AES_128_CCM_8"), [Ffdhe]);
        assert_eq!(classes("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"), [Ffdhe]);
        assert_eq!(classes("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"), [Cbc]);
    }

    #[test]
    fn the_worst_class_comes_first_in_a_hello() {
        let offered = worst_first(Suite::is_before_tls12);
        assert!(suite(offered[0]).is_some_and(|first| first.is(Class::NullOrAnon)));
        let offered = best_first(|_| true);
        assert!(suite(offered[0]).is_some_and(|first| first.classes().next().is_none()));
    }

    #[test]
    fn every_suite_has_a_known_shape() {
        for suite in SUITES {
            let (exchange, cipher) = suite.parts();
            assert!(!exchange.is_empty() && !cipher.is_empty(), "{}", suite.name);
        }
        assert_eq!(name(0x1302), "TLS_AES_256_GCM_SHA384");
        assert_eq!(name(0xfafa), "0xfafa");
    }
}
