//! All findings of a run and all issues of a repository: the changes, in the order of identities.

use std::collections::{BTreeMap, BTreeSet};

use model::{FindingId, TargetKey};
use serde::Serialize;

use super::adopt::{Adopt, Adoption};
use super::brake::brake;
use super::decide::{Known, Terms, decide, with_marker, without_marker};
use super::recover::{Lost, recovered};
use super::{Failing, Issue, Left, Marker, Observation, Reason, Seen, State, TargetMarker};
use super::{Update, Why};

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
    /// Close however many there are, and however few controls were evaluated.
    pub bulk: bool,
    /// What a repository without issues of ours gets issues for.
    pub adopt: Adopt,
    /// Controls of each target that the run before evaluated, by
    /// [`evaluated`](super::brake::evaluated). A run that evaluates fewer closes nothing of it.
    pub evaluated_before: BTreeMap<TargetKey, u32>,
}

impl Default for Limits {
    /// Ten new issues are as many as somebody reads.
    fn default() -> Self {
        let (adopt, evaluated_before) = (Adopt::Everything, BTreeMap::new());
        Self { new: 10, bulk: false, adopt, evaluated_before }
    }
}

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
    /// Issues that would be closed, if there were not so many at once, or if as many controls were
    /// evaluated as before.
    pub braked: Vec<u64>,
    /// Failing, and closed by somebody whose word holds.
    pub respected: Vec<u64>,
    /// Issues of ours without a marker, by whose titles it is not clear which finding they are
    /// about. Whoever takes the label from them has them forgotten.
    pub unreadable: Vec<u64>,
    /// Failing, without an issue, and one of the unreadable ones may be theirs.
    pub blocked: Vec<FindingId>,
    /// Findings that wait since the repository was adopted. The caller keeps this as it is before
    /// it applies the plan, and gives it to the next one; none until a run has observed anything.
    pub adopted: Option<BTreeSet<FindingId>>,
}

impl Plan {
    /// True if nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.creates.is_empty() && self.updates.is_empty()
    }
}

/// Makes the plan. `issues` are those with the managed label; `us` is who we write as;
/// `terms` says of each observation when it was made and how often it must pass; `held_before` is
/// [`Plan::adopted`] of the run before.
pub fn plan(
    observations: &[Observation],
    issues: &[Issue],
    us: &str,
    scope: &Scope,
    terms: impl Fn(&Observation) -> Terms,
    limits: &Limits,
    held_before: Option<&BTreeSet<FindingId>>,
) -> Plan {
    let ours: Vec<&Issue> = issues.iter().filter(|issue| issue.author == us).collect();
    let owners = owners(observations);
    let marked = marked(&ours, scope, &owners);
    let mut plan = Plan { adopted: held_before.cloned(), ..Plan::default() };
    if let Scope::Withdrawn { .. } = scope {
        plan.updates = marked.values().filter_map(withdrawn).collect();
        return plan;
    }
    let default = matches!(scope, Scope::Default { .. });
    let elsewhere = elsewhere(&ours, scope, &owners);
    let all: Vec<&Observation> =
        owners.iter().filter(|(id, owner)| **id == &owner.id).map(|(_, owner)| *owner).collect();
    let mut known: BTreeMap<&FindingId, Vec<&Own<'_>>> = BTreeMap::new();
    for own in marked.values() {
        if let Some(owner) = owners.get(&own.marker.id) {
            known.entry(&owner.id).or_default().push(own);
        }
    }
    let without: BTreeSet<&FindingId> = all
        .iter()
        .map(|observation| &observation.id)
        .filter(|id| !known.contains_key(id))
        .collect();
    let unmarked = ours.iter().copied().filter(|issue| {
        Marker::of(&issue.body).is_none() && TargetMarker::of(&issue.body).is_none()
    });
    let lost = Lost::of(unmarked, &all, &without, !default);
    let adopt = if default { limits.adopt } else { Adopt::Everything };
    let mut adoption = Adoption::new(adopt, held_before, &owners, &ours);
    let mut new: Vec<(&Observation, &Failing)> = Vec::new();
    for observation in all {
        if let Some(known) = known.get(&observation.id) {
            plan.known(observation, known, terms(observation));
        } else if let Some(issue) = lost.found.get(&observation.id) {
            plan.updates.push(recovered(observation, issue, terms(observation)));
            if issue.state != State::Open && matches!(observation.seen, Seen::Fail(_)) {
                plan.respected.push(issue.number);
            }
        } else if let Seen::Fail(failing) = &observation.seen
            && may_open(scope, &observation.id)
            && !elsewhere.contains(&observation.id)
            && !adoption.holds(observation, failing)
        {
            if lost.blocked.contains(&observation.id) {
                plan.blocked.push(observation.id.clone());
            } else {
                new.push((observation, failing));
            }
        }
    }
    if default {
        plan.adopted = adoption.kept(|id| known.contains_key(id) || lost.found.contains_key(id));
    }
    plan.unreadable = lost.unreadable;
    plan.open(new, scope, &terms, limits);
    plan.brake(&marked, observations, limits);
    plan.updates.sort_by_key(|update| update.number);
    plan.respected.sort_unstable();
    plan
}

/// An issue of ours in the scope.
struct Own<'a> {
    issue: &'a Issue,
    /// What its marker says, and that a pull request that was merged has none any more.
    marker: Marker,
    /// A pull request that was merged brought it.
    is_merged: bool,
}

/// Whose each identity is, by identity.
type Owners<'a> = BTreeMap<&'a FindingId, &'a Observation>;

