//! AuditTargets: whether they can be audited, whether somebody wants them audited now, and whether
//! what is known of them is still fresh.

mod known;

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
pub use known::Known;

/// Seconds that a changed spec must stand still before the target is audited again: an edit
/// seldom comes alone.
const SETTLE_SECONDS: i64 = 10;

/// One look at one target.
///
/// # Errors
/// [`crate::error::Error`], after which the target is looked at again.
pub async fn reconcile(known: Arc<Known>, context: Arc<Context>) -> Result<Action> {
    let now = Timestamp::now();
    if let Some(rest) = known.rest(now) {
        context.reconciled(known.as_ref());
        return Ok(rest);
    }
    let targets: Api<AuditTarget> = context.beside(known.as_ref());
    let action = match targets.get_opt(&known.name_any()).await? {
        Some(target) if target.metadata.deletion_timestamp.is_none() => {
            Desk { target: &target, context: &context, now }.look().await?
        }
        _ => Action::await_change(),
    };
    context.reconciled(known.as_ref());
    Ok(action)
}

struct Desk<'a> {
    target: &'a AuditTarget,
    context: &'a Context,
    now: Timestamp,
}

/// What a target comes to, before anything is done about it.
struct Outlook {
    /// What its status should say.
    status: AuditTargetStatus,
    /// The runs that it should be given.
    runs: Vec<(String, Trigger)>,
    /// When it comes to something else by itself.
    next: Option<Timestamp>,
}

impl Desk<'_> {
    /// What there is to do: pure but for the memory of when a change was first seen.
    fn outlook(&self) -> Outlook {
        let mut status = self.target.status.clone().unwrap_or_default();
        status.observed_generation = self.target.metadata.generation;
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
        let (mut runs, mut next) = (Vec::new(), None);
        if plan.is_ok() {
            runs.extend(self.run_if_asked(&mut status));
            match self.run_if_changed(&status) {
                Some(Changed::Settles(then)) => next = Some(then),
                Some(Changed::Settled(run)) => runs.push(run),
                None => {}
            }
        }
        next = earlier(next, self.grow_stale(&mut status));
        Outlook { status, runs, next }
    }

    async fn look(&self) -> Result<Action> {
        let Outlook { status, runs, next } = self.outlook();
        let old = self.target.status.as_ref();
        for (name, trigger) in runs {
            self.create(name, trigger).await?;
        }
        if old != Some(&status)
            && condition::holds(&status.conditions, condition::STALE)
            && !old.is_some_and(|old| condition::holds(&old.conditions, condition::STALE))
        {
            let note = "the evidence is older than allowed; the posture is unknown now";
            self.context.tell(self.target, EventType::Warning, "Stale", note).await;
        }
        self.context.patch_status(self.target, old, &status).await?;
        Ok(next.map_or_else(Action::await_change, |then| Action::requeue(until(then, self.now))))
    }

    /// Somebody put the label on, or gave it another value.
    fn run_if_asked(&self, status: &mut AuditTargetStatus) -> Option<(String, Trigger)> {
        let request = self.target.labels().get(RUN_NOW)?;
        if status.last_run_request.as_ref() == Some(request) {
            return None;
        }
        let salt = self.target.metadata.resource_version.as_deref().unwrap_or_default();
        let name = name::of_request(&self.target.name_any(), "now", &format!("{request} {salt}"));
        status.last_run_request = Some(request.clone());
        Some((name, Trigger::Requested))
    }

    /// The spec is another than the one that was audited.
    fn run_if_changed(&self, status: &AuditTargetStatus) -> Option<Changed> {
        let (last, generation) = (status.last_run.as_ref()?, self.target.metadata.generation?);
        if last.target_generation == Some(generation) {
            return None;
        }
        let uid = self.target.uid().unwrap_or_default();
        let changed = self.context.first_seen(&uid, generation, self.now);
        let settled = changed + SignedDuration::from_secs(SETTLE_SECONDS);
        if settled > self.now {
            return Some(Changed::Settles(settled));
        }
        let name =
            name::of_request(&self.target.name_any(), "changed", &format!("{uid} {generation}"));
        Some(Changed::Settled((name, Trigger::TargetChanged)))
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
            Err(kube::Error::Api(error)) if error.is_already_exists() => {
                let there = runs.get_opt(&run.name_any()).await?;
                let taken = there.is_some_and(|there| {
                    there.spec.trigger != trigger || there.spec.target_ref != run.spec.target_ref
                });
                if taken {
                    let note = format!("AuditRun {} has the name of a run", run.name_any());
                    self.context.tell(self.target, EventType::Warning, "NameTaken", &note).await;
                }
                Ok(())
            }
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

/// A spec that is another than the one that was audited.
enum Changed {
    /// It has stood still too shortly; when it will have for long enough.
    Settles(Timestamp),
    /// The run that it should be given.
    Settled((String, Trigger)),
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
