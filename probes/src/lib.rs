//! Sockets and files in, evidence out. One folder per check; no module here knows a rule.
//!
//! A probe never fails: what could not be seen is an item that says so. Every probe is bounded in
//! connections, bytes and time, and no secret that it reads leaves it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use model::evidence::{Contract, Document, Evidence, ProbeInfo};
use model::request::CheckRequest;
use model::{CheckId, RunId};

#[cfg(test)]
mod asked;
mod broken;
pub mod broker_cert_identity;
pub mod broker_transport_posture;
pub mod device_cert_hygiene;
pub mod gateway_config_guardrails;
pub mod gateway_runtime_health;
pub mod http;
pub mod http2;
pub mod ingest_auth;
pub mod insecure_tls;
pub mod mqtt;
pub mod mqtt_access_control;
pub mod net;
pub mod source;
pub mod table;
pub mod text;
pub mod tls;
pub mod verified_tls;
pub mod x509;

/// Where a probe runs: what a request cannot say.
#[derive(Debug, Clone)]
pub struct Context {
    /// The run that evidence belongs to.
    pub run: RunId,
    /// The folder that relative paths of the document start from.
    pub base: PathBuf,
    /// Name and version written into evidence.
    pub probe: ProbeInfo,
    /// What reads tables of databases; none reads none.
    pub tables: Option<Arc<dyn table::Tables>>,
}

impl Context {
    /// The context of a run whose documents lie in `base`, with this version of the probes.
    pub fn new(run: RunId, base: PathBuf) -> Self {
        let probe =
            ProbeInfo { name: "plumb".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        Self { run, base, probe, tables: None }
    }

    /// The same with something that reads tables of databases.
    #[must_use]
    pub fn with_tables(self, tables: Arc<dyn table::Tables>) -> Self {
        Self { tables: Some(tables), ..self }
    }
}

/// Collects the evidence that a request asks for. Never fails: see the items. Where the probe
/// itself panics, every item says so.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    let (own, asked) = (context.clone(), request.clone());
    broken::guarded(context, request, async move { observe(&own, &asked).await }).await
}

/// A future that may be sent between threads.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A future that is made where it stays, on the heap: those of probes are too large for the stacks of
/// all who hand them on.
#[inline(never)]
pub(crate) fn boxed<'a, F: Future + Send + 'a>(make: impl FnOnce() -> F) -> Boxed<'a, F::Output> {
    Box::pin(make())
}

fn observe<'a>(context: &'a Context, request: &'a CheckRequest) -> Boxed<'a, Evidence> {
    match request.check {
        CheckId::BrokerTransportPosture => {
            boxed(|| broker_transport_posture::collect(context, request))
        }
        CheckId::BrokerCertIdentity => boxed(|| broker_cert_identity::collect(context, request)),
        CheckId::MqttAccessControl => boxed(|| mqtt_access_control::collect(context, request)),
        CheckId::IngestAuth => boxed(|| ingest_auth::collect(context, request)),
        CheckId::GatewayRuntimeHealth => {
            boxed(|| gateway_runtime_health::collect(context, request))
        }
        CheckId::GatewayConfigGuardrails => {
            boxed(|| gateway_config_guardrails::collect(context, request))
        }
        CheckId::DeviceCertHygiene => boxed(|| device_cert_hygiene::collect(context, request)),
    }
}

/// Runs `observe` and puts its two halves into the envelope of contract `C`.
pub(crate) async fn document<C: Contract>(
    context: &Context,
    request: &CheckRequest,
    observe: impl Future<Output = (C::Stable, C::Volatile)>,
) -> Evidence {
    let started_at = Timestamp::now();
    let clock = Instant::now();
    let (stable, volatile) = observe.await;
    let typed = Document {
        schema: C::schema(),
        check: C::CHECK,
        target: request.target.clone(),
        subject: request.subject.clone(),
        run: context.run.clone(),
        probe: context.probe.clone(),
        started_at,
        duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        attempts: 1,
        stable,
        volatile,
    };
    untyped(typed)
}

/// The same document with items by pointer.
fn untyped<S: serde::Serialize, V: serde::Serialize>(typed: Document<S, V>) -> Evidence {
    let json = serde_json::to_value(typed).expect("evidence types have string keys");
    serde_json::from_value(json).expect("every half of a contract is a map of pointers to items")
}
