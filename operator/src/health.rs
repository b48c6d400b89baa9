//! `/livez`, `/readyz` and `/metrics`, over plain HTTP and apart from the ingest.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use store::{RunFilter, Store, StoreError};

use crate::metrics::{Metrics, Standing};

/// What the answers are made of.
#[derive(Clone)]
pub struct Health {
    /// The store; readiness means that evidence can be kept.
    pub store: Store,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
}

/// The routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let filter = RunFilter { limit: Some(1), ..RunFilter::default() };
    match health.store.runs(&filter, jiff::Timestamp::now()).await {
        Ok(_) => {
            health.metrics.store_up.set(1);
            (StatusCode::OK, "ok\n".to_owned())
        }
        Err(error) => {
            health.metrics.store_up.set(0);
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store: {error}\n"))
        }
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    // Gauges of the fleet come from the store and from one replica only, or sums would be double.
    // What cannot be asked for is left out: a gauge from memory would look healthy for days.
    let standing = match health.metrics.leader.get() {
        1 => standing(&health.store).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the store could not be counted");
            Standing::default()
        }),
        _ => Standing::default(),
    };
    health.metrics.stand(&standing, jiff::Timestamp::now());
    // OpenMetrics 1.0.0, section "Overall Structure".
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], health.metrics.render())
}

async fn standing(store: &Store) -> Result<Standing, StoreError> {
    Ok(Standing {
        findings: store.open_findings().await?,
        evidence: store.evidence_times().await?,
        certificates: store.certificates(None).await?,
    })
}
