//! The operator, against a real API server and a real Postgres.
//!
//! It runs as a process on the node, under the chart's service account, so that its memory is the
//! kernel's figure and the API server's audit log tells its requests from all others.

mod audit;
mod fleet;
pub(super) mod idle;
pub(super) mod ingest;
mod peer;
mod site;
pub(super) mod slots;
mod upload;

/// Where asynchronous parts of a measurement run.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
