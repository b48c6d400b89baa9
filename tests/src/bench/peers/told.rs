//! What a server was told, by the word of its own library: versions, suites and groups. What they
//! come to together is the rule of the protocol, not of a library.

use std::collections::BTreeSet;

use anyhow::Context as _;
use probes::tls::suites::{self, Exchange, SUITES};

use super::configuration::Keys;
use super::seen::{Groups, Pairs, Seen, comparable, group, suite, version};

/// What is enabled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Versions.
    pub versions: BTreeSet<u16>,
    /// Suites of all versions.
    pub suites: BTreeSet<u16>,
    /// Groups of all versions.
    pub groups: BTreeSet<u16>,
}

/// Words of libraries that stand for no suite and for no version.
const NO_VALUES: [&str; 2] = ["TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "SSLv2Hello"];

impl Told {
    /// Reads lines of `version`, `suite` or `group` with a name or a number in hexadecimal.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let mut told = Self::default();
        for line in text.lines() {
            let (kind, name) = line.split_once(' ').with_context(|| format!("`{line}`"))?;
            if NO_VALUES.contains(&name) {
                continue;
            }
            let (named, into): (fn(&str) -> Option<u16>, _) = match kind {
                "version" => (version, &mut told.versions),
                "suite" => (suite, &mut told.suites),
                _ => (group, &mut told.groups),
            };
            let number = name.strip_prefix("0x").and_then(|hex| u16::from_str_radix(hex, 16).ok());
            let code = number.or_else(|| named(name));
            into.insert(code.with_context(|| format!("`{line}` is a name that nobody knows"))?);
        }
        Ok(told)
    }

    /// Reads what `gnutls-cli --list --priority` prints.
    pub(super) fn read_gnutls(text: &str) -> anyhow::Result<Self> {
        let mut told = Self::default();
        for line in text.lines() {
            if let Some(names) = line.strip_prefix("Protocols: VERS-") {
                let names = names.split(", VERS-").map(|name| name.replace("TLS", "TLSv"));
                // Those of datagrams have a D in front.
                told.versions.extend(names.filter_map(|name| version(&name)));
            } else if let Some(names) = line.strip_prefix("Groups: GROUP-") {
                for name in names.split(", GROUP-") {
                    told.groups.insert(group(name).with_context(|| format!("group `{name}`"))?);
                }
            } else if line.starts_with("TLS_") {
                let mut bytes = line.split(['\t', ',', ' ']).filter_map(|word| {
                    word.strip_prefix("0x").and_then(|hex| u8::from_str_radix(hex, 16).ok())
                });
                let code = [bytes.next(), bytes.next()];
                let [Some(high), Some(low)] = code else {
                    anyhow::bail!("`{line}` has no code point");
                };
                told.suites.insert(u16::from_be_bytes([high, low]));
            }
        }
        // A priority with no finite-field group leaves the server without parameters for DHE: it takes
        // such a suite and then fails on it.
        if !told.groups.iter().any(|code| (0x0100..0x0200).contains(code)) {
            told.suites.retain(|code| !by_dhe(*code));
        }
        Ok(told)
    }

    /// What a server with these keys then accepts; an error where a suite is none of ours, which the
    /// table of the probe then lacks.
    pub(super) fn seen(&self, keys: Keys) -> anyhow::Result<Seen> {
        let known = |code: &&u16| **code >> 8 == 0x13 || suites::suite(**code).is_some();
        if let Some(code) = self.suites.iter().find(|code| !known(code)) {
            anyhow::bail!("the table of suites lacks 0x{code:04x}");
        }
        let (mut suites, mut groups) = (Pairs::new(), Pairs::new());
        // Those of TLS 1.3 and the hybrids have no meaning below (RFC 7919 section 2 for the primes).
        let curves = || self.groups.iter().filter(|code| **code < 0x0100);
        for version in self.versions.iter().copied() {
            if version == 0x0304 {
                suites.extend(
                    self.suites
                        .iter()
                        .filter(|code| **code >> 8 == 0x13)
                        .map(|code| (version, *code)),
                );
                groups.extend(self.groups.iter().map(|group| (version, *group)));
                continue;
            }
            let mut by_curve = false;
            for suite in SUITES.iter().filter(|suite| self.suites.contains(&suite.code)) {
                let curve = suite.name.contains("_ECDHE_") || suite.name.contains("_ECDH_anon_");
                let key = match suite.name {
                    name if name.contains("_anon_") => true,
                    name if name.contains("PSK") || name.contains("_DSS_") => false,
                    // Static ECDH wants a key for curves, whoever signed the certificate (RFC 5246
                    // section 7.4.2).
                    name if name.contains("_ECDSA_") || name.contains("_ECDH_") => {
                        keys != Keys::Rsa
                    }
                    _ => keys != Keys::Ecdsa,
                };
                let fits = match version {
                    0x0300 => suite.is_ssl3(),
                    0x0303 => true,
                    _ => suite.is_before_tls12(),
                };
                if key && fits && (!curve || curves().next().is_some()) {
                    by_curve |= curve;
                    suites.insert((version, suite.code));
                }
            }
            if by_curve {
                groups.extend(curves().map(|group| (version, *group)));
            }
        }
        Ok(Seen { suites, groups: Groups::Each(comparable(groups)) })
    }
}

