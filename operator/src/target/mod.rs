//! AuditTargets: whether they can be audited, whether somebody wants them audited now, and whether
//! what is known of them is still fresh.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::condition::{self, Said};
use crds::{
    AuditRun, AuditRunSpec, AuditTarget, AuditTargetStatus, RUN_NOW, TARGET_LABEL, Trigger,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, Resource as _, ResourceExt as _};
use model::document::TargetRef;
use model::{Mode, Posture};

use crate::context::{Context, MANAGER, until};
use crate::document;
use crate::error::Result;
use crate::name;

/// Seconds that a changed spec must stand still before the target is audited again: an edit
/// seldom comes alone.
const SETTLE_SECONDS: i64 = 10;

/// One look at one target.
///
/// # Errors
/// [`crate::error::Error`], after which the target is looked at again.
pub async fn reconcile(target: Arc<AuditTarget>, context: Arc<Context>) -> Result<Action> {
    if target.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let desk = Desk { target: &target, context: &context, now: Timestamp::now() };
    let action = desk.look().await?;
    context.reconciled(target.as_ref());
    Ok(action)
}

struct Desk<'a> {
    target: &'a AuditTarget,
    context: &'a Context,
    now: Timestamp,
}

impl Desk<'_> {
    async fn look(&self) -> Result<Action> {
        let old = self.target.status.as_ref();
        let mut status = old.cloned().unwrap_or_default();
        let generation = self.target.metadata.generation;
        status.observed_generation = generation;
        let plan = document::target(self.target).and_then(|target| {
            engine::plan::plan(&target, None, &self.context.rules).map_err(|e| e.to_string())
        });
        match &plan {
            Ok(plan) if plan.requests.is_empty() => {
                let message = "it declares no input of any check; declare endpoints, gatewayConfig \
                               or deviceCertificates";
                self.say(&mut status, condition::READY, Some(false), "NothingToAudit", message);
            }
            Ok(plan) => {
                let message = format!("{} probes are planned", plan.requests.len());
                self.say(&mut status, condition::READY, Some(true), "Accepted", &message);
            }
            Err(message) => {
                self.say(&mut status, condition::READY, Some(false), "InvalidTarget", message);
            }
        }
        let mut wait = None;
        if plan.is_ok() {
            self.run_if_asked(&mut status).await?;
            wait = earlier(wait, self.run_if_changed(&status).await?);
        }
        wait = earlier(wait, self.grow_stale(&mut status));
        if old != Some(&status)
            && condition::holds(&status.conditions, condition::STALE)
            && !old.is_some_and(|old| condition::holds(&old.conditions, condition::STALE))
        {
            let note = "the evidence is older than allowed; the posture is unknown now";
            self.context.tell(self.target, EventType::Warning, "Stale", note).await;
        }
        self.context.patch_status(self.target, old, &status).await?;
        Ok(wait.map_or_else(Action::await_change, |then| Action::requeue(until(then, self.now))))
    }

    /// Somebody put the label on, or gave it another value.
    async fn run_if_asked(&self, status: &mut AuditTargetStatus) -> Result<()> {
        let Some(request) = self.target.labels().get(RUN_NOW) else { return Ok(()) };
        if status.last_run_request.as_ref() == Some(request) {
            return Ok(());
        }
        let salt = self.target.metadata.resource_version.as_deref().unwrap_or_default();
        let name = name::of_request(&self.target.name_any(), "now", &format!("{request} {salt}"));
        self.create(name, Trigger::Requested).await?;
        status.last_run_request = Some(request.clone());
        Ok(())
    }

    /// The spec is another than the one that was audited, and has been for a while.
    async fn run_if_changed(&self, status: &AuditTargetStatus) -> Result<Option<Timestamp>> {
        let (Some(last), Some(generation)) = (&status.last_run, self.target.metadata.generation)
        else {
            return Ok(None);
        };
        if last.target_generation == Some(generation) {
            return Ok(None);
        }
        let uid = self.target.uid().unwrap_or_default();
        let changed = self.context.first_seen(&uid, generation, self.now);
        let settled = changed + SignedDuration::from_secs(SETTLE_SECONDS);
        if settled > self.now {
            return Ok(Some(settled));
        }
        let name =
            name::of_request(&self.target.name_any(), "changed", &format!("{uid} {generation}"));
        self.create(name, Trigger::TargetChanged).await?;
        Ok(None)
    }

    /// Evidence grows old by itself. What is known then is that nothing is known.
    fn grow_stale(&self, status: &mut AuditTargetStatus) -> Option<Timestamp> {
        let evidence = status.evidence_time.as_ref()?.0;
        let age = SignedDuration::try_from(self.context.max_evidence_age).ok()?;
        let stale_at = evidence.checked_add(age).ok()?;
        if stale_at > self.now {
            return Some(stale_at);
        }
        status.posture = Some(Posture::Unknown);
        let message = format!("the evidence is of {evidence}, older than allowed");
        self.say(status, condition::STALE, Some(true), "EvidenceTooOld", &message);
        None
    }

    async fn create(&self, name: String, trigger: Trigger) -> Result<()> {
        let run = AuditRun {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: self.target.namespace(),
                labels: Some(BTreeMap::from([(TARGET_LABEL.to_owned(), self.target.name_any())])),
                owner_references: self.target.owner_ref(&()).map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: AuditRunSpec {
                target_ref: TargetRef { name: self.target.name_any() },
                schedule_ref: None,
                trigger,
                slot: None,
                not_before: None,
                next_run: None,
                bundle: None,
                checks: None,
                mode: Mode::Audit,
                rules: None,
                baseline: None,
                job_template: None,
            },
            status: None,
        };
        let runs: Api<AuditRun> = self.context.beside(self.target);
        let by = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match runs.create(&by, &run).await {
            Err(kube::Error::Api(error)) if error.is_already_exists() => Ok(()),
            other => other.map(drop).map_err(Into::into),
        }
    }

    fn say(
        &self,
        status: &mut AuditTargetStatus,
        kind: &'static str,
        holds: Option<bool>,
        reason: &'static str,
        message: &str,
    ) {
        let said = Said { kind, holds, reason, message };
        condition::set(&mut status.conditions, &said, self.target.metadata.generation, self.now);
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
