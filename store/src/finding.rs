//! Findings over time: opened, waived, resolved, reopened.
//!
//! A finding resolves only when the same control passes on observed evidence. Where the control
//! was asked and could not be answered the finding is `unobserved`, which is not resolved; where
//! its check was not part of the run nothing is learnt, and nothing changes.

use std::collections::HashMap;

use jiff::Timestamp;
use model::assessment::{Assessment, Finding};
use model::run::RunRecord;
use model::{FindingId, IssueKey, RunId, Severity, Subject, TargetKey, Verdict};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::error::StoreError;
use crate::sql::{Arg, Row, Tx};
use FindingEventKind as Event;

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// The control failed when it was last answered.
    Open,
    /// The control failed, and an exception accepts it.
    Waived,
    /// The control passed when it was last answered.
    Resolved,
    /// The control failed before, and could not be answered since.
    Unobserved,
}

impl FindingState {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waived => "waived",
            Self::Resolved => "resolved",
            Self::Unobserved => "unobserved",
        }
    }
}

/// What happened to a finding in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingEventKind {
    /// Seen for the first time.
    Opened,
    /// Accepted by an exception.
    Waived,
    /// The exception has ended, and the control still fails.
    WaiverEnded,
    /// The control passes.
    Resolved,
    /// It had been resolved, and the control fails again: a regression.
    Reopened,
    /// The control could not be answered.
    Unobserved,
    /// The control can be answered again, and still fails.
    Observed,
}

impl FindingEventKind {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Waived => "waived",
            Self::WaiverEnded => "waiver_ended",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Unobserved => "unobserved",
            Self::Observed => "observed",
        }
    }
}

/// A finding with where it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    /// Identity.
    pub id: FindingId,
    /// The target.
    pub target: TargetKey,
    /// The rule.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// Severity when it last failed.
    pub severity: Severity,
    /// Title when it last failed.
    pub title: String,
    /// Where it stands.
    pub state: FindingState,
    /// Name of the exception that waives it.
    pub waived_by: Option<String>,
    /// The run that saw it first, and when that was judged, to the microsecond.
    pub first_seen: (RunId, Timestamp),
    /// The run that saw it last, and when that was judged.
    pub last_seen: (RunId, Timestamp),
    /// The run in which its state last changed, and when that was judged.
    pub changed: (RunId, Timestamp),
}

/// One event in the history of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingEvent {
    /// The finding.
    pub finding: FindingId,
    /// The run.
    pub run: RunId,
    /// When the run was judged, to the microsecond.
    pub at: Timestamp,
    /// What happened.
    pub event: FindingEventKind,
}

/// What a run says about one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Failing,
    Waived,
    Passing,
    Unanswered,
}

/// The state after a run, and the event if the state changes. `None` where nothing has ever
/// failed.
fn transition(
    before: Option<FindingState>,
    seen: Seen,
) -> Option<(FindingState, Option<FindingEventKind>)> {
    use FindingState as State;
    let (after, event) = match (before, seen) {
        (None, Seen::Passing | Seen::Unanswered) => return None,
        (None, Seen::Failing) => (State::Open, Some(Event::Opened)),
        (Some(State::Open), Seen::Failing) => (State::Open, None),
        (Some(State::Waived), Seen::Failing) => (State::Open, Some(Event::WaiverEnded)),
        (Some(State::Resolved), Seen::Failing) => (State::Open, Some(Event::Reopened)),
        (Some(State::Unobserved), Seen::Failing) => (State::Open, Some(Event::Observed)),
        (Some(State::Waived), Seen::Waived) => (State::Waived, None),
        (_, Seen::Waived) => (State::Waived, Some(Event::Waived)),
        (Some(State::Resolved), Seen::Passing | Seen::Unanswered) => (State::Resolved, None),
        (Some(_), Seen::Passing) => (State::Resolved, Some(Event::Resolved)),
        (Some(State::Unobserved), Seen::Unanswered) => (State::Unobserved, None),
        (Some(State::Open | State::Waived), Seen::Unanswered) => {
            (State::Unobserved, Some(Event::Unobserved))
        }
    };
    Some((after, event))
}

