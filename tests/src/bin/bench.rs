//! `cargo xtask bench [filter]`: measures, and prints a Markdown table.
//!
//! Where a cluster is named, as in `tests/cluster/cluster enter`, it measures what needs one, and
//! elsewhere all the rest.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use tests::bench::{ALL, machine};

/// The word that makes this process measure one thing and print its rows.
const ONE: &str = "--one";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word, name] if word == ONE => one(name),
        [] => table(""),
        [filter] => table(filter),
        _ => anyhow::bail!("expected at most one argument, a part of a measurement's name"),
    }
}

fn one(name: &str) -> anyhow::Result<ExitCode> {
    let found = ALL.iter().find(|measurement| measurement.name == name);
    let measurement = found.with_context(|| format!("there is no measurement `{name}`"))?;
    for row in (measurement.measure)()? {
        println!("| {} | {} | {} |", row.name, row.figure, row.goal);
    }
    Ok(ExitCode::SUCCESS)
}

/// Each measurement in a process of its own; one that fails is a row that says so.
fn table(filter: &str) -> anyhow::Result<ExitCode> {
    let own = std::env::current_exe()?;
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("Machine: {}", machine());
    println!("Date: {}", jiff::Timestamp::now().strftime("%Y-%m-%d"));
    println!("Command: `{}` ({build} build)\n", format!("cargo xtask bench {filter}").trim());
    println!("| what | figure | goal |\n|---|---|---|");
    let mut exit = ExitCode::SUCCESS;
    let cluster = std::env::var_os("PLUMBLINE_TEST_KUBECONFIG").is_some();
    let chosen = ALL.iter().filter(|measurement| measurement.name.contains(filter));
    for measurement in chosen.filter(|measurement| measurement.cluster == cluster) {
        let output = Command::new(&own).args([ONE, measurement.name]).output()?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            println!("| {} | not measured: it failed | - |", measurement.name);
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            exit = ExitCode::FAILURE;
        }
    }
    Ok(exit)
}
