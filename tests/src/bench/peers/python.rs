//! Servers of Python, which have the versions that nobody else has (see `tests/tls_servers`).

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use probes::tls::names::SSL2;
use serde_json::{Value, json};

use super::programs::Place;
use super::seen::{Seen, suite};
use super::told::Told;
use crate::tls_servers::Library;

fn list(words: &str) -> Vec<&str> {
    words.split(',').filter(|word| !word.is_empty()).collect()
}

/// A server of tlslite, which writes what it comes to by its own tables. The words are versions, ciphers,
/// message authentication and key exchanges.
pub(super) fn tlslite(words: &[&str], place: Place<'_>) -> anyhow::Result<Command> {
    let [versions, ciphers, macs, exchanges] = words else {
        anyhow::bail!("four words, not {words:?}")
    };
    let told = json!({
        "versions": list(versions),
        "ciphers": list(ciphers),
        "macs": list(macs),
        "exchanges": list(exchanges),
        "curves": ["x25519", "secp256r1"],
        "told": place.folder.join("told"),
    });
    command(Library::Tlslite, told, place)
}

/// A server of Scapy. The words are kinds of cipher of SSL 2.0, versions and suites.
pub(super) fn scapy(words: &[&str], place: Place<'_>) -> anyhow::Result<Command> {
    let [kinds, versions, suites] = words else { anyhow::bail!("three words, not {words:?}") };
    let ssl2: &[&str] = if kinds.is_empty() { &[] } else { &["SSLv2"] };
    let told = json!({
        "versions": ([ssl2, &list(versions)].concat()),
        "kinds": list(kinds),
        "suites": list(suites),
        "declines": "alert",
    });
    command(Library::Scapy, told, place)
}

/// What a server of Scapy comes to beside SSL 2.0: it takes what it is told.
pub(super) fn scapy_told(words: &[&str]) -> anyhow::Result<Told> {
    let lines = |kind: &str, names: &str| -> String {
        list(names).iter().map(|name| format!("{kind} {name}\n")).collect()
    };
    Told::read(&(lines("version", words[1]) + &lines("suite", words[2])))
}

/// The same with the kinds of cipher of SSL 2.0.
pub(super) fn with_kinds(mut seen: Seen, words: &[&str]) -> anyhow::Result<Seen> {
    for name in list(words[0]) {
        seen.suites.insert((SSL2, suite(name).with_context(|| format!("kind `{name}`"))?));
    }
    Ok(seen)
}

fn command(
    library: Library,
    told: Value,
    Place { port, files, folder }: Place<'_>,
) -> anyhow::Result<Command> {
    // Certificate and key in one file, and Scapy wants them in two.
    let pem = fs::read_to_string(&files[0])?;
    let at = pem.find("-----BEGIN PRIVATE KEY").context("no key behind the certificate")?;
    library.command(folder, port, [&pem[..at], &pem[at..]], told)
}
