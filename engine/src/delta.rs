//! Two runs of one target, control by control.

use std::collections::BTreeMap;

use model::assessment::{Assessment, ControlResult};
use model::delta::{
    ControlDelta, ControlSide, Delta, DeltaClass, DeltaCounts, PointerChange, Side,
};
use model::evidence::{Evidence, Item};
use model::run::RunRecord;
use model::{Digest, RunId, Verdict};

/// Longest value that a change shows, in characters; the evidence has the whole.
const MAX_VALUE: usize = 200;

/// One side of a comparison: a run, its judgement, and what was collected.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// The run.
    pub run: &'a RunId,
    /// When it started.
    pub started_at: jiff::Timestamp,
    /// Its judgement.
    pub assessment: &'a Assessment,
    /// What was collected.
    pub evidence: &'a [Evidence],
}

impl<'a> Compared<'a> {
    /// A stored run; none if it has no judgement.
    pub fn of(record: &'a RunRecord, evidence: &'a [Evidence]) -> Option<Self> {
        let assessment = record.assessment.as_ref()?;
        Some(Self { run: &record.id, started_at: record.started_at, assessment, evidence })
    }

    fn side(&self) -> Side {
        Side {
            run: self.run.clone(),
            started_at: self.started_at,
            status: self.assessment.status,
            posture: self.assessment.posture,
            risk_score: self.assessment.risk_score,
            findings: u32::try_from(self.assessment.open_findings().count()).unwrap_or(u32::MAX),
        }
    }
}

/// Compares a run with its baseline. Both sides hold their controls in order of rule and subject,
/// so one pass over the two is enough.
pub fn delta(before: &Compared<'_>, after: &Compared<'_>) -> Delta {
    let evidence = [index(before.evidence), index(after.evidence)];
    let pointers: BTreeMap<_, _> = [before, after]
        .into_iter()
        .flat_map(|side| &side.assessment.rules)
        .map(|judged| (judged.rule.as_str(), judged.pointers.as_slice()))
        .collect();
    let mut counts = DeltaCounts::default();
    let mut controls = Vec::with_capacity(after.assessment.controls.len());
    let (mut old, mut new) =
        (before.assessment.controls.iter().peekable(), after.assessment.controls.iter().peekable());
    loop {
        let (b, a) = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => (old.next(), None),
            (None, Some(_)) => (None, new.next()),
            (Some(b), Some(a)) => match key(b).cmp(&key(a)) {
                std::cmp::Ordering::Less => (old.next(), None),
                std::cmp::Ordering::Greater => (None, new.next()),
                std::cmp::Ordering::Equal => (old.next(), new.next()),
            },
        };
        let Some(named) = a.or(b) else { break };
        let own = pointers.get(named.rule.as_str()).copied().unwrap_or_default();
        let documents = [b, a].map(|control| control.and_then(|c| c.evidence.as_ref()));
        let changes = changes(own, documents, &evidence);
        // A body that is gone cannot show what differs; that it differs is known all the same.
        let changed = changes.as_ref().is_none_or(|changes| !changes.is_empty());
        let Some(class) = classify(b, a, changed) else { continue };
        counts.add(class);
        controls.push(ControlDelta {
            rule: named.rule.clone(),
            subject: named.subject.clone(),
            title: named.title.clone(),
            domain: named.domain,
            severity: named.severity,
            class,
            before: b.map(side),
            after: a.map(side),
            changes: changes.unwrap_or_default(),
        });
    }
    Delta {
        target: after.assessment.target.clone(),
        before: before.side(),
        after: after.side(),
        counts,
        controls,
    }
}

fn key(control: &ControlResult) -> (&str, &str) {
    (control.rule.as_str(), &control.subject.0)
}

fn side(control: &ControlResult) -> ControlSide {
    ControlSide {
        verdict: control.verdict.clone(),
        rule_version: control.rule_version,
        evidence: control.evidence.clone(),
        waived_by: control.waived_by.clone(),
    }
}

/// The class of one control; none where it applies in neither run.
fn classify(
    before: Option<&ControlResult>,
    after: Option<&ControlResult>,
    changed: bool,
) -> Option<DeltaClass> {
    let applies =
        |control: &&ControlResult| !matches!(control.verdict, Verdict::NotApplicable { .. });
    let (b, a) = match (before.filter(applies), after.filter(applies)) {
        (None, None) => return None,
        (None, Some(_)) => return Some(DeltaClass::New),
        (Some(_), None) => return Some(DeltaClass::Withdrawn),
        (Some(b), Some(a)) => (b, a),
    };
    let (seen_before, seen_after) = (b.verdict.is_conclusive(), a.verdict.is_conclusive());
    let differs = b.verdict.as_str() != a.verdict.as_str();
    Some(match (seen_before, seen_after) {
        (true, false) => DeltaClass::CoverageLost,
        (false, true) => DeltaClass::CoverageGained,
        _ if differs && seen_after && b.rule_version != a.rule_version => DeltaClass::RuleChanged,
        (true, true) if differs && a.verdict == Verdict::Fail => DeltaClass::Regressed,
        (true, true) if differs => DeltaClass::Improved,
        _ if changed => DeltaClass::Drift,
        _ => DeltaClass::Unchanged,
    })
}

fn index(evidence: &[Evidence]) -> BTreeMap<Digest, &Evidence> {
    evidence.iter().map(|document| (document.digest(), document)).collect()
}

/// The items of one rule that differ between two documents; none where the documents differ and
/// one of them is not there.
fn changes(
    pointers: &[String],
    documents: [Option<&Digest>; 2],
    evidence: &[BTreeMap<Digest, &Evidence>; 2],
) -> Option<Vec<PointerChange>> {
    let [Some(before), Some(after)] = documents else { return Some(Vec::new()) };
    if before == after {
        return Some(Vec::new());
    }
    let (before, after) = (evidence[0].get(before)?, evidence[1].get(after)?);
    let differing = pointers
        .iter()
        .filter(|pointer| before.item(pointer) != after.item(pointer))
        .map(|pointer| PointerChange {
            pointer: pointer.clone(),
            before: before.item(pointer).map(shown),
            after: after.item(pointer).map(shown),
        })
        .collect();
    Some(differing)
}

fn shown(item: &Item<serde_json::Value>) -> String {
    match item {
        Item::Observed { value: serde_json::Value::String(text) } => cut(text),
        Item::Observed { value } => cut(&value.to_string()),
        other => other.status().to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MAX_VALUE).collect();
    format!("{kept} (first {MAX_VALUE} of {} characters)", text.chars().count())
}
