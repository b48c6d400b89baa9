//! AuditSchedules: which slot is due, and the runs that it gives.
//!
//! Exactly one run per schedule, target and slot: the name of a run says all three, so a slot that
//! is started twice, by a restart or a second replica, gives nothing new.

pub mod slot;

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::condition::{self, Said};
use crds::{
    AuditRun, AuditRunSpec, AuditRunStatus, AuditSchedule, AuditScheduleStatus, AuditTarget,
    SCHEDULE_LABEL, ScheduleRef, TARGET_LABEL, Trigger,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, Resource as _, ResourceExt as _};
use model::document::{AuditScheduleSpec, ConcurrencyPolicy, TargetRef};

use crate::context::{Context, MANAGER, until};
use crate::crash::{self, Point};
use crate::document;
use crate::error::{Error, Result};
use crate::name;
use crate::run::history::{self, Limits};
use slot::{Slots, delay};

/// Runs that are created at the same time.
const PARALLEL: usize = 16;

/// One look at one schedule.
///
/// # Errors
/// [`Error`], after which the schedule is looked at again.
pub async fn reconcile(schedule: Arc<AuditSchedule>, context: Arc<Context>) -> Result<Action> {
    if schedule.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let desk = Desk {
        schedule: &schedule,
        spec: &schedule.spec.0,
        context: &context,
        now: Timestamp::now(),
    };
    let action = desk.look().await?;
    context.reconciled(schedule.as_ref());
    Ok(action)
}

#[derive(Clone, Copy)]
struct Desk<'a> {
    schedule: &'a AuditSchedule,
    spec: &'a AuditScheduleSpec,
    context: &'a Context,
    now: Timestamp,
}

