//! The ingest edge: `POST /v1/ingest`, `GET /healthz`, `GET /readyz`, and behind authentication
//! `GET /metrics` and `GET /v1/config/effective`.
//!
//! Where authentication is on, a request without the token is answered before its body is read.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use model::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::{Config, IngestAuth};
use super::listener::Stream;
use super::{GatewayError, read};

/// Longest wait for the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait for a whole request and its answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The span over which requests are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// What handlers share.
struct Edge {
    token: Option<Digest>,
    device: Option<String>,
    requests_per_minute: u32,
    max_body_bytes: usize,
    secure: bool,
    started_at: jiff::Timestamp,
    minute: Mutex<Minute>,
    readings: Arc<AtomicU64>,
}

/// Requests counted since the start of the running minute.
struct Minute {
    start: Instant,
    requests: u32,
}

/// The body of an ingest request.
#[derive(Deserialize)]
struct Telemetry {
    device: String,
    readings: Vec<Value>,
}

/// The routes that the configuration asks for.
pub fn router(
    dir: &Path,
    config: &Config,
    readings: Arc<AtomicU64>,
) -> Result<Router, GatewayError> {
    let token = match config.ingest.auth.as_ref().filter(|auth| auth.enabled) {
        Some(auth) => Some(Digest::of_bytes(token(dir, auth)?.trim_end().as_bytes())),
        None => None,
    };
    let mut guarded = Router::new().route("/v1/ingest", post(ingest));
    if config.gateway.effective_config {
        let effective = effective(config, token.as_ref());
        guarded = guarded
            .route("/v1/config/effective", get(|| async move { Json(effective).into_response() }));
    }
    if token.is_some() {
        // A gateway that asks nobody for a credential shows its metrics to nobody.
        guarded = guarded.route("/metrics", get(metrics));
    }
    let auth = config.ingest.auth.as_ref().filter(|auth| auth.enabled);
    let edge = Arc::new(Edge {
        token,
        device: auth.and_then(|auth| auth.device.clone()),
        requests_per_minute: config.ingest.requests_per_minute(),
        max_body_bytes: config.ingest.max_body_bytes(),
        secure: config.ingest.tls.as_ref().is_some_and(|tls| tls.enabled),
        started_at: jiff::Timestamp::now(),
        minute: Mutex::new(Minute { start: Instant::now(), requests: 0 }),
        readings,
    });
    Ok(guarded
        .route_layer(middleware::from_fn_with_state(Arc::clone(&edge), measure))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&edge), authenticate))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&edge), limit))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .layer(DefaultBodyLimit::max(config.ingest.max_body_bytes()))
        .layer(middleware::from_fn_with_state(Arc::clone(&edge), protect))
        .with_state(edge))
}

/// Serves one connection to its end.
pub async fn session(router: Router, stream: Stream) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A connection that ends badly is the client's to notice.
    tokio::time::timeout(REQUEST_LIMIT, connection).await.ok();
}

fn token(dir: &Path, auth: &IngestAuth) -> Result<String, GatewayError> {
    match (&auth.token_file, &auth.token_env) {
        (Some(file), _) => read(dir.join(file)),
        (None, Some(name)) => std::env::var(name).map_err(|_| GatewayError::File {
            path: name.into(),
            reason: "this environment variable is not set".to_owned(),
        }),
        (None, None) => unreachable!("a configuration with authentication names its token"),
    }
}

/// The configuration with its defaults filled in and its secrets as digests.
fn effective(config: &Config, token: Option<&Digest>) -> Value {
    let mut whole = serde_json::to_value(config).expect("every key is a string");
    whole["mqtt"]["keepalive_seconds"] = json!(config.mqtt.keepalive());
    whole["ingest"]["limits"]["max_body_bytes"] = json!(config.ingest.max_body_bytes());
    whole["ingest"]["limits"]["requests_per_minute"] = json!(config.ingest.requests_per_minute());
    whole["ingest"]["auth"]["token"] = json!(token);
    whole
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok", "uplink": "up"}))
}

