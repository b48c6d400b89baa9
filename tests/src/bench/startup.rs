//! How long the program takes to say what it can do.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Row, median};
use crate::plumb::{Bench, program};

/// Runs of each program.
const RUNS: usize = 20;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let bench = Bench::new();
    let help = milliseconds(|| bench.command(&["--help"]))?;
    let nothing = milliseconds(|| Command::new("/bin/true"))?;
    let list = milliseconds(|| bench.command(&["rules", "list", "--keys"]))?;
    let size = std::fs::metadata(program())?.len();
    Ok(vec![
        Row::new(format!("`plumb --help`, median of {RUNS}"), format!("{help:.1} ms"), "< 20 ms"),
        Row::aside("the same, as a ratio to `/bin/true`", format!("{:.1}", help / nothing)),
        Row::aside(
            format!("`plumb rules list`, median of {RUNS}: the pack loaded and compiled"),
            format!("{list:.1} ms"),
        ),
        Row::aside(
            "the program as built for this table, neither stripped nor static",
            format!("{:.1} MB", size as f64 / 1e6),
        ),
    ])
}

/// Median wall time of a program that is run [`RUNS`] times.
fn milliseconds(command: impl Fn() -> Command) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let mut command = command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let clock = Instant::now();
        let status = command.status()?;
        times.push(clock.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(status.success(), "{command:?}: {status}");
    }
    Ok(median(&times))
}
