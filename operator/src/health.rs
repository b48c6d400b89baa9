//! `/livez`, `/readyz` and `/metrics`, over plain HTTP and apart from the ingest.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use store::{Store, StoreError};

use crate::context::Context;
use crate::metrics::Standing;
use crate::run;

/// The routes. Readiness means that evidence can be kept.
pub fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(context)
}

async fn ready(State(context): State<Arc<Context>>) -> impl IntoResponse {
    // A server that has become read-only, or a full disk, still answers questions.
    match context.store.can_write(jiff::Timestamp::now()).await {
        Ok(()) => {
            context.metrics.store_up.set(1);
            (StatusCode::OK, "ok\n".to_owned())
        }
        Err(error) => {
            context.metrics.store_up.set(0);
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store: {error}\n"))
        }
    }
}

async fn metrics(State(context): State<Arc<Context>>) -> impl IntoResponse {
    // Gauges of the fleet come from the store and from one replica only, or sums would be double.
    // What cannot be asked for is left out: a gauge from memory would look healthy for days.
    let leads = context.metrics.leader.get() == 1;
    let standing = match leads {
        true => standing(&context.store).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the store could not be counted");
            Standing::default()
        }),
        false => Standing::default(),
    };
    context.metrics.stand(&standing, jiff::Timestamp::now());
    let runs = if leads { context.runs() } else { Vec::new() };
    let (at_work, waiting) = run::counts(&runs);
    context.metrics.jobs_active.set(at_work);
    context.metrics.queue_depth.set(waiting);
    // OpenMetrics 1.0.0, section "Overall Structure".
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], context.metrics.render())
}

async fn standing(store: &Store) -> Result<Standing, StoreError> {
    Ok(Standing {
        findings: store.open_findings().await?,
        evidence: store.evidence_times().await?,
        certificates: store.certificates(None).await?,
    })
}
