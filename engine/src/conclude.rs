//! From collected evidence to a complete record: the one place where a run is judged, compared
//! and turned into alerts, whichever face ran it.

use jiff::Timestamp;
use model::document::AuditException;
use model::evidence::Evidence;
use model::run::{EvidenceRef, RunBundle, RunRecord, RunState};

use crate::alert;
use crate::assess::{Case, assess};
use crate::delta::{Compared, delta};
use crate::rule::RuleSet;

/// What a run is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// Exceptions in force.
    pub exceptions: &'a [AuditException],
    /// The run to compare with, where there is one.
    pub before: Option<&'a RunBundle>,
    /// When the next run is due, where that is known.
    pub next_run: Option<Timestamp>,
}

/// Completes a record with its judgement at `now`. The same arguments give the same bytes;
/// what is left is [`crate::integrity::seal`], which needs the head of the target's chain.
pub fn conclude(record: &mut RunRecord, evidence: &[Evidence], by: &Terms<'_>, now: Timestamp) {
    record.evidence = evidence.iter().map(EvidenceRef::from).collect();
    let case = Case {
        target: &record.document,
        file: record.file.as_deref(),
        plan: &record.plan,
        evidence,
    };
    let assessment = assess(&case, by.rules, by.exceptions, now);
    record.ended_at = Some(now);
    record.state = RunState::Complete;
    record.assessment = Some(assessment);
    record.delta = by
        .before
        .and_then(|bundle| Compared::of(&bundle.record, &bundle.evidence))
        .zip(Compared::of(record, evidence))
        .map(|(before, after)| delta(&before, &after));
    if let Some(assessment) = &record.assessment {
        let delta = record.delta.as_ref();
        record.alerts = alert::alerts(assessment, delta, evidence, by.next_run, now);
    }
}
