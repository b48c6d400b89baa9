//! What the tools said over all servers, counted.

use std::fmt::Write as _;
use std::time::Duration;

use super::referee::Referee;
use super::score::Score;
use super::seen::{self, Groups, Pairs, Seen};
use super::server::Program;
use super::tool::Tool;
use crate::bench::{Row, grouped};

/// Pairs of one server that s_client is asked about.
const REFEREED: usize = 24;

/// Pairs that are right, wrong and missed.
#[derive(Debug, Clone, Copy, Default)]
struct Scores {
    servers: u64,
    suites: Score,
    groups: Score,
    together: Score,
}

/// What one tool said.
#[derive(Debug, Default)]
pub(super) struct Tally {
    all: Scores,
    each: [Scores; Program::ALL.len()],
    lists_groups: bool,
    lists_versions: bool,
    connections: u64,
    time: Duration,
    failures: Vec<String>,
    disagreements: Vec<String>,
}

impl Tally {
    /// Adds what a tool said of a server.
    pub(super) fn add(
        &mut self,
        program: Program,
        (expected, told): (&Seen, &Seen),
        (connections, took): (u32, Duration),
        disagreement: Option<String>,
    ) {
        self.connections += u64::from(connections);
        self.time += took;
        self.lists_groups |= told.groups != Groups::Unlisted;
        self.lists_versions |= matches!(told.groups, Groups::Each(_));
        self.disagreements.extend(disagreement);
        for scores in [&mut self.all, &mut self.each[program as usize]] {
            scores.servers += 1;
            scores.suites.add(&expected.suites, &told.suites);
            let together = |groups: &Groups| groups.together().unwrap_or_default();
            scores.together.add(&together(&expected.groups), &together(&told.groups));
            if let (Groups::Each(expected), Groups::Each(told)) = (&expected.groups, &told.groups) {
                scores.groups.add(expected, &within(told, expected));
            }
        }
    }

    /// Adds a server that a tool said nothing of.
    pub(super) fn fail(&mut self, why: String) {
        self.failures.push(why);
    }

    /// Time of a server, on average; none where there is no server.
    fn time(&self) -> Option<Duration> {
        let servers = u32::try_from(self.all.servers).unwrap_or(u32::MAX);
        self.time.checked_div(servers).filter(|time| !time.is_zero())
    }

