//! A run at work: what its Job and its evidence say.

use crds::EvidenceCount;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::ResourceExt as _;
use kube::api::ListParams;
use kube::runtime::controller::Action;
use model::run::{RunRecord, RunState};

use super::Step;
use super::begin::LOOK;
use crate::error::Result;

/// How a run's probing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Every planned document is stored.
    Whole,
    /// Nothing more will come; why, and what the pods said last.
    Short(String),
}

impl Step<'_> {
    /// Finishes the run if nothing more will come.
    pub(super) async fn observe(&self) -> Result<Action> {
        let id = self.id()?;
        let record = self.context.store.run(&id.0, self.now).await?;
        if record.state == RunState::Complete {
            return self.report(&record, None).await;
        }
        let jobs: Api<Job> = self.context.beside(self.run);
        let job = jobs.get_opt(&self.run.name_any()).await?;
        match self.end(&record, job.as_ref()).await? {
            Some(end) => self.conclude(record, end).await,
            None => {
                self.progress(&record).await?;
                Ok(Action::requeue(LOOK))
            }
        }
    }

    async fn end(&self, record: &RunRecord, job: Option<&Job>) -> Result<Option<End>> {
        if record.evidence.len() >= record.plan.requests.len() {
            return Ok(Some(End::Whole));
        }
        let Some(job) = job else {
            return Ok(Some(End::Short("its Job was deleted".to_owned())));
        };
        let Some(why) = outcome(job) else { return Ok(None) };
        let last_words = self.last_words().await?;
        let said = last_words.map(|words| format!("; its pod said: {words}")).unwrap_or_default();
        Ok(Some(End::Short(format!("{why}{said}"))))
    }

    async fn progress(&self, record: &RunRecord) -> Result<()> {
        let old = self.run.status.as_ref();
        let mut status = old.cloned().unwrap_or_default();
        let number = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
        status.evidence = Some(EvidenceCount {
            planned: number(record.plan.requests.len()),
            stored: number(record.evidence.len()),
        });
        self.context.patch_status(self.run, old, &status).await
    }

    /// What the pods of the Job wrote when they ended, and why they could not start.
    async fn last_words(&self) -> Result<Option<String>> {
        let pods: Api<Pod> = self.context.beside(self.run);
        let of_job = ListParams::default()
            .labels(&format!("batch.kubernetes.io/job-name={}", self.run.name_any()));
        let pods = pods.list(&of_job).await?;
        let mut words = pods.items.iter().filter_map(|pod| {
            let state =
                pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()?;
            let terminated =
                state.terminated.as_ref().and_then(|t| t.message.clone().or(t.reason.clone()));
            let waiting =
                || state.waiting.as_ref().and_then(|w| w.message.clone().or(w.reason.clone()));
            terminated.or_else(waiting)
        });
        Ok(words.next_back().map(|words| printable(&words)))
    }
}

/// Why a Job is over; nothing while it is not.
pub(super) fn outcome(job: &Job) -> Option<String> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let over = conditions.iter().find(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })?;
    if over.type_ == "Complete" {
        return Some("its Job ended without all the evidence".to_owned());
    }
    let reason = over.reason.as_deref().unwrap_or("Failed");
    Some(format!("its Job failed: {reason}"))
}

/// One line of what a pod wrote: it may be anybody's text.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(conditions: serde_json::Value) -> Job {
        serde_json::from_value(json!({ "status": { "conditions": conditions } })).expect("a Job")
    }

    #[test]
    fn a_job_is_over_when_a_condition_says_so() {
        assert_eq!(outcome(&Job::default()), None);
        assert_eq!(outcome(&with(json!([{ "type": "Suspended", "status": "True" }]))), None);
        assert_eq!(outcome(&with(json!([{ "type": "FailureTarget", "status": "True" }]))), None);
        let failed =
            with(json!([{ "type": "Failed", "status": "True", "reason": "DeadlineExceeded" }]));
        assert_eq!(outcome(&failed).as_deref(), Some("its Job failed: DeadlineExceeded"));
        let complete = with(json!([{ "type": "Complete", "status": "True" }]));
        assert_eq!(outcome(&complete).as_deref(), Some("its Job ended without all the evidence"));
    }

    #[test]
    fn what_a_pod_wrote_is_one_short_line() {
        assert_eq!(printable("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(printable(&"x".repeat(5_000)).len(), 200);
    }
}
