//! `jobTemplate`: the part of a probe Job that users shape.
//!
//! It has what decides where and with how much a Job runs, and nothing that would let it do more
//! than probe: no image, command, volume, host namespace or privilege. Whoever may write a
//! schedule gains nothing by it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, LocalObjectReference, ResourceRequirements, Toleration, TopologySpreadConstraint,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds until a Job is ended, where nothing else is said.
pub const ACTIVE_DEADLINE_SECONDS: i64 = 300;
/// How often a Job tries again, where nothing else is said.
pub const BACKOFF_LIMIT: i32 = 1;
/// Seconds that an ended Job stays, where nothing else is said.
pub const TTL_SECONDS: i32 = 3_600;

/// How probe Jobs are shaped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobTemplate {
    /// Labels on Job and pod, beside the operator's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations on Job and pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels that the node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pod tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Where the pod would rather run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How pods are spread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// Priority class of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Service account of the pod; its token is not mounted. `default` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Secrets that the image is pulled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// CPU and memory of the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Seconds until the Job is ended; 300 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86400))]
    pub active_deadline_seconds: Option<i64>,
    /// How often the Job tries again; 1 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10))]
    pub backoff_limit: Option<i32>,
    /// Seconds that an ended Job stays; 3600 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 604_800))]
    pub ttl_seconds_after_finished: Option<i32>,
}

/// The template asks for something that it cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadJobTemplate(pub String);

impl std::fmt::Display for BadJobTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "spec.jobTemplate: {}", self.0)
    }
}

impl std::error::Error for BadJobTemplate {}

impl JobTemplate {
    /// Reads a template; without one, the defaults.
    ///
    /// # Errors
    /// [`BadJobTemplate`] for a field that is not there, and for a label of ours.
    pub fn read(template: Option<&serde_json::Value>) -> Result<Self, BadJobTemplate> {
        let Some(template) = template else { return Ok(Self::default()) };
        let template: Self = serde_json::from_value(template.clone())
            .map_err(|error| BadJobTemplate(error.to_string()))?;
        let ours = |key: &&String| {
            key.starts_with("plumbline.dev/") || key.starts_with("app.kubernetes.io/")
        };
        if let Some(key) = template.labels.keys().chain(template.annotations.keys()).find(ours) {
            return Err(BadJobTemplate(format!("`{key}` is set by the operator; remove it")));
        }
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_give_a_job_more_than_probing_is_not_there() {
        for field in ["volumes", "image", "command", "hostNetwork", "hostPID", "securityContext"] {
            let refused = JobTemplate::read(Some(&json!({ field: true }))).expect_err(field);
            assert!(refused.to_string().contains(&format!("unknown field `{field}`")), "{refused}");
        }
    }

    #[test]
    fn labels_of_the_operator_cannot_be_taken() {
        let template = json!({ "labels": { "plumbline.dev/run": "another" } });
        let refused = JobTemplate::read(Some(&template)).expect_err("a label of ours");
        assert_eq!(
            refused.to_string(),
            "spec.jobTemplate: `plumbline.dev/run` is set by the operator; remove it"
        );
    }

    #[test]
    fn a_whole_template_is_read() {
        let template = json!({
            "labels": { "team": "gateway" },
            "tolerations": [{ "key": "edge", "operator": "Exists" }],
            "resources": { "limits": { "memory": "128Mi" } },
            "activeDeadlineSeconds": 120,
        });
        let read = JobTemplate::read(Some(&template)).expect("a good template");
        assert_eq!(read.active_deadline_seconds, Some(120));
        assert_eq!(read.tolerations.len(), 1);
    }
}
