//! What the evidence means: a verdict per control, the findings, score and posture.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::domain::Domain;
use crate::key::{FindingId, IssueKey, Subject, TargetKey};
use crate::posture::{Posture, Status};
use crate::severity::Severity;
use crate::verdict::Verdict;

/// The whole judgement of one run of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// The target.
    pub target: TargetKey,
    /// The time that the evidence was judged at; every "days left" counts from it.
    pub assessed_at: Timestamp,
    /// The rule packs that judged, in order of id.
    pub packs: Vec<PackRef>,
    /// The rules that judged, in order of key.
    pub rules: Vec<JudgedRule>,
    /// PASS, FAIL or INCOMPLETE.
    pub status: Status,
    /// The worst domain.
    pub posture: Posture,
    /// `floor(100*P/(P+30))` over all open, unwaived findings; none if nothing was evaluated.
    pub risk_score: Option<u32>,
    /// The sum P behind the score.
    pub points: u64,
    /// What was evaluated out of what was selected.
    pub coverage: Coverage,
    /// Posture per domain, every domain, in the product's order.
    pub domains: Vec<DomainPosture>,
    /// Every control, in order of rule and subject.
    pub controls: Vec<ControlResult>,
    /// Failing controls: open first, then waived; by severity, then key, then subject.
    pub findings: Vec<Finding>,
    /// Exceptions that matched nothing, or have ended.
    pub exceptions: Vec<ExceptionUse>,
    /// Rules whose expression failed on admitted evidence. Always a defect of ours or the pack's.
    pub defects: Vec<Defect>,
}

/// A rule pack by name, version and content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackRef {
    /// Id of the pack.
    pub id: String,
    /// Version of the pack.
    pub version: String,
    /// Digest over its rules.
    pub digest: Digest,
}

/// One rule as it judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgedRule {
    /// The rule.
    pub rule: IssueKey,
    /// Its version.
    pub version: u32,
    /// Pointers that bear on it, sorted: a control drifts when one of these differs.
    pub pointers: Vec<String>,
}

/// How much of what was selected could be judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Controls that apply: pass, fail, inconclusive and not run.
    pub selected: u32,
    /// Controls with a conclusive verdict: pass and fail.
    pub evaluated: u32,
    /// Controls without one although they apply.
    pub inconclusive: u32,
    /// Of those, the mandatory ones.
    pub mandatory_inconclusive: u32,
    /// Controls that do not apply; not part of `selected`.
    pub not_applicable: u32,
}

/// Posture and score of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainPosture {
    /// The domain.
    pub domain: Domain,
    /// By the same gate as the whole run.
    pub posture: Posture,
    /// By the same formula as the whole run; none if nothing was evaluated.
    pub risk_score: Option<u32>,
    /// What was evaluated in this domain.
    pub coverage: Coverage,
}

/// The verdict of one rule on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlResult {
    /// The rule.
    pub rule: IssueKey,
    /// Its version.
    pub rule_version: u32,
    /// The subject.
    pub subject: Subject,
    /// Title of the rule as a control: what holds when it passes.
    pub title: String,
    /// The rule's primary domain.
    pub domain: Domain,
    /// Severity, the target's override applied.
    pub severity: Severity,
    /// Whether a run is incomplete without it.
    pub mandatory: bool,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Name of the exception that waives a failing control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
    /// Address of the evidence; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// The rule's sentence for "what is solid"; empty unless the control passes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub solid: String,
}

/// A failing control, with everything that somebody needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Identity, the same in every face.
    pub id: FindingId,
    /// The rule, which is the issue key.
    pub key: IssueKey,
    /// Version of the rule.
    pub rule_version: u32,
    /// The subject.
    pub subject: Subject,
    /// Severity, the target's override applied.
    pub severity: Severity,
    /// The rule's primary domain.
    pub domain: Domain,
    /// One line.
    pub title: String,
    /// What was observed, in a sentence or two.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// Facts as they were observed.
    pub observed: Vec<String>,
    /// Facts as they should be.
    pub expected: Vec<String>,
    /// Address of the evidence.
    pub evidence: Digest,
    /// The pointers in it that decide.
    pub pointers: Vec<String>,
    /// What to do.
    pub remediation: Remediation,
    /// What must be observed for the finding to close.
    pub acceptance: Vec<String>,
    /// The command that verifies the fix.
    pub verify: String,
    /// Clauses that the finding touches.
    pub standards: Vec<StandardRef>,
    /// Further reading.
    pub references: Vec<String>,
    /// Name of the exception that waives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
    /// Name, reason, approver and end of that exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
    /// What the rule contributes to the summary.
    pub says: Says,
}

impl Finding {
    /// True while nobody has accepted it.
    pub const fn is_open(&self) -> bool {
        self.waived_by.is_none()
    }
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remediation {
    /// One line, for the backlog.
    pub action: String,
    /// How, in a few sentences.
    pub text: String,
    /// A configuration or command to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// Who usually owns it: `gateway`, `broker`, `ingest`, `identity`, `platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// The sentences that a rule contributes to the executive summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// A clause for the one-sentence opinion when it fails, without a full stop:
    /// "anyone who reaches this path can write telemetry into it".
    pub opinion: String,
    /// A sentence for "what is exposed" when it fails.
    pub exposed: String,
    /// A sentence for "what must change first" when it fails.
    pub first: String,
    /// A sentence for "what is solid" when it passes.
    pub solid: String,
}

/// A clause of a published document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardRef {
    /// Name of the framework.
    pub framework: String,
    /// Edition of it.
    pub edition: String,
    /// The clause.
    pub clause: String,
    /// The clause was not read in its source yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_review: bool,
}

/// An exception as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Name of the AuditException.
    pub name: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub approved_by: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What became of one exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionUse {
    /// Name of the AuditException.
    pub name: String,
    /// What became of it.
    pub state: ExceptionState,
    /// Findings that it waives in this run.
    pub findings: Vec<FindingId>,
}

/// What became of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// Waives something.
    Active,
    /// Matches no failing control: can be removed.
    Unused,
    /// Its time is over; what it waived is open again.
    Expired,
    /// The evidence changed since it was accepted.
    Changed,
}

/// A rule whose expression failed on admitted evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The rule.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// What the expression engine said.
    pub error: String,
}

impl Assessment {
    /// Findings that nobody has accepted.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_open())
    }

    /// Open findings counted by severity; a severity without any is absent.
    pub fn open_by_severity(&self) -> BTreeMap<Severity, u32> {
        let mut counts = BTreeMap::new();
        for finding in self.open_findings() {
            *counts.entry(finding.severity).or_insert(0) += 1;
        }
        counts
    }
}
