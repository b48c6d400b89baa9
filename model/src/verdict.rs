//! The verdict on one control.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one rule says of one subject. There is no way to `Pass` but through observed evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Observed, and as it should be.
    Pass,
    /// Observed, and not as it should be.
    Fail,
    /// Should have been observed and could not be.
    Inconclusive {
        /// Which pointer is missing and why, in one sentence.
        reason: String,
    },
    /// The rule does not speak about this subject.
    NotApplicable {
        /// Why not, in one sentence.
        reason: String,
    },
    /// Selected, but no evidence ever arrived.
    NotRun {
        /// Why not, in one sentence.
        reason: String,
    },
}

impl Verdict {
    /// The word as it is written everywhere.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive { .. } => "inconclusive",
            Self::NotApplicable { .. } => "not_applicable",
            Self::NotRun { .. } => "not_run",
        }
    }

    /// True for the two verdicts that rest on observed evidence.
    pub const fn is_conclusive(&self) -> bool {
        matches!(self, Self::Pass | Self::Fail)
    }

    /// The sentence that explains a verdict without observation; none for pass and fail.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Pass | Self::Fail => None,
            Self::Inconclusive { reason }
            | Self::NotApplicable { reason }
            | Self::NotRun { reason } => Some(reason),
        }
    }
}
