//! The reference gateway as a program: stays up until Ctrl-C and says how to audit it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use testkit::gateway::{Gateway, Ports, Posture, Site};

/// Runs the reference gateway on loopback.
#[derive(Debug, Parser)]
#[command(name = "reference-gateway", version)]
struct Arguments {
    /// Folder for gateway.toml, target.yaml, certificates and secrets; made where it is missing.
    /// Certificates and secrets in it are kept: remove the folder to have new ones.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// How well the gateway is set up.
    #[arg(long, value_enum, default_value = "exposed")]
    posture: PostureArgument,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: std::net::IpAddr,
    /// Write what makes the gateway known to a cluster here: ConfigMap, Secret and AuditTarget.
    #[arg(long, value_name = "FILE")]
    manifests: Option<PathBuf>,
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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let ports = Ports {
        broker: arguments.broker_port,
        http: arguments.http_port,
        https: arguments.https_port,
    };
    let posture = match arguments.posture {
        PostureArgument::Exposed => Posture::Exposed,
        PostureArgument::Hardened => Posture::Hardened,
    };
    let site = Site::create_at(&arguments.dir, arguments.host, ports)?;
    let target = site.write(posture)?;
    if let Some(file) = &arguments.manifests {
        std::fs::write(file, site.manifests(posture)?)
            .with_context(|| format!("writing {}", file.display()))?;
    }
    let gateway = Gateway::start(&arguments.dir).await?;
    writeln!(
        std::io::stdout(),
        "broker  {}\ningest  {}\naudit   plumb run -f {} --bundle audit-baseline\nCtrl-C ends it.",
        gateway.broker(),
        gateway.ingest(),
        target.display(),
    )?;
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    gateway.stop().await;
    Ok(())
}
