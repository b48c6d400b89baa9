//! Certificates that no one server would present: within a version and under one name, one kind of
//! key has one certificate.

use std::collections::{BTreeMap, BTreeSet};

use model::digest::hex;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::super::hello::Hello;
use super::super::interview::Interview;
use super::Full;
use crate::tls::names::{self, TLS13};
use crate::tls::suites::{self, Exchange};

/// What a server goes by when it chooses a certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Occasion {
    version: u16,
    /// Whether the key signs the key exchange; else it decrypts it.
    signs: bool,
    /// Algorithms of the key, with its curve, and of the signature over the certificate.
    kind: (String, Vec<u8>, String),
}

/// Every occasion on which more than one certificate was presented, in words.
pub(super) fn unlike(interview: &Interview, full: &Full) -> Vec<String> {
    let clear = interview.hellos().chain(full.hellos()).filter_map(in_clear);
    let encrypted = full.encrypted().filter_map(|leaf| Some((occasion(TLS13, true, leaf)?, leaf)));
    let mut seen: BTreeMap<Occasion, BTreeSet<&Vec<u8>>> = BTreeMap::new();
    for (occasion, leaf) in clear.chain(encrypted) {
        seen.entry(occasion).or_default().insert(leaf);
    }
    let unlike = seen.into_iter().filter(|(_, leaves)| leaves.len() > 1);
    let words: BTreeSet<String> =
        unlike.map(|(occasion, leaves)| words(occasion.version, &leaves)).collect();
    words.into_iter().collect()
}

/// A certificate that came in clear, and on what occasion.
fn in_clear(hello: &Hello) -> Option<(Occasion, &Vec<u8>)> {
    let flight = hello.accepted()?;
    let leaf = flight.chain.first()?;
    let suite = suites::suite(flight.suite)?;
    let signs = !matches!(suite.exchange(), Exchange::Other);
    Some((occasion(flight.version, signs, leaf)?, leaf))
}

fn occasion(version: u16, signs: bool, leaf: &[u8]) -> Option<Occasion> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let algorithm = &certificate.public_key().algorithm;
    let curve = algorithm.parameters.as_ref().map(|any| any.data.to_vec()).unwrap_or_default();
    let kind = (
        algorithm.algorithm.to_id_string(),
        curve,
        certificate.signature_algorithm.algorithm.to_id_string(),
    );
    Some(Occasion { version, signs, kind })
}

fn words(version: u16, leaves: &BTreeSet<&Vec<u8>>) -> String {
    /// Enough of a digest to tell certificates apart.
    const SHOWN: usize = 16;
    let mut digests: Vec<String> = leaves.iter().map(|leaf| hex(&Sha256::digest(leaf))).collect();
    digests.sort_unstable();
    let digests: Vec<&str> = digests.iter().map(|digest| &digest[..SHOWN]).collect();
    format!(
        "{}: certificates of one kind, by SHA-256: {}",
        names::version(version),
        digests.join(", ")
    )
}
