//! The shape of a profile file, and what expressions see of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::assessment::StandardRef;
use model::evidence::KeyAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Cited, Part};

/// Key of a list that holds in every allowed version.
pub(super) const EVERY: &str = "every";

/// A profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Id, with the edition in it. What an id stands for changes only to correct it.
    pub id: String,
    /// One line.
    pub title: String,
    /// The guideline, as rules cite it.
    pub framework: String,
    /// Its edition, as rules cite it.
    pub edition: String,
    /// Further words of `trust.profile` that stand for it.
    #[serde(default)]
    pub names: Vec<String>,
    /// What a reader should know of it as a whole.
    #[serde(default)]
    pub note: String,
    /// Protocol versions.
    pub versions: Versions,
    /// Cipher suites.
    #[serde(default)]
    pub suites: Option<Listed>,
    /// Key exchange groups.
    #[serde(default)]
    pub groups: Option<Listed>,
    /// Signature schemes of the handshake.
    #[serde(default)]
    pub signatures: Option<Listed>,
    /// Finite-field Diffie-Hellman.
    #[serde(default)]
    pub dh: Option<MinimumBits>,
    /// Keys of the server's certificate.
    #[serde(default)]
    pub certificate_key: Option<CertificateKeys>,
    /// Signatures on the server's certificate.
    #[serde(default)]
    pub certificate_signature: Option<CertificateSignatures>,
    /// Lifetime of the server's certificate.
    #[serde(default)]
    pub certificate_lifetime: Option<CertificateLifetime>,
    /// Where it can be read.
    #[serde(default)]
    pub references: Vec<String>,
    /// The pack that it comes from.
    #[serde(skip)]
    pub pack: String,
    /// The file that it comes from, for messages.
    #[serde(skip)]
    pub file: String,
    /// What [`Profile::view`] gives.
    #[serde(skip)]
    view: Value,
}

/// Versions of a profile, by their words: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// What may be accepted.
    pub allowed: Vec<String>,
    /// What must be accepted.
    #[serde(default)]
    pub required: Vec<String>,
}

/// What a name that is on no list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// The list is closed.
    Forbidden,
    /// The list recommends: what is absent is not insecure.
    NotRecommended,
    /// Only what is ruled out by name counts.
    Allowed,
}

/// Names by version. A name may hold `*` for any run of characters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// What a name that is on no list is.
    pub unlisted: Unlisted,
    /// What is allowed, by version; `every` for every version.
    #[serde(default)]
    pub allowed: BTreeMap<String, Vec<String>>,
    /// What is ruled out by name, in every version.
    #[serde(default)]
    pub forbidden: Vec<String>,
}

/// Least size.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumBits {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// Least length of the prime, in bits.
    pub min_bits: u32,
}

/// Kinds and sizes of keys; what is none of them is not allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateKeys {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// Each kind, once.
    pub allowed: Vec<KeySizes>,
}

/// One kind of key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySizes {
    /// The kind.
    pub algorithm: KeyAlgorithm,
    /// Least size, in bits as [`KeyAlgorithm`] counts them.
    pub min_bits: u32,
    /// The only sizes that are allowed; any where it is empty.
    #[serde(default)]
    pub bits: Vec<u32>,
}

/// Signatures on certificates; what is none of them is not allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSignatures {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// Algorithms by their usual name, for example `ecdsa-with-SHA256`.
    pub allowed: Vec<String>,
}

/// Lifetime of a certificate, in whole days.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateLifetime {
    /// Where it is said.
    pub clauses: Vec<StandardRef>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// Most days.
    pub max_days: u32,
    /// Days that are advised; shown, and not judged.
    #[serde(default)]
    pub recommended_days: Option<u32>,
}

impl Profile {
    /// The profile as a pack has it: what was parsed, with where it stands.
    pub(crate) fn placed(mut self, pack: &str, file: &str) -> Self {
        pack.clone_into(&mut self.pack);
        file.clone_into(&mut self.file);
        self.view = self.as_seen();
        self
    }

    /// The words of `trust.profile` that stand for it: its id and its names.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.id).chain(&self.names).map(String::as_str)
    }

    /// What expressions see as `profile`: the file, and in each part its clauses as a line of text
    /// under `clause`.
    pub const fn view(&self) -> &Value {
        &self.view
    }

    fn as_seen(&self) -> Value {
        let mut view = serde_json::to_value(self).unwrap_or_default();
        for part in Part::ALL {
            let Some(clauses) = self.clauses(part) else { continue };
            let seen = &mut view[part.as_str()];
            seen["clause"] = json!(Cited(clauses).to_string());
            if let (Part::CertificateKey, Some(keys)) = (part, &self.certificate_key) {
                let words: Vec<_> = keys.allowed.iter().map(KeySizes::words).collect();
                seen["words"] = json!(words);
            }
        }
        view
    }

    /// What a reader should know of a part.
    pub fn note(&self, part: Part) -> &str {
        match part {
            Part::Versions => &self.versions.note,
            Part::Suites | Part::Groups | Part::Signatures => {
                self.listed(part).map_or("", |listed| &listed.note)
            }
            Part::Dh => self.dh.as_ref().map_or("", |dh| &dh.note),
            Part::CertificateKey => self.certificate_key.as_ref().map_or("", |keys| &keys.note),
            Part::CertificateSignature => {
                self.certificate_signature.as_ref().map_or("", |signatures| &signatures.note)
            }
            Part::CertificateLifetime => {
                self.certificate_lifetime.as_ref().map_or("", |lifetime| &lifetime.note)
            }
        }
    }
}

impl KeySizes {
    /// For sentences: `rsa with 2048 bits or more`, `ec with 256 or 384 bits`.
    pub(super) fn words(&self) -> String {
        let algorithm = serde_json::to_value(self.algorithm).unwrap_or_default();
        let mut words = algorithm.as_str().unwrap_or_default().to_owned();
        let sizes: Vec<_> = self.bits.iter().map(ToString::to_string).collect();
        let written = if sizes.is_empty() {
            write!(words, " with {} bits or more", self.min_bits)
        } else {
            write!(words, " with {} bits", sizes.join(" or "))
        };
        written.expect("writing to a string cannot fail");
        words
    }
}
