//! The runs of a slot: one of each target, or none and the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::{AuditRun, AuditRunSpec, SCHEDULE_LABEL, ScheduleRef, TARGET_LABEL, Trigger, condition};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use model::document::{ConcurrencyPolicy, TargetRef};

use super::slot::Slots;
use super::spread::Turn;
use super::{Desk, is_over};
use crate::context::MANAGER;
use crate::crash::{self, Point};
use crate::error::Result;
use crate::name;

/// Runs that are created at the same time.
const PARALLEL: usize = 16;

impl Desk<'_> {
    /// Gives these targets their run of a slot.
    pub(super) async fn start(
        &self,
        slot: Timestamp,
        turns: Vec<Turn>,
        slots: &Slots,
        active: &BTreeMap<String, Vec<Arc<AuditRun>>>,
    ) -> Result<()> {
        let next = slots.next(self.now);
        let starts: Vec<_> =
            turns.iter().map(|turn| self.start_one(turn, slot, next, active)).collect();
        stream::iter(starts).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    async fn start_one(
        &self,
        turn: &Turn,
        slot: Timestamp,
        next: Option<Timestamp>,
        active: &BTreeMap<String, Vec<Arc<AuditRun>>>,
    ) -> Result<()> {
        let target = &turn.target;
        let run_name = name::of_slot(&self.schedule.name_any(), target, slot);
        let runs: Api<AuditRun> = self.context.beside(self.schedule);
        // A run of this very slot is this one, seen again.
        let others: Vec<&Arc<AuditRun>> = active
            .get(target)
            .into_iter()
            .flatten()
            .filter(|run| run.name_any() != run_name)
            .collect();
        match self.spec.concurrency_policy {
            ConcurrencyPolicy::Forbid if !others.is_empty() => {
                let note = format!("of {target}: run {} has not ended", others[0].name_any());
                self.skipped("forbidden", 1, &note).await;
                return Ok(());
            }
            ConcurrencyPolicy::Replace => {
                for run in others {
                    match runs.delete(&run.name_any(), &DeleteParams::background()).await {
                        Err(kube::Error::Api(error)) if error.is_not_found() => {}
                        other => drop(other?),
                    }
                }
            }
            ConcurrencyPolicy::Forbid | ConcurrencyPolicy::Allow => {}
        }
        let run = self.run(turn, run_name, slot, next);
        let by = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match runs.create(&by, &run).await {
            Err(kube::Error::Api(error)) if error.is_already_exists() => {
                let name = run.name_any();
                let there = runs.get_opt(&name).await?;
                // Gone again: it was ours, and was pruned, or it is looked at once more.
                let taken = there
                    .is_some_and(|there| !self.is_own(&there) || there.spec.slot != run.spec.slot);
                if taken {
                    let note = format!("of {target}: AuditRun {name} is not of it");
                    self.skipped("taken", 1, &note).await;
                    return Ok(());
                }
            }
            other => drop(other?),
        }
        crash::reached(Point::RunCreated);
        Ok(())
    }

    fn run(&self, turn: &Turn, name: String, slot: Timestamp, next: Option<Timestamp>) -> AuditRun {
        let at_creation = self.schedule.creation_timestamp().is_some_and(|created| {
            self.spec.run_on_create && condition::whole_second(created.0) == slot
        });
        AuditRun {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: self.schedule.namespace(),
                labels: Some(BTreeMap::from([
                    (TARGET_LABEL.to_owned(), turn.target.clone()),
                    (SCHEDULE_LABEL.to_owned(), self.schedule.name_any()),
                ])),
                owner_references: turn.owner.clone().map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: AuditRunSpec {
                target_ref: TargetRef { name: turn.target.clone() },
                schedule_ref: Some(ScheduleRef { name: self.schedule.name_any() }),
                trigger: if at_creation { Trigger::Created } else { Trigger::Schedule },
                slot: Some(Time(slot)),
                not_before: (!turn.delay.is_zero()).then(|| Time(slot + turn.delay)),
                next_run: next.map(Time),
                bundle: self.spec.bundle,
                checks: self.spec.checks.clone(),
                mode: self.spec.mode,
                rules: self.spec.rules.clone(),
                baseline: self.spec.baseline.clone(),
                job_template: self.spec.job_template.clone(),
            },
            status: None,
        }
    }

    /// Runs of this schedule that have not ended, by target. Asked of the API server: a cache may
    /// not show the run that was created a moment ago.
    pub(super) async fn active(&self) -> Result<BTreeMap<String, Vec<Arc<AuditRun>>>> {
        if self.spec.concurrency_policy == ConcurrencyPolicy::Allow {
            return Ok(BTreeMap::new());
        }
        let own = format!("{SCHEDULE_LABEL}={}", self.schedule.name_any());
        let own = ListParams::default().labels(&own);
        let runs = self.context.list_beside::<AuditRun>(self.schedule, &own).await?;
        Ok(self.by_target(runs.into_iter().map(Arc::new)))
    }

    /// The same as the cache has it: within a slot, what an earlier one left is long known.
    pub(super) fn known_active(&self) -> BTreeMap<String, Vec<Arc<AuditRun>>> {
        if self.spec.concurrency_policy == ConcurrencyPolicy::Allow {
            return BTreeMap::new();
        }
        self.by_target(self.own_runs())
    }

    fn by_target(
        &self,
        runs: impl IntoIterator<Item = Arc<AuditRun>>,
    ) -> BTreeMap<String, Vec<Arc<AuditRun>>> {
        let mut active: BTreeMap<String, Vec<Arc<AuditRun>>> = BTreeMap::new();
        for run in runs {
            // The label finds runs; whoever may create one may write it. The spec is what holds.
            if self.is_own(&run) && !is_over(&run) && run.metadata.deletion_timestamp.is_none() {
                active.entry(run.spec.target_ref.name.clone()).or_default().push(run);
            }
        }
        active
    }
}
