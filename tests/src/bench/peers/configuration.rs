//! Servers of `openssl s_server` by flags, and what the flags mean: by the list of suites that
//! `openssl ciphers -s` gives for a version, and by the rules of its documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::Context as _;

use super::seen::{Groups, Pairs, Seen, comparable, group, suite};

/// TLS 1.0 to 1.3: code point, the flag of `openssl ciphers`, and the one that turns it off.
const VERSIONS: [(u16, &str, &str); 4] = [
    (0x0301, "-tls1", "-no_tls1"),
    (0x0302, "-tls1_1", "-no_tls1_1"),
    (0x0303, "-tls1_2", "-no_tls1_2"),
    (0x0304, "-tls1_3", "-no_tls1_3"),
];

/// First and last version: s_server has no holes between them.
const RANGES: [(usize, usize); 8] =
    [(0, 3), (2, 3), (2, 2), (3, 3), (0, 0), (1, 2), (0, 2), (1, 1)];

/// Lists of suites up to TLS 1.2, without the security level.
const LISTS: [&str; 11] = [
    "DEFAULT",
    "ALL:COMPLEMENTOFALL",
    "HIGH:!aNULL",
    "ECDHE+AESGCM",
    "kRSA",
    "DHE:!aNULL",
    "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES128-SHA",
    "eNULL:AES256-SHA:ECDHE-ECDSA-AES256-SHA",
    "aNULL:ECDHE+AES",
    "CAMELLIA:ARIA:CHACHA20",
    "AESCCM:AESCCM8:ECDHE+SHA1",
];

/// Lists of suites of TLS 1.3.
const NEWEST: [&str; 3] = [
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256:TLS_AES_256_GCM_SHA384",
];

/// Lists of groups. The curve of the ECDSA certificate, P-256, is not in each.
const GROUPS: [&str; 6] = [
    "X25519:P-256:X448:P-521:P-384",
    "P-256",
    "X25519",
    "P-384:P-521",
    "X25519:P-256:ffdhe2048:ffdhe3072",
    "X448:brainpoolP256r1:P-256",
];

/// The certificates of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// One with an RSA key of 2048 bits.
    Rsa,
    /// One with a key on P-256.
    Ecdsa,
    /// Both.
    Both,
}

/// A server by its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Configuration {
    range: (usize, usize),
    /// Its suites up to TLS 1.2.
    pub list: &'static str,
    /// Its suites of TLS 1.3.
    pub newest: &'static str,
    /// Its groups.
    pub groups: &'static str,
    keys: Keys,
    tickets: bool,
}

/// The groups of OpenSSL 3.0 where nobody says otherwise (`supported_groups_default` in its
/// ssl/t1_lib.c).
const USUAL_GROUPS: &str =
    "X25519:P-256:X448:P-521:P-384:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192";

/// For programs other than s_server. They take DHE only with parameters of their own, so none has it.
pub(super) const OTHERS: [Configuration; 6] = [
    Configuration {
        range: (2, 3),
        list: "HIGH:!aNULL:!kDHE",
        newest: NEWEST[0],
        groups: GROUPS[0],
        keys: Keys::Both,
        tickets: true,
    },
    Configuration { range: (0, 3), list: "ALL:!aNULL:!kDHE", ..HARDENED },
    Configuration {
        range: (2, 2),
        list: "ECDHE+AESGCM:kRSA+AES",
        groups: "P-256",
        keys: Keys::Rsa,
        ..HARDENED
    },
    Configuration { range: (3, 3), newest: NEWEST[1], groups: "X25519", ..HARDENED },
    Configuration {
        range: (1, 2),
        list: "ECDHE+SHA1:kRSA+AES",
        groups: "X448:brainpoolP256r1:P-256",
        ..HARDENED
    },
    Configuration {
        range: (2, 3),
        list: "ECDHE+CHACHA20:AESCCM:CAMELLIA:!kDHE",
        newest: NEWEST[2],
        groups: "P-384:P-521",
        keys: Keys::Rsa,
        ..HARDENED
    },
];

