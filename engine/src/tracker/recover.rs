//! Issues of ours whose marker was deleted or edited: their titles tell rule and target.
//!
//! Which subject an issue was about is not in its title. If it can be only one control's, that one
//! gets it back; otherwise nobody does, and no issue is opened beside it.

use std::collections::{BTreeMap, BTreeSet};

use model::{FindingId, Severity};

use super::decide::{Terms, with_marker};
use super::marker::unmarked;
use super::words::{begins, cut};
use super::{Issue, Left, Marker, Observation, Seen, State, Update, Why};

/// What became of issues without a marker.
#[derive(Debug, Default)]
pub(super) struct Lost<'a> {
    /// Issues by the finding that they are about.
    pub found: BTreeMap<&'a FindingId, &'a Issue>,
    /// Numbers of those that stay without a marker.
    pub unreadable: Vec<u64>,
    /// Findings that one of these may be about.
    pub blocked: BTreeSet<&'a FindingId>,
}

impl<'a> Lost<'a> {
    /// Finds whose they are. `without` are the observations that have no issue by a marker, out of
    /// `all`. What a pull request brought is not told by a title: there nothing is found.
    pub fn of(
        issues: impl Iterator<Item = &'a Issue>,
        all: &[&'a Observation],
        without: &BTreeSet<&'a FindingId>,
        is_pull: bool,
    ) -> Self {
        let mut lost = Self::default();
        let mut left: Vec<(&Issue, BTreeSet<&FindingId>)> = issues
            .filter_map(|issue| {
                let fits: Vec<_> = all.iter().filter(|o| is_titled(issue, o)).collect();
                // Of another run, or somebody wrote its title anew: nothing is known of it.
                let ids = fits.iter().map(|o| &o.id).filter(|id| without.contains(id));
                (!fits.is_empty()).then(|| (issue, ids.collect()))
            })
            .collect();
        left.sort_by_key(|(issue, _)| (issue.state != State::Open, issue.number));
        // Each one that is found leaves fewer for the others.
        while !is_pull && let Some(at) = left.iter().position(|(_, fits)| fits.len() == 1) {
            let (issue, fits) = left.remove(at);
            for id in fits {
                lost.found.insert(id, issue);
                left.iter_mut().for_each(|(_, others)| {
                    others.remove(id);
                });
            }
        }
        for (issue, fits) in left {
            lost.unreadable.push(issue.number);
            lost.blocked.extend(fits);
        }
        lost.unreadable.sort_unstable();
        lost
    }
}

/// True if the title is one that an issue of this finding has or had.
fn is_titled(issue: &Issue, observation: &Observation) -> bool {
    observation.names().any(|rule| begins(&issue.title, &observation.target, rule))
}

/// The marker is put back. What else happened to the issue is not known: it counts as left open by
/// us, and one that is closed as closed by somebody who does not plan to do it.
pub(super) fn recovered(observation: &Observation, issue: &Issue, terms: Terms) -> Update {
    let failing = match &observation.seen {
        Seen::Fail(failing) => Some(failing),
        _ => None,
    };
    let marker = Marker {
        id: observation.id.clone(),
        target: observation.target.clone(),
        rule: observation.rule.clone(),
        subject: observation.subject.clone(),
        left: Left::Open,
        // The worst where it is not known, because nothing must look as if it had become worse.
        severity: failing.map_or(Severity::Critical, |failing| failing.severity),
        episode: 1,
        first_seen: terms.observed_at,
        observed_at: terms.observed_at,
        evidence: failing.map(|failing| failing.evidence.clone()),
        passes: 0,
        // As if it had been shown already that it is not done: a close is not argued with.
        reopened: u32::from(issue.state != State::Open),
        pull: None,
    };
    Update {
        number: issue.number,
        id: observation.id.clone(),
        why: Why::Recovered,
        title: None,
        body: Some(with_marker(&cut(unmarked(&issue.body)), &marker)),
        state: None,
        label: None,
        comment: None,
    }
}
