//! `AuditRun`: one run of one target.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use model::document::{BaselinePolicy, RulePackRef, TargetRef};
use model::{Bundle, CheckId, Mode, Posture, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::{DeltaSummary, Summary};

/// One run of one target. It never changes; `kubectl create` one to run a target now.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "plumbline.dev",
    version = "v1alpha1",
    kind = "AuditRun",
    plural = "auditruns",
    shortname = "ar",
    category = "audit",
    namespaced,
    status = "AuditRunStatus",
    derive = "PartialEq",
    doc = "One run of one target: created by a schedule, by a label on the target, or by hand.",
    selectable = ".spec.targetRef.name",
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.targetRef.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.status"),
    printcolumn(name = "Posture", type_ = "string", json_path = ".status.posture"),
    printcolumn(name = "Risk", type_ = "integer", json_path = ".status.riskScore"),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.summary.open"),
    printcolumn(name = "Improved", type_ = "integer", json_path = ".status.delta.improved"),
    printcolumn(name = "Regressed", type_ = "integer", json_path = ".status.delta.regressed"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Trigger", type_ = "string", json_path = ".spec.trigger", priority = 1),
    printcolumn(name = "Run", type_ = "string", json_path = ".status.runId", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditRunSpec {
    /// The target, in the same namespace.
    pub target_ref: TargetRef,
    /// The schedule that the run belongs to; set by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_ref: Option<ScheduleRef>,
    /// Why the run exists; `Manual` unless the operator made it.
    #[serde(default)]
    pub trigger: Trigger,
    /// The slot of the schedule that the run is of; set by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Time>,
    /// When the run may start: the slot and this target's own delay; set by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// When the next run is due: certificates that end before it raise an alert. Set by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Time>,
    /// The bundle of checks to run; every check whose inputs are declared where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// The checks to run, in place of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub checks: Option<Vec<CheckId>>,
    /// The stage that the run belongs to: audit, sprint or retainer.
    #[serde(default)]
    pub mode: Mode,
    /// The rule pack to judge by; the built-in one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulePackRef>,
    /// What the run is compared with; the target's baseline where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselinePolicy>,
    /// How the probe Job is shaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub job_template: Option<serde_json::Value>,
}

/// A schedule by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleRef {
    /// Its `metadata.name`.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// Why a run exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Trigger {
    /// Somebody created it.
    #[default]
    Manual,
    /// A slot of a schedule came.
    Schedule,
    /// A schedule with `runOnCreate` was created.
    Created,
    /// The target carries the `plumbline.dev/run-now` label.
    Requested,
    /// The target's spec changed.
    TargetChanged,
}

/// Where a run stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRunStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the run stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What somebody should know now, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What holds of the run: EvidenceStored and Degraded.
    #[serde(default)]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<Condition>,
    /// Name of the run in the store, for `plumb report`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The probe Job, in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// When the Job was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the judgement was stored, or the run given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Evidence documents, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceCount>,
    /// PASS, FAIL or INCOMPLETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Colour by gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
    /// Risk score, 0 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<i32>,
    /// Findings and controls, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What changed against the baseline, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaSummary>,
    /// Digests that hold the record together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<RunDigests>,
}

impl AuditRunStatus {
    /// True when nothing will change any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Some(Phase::Complete | Phase::Failed))
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// It waits for its time or for its turn.
    Queued,
    /// Its Job is at work.
    Running,
    /// Its evidence is stored and judged.
    Complete,
    /// It was given up; `message` says why.
    Failed,
}

/// Evidence documents, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceCount {
    /// Documents that the plan asks for.
    pub planned: i32,
    /// Documents of them that are stored.
    pub stored: i32,
}

/// Digests that hold a record together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDigests {
    /// Digest over run, target, evidence digests, packs, coverage and the previous manifest.
    pub manifest: String,
    /// Digest over the assessment.
    pub assessment: String,
}
