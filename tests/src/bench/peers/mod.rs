//! Our enumeration of TLS beside that of others: the same servers, in the same run, held against
//! what the servers were told.

mod compiled;
mod configuration;
mod decision;
mod delay;
mod pace;
mod parse;
mod programs;
mod python;
mod referee;
mod rustls_server;
mod score;
mod seen;
mod server;
mod tally;
mod told;
mod tool;
mod words;

use std::path::Path;
use std::sync::Mutex;

use tempfile::TempDir;
use testkit::peer::{Peer, Script};

use super::Row;
use decision::Decisions;
use referee::Referee;
use server::{Program, Server, Setup, Workshop};
use tally::Tally;
use tool::Tool;

/// Generated configurations of s_server.
const CONFIGURATIONS: usize = 216;
/// Generated servers that testssl.sh is asked about, too; and one of every other program.
const FEW: usize = 4;
/// Servers that are asked at the same time.
const AT_ONCE: usize = 4;
/// The variable that sets another number of configurations, for a short look.
const COUNT: &str = "PLUMBLINE_PEERS_SERVERS";

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok());
    let quick = tool::quick()?;
    let tools: Vec<Tool> = quick.iter().cloned().chain([tool::slow()?]).collect();
    let workshop = Workshop::new()?;
    let bench = Run { workshop: &workshop, referee: &Referee::new()? };
    // Times first, while nothing else is at work.
    let paces = pace::measure(&workshop, &quick)?;
    let tallies: Vec<Mutex<Tally>> = tools.iter().map(|_| Mutex::default()).collect();
    let decisions = Mutex::new(Decisions::default());
    let setups = words::all(count.unwrap_or(CONFIGURATIONS));
    let next = Mutex::new(setups.iter().enumerate());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let folder = TempDir::new()?;
                    while let Some((number, setup)) = { next.lock().expect(ALIVE).next() } {
                        let server = workshop.start(setup)?;
                        let first = number == 0 || setups[number - 1].program != setup.program;
                        let slow = first || number < FEW && setup.program == Program::OpenSsl;
                        let asked = if slow { tools.len() } else { quick.len() };
                        for (tool, tally) in tools.iter().zip(&tallies).take(asked) {
                            bench.ask((tool, tally), setup, &server, folder.path());
                        }
                        let port = server.port;
                        let cost = Decisions::ask(&tools[0], &workshop, port, folder.path())?;
                        decisions.lock().expect(ALIVE).add(cost, setup.title());
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect(ALIVE))
    })?;
    let tallies: Vec<Tally> =
        tallies.into_iter().map(|tally| tally.into_inner().expect(ALIVE)).collect();
    let decisions = decisions.into_inner().expect(ALIVE);
    let place = std::env::current_exe()?.with_file_name("peers-disagreements.txt");
    let text = tally::disagreements(&tools, &tallies);
    std::fs::write(&place, format!("{text}== decision mode ==\n{}", decisions.told()))?;
    let mut rows = tally::rows(&tools, &tallies);
    rows.push(decisions.row());
    rows.extend(paces);
    Ok(rows)
}

/// Why a lock is never poisoned.
const ALIVE: &str = "no worker panics";

/// What all servers have in common.
#[derive(Clone, Copy)]
struct Run<'a> {
    workshop: &'a Workshop,
    referee: &'a Referee,
}

impl Run<'_> {
    /// Asks one tool about one server.
    fn ask(
        &self,
        (tool, tally): (&Tool, &Mutex<Tally>),
        setup: &Setup,
        server: &Server,
        folder: &Path,
    ) {
        let proxy = self.workshop.runtime.block_on(Peer::start(Script::Forward(server.port)));
        let outcome = tool.ask(proxy.port(), folder);
        let connections = proxy.accepted();
        let title = setup.title();
        match outcome {
            Err(error) => tally.lock().expect(ALIVE).fail(format!("{title}: {error:#}")),
            Ok((told, took)) => {
                let both = (&server.expected, &told);
                let lines = tally::disagreement(&title, both, server.port, self.referee);
                let cost = (connections, took);
                tally.lock().expect(ALIVE).add(setup.program, both, cost, lines);
            }
        }
    }
}