impl Store {
    /// Every finding that the target ever had, by rule and subject.
    pub async fn findings(&self, target: &TargetKey) -> Result<Vec<FindingRecord>, StoreError> {
        let mut tx = self.read().await?;
        known(&mut tx, target).await
    }

    /// What happened to the target's findings, the oldest first.
    pub async fn finding_history(
        &self,
        target: &TargetKey,
    ) -> Result<Vec<FindingEvent>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT e.finding, e.run, e.at, e.event FROM finding_events e \
                 JOIN findings f ON f.id = e.finding WHERE f.target = $1 ORDER BY e.seq",
                &[(&target.0).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(FindingEvent {
                    finding: row.word("finding")?,
                    run: row.word("run")?,
                    at: row.time("at")?,
                    event: row.word("event")?,
                })
            })
            .collect()
    }
}

async fn known(tx: &mut Tx, target: &TargetKey) -> Result<Vec<FindingRecord>, StoreError> {
    let rows = tx
        .rows(
            "SELECT id, target, rule, subject, severity, title, state, waived_by, \
             first_seen_run, first_seen_at, last_seen_run, last_seen_at, changed_run, changed_at \
             FROM findings WHERE target = $1 ORDER BY rule, subject",
            &[(&target.0).into()],
        )
        .await?;
    rows.iter().map(record).collect()
}

fn record(row: &Row) -> Result<FindingRecord, StoreError> {
    Ok(FindingRecord {
        id: row.word("id")?,
        target: row.word("target")?,
        rule: row.word("rule")?,
        subject: row.word("subject")?,
        severity: row.word("severity")?,
        title: row.text("title")?,
        state: row.word("state")?,
        waived_by: row.opt_text("waived_by")?,
        first_seen: (row.word("first_seen_run")?, row.time("first_seen_at")?),
        last_seen: (row.word("last_seen_run")?, row.time("last_seen_at")?),
        changed: (row.word("changed_run")?, row.time("changed_at")?),
    })
}

/// Carries a finished run into the findings of its target.
pub(crate) async fn apply(
    tx: &mut Tx,
    run: &RunRecord,
    assessment: &Assessment,
) -> Result<(), StoreError> {
    let known = known(tx, &run.target).await?;
    let changes = changes(known, run, assessment);
    tx.insert(
        "INSERT INTO findings (id, target, rule, subject, severity, title, state, waived_by, \
         first_seen_run, first_seen_at, last_seen_run, last_seen_at, changed_run, changed_at) ",
        &(),
        &changes,
        finding_row,
        " ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, title = excluded.title, \
         state = excluded.state, waived_by = excluded.waived_by, \
         last_seen_run = excluded.last_seen_run, last_seen_at = excluded.last_seen_at, \
         changed_run = excluded.changed_run, changed_at = excluded.changed_at",
    )
    .await?;
    let events: Vec<(&FindingId, Event)> =
        changes.iter().filter_map(|(finding, event)| Some((&finding.id, (*event)?))).collect();
    let here = (&run.id, assessment.assessed_at);
    let head = "INSERT INTO finding_events (finding, run, at, event) ";
    tx.insert(head, &here, &events, event_row, "").await.map(drop)
}

/// A finding as it stands after a run, and what the run changed about it.
type Change = (FindingRecord, Option<Event>);

fn finding_row<'a>((): &'a (), (finding, _): &'a Change) -> [Arg<'a>; 14] {
    [
        (&finding.id.0).into(),
        (&finding.target.0).into(),
        finding.rule.as_str().into(),
        (&finding.subject.0).into(),
        finding.severity.as_str().into(),
        (&finding.title).into(),
        finding.state.as_str().into(),
        finding.waived_by.as_deref().into(),
        (&finding.first_seen.0.0).into(),
        finding.first_seen.1.into(),
        (&finding.last_seen.0.0).into(),
        finding.last_seen.1.into(),
        (&finding.changed.0.0).into(),
        finding.changed.1.into(),
    ]
}

fn event_row<'a>(
    (run, at): &'a (&RunId, Timestamp),
    (finding, event): &'a (&FindingId, Event),
) -> [Arg<'a>; 4] {
    [(&finding.0).into(), (&run.0).into(), (*at).into(), event.as_str().into()]
}

