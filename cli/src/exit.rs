//! How a command ends.

use std::fmt;
use std::process::ExitCode;

/// What a process says with its exit code. Ordered so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The gate passed, or the command did what it was asked.
    Passed = 0,
    /// A selected control could not be observed.
    Incomplete = 3,
    /// The gate failed.
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Something is not what its digest says.
    Integrity = 4,
    /// The other side refused, and another try would not change that.
    Refused = 42,
    /// Somebody stopped it.
    Interrupted = 130,
}

impl Exit {
    /// The worse of two; several targets give the worst of their codes.
    pub fn worst(self, other: Self) -> Self {
        self.rank().max(other.rank()).1
    }

    /// By urgency, which is not the order of the numbers.
    const fn rank(self) -> (u8, Self) {
        let urgency = match self {
            Self::Passed => 0,
            Self::Incomplete => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Integrity => 4,
            Self::Refused => 5,
            Self::Interrupted => 6,
        };
        (urgency, self)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// The code to end with.
    pub exit: Exit,
    /// What was expected, what was found, where, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// A failure of integrity.
    pub fn integrity(message: impl Into<String>) -> Self {
        Self { exit: Exit::Integrity, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How a command ends.
pub type Outcome = Result<Exit, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_targets_counts() {
        assert_eq!(Exit::Passed.worst(Exit::Incomplete), Exit::Incomplete);
        assert_eq!(Exit::Failed.worst(Exit::Incomplete), Exit::Failed);
        assert_eq!(Exit::Incomplete.worst(Exit::Failed), Exit::Failed);
        assert_eq!(Exit::Failed.worst(Exit::Integrity), Exit::Integrity);
    }
}
