//! A judgement in a few numbers, for a status.

use model::assessment::Assessment;
use model::delta::Delta;
use model::{Severity, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Findings and controls of a run, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Open findings that nobody waived.
    pub open: i32,
    /// Open findings of severity critical.
    pub critical: i32,
    /// Open findings of severity high.
    pub high: i32,
    /// Open findings of severity medium.
    pub medium: i32,
    /// Open findings of severity low.
    pub low: i32,
    /// Open findings of severity info.
    pub info: i32,
    /// Findings that an exception waives.
    pub waived: i32,
    /// Controls that hold.
    pub pass: i32,
    /// Controls that could not be decided.
    pub inconclusive: i32,
    /// Controls that were decided.
    pub evaluated: i32,
    /// Controls that were selected.
    pub selected: i32,
}

impl From<&Assessment> for Summary {
    fn from(assessment: &Assessment) -> Self {
        let open = |severity: Severity| {
            let of = |finding: &&model::assessment::Finding| {
                finding.waived_by.is_none() && finding.severity == severity
            };
            count(assessment.findings.iter().filter(of).count())
        };
        let waived = assessment.findings.iter().filter(|f| f.waived_by.is_some()).count();
        let holds = |control: &&model::assessment::ControlResult| control.verdict == Verdict::Pass;
        Self {
            open: count(assessment.findings.len() - waived),
            critical: open(Severity::Critical),
            high: open(Severity::High),
            medium: open(Severity::Medium),
            low: open(Severity::Low),
            info: open(Severity::Info),
            waived: count(waived),
            pass: count(assessment.controls.iter().filter(holds).count()),
            inconclusive: signed(assessment.coverage.inconclusive),
            evaluated: signed(assessment.coverage.evaluated),
            selected: signed(assessment.coverage.selected),
        }
    }
}

/// What changed against the baseline, counted in controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeltaSummary {
    /// The run that was compared with.
    pub baseline: String,
    /// Controls that held and fail now.
    pub regressed: i32,
    /// Controls that failed and hold now.
    pub improved: i32,
    /// Controls that the baseline does not have.
    pub new: i32,
    /// Controls that were decided and cannot be any more.
    pub coverage_lost: i32,
    /// Controls that could not be decided and can be now.
    pub coverage_gained: i32,
    /// Controls with the same verdict on other evidence.
    pub drift: i32,
    /// Controls with another verdict by another version of their rule.
    pub rule_changed: i32,
    /// Controls that are not asked any more.
    pub withdrawn: i32,
    /// Controls where nothing changed.
    pub unchanged: i32,
}

impl From<&Delta> for DeltaSummary {
    fn from(delta: &Delta) -> Self {
        let counts = &delta.counts;
        Self {
            baseline: delta.before.run.0.clone(),
            regressed: signed(counts.regressed),
            improved: signed(counts.improved),
            new: signed(counts.new),
            coverage_lost: signed(counts.coverage_lost),
            coverage_gained: signed(counts.coverage_gained),
            drift: signed(counts.drift),
            rule_changed: signed(counts.rule_changed),
            withdrawn: signed(counts.withdrawn),
            unchanged: signed(counts.unchanged),
        }
    }
}

/// Kubernetes has no unsigned integers (API conventions, "Primitive types").
fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
