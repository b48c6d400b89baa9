//! `AuditException`: findings that are accepted for a while, by somebody, for a reason.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{LabelSelector, Metadata, limits};
use crate::key::IssueKey;

/// Findings that are accepted for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditException {
    /// `plumbline.dev/v1alpha1`.
    pub api_version: String,
    /// Name and labels.
    pub metadata: Metadata,
    /// The exception.
    pub spec: AuditExceptionSpec,
}

/// The exception. It never changes a verdict: the control still fails, and says by what it is
/// waived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditExceptionSpec {
    /// The rules whose findings are accepted.
    #[schemars(length(min = 1))]
    pub issue_keys: Vec<IssueKey>,
    /// The targets; every target where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_selector: Option<LabelSelector>,
    /// Subjects, as `kind/name`; every subject where it is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = limits::SUBJECT)))]
    pub subjects: Vec<String>,
    /// Why this is acceptable.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who accepted it.
    #[schemars(length(min = 1))]
    pub approved_by: String,
    /// When it ends; no exception is for ever.
    #[serde(deserialize_with = "time")]
    pub expires_at: Timestamp,
    /// What the exception means for the backlog.
    #[serde(default)]
    pub action: ExceptionAction,
    /// Ends early when the finding's evidence changes.
    #[serde(default)]
    pub expire_on_change: bool,
    /// The evidence digest that was accepted, for `expireOnChange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<crate::digest::Digest>,
}

/// What an exception means for the backlog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExceptionAction {
    /// The risk is taken; the finding stays listed.
    #[default]
    Accept,
    /// The finding is left out of issues.
    Ignore,
}

/// A time, with an example in the error.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "expected a time with its offset, such as 2030-12-31T00:00:00Z, found `{}`",
            text.chars().take(80).collect::<String>()
        ))
    })
}
