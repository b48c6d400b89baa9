//! Names that stay: targets, subjects, issue keys, runs, and the identity of a finding.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{CheckId, UnknownCheck};
use crate::digest::Digest;

/// Version of the tuple that a finding's identity is the digest of.
const IDENTITY_VERSION: u32 = 1;

/// The declared name of a target, behind its namespace where one is declared. A name, never an
/// address: the path may move, the key stays.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TargetKey(pub String);

impl TargetKey {
    /// The key as one segment of a path.
    pub fn file_name(&self) -> String {
        self.0.replace('/', ".")
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of a target that one evidence document speaks about, as `kind/name`:
/// `endpoint/ingest`, `config/gateway-main`, `certificates/fleet`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Subject(pub String);

impl Subject {
    /// A declared endpoint.
    pub fn endpoint(name: &str) -> Self {
        Self(format!("endpoint/{name}"))
    }

    /// A declared configuration file.
    pub fn config(name: &str) -> Self {
        Self(format!("config/{name}"))
    }

    /// A declared set of device certificates.
    pub fn certificates(name: &str) -> Self {
        Self(format!("certificates/{name}"))
    }

    /// The whole target: used where a check has no inputs on it.
    pub fn target() -> Self {
        Self("target".to_owned())
    }

    /// The name behind the kind, as the document declares it.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The kind in front of the name: `endpoint`, `config`, `certificates` or `target`.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(kind, _)| kind)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a rule and of the issue it raises: `<check>.<name>`. Never renamed, never reused.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9_]+\\.[a-z0-9_]+$"))]
pub struct IssueKey {
    text: String,
    check: CheckId,
}

impl IssueKey {
    /// The check that the rule belongs to.
    pub const fn check(&self) -> CheckId {
        self.check
    }

    /// The part behind the dot.
    pub fn name(&self) -> &str {
        &self.text[self.check.as_str().len() + 1..]
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for IssueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text is no issue key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadIssueKey {
    /// There is no dot, or the name behind it has other characters than `a-z`, `0-9` and `_`.
    #[error("expected `<check>.<name>` in lower case with `_`, found `{0}`")]
    Shape(String),
    /// The part before the dot is no check.
    #[error(transparent)]
    Check(#[from] UnknownCheck),
}

impl FromStr for IssueKey {
    type Err = BadIssueKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || BadIssueKey::Shape(text.chars().take(120).collect());
        let (check, name) = text.split_once('.').ok_or_else(shape)?;
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(shape());
        }
        Ok(Self { text: text.to_owned(), check: check.parse()? })
    }
}

impl TryFrom<String> for IssueKey {
    type Error = BadIssueKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IssueKey> for String {
    fn from(key: IssueKey) -> Self {
        key.text
    }
}

/// The identity of a finding: 16 hex digits of the digest over target, rule and subject.
///
/// Severity, rule version, message, evidence and host names stay out of it, so that it survives
/// everything but the finding itself.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct FindingId(pub String);

impl FindingId {
    /// The identity of what `rule` says about `subject` of `target`.
    pub fn new(target: &TargetKey, rule: &IssueKey, subject: &Subject) -> Self {
        #[derive(Serialize)]
        struct Identity<'a> {
            schema_version: u32,
            target: &'a TargetKey,
            rule: &'a IssueKey,
            subject: &'a Subject,
        }
        let digest =
            Digest::of(&Identity { schema_version: IDENTITY_VERSION, target, rule, subject });
        Self(digest.id().to_owned())
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a run, `YYYYMMDD-HHMMSS-xxxxxxxx`: sortable, and unique through eight hex digits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RunId(pub String);

impl RunId {
    /// The name of a run that started at `at`, told apart from others of that second by `salt`.
    pub fn new(at: jiff::Timestamp, salt: u32) -> Self {
        Self(format!("{}-{salt:08x}", at.strftime("%Y%m%d-%H%M%S")))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
