//! Time and connections on three well-known servers, near and far.

use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use testkit::peer::{Peer, Script};

use super::configuration::{AS_IT_IS, EVERYTHING, HARDENED, Keys};
use super::delay::Delay;
use super::server::{Program, Setup, Workshop};
use super::tool::Tool;
use crate::bench::{Row, median};

/// The round trip that goals are set at.
const FAR: Duration = Duration::from_millis(50);
/// Runs of ours; the middle one counts.
const OURS: usize = 11;
/// Runs of each of the others.
const THEIRS: usize = 3;

/// Measures; ours is the first of the tools.
pub(super) fn measure(workshop: &Workshop, tools: &[Tool]) -> anyhow::Result<Vec<Row>> {
    let folder = TempDir::new()?;
    let mut rows = Vec::new();
    let ours = tools.first().context("no tool is ours")?;
    let hardened = Setup::flags(Program::Nginx, HARDENED);
    let server = workshop.start(&hardened)?;
    let ask = |tool: &Tool, port| anyhow::Ok(tool.ask(port, folder.path())?.1);
    let decide = |port| anyhow::Ok(ours.decide(port, folder.path())?.1);
    let mut place = |port, word: &str, goals: [&'static str; 2]| {
        let full = repeated(OURS, || ask(ours, port))?;
        let decision = repeated(OURS, || decide(port))?;
        for (what, time, goal) in
            [("decision mode", decision, goals[0]), ("full mode", full, goals[1])]
        {
            let name = format!("hardened nginx {word}, {what}, median of {OURS}");
            rows.push(Row::new(name, format!("{} ms", time.as_millis()), goal));
        }
        for tool in &tools[1..] {
            let time = repeated(THEIRS, || ask(tool, port))?;
            let ratio = time.as_secs_f64() / full.as_secs_f64();
            let figure = format!("{} ms, {ratio:.1} times full mode", time.as_millis());
            let name = format!("hardened nginx {word}, {}, median of {THEIRS}", tool.name);
            rows.push(Row::aside(name, figure));
        }
        anyhow::Ok(())
    };
    place(server.port, "on loopback", ["-", "<= 50 ms"])?;
    let far = workshop.runtime.block_on(Delay::start(server.port, FAR))?;
    place(far.port, "at a round trip of 50 ms", ["<= 1.0 s", "<= 2.0 s"])?;
    let both = HARDENED.with(Keys::Both);
    for (what, setup, goal) in [
        ("hardened nginx", hardened, "<= 24"),
        ("the same with a second certificate", Setup::flags(Program::Nginx, both), "-"),
        ("`s_server` as it is", Setup::flags(Program::OpenSsl, AS_IT_IS), "<= 48"),
        ("`s_server` with everything", Setup::flags(Program::OpenSsl, EVERYTHING), "<= 190"),
    ] {
        let server = workshop.start(&setup)?;
        let mut counts = Vec::new();
        for tool in tools {
            let proxy = workshop.runtime.block_on(Peer::start(Script::Forward(server.port)));
            tool.ask(proxy.port(), folder.path())?;
            counts.push((tool, proxy.accepted()));
        }
        let words = counts[1..].iter().map(|(tool, count)| format!("{} {count}", tool.word()));
        let others = words.collect::<Vec<_>>().join(", ");
        let figure = format!("{}; {others}", counts[0].1);
        rows.push(Row::new(format!("connections of full mode, {what}"), figure, goal));
    }
    Ok(rows)
}

/// The middle one of some times.
fn repeated(
    times: usize,
    mut one: impl FnMut() -> anyhow::Result<Duration>,
) -> anyhow::Result<Duration> {
    let times: Vec<_> = (0..times).map(|_| one()).collect::<anyhow::Result<_>>()?;
    Ok(median(&times))
}
