//! `AuditSchedule`: when targets are audited again, and against what.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metadata, limits};
use crate::check::{Bundle, CheckId, Mode};

/// When and how targets are audited again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditSchedule {
    /// `plumbline.dev/v1alpha1`.
    pub api_version: String,
    /// Name and labels.
    pub metadata: Metadata,
    /// The schedule.
    pub spec: AuditScheduleSpec,
}

/// The schedule. Exactly one of `targetRefs` and `targetSelector`, and at most one of `bundle`
/// and `checks`, is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditScheduleSpec {
    /// Targets by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub target_refs: Option<Vec<TargetRef>>,
    /// Targets by label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_selector: Option<LabelSelector>,
    /// The bundle to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// The checks to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub checks: Option<Vec<CheckId>>,
    /// The stage that runs belong to: audit, sprint or retainer.
    #[serde(default)]
    pub mode: Mode,
    /// The rule pack to judge by; the built-in one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulePackRef>,
    /// Cron expression of five fields: minute, hour, day of month, month, day of week.
    #[schemars(regex(pattern = limits::CRON))]
    pub schedule: String,
    /// IANA time zone of the schedule; UTC where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// No new runs while true.
    #[serde(default)]
    pub suspend: bool,
    /// What happens when the last run has not ended.
    #[serde(default)]
    pub concurrency_policy: ConcurrencyPolicy,
    /// Seconds after which a missed slot is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::STARTING_DEADLINE_SECONDS.0, max = limits::STARTING_DEADLINE_SECONDS.1))]
    pub starting_deadline_seconds: Option<u32>,
    /// Seconds over which starts are spread; a target has the same delay every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::JITTER_SECONDS.0, max = limits::JITTER_SECONDS.1))]
    pub jitter_seconds: Option<u32>,
    /// One run as soon as the schedule exists.
    #[serde(default)]
    pub run_on_create: bool,
    /// Ended runs that stay in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::HISTORY.0, max = limits::HISTORY.1))]
    pub successful_runs_history_limit: Option<u32>,
    /// Failed runs that stay in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::HISTORY.0, max = limits::HISTORY.1))]
    pub failed_runs_history_limit: Option<u32>,
    /// What runs are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselinePolicy>,
    /// How probe Jobs are shaped; checked by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub job_template: Option<serde_json::Value>,
    /// How long results are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// A target by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetRef {
    /// Its `metadata.name`.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
}

/// Targets by label; every entry must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels with their values.
    #[serde(default)]
    pub match_labels: BTreeMap<String, String>,
}

impl fmt::Display for LabelSelector {
    /// As the API server's `labelSelector` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
        f.write_str(&pairs.collect::<Vec<_>>().join(","))
    }
}

impl LabelSelector {
    /// True if every label of the selector is among `labels`.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// A rule pack by id and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulePackRef {
    /// Id of the pack.
    #[schemars(length(min = 1))]
    pub pack: String,
    /// Version of the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What happens when the last run has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// The slot is skipped.
    #[default]
    Forbid,
    /// Both run.
    Allow,
    /// The last run is ended.
    Replace,
}

/// What runs are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaselinePolicy {
    /// How the baseline is chosen.
    pub policy: BaselineChoice,
    /// The run, where the policy is `pinned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_ref: Option<String>,
}

/// How a baseline is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaselineChoice {
    /// The last ended run.
    Previous,
    /// A named run.
    Pinned,
    /// No comparison.
    None,
}

/// How long results are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// Days until a run that is no baseline may be removed.
    #[schemars(range(min = limits::RETENTION_DAYS.0, max = limits::RETENTION_DAYS.1))]
    pub days: u32,
}
