//! Our enumeration of TLS beside that of others: the same servers, in the same run, held against
//! what the servers were told.

mod configuration;
mod parse;
mod referee;
mod score;
mod seen;
mod server;
mod tool;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use testkit::peer::{Peer, Script};
use tokio::runtime::Runtime;

use super::{Row, grouped};
use configuration::{Configuration, Keys, Lists, USUAL};
use referee::Referee;
use score::Score;
use seen::{Groups, Pairs, Seen};
use server::{Certificates, Program};
use tool::Tool;

/// Generated configurations of s_server.
const CONFIGURATIONS: usize = 216;
/// Servers that testssl.sh is asked about, too: the first of the generated ones.
const FEW: usize = 4;
/// Servers that are asked at the same time.
const AT_ONCE: usize = 4;
/// Pairs of one server that s_client is asked about.
const REFEREED: usize = 24;
/// The variable that sets another number of configurations, for a short look.
const COUNT: &str = "PLUMBLINE_PEERS_SERVERS";

/// A server to ask about.
struct Case {
    program: Program,
    configuration: Configuration,
    expected: Seen,
    tools: Vec<usize>,
}

/// What one tool said over all servers.
#[derive(Debug, Default)]
struct Tally {
    servers: u64,
    suites: Score,
    groups: Score,
    together: Score,
    lists_groups: bool,
    lists_versions: bool,
    connections: u64,
    time: Duration,
    failures: Vec<String>,
    disagreements: Vec<String>,
}

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok());
    let quick = tool::quick()?;
    let tools: Vec<Tool> = quick.iter().cloned().chain([tool::slow()?]).collect();
    let cases = cases(count.unwrap_or(CONFIGURATIONS), quick.len())?;
    let certificates = Certificates::issue()?;
    let referee = Referee::new()?;
    let runtime = Runtime::new()?;
    let tallies: Vec<Mutex<Tally>> = tools.iter().map(|_| Mutex::default()).collect();
    let next = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let folder = TempDir::new()?;
                    while let Some(case) = { next.lock().expect("no worker panics").next() } {
                        let server =
                            server::start(case.program, &case.configuration, &certificates)?;
                        for number in &case.tools {
                            let (tool, tally) = (&tools[*number], &tallies[*number]);
                            ask(tool, tally, case, server.port, &runtime, &referee, &folder);
                        }
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    let tallies: Vec<Tally> =
        tallies.into_iter().map(|tally| tally.into_inner().expect("no worker panics")).collect();
    let place = std::env::current_exe()?.with_file_name("peers-disagreements.txt");
    std::fs::write(&place, disagreements(&tools, &tallies))?;
    Ok(rows(&tools, &tallies))
}

fn cases(count: usize, quick: usize) -> anyhow::Result<Vec<Case>> {
    let mut lists = Lists::default();
    let generated = configuration::all(count).into_iter().map(|one| (Program::OpenSsl, one));
    let others = [(Program::Nginx, USUAL), (Program::HaProxy, USUAL.with(Keys::Rsa))];
    let all = generated.chain(others).enumerate();
    all.map(|(number, (program, configuration))| {
        let expected = configuration.expected(&mut lists)?;
        let most = if number < FEW { quick + 1 } else { quick };
        Ok(Case { program, configuration, expected, tools: (0..most).collect() })
    })
    .collect()
}

fn ask(
    tool: &Tool,
    tally: &Mutex<Tally>,
    case: &Case,
    port: u16,
    runtime: &Runtime,
    referee: &Referee,
    folder: &TempDir,
) {
    let proxy = runtime.block_on(Peer::start(Script::Forward(port)));
    let outcome = tool.ask(proxy.port(), folder.path());
    let connections = proxy.accepted();
    let server = format!("{} {}", case.program.name(), describe(&case.configuration));
    let mut lines = Vec::new();
    if let Ok((seen, _)) = &outcome {
        lines = pairs(case, seen, port, referee);
    }
    let mut tally = tally.lock().expect("no worker panics");
    match outcome {
        Err(error) => tally.failures.push(format!("{server}: {error:#}")),
        Ok((seen, took)) => {
            tally.servers += 1;
            tally.connections += u64::from(connections);
            tally.time += took;
            tally.suites.add(&case.expected.suites, &seen.suites);
            let together = |groups: &Groups| groups.together().unwrap_or_default();
            if seen.groups != Groups::Unlisted {
                tally.lists_groups = true;
                tally.together.add(&together(&case.expected.groups), &together(&seen.groups));
            }
            if let (Groups::Each(expected), Groups::Each(told)) =
                (&case.expected.groups, &seen.groups)
            {
                tally.lists_versions = true;
                tally.groups.add(expected, &within(told, expected));
            }
            if !lines.is_empty() {
                tally.disagreements.push(format!("{server}\n{}", lines.concat()));
            }
        }
    }
}

