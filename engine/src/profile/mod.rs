//! TLS profiles as data: what a published guideline allows an endpoint, with the clauses that say so.
//!
//! A pack holds them beside its rules, in `profiles/`. Which one counts is declared by the target and
//! recorded in the evidence under [`POINTER`]; rules ask with the variable `profile` and the function
//! `standing`.

mod file;
mod glob;
mod lint;
mod names;
mod page;

use std::fmt;
use std::sync::Arc;

use model::assessment::StandardRef;
use model::evidence::{Item, Items};
use serde::Deserialize;
use serde_json::Value;

pub use file::{
    CertificateKeys, CertificateLifetime, CertificateSignatures, KeySizes, Listed, MinimumBits,
    Profile, Unlisted, Versions,
};
pub use lint::lint;
pub use page::{index, page};

/// Where evidence says which profile its target is held to.
pub const POINTER: &str = "/policy/profile";

/// Folder of a pack that holds its profiles.
pub const FOLDER: &str = "profiles/";

/// A part of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Protocol versions.
    Versions,
    /// Cipher suites by version.
    Suites,
    /// Key exchange groups by version.
    Groups,
    /// Signature schemes of the handshake by version.
    Signatures,
    /// Size of finite-field Diffie-Hellman.
    Dh,
    /// Kind and size of the server's key.
    CertificateKey,
    /// Signature on the server's certificate.
    CertificateSignature,
    /// Lifetime of the server's certificate.
    CertificateLifetime,
}

impl Part {
    /// Every part, in the order of a page.
    pub const ALL: [Self; 8] = [
        Self::Versions,
        Self::Suites,
        Self::Groups,
        Self::Signatures,
        Self::Dh,
        Self::CertificateKey,
        Self::CertificateSignature,
        Self::CertificateLifetime,
    ];

    /// The word of rule files and expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Suites => "suites",
            Self::Groups => "groups",
            Self::Signatures => "signatures",
            Self::Dh => "dh",
            Self::CertificateKey => "certificate_key",
            Self::CertificateSignature => "certificate_signature",
            Self::CertificateLifetime => "certificate_lifetime",
        }
    }

    /// The part of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }

    /// True of the parts that list names by version.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Suites | Self::Groups | Self::Signatures)
    }
}

/// What a profile says about one name in one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is on the list, or nothing is against it.
    Allowed,
    /// It is off a list that is closed, or ruled out by name.
    Forbidden,
    /// It is off a list that recommends and does not forbid.
    NotRecommended,
    /// The version itself is not allowed, which is said once and elsewhere.
    OtherVersion,
}

impl Standing {
    /// The word that `standing` gives in expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Forbidden => "forbidden",
            Self::NotRecommended => "not_recommended",
            Self::OtherVersion => "other_version",
        }
    }
}

impl Profile {
    /// Whether it says anything about that part.
    pub fn states(&self, part: Part) -> bool {
        self.clauses(part).is_some()
    }

    /// The clauses that a part rests on; none if the profile is silent about it.
    pub fn clauses(&self, part: Part) -> Option<&[StandardRef]> {
        match part {
            Part::Versions => Some(&self.versions.clauses),
            Part::Suites | Part::Groups | Part::Signatures => {
                self.listed(part).map(|listed| &*listed.clauses)
            }
            Part::Dh => self.dh.as_ref().map(|dh| &*dh.clauses),
            Part::CertificateKey => self.certificate_key.as_ref().map(|keys| &*keys.clauses),
            Part::CertificateSignature => {
                self.certificate_signature.as_ref().map(|signatures| &*signatures.clauses)
            }
            Part::CertificateLifetime => {
                self.certificate_lifetime.as_ref().map(|lifetime| &*lifetime.clauses)
            }
        }
    }

    /// The list of a part; none for a part without one, and where the profile is silent.
    pub const fn listed(&self, part: Part) -> Option<&Listed> {
        match part {
            Part::Suites => self.suites.as_ref(),
            Part::Groups => self.groups.as_ref(),
            Part::Signatures => self.signatures.as_ref(),
            _ => None,
        }
    }

    /// What it says about a name in a version; none where it is silent about the part.
    pub fn standing(&self, part: Part, version: &str, name: &str) -> Option<Standing> {
        let listed = self.listed(part)?;
        if !self.versions.allowed.iter().any(|allowed| allowed == version) {
            return Some(Standing::OtherVersion);
        }
        if glob::any(&listed.forbidden, name) {
            return Some(Standing::Forbidden);
        }
        let lists = [version, file::EVERY].map(|key| listed.allowed.get(key));
        if lists.into_iter().flatten().any(|list| glob::any(list, name)) {
            return Some(Standing::Allowed);
        }
        Some(match listed.unlisted {
            Unlisted::Forbidden => Standing::Forbidden,
            Unlisted::NotRecommended => Standing::NotRecommended,
            Unlisted::Allowed => Standing::Allowed,
        })
    }
}

/// The profiles of all packs of a run.
#[derive(Default)]
pub struct Profiles(Vec<Arc<Profile>>);

/// By id: every rule of a set holds them all.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|profile| &profile.id)).finish()
    }
}

impl Profiles {
    /// The same in order of id.
    pub fn new(mut list: Vec<Profile>) -> Self {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        Self(list.into_iter().map(Arc::new).collect())
    }

    /// No profile at all.
    pub fn none() -> &'static Self {
        static NONE: Profiles = Profiles(Vec::new());
        &NONE
    }

    /// In order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.0.iter().map(|profile| &**profile)
    }

    /// The one of that id, or that the word stands for.
    pub fn find(&self, word: &str) -> Option<&Arc<Profile>> {
        self.0.iter().find(|profile| profile.words().any(|own| own == word))
    }

    /// The one that evidence names.
    pub fn named_by<'a>(&'a self, items: &'a Items) -> Named<'a> {
        match items.get(POINTER) {
            None | Some(Item::NotAttempted { .. } | Item::Observed { value: Value::Null }) => {
                Named::None
            }
            Some(Item::Observed { value: Value::String(word) }) => {
                self.find(word).map_or(Named::Unknown(word), Named::Held)
            }
            Some(item) => Named::Unclear(
                item.reason()
                    .unwrap_or("the evidence names its profile by something else than text"),
            ),
        }
    }
}

/// The profile that evidence names, as far as a run has it.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// The target declares none.
    None,
    /// The evidence does not say, for this reason.
    Unclear(&'a str),
    /// The evidence names this one, and no pack has it.
    Unknown(&'a str),
    /// This one.
    Held(&'a Arc<Profile>),
}

/// Clauses as one line: what is the same as before is not repeated.
struct Cited<'a>(&'a [StandardRef]);

impl fmt::Display for Cited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last: Option<&StandardRef> = None;
        for clause in self.0 {
            let separator = if last.is_some() { "; " } else { "" };
            let same = last.is_some_and(|last| {
                (&last.framework, &last.edition) == (&clause.framework, &clause.edition)
            });
            if same {
                write!(f, "{separator}{}", clause.clause)?;
            } else {
                let StandardRef { framework, edition, clause, .. } = clause;
                write!(f, "{separator}{framework} {edition}, {clause}")?;
            }
            last = Some(clause);
        }
        Ok(())
    }
}
