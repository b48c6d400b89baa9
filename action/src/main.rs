//! `plumbline-action`: the engine on pull requests and on the default branch, and the issues that
//! follow from it.
//!
//! It reads the checkout through git, and is the only writer to GitHub. Exit codes: see
//! [`failure::Exit`].

mod audit;
mod backlog;
mod branch;
mod checkout;
mod dashboard;
mod event;
mod failure;
mod gate;
mod github;
mod history;
mod memory;
mod run;
mod settings;
mod show;
mod sync;
mod track;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::failure::{Exit, Failure, USAGE};
use crate::settings::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("PLUMBLINE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,plumbline_action=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .init();
    match work(&arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tracing::error!("{failure}");
            ExitCode::from(USAGE)
        }
    }
}

fn work(arguments: &Arguments) -> Result<Exit, Failure> {
    // The one place in this binary that names the provider. It fails only if one is installed.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        match &arguments.command {
            Command::Run(settings) => run::run(settings).await,
            Command::Sync(settings) => sync::sync(settings).await,
        }
    })
}
