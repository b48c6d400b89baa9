//! What changed between two runs of one target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::domain::Domain;
use crate::key::{IssueKey, RunId, Subject, TargetKey};
use crate::posture::{Posture, Status};
use crate::severity::Severity;
use crate::verdict::Verdict;

/// Two runs of one target, control by control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The target.
    pub target: TargetKey,
    /// The run that is compared with.
    pub before: Side,
    /// The run that is compared.
    pub after: Side,
    /// How many controls are in each class.
    pub counts: DeltaCounts,
    /// Every control of either run, in order of rule and subject.
    pub controls: Vec<ControlDelta>,
}

/// The summary of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub started_at: jiff::Timestamp,
    /// Its status.
    pub status: Status,
    /// Its posture.
    pub posture: Posture,
    /// Its score.
    pub risk_score: Option<u32>,
    /// Its open findings.
    pub findings: u32,
}

/// The class of one control. Each control is in exactly one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeltaClass {
    /// pass -> fail.
    Regressed,
    /// pass or fail -> inconclusive or not run.
    CoverageLost,
    /// The verdict differs and the rule's version differs.
    RuleChanged,
    /// The control applies now and was not in the baseline, or did not apply there.
    New,
    /// inconclusive or not run -> pass or fail.
    CoverageGained,
    /// fail -> pass.
    Improved,
    /// The control was in the baseline and is not selected or does not apply any more.
    Withdrawn,
    /// Same verdict, other stable evidence.
    Drift,
    /// Same verdict, same evidence.
    Unchanged,
}

impl DeltaClass {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 9] = [
        Self::Regressed,
        Self::CoverageLost,
        Self::RuleChanged,
        Self::New,
        Self::CoverageGained,
        Self::Improved,
        Self::Withdrawn,
        Self::Drift,
        Self::Unchanged,
    ];

    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::CoverageLost => "coverage_lost",
            Self::RuleChanged => "rule_changed",
            Self::New => "new",
            Self::CoverageGained => "coverage_gained",
            Self::Improved => "improved",
            Self::Withdrawn => "withdrawn",
            Self::Drift => "drift",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How many controls are in each class; the sum is the number of compared controls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeltaCounts {
    /// pass -> fail.
    pub regressed: u32,
    /// pass or fail -> inconclusive or not run.
    pub coverage_lost: u32,
    /// The verdict differs and the rule's version differs.
    pub rule_changed: u32,
    /// Not in the baseline.
    pub new: u32,
    /// inconclusive or not run -> pass or fail.
    pub coverage_gained: u32,
    /// fail -> pass.
    pub improved: u32,
    /// Not in this run any more.
    pub withdrawn: u32,
    /// Same verdict, other stable evidence.
    pub drift: u32,
    /// Same verdict, same evidence.
    pub unchanged: u32,
}

impl DeltaCounts {
    /// The count of one class.
    pub const fn of(&self, class: DeltaClass) -> u32 {
        match class {
            DeltaClass::Regressed => self.regressed,
            DeltaClass::CoverageLost => self.coverage_lost,
            DeltaClass::RuleChanged => self.rule_changed,
            DeltaClass::New => self.new,
            DeltaClass::CoverageGained => self.coverage_gained,
            DeltaClass::Improved => self.improved,
            DeltaClass::Withdrawn => self.withdrawn,
            DeltaClass::Drift => self.drift,
            DeltaClass::Unchanged => self.unchanged,
        }
    }

    /// Adds one control of a class.
    pub const fn add(&mut self, class: DeltaClass) {
        match class {
            DeltaClass::Regressed => self.regressed += 1,
            DeltaClass::CoverageLost => self.coverage_lost += 1,
            DeltaClass::RuleChanged => self.rule_changed += 1,
            DeltaClass::New => self.new += 1,
            DeltaClass::CoverageGained => self.coverage_gained += 1,
            DeltaClass::Improved => self.improved += 1,
            DeltaClass::Withdrawn => self.withdrawn += 1,
            DeltaClass::Drift => self.drift += 1,
            DeltaClass::Unchanged => self.unchanged += 1,
        }
    }
}

/// One control in two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlDelta {
    /// The rule.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// Title of the control.
    pub title: String,
    /// The rule's primary domain.
    pub domain: Domain,
    /// Severity in the later run, else in the earlier one.
    pub severity: Severity,
    /// The class.
    pub class: DeltaClass,
    /// The control in the earlier run.
    pub before: Option<ControlSide>,
    /// The control in the later run.
    pub after: Option<ControlSide>,
    /// Stable items of this rule's evidence that differ.
    pub changes: Vec<PointerChange>,
}

/// One control in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlSide {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Version of the rule.
    pub rule_version: u32,
    /// Address of the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// Name of the exception that waives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
}

/// One stable item that differs. Values are rendered as text and cut; the evidence has the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointerChange {
    /// The pointer.
    pub pointer: String,
    /// Value or status word before; none if the item was not there.
    pub before: Option<String>,
    /// Value or status word after; none if the item is not there any more.
    pub after: Option<String>,
}
