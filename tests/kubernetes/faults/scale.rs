//! Many targets and many slots at once, on simulated nodes: pods that never deliver. Each run ends
//! with what is missing and why, once.
//!
//! A tenth of what is claimed, so that it is done in minutes; `PLUMBLINE_TEST_TARGETS=10000` does
//! all of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tests::local_operator::LocalOperator;
use tests::simulated::{JOB_TEMPLATE, Simulated};

use super::process::Away;
use crate::cluster::{Kubectl, Namespace};
use crate::node::Node;
use crate::operator::{Installation, alone, beside};

/// Targets, where nothing else is asked for.
const TARGETS: usize = 1_000;
/// Of so many targets one has a slot.
const IDLE: usize = 10;
/// Schedules that share the slots.
const SCHEDULES: usize = 10;
/// Most bytes of a status.
const STATUS: usize = 4_096;

/// Waits, and looks seldom: each look is a list of everything.
#[track_caller]
fn patiently(what: &str, limit: Duration, mut done: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < limit, "waited {limit:?} in vain for: {what}");
        std::thread::sleep(Duration::from_secs(1));
    }
    begin.elapsed()
}

fn target(number: usize) -> String {
    let group = match number % IDLE {
        0 => format!("g{}", number / IDLE % SCHEDULES),
        _ => "idle".to_owned(),
    };
    format!(
        "---
apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: t{number:05}, labels: {{group: {group}}}}}
spec:
  path: ingest
  endpoints: [{{name: ingest, protocol: http, host: t{number:05}.example, port: 80, path: /}}]
"
    )
}

fn schedule(number: usize, cron: &str) -> String {
    format!(
        "---
apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s{number}}}
spec:
  targetSelector: {{matchLabels: {{group: g{number}}}}}
  checks: [ingest_auth]
  schedule: '{cron}'
  jobTemplate: {{ttlSecondsAfterFinished: 5, {JOB_TEMPLATE}}}
"
    )
}

/// Creates many objects by several kubectls: one sends one request at a time.
fn create(namespace: &Namespace, documents: &[String]) {
    std::thread::scope(|scope| {
        for part in documents.chunks(documents.len().div_ceil(8)) {
            scope.spawn(|| {
                namespace.feed(&["create", "--filename=-"], &part.concat()).expect(0);
            });
        }
    });
}

fn items(namespace: &Namespace, kind: &str) -> Vec<Value> {
    match namespace.json(kind)["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn is_over(run: &Value) -> bool {
    matches!(run["status"]["phase"].as_str(), Some("Complete" | "Failed"))
}

#[test]
fn a_slot_of_many_among_very_many_targets_has_each_run_once_and_under_the_caps() {
    if Node::ours().is_none() {
        return;
    }
    let installation = Installation::get();
    let _alone = alone();
    let _away = Away::new();
    let targets = std::env::var("PLUMBLINE_TEST_TARGETS").map_or(TARGETS, |n| n.parse().unwrap());
    let due = targets / IDLE;
    let limit = Duration::from_secs(120).max(Duration::from_millis(200) * targets as u32);
    let _simulated = Simulated::start(5);
    let namespace = Namespace::new("scale");
    let mut settings = beside(&namespace, &installation.store());
    // So few that most have to wait for their turn.
    settings.max_jobs = u32::try_from(due / 10).unwrap();
    settings.max_jobs_per_namespace = settings.max_jobs;
    let cap = usize::try_from(settings.max_jobs).unwrap();
    let mut operator = LocalOperator::start(&settings);
    operator.wait_until_ready(Duration::from_secs(30));

    let begin = Instant::now();
    create(&namespace, &(0..targets).map(target).collect::<Vec<_>>());
    let created = begin.elapsed();
    let ready = "--output=jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
    let accepted = patiently("every target to be accepted", limit, || {
        let said = namespace.run(&["get", "audittargets", ready]);
        said.split(' ').filter(|said| *said == "True").count() == targets
    });
    let idle = operator.rss_kib() / 1_024;

    // One slot for all of them, and the next one in a year.
    let soon = Timestamp::now() + SignedDuration::from_secs(75);
    let slot = Timestamp::from_second(soon.as_second() / 60 * 60).unwrap();
    let cron = slot.to_zoned(jiff::tz::TimeZone::UTC).strftime("%M %H %d %m *").to_string();
    let mut schedules = String::new();
    for number in 0..SCHEDULES {
        write!(schedules, "{}", schedule(number, &cron)).unwrap();
    }
    namespace.apply(&schedules);
    let most = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let mut runs = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let at_work = operator.metric("audit_jobs_active").unwrap_or(0.0);
                most.fetch_max(at_work as usize, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        // Also where waiting fails, or the other thread would look for ever.
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            patiently("every run of the slot to be over", limit + Duration::from_secs(80), || {
                runs = items(&namespace, "auditruns");
                let at_work = runs.iter().filter(|run| run["status"]["phase"] == "Running").count();
                most.fetch_max(at_work, Ordering::Relaxed);
                runs.len() >= due && runs.iter().all(is_over)
            })
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = waited {
            std::panic::resume_unwind(panic);
        }
    });
    let over = Timestamp::now().duration_since(slot).as_secs();
    let most = most.into_inner();
    println!(
        "{targets} targets created in {} s, accepted after {} s more, {idle} MiB; {due} runs \
         over {over} s after their slot, {most} of at most {cap} at work, {} MiB at most",
        created.as_secs(),
        accepted.as_secs(),
        operator.peak_rss_kib() / 1_024
    );
    assert!(most <= cap && most > cap / 4, "{most} at work, of at most {cap}");
    assert_whole(&namespace, &runs, due);
    assert_stored(&namespace, &runs, due);
    // Nothing that nobody owns stays, and the API server has not suffered.
    patiently("every Job to go when its time has come", limit, || {
        items(&namespace, "jobs").is_empty() && items(&namespace, "pods").is_empty()
    });
    assert_eq!(items(&namespace, "auditruns").len(), due, "no run came later");
    assert_eq!(Kubectl::new().run(&["get", "--raw", "/readyz"]), "ok");
    operator.stop(Duration::from_secs(30));
}

