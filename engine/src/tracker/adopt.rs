//! A repository that has findings already is not flooded with them: what is not grave waits until
//! it has passed once, or becomes grave.
//!
//! What waits has no issue that could remember it. The caller keeps it from one run to the next,
//! and it says as well whether adoption has begun: after that, what fails for the first time is
//! new.

use std::collections::{BTreeMap, BTreeSet};

use model::{FindingId, Severity};

use super::{Failing, Issue, Marker, Observation, Seen, TargetMarker};

/// What a repository gets issues for when it is adopted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Adopt {
    /// Everything that fails. What waited before gets its issues, too.
    #[default]
    Everything,
    /// What is high or critical. The rest of what fails in the first run that observes anything
    /// waits.
    Grave,
}

/// What adoption holds back in one run.
pub(super) struct Adoption<'a> {
    adopt: Adopt,
    /// Nothing was adopted yet, and no issue is here.
    begins: bool,
    /// A run has observed something, now or before.
    begun: bool,
    /// What waited, and whose it is now; nobody's where this run has no such control.
    before: BTreeMap<&'a FindingId, Option<&'a Observation>>,
    /// What waits again.
    held: BTreeSet<FindingId>,
}

impl<'a> Adoption<'a> {
    /// `owners` tells whose an identity is, earlier ones included.
    pub fn new(
        adopt: Adopt,
        before: Option<&'a BTreeSet<FindingId>>,
        owners: &BTreeMap<&'a FindingId, &'a Observation>,
        ours: &[&Issue],
    ) -> Self {
        let any = ours.iter().any(|issue| is_backlog(issue));
        let conclusive = owners.values().any(|observation| observation.seen.is_conclusive());
        Self {
            adopt,
            begins: before.is_none() && !any,
            begun: before.is_some() || any || conclusive,
            before: before.into_iter().flatten().map(|id| (id, owners.get(id).copied())).collect(),
            held: BTreeSet::new(),
        }
    }

    /// True, and remembered, if a failing control without an issue waits.
    pub fn holds(&mut self, observation: &Observation, failing: &Failing) -> bool {
        let waited = || observation.ids().any(|id| self.owns(id, observation));
        let holds = self.adopt == Adopt::Grave
            && failing.severity < Severity::High
            && (self.begins || waited());
        if holds {
            self.held.insert(observation.id.clone());
        }
        holds
    }

    fn owns(&self, id: &FindingId, observation: &Observation) -> bool {
        self.before.get(id).is_some_and(|owner| owner.is_some_and(|o| o.id == observation.id))
    }

    /// What the caller keeps. `has_issue` tells of what needs no memory any more.
    pub fn kept(self, has_issue: impl Fn(&FindingId) -> bool) -> Option<BTreeSet<FindingId>> {
        let mut kept = self.held;
        if self.adopt == Adopt::Grave {
            kept.extend(self.before.into_iter().filter_map(|(id, owner)| match owner {
                None => Some(id.clone()),
                Some(owner) if has_issue(&owner.id) => None,
                Some(owner) => match owner.seen {
                    // What fails waits again, or is grave.
                    Seen::Fail(_) | Seen::Pass { .. } | Seen::Retired => None,
                    Seen::Unknown | Seen::NotRun | Seen::Waived { .. } => Some(owner.id.clone()),
                },
            }));
        }
        self.begun.then_some(kept)
    }
}

/// True for an issue of the default branch's findings. A pull request's does not adopt the
/// repository, nor does one that says that nothing was observed.
fn is_backlog(issue: &Issue) -> bool {
    TargetMarker::of(&issue.body).is_none()
        && Marker::of(&issue.body).is_none_or(|marker| marker.pull.is_none())
}
