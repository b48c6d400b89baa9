//! AuditSchedules: which slot is due, and the runs that it gives.
//!
//! Exactly one run per schedule, target and slot: the name of a run says all three, so a slot that
//! is started twice, by a restart or a second replica, gives nothing new.

pub mod slot;
mod spread;
mod start;

use std::sync::Arc;

use crds::condition::{self, Said};
use crds::{AuditRun, AuditRunStatus, AuditSchedule, AuditScheduleStatus, AuditTarget};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ListParams;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, ResourceExt as _};
use model::document::AuditScheduleSpec;

use crate::context::{Context, until};
use crate::crash::{self, Point};
use crate::document;
use crate::error::{Error, Result};
use crate::run::history::{self, Limits};
use slot::Slots;
pub use spread::Spread;

/// How often the number of a schedule's runs at work is written while it only goes up and down.
const RECOUNT: SignedDuration = SignedDuration::from_secs(10);

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
            let recount = self.write(old, status, None).await?;
            return Ok(recount
                .map_or_else(Action::await_change, |then| Action::requeue(until(then, self.now))));
        }
        let created = self
            .schedule
            .creation_timestamp()
            .ok_or(Error::Incomplete("AuditSchedule", "creationTimestamp"))?
            .0;
        let first = old.and_then(|status| status.last_schedule_time.as_ref()).is_none();
        let mut spread = self.resume(&mut status, &slots).await?;
        if first && self.spec.run_on_create {
            let slot = condition::whole_second(created);
            self.open(&mut status, &mut spread, slot, &slots).await?;
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
            self.open(&mut status, &mut spread, slot, &slots).await?;
        }
        let mut next = due.next;
        if let Some(spread) = spread {
            next = next.into_iter().chain(spread.next()).min();
            self.context.keep_spread(self.uid(), spread);
        }
        self.say(&mut status, condition::SCHEDULED, Some(true), "Waiting", "the next slot is set");
        let recount = self.write(old, status, due.next).await?;
        let next = next.into_iter().chain(recount).min();
        Ok(next.map_or_else(Action::await_change, |next| Action::requeue(until(next, self.now))))
    }

    /// Goes on with a slot whose targets have not all had their turn.
    async fn resume(
        &self,
        status: &mut AuditScheduleStatus,
        slots: &Slots,
    ) -> Result<Option<Spread>> {
        let kept = self.context.take_spread(&self.uid());
        let Some(slot) = status.starting_slot.as_ref().map(|time| time.0) else { return Ok(None) };
        // Nobody remembers after a change of leaders. Who has a run is found out by making it again.
        let mut spread = match kept.filter(|spread| spread.slot == slot) {
            Some(spread) => spread,
            None => self.spread(status, slot).await?,
        };
        let due = spread.due(self.now);
        self.start(slot, due, slots, &self.known_active()).await?;
        Ok(self.unless_over(status, spread))
    }

    /// Begins a slot: those targets whose delay has passed get their run now. Those that an earlier
    /// slot has left get theirs too, for its own time.
    async fn open(
        &self,
        status: &mut AuditScheduleStatus,
        spread: &mut Option<Spread>,
        slot: Timestamp,
        slots: &Slots,
    ) -> Result<()> {
        if let Some(mut before) = spread.take() {
            let rest = before.rest();
            self.start(before.slot, rest, slots, &self.known_active()).await?;
        }
        let mut opened = self.spread(status, slot).await?;
        let due = opened.due(self.now);
        self.start(slot, due, slots, &self.active().await?).await?;
        status.last_schedule_time = Some(Time(slot));
        *spread = self.unless_over(status, opened);
        tracing::info!(
            schedule = %self.schedule.name_any(), namespace = self.schedule.namespace(),
            %slot, targets = status.targets, "slot started"
        );
        crash::reached(Point::SlotStarted);
        Ok(())
    }

    /// The targets of a slot, none of which has had its turn.
    async fn spread(&self, status: &mut AuditScheduleStatus, slot: Timestamp) -> Result<Spread> {
        let targets = self.targets().await?;
        status.targets = i32::try_from(targets.len()).unwrap_or(i32::MAX);
        Ok(Spread::new(slot, &targets, self.spec.jitter_seconds.unwrap_or(0)))
    }

    /// The spread, and what the status says of it.
    fn unless_over(&self, status: &mut AuditScheduleStatus, spread: Spread) -> Option<Spread> {
        let spread = Some(spread).filter(|spread| spread.next().is_some());
        status.starting_slot = spread.as_ref().map(|spread| Time(spread.slot));
        spread
    }

    /// Counts, prunes and writes. Gives when the count has to be looked at again, if it has.
    async fn write(
        &self,
        old: Option<&AuditScheduleStatus>,
        mut status: AuditScheduleStatus,
        next: Option<Timestamp>,
    ) -> Result<Option<Timestamp>> {
        status.next_schedule_time = next.map(Time);
        let mut runs = self.own_runs();
        let active = runs.iter().filter(|run| !is_over(run)).count();
        status.active = i32::try_from(active).unwrap_or(i32::MAX);
        let later = old.and_then(|old| self.count_later(old, &status));
        if later.is_none() {
            self.context.patch_status(self.schedule, old, &status).await?;
            self.context.counted(&self.uid());
        }
        if old.is_some_and(|old| old.last_schedule_time != status.last_schedule_time) {
            crash::reached(Point::SlotReported);
        }
        // A run of a slot that is not done with says that its target had its turn.
        runs.retain(|run| run.spec.slot.is_none() || run.spec.slot != status.starting_slot);
        self.prune(&runs).await?;
        Ok(later)
    }

    /// When to write, if nothing but the number of runs at work has changed since a moment ago: a
    /// slot of many targets must not be a write for each of them.
    fn count_later(
        &self,
        old: &AuditScheduleStatus,
        new: &AuditScheduleStatus,
    ) -> Option<Timestamp> {
        let alike = AuditScheduleStatus { active: new.active, ..old.clone() } == *new;
        if !alike || old.active == new.active || old.active == 0 || new.active == 0 {
            return None;
        }
        let again = self.context.miscounted(&self.uid(), self.now) + RECOUNT;
        (again > self.now).then_some(again)
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

    fn uid(&self) -> String {
        self.schedule.uid().unwrap_or_default()
    }

    fn own_runs(&self) -> Vec<Arc<AuditRun>> {
        self.context.runs_where(|run| self.is_own(run))
    }

    fn is_own(&self, run: &AuditRun) -> bool {
        let schedule = run.spec.schedule_ref.as_ref();
        run.metadata.namespace == self.schedule.metadata.namespace
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