/// One run of each target of the slot, which says what is missing and why, in few bytes.
fn assert_whole(namespace: &Namespace, runs: &[Value], due: usize) {
    assert_eq!(runs.len(), due);
    let slots: BTreeSet<_> = runs.iter().map(|run| run["spec"]["slot"].to_string()).collect();
    assert_eq!(slots.len(), 1, "{slots:?}");
    let of: BTreeSet<_> =
        runs.iter().map(|run| run["spec"]["targetRef"]["name"].to_string()).collect();
    assert_eq!(of.len(), due, "a run of each target");
    for run in runs {
        let status = &run["status"];
        assert_eq!(status["phase"], "Complete", "{run:#}");
        assert_eq!(status["status"], "INCOMPLETE", "{run:#}");
        assert_ne!(status["posture"], "green", "{run:#}");
        let message = status["message"].as_str().unwrap();
        let why = "no evidence came of ingest_auth of endpoint/ingest: its Job ended without";
        assert!(message.starts_with(why), "{message}");
        assert!(status.to_string().len() <= STATUS, "{run:#}");
    }
    for target in items(namespace, "audittargets") {
        let status = &target["status"];
        assert!(status.to_string().len() <= STATUS, "{target:#}");
        let audited = target["metadata"]["labels"]["group"] != "idle";
        assert_eq!(status["lastRun"].is_object(), audited, "{target:#}");
        assert!(!audited || status["status"] == "INCOMPLETE", "{target:#}");
    }
}

/// The store has each of them once, and a reason for every control.
fn assert_stored(namespace: &Namespace, runs: &[Value], due: usize) {
    let database = Installation::get().database();
    let of_namespace = format!("target LIKE '{}/%'", namespace.name());
    let count = |what: &str| {
        let sql = format!("SELECT {what} WHERE {of_namespace}");
        database.sql(&sql).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(count("count(*) FROM runs"), due);
    assert_eq!(count("count(DISTINCT target) FROM runs"), due);
    let complete = "count(*) FILTER (WHERE state = 'complete' AND status = 'INCOMPLETE') FROM runs";
    assert_eq!(count(complete), due);
    let results = "FROM control_results JOIN runs ON runs.id = run";
    let all = count(&format!("count(*) {results}"));
    assert!(all >= due && all.is_multiple_of(due), "{all} results");
    assert_eq!(count(&format!("count(reason) {results}")), all, "each has its reason");
    let ids: BTreeSet<_> = runs.iter().map(|run| run["status"]["runId"].to_string()).collect();
    assert_eq!(ids.len(), due);
}