/// The groups of the versions that there is something to compare with, and of those that should have
/// none; what a tool tells of further versions is neither right nor wrong here.
fn within(told: &Pairs, expected: &Pairs) -> Pairs {
    let best =
        expected.iter().map(|(version, _)| *version).filter(|version| *version < 0x0304).max();
    let below = |version: u16| version < 0x0304 && best.is_some_and(|best| version < best);
    told.iter().copied().filter(|(version, _)| !below(*version)).collect()
}

fn describe(configuration: &Configuration) -> String {
    format!("{} keys={:?}", configuration.flags().join(" "), configuration.keys())
}

/// The pairs that a tool and the flags do not agree on, with what s_client says.
fn pairs(case: &Case, seen: &Seen, port: u16, referee: &Referee) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |what: &str, pairs: &Pairs, suites: bool| {
        for pair in pairs {
            let says = if lines.len() >= REFEREED {
                "not asked"
            } else {
                let says = if suites {
                    referee.accepts(port, *pair)
                } else {
                    referee.agrees_on(port, *pair)
                };
                match says {
                    Some(true) => "accepted",
                    Some(false) => "refused",
                    None => "cannot offer it",
                }
            };
            let pair = seen::shown(std::iter::once(*pair), suites);
            lines.push(format!("  {what} {pair} (s_client: {says})\n"));
        }
    };
    let expected = &case.expected;
    tell("misses", &expected.suites.difference(&seen.suites).copied().collect(), true);
    tell("adds", &seen.suites.difference(&expected.suites).copied().collect(), true);
    if let (Groups::Each(expected), Groups::Each(told)) = (&expected.groups, &seen.groups) {
        tell("misses", &expected.difference(told).copied().collect(), false);
        let told = within(told, expected);
        tell("adds", &told.difference(expected).copied().collect(), false);
    }
    lines
}

fn disagreements(tools: &[Tool], tallies: &[Tally]) -> String {
    let mut text = String::new();
    for (tool, tally) in tools.iter().zip(tallies) {
        writeln!(text, "== {} ==", tool.name).expect("memory takes text");
        for entry in &tally.disagreements {
            writeln!(text, "{entry}").expect("memory takes text");
        }
        for failure in &tally.failures {
            writeln!(text, "FAILED {failure}").expect("memory takes text");
        }
    }
    text
}

fn rows(tools: &[Tool], tallies: &[Tally]) -> Vec<Row> {
    let mut rows = Vec::new();
    let each = |tally: &Tally| {
        let servers = u32::try_from(tally.servers).unwrap_or(u32::MAX);
        tally.time.checked_div(servers).filter(|time| !time.is_zero())
    };
    let ours = tools.iter().zip(tallies).find(|(tool, _)| tool.is_ours());
    let ours = ours.and_then(|(_, tally)| each(tally));
    for (tool, tally) in tools.iter().zip(tallies) {
        let (name, servers) = (&tool.name, grouped(tally.servers));
        let goal = if tool.is_ours() { "F1 1.0" } else { "-" };
        let what = "precision, recall, F1 of (version, suite)";
        let row = format!("{name}, {what}, {servers} servers");
        rows.push(Row::new(row, tally.suites.cell(), goal));
        let figure = match (tally.lists_versions, tally.lists_groups) {
            (true, _) => tally.groups.cell(),
            (false, true) => format!("without versions: {}", tally.together.cell()),
            (false, false) => "it lists none".to_owned(),
        };
        rows.push(Row::new(format!("{name}, the same of (version, group)"), figure, goal));
        let Some(time) = each(tally) else { continue };
        let ratio = ours.map_or(String::new(), |ours| {
            format!(", {:.1} times ours", time.as_secs_f64() / ours.as_secs_f64())
        });
        let connections = tally.connections / tally.servers.max(1);
        let figure = format!("{connections} connections, {} ms{ratio}", time.as_millis());
        rows.push(Row::aside(format!("{name}, for one server on average"), figure));
        if !tally.failures.is_empty() {
            let count = tally.failures.len().to_string();
            rows.push(Row::aside(format!("{name}, servers that it said nothing of"), count));
        }
    }
    rows
}