fn by_dhe(code: u16) -> bool {
    suites::suite(code).is_some_and(|suite| matches!(suite.exchange(), Exchange::Dhe { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_library_says_comes_to_pairs_by_version_and_key() {
        let told = Told::read(
            "version TLSv1.3\nversion TLSv1.2\nversion TLSv1\nversion SSLv2Hello\n\
             suite TLS_AES_128_GCM_SHA256\nsuite 0xc02b\nsuite TLS_RSA_WITH_AES_128_CBC_SHA\n\
             suite TLS_EMPTY_RENEGOTIATION_INFO_SCSV\ngroup x25519\ngroup 0x11ec\n",
        )
        .unwrap();
        let seen = told.seen(Keys::Both).unwrap();
        let suites = [(0x0301, 0x002f), (0x0303, 0x002f), (0x0303, 0xc02b), (0x0304, 0x1301)];
        assert_eq!(seen.suites, Pairs::from(suites));
        let groups = [(0x0303, 0x001d), (0x0304, 0x001d), (0x0304, 0x11ec)];
        assert_eq!(seen.groups, Groups::Each(Pairs::from(groups)));
        let without = told.seen(Keys::Rsa).unwrap();
        assert_eq!(without.suites.len(), 3);
        assert_eq!(without.groups, Groups::Each(Pairs::from([groups[1], groups[2]])));
        assert!(Told::read("suite TLS_OF_NOBODY").is_err());
        let beyond = Told { suites: BTreeSet::from([0xfafa]), ..told };
        assert!(beyond.seen(Keys::Rsa).unwrap_err().to_string().contains("0xfafa"));
    }

    #[test]
    fn the_list_of_gnutls_gives_code_points() {
        let told = Told::read_gnutls(
            "Cipher suites for X\nTLS_ECDHE_RSA_CHACHA20_POLY1305     \t0xcc, 0xa8\tTLS1.2\n\n\
             Protocols: VERS-TLS1.3, VERS-TLS1.0, VERS-DTLS1.2\n\
             Groups: GROUP-SECP256R1, GROUP-X25519, GROUP-FFDHE2048\n",
        )
        .unwrap();
        assert_eq!(told.suites, BTreeSet::from([0xcca8]));
        assert_eq!(told.versions, BTreeSet::from([0x0301, 0x0304]));
        assert_eq!(told.groups, BTreeSet::from([0x0017, 0x001d, 0x0100]));
        let without = "TLS_DHE_RSA_AES_128_CCM \t0xc0, 0x9e\tTLS1.2\nGroups: GROUP-X25519\n";
        assert_eq!(Told::read_gnutls(without).unwrap().suites, BTreeSet::new());
    }
}
