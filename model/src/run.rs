//! The record of one run: what every face stores, and what every report is rendered from.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::assessment::Assessment;
use crate::check::{Bundle, CheckId, Mode};
use crate::delta::Delta;
use crate::digest::Digest;
use crate::document::AuditTarget;
use crate::evidence::Evidence;
use crate::key::{RunId, Subject, TargetKey};
use crate::request::Plan;

/// Version of the run record's shape.
pub const RUN_SCHEMA: &str = "run.v1";

/// One run of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// `run.v1`.
    pub schema: String,
    /// Name of the run.
    pub id: RunId,
    /// The target's key.
    pub target: TargetKey,
    /// The stage.
    pub mode: Mode,
    /// The bundle, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// The checks that were selected.
    pub checks: Vec<CheckId>,
    /// Where the run stands.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The engine that judged.
    pub engine: EngineInfo,
    /// Name of the file that the document came from, without its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The target as it was declared then. Sources are named in it, never their content.
    pub document: AuditTarget,
    /// What was asked.
    pub plan: Plan,
    /// What was collected, in the order of the plan.
    pub evidence: Vec<EvidenceRef>,
    /// The judgement; none while the run has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The comparison with the baseline, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
    /// What somebody must hear of.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// Digests that hold the record together; none while the run has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
}

impl RunRecord {
    /// The record of a run of `target` that begins at `started_at` and does what `plan` says; what
    /// is not known yet is empty, and the stage is an audit. Secrets that could stand in the
    /// documents are taken out of both.
    pub fn begun(
        id: RunId,
        target: &AuditTarget,
        plan: &Plan,
        engine: EngineInfo,
        started_at: Timestamp,
    ) -> Self {
        Self {
            schema: RUN_SCHEMA.to_owned(),
            id,
            target: target.key(),
            mode: Mode::Audit,
            bundle: None,
            checks: plan.checks(),
            state: RunState::Running,
            started_at,
            ended_at: None,
            engine,
            file: None,
            document: target.clone().for_record(),
            plan: plan.clone().for_record(),
            evidence: Vec::new(),
            assessment: None,
            delta: None,
            alerts: Vec::new(),
            integrity: None,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Begun, and not ended.
    Running,
    /// Ended with an assessment.
    Complete,
    /// Its process ended before it did.
    Interrupted,
}

impl RunState {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The engine that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineInfo {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One collected document, by address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRef {
    /// The check.
    pub check: CheckId,
    /// The subject.
    pub subject: Subject,
    /// Contract, `<check>.v<N>`.
    pub schema: String,
    /// Address of the body: digest over its stable half.
    pub digest: Digest,
    /// Digest over the whole document as it was collected.
    pub document: Digest,
}

impl From<&Evidence> for EvidenceRef {
    fn from(evidence: &Evidence) -> Self {
        Self {
            check: evidence.check,
            subject: evidence.subject.clone(),
            schema: evidence.schema.clone(),
            digest: evidence.digest(),
            document: Digest::of(evidence),
        }
    }
}

/// Digests that hold a record together. `plumb verify` computes each of them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Integrity {
    /// Digest over run, target, evidence digests, packs, coverage and the previous manifest.
    pub manifest: Digest,
    /// Digest over the assessment.
    pub assessment: Digest,
    /// Manifest of the target's run before this one; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// Runs in this target's chain, this one included.
    pub chain_length: u64,
}

/// A record with the evidence that it names: enough to judge it again, offline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBundle {
    /// The record.
    pub record: RunRecord,
    /// Its evidence, in the order of the record.
    pub evidence: Vec<Evidence>,
    /// Exceptions that were in force, as declared.
    #[serde(default)]
    pub exceptions: Vec<crate::document::AuditException>,
    /// Record and evidence of the baseline that the delta compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Box<RunBundle>>,
}
