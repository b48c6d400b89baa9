//! How much a finding weighs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Severity of a rule, lowest first, so that `max` is the worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, no action required.
    Info,
    /// Should be fixed when the place is touched anyway.
    Low,
    /// Must be planned.
    Medium,
    /// Must change before the path carries anything that matters.
    High,
    /// Must change now.
    Critical,
}

impl Severity {
    /// Every severity, worst first: the order of findings in reports.
    pub const WORST_FIRST: [Self; 5] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Points that one open, unwaived finding adds to the sum behind the risk score.
    pub const fn points(self) -> u64 {
        match self {
            Self::Critical => 40,
            Self::High => 20,
            Self::Medium => 8,
            Self::Low => 2,
            Self::Info => 0,
        }
    }

    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
