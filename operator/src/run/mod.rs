//! AuditRuns: each finds its place by what it observes, and can be picked up by another replica
//! at any point.
//!
//! Queued, until its time and its turn have come; running, while its Job probes; complete, once
//! its evidence is stored and judged. Names and ids follow from the run's own identity, so that
//! every step can be repeated.

mod begin;
mod conclude;
pub mod history;
pub mod job;
mod observe;
pub mod queue;
mod report;
pub mod turn;
mod words;

use std::sync::Arc;

use crds::{AuditRun, Phase};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use model::RunId;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::name;

/// One step of one run.
///
/// # Errors
/// [`Error`], after which the run is looked at again.
pub async fn reconcile(run: Arc<AuditRun>, context: Arc<Context>) -> Result<Action> {
    if run.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let step = Step { run: &run, context: &context, now: Timestamp::now() };
    let action = match run.status.as_ref().and_then(|status| status.phase) {
        None | Some(Phase::Queued) => step.begin().await?,
        Some(Phase::Running) => {
            turn::hold(&context, &run, step.now);
            step.observe().await?
        }
        Some(Phase::Complete | Phase::Failed) => {
            turn::over(&context, &run.uid().unwrap_or_default(), step.now);
            step.prune().await?;
            Action::await_change()
        }
    };
    context.reconciled(run.as_ref());
    Ok(action)
}

/// A run that is looked at.
#[derive(Clone, Copy)]
struct Step<'a> {
    run: &'a AuditRun,
    context: &'a Context,
    now: Timestamp,
}

impl Step<'_> {
    /// Takes older runs of the same target that nobody's schedule keeps out of the cluster.
    async fn prune(&self) -> Result<()> {
        if self.run.spec.schedule_ref.is_some() {
            return Ok(());
        }
        let mut beside = self.context.runs();
        beside.retain(|other| {
            other.spec.schedule_ref.is_none()
                && other.spec.target_ref == self.run.spec.target_ref
                && other.namespace() == self.run.namespace()
        });
        history::prune(&self.context.beside(self.run), &beside, history::Limits::default()).await
    }

    /// The run's name in the store.
    fn id(&self) -> Result<RunId> {
        id(self.run)
    }
}

/// True for a Job that will do nothing more.
pub fn is_over(job: &Job) -> bool {
    observe::outcome(job).is_some()
}

/// Runs whose Job is at work, and runs that wait.
pub fn counts(runs: &[Arc<AuditRun>]) -> (i64, i64) {
    let phase = |run: &&Arc<AuditRun>| run.status.as_ref().and_then(|status| status.phase);
    let at_work = runs.iter().filter(|run| phase(run) == Some(Phase::Running)).count();
    let waiting =
        runs.iter().filter(|run| matches!(phase(run), None | Some(Phase::Queued))).count();
    (i64::try_from(at_work).unwrap_or(i64::MAX), i64::try_from(waiting).unwrap_or(i64::MAX))
}

/// The name of a run in the store.
///
/// # Errors
/// [`Error::Incomplete`] for an object that no API server has seen.
pub fn id(run: &AuditRun) -> Result<RunId> {
    let uid = run.uid().ok_or(Error::Incomplete("AuditRun", "uid"))?;
    let created =
        run.creation_timestamp().ok_or(Error::Incomplete("AuditRun", "creationTimestamp"))?;
    Ok(name::of_run(&uid, created.0))
}
