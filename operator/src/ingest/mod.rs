//! The one way for evidence into the store: HTTPS, a token that is bound to one pod, and a
//! document that the run's plan asks for.
//!
//! Nothing that a client says decides where its document goes: run, target and plan follow from
//! the pod that its token is bound to.

pub mod authority;
mod body;
mod certificate;
mod identity;
mod plans;
mod server;
mod share;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::events::EventType;
use model::RunId;
use model::run::RunRecord;
use serde_json::json;
use store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::context::Context;
use crate::crash::{self, Point};
use identity::{Gate, Visitor};
use plans::Plans;
use share::{Place, Shares};
use writer::Writer;

pub use server::serve;

/// Requests that are worked on at the same time.
const PARALLEL: usize = 64;
/// Requests of one run that are worked on at the same time: a pod that sends slowly waits for
/// itself.
const PARALLEL_OF_RUN: usize = 8;
/// Bodies beyond [`body::LARGE`] that are in memory at the same time, all runs together: one takes some
/// ten times its length while it is looked at.
const PARALLEL_LARGE: usize = 2;
/// How long a large body waits for its turn before it is told to come back.
const TURN: Duration = Duration::from_secs(5);
/// Requests of one run in a minute: a plan has some dozens of documents, and retries.
const PER_MINUTE: u32 = 600;

/// Why a request was not honoured: what the client hears, and what is counted.
struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: String,
    retry_after: Option<u32>,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), retry_after: None }
    }

    fn later(
        status: StatusCode,
        reason: &'static str,
        seconds: u32,
        message: impl Into<String>,
    ) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(status, reason, message) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Self::new(StatusCode::CONFLICT, "conflict", what),
            StoreError::NotFound { .. } => Self::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "unknown_run",
                1,
                "the run is not in the store yet",
            ),
            error => {
                tracing::warn!(%error, "the store could not take a document");
                Self::later(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store",
                    5,
                    "the store cannot be reached",
                )
            }
        }
    }
}

/// What the routes work with.
struct Desk {
    context: Arc<Context>,
    gate: Gate,
    plans: Plans,
    writer: Writer,
    seats: Semaphore,
    shares: Shares<RunId>,
    large: Semaphore,
    large_shares: Shares<RunId>,
    minutes: Mutex<BTreeMap<RunId, (Instant, u32)>>,
}

/// The routes of the ingest.
pub fn router(context: Arc<Context>) -> Router {
    let gate = Gate::new(context.client.clone());
    let writer = Writer::new(&context.ingest_store);
    let desk = Desk {
        context,
        gate,
        plans: Plans::default(),
        writer,
        seats: Semaphore::new(PARALLEL),
        shares: Shares::new(PARALLEL_OF_RUN),
        large: Semaphore::new(PARALLEL_LARGE),
        large_shares: Shares::new(1),
        minutes: Mutex::default(),
    };
    Router::new()
        .route("/v1/plan", get(plan))
        .route("/v1/evidence", post(evidence))
        .with_state(Arc::new(desk))
}

async fn plan(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    desk.answer(desk.plan(&headers).await)
}

async fn evidence(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(desk.take(request).await)
}

impl Desk {
    fn answer(&self, outcome: Result<serde_json::Value, Refusal>) -> Response {
        match outcome {
            Ok(body) => Json(body).into_response(),
            Err(refusal) => {
                self.context.metrics.rejected(refusal.reason);
                tracing::info!(
                    status = refusal.status.as_u16(),
                    reason = refusal.reason,
                    message = refusal.message,
                    "a request was refused"
                );
                let body = Json(json!({ "reason": refusal.reason, "message": refusal.message }));
                match refusal.retry_after {
                    Some(seconds) => {
                        (refusal.status, [(header::RETRY_AFTER, seconds.to_string())], body)
                            .into_response()
                    }
                    None => (refusal.status, body).into_response(),
                }
            }
        }
    }

    /// What the pod's run asks for, what of it an earlier pod delivered, and how long it may take.
    async fn plan(&self, headers: &HeaderMap) -> Result<serde_json::Value, Refusal> {
        let _seat = self.seat()?;
        let (visitor, record, _place) = self.visitor(headers).await?;
        // What was delivered is as new as it can be; the plan is what it always was.
        let now = self.context.ingest_store.run(&record.id.0, Timestamp::now()).await?;
        let left = visitor.ends.map(|ends| ends.duration_since(Timestamp::now()).as_secs().max(0));
        let delivered: Vec<_> = now
            .evidence
            .iter()
            .map(|e| json!({ "check": e.check, "subject": e.subject, "document": e.document }))
            .collect();
        Ok(json!({
            "run": record.id,
            "target": record.target,
            "plan": record.plan,
            "delivered": delivered,
            "seconds_left": left,
        }))
    }

