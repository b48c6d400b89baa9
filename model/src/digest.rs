//! SHA-256 over canonical JSON: the identity of evidence, records and rule packs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written `sha256:` and 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
pub struct Digest(String);

impl Digest {
    /// The digest of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))))
    }

    /// The digest of a value's canonical JSON (RFC 8785).
    ///
    /// # Panics
    /// Never for our own types: their maps have string keys and their numbers are finite.
    pub fn of(value: &impl Serialize) -> Self {
        Self::of_bytes(&canonical(value))
    }

    /// All 64 hex digits, without the `sha256:` in front.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The first 16 hex digits, for ids in links.
    pub fn id(&self) -> &str {
        &self.hex()[..16]
    }

    /// The first 12 hex digits, for running text.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }

    /// The digest as it is written, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `sha256:` and 64 lower-case hex digits, found `{0}`")]
pub struct BadDigest(String);

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let valid = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadDigest(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// Canonical JSON (RFC 8785: sorted keys, shortest numbers, no white space) of a value.
///
/// # Panics
/// If the value cannot be JSON at all, which no type of this crate can be.
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    crate::canonical::to_vec(value).expect("our types have string keys and finite numbers")
}

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
