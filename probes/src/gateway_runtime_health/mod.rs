//! The probe of `gateway_runtime_health`: what a running gateway says of itself.
//!
//! It asks the declared health path, and the ready and metrics paths that parameters name. Nothing
//! else is contacted. Metrics are asked for without a credential first; only where that is turned
//! away does the declared credential go along, over TLS with an endpoint that has proved who it is
//! in that same handshake. At most 4 connections, one after another, within 5 seconds.
//!
//! Parameters: `readyPath`, `metricsPath`, `requiredSeries`, a list of names of series, and
//! `minUptimeMinutes`, for how long the process should have been running.

mod ask;
mod clock;
mod metrics;
mod parts;
mod process;
mod question;
#[cfg(test)]
mod tests;

use std::time::Duration;

use model::evidence::{
    Evidence, GatewayRuntimeHealth, GatewayRuntimeHealthStable, GatewayRuntimeHealthVolatile,
    HealthState, Item,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::net::{Dialer, Limits};
use ask::{Asker, Told};
use metrics::Metrics;
use question::Question;

/// Connections in total: health, ready, and metrics without and with a credential.
const MAX_CONNECTIONS: u32 = 4;

/// Why nobody asks how long the process has been running.
const NOT_DECLARED: &str = "`params.minUptimeMinutes` is not declared";

/// Time for everything together.
const MAX_TIME: Duration = Duration::from_secs(5);

/// Collects one document of `gateway_runtime_health.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<GatewayRuntimeHealth>(context, request, observe(context, request)).await
}

async fn observe(
    context: &Context,
    request: &CheckRequest,
) -> (GatewayRuntimeHealthStable, GatewayRuntimeHealthVolatile) {
    let Inputs::Endpoint { endpoint, trust, credentials } = &request.inputs else {
        return unseen("this check looks at an endpoint");
    };
    let question = match Question::new(endpoint, &request.params) {
        Ok(question) => question,
        Err(reason) => return unseen(&reason),
    };
    let limits = Limits::new(&request.policy, MAX_CONNECTIONS);
    let dialer = Dialer::new(endpoint, Limits { total: limits.total.min(MAX_TIME), ..limits });
    let asker = Asker::new(endpoint, &dialer, &question);
    let (mut stable, mut volatile) = unseen("no parameter names this path");
    stable.endpoint_address = Item::observed(endpoint.address());
    stable.health_path = Item::observed(question.health.clone());

    let health = asker.ask(&question.health).await;
    (stable.health_state, stable.health_status, stable.health_failing) = state(&health);
    (stable.clock_state, volatile.clock_offset_ms, volatile.clock_error_ms) = clock::read(&health);

    stable.ready_declared = Item::observed(question.ready.is_some());
    if let Some(path) = &question.ready {
        stable.ready_path = Item::observed(path.clone());
        (stable.ready_state, stable.ready_status, stable.ready_failing) =
            state(&asker.ask(path).await);
    }

    stable.metrics_declared = Item::observed(question.metrics.is_some());
    stable.metrics_required = Item::observed(question.required.clone());
    stable.process_declared = Item::observed(question.min_uptime_minutes.is_some());
    if let Some(minutes) = question.min_uptime_minutes {
        stable.process_min_uptime_minutes = Item::observed(minutes);
    }
    if let Some(path) = &question.metrics {
        stable.metrics_path = Item::observed(path.clone());
        let anonymous = asker.ask(path).await;
        stable.metrics_anonymous_status = anonymous.status();
        stable.metrics_public = anonymous.status().and_then(|status| match status {
            200..=299 => Item::observed(true),
            401 | 403 | 404 | 405 | 410 => Item::observed(false),
            status => Item::error(format!("{status} does not say who may read metrics")),
        });
        let guarded = matches!(anonymous.status().value(), Some(401 | 403));
        let told = if guarded {
            asker.ask_with_credential(context, path, trust, credentials).await
        } else {
            Ok(anonymous)
        };
        match told {
            Ok(told) => read_metrics(&told, &question, &mut stable, &mut volatile),
            Err(reason) => {
                stable.metrics_status = Item::not_attempted(&reason);
                stable.metrics_format = Item::not_attempted(&reason);
                stable.metrics_missing = Item::not_attempted(&reason);
                if question.min_uptime_minutes.is_some() {
                    stable.process_age = Item::not_attempted(&reason);
                    stable.process_restarted_at = Item::not_attempted(&reason);
                }
                volatile.process_started_at = Item::not_attempted(&reason);
                volatile.metrics_series = Item::not_attempted(reason);
            }
        }
    }
    stable.connections = Item::observed(dialer.opened());
    (stable, volatile)
}

