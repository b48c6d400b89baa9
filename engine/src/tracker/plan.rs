//! All findings of a run and all issues of a repository: the changes, in the order of identities.

use std::collections::{BTreeMap, BTreeSet};

use model::FindingId;
use serde::Serialize;

use super::decide::{Known, Terms, decide, with_marker, without_marker};
use super::{Failing, Issue, Left, Marker, Observation, Reason, Seen, State, Update, Why};

/// Whose findings an issue may be opened, changed and closed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The default branch: the whole backlog.
    Default {
        /// Pull requests that were merged: what they brought is the default branch's now.
        merged: BTreeSet<u64>,
    },
    /// A pull request: what it brought, and the issues that it opened.
    Pull {
        /// Its number.
        number: u64,
        /// Findings that it introduced or made come again.
        brought: BTreeSet<FindingId>,
    },
    /// A pull request that was closed without being merged.
    Withdrawn {
        /// Its number.
        number: u64,
    },
}

/// What bounds a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Issues that one run opens at most; the worst findings go first.
    pub new: usize,
    /// Close however many there are.
    pub bulk: bool,
}

impl Default for Limits {
    /// Ten new issues are as many as somebody reads.
    fn default() -> Self {
        Self { new: 10, bulk: false }
    }
}

/// So many closed at once are looked at: fewer are an ordinary day's work.
const BULK: usize = 5;

/// An issue that is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Create {
    /// The finding.
    pub id: FindingId,
    /// Its title.
    pub title: String,
    /// Its body, with the marker.
    pub body: String,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Issues that are opened, the worst first.
    pub creates: Vec<Create>,
    /// Issues that are changed, in the order of their numbers.
    pub updates: Vec<Update>,
    /// Findings that get no issue in this run: there are too many.
    pub held: Vec<FindingId>,
    /// Issues that would be closed, if there were not so many at once.
    pub braked: Vec<u64>,
    /// Failing, and closed by somebody whose word holds.
    pub respected: Vec<u64>,
}

impl Plan {
    /// True if nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.creates.is_empty() && self.updates.is_empty()
    }
}

/// Makes the plan. `issues` are those with the managed label; `us` is who we write as.
pub fn plan(
    observations: &[Observation],
    issues: &[Issue],
    us: &str,
    scope: &Scope,
    terms: Terms,
    limits: &Limits,
) -> Plan {
    let marked: BTreeMap<u64, (&Issue, Marker)> = issues
        .iter()
        .filter(|issue| issue.author == us)
        .filter_map(|issue| Some((issue.number, (issue, Marker::of(&issue.body)?))))
        .filter(|(_, (_, marker))| in_scope(scope, marker))
        .collect();
    let theirs: BTreeSet<u64> = marked
        .values()
        .filter(|(_, marker)| marker.pull.is_some() && matches!(scope, Scope::Default { .. }))
        .map(|(issue, _)| issue.number)
        .collect();
    let marked: BTreeMap<u64, (&Issue, Marker)> = marked
        .into_iter()
        .map(|(number, (issue, marker))| {
            let pull = marker.pull.filter(|_| !theirs.contains(&number));
            (number, (issue, Marker { pull, ..marker }))
        })
        .collect();
    let mut plan = Plan::default();
    if let Scope::Withdrawn { .. } = scope {
        plan.updates =
            marked.values().filter_map(|(issue, marker)| withdrawn(issue, marker)).collect();
        return plan;
    }
    let mut by_id: BTreeMap<&FindingId, Vec<Known<'_>>> = BTreeMap::new();
    for (issue, marker) in marked.values() {
        by_id.entry(&marker.id).or_default().push(Known { issue, marker });
    }
    let mut new: Vec<(&Observation, &Failing)> = Vec::new();
    let mut seen = BTreeSet::new();
    for observation in observations {
        if !seen.insert(&observation.id) {
            continue;
        }
        let ids = std::iter::once(&observation.id).chain(&observation.earlier);
        let mut known: Vec<Known<'_>> =
            ids.filter_map(|id| by_id.get(id)).flatten().copied().collect();
        // The one that is open is the issue; of several the first that was opened.
        known.sort_by_key(|known| (known.issue.state != State::Open, known.issue.number));
        known.dedup_by_key(|known| known.issue.number);
        let Some((issue, others)) = known.split_first() else {
            if let Seen::Fail(failing) = &observation.seen
                && may_open(scope, &observation.id)
            {
                new.push((observation, failing));
            }
            continue;
        };
        plan.updates.extend(others.iter().filter_map(|other| duplicate(*other)));
        match decide(observation, *issue, terms) {
            Some(update) => plan.updates.push(update),
            None if theirs.contains(&issue.issue.number) && issue.issue.state == State::Open => {
                plan.updates.push(merged(*issue));
            }
            None if respected(observation, *issue) => plan.respected.push(issue.issue.number),
            None => {}
        }
    }
    new.sort_by_key(|(observation, failing)| {
        (std::cmp::Reverse(failing.severity), &observation.id)
    });
    for (at, (observation, failing)) in new.into_iter().enumerate() {
        if at < limits.new {
            plan.creates.push(create(observation, failing, scope, terms));
        } else {
            plan.held.push(observation.id.clone());
        }
    }
    let open = marked.values().filter(|(issue, _)| issue.state == State::Open).count();
    plan.brake(open, limits);
    plan.updates.sort_by_key(|update| update.number);
    plan.held.sort();
    plan.respected.sort_unstable();
    plan
}

