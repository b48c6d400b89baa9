//! What the operator takes while nothing happens: memory, and requests to the API server.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::audit::{Log, count, is_lease, is_write, list};
use super::site::{Operator, Site, listen};
use super::{fleet, runtime};
use crate::bench::{Row, grouped};

/// How long nothing but the Lease must have been asked for until the operator counts as idle.
const QUIET: Duration = Duration::from_secs(15);
/// How long it may take until then.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long requests are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Measures.
pub(crate) fn measure() -> anyhow::Result<Vec<Row>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::open())?;
    runtime.block_on(fleet::make(&site.client))?;
    let size = serde_json::to_vec(&fleet::target(7)?)?.len();
    // The first look at each target is written down; what is measured comes after that.
    let first = site.start(20);
    until_idle(&first)?;
    drop(first);
    runtime.block_on(fleet::audited(&site.client))?;

    let start = listen()?;
    let clock = Instant::now();
    let operator = site.start(20);
    let quiet = until_idle(&operator)?.duration_since(clock);
    let asked = start.since()?;
    let (idle, own) = (operator.rss_kib(), operator.anonymous_kib());
    let minute = listen()?;
    let used = operator.processor_time();
    std::thread::sleep(MINUTE);
    let used = operator.processor_time() - used;
    let then = minute.since()?;
    // A scrape renders a line per target.
    for _ in 0..5 {
        operator.metrics();
    }
    let scraped = operator.rss_kib();

    let writes = |name: &str| is_write(name) && !is_lease(name);
    let targets = grouped(fleet::TARGETS as u64);
    Ok(vec![
        Row::new(
            format!(
                "operator, resident memory at {targets} AuditTargets of {} bytes and their status, idle",
                grouped(size as u64)
            ),
            mib(idle),
            "<= 64 MiB",
        ),
        Row::aside("of it its own, not pages of the program's file", mib(own)),
        Row::aside("the same after five scrapes of `/metrics`", mib(scraped)),
        Row::aside("the most since its start", mib(operator.peak_rss_kib())),
        Row::new(
            "API writes from its start until it is idle, nothing having changed, beside the Lease",
            count(&asked, writes).to_string(),
            "0",
        ),
        Row::aside(
            format!("all requests of that start, idle after {:.1} s", quiet.as_secs_f64()),
            list(&asked),
        ),
        Row::new(
            format!("API writes in an idle minute at {targets} targets, beside the Lease"),
            count(&then, writes).to_string(),
            "0",
        ),
        Row::aside("all requests of that minute", list(&then)),
        Row::aside("processor time of that minute", format!("{} ms", used.as_millis())),
    ])
}

/// Waits until nothing was asked for a while but the Lease, and says when that began.
fn until_idle(operator: &Operator) -> anyhow::Result<Instant> {
    let begin = Instant::now();
    let mut log: Log = listen()?;
    let mut since = Instant::now();
    while since.elapsed() < QUIET {
        ensure!(begin.elapsed() < PATIENCE, "the operator does not rest:\n{}", operator.said());
        std::thread::sleep(Duration::from_millis(500));
        if count(&log.since()?, |name| !is_lease(name)) > 0 {
            log = listen()?;
            since = Instant::now();
        }
    }
    Ok(since)
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
