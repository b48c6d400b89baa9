//! From evidence to a stored judgement: one transaction, then the statuses that speak of it.

use crds::AuditException;
use engine::conclude::{Terms, conclude};
use kube::api::ListParams;
use kube::runtime::controller::Action;
use model::document::{AuditException as Exception, BaselineChoice};
use model::evidence::Evidence;
use model::run::{RunBundle, RunRecord};
use model::{Mode, RunId};
use store::StoreError;

use super::Step;
use super::observe::End;
use crate::crash::{self, Point};
use crate::document;
use crate::error::Result;

impl Step<'_> {
    /// Judges what was collected and stores it. What was not collected is inconclusive, with the
    /// reason in the status; it never reads as holding.
    pub(super) async fn conclude(&self, record: RunRecord, end: End) -> Result<Action> {
        let store = &self.context.store;
        let bundle = store.bundle(&record.id, false, self.now).await?;
        let mut record = bundle.record;
        let evidence = in_order_of_plan(&record, bundle.evidence);
        let exceptions = self.exceptions().await?;
        let before = self.before(&record).await?;
        let terms = Terms {
            rules: &self.context.rules,
            exceptions: &exceptions,
            before: before.as_ref(),
            next_run: self.run.spec.next_run.as_ref().map(|time| time.0),
        };
        conclude(&mut record, &evidence, &terms, self.now);
        crash::reached(Point::RunJudged);
        let seal = engine::integrity::seal;
        match store.finish_in_chain(&mut record, &exceptions, &evidence, seal).await {
            Ok(()) => crash::reached(Point::RunFinished),
            // Another replica finished it, or evidence came in meanwhile: look again.
            Err(StoreError::Conflict { what }) => {
                tracing::info!(run = %record.id, what, "looked at again before it is finished");
                return Ok(Action::requeue(std::time::Duration::from_millis(200)));
            }
            Err(error) => return Err(error.into()),
        }
        self.report(&record, Some(end)).await
    }

    /// Makes the first audit of a target what later ones are compared with.
    pub(super) async fn keep_baseline(&self, record: &RunRecord) -> Result<()> {
        let store = &self.context.store;
        if record.mode == Mode::Audit && store.baseline(&record.target).await?.is_none() {
            store.set_baseline(&record.id, "first audit of this target", self.now).await?;
            crash::reached(Point::BaselineSet);
        }
        Ok(())
    }

    /// Every exception of the namespace, in the order of their names.
    async fn exceptions(&self) -> Result<Vec<Exception>> {
        // One that cannot be read waives nothing.
        let all = ListParams::default();
        let mut objects: Vec<AuditException> = self.context.list_beside(self.run, &all).await?;
        objects.sort_by_key(kube::ResourceExt::name_any);
        Ok(objects.iter().map(document::exception).collect())
    }

    /// The run to compare with.
    async fn before(&self, record: &RunRecord) -> Result<Option<RunBundle>> {
        let store = &self.context.store;
        let previous = || store.previous(&record.target, record.started_at);
        let policy = self.run.spec.baseline.as_ref();
        let id: Option<RunId> = match policy.map(|baseline| baseline.policy) {
            Some(BaselineChoice::None) => None,
            Some(BaselineChoice::Previous) => previous().await?,
            Some(BaselineChoice::Pinned) => {
                let name = policy.and_then(|baseline| baseline.run_ref.as_deref()).unwrap_or("");
                match store.run(name, self.now).await {
                    Ok(run) if run.target == record.target => Some(run.id),
                    Ok(_) | Err(StoreError::NotFound { .. } | StoreError::Ambiguous { .. }) => {
                        tracing::warn!(run = %record.id, baseline = name, "the pinned baseline is no run of this target");
                        None
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => match store.baseline(&record.target).await? {
                Some(id) => Some(id),
                None => previous().await?,
            },
        };
        match id.filter(|id| *id != record.id) {
            Some(id) => {
                let bundle = store.bundle(&id, false, self.now).await?;
                Ok(Some(bundle).filter(|bundle| bundle.record.assessment.is_some()))
            }
            None => Ok(None),
        }
    }
}

/// Evidence comes in as probes end; the record lists it as it was planned.
fn in_order_of_plan(record: &RunRecord, evidence: Vec<Evidence>) -> Vec<Evidence> {
    let place = |document: &Evidence| {
        record.plan.requests.iter().position(|request| {
            request.check == document.check && request.subject == document.subject
        })
    };
    let mut evidence = evidence;
    evidence.sort_by_key(place);
    evidence
}
