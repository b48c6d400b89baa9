//! What is to be done about the issues of a repository: pure, and the same in a preview and in earnest.
//!
//! A finding has one issue. It opens when the control is seen to fail, closes when it is seen to
//! pass, and opens again when it fails again. What could not be observed, or was not run, changes
//! nothing; nor does what is older than what the issue already says. Whoever closes an issue by
//! hand is respected: once, a failure that was closed as done is shown again with its evidence.
//!
//! Issues remember what they are about in their markers. What no issue remembers the caller keeps
//! from one run to the next: [`plan::Plan::adopted`], [`brake::evaluated`] and
//! [`unobserved::Sight::since`].

pub mod adopt;
pub mod brake;
pub mod decide;
pub mod footer;
pub mod marker;
pub mod observe;
pub mod plan;
pub mod recover;
pub mod unobserved;
pub mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{Digest, FindingId, IssueKey, Severity, Subject, TargetKey};
use serde::Serialize;

pub use marker::{Left, Marker, TargetMarker};

/// What a run says of one control.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Identity of the finding that the control raises.
    pub id: FindingId,
    /// What it was under earlier names of its rule.
    pub earlier: Vec<Earlier>,
    /// The target.
    pub target: TargetKey,
    /// The rule.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// What was seen.
    pub seen: Seen,
}

impl Observation {
    /// Every name that its rule has or had.
    pub fn names(&self) -> impl Iterator<Item = &IssueKey> {
        std::iter::once(&self.rule).chain(self.earlier.iter().map(|earlier| &earlier.rule))
    }

    /// Every identity that it has or had.
    pub fn ids(&self) -> impl Iterator<Item = &FindingId> {
        std::iter::once(&self.id).chain(self.earlier.iter().map(|earlier| &earlier.id))
    }
}

/// A finding under an earlier name of its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The name.
    pub rule: IssueKey,
    /// Identity of the finding under it.
    pub id: FindingId,
}

/// What was seen of a control.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It fails.
    Fail(Failing),
    /// It passes, by this evidence.
    Pass {
        /// Address of the evidence.
        evidence: Digest,
    },
    /// It should have been observed and could not be.
    Unknown,
    /// It was not looked at.
    NotRun,
    /// It fails, and an exception accepts that.
    Waived {
        /// Name of the exception.
        by: String,
        /// When the exception ends.
        until: Timestamp,
    },
    /// The pack says that its rule is retired. A rule that is merely absent is [`Seen::NotRun`].
    Retired,
}

impl Seen {
    /// True if it rests on observed evidence.
    pub const fn is_conclusive(&self) -> bool {
        matches!(self, Self::Fail(_) | Self::Pass { .. } | Self::Waived { .. })
    }
}

/// A failure as an issue shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// Severity, the target's override applied.
    pub severity: Severity,
    /// Address of the evidence.
    pub evidence: Digest,
    /// Title of the issue.
    pub title: String,
    /// Body of the issue, without its marker. Nothing in it changes while the evidence does not.
    pub body: String,
}

/// Why an issue is closed, as GitHub has it (`state_reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Done.
    Completed,
    /// Not going to be done.
    NotPlanned,
    /// There is another one.
    Duplicate,
}

/// The state of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Open.
    Open,
    /// Closed; GitHub does not say why of old ones.
    Closed(Option<Reason>),
}

/// An issue as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its state.
    pub state: State,
    /// Its title.
    pub title: String,
    /// Its body, with the marker.
    pub body: String,
    /// Names of its labels.
    pub labels: BTreeSet<String>,
    /// Login of who opened it. A marker in somebody else's issue is not ours.
    pub author: String,
}

/// A label of an issue whose finding was resolved and came again.
pub const REGRESSED: &str = "regressed";
/// A label of an issue whose finding an exception accepts.
pub const WAIVED: &str = "waived";
/// A label of an issue whose rule was taken out of its pack.
pub const RETIRED: &str = "retired-rule";

/// One request that changes an issue, and a comment beside it where people must hear of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Update {
    /// The issue.
    pub number: u64,
    /// The finding.
    pub id: FindingId,
    /// Why.
    pub why: Why,
    /// Another title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Another body, with its marker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Another state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// A label that is added; the others stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<&'static str>,
    /// What people are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Why something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Seen to fail for the first time.
    New,
    /// Still failing, and the evidence or the words differ.
    Changed,
    /// Seen to pass, and not often enough yet.
    Passing,
    /// Seen to pass.
    Resolved,
    /// Failing again.
    Regressed,
    /// An exception accepts it.
    Waived,
    /// The exception that accepted it has ended.
    WaiverEnded,
    /// Closed by somebody as done, and still failing.
    StillFailing,
    /// Its rule was taken out of the pack.
    Retired,
    /// Its rule has another name now.
    Renamed,
    /// Its marker was lost, and is put back.
    Recovered,
    /// There is another issue of the same finding, or target.
    Duplicate,
    /// A pull request brought it, and it is on the default branch now: merged, or failing there too.
    Merged,
    /// The pull request that brought it was closed.
    Withdrawn,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests;
