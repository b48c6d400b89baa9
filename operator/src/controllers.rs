//! What the leader watches, and who is told of a change.

use std::sync::Arc;

use crds::{AuditException, AuditRun, AuditRunStatus, AuditSchedule, AuditTarget, condition};
use futures::channel::mpsc;
use futures::{Stream, StreamExt as _, TryStreamExt as _, future};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Config;
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::Event;
use kube::runtime::{Controller, WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::context::{Context, readable};
use crate::settings::Settings;
use crate::target::Known;
use crate::{exception, retention, run, schedule, target};

/// Objects of one kind that are reconciled at the same time.
const CONCURRENCY: u16 = 16;
/// Objects in one page of a list.
const PAGE: u32 = 100;
/// Runs that are reconciled at the same time. They mostly wait for the API server, and who is due
/// must not wait for those that are looked after.
const RUN_CONCURRENCY: u16 = 64;

/// The reconcilers of every watched namespace.
pub async fn reconcile(context: &Arc<Context>, settings: &Settings, end: &watch::Receiver<bool>) {
    context.forget_runs();
    let named =
        settings.watch_namespaces.iter().map(String::as_str).filter(|name| !name.is_empty());
    let mut namespaces: Vec<Option<&str>> = named.map(Some).collect();
    if namespaces.is_empty() {
        namespaces.push(None);
    }
    let all = namespaces.into_iter().map(|namespace| one(context, namespace, end.clone()));
    let kept = retention::keep(context, settings, end.clone());
    futures::join!(futures::future::join_all(all), kept);
}

async fn one(context: &Arc<Context>, namespace: Option<&str>, end: watch::Receiver<bool>) {
    let config = Config::default().concurrency(CONCURRENCY);
    let ended = || {
        let mut end = end.clone();
        async move {
            end.wait_for(|end| *end).await.ok();
        }
    };

    let (cache, writer) = reflector::store();
    let (calls, called) = mpsc::unbounded();
    context.watch_runs(cache.clone(), calls);
    let freed = Arc::clone(context);
    // An ended run changes what its schedule says, and what may be pruned; and what the exceptions
    // of its namespace waive. All of them are told by the one watch.
    let (to_schedules, of_schedules) = mpsc::unbounded();
    let (to_exceptions, of_exceptions) = mpsc::unbounded();
    let runs = objects::<AuditRun>(context, namespace)
        .modify(prune_run)
        .reflect(writer)
        .inspect_ok(move |event| {
            // Nobody looks at a run that is gone, and it may have held a place.
            if let Event::Delete(run) = event {
                run::turn::over(&freed, &run.uid().unwrap_or_default(), Timestamp::now());
            }
        })
        .touched_objects()
        .inspect_ok(move |run| {
            let namespace = run.namespace().unwrap_or_default();
            if let Some(schedule) = &run.spec.schedule_ref {
                // Who listens no more has ended, and so will this.
                to_schedules.unbounded_send(ObjectRef::new(&schedule.name).within(&namespace)).ok();
            }
            if run.status.as_ref().is_some_and(AuditRunStatus::is_over) {
                to_exceptions.unbounded_send(namespace).ok();
            }
        });
    let jobs = watcher(
        api::<Job>(context, namespace),
        in_pages().labels("app.kubernetes.io/managed-by=plumbline-operator"),
    )
    .default_backoff()
    .modify(prune)
    // What is on its way to its end changes nothing for its run.
    .try_filter(|event| {
        future::ready(match event {
            Event::Apply(job) | Event::InitApply(job) => run::is_over(job),
            Event::Delete(_) | Event::Init | Event::InitDone => true,
        })
    })
    .touched_objects();
    let runs = Controller::for_stream(runs, cache)
        .owns_stream(jobs)
        .reconcile_on(called)
        .with_config(Config::default().concurrency(RUN_CONCURRENCY))
        .graceful_shutdown_on(ended())
        .run(
            run::reconcile,
            |run, error, context| context.retry(run.as_ref(), error),
            Arc::clone(context),
        )
        .for_each(|_| async {});

    let (cache, writer) = reflector::store();
    let schedules = objects::<AuditSchedule>(context, namespace)
        .modify(prune)
        .reflect(writer)
        .touched_objects();
    let schedules = Controller::for_stream(schedules, cache)
        .reconcile_on(of_schedules)
        .with_config(config.clone())
        .graceful_shutdown_on(ended())
        .run(
            schedule::reconcile,
            |schedule, error, context| context.retry(schedule.as_ref(), error),
            Arc::clone(context),
        )
        .for_each(|_| async {});

    let (cache, writer) = reflector::store();
    let decides = Arc::clone(context);
    let targets = objects::<AuditTarget>(context, namespace)
        .map_ok(move |event| Known::of_event(event, &decides))
        .reflect(writer)
        .touched_objects();
    let targets = Controller::for_stream(targets, cache)
        .with_config(config.clone())
        .graceful_shutdown_on(ended())
        .run(
            target::reconcile,
            |target, error, context| context.retry(target.as_ref(), error),
            Arc::clone(context),
        )
        .for_each(|_| async {});

    let (cache, writer) = reflector::store();
    let exceptions = objects::<AuditException>(context, namespace)
        .modify(prune)
        .reflect(writer)
        .touched_objects();
    let known = cache.clone();
    let of_exceptions = of_exceptions.flat_map(move |namespace: String| {
        let beside = known.state_filter(|e| e.namespace().as_ref() == Some(&namespace));
        let beside = beside.into_iter().map(|e| ObjectRef::from_obj(e.as_ref()));
        futures::stream::iter(beside.collect::<Vec<_>>())
    });
    let exceptions = Controller::for_stream(exceptions, cache)
        .reconcile_on(of_exceptions)
        .with_config(config)
        .graceful_shutdown_on(ended())
        .run(
            exception::reconcile,
            |exception, error, context| context.retry(exception.as_ref(), error),
            Arc::clone(context),
        )
        .for_each(|_| async {});

    futures::join!(runs, schedules, targets, exceptions);
}

/// What a watch of a kind tells, of the objects that can be read.
fn objects<K>(
    context: &Context,
    namespace: Option<&str>,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let api = api::<DeserializeGuard<K>>(context, namespace);
    watcher(api, in_pages()).default_backoff().try_filter_map(|event| {
        future::ok(match event {
            Event::Apply(guard) => readable(guard).map(Event::Apply),
            Event::InitApply(guard) => readable(guard).map(Event::InitApply),
            Event::Delete(guard) => readable(guard).map(Event::Delete),
            Event::Init => Some(Event::Init),
            Event::InitDone => Some(Event::InitDone),
        })
    })
}

fn api<K>(context: &Context, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(context.client.clone(), namespace),
        None => Api::all(context.client.clone()),
    }
}

/// How objects are watched. What a page of them takes while it is read is never given back.
fn in_pages() -> watcher::Config {
    watcher::Config::default().page_size(PAGE)
}

/// Caches keep what reconcilers read.
fn prune<K: kube::Resource>(object: &mut K) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    metadata.annotations = None;
}

/// Of a run that is over, caches keep what its schedule counts and prunes by.
fn prune_run(run: &mut AuditRun) {
    prune(run);
    let Some(status) = run.status.take_if(|status| status.is_over()) else { return };
    let mut conditions = status.conditions;
    conditions.retain(|condition| condition.type_ == condition::EVIDENCE_STORED);
    for condition in &mut conditions {
        condition.message = String::new();
    }
    run.status = Some(AuditRunStatus {
        phase: status.phase,
        ended_at: status.ended_at,
        conditions,
        ..AuditRunStatus::default()
    });
    run.spec.checks = None;
    run.spec.rules = None;
    run.spec.baseline = None;
    run.spec.job_template = None;
    run.metadata.labels = None;
    run.metadata.owner_references = None;
}