/// What an answer of a health path says, its status, and the parts that fail.
fn state(told: &Told) -> (Item<HealthState>, Item<u16>, Item<Vec<String>>) {
    let status = told.status();
    let failing = match status.value() {
        Some(200..=299 | 500..=599) => told.content().map(|content| parts::failing(&content)),
        _ => status
            .clone()
            .and_then(|status| Item::not_attempted(format!("{status} does not tell of parts"))),
    };
    let state = status.clone().and_then(|status| match status {
        200..=299 => match failing.value() {
            Some(parts) if !parts.is_empty() => Item::observed(HealthState::Degraded),
            Some(_) => Item::observed(HealthState::Healthy),
            // A part that fails may stand in what was not read.
            None => failing.clone().and_then(|_| Item::error("the answer was not read")),
        },
        500..=599 => Item::observed(HealthState::Unhealthy),
        404 | 405 | 410 => Item::observed(HealthState::Absent),
        401 | 403 => Item::observed(HealthState::Guarded),
        status => Item::error(format!("{status} does not tell health")),
    });
    (state, status, failing)
}

fn read_metrics(
    told: &Told,
    question: &Question,
    stable: &mut GatewayRuntimeHealthStable,
    volatile: &mut GatewayRuntimeHealthVolatile,
) {
    stable.metrics_status = told.status();
    let metrics = told.status().and_then(|status| match status {
        200..=299 => told.content().and_then(|content| Metrics::read(&content)),
        status => Item::error(format!("{status} is no answer with metrics")),
    });
    stable.metrics_format = metrics.as_ref().map(|metrics| metrics.format);
    stable.metrics_missing = metrics.as_ref().map(|metrics| metrics.missing(&question.required));
    volatile.metrics_series = metrics.as_ref().map(Metrics::series);
    volatile.process_started_at = metrics.as_ref().and_then(|metrics| match metrics.started_at {
        Some(started_at) => Item::observed(started_at),
        None => Item::not_attempted("the metrics have no process_start_time_seconds"),
    });
    if let Some(minutes) = question.min_uptime_minutes {
        (stable.process_age, stable.process_restarted_at) =
            process::age(volatile.process_started_at.clone(), told, minutes);
    }
}

/// Nothing seen, for one reason.
fn unseen(reason: &str) -> (GatewayRuntimeHealthStable, GatewayRuntimeHealthVolatile) {
    let stable = GatewayRuntimeHealthStable {
        endpoint_address: Item::not_attempted(reason),
        health_path: Item::not_attempted(reason),
        health_state: Item::not_attempted(reason),
        health_status: Item::not_attempted(reason),
        health_failing: Item::not_attempted(reason),
        ready_declared: Item::not_attempted(reason),
        ready_path: Item::not_attempted(reason),
        ready_state: Item::not_attempted(reason),
        ready_status: Item::not_attempted(reason),
        ready_failing: Item::not_attempted(reason),
        metrics_declared: Item::not_attempted(reason),
        metrics_path: Item::not_attempted(reason),
        metrics_anonymous_status: Item::not_attempted(reason),
        metrics_public: Item::not_attempted(reason),
        metrics_status: Item::not_attempted(reason),
        metrics_format: Item::not_attempted(reason),
        metrics_required: Item::not_attempted(reason),
        metrics_missing: Item::not_attempted(reason),
        clock_state: Item::not_attempted(reason),
        process_declared: Item::not_attempted(reason),
        process_min_uptime_minutes: Item::not_attempted(NOT_DECLARED),
        process_age: Item::not_attempted(NOT_DECLARED),
        process_restarted_at: Item::not_attempted(NOT_DECLARED),
        connections: Item::observed(0),
    };
    let volatile = GatewayRuntimeHealthVolatile {
        clock_offset_ms: Item::not_attempted(reason),
        clock_error_ms: Item::not_attempted(reason),
        process_started_at: Item::not_attempted(reason),
        metrics_series: Item::not_attempted(reason),
    };
    (stable, volatile)
}
