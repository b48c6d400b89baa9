//! What is known about the keys of a program: a table.

use model::evidence::{Guardrail, SecretKind};

use super::program::Words;
use crate::gateway_config_guardrails::judge::HIDDEN;
use crate::gateway_config_guardrails::values;
use crate::gateway_config_guardrails::version::Version;

/// How a value is read, and with it what evidence may show of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A truth value in the program's own words.
    Flag,
    /// A whole number.
    Number,
    /// A number of bytes with a unit.
    Size,
    /// A span of time.
    Duration,
    /// What a listener is bound to: an address, a port, or both.
    Address,
    /// One of the program's own words.
    Word(&'static [&'static str]),
    /// A TLS version, or several with commas between.
    TlsVersions,
    /// The file of a private key.
    KeyFile,
    /// A secret.
    Secret(SecretKind),
    /// Anything else: set or not is all that is told.
    Text,
}

/// A default, with the versions that have it.
#[derive(Debug, Clone, Copy)]
pub struct DefaultIn {
    /// First version that has it.
    pub since: Option<Version>,
    /// First version that has it no more.
    pub until: Option<Version>,
    /// The value as it would be written.
    pub value: &'static str,
}

impl DefaultIn {
    /// True if a version has this default.
    pub fn holds(&self, version: Option<Version>) -> bool {
        version.is_none_or(|version| {
            self.since.is_none_or(|since| version >= since)
                && self.until.is_none_or(|until| version < until)
        })
    }
}

/// The default of every version.
pub const fn always(value: &'static str) -> DefaultIn {
    DefaultIn { since: None, until: None, value }
}

/// The default from a version on.
pub const fn since(major: u32, minor: u32, value: &'static str) -> DefaultIn {
    DefaultIn { since: Some(Version { major, minor, patch: 0 }), until: None, value }
}

/// The default before a version.
pub const fn until(major: u32, minor: u32, value: &'static str) -> DefaultIn {
    DefaultIn { since: None, until: Some(Version { major, minor, patch: 0 }), value }
}

/// One key, or a family of keys.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its path; `*` stands for one step, `**` at the end for any number of them, none included.
    pub path: &'static str,
    /// How its value is read.
    pub kind: Kind,
    /// What hangs on it: these guardrails are open where its value cannot be told.
    pub guardrails: &'static [Guardrail],
    /// What holds where it is absent.
    pub defaults: &'static [DefaultIn],
}

/// A key on which nothing hangs, and whose default does not matter.
pub const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, guardrails: &[], defaults: &[] }
}

impl Key {
    /// The key with the guardrails that hang on it.
    pub const fn on(mut self, guardrails: &'static [Guardrail]) -> Self {
        self.guardrails = guardrails;
        self
    }

    /// The key with its defaults.
    pub const fn or(mut self, defaults: &'static [DefaultIn]) -> Self {
        self.defaults = defaults;
        self
    }

    /// True if this is the key of a path.
    pub fn names(&self, path: &[String]) -> bool {
        let mut steps = path.iter();
        for pattern in self.path.split('.') {
            if pattern == "**" {
                return true;
            }
            match steps.next() {
                Some(step) if pattern == "*" || pattern == step => {}
                _ => return false,
            }
        }
        steps.next().is_none()
    }
}

impl Kind {
    /// What evidence shows of a value of this kind: a number, an address, or a word that we know.
    pub fn shown(self, text: &str, words: Words) -> String {
        let told = match self {
            Self::Flag => words.read(text).map(|value| value.to_string()),
            Self::Number => values::integer(text).map(|number| number.to_string()),
            Self::Size => values::size(text).map(|_| text.trim().to_owned()),
            Self::Duration => values::duration(text).map(|_| text.trim().to_owned()),
            Self::Address => Some(address(text)),
            Self::Word(known) => known.iter().find(|word| **word == text).map(|w| (*w).to_owned()),
            Self::TlsVersions => versions(text).map(|versions| versions.join(", ")),
            Self::KeyFile | Self::Secret(_) | Self::Text => None,
        };
        told.unwrap_or_else(|| HIDDEN.to_owned())
    }
}

/// The TLS versions that a list names; none if it names anything else.
pub fn versions(text: &str) -> Option<Vec<&'static str>> {
    text.split(',').map(|version| values::tls_version(version.trim())).collect()
}

/// An address with its port, as far as both are no more than that.
fn address(text: &str) -> String {
    let text = text.trim();
    if !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("port {text}");
    }
    match text.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            match host {
                "" => format!("port {port}"),
                host => format!("port {port} on {}", values::shown_address(host)),
            }
        }
        _ => values::shown_address(text),
    }
}
