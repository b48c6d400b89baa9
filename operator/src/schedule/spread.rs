//! A slot whose runs begin one after the other: each target has a delay of its own, and its run is
//! made when that has passed. A thousand runs that are made at the slot would stand in the way of
//! those that are due first.

use std::collections::VecDeque;

use crds::AuditTarget;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};

use super::slot::delay;

/// A target that has no run of the slot yet, and what of it a run is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The target's own delay after the slot.
    pub delay: SignedDuration,
    /// Its name.
    pub target: String,
    /// The target as the owner of its runs.
    pub owner: Option<OwnerReference>,
}

/// A slot and the targets that have no run of it yet.
#[derive(Debug)]
pub struct Spread {
    /// The slot.
    pub slot: Timestamp,
    left: VecDeque<Turn>,
}

impl Spread {
    /// All targets of a slot, whoever is due first in front.
    pub fn new(slot: Timestamp, targets: &[AuditTarget], jitter_seconds: u32) -> Self {
        let turn = |target: &AuditTarget| Turn {
            delay: delay(&target.uid().unwrap_or_default(), jitter_seconds),
            target: target.name_any(),
            owner: target.owner_ref(&()),
        };
        let mut left: Vec<Turn> = targets.iter().map(turn).collect();
        left.sort_by_key(|turn| turn.delay);
        Self { slot, left: left.into() }
    }

    /// Takes those whose delay has passed at `now`.
    pub fn due(&mut self, now: Timestamp) -> Vec<Turn> {
        let passed = now.duration_since(self.slot);
        let many = self.left.partition_point(|turn| turn.delay <= passed);
        self.left.drain(..many).collect()
    }

    /// Takes all that are left.
    pub fn rest(&mut self) -> Vec<Turn> {
        self.left.drain(..).collect()
    }

    /// When the next of them is due; none if every target had its turn.
    pub fn next(&self) -> Option<Timestamp> {
        self.left.front().map(|turn| self.slot + turn.delay)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn targets(many: usize) -> Vec<AuditTarget> {
        let target = |index| {
            json!({
                "apiVersion": "plumbline.dev/v1alpha1",
                "kind": "AuditTarget",
                "metadata": { "name": format!("t{index}"), "uid": format!("uid-{index}") },
                "spec": { "path": "gateway", "endpoints": [] },
            })
        };
        (0..many).map(|index| serde_json::from_value(target(index)).unwrap()).collect()
    }

    const SLOT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn every_target_has_its_turn_once_and_not_before_it_is_due() {
        let mut spread = Spread::new(SLOT, &targets(200), 60);
        let mut seen = BTreeSet::new();
        while let Some(next) = spread.next() {
            assert!(spread.due(next - SignedDuration::from_millis(1)).is_empty());
            let due = spread.due(next);
            assert!(!due.is_empty());
            for turn in due {
                assert_eq!(SLOT + turn.delay, next);
                assert!(seen.insert(turn.target), "a target twice");
            }
        }
        assert_eq!(seen.len(), 200);
    }

    #[test]
    fn whoever_comes_late_takes_all_that_were_due_meanwhile() {
        let mut spread = Spread::new(SLOT, &targets(200), 60);
        let half = spread.due(SLOT + SignedDuration::from_secs(30));
        assert!(half.iter().all(|turn| turn.delay.as_secs() <= 30));
        let rest = spread.rest();
        assert_eq!(half.len() + rest.len(), 200);
        assert_eq!(spread.next(), None);
    }

    #[test]
    fn without_jitter_everybody_is_due_at_the_slot() {
        let mut spread = Spread::new(SLOT, &targets(7), 0);
        assert_eq!(spread.due(SLOT).len(), 7);
        assert_eq!(spread.next(), None);
    }
}
