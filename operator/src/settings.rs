//! What the operator is told when it starts. The chart sets the variables; the flags are for
//! people.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};

use crate::crash::Point;

/// Audits IoT paths from inside a cluster: schedules, probe Jobs, evidence in Postgres.
#[derive(Debug, Parser)]
#[command(name = "plumbline-operator", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile until the process is told to stop
    Run(Box<Settings>),
    /// Print the CustomResourceDefinitions as YAML
    Crds,
}

/// How the operator works.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// The operator's own namespace
    #[arg(long, env = "PLUMBLINE_NAMESPACE", value_name = "NAME")]
    pub namespace: String,
    /// The operator's own pod: it holds the Lease by this name
    #[arg(long, env = "PLUMBLINE_POD_NAME", value_name = "NAME")]
    pub pod_name: String,
    /// Namespaces that are watched, separated by commas [default: all]
    #[arg(long, env = "PLUMBLINE_WATCH_NAMESPACES", value_delimiter = ',', value_name = "NAMES")]
    pub watch_namespaces: Vec<String>,
    /// Where runs are kept: postgres://USER@HOST/NAME
    #[arg(long, env = "PLUMBLINE_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
    /// Role of the database that evidence is taken in as: it may add and read, never change or
    /// remove. It is made where it is missing. Empty: as the store's own user
    #[arg(
        long,
        env = "PLUMBLINE_INGEST_ROLE",
        default_value = "plumbline_ingest",
        value_name = "NAME"
    )]
    pub ingest_role: String,
    /// Days that runs are kept in the store; 0: for ever. The newest of a target, its baseline, and
    /// what an open finding speaks of stay however old they are
    #[arg(long, env = "PLUMBLINE_RETENTION_DAYS", default_value_t = 400, value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub retention_days: u32,
    /// Complete runs of each target that stay in the store whatever their age
    #[arg(long, env = "PLUMBLINE_RETENTION_RUNS", default_value_t = 3, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub retention_runs: u32,
    /// Image of `plumb` that probe Jobs run
    #[arg(long, env = "PLUMBLINE_PROBE_IMAGE", value_name = "IMAGE")]
    pub probe_image: String,
    /// When the probe image is pulled
    #[arg(
        long,
        env = "PLUMBLINE_PROBE_IMAGE_PULL_POLICY",
        value_enum,
        default_value = "IfNotPresent",
        value_name = "POLICY"
    )]
    pub probe_image_pull_policy: PullPolicy,
    /// Where evidence is taken in, over TLS
    #[arg(
        long,
        env = "PLUMBLINE_INGEST_ADDRESS",
        default_value = "[::]:8443",
        value_name = "ADDRESS"
    )]
    pub ingest_address: SocketAddr,
    /// What probe Jobs call [default: https://plumbline-ingest.NAMESPACE.svc:8443]
    #[arg(long, env = "PLUMBLINE_INGEST_URL", value_name = "URL")]
    pub ingest_url: Option<String>,
    /// Secret with the certificate of the ingest, in the operator's own namespace
    #[arg(
        long,
        env = "PLUMBLINE_INGEST_SECRET",
        default_value = "plumbline-ingest",
        value_name = "NAME"
    )]
    pub ingest_secret: String,
    /// The Secret is somebody else's: it is read, and never written
    #[arg(long, env = "PLUMBLINE_INGEST_SECRET_GIVEN")]
    pub ingest_secret_given: bool,
    /// Where /livez, /readyz and /metrics answer, over plain HTTP
    #[arg(
        long,
        env = "PLUMBLINE_HEALTH_ADDRESS",
        default_value = "[::]:8080",
        value_name = "ADDRESS"
    )]
    pub health_address: SocketAddr,
    /// The Lease that the leader holds, in the operator's own namespace
    #[arg(
        long,
        env = "PLUMBLINE_LEASE",
        default_value = "plumbline-operator",
        value_name = "NAME"
    )]
    pub lease: String,
    /// Probe Jobs at work at the same time
    #[arg(long, env = "PLUMBLINE_MAX_JOBS", default_value_t = 20, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub max_jobs: u32,
    /// Probe Jobs at work at the same time in one namespace
    #[arg(long, env = "PLUMBLINE_MAX_JOBS_PER_NAMESPACE", default_value_t = 5, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub max_jobs_per_namespace: u32,
    /// Seconds after which evidence is stale, and its target's posture unknown
    #[arg(
        long,
        env = "PLUMBLINE_MAX_EVIDENCE_AGE_SECONDS",
        default_value_t = 172_800,
        value_name = "SECONDS"
    )]
    pub max_evidence_age_seconds: u32,
    /// How much is logged, such as `info` or `operator=debug`
    #[arg(long, env = "PLUMBLINE_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How it is logged
    #[arg(
        long,
        env = "PLUMBLINE_LOG_FORMAT",
        value_enum,
        default_value = "json",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// The point at which the process dies, for tests of what a crash leaves behind
    #[arg(long, env = "PLUMBLINE_CRASH_AT", value_enum, hide = true, value_name = "POINT")]
    pub crash_at: Option<Point>,
}

impl Settings {
    /// Objects of a kind in every watched namespace; one API over all of them where all are.
    pub fn apis<K>(&self, client: &Client) -> Vec<Api<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        let named = self.watch_namespaces.iter().filter(|name| !name.is_empty());
        let apis: Vec<_> = named.map(|name| Api::namespaced(client.clone(), name)).collect();
        if apis.is_empty() { vec![Api::all(client.clone())] } else { apis }
    }

    /// What probe Jobs call.
    pub fn ingest_url(&self) -> String {
        self.ingest_url
            .clone()
            .unwrap_or_else(|| format!("https://plumbline-ingest.{}.svc:8443", self.namespace))
    }
}

/// When an image is pulled, in Kubernetes' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    /// Every time.
    Always,
    /// Where the node has none.
    IfNotPresent,
    /// Not at all: the node must have it.
    Never,
}

impl PullPolicy {
    /// The word as Kubernetes has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// How it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// An object per line.
    Json,
    /// A line for people.
    Text,
}