impl Desk<'_> {
    async fn look(&self) -> Result<Action> {
        let old = self.schedule.status.as_ref();
        let mut status = old.cloned().unwrap_or_default();
        status.observed_generation = self.schedule.metadata.generation;
        let slots = match (document::schedule_faults(self.schedule), Slots::of(self.spec)) {
            (None, Ok(slots)) => slots,
            (faults, slots) => {
                let message = faults
                    .or_else(|| slots.err().map(|error| error.to_string()))
                    .unwrap_or_default();
                self.say(&mut status, condition::READY, Some(false), "InvalidSchedule", &message);
                self.say(
                    &mut status,
                    condition::SCHEDULED,
                    Some(false),
                    "InvalidSchedule",
                    &message,
                );
                status.next_schedule_time = None;
                self.context.patch_status(self.schedule, old, &status).await?;
                return Ok(Action::await_change());
            }
        };
        self.say(&mut status, condition::READY, Some(true), "Accepted", "the schedule can be run");
        if self.spec.suspend {
            let message = "suspended; runs that began go on";
            self.say(&mut status, condition::SCHEDULED, Some(false), "Suspended", message);
            self.write(old, status, None).await?;
            return Ok(Action::await_change());
        }
        let created = self
            .schedule
            .creation_timestamp()
            .ok_or(Error::Incomplete("AuditSchedule", "creationTimestamp"))?
            .0;
        let first = old.and_then(|status| status.last_schedule_time.as_ref()).is_none();
        if first && self.spec.run_on_create {
            self.start(&mut status, created, slots.next(self.now), Trigger::Created).await?;
            status.last_schedule_time = Some(Time(condition::whole_second(created)));
        }
        let since = status.last_schedule_time.as_ref().map_or(created, |time| time.0);
        let deadline =
            self.spec.starting_deadline_seconds.map(|s| SignedDuration::from_secs(s.into()));
        let due = slots.due(since, self.now, deadline);
        if due.skipped > 0 {
            self.skipped("missed", due.skipped, "missed while nobody could start them").await;
            // What was skipped is settled, or it would be told of again.
            if due.slot.is_none() {
                status.last_schedule_time = Some(Time(condition::whole_second(self.now)));
            }
        }
        if let Some(slot) = due.slot {
            self.start(&mut status, slot, due.next, Trigger::Schedule).await?;
            status.last_schedule_time = Some(Time(slot));
            crash::reached(Point::SlotStarted);
        }
        self.say(&mut status, condition::SCHEDULED, Some(true), "Waiting", "the next slot is set");
        self.write(old, status, due.next).await?;
        Ok(due
            .next
            .map_or_else(Action::await_change, |next| Action::requeue(until(next, self.now))))
    }

    /// Counts, prunes and writes.
    async fn write(
        &self,
        old: Option<&AuditScheduleStatus>,
        mut status: AuditScheduleStatus,
        next: Option<Timestamp>,
    ) -> Result<()> {
        status.next_schedule_time = next.map(Time);
        let runs = self.own_runs();
        let active = runs.iter().filter(|run| !is_over(run)).count();
        status.active = i32::try_from(active).unwrap_or(i32::MAX);
        self.context.patch_status(self.schedule, old, &status).await?;
        if old.is_some_and(|old| old.last_schedule_time != status.last_schedule_time) {
            crash::reached(Point::SlotReported);
        }
        self.prune(&runs).await
    }

    /// Gives every selected target its run of a slot.
    async fn start(
        &self,
        status: &mut AuditScheduleStatus,
        slot: Timestamp,
        next: Option<Timestamp>,
        trigger: Trigger,
    ) -> Result<()> {
        let mut targets = self.targets().await?;
        // Whoever is due first is not made to wait until everybody's run is there.
        let jitter = self.spec.jitter_seconds.unwrap_or(0);
        targets.sort_by_cached_key(|target| delay(&target.uid().unwrap_or_default(), jitter));
        status.targets = i32::try_from(targets.len()).unwrap_or(i32::MAX);
        let active = self.active().await?;
        let starts: Vec<_> = targets
            .iter()
            .map(|target| self.start_one(target, slot, next, trigger, &active))
            .collect();
        stream::iter(starts).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await?;
        tracing::info!(
            schedule = %self.schedule.name_any(), namespace = self.schedule.namespace(),
            %slot, targets = targets.len(), "slot started"
        );
        Ok(())
    }

    async fn start_one(
        &self,
        target: &AuditTarget,
        slot: Timestamp,
        next: Option<Timestamp>,
        trigger: Trigger,
        active: &BTreeMap<String, Vec<AuditRun>>,
    ) -> Result<()> {
        let name = target.name_any();
        let run_name = name::of_slot(&self.schedule.name_any(), &name, slot);
        let runs: Api<AuditRun> = self.context.beside(self.schedule);
        // A run of this very slot is this one, seen again.
        let others: Vec<&AuditRun> = active
            .get(&name)
            .into_iter()
            .flatten()
            .filter(|run| run.name_any() != run_name)
            .collect();
        match self.spec.concurrency_policy {
            ConcurrencyPolicy::Forbid if !others.is_empty() => {
                let note = format!("of {name}: run {} has not ended", others[0].name_any());
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
        let run = self.run(target, run_name, slot, next, trigger);
        let by = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match runs.create(&by, &run).await {
            Err(kube::Error::Api(error)) if error.is_already_exists() => {
                let name = run.name_any();
                let there = runs.get_opt(&name).await?;
                // Gone again: it was ours, and was pruned, or it is looked at once more.
                let taken = there
                    .is_some_and(|there| !self.is_own(&there) || there.spec.slot != run.spec.slot);
                if taken {
                    let note = format!("of {}: AuditRun {name} is not of it", target.name_any());
                    self.skipped("taken", 1, &note).await;
                    return Ok(());
                }
            }
            other => drop(other?),
        }
        crash::reached(Point::RunCreated);
        Ok(())
    }

    fn run(
        &self,
        target: &AuditTarget,
        name: String,
        slot: Timestamp,
        next: Option<Timestamp>,
        trigger: Trigger,
    ) -> AuditRun {
        let delay = delay(&target.uid().unwrap_or_default(), self.spec.jitter_seconds.unwrap_or(0));
        AuditRun {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: self.schedule.namespace(),
                labels: Some(BTreeMap::from([
                    (TARGET_LABEL.to_owned(), target.name_any()),
                    (SCHEDULE_LABEL.to_owned(), self.schedule.name_any()),
                ])),
                owner_references: target.owner_ref(&()).map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: AuditRunSpec {
                target_ref: TargetRef { name: target.name_any() },
                schedule_ref: Some(ScheduleRef { name: self.schedule.name_any() }),
                trigger,
                slot: Some(Time(condition::whole_second(slot))),
                not_before: (!delay.is_zero()).then(|| Time(condition::whole_second(slot + delay))),
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

    /// The targets that the schedule selects, in the order of their names.
    async fn targets(&self) -> Result<Vec<AuditTarget>> {
        let api: Api<AuditTarget> = self.context.beside(self.schedule);
        if let Some(references) = &self.spec.target_refs {
            let mut targets = Vec::new();
            for reference in references {
                match api.get_opt(&reference.name).await? {
                    Some(target) => targets.push(target),
                    None => {
                        let note = format!("there is no AuditTarget `{}`", reference.name);
                        self.context
                            .tell(self.schedule, EventType::Warning, "TargetNotFound", &note)
                            .await;
                    }
                }
            }
            return Ok(targets);
        }
        let selector = self.spec.target_selector.as_ref();
        let labels = selector.map(ToString::to_string);
        let selected = ListParams::default().labels(&labels.unwrap_or_default());
        let found: Vec<AuditTarget> = self.context.list_beside(self.schedule, &selected).await?;
        Ok(found
            .into_iter()
            .filter(|target| target.metadata.deletion_timestamp.is_none())
            .collect())
    }

    /// Runs of this schedule that have not ended, by target. Asked of the API server: a cache may
    /// not show the run that was created a moment ago.
    async fn active(&self) -> Result<BTreeMap<String, Vec<AuditRun>>> {
        let mut active: BTreeMap<String, Vec<AuditRun>> = BTreeMap::new();
        if self.spec.concurrency_policy == ConcurrencyPolicy::Allow {
            return Ok(active);
        }
        let own = format!("{SCHEDULE_LABEL}={}", self.schedule.name_any());
        let own = ListParams::default().labels(&own);
        for run in self.context.list_beside::<AuditRun>(self.schedule, &own).await? {
            // The label finds runs; whoever may create one may write it. The spec is what holds.
            if self.is_own(&run) && !is_over(&run) && run.metadata.deletion_timestamp.is_none() {
                active.entry(run.spec.target_ref.name.clone()).or_default().push(run);
            }
        }
        Ok(active)
    }

    fn own_runs(&self) -> Vec<Arc<AuditRun>> {
        self.context.runs().into_iter().filter(|run| self.is_own(run)).collect()
    }

    fn is_own(&self, run: &AuditRun) -> bool {
        let schedule = run.spec.schedule_ref.as_ref();
        run.namespace() == self.schedule.namespace()
            && schedule.is_some_and(|schedule| schedule.name == self.schedule.name_any())
    }

    /// Takes ended runs beyond the history limits out of the cluster.
    async fn prune(&self, runs: &[Arc<AuditRun>]) -> Result<()> {
        let default = Limits::default();
        let limits = Limits {
            successful: self.spec.successful_runs_history_limit.unwrap_or(default.successful),
            failed: self.spec.failed_runs_history_limit.unwrap_or(default.failed),
        };
        history::prune(&self.context.beside(self.schedule), runs, limits).await
    }

    async fn skipped(&self, reason: &'static str, slots: u32, note: &str) {
        self.context.metrics.skipped(reason, slots);
        let many = if slots == 1 { "a slot was".to_owned() } else { format!("{slots} slots were") };
        let note = format!("{many} skipped: {note}");
        self.context.tell(self.schedule, EventType::Warning, "SlotSkipped", &note).await;
    }

    fn say(
        &self,
        status: &mut AuditScheduleStatus,
        kind: &'static str,
        holds: Option<bool>,
        reason: &'static str,
        message: &str,
    ) {
        let said = Said { kind, holds, reason, message };
        condition::set(&mut status.conditions, &said, self.schedule.metadata.generation, self.now);
    }
}

fn is_over(run: &AuditRun) -> bool {
    run.status.as_ref().is_some_and(AuditRunStatus::is_over)
}
