//! The reference gateway as a program: something to audit, here or in a cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use testkit::gateway::{Gateway, Ports, Posture, Site};
use tokio::signal::unix::{SignalKind, signal};

/// The reference gateway: a broker and an ingest edge, to be audited, hardened and audited again.
#[derive(Debug, Parser)]
#[command(name = "reference-gateway", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the folder of a gateway, run it until Ctrl-C, and say how to audit it.
    Run(Folder),
    /// Run the gateway of a folder that is written, and change nothing in it.
    Serve {
        /// Folder with gateway.toml and the files that it names.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
    /// Write the folder of a gateway, and print it as the ConfigMap and the Secrets of a cluster.
    Manifests(Folder),
}

#[derive(Debug, Args)]
struct Folder {
    /// Folder for gateway.toml, target.yaml, certificates and secrets; made where it is missing.
    /// Certificates and secrets in it are kept: remove the folder to have new ones.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// How well the gateway is set up.
    #[arg(long, value_enum, default_value = "exposed")]
    posture: PostureArgument,
    /// Address or name that others know the gateway by; its certificate names it.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST")]
    host: String,
    /// Address or name of its own machine that it listens on [default: the same].
    #[arg(long, value_name = "HOST")]
    bind: Option<String>,
    /// Port of the broker, over TLS.
    #[arg(long, default_value_t = Ports::default().broker)]
    broker_port: u16,
    /// Port of the ingest edge while exposed.
    #[arg(long, default_value_t = Ports::default().http)]
    http_port: u16,
    /// Port of the ingest edge once hardened.
    #[arg(long, default_value_t = Ports::default().https)]
    https_port: u16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PostureArgument {
    Exposed,
    Hardened,
}

impl Folder {
    /// Writes it, and gives it with the path of its target document.
    fn write(&self) -> anyhow::Result<(Site, PathBuf)> {
        let ports =
            Ports { broker: self.broker_port, http: self.http_port, https: self.https_port };
        let bind = self.bind.as_ref().unwrap_or(&self.host);
        let site = Site::create_as(&self.dir, &self.host, bind, ports)?;
        let target = site.write(match self.posture {
            PostureArgument::Exposed => Posture::Exposed,
            PostureArgument::Hardened => Posture::Hardened,
        })?;
        Ok((site, target))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Run(folder) => {
            let (_, target) = folder.write()?;
            let audit = format!("plumb run -f {} --bundle audit-baseline", target.display());
            serve(&folder.dir, &format!("audit   {audit}\nCtrl-C ends it.\n")).await
        }
        Command::Serve { dir } => serve(&dir, "").await,
        Command::Manifests(folder) => {
            let (site, _) = folder.write()?;
            let objects = site.objects()?;
            std::io::stdout().write_all(objects.as_bytes()).context("printing the objects")
        }
    }
}

/// Runs the gateway of a folder until somebody ends it: Ctrl-C, or the kubelet.
async fn serve(dir: &Path, more: &str) -> anyhow::Result<()> {
    let mut told_to_end = signal(SignalKind::terminate()).context("waiting for an end")?;
    let gateway = Gateway::start(dir).await?;
    let (broker, ingest) = (gateway.broker(), gateway.ingest());
    write!(std::io::stdout(), "broker  {broker}\ningest  {ingest}\n{more}")?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.context("waiting for Ctrl-C")?,
        _ = told_to_end.recv() => {}
    }
    gateway.stop().await;
    Ok(())
}