impl Plan {
    /// Closes nothing, if most of what is open would be closed: more often than not something is
    /// wrong with the run.
    fn brake(&mut self, open: usize, limits: &Limits) {
        let closes = |update: &Update| update.why == Why::Resolved && update.state.is_some();
        let many = self.updates.iter().filter(|update| closes(update)).count();
        if limits.bulk || many < BULK || many * 2 <= open {
            return;
        }
        self.braked = self.updates.iter().filter(|u| closes(u)).map(|u| u.number).collect();
        self.braked.sort_unstable();
        self.updates.retain(|update| !closes(update));
    }
}

fn in_scope(scope: &Scope, marker: &Marker) -> bool {
    match scope {
        Scope::Default { merged } => marker.pull.is_none_or(|pull| merged.contains(&pull)),
        Scope::Pull { number, .. } | Scope::Withdrawn { number } => marker.pull == Some(*number),
    }
}

fn may_open(scope: &Scope, id: &FindingId) -> bool {
    match scope {
        Scope::Default { .. } => true,
        Scope::Pull { brought, .. } => brought.contains(id),
        Scope::Withdrawn { .. } => false,
    }
}

fn create(observation: &Observation, failing: &Failing, scope: &Scope, terms: Terms) -> Create {
    let marker = Marker {
        id: observation.id.clone(),
        target: observation.target.clone(),
        rule: observation.rule.clone(),
        subject: observation.subject.clone(),
        left: Left::Open,
        severity: failing.severity,
        episode: 1,
        first_seen: terms.observed_at,
        observed_at: terms.observed_at,
        evidence: Some(failing.evidence.clone()),
        passes: 0,
        reopened: 0,
        pull: match scope {
            Scope::Pull { number, .. } => Some(*number),
            Scope::Default { .. } | Scope::Withdrawn { .. } => None,
        },
    };
    Create {
        id: observation.id.clone(),
        title: failing.title.clone(),
        body: with_marker(&failing.body, &marker),
    }
}

fn duplicate(other: Known<'_>) -> Option<Update> {
    (other.issue.state == State::Open).then(|| Update {
        number: other.issue.number,
        id: other.marker.id.clone(),
        why: Why::Duplicate,
        title: None,
        body: None,
        state: Some(State::Closed(Some(Reason::Duplicate))),
        label: None,
        comment: None,
    })
}

/// The default branch's own from now on; nothing else changes.
fn merged(known: Known<'_>) -> Update {
    Update {
        number: known.issue.number,
        id: known.marker.id.clone(),
        why: Why::Merged,
        title: None,
        body: Some(with_marker(without_marker(&known.issue.body), known.marker)),
        state: None,
        label: None,
        comment: None,
    }
}

fn withdrawn(issue: &Issue, marker: &Marker) -> Option<Update> {
    (issue.state == State::Open).then(|| Update {
        number: issue.number,
        id: marker.id.clone(),
        why: Why::Withdrawn,
        title: None,
        body: None,
        state: Some(State::Closed(Some(Reason::NotPlanned))),
        label: None,
        comment: None,
    })
}

fn respected(observation: &Observation, known: Known<'_>) -> bool {
    matches!(observation.seen, Seen::Fail(_))
        && known.issue.state != State::Open
        && known.marker.left == Left::Open
}
