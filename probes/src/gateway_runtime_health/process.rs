//! How long a process has been running, by when its metrics say that it began.
//!
//! That moment is told by the clock of the gateway. It is held against the `Date` of the same answer,
//! which is told by the same clock; only where there is none, against ours.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use model::evidence::{Item, ProcessAge};

use super::ask::Told;
use super::clock;

/// A clock that was never set says less: 2001-01-01. A process that says so began before its
/// machine knew the time, and how long ago that was cannot be told.
const CLOCK_WAS_SET: i64 = 978_307_200;

/// How far in the future a process may have begun, in seconds: `Date` has whole seconds, and so may
/// have the metrics.
const SLACK: i64 = 2;

/// Whether a process has been running for some minutes, and when it began, if not.
pub fn age(
    started_at: Item<i64>,
    told: &Told,
    minutes: u32,
) -> (Item<ProcessAge>, Item<Option<Timestamp>>) {
    let now = clock::said(told).unwrap_or(told.answered).as_second();
    let judged = started_at.and_then(|started_at| judge(started_at, now, minutes));
    (judged.as_ref().map(|(age, _)| *age), judged.map(|(_, at)| at))
}

fn judge(started_at: i64, now: i64, minutes: u32) -> Item<(ProcessAge, Option<Timestamp>)> {
    if started_at < CLOCK_WAS_SET {
        return Item::error("the process began before its clock was set");
    }
    if started_at > now + SLACK {
        return Item::error("the process says that it begins in the future");
    }
    if now - started_at >= i64::from(minutes) * 60 {
        return Item::observed((ProcessAge::Settled, None));
    }
    // How the moment is computed lets it move by a second between two answers of one process.
    let minute = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc);
    match Timestamp::from_second(started_at).and_then(|at| at.round(minute)) {
        Ok(at) => Item::observed((ProcessAge::Recent, Some(at))),
        Err(_) => Item::error("the process says no time of this era"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_recent_until_it_has_settled() {
        let now = 1_800_000_000;
        let judge = |started_at| judge(started_at, now, 15).value().cloned();
        let age = |started_at| judge(started_at).map(|(age, _)| age);
        assert_eq!(age(now - 15 * 60), Some(ProcessAge::Settled));
        assert_eq!(age(now - 15 * 60 + 1), Some(ProcessAge::Recent));
        assert_eq!(age(now + SLACK), Some(ProcessAge::Recent));
        assert_eq!(age(now + SLACK + 1), None);
        assert_eq!(age(CLOCK_WAS_SET - 1), None);
        // The same minute, as long as it is the same process.
        assert_eq!(judge(now - 61), judge(now - 62));
        assert_ne!(judge(now - 61), judge(now - 601));
        assert_eq!(judge(now - 15 * 60), judge(now - 999_999), "what has settled does not move");
    }
}
