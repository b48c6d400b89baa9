//! Points between a slot and its status at which the process can be told to die, so that tests
//! can look at what is left behind: the program that ships is the one that is killed.

use std::sync::OnceLock;

use clap::ValueEnum;

/// A point on the way of a run, named after what has just happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Point {
    /// One run of a slot exists, others may not.
    RunCreated,
    /// Every run of a slot exists, and the schedule does not say so.
    SlotStarted,
    /// The schedule says that its slot was started.
    SlotReported,
    /// A run has its turn.
    RunAdmitted,
    /// A run that was made by hand belongs to its target.
    RunAdopted,
    /// The store knows the run, and there is no Job.
    RunBegun,
    /// The Job exists, and the run does not say so.
    JobCreated,
    /// The run says that it is at work.
    RunStarted,
    /// A document has come in and is sound.
    EvidenceReceived,
    /// A document is stored, and nobody has the receipt.
    EvidenceStored,
    /// The judgement is made and not stored.
    RunJudged,
    /// The judgement is stored, and nothing in the cluster says so.
    RunFinished,
    /// The first audit of a target is its baseline.
    BaselineSet,
    /// The target says how it stands.
    TargetReported,
    /// The schedule says when it last succeeded.
    ScheduleReported,
    /// The Job has a time to live.
    JobReleased,
    /// The run is over, and no event was published.
    RunReported,
}

static ARMED: OnceLock<Point> = OnceLock::new();

/// Makes the process die when it comes to this point.
pub fn arm(point: Point) {
    ARMED.set(point).ok();
}

/// Says that this point was come to. The process ends here, without unwinding, if it was told to.
pub fn reached(point: Point) {
    if ARMED.get() == Some(&point) {
        std::process::abort();
    }
}
