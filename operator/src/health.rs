//! `/livez`, `/readyz` and `/metrics`, over plain HTTP and apart from the ingest.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use store::{RunFilter, Store};

use crate::metrics::Metrics;

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
    // OpenMetrics 1.0.0, section "Overall Structure".
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], health.metrics.render())
}