/// Issues of ours in the scope, by number. What a pull request has an open issue for and the default
/// branch is seen to fail as well is the default branch's: one finding has one issue.
fn marked<'a>(ours: &[&'a Issue], scope: &Scope, owners: &Owners<'_>) -> BTreeMap<u64, Own<'a>> {
    let default = matches!(scope, Scope::Default { .. });
    let fails = |id: &FindingId| owners.get(id).is_some_and(|o| matches!(o.seen, Seen::Fail(_)));
    ours.iter()
        .filter_map(|issue| Some((*issue, Marker::of(&issue.body)?)))
        .filter(|(issue, marker)| {
            let taken = || default && issue.state == State::Open && fails(&marker.id);
            in_scope(scope, marker) || taken()
        })
        .map(|(issue, marker)| {
            let is_merged = marker.pull.is_some() && default;
            let pull = marker.pull.filter(|_| !is_merged);
            (issue.number, Own { issue, marker: Marker { pull, ..marker }, is_merged })
        })
        .collect()
}

/// Findings of a pull request that have an open issue of another one, or of the default branch.
fn elsewhere<'a>(ours: &[&Issue], scope: &Scope, owners: &Owners<'a>) -> BTreeSet<&'a FindingId> {
    let Scope::Pull { number, .. } = scope else { return BTreeSet::new() };
    let open = ours.iter().filter(|issue| issue.state == State::Open);
    let markers = open.filter_map(|issue| Marker::of(&issue.body));
    let others = markers.filter(|marker| marker.pull != Some(*number));
    others.filter_map(|marker| owners.get(&marker.id).map(|owner| &owner.id)).collect()
}

/// Whose each identity is: the control's that has it, or else the one's that had it before.
fn owners(observations: &[Observation]) -> Owners<'_> {
    let mut owners: Owners<'_> = BTreeMap::new();
    for observation in observations {
        owners.entry(&observation.id).or_insert(observation);
    }
    let mut all: Vec<_> = owners.values().copied().collect();
    all.sort_by_key(|observation| &observation.id);
    for observation in all {
        for earlier in &observation.earlier {
            owners.entry(&earlier.id).or_insert(observation);
        }
    }
    owners
}

impl Plan {
    /// What is to be done about the issues of one finding.
    fn known(&mut self, observation: &Observation, known: &[&Own<'_>], terms: Terms) {
        let mut known = known.to_vec();
        // The one that is open is the issue; of several the first that was opened.
        known.sort_by_key(|own| (own.issue.state != State::Open, own.issue.number));
        let Some((own, others)) = known.split_first() else { return };
        self.updates.extend(others.iter().filter_map(|other| duplicate(other)));
        let issue = Known { issue: own.issue, marker: &own.marker };
        match decide(observation, issue, terms) {
            Some(update) => self.updates.push(update),
            None if own.is_merged && own.issue.state == State::Open => {
                self.updates.push(merged(own));
            }
            None if respected(observation, own) => self.respected.push(own.issue.number),
            None => {}
        }
    }

    /// Opens issues, the worst first, as far as the limit goes.
    fn open(
        &mut self,
        mut new: Vec<(&Observation, &Failing)>,
        scope: &Scope,
        terms: &impl Fn(&Observation) -> Terms,
        limits: &Limits,
    ) {
        new.sort_by_key(|(observation, failing)| {
            (std::cmp::Reverse(failing.severity), &observation.id)
        });
        for (at, (observation, failing)) in new.into_iter().enumerate() {
            if at < limits.new {
                self.creates.push(create(observation, failing, scope, terms(observation)));
            } else {
                self.held.push(observation.id.clone());
            }
        }
        self.held.sort();
    }

    /// Takes out what the brake holds.
    fn brake(
        &mut self,
        marked: &BTreeMap<u64, Own<'_>>,
        observations: &[Observation],
        limits: &Limits,
    ) {
        let open: BTreeMap<u64, &TargetKey> = marked
            .values()
            .filter(|own| own.issue.state == State::Open)
            .map(|own| (own.issue.number, &own.marker.target))
            .collect();
        let held = brake(&self.updates, &open, observations, limits);
        self.updates.retain(|update| !held.contains(&update.number));
        self.braked = held.into_iter().collect();
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

fn duplicate(other: &Own<'_>) -> Option<Update> {
    (other.issue.state == State::Open).then(|| Update {
        number: other.issue.number,
        id: other.marker.id.clone(),
        why: Why::Duplicate,
        title: None,
        body: Some(other.issue.body.clone()),
        state: Some(State::Closed(Some(Reason::Duplicate))),
        label: None,
        comment: None,
    })
}

/// The default branch's own from now on; nothing else changes.
fn merged(own: &Own<'_>) -> Update {
    Update {
        number: own.issue.number,
        id: own.marker.id.clone(),
        why: Why::Merged,
        title: None,
        body: Some(with_marker(without_marker(&own.issue.body), &own.marker)),
        state: None,
        label: None,
        comment: None,
    }
}

fn withdrawn(own: &Own<'_>) -> Option<Update> {
    (own.issue.state == State::Open).then(|| Update {
        number: own.issue.number,
        id: own.marker.id.clone(),
        why: Why::Withdrawn,
        title: None,
        body: Some(own.issue.body.clone()),
        state: Some(State::Closed(Some(Reason::NotPlanned))),
        label: None,
        comment: None,
    })
}

fn respected(observation: &Observation, own: &Own<'_>) -> bool {
    matches!(observation.seen, Seen::Fail(_))
        && own.issue.state != State::Open
        && own.marker.left == Left::Open
}
