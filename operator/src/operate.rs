//! The process: what every replica serves, and what only the leader does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::{Api, Client};
use store::{OpenMode, Store, StoreUrl};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::context::{Context, Stores};
use crate::ingest::{self, authority::Authority};
use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::{controllers, health};

/// How long the store is waited for between two tries at the start.
const STORE_PATIENCE: Duration = Duration::from_secs(3);
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
        let reconcilers = controllers::reconcile(context, settings, &ended);
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
