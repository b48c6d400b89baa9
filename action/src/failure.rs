//! How a run ends.

use std::fmt;
use std::process::ExitCode;

/// What the process says with its exit code. Ordered so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The gate passed.
    Passed,
    /// Nothing could be observed.
    Unobserved,
    /// The gate failed.
    Failed,
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Unobserved => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The code of a failure.
pub const USAGE: u8 = 2;

/// Why there is no verdict: what was expected, what was found, and what to do.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// A failure of usage, configuration or checkout.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
