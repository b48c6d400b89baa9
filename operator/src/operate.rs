//! The process: what every replica serves, and what only the leader does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use crds::{AuditException, AuditRun, AuditRunStatus, AuditSchedule, AuditTarget, condition};
use futures::channel::mpsc;
use futures::{Stream, StreamExt as _, TryStreamExt as _, future};
use k8s_openapi::api::batch::v1::Job;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Config;
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::Event;
use kube::runtime::{Controller, WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use store::{OpenMode, Store, StoreUrl};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::context::{Context, Stores, readable};
use crate::health;
use crate::ingest::{self, authority::Authority};
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::target::Known;
use crate::{exception, retention, run, schedule, target};

/// How long the store is waited for between two tries at the start.
const STORE_PATIENCE: Duration = Duration::from_secs(3);
/// Objects of one kind that are reconciled at the same time.
const CONCURRENCY: u16 = 16;
/// Objects in one page of a list.
const PAGE: u32 = 500;
/// Runs that are reconciled at the same time. They mostly wait for the API server, and who is due
/// must not wait for those that are looked after.
const RUN_CONCURRENCY: u16 = 64;

/// Works until the process is told to stop.
///
/// # Errors
/// If what it needs to start cannot be had.
pub async fn operate(settings: &Settings) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signalled().await;
        tracing::info!("told to stop");
        stop.send_replace(true);
    });
    let client = Client::try_default().await.context("finding the API server")?;
    let metrics = Arc::new(Metrics::default());
    let Some(stores) = open_stores(settings, stopped.clone()).await? else { return Ok(()) };
    metrics.store_up.set(1);
    let authority = Authority::open(client.clone(), settings).await?;
    let context = Arc::new(Context::new(
        client.clone(),
        stores.clone(),
        settings,
        authority.ca(),
        Arc::clone(&metrics),
    ));
    let mut tasks = JoinSet::new();
    let ingest = bind(settings.ingest_address).await?;
    tasks.spawn(ingest::serve(
        ingest,
        authority.tls(),
        ingest::router(Arc::clone(&context)),
        stopped.clone(),
    ));
    let health = bind(settings.health_address).await?;
    let router = health::router(Arc::clone(&context));
    let mut until = stopped.clone();
    tasks.spawn(async move {
        let serve = axum::serve(health, router).with_graceful_shutdown(async move {
            until.wait_for(|stopped| *stopped).await.ok();
        });
        serve.await.ok();
    });
    tasks.spawn(authority.keep(stopped.clone()));
    let leases = Api::namespaced(client.clone(), &settings.namespace);
    let (leads, led) = watch::channel(false);
    let leadership = Leadership::new(
        leases.clone(),
        settings.lease.clone(),
        settings.pod_name.clone(),
        Arc::clone(&metrics),
    );
    tasks.spawn(leadership.campaign(leads, stopped.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pod = settings.pod_name, "started");
    lead(&context, settings, led, stopped.clone()).await;
    Leadership::release(&leases, &settings.lease, &settings.pod_name).await.ok();
    while tasks.join_next().await.is_some() {}
    drop(context);
    stores.ingest.close().await;
    stores.own.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs the reconcilers whenever this replica leads, until the process is told to stop.
async fn lead(
    context: &Arc<Context>,
    settings: &Settings,
    mut led: watch::Receiver<bool>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            leads = led.wait_for(|leads| *leads) => if leads.is_err() { return },
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        tracing::info!("leads now");
        let mut lost = led.clone();
        let mut told = stopped.clone();
        let (end, ended) = watch::channel(false);
        let reconcilers = reconcile(context, settings, &ended);
        tokio::pin!(reconcilers);
        tokio::select! {
            () = &mut reconcilers => {}
            _ = lost.wait_for(|leads| !*leads) => tracing::warn!("leads no more"),
            _ = told.wait_for(|stopped| *stopped) => {
                // What has begun ends; what has not is somebody else's.
                end.send_replace(true);
                tokio::time::timeout(Duration::from_secs(20), reconcilers).await.ok();
                return;
            }
        }
    }
}

/// The reconcilers of every watched namespace.
async fn reconcile(context: &Arc<Context>, settings: &Settings, end: &watch::Receiver<bool>) {
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
    context.watch_runs(cache.clone());
    // An ended run changes what its schedule says, and what may be pruned; and what the exceptions
    // of its namespace waive. All of them are told by the one watch.
    let (to_schedules, of_schedules) = mpsc::unbounded();
    let (to_exceptions, of_exceptions) = mpsc::unbounded();
    let runs = objects::<AuditRun>(context, namespace)
        .modify(prune_run)
        .reflect(writer)
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

/// The store, as soon as it can be had; none if the process was told to stop before. Several
/// replicas may come at once: migrations run under a lock.
async fn open_stores(
    settings: &Settings,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<Option<Stores>> {
    let url: StoreUrl = settings.store.parse().context("PLUMBLINE_STORE")?;
    anyhow::ensure!(
        url.sqlite_path().is_none(),
        "PLUMBLINE_STORE: replicas share one store, so it is postgres://..., not a file"
    );
    loop {
        match open_once(&url, &settings.ingest_role).await {
            Ok(stores) => return Ok(Some(stores)),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the store cannot be opened; trying again"
            ),
        }
        tokio::select! {
            () = tokio::time::sleep(STORE_PATIENCE) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
        }
    }
}

async fn open_once(url: &StoreUrl, role: &str) -> anyhow::Result<Stores> {
    let own = Store::open(url, OpenMode::ReadWrite).await?;
    if role.is_empty() {
        return Ok(Stores { ingest: own.clone(), own });
    }
    let ingest = async {
        // As it was left, most of the time: to grant again what is granted is a write.
        if let Ok(ingest) = Store::open_as(url, role).await {
            if ingest.may_ingest().await.is_ok_and(|may| may) {
                return Ok(ingest);
            }
            ingest.close().await;
        }
        own.make_ingest_role(role).await?;
        own.grant_ingest(role).await?;
        Store::open_as(url, role).await
    };
    let ingest = ingest.await.with_context(|| {
        format!(
            "PLUMBLINE_INGEST_ROLE: the database's user cannot take evidence in as the role \
             `{role}`. Let somebody who may make roles run `CREATE ROLE {role} NOLOGIN; GRANT \
             {role} TO` that user, or leave the variable empty to take evidence in as the user \
             itself"
        )
    });
    match ingest {
        Ok(ingest) => Ok(Stores { own, ingest }),
        Err(error) => {
            own.close().await;
            Err(error)
        }
    }
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

async fn signalled() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
