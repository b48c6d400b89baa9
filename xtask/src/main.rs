//! `cargo xtask`: the project's automation, in Rust.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod artifacts;
mod bench;
mod cluster;
mod fuzz;
mod generate;
mod image;
mod interrupt;
mod layers;
mod lint;
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
    /// Run the fuzz targets under libFuzzer, on a fixed number of inputs each
    Fuzz(fuzz::Arguments),
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
        Command::Fuzz(arguments) => fuzz::run(&root, &arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cargo_xtask_command_of_the_documentation_is_one() {
        let root = shell::root().unwrap();
        let pages = [
            "README.md",
            "CONTRIBUTING.md",
            "tests/cluster/README.md",
            "fuzz/README.md",
            "docs/operator/faults.md",
            "docs/operator/first-schedule.md",
        ];
        let mut checked = 0;
        for page in pages {
            let text = std::fs::read_to_string(root.join(page)).unwrap();
            for line in text.lines().filter_map(|line| line.trim().strip_prefix("$ cargo xtask")) {
                let words = line.split('#').next().unwrap_or_default().split_whitespace();
                if let Err(error) = Arguments::try_parse_from(std::iter::once("xtask").chain(words))
                {
                    panic!("{page}: cargo xtask{line}: {error}");
                }
                checked += 1;
            }
        }
        assert!(checked >= 12, "only {checked} commands were found");
    }

    #[test]
    fn every_cargo_xtask_command_of_a_workflow_is_one() {
        let folder = shell::root().unwrap().join(".github/workflows");
        let mut checked = 0;
        for file in ["ci.yml", "nightly.yml", "release.yml"] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            for (_, line) in text.lines().filter_map(|line| line.split_once("cargo xtask ")) {
                // What a variable holds is one of these words.
                let line = line.split('|').next().unwrap_or_default();
                let line = line.replace("\"$TIER\"", "unit").replace('"', "");
                let words = std::iter::once("xtask").chain(line.split_whitespace());
                if let Err(error) = Arguments::try_parse_from(words) {
                    panic!("{file}: cargo xtask {line}: {error}");
                }
                checked += 1;
            }
        }
        assert_eq!(checked, 5, "ci, cluster, measurements, fuzz targets and images");
    }
}
