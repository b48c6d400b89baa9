//! The two calls that stand on top of every report.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The colour of a domain, a hop or a whole run; decided by gate, never by score.
// Ordered so that `max` is the worst, with `unknown` between green and amber: it never hides
// red or amber, and it is never green.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Posture {
    /// Every mandatory control was observed, and no critical, high or medium finding is open.
    Green,
    /// Nothing was evaluated.
    Unknown,
    /// An open medium, an inconclusive mandatory control, or a waived critical or high.
    Amber,
    /// An open critical or high.
    Red,
}

impl Posture {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Unknown => "unknown",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verdict on a whole run: PASS, FAIL or INCOMPLETE.
// Ordered so that `max` is the worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// No open critical, high or medium, no mandatory control inconclusive, something evaluated.
    Pass,
    /// Not a fail, and yet not everything that had to be observed was.
    Incomplete,
    /// An open critical, high or medium.
    Fail,
}

impl Status {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Incomplete => "INCOMPLETE",
            Self::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
