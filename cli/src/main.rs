//! `plumb`: the command line of Plumbline.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: see [`exit::Exit`].

mod args;
mod audit;
mod command;
mod documents;
mod exit;
mod files;
mod output;
mod progress;
mod reports;
mod stores;
mod summary;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::exit::Outcome;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    let outcome = dispatch(arguments, &output);
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(arguments: Arguments, output: &Output) -> Outcome {
    let global = &arguments.global;
    match arguments.command {
        Command::Run(args) => asynchronous(command::run::run(args, global, output)),
        Command::Probe(args) => asynchronous(command::probe::run(args, output)),
        Command::Collect(args) => asynchronous(command::collect::run(args, output)),
        Command::Assess(args) => command::assess::run(args, output),
        Command::Diff(args) => asynchronous(command::diff::run(args, global, output)),
        Command::Report(args) => asynchronous(command::report::run(args, global, output)),
        Command::Alerts(args) => asynchronous(command::alerts::run(args, global, output)),
        Command::Runs(args) => asynchronous(command::runs::run(args, global, output)),
        Command::Rules(args) => command::rules::run(args, output),
        Command::Schema(args) => command::schema::run(&args, output),
        Command::Targets(args) => command::targets::run(&args, output),
        Command::Demo(args) => asynchronous(command::demo::run(args, output)),
        Command::Verify(args) => asynchronous(command::verify::run(args, global, output)),
        Command::Completions(args) => command::completions::run(&args, output),
    }
}

/// Runs a command that waits for something. Only these pay for a runtime and for cryptography.
fn asynchronous(command: impl Future<Output = Outcome>) -> Outcome {
    // The one place in this binary that names the provider. It fails only if one is installed.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| exit::Failure::usage(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let outcome = command.await;
        stores::close().await;
        outcome
    })
}
