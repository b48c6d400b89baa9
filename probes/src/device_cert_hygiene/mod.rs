//! The probe of `device_cert_hygiene`: are the certificates of a fleet in order?
//!
//! It reads files and contacts no device. A set may be a folder (PEM, DER and PKCS#12, read
//! recursively), one file of many PEM certificates, an archive of such files, a CSV or a table of a
//! database that holds them, or PEM text in a variable or at an address. Everything is read by several threads as streams; of
//! each certificate one small entry stays in memory.

mod archive;
mod cohorts;
mod counted;
mod entry;
mod evidence;
mod files;
mod inventory;
mod prepare;
mod queue;
mod reading;
mod rows;
mod set;
mod short;
mod table;
mod tally;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use model::evidence::{
    DeviceCertHygiene, DeviceCertHygieneStable, DeviceCertHygieneVolatile, Evidence, Item,
};
use model::request::{CheckRequest, Inputs};

use tokio::runtime::Handle;

use crate::Context;
use prepare::Prepared;
pub use table::place;

/// Collects one document of `device_cert_hygiene.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<DeviceCertHygiene>(context, request, observe(context, request)).await
}

async fn observe(
    context: &Context,
    request: &CheckRequest,
) -> (DeviceCertHygieneStable, DeviceCertHygieneVolatile) {
    let Inputs::DeviceCertificates { certificates, trust } = &request.inputs else {
        let reason = "this check needs a set of certificates, and the request names none";
        let nothing = Prepared::nothing(reason);
        return evidence::halves(&nothing, &Item::not_attempted(reason));
    };
    let until = Instant::now() + Duration::from_secs(request.policy.deadline_seconds.into());
    let prepared = {
        let (context, certificates, trust) = (context.clone(), certificates.clone(), trust.clone());
        // Files are read where waiting blocks nobody; an address is waited for from there.
        let runtime = Handle::current();
        let prepare =
            move || runtime.block_on(Prepared::read(&context, &certificates, &trust, until));
        tokio::task::spawn_blocking(prepare).await
    };
    let prepared =
        prepared.unwrap_or_else(|_| Prepared::nothing("reading the sources stopped unexpectedly"));
    let set = match prepared.skipped.clone() {
        Item::Observed { value: skipped } => {
            prepared.job.run().await.map(|set| set.with_unreadable(skipped))
        }
        other => other.and_then(|_| Item::error("nothing was read")),
    };
    let counted = tokio::task::spawn_blocking(move || evidence::halves(&prepared, &set)).await;
    counted.unwrap_or_else(|_| {
        let reason = "counting the certificates stopped unexpectedly";
        evidence::halves(&Prepared::nothing(reason), &Item::error(reason))
    })
}
