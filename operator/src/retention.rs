//! How long results are kept: an hourly pass of the leader over the store.
//!
//! The operator's own term holds where no schedule says otherwise; of several schedules of one
//! target the longest does.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::{AuditSchedule, AuditTarget};
use jiff::{SignedDuration, Timestamp};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use model::TargetKey;
use store::{Keep, Pruned};
use tokio::sync::watch;

use crate::context::Context;
use crate::error::Result;
use crate::settings::Settings;

/// How long a new leader waits: it has runs to look after first.
const FIRST: Duration = Duration::from_secs(60);
/// From one pass to the next.
const BETWEEN: Duration = Duration::from_secs(3_600);
/// Objects in one answer of the API server.
const PAGE: u32 = 500;

/// Removes what was kept long enough, again and again, until `end`.
pub async fn keep(context: &Context, settings: &Settings, mut end: watch::Receiver<bool>) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = end.wait_for(|end| *end) => return,
        }
        wait = BETWEEN;
        match pass(context, settings, Timestamp::now()).await {
            Ok(Pruned { runs: 0, .. }) => {}
            Ok(pruned) => {
                context.metrics.pruned.inc_by(pruned.runs);
                tracing::info!(runs = pruned.runs, evidence = pruned.evidence, "kept long enough");
            }
            Err(error) => tracing::warn!(%error, "what was kept long enough could not be removed"),
        }
    }
}

async fn pass(context: &Context, settings: &Settings, now: Timestamp) -> Result<Pruned> {
    let own = of_schedules(context, settings).await?;
    let shortest = own.values().copied().chain(term(settings.retention_days)).min();
    let mut all = Pruned::default();
    let Some(latest) = shortest.and_then(|days| since(now, days)) else { return Ok(all) };
    for target in context.store.targets_before(latest).await? {
        let days = own.get(&target).copied().or_else(|| term(settings.retention_days));
        let Some(since) = days.and_then(|days| since(now, days)) else { continue };
        let keep = Keep { since, newest: settings.retention_runs };
        let pruned = context.store.prune(&target, keep, false).await?;
        all.runs += pruned.runs;
        all.evidence += pruned.evidence;
    }
    Ok(all)
}

/// The operator's own term; none where results are kept for ever.
fn term(days: u32) -> Option<u32> {
    (days > 0).then_some(days)
}

fn since(now: Timestamp, days: u32) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).ok()
}

/// The longest term that a schedule of each target has.
async fn of_schedules(context: &Context, settings: &Settings) -> Result<BTreeMap<TargetKey, u32>> {
    let mut terms = BTreeMap::new();
    let mut note = |namespace: &str, target: &str, days: u32| {
        let term = terms.entry(TargetKey(format!("{namespace}/{target}"))).or_insert(days);
        *term = days.max(*term);
    };
    for schedules in settings.apis::<AuditSchedule>(&context.client) {
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let found = schedules.list(&page).await?;
            for schedule in &found.items {
                let spec = &schedule.spec.0;
                let Some(days) = spec.retention.as_ref().map(|retention| retention.days) else {
                    continue;
                };
                let namespace = schedule.namespace().unwrap_or_default();
                for target in spec.target_refs.iter().flatten() {
                    note(&namespace, &target.name, days);
                }
                if let Some(selector) = &spec.target_selector {
                    let api: Api<AuditTarget> = context.beside(schedule);
                    let selected = ListParams::default().labels(&selector.to_string());
                    for target in api.list_metadata(&selected).await? {
                        note(&namespace, &target.name_any(), days);
                    }
                }
            }
            match found.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(terms)
}
