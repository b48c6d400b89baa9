//! Audits IoT paths from inside a cluster.
//!
//! Custom resources say what is audited and when; Jobs in the targets' own namespaces probe; what
//! they find comes in over an authenticated channel, is stored in Postgres, and judged by the same
//! engine as on the command line. The operator opens no connection to a target.

mod context;
mod controllers;
mod crash;
mod document;
mod error;
mod exception;
mod health;
mod ingest;
mod lease;
mod metrics;
mod name;
mod operate;
mod retention;
mod run;
mod schedule;
mod settings;
mod target;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use settings::{Arguments, Command, LogFormat, Settings};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Crds => print_crds(),
        Command::Run(settings) => run(&settings),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            writeln!(std::io::stderr(), "plumbline-operator: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn print_crds() -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    for file in crds::files() {
        write!(out, "---\n{}", file.content)?;
    }
    Ok(())
}

fn run(settings: &Settings) -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a provider of cryptography was installed before"))?;
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match settings.log_format {
        // Of its own the format would add `target` once more, for the module, and each span twice.
        LogFormat::Json => {
            log.json().flatten_event(true).with_target(false).with_span_list(false).init();
        }
        LogFormat::Text => log.init(),
    }
    if let Some(point) = settings.crash_at {
        crash::arm(point);
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()?
        .block_on(operate::operate(settings))
}
