//! What a server accepts, in the words of nobody in particular: code points.

use std::collections::BTreeSet;

use probes::tls::names;
use probes::tls::sslv2::KINDS;
use probes::tls::suites::{self, SUITES};

/// A version with a suite or a group.
pub(super) type Pairs = BTreeSet<(u16, u16)>;

/// What a server accepts, or what a tool says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Versions with suites.
    pub suites: Pairs,
    /// Versions with groups; none where a tool does not list groups.
    pub groups: Groups,
}

/// The groups, as exactly as a tool tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Groups {
    /// Not at all, or only which one was chosen.
    #[default]
    Unlisted,
    /// Without the version.
    Together(BTreeSet<u16>),
    /// For every version.
    Each(Pairs),
}

impl Groups {
    /// The groups, whatever the version.
    pub(super) fn together(&self) -> Option<BTreeSet<u16>> {
        match self {
            Self::Unlisted => None,
            Self::Together(groups) => Some(groups.clone()),
            Self::Each(pairs) => Some(pairs.iter().map(|(_, group)| *group).collect()),
        }
    }
}

/// Oldest to newest, with the names that tools give them.
const VERSIONS: &[(u16, &[&str])] = &[
    (0x0002, &["SSLv2", "ssl2", "ssl_2_0"]),
    (0x0300, &["SSLv3", "ssl3", "ssl_3_0"]),
    (0x0301, &["TLSv1.0", "TLSv1", "tls1", "tls_1_0"]),
    (0x0302, &["TLSv1.1", "tls1_1", "tls_1_1"]),
    (0x0303, &["TLSv1.2", "tls1_2", "tls_1_2"]),
    (0x0304, &["TLSv1.3", "tls1_3", "tls_1_3"]),
];

/// The version of a name.
pub(super) fn version(name: &str) -> Option<u16> {
    VERSIONS.iter().find(|(_, names)| names.contains(&name)).map(|(code, _)| *code)
}

/// A kind of cipher of SSL 2.0, whose code has three bytes, in two: the one in the middle is always 0.
pub(super) fn kind(code: u32) -> Option<u16> {
    let [_, high, 0, low] = code.to_be_bytes() else { return None };
    Some(u16::from_be_bytes([high, low]))
}

/// The suite of an IANA name, or the kind of cipher of SSL 2.0.
pub(super) fn suite(name: &str) -> Option<u16> {
    // nmap has a prefix of its own.
    if let Some(name) = name.strip_prefix("SSL_CK_").or_else(|| name.strip_prefix("SSL2_")) {
        let mut kinds = KINDS.iter();
        let known = kinds.find(|(_, known)| known.strip_prefix("SSL_CK_") == Some(name));
        return known.and_then(|(code, _)| kind(*code));
    }
    // nmap has names of its own for those of TLS 1.3, and Java keeps the oldest ones of others.
    let name = name.replace("TLS_AKE_WITH_", "TLS_").replace("SSL_", "TLS_");
    let newest = (0x1301..=0x1305).find(|code| suites::name(*code) == name);
    newest.or_else(|| SUITES.iter().find(|suite| suite.name == name).map(|suite| suite.code))
}

/// The group of a name, whoever gave it.
pub(super) fn group(name: &str) -> Option<u16> {
    let name = match name {
        "P-256" | "prime256v1" => "secp256r1",
        "P-384" => "secp384r1",
        "P-521" => "secp521r1",
        other => other,
    };
    let known = [0x0010..=0x0020, 0x0100..=0x0104, 0x11eb..=0x11ed];
    let mut known = known.into_iter().flatten();
    known.find(|code| names::group(*code).eq_ignore_ascii_case(name))
}

/// Of pairs of a version with a group, those that are compared: all of TLS 1.3 and of the best version
/// below. Libraries have one list for all versions below, and most tools tell it once.
pub(super) fn comparable(mut pairs: Pairs) -> Pairs {
    // Brainpool curves have no code point in TLS 1.3, and the others have the same (RFC 8734).
    pairs.retain(|(version, group)| *version < 0x0304 || !(0x001a..=0x001c).contains(group));
    let best = pairs.iter().map(|(version, _)| *version).filter(|version| *version < 0x0304).max();
    pairs.retain(|(version, _)| *version == 0x0304 || Some(*version) == best);
    pairs
}

/// The pairs as text, for people.
pub(super) fn shown(pairs: impl Iterator<Item = (u16, u16)>, suites: bool) -> String {
    let name = |version, code| match suites {
        true if version == names::SSL2 => {
            let mut kinds = KINDS.iter().filter(|(long, _)| kind(*long) == Some(code));
            kinds.next().map_or_else(|| format!("0x{code:04x}"), |(_, name)| (*name).to_owned())
        }
        true => suites::name(code),
        false => names::group(code),
    };
    let words: Vec<_> = pairs
        .map(|(version, code)| format!("{} {}", names::version(version), name(version, code)))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_tools_give_are_code_points() {
        assert_eq!(version("tls_1_2"), Some(0x0303));
        assert_eq!(suite("TLS_AKE_WITH_AES_128_GCM_SHA256"), Some(0x1301));
        assert_eq!(suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), Some(0xc013));
        assert_eq!(suite("SSL2_DES_192_EDE3_CBC_WITH_MD5"), Some(0x07c0));
        assert_eq!(suite("SSL_CK_RC4_128_EXPORT40_WITH_MD5"), kind(0x02_0080));
        assert_eq!(suite("SSL_RSA_WITH_RC4_128_SHA"), Some(0x0005));
        assert_eq!(kind(0x01_0180), None);
        let pairs = [(0x0002, 0x0180), (0x0300, 0x0005)];
        let words = "SSLv2 SSL_CK_RC4_128_WITH_MD5, SSLv3 TLS_RSA_WITH_RC4_128_SHA";
        assert_eq!(shown(pairs.into_iter(), true), words);
        assert_eq!(group("P-256"), group("prime256v1"));
        assert_eq!((group("X25519"), group("ffdhe2048")), (Some(0x001d), Some(0x0100)));
        assert_eq!(group("sect571r1"), None);
    }
}
