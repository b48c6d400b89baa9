//! A run at work: what its Job and its evidence say.

use crds::EvidenceCount;
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use kube::ResourceExt as _;
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
        let jobs: Api<Job> = self.context.beside(self.run);
        let job = jobs.get_opt(&self.run.name_any()).await?;
        if record.state == RunState::Complete {
            // Whoever finished it died. The Job was kept so that it can still say how it ended; if
            // it is gone it went in its own time, and nothing is known.
            let end = match &job {
                Some(job) => self.end(&record, Some(job)).await?,
                None => None,
            };
            return self.report(&record, end).await;
        }
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
        let said = self.last_words().await?.map(|words| format!("; {words}")).unwrap_or_default();
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
}
