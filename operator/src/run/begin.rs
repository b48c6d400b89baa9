//! From a queued run to a Job at work.

use std::time::Duration;

use crds::condition::{self, Said};
use crds::{
    AuditRun, AuditRunStatus, AuditTarget, EvidenceCount, JobTemplate, Phase, RUN_LABEL,
    SCHEDULE_LABEL, TARGET_LABEL,
};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, Resource as _, ResourceExt as _};
use model::CheckId;
use model::document::AuditTarget as Target;
use model::request::Plan;
use model::run::{EngineInfo, RunRecord};
use serde_json::json;
use store::{Owner, StoreError};

use super::{Step, job, turn};
use crate::context::{MANAGER, until};
use crate::crash::{self, Point};
use crate::document;
use crate::error::Result;

/// How long after a Job's own deadline a run without an end is taken for interrupted.
const SLACK_SECONDS: i64 = 900;
/// How often a run looks at its Job when nothing is heard of it.
pub(super) const LOOK: Duration = Duration::from_secs(30);

/// A run that is ready to start.
struct Order {
    target: Target,
    plan: Plan,
    template: JobTemplate,
}

impl Step<'_> {
    /// Starts the run if its time and turn have come.
    pub(super) async fn begin(&self) -> Result<Action> {
        let not_before = self.run.spec.not_before.as_ref().map(|time| time.0);
        if let Some(time) = not_before.filter(|time| *time > self.now) {
            // `notBefore` says so already: a slot of many targets is not a write more for each.
            return Ok(Action::requeue(until(time, self.now)));
        }
        if !turn::has_come(self.context, self.run, self.now) {
            let at_work = self.context.live_runs().iter().filter(|run| is_at_work(run)).count();
            self.queue(&format!("waits for its turn; {at_work} runs are at work")).await?;
            // Whoever makes room calls the next.
            return Ok(Action::requeue(LOOK));
        }
        crash::reached(Point::RunAdmitted);
        let targets: Api<AuditTarget> = self.context.beside(self.run);
        let name = &self.run.spec.target_ref.name;
        let Some(object) = targets.get_opt(name).await? else {
            let message = format!("there is no AuditTarget `{name}` in this namespace");
            return self.give_up("TargetNotFound", &message).await;
        };
        let order = match self.order(&object) {
            Ok(order) => order,
            Err((reason, message)) => return self.give_up(reason, &message).await,
        };
        if let Some(wait) = self.rests(&object) {
            let seconds = wait.as_secs();
            let uid = self.run.uid().unwrap_or_default();
            turn::rest(self.context, &uid, self.now, self.now + wait);
            self.queue(&format!("waits {seconds} s more: the target's minIntervalSeconds")).await?;
            return Ok(Action::requeue(wait));
        }
        let record = self.record(&order)?;
        if self.adopt(&object).await? {
            crash::reached(Point::RunAdopted);
            // The change brings the run back.
            return Ok(Action::await_change());
        }
        self.store_begin(&record, &order.template).await?;
        crash::reached(Point::RunBegun);
        match self.create_job(&order).await? {
            Ok(()) => crash::reached(Point::JobCreated),
            Err(message) => {
                self.context.store.interrupt(&record.id, self.now).await?;
                return self.give_up("JobRefused", &message).await;
            }
        }
        self.started(&record, &object).await
    }

    /// Everything about the run that can be decided without acting.
    fn order(&self, object: &AuditTarget) -> std::result::Result<Order, (&'static str, String)> {
        let spec = &self.run.spec;
        let target = document::target(object).map_err(|faults| ("InvalidTarget", faults))?;
        let template = JobTemplate::read(spec.job_template.as_ref())
            .map_err(|error| ("InvalidJobTemplate", error.to_string()))?;
        if let Some(rules) = &spec.rules {
            let packs = self.context.rules.packs();
            let known = packs.iter().any(|pack| {
                pack.reference.id == rules.pack
                    && rules.version.as_ref().is_none_or(|v| *v == pack.reference.version)
            });
            if !known {
                let have: Vec<_> = packs
                    .iter()
                    .map(|p| format!("{} {}", p.reference.id, p.reference.version))
                    .collect();
                let message = format!("spec.rules: this operator has {}", have.join(", "));
                return Err(("UnknownRules", message));
            }
        }
        let selected: Option<Vec<CheckId>> = match (spec.bundle, &spec.checks) {
            (Some(bundle), _) => Some(bundle.checks().to_vec()),
            (None, checks) => checks.clone(),
        };
        let plan = engine::plan::plan(&target, selected.as_deref(), &self.context.rules)
            .map_err(|error| ("InvalidTarget", error.to_string()))?;
        if plan.requests.is_empty() {
            let message = "the target declares no input of any selected check; declare endpoints, \
                           gatewayConfig or deviceCertificates";
            return Err(("NothingToAudit", message.to_owned()));
        }
        Ok(Order { target, plan, template })
    }

    /// How long the target must still be left alone.
    fn rests(&self, object: &AuditTarget) -> Option<Duration> {
        let interval = object.spec.0.probe_policy.as_ref()?.min_interval_seconds?;
        let last = object.status.as_ref()?.evidence_time.as_ref()?.0;
        let free = last.checked_add(jiff::SignedDuration::from_secs(interval.into())).ok()?;
        (free > self.now).then(|| until(free, self.now))
    }

    /// Says in the status why the run has not begun.
    async fn queue(&self, message: &str) -> Result<()> {
        let old = self.run.status.as_ref();
        let mut status = old.cloned().unwrap_or_default();
        status.phase = Some(Phase::Queued);
        status.observed_generation = self.run.metadata.generation;
        // The first reason stays: a queue that moves must not be a write per second.
        if status.message.is_none() {
            status.message = Some(message.to_owned());
        }
        self.context.patch_status(self.run, old, &status).await
    }

    /// Ends a run that cannot begin.
    pub(super) async fn give_up(&self, reason: &'static str, message: &str) -> Result<Action> {
        let old = self.run.status.as_ref();
        let mut status = old.cloned().unwrap_or_default();
        status.phase = Some(Phase::Failed);
        status.observed_generation = self.run.metadata.generation;
        status.message = Some(message.chars().take(400).collect());
        status.ended_at = Some(Time(condition::whole_second(self.now)));
        let said = Said { kind: condition::EVIDENCE_STORED, holds: Some(false), reason, message };
        condition::set(&mut status.conditions, &said, self.run.metadata.generation, self.now);
        self.context.patch_status(self.run, old, &status).await?;
        self.context.tell(self.run, EventType::Warning, reason, message).await;
        self.context.metrics.run_ended("failed");
        tracing::warn!(run = %self.run.name_any(), reason, message, "run given up");
        Ok(Action::await_change())
    }

    /// Makes the run the target's own, so that it goes with it, and findable by label; false if it
    /// is so already.
    async fn adopt(&self, target: &AuditTarget) -> Result<bool> {
        let labels = self.run.labels();
        let owned =
            self.run.owner_references().iter().any(|o| Some(&o.uid) == target.uid().as_ref());
        if owned && labels.contains_key(TARGET_LABEL) {
            return Ok(false);
        }
        let mut owners = self.run.owner_references().to_vec();
        owners.extend(target.owner_ref(&()).filter(|_| !owned));
        let runs: Api<AuditRun> = self.context.beside(self.run);
        let patch = json!({ "metadata": {
            "labels": {
                RUN_LABEL: self.run.name_any(),
                TARGET_LABEL: target.name_any(),
                SCHEDULE_LABEL: self.run.spec.schedule_ref.as_ref().map(|s| s.name.as_str()),
            },
            "ownerReferences": owners,
        } });
        let by = PatchParams::apply(MANAGER);
        runs.patch(&self.run.name_any(), &by, &Patch::Merge(patch)).await?;
        Ok(true)
    }

    fn record(&self, order: &Order) -> Result<RunRecord> {
        let spec = &self.run.spec;
        let engine =
            EngineInfo { name: MANAGER.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        Ok(RunRecord {
            mode: spec.mode,
            bundle: spec.bundle,
            ..RunRecord::begun(self.id()?, &order.target, &order.plan, engine, self.now)
        })
    }

    /// Writes down that the run begins, unless that was written before a crash.
    async fn store_begin(&self, record: &RunRecord, template: &JobTemplate) -> Result<()> {
        let deadline =
            template.active_deadline_seconds.unwrap_or(crds::job_template::ACTIVE_DEADLINE_SECONDS);
        let lease = jiff::SignedDuration::from_secs(deadline + SLACK_SECONDS);
        let owner = Owner {
            // No process owns the run: any replica may finish it, so only the lease decides.
            host: String::new(),
            pid: 0,
            pid_started: None,
            lease_until: self.now + lease,
        };
        match self.context.store.begin(record, &owner).await {
            Err(StoreError::Conflict { .. }) => {
                self.context.store.run(&record.id.0, self.now).await?;
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Creates the Job, unless it was created before a crash. A refusal by policy or quota is the
    /// namespace's word, not ours: it is said, not retried for ever.
    async fn create_job(&self, order: &Order) -> Result<std::result::Result<(), String>> {
        let jobs: Api<Job> = self.context.beside(self.run);
        let ca = self.context.authority.borrow().clone();
        let job = job::job(self.run, &order.target, &order.template, &self.context.shape, &ca);
        let by = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match jobs.create(&by, &job).await {
            Ok(_) => {
                self.count_delay();
                Ok(Ok(()))
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let there = jobs.get(&job.name_any()).await?;
                let message =
                    format!("there is another Job `{}` in this namespace", job.name_any());
                Ok(if job::is_of(self.run, &there) { Ok(()) } else { Err(message) })
            }
            Err(kube::Error::Api(status))
                if (400..500).contains(&status.code)
                    && status.code != 409
                    && status.code != 429 =>
            {
                Ok(Err(format!("the Job was refused: {}", status.message)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Counts how late a run of a slot has its Job.
    fn count_delay(&self) {
        let Some(slot) = &self.run.spec.slot else { return };
        let due = self.run.spec.not_before.as_ref().unwrap_or(slot).0;
        let delay = Timestamp::now().duration_since(due).as_secs_f64();
        self.context.metrics.slot_delay.observe(delay.max(0.0));
    }

    async fn started(&self, record: &RunRecord, target: &AuditTarget) -> Result<Action> {
        let old = self.run.status.as_ref();
        let status = AuditRunStatus {
            observed_generation: self.run.metadata.generation,
            phase: Some(Phase::Running),
            message: Some(format!("{} probes are at work", record.plan.requests.len())),
            run_id: Some(record.id.0.clone()),
            job_name: Some(self.run.name_any()),
            started_at: Some(Time(condition::whole_second(self.now))),
            evidence: Some(EvidenceCount {
                planned: i32::try_from(record.plan.requests.len()).unwrap_or(i32::MAX),
                stored: 0,
            }),
            ..old.cloned().unwrap_or_default()
        };
        self.context.patch_status(self.run, old, &status).await?;
        crash::reached(Point::RunStarted);
        let note = format!("probe Job of {} started as run {}", target.name_any(), record.id);
        self.context.tell(self.run, EventType::Normal, "Started", &note).await;
        tracing::info!(run = %record.id, name = %self.run.name_any(), target = %record.target, "run started");
        Ok(Action::requeue(LOOK))
    }
}

/// True for a run whose Job is at work.
pub(super) fn is_at_work(run: &AuditRun) -> bool {
    run.status.as_ref().is_some_and(|status| status.phase == Some(Phase::Running))
}