async fn ready() -> Json<Value> {
    Json(json!({"status": "ready"}))
}

/// What is counted, in the text format of Prometheus.
async fn metrics(State(edge): State<Arc<Edge>>) -> Response {
    let readings = edge.readings.load(Ordering::Relaxed);
    let started_at = edge.started_at.as_millisecond();
    let (seconds, rest) = (started_at / 1000, started_at % 1000);
    let text = format!(
        "# HELP gateway_readings_received_total Readings taken in.\n\
         # TYPE gateway_readings_received_total counter\n\
         gateway_readings_received_total {readings}\n\
         # HELP process_start_time_seconds When the gateway began.\n\
         # TYPE process_start_time_seconds gauge\n\
         process_start_time_seconds {seconds}.{rest:03}\n"
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

async fn ingest(State(edge): State<Arc<Edge>>, body: Bytes) -> Response {
    let fault = |status: StatusCode, reason: String| (status, Json(json!({"error": reason})));
    match serde_json::from_slice::<Telemetry>(&body) {
        Ok(telemetry) if edge.device.as_ref().is_some_and(|own| *own != telemetry.device) => {
            fault(StatusCode::FORBIDDEN, "the token stands for another device".to_owned())
        }
        Ok(telemetry) => {
            let count = telemetry.readings.len() as u64;
            edge.readings.fetch_add(count, Ordering::Relaxed);
            (StatusCode::ACCEPTED, Json(json!({"status": "accepted", "readings": count})))
        }
        Err(error) if error.is_data() => fault(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        Err(error) => fault(StatusCode::BAD_REQUEST, error.to_string()),
    }
    .into_response()
}

/// Answers 429 when the minute is full, and says with every answer what the limit is and what is
/// left of it (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4).
async fn limit(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let most = edge.requests_per_minute;
    let (left, seconds) = edge.count();
    let mut response = match left {
        Some(_) => next.run(request).await,
        None => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")]).into_response(),
    };
    let told = [
        ("ratelimit-policy", format!("\"minute\";q={most};w=60")),
        ("ratelimit", format!("\"minute\";r={};t={seconds}", left.unwrap_or(0))),
    ];
    for (name, value) in told {
        let value = HeaderValue::from_str(&value).expect("numbers in ASCII");
        response.headers_mut().insert(name, value);
    }
    response
}

/// Answers 413 to a length that is too much, before anything of the body is read.
async fn measure(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > edge.max_body_bytes) {
        let body = Json(json!({"error": "the body is larger than this edge takes"}));
        return (StatusCode::PAYLOAD_TOO_LARGE, body).into_response();
    }
    next.run(request).await
}

/// Says over TLS that this host is never to be asked without (RFC 6797, section 6.1).
async fn protect(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if edge.secure {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Answers 401 where the token is missing or another one (RFC 6750, section 3).
async fn authenticate(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let Some(token) = &edge.token else { return next.run(request).await };
    let challenge = match bearer(request.headers()) {
        Some(presented) if Digest::of_bytes(presented.as_bytes()) == *token => {
            return next.run(request).await;
        }
        Some(_) => r#"Bearer realm="ingest", error="invalid_token""#,
        None => r#"Bearer realm="ingest""#,
    };
    let body = Json(json!({"error": "a bearer token is needed"}));
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
}

/// The token of `Authorization: Bearer`; none for every other header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Edge {
    /// Counts one request: how many are left of the running minute, none where it was full
    /// already, and the seconds until the next one.
    fn count(&self) -> (Option<u32>, u64) {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.start.elapsed() >= MINUTE {
            *minute = Minute { start: Instant::now(), requests: 0 };
        }
        minute.requests = minute.requests.saturating_add(1);
        let left = self.requests_per_minute.checked_sub(minute.requests);
        (left, MINUTE.saturating_sub(minute.start.elapsed()).as_secs())
    }
}