/// A careful server: TLS 1.2 and 1.3, suites with forward secrecy and AEAD, one certificate.
pub(super) const HARDENED: Configuration = Configuration {
    range: (2, 3),
    list: "ECDHE+AESGCM:ECDHE+CHACHA20",
    newest: NEWEST[0],
    groups: "X25519:P-256:P-384",
    keys: Keys::Ecdsa,
    tickets: true,
};

/// What s_server does without flags, where no file says otherwise.
pub(super) const AS_IT_IS: Configuration =
    Configuration { list: "DEFAULT", groups: USUAL_GROUPS, keys: Keys::Rsa, ..HARDENED };

/// Everything that OpenSSL has, with both certificates.
pub(super) const EVERYTHING: Configuration = Configuration {
    range: (0, 3),
    list: "ALL:COMPLEMENTOFALL",
    newest: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:\
             TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
    groups: USUAL_GROUPS,
    keys: Keys::Both,
    tickets: true,
};

/// The `count` configurations that every run measures, the same on every machine.
pub(super) fn all(count: usize) -> Vec<Configuration> {
    // A step that shares no factor with any length walks through all values of each evenly.
    (0..count)
        .map(|number| {
            let pick = |stride: usize, length: usize| (number * stride + number / length) % length;
            Configuration {
                range: RANGES[pick(3, RANGES.len())],
                list: LISTS[pick(7, LISTS.len())],
                newest: NEWEST[pick(2, NEWEST.len())],
                groups: GROUPS[pick(5, GROUPS.len())],
                keys: [Keys::Rsa, Keys::Ecdsa, Keys::Both][(number / 3 + number) % 3],
                tickets: !number.is_multiple_of(5),
            }
        })
        .collect()
}

impl Configuration {
    /// The same with these certificates.
    pub(super) const fn with(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// Its certificates.
    pub(super) const fn keys(&self) -> Keys {
        self.keys
    }

    /// The same for a program with one certificate.
    pub(super) const fn with_one_key(self) -> Self {
        match self.keys {
            Keys::Both => self.with(Keys::Rsa),
            Keys::Rsa | Keys::Ecdsa => self,
        }
    }

    /// The same for a program that sets a lowest version alone, 1.1 or newer, and no groups.
    pub(super) fn with_minimum(self) -> Self {
        let range = (self.range.0.max(1), 3);
        Self { range, groups: USUAL_GROUPS, ..self }.with_one_key()
    }

    /// Its lowest and highest version, by names for TLS 1.0 to 1.3.
    pub(super) fn limits<'a>(&self, names: [&'a str; 4]) -> [&'a str; 2] {
        [names[self.range.0], names[self.range.1]]
    }

    /// All its versions, by names for TLS 1.0 to 1.3.
    pub(super) fn versions(&self, names: [&str; 4]) -> String {
        names[self.range.0..=self.range.1].join(" ")
    }

    /// Its suites up to TLS 1.2, weak ones included.
    pub(super) fn suites(&self) -> String {
        format!("{}:@SECLEVEL=0", self.list)
    }

    /// The flags of `openssl s_server`, apart from port and certificates.
    pub(super) fn flags(&self) -> Vec<String> {
        let mut flags = vec![
            "-cipher".to_owned(),
            self.suites(),
            "-ciphersuites".to_owned(),
            self.newest.to_owned(),
            "-groups".to_owned(),
            self.groups.to_owned(),
        ];
        let (first, last) = self.range;
        let off = VERSIONS.iter().enumerate().filter(|(at, _)| *at < first || *at > last);
        flags.extend(off.map(|(_, (_, _, off))| (*off).to_owned()));
        if !self.tickets {
            flags.push("-no_ticket".to_owned());
        }
        flags
    }

    /// What such a server accepts; `own_order` is whether its order of groups decides.
    pub(super) fn expected(&self, lists: &mut Lists, own_order: bool) -> anyhow::Result<Seen> {
        let groups: BTreeSet<u16> = self.groups.split(':').filter_map(group).collect();
        let mut curves: Vec<u16> = self.groups.split(':').filter_map(group).collect();
        curves.retain(|code| *code < 0x0100);
        // A client must list the curve of an ECDSA certificate (RFC 8422 section 5.1), and a server that
        // goes by its own order then takes that one before all behind it: nobody gets those.
        if own_order
            && self.keys == Keys::Ecdsa
            && let Some(at) = curves.iter().position(|code| *code == 0x0017)
        {
            curves.truncate(at + 1);
        }
        let (first, last) = self.range;
        let mut suites = Pairs::new();
        let mut pairs = Pairs::new();
        for (version, flag, _) in &VERSIONS[first..=last] {
            if *version == 0x0304 {
                suites
                    .extend(self.newest.split(':').filter_map(suite).map(|code| (*version, code)));
                pairs.extend(groups.iter().map(|group| (*version, *group)));
                continue;
            }
            let mut by_curve = false;
            for listed in lists.of(flag, self.list)? {
                let curve = listed.exchange.starts_with("ECDH");
                let key = match listed.authentication.as_str() {
                    "RSA" => self.keys != Keys::Ecdsa,
                    "ECDSA" => self.keys != Keys::Rsa,
                    "None" => true,
                    _ => false,
                };
                if key && (!curve || !curves.is_empty()) {
                    by_curve |= curve;
                    suites.insert((*version, listed.code));
                }
            }
            if by_curve {
                pairs.extend(curves.iter().map(|group| (*version, *group)));
            }
        }
        Ok(Seen { suites, groups: Groups::Each(comparable(pairs)) })
    }
}

