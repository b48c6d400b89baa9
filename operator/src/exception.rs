//! AuditExceptions: whether they are in force, and what they waive.

use std::sync::Arc;

use crds::condition::{self, Said};
use crds::{AuditException, AuditExceptionStatus};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;

use crate::context::{Context, until};
use crate::error::Result;

/// One look at one exception.
///
/// # Errors
/// [`crate::error::Error`], after which the exception is looked at again.
pub async fn reconcile(exception: Arc<AuditException>, context: Arc<Context>) -> Result<Action> {
    if exception.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let now = Timestamp::now();
    let old = exception.status.as_ref();
    let namespace = exception.namespace().unwrap_or_default();
    let waived = context.store.waived(&namespace).await?;
    let findings = waived.get(&exception.name_any()).copied().unwrap_or(0);
    let ends = exception.spec.0.expires_at;
    let is_over = ends <= now;
    let mut status = AuditExceptionStatus {
        observed_generation: exception.metadata.generation,
        findings: i32::try_from(findings).unwrap_or(i32::MAX),
        ..old.cloned().unwrap_or_default()
    };
    let message = match (is_over, findings) {
        (true, _) => {
            format!("it ended at {ends}; what it waived counts again from the next run on")
        }
        (false, 0) => "no finding of a run matches it yet".to_owned(),
        (false, 1) => "1 finding is waived".to_owned(),
        (false, many) => format!("{many} findings are waived"),
    };
    let said = Said {
        kind: condition::APPLIED,
        holds: Some(!is_over && findings > 0),
        reason: match (is_over, findings) {
            (true, _) => "Expired",
            (false, 0) => "Unused",
            (false, _) => "InForce",
        },
        message: &message,
    };
    condition::set(&mut status.conditions, &said, exception.metadata.generation, now);
    let ended_before = old.is_some_and(|old| {
        condition::find(&old.conditions, condition::APPLIED).is_some_and(|c| c.reason == "Expired")
    });
    context.patch_status(exception.as_ref(), old, &status).await?;
    if is_over && !ended_before {
        context.tell(exception.as_ref(), EventType::Warning, "Expired", &message).await;
    }
    context.reconciled(exception.as_ref());
    Ok(if is_over { Action::await_change() } else { Action::requeue(until(ends, now)) })
}
