//! A whole audit on loopback, from the start of the program to its end.

use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;
use testkit::gateway::Posture;

use super::{Row, median};
use crate::plumb::Bench;
use crate::site::Running;

/// Audits, each into a store that has those before it.
const RUNS: usize = 11;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (posture, name) in [(Posture::Exposed, "exposed"), (Posture::Hardened, "hardened")] {
        let bench = Bench::new();
        let gateway = Running::start(&bench, posture);
        let target = gateway.target();
        let target = target.to_string_lossy();
        let arguments = ["run", "-f", &target, "--bundle", "audit-baseline", "--fail-on", "never"];
        let arguments = [&arguments[..], &["--progress", "json"]].concat();
        let (mut walls, mut beyond) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let clock = Instant::now();
            let ended = bench.plumb(&arguments).expect(0);
            let wall = clock.elapsed().as_secs_f64() * 1e3;
            walls.push(wall);
            beyond.push(wall - slowest_probe(&ended.stderr)?);
        }
        rows.push(Row::new(
            format!(
                "`plumb run` audit-baseline of the {name} gateway with SQLite, beyond its slowest \
                 probe, median of {RUNS}"
            ),
            format!("{:.0} ms", median(&beyond)),
            "< 300 ms",
        ));
        rows.push(Row::aside("the same, as a whole", format!("{:.0} ms", median(&walls))));
    }
    Ok(rows)
}

/// Milliseconds of the probe that took longest, by the events on stderr.
fn slowest_probe(stderr: &str) -> anyhow::Result<f64> {
    let events = stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let slowest = events.filter_map(|event| event["duration_ms"].as_f64()).reduce(f64::max);
    slowest.with_context(|| format!("no probe says how long it took:\n{stderr}"))
}