/// A suite that OpenSSL lists for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    code: u16,
    exchange: String,
    authentication: String,
}

/// What `openssl ciphers` says, asked once for each list.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<(String, String), Vec<Listed>>);

impl Lists {
    /// The suites of a list that a version can use, `-tls1` to `-tls1_2`.
    fn of(&mut self, version: &str, list: &str) -> anyhow::Result<Vec<Listed>> {
        let key = (version.to_owned(), list.to_owned());
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let mut command = Command::new("openssl");
        command.env("OPENSSL_CONF", "/dev/null");
        command.args(["ciphers", "-s", "-V", version, &format!("{list}:@SECLEVEL=0")]);
        let output = command.output().context("cannot start openssl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let listed: Vec<Listed> = text.lines().filter_map(listed).collect();
        self.0.insert(key, listed.clone());
        Ok(listed)
    }
}

/// `0xC0,0x2B - NAME TLSv1.2 Kx=ECDH Au=ECDSA Enc=AESGCM(128) Mac=AEAD`; none for TLS 1.3.
fn listed(line: &str) -> Option<Listed> {
    let mut words = line.split_whitespace();
    let (high, low) = words.next()?.split_once(',')?;
    let byte = |text: &str| u8::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let code = u16::from_be_bytes([byte(high)?, byte(low)?]);
    let mut field = |key: &str| words.find_map(|word| word.strip_prefix(key)).map(str::to_owned);
    let (exchange, authentication) = (field("Kx=")?, field("Au=")?);
    (exchange != "any").then_some(Listed { code, exchange, authentication })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_is_another_one_and_every_choice_is_made() {
        let all = all(216);
        let flags: BTreeSet<_> =
            all.iter().map(|one| (one.flags(), format!("{:?}", one.keys))).collect();
        assert!(flags.len() >= 200, "{}", flags.len());
        for range in RANGES {
            assert!(all.iter().any(|one| one.range == range));
        }
        for list in LISTS {
            for keys in [Keys::Rsa, Keys::Ecdsa, Keys::Both] {
                assert!(all.iter().any(|one| one.list == list && one.keys == keys), "{list}");
            }
        }
        for groups in GROUPS {
            assert!(all.iter().any(|one| one.groups == groups && one.tickets));
        }
    }

    #[test]
    fn a_line_of_the_list_is_a_suite_with_what_it_needs() {
        let line = "          0xC0,0x2B - ECDHE-ECDSA-AES128-GCM-SHA256  TLSv1.2 Kx=ECDH     \
                    Au=ECDSA Enc=AESGCM(128)            Mac=AEAD";
        let found = listed(line).unwrap();
        assert_eq!((found.code, found.exchange.as_str()), (0xc02b, "ECDH"));
        let newest = "0x13,0x01 - TLS_AES_128_GCM_SHA256 TLSv1.3 Kx=any Au=any Enc=AESGCM(128)";
        assert_eq!(listed(newest), None);
    }
}
