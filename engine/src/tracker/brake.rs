//! What is not closed, because more often than not something is wrong with the run.

use std::collections::{BTreeMap, BTreeSet};

use model::TargetKey;

use super::plan::Limits;
use super::{Observation, Update, Why};

/// So many closed at once are looked at: fewer are an ordinary day's work.
const BULK: usize = 5;

/// Controls of each target that a run evaluated: what the caller keeps as
/// [`Limits::evaluated_before`] for the run after it.
pub fn evaluated(observations: &[Observation]) -> BTreeMap<TargetKey, u32> {
    let mut evaluated = BTreeMap::new();
    for observation in observations.iter().filter(|o| o.seen.is_conclusive()) {
        *evaluated.entry(observation.target.clone()).or_insert(0) += 1;
    }
    evaluated
}

/// Issues that stay open although they pass: all, if most of what is open would be closed, and
/// those of a target of which fewer controls were evaluated than before. `open` has the target of
/// every open issue.
pub(super) fn brake(
    updates: &[Update],
    open: &BTreeMap<u64, &TargetKey>,
    observations: &[Observation],
    limits: &Limits,
) -> BTreeSet<u64> {
    if limits.bulk {
        return BTreeSet::new();
    }
    let closes = |update: &&Update| update.why == Why::Resolved && update.state.is_some();
    let closed: BTreeSet<u64> = updates.iter().filter(closes).map(|update| update.number).collect();
    if closed.len() >= BULK && closed.len() * 2 > open.len() {
        return closed;
    }
    let now = evaluated(observations);
    let fewer = |target: &TargetKey| {
        let before = limits.evaluated_before.get(target).copied().unwrap_or_default();
        now.get(target).copied().unwrap_or_default() < before
    };
    closed
        .into_iter()
        .filter(|number| open.get(number).is_some_and(|target| fewer(target)))
        .collect()
}
