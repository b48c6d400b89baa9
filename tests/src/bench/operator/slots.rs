//! From a due slot to its Job: a thousand targets within a minute, and a thousand at once.
//!
//! A run is due at its slot, or later by its target's own delay. The Job is there when a watch of
//! this process sees it: the API server's way to tell belongs to the figure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use crds::{AuditRun, AuditSchedule};
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::sync::mpsc;

use super::site::{Operator, Site};
use super::{fleet, runtime};
use crate::bench::Row;

/// Seconds over which the delays of a schedule's targets are spread.
const JITTER: u32 = 60;
/// How long the Jobs of a wave are waited for, after the last is due.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures.
pub(crate) fn measure() -> anyhow::Result<Vec<Row>> {
    runtime()?.block_on(async {
        let site = Site::open().await?;
        fleet::make(&site.client).await?;
        clear(&site.client).await?;
        let operator = site.start(10_000);
        let spread = wave(&site.client, &operator, 0, JITTER).await?;
        let burst = wave(&site.client, &operator, 1, 0).await?;
        let second = |delay: f64| format!("{delay:.3} s");
        let count = spread.len();
        Ok(vec![
            Row::new(
                format!(
                    "due slot to Job seen, {count} targets in {} namespaces within a minute, p99",
                    fleet::NAMESPACES
                ),
                second(quantile(&spread, 0.99)),
                "< 1 s",
            ),
            Row::aside("the same, median", second(quantile(&spread, 0.5))),
            Row::aside("the same, longest", second(quantile(&spread, 1.0))),
            Row::aside(
                "the operator's own `audit_slot_delay_seconds` of both waves, up to 1 s and in all",
                histogram(&operator)?,
            ),
            Row::aside(
                format!("the same for {} targets that are all due at once, median", burst.len()),
                second(quantile(&burst, 0.5)),
            ),
            Row::aside("the same, longest", second(quantile(&burst, 1.0))),
        ])
    })
}

/// Delays of the Jobs of one wave, in seconds, the shortest first.
async fn wave(
    client: &Client,
    operator: &Operator,
    number: usize,
    jitter: u32,
) -> anyhow::Result<Vec<f64>> {
    let (seen, mut jobs) = mpsc::unbounded_channel();
    let watch = tokio::spawn(watch(client.clone(), seen));
    // The watch stands before anything is due.
    let slot = next_slot(Timestamp::now());
    for index in 0..fleet::NAMESPACES {
        let api: Api<AuditSchedule> = Api::namespaced(client.clone(), &fleet::namespace(index));
        let utc = slot.to_zoned(jiff::tz::TimeZone::UTC);
        let schedule = json!({
            "apiVersion": "plumbline.dev/v1alpha1",
            "kind": "AuditSchedule",
            "metadata": { "name": format!("wave-{number}") },
            "spec": {
                "targetSelector": { "matchLabels": { "wave": number.to_string() } },
                "schedule": format!("{} {} * * *", utc.minute(), utc.hour()),
                "timeZone": "UTC",
                "jitterSeconds": jitter,
            },
        });
        api.create(&PostParams::default(), &serde_json::from_value(schedule)?).await?;
    }
    ensure!(Timestamp::now() < slot, "the schedules were not there in time");
    let mut at: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    let end = slot + SignedDuration::from_secs(jitter.into());
    while at.len() < fleet::WAVE {
        let left = Duration::try_from(end.duration_since(Timestamp::now())).unwrap_or_default();
        let job = tokio::time::timeout(left + PATIENCE, jobs.recv()).await;
        let job = job.ok().flatten().with_context(|| {
            format!("{} of {} Jobs came:\n{}", at.len(), fleet::WAVE, operator.said())
        })?;
        let (key, time) = job;
        if key.1.starts_with(&format!("wave-{number}-")) {
            at.entry(key).or_insert(time);
        }
    }
    watch.abort();
    let mut delays = Vec::new();
    let runs: Api<AuditRun> = Api::all(client.clone());
    for run in runs.list(&ListParams::default()).await? {
        let key = (run.namespace().unwrap_or_default(), run.name_any());
        let Some(time) = at.get(&key) else { continue };
        let spec = &run.spec;
        let due = spec.not_before.as_ref().or(spec.slot.as_ref()).context("a run has a slot")?;
        delays.push(time.duration_since(due.0).as_secs_f64());
    }
    ensure!(delays.len() == fleet::WAVE, "{} Jobs have a run", delays.len());
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}

/// Tells of every Job when it is seen for the first time.
async fn watch(client: Client, seen: mpsc::UnboundedSender<((String, String), Timestamp)>) {
    let jobs: Api<PartialObjectMeta<Job>> = Api::all(client);
    let ours = watcher::Config::default().labels("app.kubernetes.io/managed-by=plumbline-operator");
    let mut stream = watcher(jobs, ours).default_backoff().applied_objects().boxed();
    while let Some(job) = stream.next().await {
        let Ok(job) = job else { continue };
        let key = (job.namespace().unwrap_or_default(), job.name_any());
        if seen.send((key, Timestamp::now())).is_err() {
            return;
        }
    }
}

/// A full minute that is far enough away to make schedules for it.
fn next_slot(now: Timestamp) -> Timestamp {
    let minute = (now.as_second() + 20).div_euclid(60) + 1;
    Timestamp::from_second(minute * 60).expect("a minute of this century")
}

/// Takes away what an earlier measurement left.
async fn clear(client: &Client) -> anyhow::Result<()> {
    for index in 0..fleet::NAMESPACES {
        let namespace = fleet::namespace(index);
        let schedules: Api<AuditSchedule> = Api::namespaced(client.clone(), &namespace);
        let runs: Api<AuditRun> = Api::namespaced(client.clone(), &namespace);
        let (by, all) = (DeleteParams::background(), ListParams::default());
        schedules.delete_collection(&by, &all).await?;
        runs.delete_collection(&by, &all).await?;
        let begin = Instant::now();
        while !runs.list_metadata(&all).await?.items.is_empty() {
            ensure!(begin.elapsed() < PATIENCE, "runs in {namespace} do not go");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

/// The delay that this part of them does not exceed.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list of thousands"
    )]
    let place = (part * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

/// How many were within a second, of how many, by the operator's own histogram.
fn histogram(operator: &Operator) -> anyhow::Result<String> {
    let value = |name: &str| operator.metric(name).with_context(|| format!("no {name}"));
    Ok(format!(
        "{} of {}",
        value("audit_slot_delay_seconds_bucket{le=\"1.0\"}")?,
        value("audit_slot_delay_seconds_count")?
    ))
}
