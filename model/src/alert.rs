//! What somebody must hear of without opening a report.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::key::{IssueKey, Subject, TargetKey};
use crate::severity::Severity;

/// One alert. Its key never holds text or time, so the same state gives the same alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Alert {
    /// A control that held and does not hold any more.
    Regression(RegressionAlert),
    /// A certificate that ends soon, has ended, or ends before anybody looks again.
    CertificateExpiry(CertificateAlert),
}

/// A critical or high control that went from pass to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegressionAlert {
    /// The target.
    pub target: TargetKey,
    /// The control.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// Severity in this run.
    pub severity: Severity,
    /// Title of the finding.
    pub title: String,
    /// Evidence of the run in which it held.
    pub before: Option<Digest>,
    /// Evidence of this run.
    pub after: Option<Digest>,
}

/// A certificate and the days that it has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateAlert {
    /// The target.
    pub target: TargetKey,
    /// Where it was seen.
    pub subject: Subject,
    /// Digest over its SubjectPublicKeyInfo: the alert's key together with the target.
    pub spki: Digest,
    /// Subject of the certificate: hostile text.
    pub certificate: String,
    /// Issuer of the certificate: hostile text.
    pub issuer: String,
    /// End of validity.
    pub not_after: Timestamp,
    /// Whole days left when the run was judged; negative once it has ended.
    pub days_left: i64,
    /// How urgent.
    pub state: ExpiryState,
    /// The next scheduled run, where it comes after the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Timestamp>,
    /// Certificates of the same cohort that this alert stands for.
    pub count: u64,
    /// Evidence.
    pub evidence: Digest,
}

/// How urgent an expiry is, most urgent first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryState {
    /// The end has passed.
    Expired,
    /// At most 7 days are left.
    Critical,
    /// It ends before the next scheduled run.
    BeforeNextRun,
    /// At most 30 days are left.
    Warning,
}
