//! `cargo xtask`: the project's automation, in Rust.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod artifacts;
mod bench;
mod cluster;
mod generate;
mod image;
mod interrupt;
mod layers;
mod shell;
mod tiers;
mod tools;

use clap::{Parser, Subcommand};

/// Automation of the Plumbline workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the tests, all tiers or the ones named; installs what is missing where it can
    Test {
        /// A tier; may be given several times
        #[arg(long = "tier", value_enum)]
        tiers: Vec<tiers::Tier>,
    },
    /// Write every generated file: schemas, rule pages, completions, the man page
    Gen {
        /// Write nothing; fail if a committed file differs from what would be written
        #[arg(long)]
        check: bool,
    },
    /// Make OCI image archives, without a daemon
    Image(image::Arguments),
    /// Start, stop and use a real Kubernetes of the tests' own (Linux, as root)
    Cluster {
        #[command(subcommand)]
        action: cluster::Action,
    },
    /// Measure what docs/benchmarks.md holds
    Bench {
        /// Only measurements whose name contains this
        filter: Option<String>,
    },
}

fn main() -> std::process::ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let root = shell::root()?;
    match command {
        Command::Test { tiers } => tiers::test(&root, &tiers),
        Command::Gen { check } => generate::run(&root, check),
        Command::Image(arguments) => image::run(&root, &arguments).map(drop),
        Command::Cluster { action } => cluster::run(&root, action),
        Command::Bench { filter } => bench::run(&root, filter.as_deref()),
    }
}