    /// Takes one document in. The receipt names what was stored; the same document again gets
    /// the same receipt.
    async fn take(&self, request: Request) -> Result<serde_json::Value, Refusal> {
        let _seat = self.seat()?;
        let headers = request.headers().clone();
        let (visitor, record, _place) = self.visitor(&headers).await?;
        let outcome = self.admit(&visitor, &record, &headers, request).await;
        // Who is told to come back was not rejected.
        if let Err(refusal) = &outcome
            && refusal.retry_after.is_none()
        {
            let note = format!("{}: {}", refusal.reason, refusal.message);
            self.context
                .tell(visitor.run.as_ref(), EventType::Warning, "EvidenceRejected", &note)
                .await;
        }
        outcome
    }

    async fn admit(
        &self,
        visitor: &Visitor,
        record: &RunRecord,
        headers: &HeaderMap,
        request: Request,
    ) -> Result<serde_json::Value, Refusal> {
        let large = body::is_large(headers);
        let _turn = if large { Some(self.turn(&record.id).await?) } else { None };
        let bytes = body::read(headers, request.into_body()).await?;
        let unprocessable = |reason, message: String| {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, reason, message)
        };
        let admit = move || engine::contract::admit(&bytes);
        // What takes long must not keep the small ones waiting.
        let admitted = match large {
            true => tokio::task::spawn_blocking(admit).await.unwrap_or_else(|_| {
                Err(engine::contract::Rejection::NotJson("it could not be looked at".to_owned()))
            }),
            false => admit(),
        };
        let document = admitted.map_err(|r| unprocessable("contract", r.to_string()))?;
        if document.run != record.id || document.target != record.target {
            return Err(unprocessable(
                "other_run",
                "the document is of another run or target".to_owned(),
            ));
        }
        let planned =
            record.plan.requests.iter().any(|request| {
                request.check == document.check && request.subject == document.subject
            });
        if !planned {
            let message =
                format!("the plan does not ask for {} of {}", document.check, document.subject);
            return Err(unprocessable("not_planned", message));
        }
        crash::reached(Point::EvidenceReceived);
        let stored = self.writer.append(&record.id, &document).await?;
        let digest = stored.digest();
        crash::reached(Point::EvidenceStored);
        self.context.metrics.accepted.inc();
        tracing::info!(
            run = %record.id, name = %visitor.run.name_any(), check = %document.check,
            subject = %document.subject, %digest, "evidence stored"
        );
        Ok(json!({
            "run": record.id,
            "check": document.check,
            "subject": document.subject,
            "digest": digest,
            "document": stored.document(),
        }))
    }

    /// The pod that asks, the record of its run, and the place that the run takes up.
    async fn visitor(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Visitor, Arc<RunRecord>, Place), Refusal> {
        let visitor = self.gate.visitor(headers).await?;
        let place = self.shares.take(visitor.id.clone()).ok_or_else(busy)?;
        self.pace(&visitor.id)?;
        let record = self.plans.of(&self.context.ingest_store, &visitor.id).await?;
        Ok((visitor, record, place))
    }

    /// A large body's turn: one of each run, and few of all.
    async fn turn(&self, run: &RunId) -> Result<(SemaphorePermit<'_>, Place), Refusal> {
        let place = self.large_shares.take(run.clone()).ok_or_else(busy)?;
        let turn = tokio::time::timeout(TURN, self.large.acquire()).await;
        match turn {
            Ok(Ok(turn)) => Ok((turn, place)),
            _ => Err(busy()),
        }
    }

    fn seat(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.seats.try_acquire().map_err(|_| busy())
    }

    /// Holds each run to its requests a minute.
    fn pace(&self, run: &RunId) -> Result<(), Refusal> {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        minutes.retain(|_, (since, _)| now.duration_since(*since) < minute);
        let (_, requests) = minutes.entry(run.clone()).or_insert((now, 0));
        *requests += 1;
        if *requests > PER_MINUTE {
            let message = "this run asked too often within a minute";
            return Err(Refusal::later(StatusCode::TOO_MANY_REQUESTS, "rate", 10, message));
        }
        Ok(())
    }
}

fn busy() -> Refusal {
    Refusal::later(StatusCode::TOO_MANY_REQUESTS, "busy", 1, "too many requests at once")
}