/// Every finding that this run touches, as it stands after it.
fn changes(known: Vec<FindingRecord>, run: &RunRecord, assessment: &Assessment) -> Vec<Change> {
    let here = (run.id.clone(), assessment.assessed_at);
    let mut known: HashMap<FindingId, FindingRecord> =
        known.into_iter().map(|finding| (finding.id.clone(), finding)).collect();
    let mut changes = Vec::new();
    for finding in &assessment.findings {
        let before = known.remove(&finding.id);
        let seen = if finding.is_open() { Seen::Failing } else { Seen::Waived };
        let state = before.as_ref().map(|before| before.state);
        let Some((state, event)) = transition(state, seen) else { continue };
        changes.push((failing(before, finding, run, &here, state, event.is_some()), event));
    }
    // What is left has failed before and does not fail now.
    let mut left: Vec<_> = known.into_values().collect();
    left.sort_by(|a, b| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject)));
    let verdicts: HashMap<(&IssueKey, &Subject), &Verdict> = if left.is_empty() {
        HashMap::new()
    } else {
        let controls = assessment.controls.iter();
        controls.map(|control| ((&control.rule, &control.subject), &control.verdict)).collect()
    };
    for mut finding in left {
        let seen = match verdicts.get(&(&finding.rule, &finding.subject)) {
            Some(Verdict::Pass) => Seen::Passing,
            None if !run.checks.contains(&finding.rule.check()) => continue,
            _ => Seen::Unanswered,
        };
        if let Some((state, event @ Some(_))) = transition(Some(finding.state), seen) {
            finding.state = state;
            finding.waived_by = None;
            finding.changed = here.clone();
            changes.push((finding, event));
        }
    }
    changes
}

fn failing(
    before: Option<FindingRecord>,
    finding: &Finding,
    run: &RunRecord,
    here: &(RunId, Timestamp),
    state: FindingState,
    changed: bool,
) -> FindingRecord {
    let (first_seen, last_change) = match before {
        Some(before) => (before.first_seen, before.changed),
        None => (here.clone(), here.clone()),
    };
    FindingRecord {
        id: finding.id.clone(),
        target: run.target.clone(),
        rule: finding.key.clone(),
        subject: finding.subject.clone(),
        severity: finding.severity,
        title: finding.title.clone(),
        state,
        waived_by: finding.waived_by.clone(),
        first_seen,
        last_seen: here.clone(),
        changed: if changed { here.clone() } else { last_change },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [FindingState; 4] = [
        FindingState::Open,
        FindingState::Waived,
        FindingState::Resolved,
        FindingState::Unobserved,
    ];

    #[test]
    fn only_a_pass_resolves() {
        for before in STATES.into_iter().filter(|state| *state != FindingState::Resolved) {
            for seen in [Seen::Failing, Seen::Waived, Seen::Unanswered] {
                let after = transition(Some(before), seen).map(|(state, _)| state);
                assert_ne!(after, Some(FindingState::Resolved), "{before:?} {seen:?}");
            }
            let after = transition(Some(before), Seen::Passing);
            assert_eq!(after, Some((FindingState::Resolved, Some(FindingEventKind::Resolved))));
        }
    }

    #[test]
    fn what_never_failed_leaves_no_trace() {
        assert_eq!(transition(None, Seen::Passing), None);
        assert_eq!(transition(None, Seen::Unanswered), None);
    }

    #[test]
    fn an_event_is_written_exactly_when_the_state_changes() {
        for before in STATES {
            for seen in [Seen::Failing, Seen::Waived, Seen::Passing, Seen::Unanswered] {
                let (after, event) = transition(Some(before), seen).expect("it has failed before");
                assert_eq!(event.is_some(), after != before, "{before:?} {seen:?}");
            }
        }
    }

    #[test]
    fn only_a_resolved_finding_can_regress() {
        for before in STATES {
            let (_, event) = transition(Some(before), Seen::Failing).expect("it fails");
            let regressed = event == Some(FindingEventKind::Reopened);
            assert_eq!(regressed, before == FindingState::Resolved, "{before:?}");
        }
    }
}
