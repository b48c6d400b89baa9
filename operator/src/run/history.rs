//! Which ended runs stay in the cluster. Their history is in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::condition;
use crds::{AuditRun, AuditRunStatus, Phase};
use kube::api::DeleteParams;
use kube::{Api, ResourceExt as _};

use crate::error::Result;

/// How many ended runs of each target stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of those with all their evidence.
    pub successful: u32,
    /// Of the others.
    pub failed: u32,
}

impl Default for Limits {
    /// What a CronJob keeps.
    fn default() -> Self {
        Self { successful: 3, failed: 1 }
    }
}

/// Takes ended runs beyond the limits out of the cluster.
///
/// # Errors
/// If the API server refuses.
pub async fn prune(api: &Api<AuditRun>, runs: &[Arc<AuditRun>], limits: Limits) -> Result<()> {
    for name in surplus(runs, limits) {
        match api.delete(&name, &DeleteParams::background()).await {
            Err(kube::Error::Api(error)) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// The ended runs of each target beyond the newest so many: with all their evidence, and without.
fn surplus(runs: &[Arc<AuditRun>], limits: Limits) -> Vec<String> {
    let mut by_target: BTreeMap<(&str, bool), Vec<&AuditRun>> = BTreeMap::new();
    let ended = |run: &&Arc<AuditRun>| run.status.as_ref().is_some_and(AuditRunStatus::is_over);
    for run in runs.iter().filter(ended) {
        let whole = run.status.as_ref().is_some_and(|status| {
            status.phase == Some(Phase::Complete)
                && condition::holds(&status.conditions, condition::EVIDENCE_STORED)
        });
        by_target.entry((run.spec.target_ref.name.as_str(), whole)).or_default().push(run);
    }
    let mut names = Vec::new();
    for ((_, whole), mut runs) in by_target {
        let limit = if whole { limits.successful } else { limits.failed };
        runs.sort_by_key(|run| std::cmp::Reverse(run.creation_timestamp().map(|time| time.0)));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        names.extend(runs.into_iter().skip(limit).map(kube::ResourceExt::name_any));
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(name: &str, target: &str, minute: u32, phase: &str, stored: &str) -> Arc<AuditRun> {
        let time = format!("2026-11-21T10:{minute:02}:00Z");
        let run = json!({
            "apiVersion": "plumbline.dev/v1alpha1",
            "kind": "AuditRun",
            "metadata": { "name": name, "creationTimestamp": time },
            "spec": { "targetRef": { "name": target } },
            "status": { "phase": phase, "conditions": [{
                "type": "EvidenceStored", "status": stored, "reason": "R", "message": "",
                "lastTransitionTime": time,
            }] },
        });
        Arc::new(serde_json::from_value(run).unwrap())
    }

    #[test]
    fn the_newest_of_each_target_stay_and_those_at_work_do() {
        let runs = [
            run("a1", "a", 1, "Complete", "True"),
            run("a2", "a", 2, "Complete", "True"),
            run("a3", "a", 3, "Complete", "False"),
            run("a4", "a", 4, "Failed", "False"),
            run("a5", "a", 5, "Running", "False"),
            run("b1", "b", 1, "Complete", "True"),
        ];
        assert_eq!(surplus(&runs, Limits { successful: 1, failed: 1 }), ["a3", "a1"]);
        assert_eq!(surplus(&runs, Limits { successful: 0, failed: 0 }).len(), 5);
        assert!(surplus(&runs, Limits::default()).contains(&"a3".to_owned()));
    }
}
