//! `AuditTarget`: one path, and where it stands.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use model::{Posture, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::{DeltaSummary, Summary};

/// What is audited, as it is written in files too.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "plumbline.dev",
    version = "v1alpha1",
    kind = "AuditTarget",
    plural = "audittargets",
    shortname = "at",
    category = "audit",
    namespaced,
    status = "AuditTargetStatus",
    derive = "PartialEq",
    doc = "One IoT path that is audited: its endpoints, its files, and what is trusted on it.",
    selectable = ".spec.path",
    printcolumn(name = "Path", type_ = "string", json_path = ".spec.path"),
    printcolumn(name = "Posture", type_ = "string", json_path = ".status.posture"),
    printcolumn(name = "Risk", type_ = "integer", json_path = ".status.riskScore"),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.summary.open"),
    printcolumn(name = "Regressed", type_ = "integer", json_path = ".status.delta.regressed"),
    printcolumn(name = "Evidence", type_ = "date", json_path = ".status.evidenceTime"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Run", type_ = "string", json_path = ".status.lastRun.runId", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(transparent)]
pub struct AuditTargetSpec(pub model::document::AuditTargetSpec);

/// Where a target stands, from its last run with evidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditTargetStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds of the target: Ready, EvidenceStored, Degraded and Stale.
    #[serde(default)]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<Condition>,
    /// Colour by gate: green, amber, red or unknown. Never green when the evidence is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
    /// PASS, FAIL or INCOMPLETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Risk score, 0 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<i32>,
    /// Findings and controls, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What changed against the baseline, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaSummary>,
    /// When the evidence behind this status was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_time: Option<Time>,
    /// The run behind this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// Value of the `plumbline.dev/run-now` label that was honoured last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run_request: Option<String>,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// Name of the AuditRun; it may be gone from the cluster.
    pub name: String,
    /// Name of the run in the store, for `plumb report`.
    pub run_id: String,
    /// Digest of the run's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Generation of the target that was audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_generation: Option<i64>,
}