    fn groups(&self, scores: &Scores) -> Option<Score> {
        match (self.lists_versions, self.lists_groups) {
            (true, _) => Some(scores.groups),
            (false, true) => Some(scores.together),
            (false, false) => None,
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

/// The pairs that a tool and a server's settings do not agree on, with what s_client says.
pub(super) fn disagreement(
    title: &str,
    (expected, told): (&Seen, &Seen),
    port: u16,
    referee: &Referee,
) -> Option<String> {
    let mut lines = Vec::new();
    let mut tell = |what: &str, pairs: &Pairs, suites: bool| {
        for pair in pairs {
            let says = match lines.len() >= REFEREED {
                true => "not asked",
                false if suites && pair.0 == 0x0304 && !is_common(expected) => verdict(None),
                false if suites => verdict(referee.accepts(port, *pair)),
                false => verdict(referee.agrees_on(port, *pair)),
            };
            let pair = seen::shown(std::iter::once(*pair), suites);
            lines.push(format!("  {what} {pair} (s_client: {says})\n"));
        }
    };
    let missing = |from: &Pairs, other: &Pairs| from.difference(other).copied().collect();
    tell("misses", &missing(&expected.suites, &told.suites), true);
    tell("adds", &missing(&told.suites, &expected.suites), true);
    if let (Groups::Each(expected), Groups::Each(told)) = (&expected.groups, &told.groups) {
        tell("misses", &missing(expected, told), false);
        tell("adds", &missing(&within(told, expected), expected), false);
    }
    // Of a group without a version there is no one handshake to try.
    if let (Groups::Each(each), Groups::Together(told)) = (&expected.groups, &told.groups) {
        let missed = each.iter().filter(|(_, group)| !told.contains(group)).copied();
        lines.extend(
            missed.map(|pair| {
                format!("  names nowhere {}\n", seen::shown([pair].into_iter(), false))
            }),
        );
        let mut added = told.iter().filter(|group| !each.iter().any(|(_, own)| own == *group));
        lines.extend(added.by_ref().map(|group| {
            let pair = seen::shown([(0x0304, *group)].into_iter(), false);
            format!("  adds, in some version, the group of {pair}\n")
        }));
    }
    (!lines.is_empty()).then(|| format!("{title}\n{}", lines.concat()))
}

/// Whether a server has a group of TLS 1.3 that s_client can offer: a curve or a finite field.
fn is_common(expected: &Seen) -> bool {
    let Groups::Each(pairs) = &expected.groups else { return true };
    pairs.iter().any(|(version, group)| *version == 0x0304 && *group < 0x0200)
}

const fn verdict(accepted: Option<bool>) -> &'static str {
    match accepted {
        Some(true) => "accepted",
        Some(false) => "refused",
        None => "cannot offer it",
    }
}

/// Every disagreement, for the reader.
pub(super) fn disagreements(tools: &[Tool], tallies: &[Tally]) -> String {
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

/// The rows of all tools, and then of all programs.
pub(super) fn rows(tools: &[Tool], tallies: &[Tally]) -> Vec<Row> {
    let ours = tools.iter().zip(tallies).find(|(tool, _)| tool.is_ours());
    let ours = ours.and_then(|(_, tally)| tally.time());
    let mut rows: Vec<Row> =
        tools.iter().zip(tallies).flat_map(|(tool, tally)| of_tool(tool, tally, ours)).collect();
    rows.extend(Program::ALL.into_iter().filter_map(|program| of_program(program, tools, tallies)));
    rows
}

fn of_tool(tool: &Tool, tally: &Tally, ours: Option<Duration>) -> Vec<Row> {
    let (name, servers) = (&tool.name, grouped(tally.all.servers));
    let goal = if tool.is_ours() { "F1 1.0" } else { "-" };
    let what = format!("{name}, precision, recall, F1 of (version, suite), {servers} servers");
    let groups =
        tally.groups(&tally.all).map_or_else(|| "it lists none".to_owned(), |of| of.cell());
    let groups = match tally.lists_groups && !tally.lists_versions {
        true => format!("without versions: {groups}"),
        false => groups,
    };
    let mut rows = vec![
        Row::new(what, tally.all.suites.cell(), goal),
        Row::new(format!("{name}, the same of (version, group)"), groups, goal),
    ];
    if let Some(time) = tally.time() {
        let ratio = ours.map_or_else(String::new, |ours| {
            format!(", {:.1} times ours", time.as_secs_f64() / ours.as_secs_f64())
        });
        let connections = tally.connections / tally.all.servers.max(1);
        let figure = format!("{connections} connections, {} ms{ratio}", time.as_millis());
        rows.push(Row::aside(format!("{name}, for one server on average"), figure));
    }
    if !tally.failures.is_empty() {
        let count = tally.failures.len().to_string();
        rows.push(Row::aside(format!("{name}, servers that it said nothing of"), count));
    }
    rows
}

/// F1 of suites and of groups on the servers of one program, tool by tool.
fn of_program(program: Program, tools: &[Tool], tallies: &[Tally]) -> Option<Row> {
    let of = |tally: &Tally| tally.each[program as usize];
    let servers = tallies.iter().map(|tally| of(tally).servers).max()?;
    let figures = tools.iter().zip(tallies).filter(|(_, tally)| of(tally).servers == servers);
    let figures: Vec<_> = figures
        .map(|(tool, tally)| {
            let scores = of(tally);
            let word = |score: Score| score.f1().map_or("-".to_owned(), |f1| format!("{f1:.4}"));
            let groups = tally.groups(&scores).map_or("-".to_owned(), word);
            format!("{} {}, {groups}", tool.word(), word(scores.suites))
        })
        .collect();
    let name = format!("F1 of suites, of groups; {}, {servers} servers", program.name());
    (servers > 0).then(|| Row::aside(name, figures.join("; ")))
}
