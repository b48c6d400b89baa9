//! What people type.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{Bundle, CheckId, Mode};

const AFTER: &str = "\
Examples:
  plumb demo                                   the whole story on this machine
  plumb run -f gateway.yaml                    audit one target, keep the run
  plumb run -f gateway.yaml --dry-run          say what would be contacted
  plumb run -f gateway.yaml -o html=report.html --fail-on high
  plumb diff last~1 last                       what changed since the run before

Exit codes: 0 gate passed, 1 gate failed, 2 usage or configuration, 3 incomplete, 4 integrity,
130 interrupted.";

/// Continuous compliance for IoT paths: evidence, rules, findings, and proof that the fix held.
#[derive(Debug, Parser)]
#[command(name = "plumb", version, after_help = AFTER, disable_help_subcommand = true)]
pub struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user's data directory]
    #[arg(
        long,
        global = true,
        env = "PLUMBLINE_STORE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// Colour on terminals
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Say nothing but what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Progress on stderr [default: plain, with bars on a terminal]
    #[arg(long, global = true, value_enum, value_name = "STYLE")]
    pub progress: Option<Progress>,
}

/// When to use colour. `NO_COLOR` counts as never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Not at all.
    None,
    /// A line per probe.
    Plain,
    /// A JSON object per line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit targets: probe, judge, store, compare, report
    Run(RunArgs),
    /// Run one check and print its evidence as JSON
    Probe(ProbeArgs),
    /// Collect what an operator's run asks for; probe Jobs run this
    Collect(CollectArgs),
    /// Judge evidence files offline and print the assessment as JSON
    Assess(AssessArgs),
    /// Compare two stored runs
    Diff(DiffArgs),
    /// Render a stored run again
    Report(ReportArgs),
    /// Show critical regressions and expiring certificates of the last runs
    Alerts(AlertsArgs),
    /// List and show stored runs, and choose baselines
    Runs(RunsArgs),
    /// List, show, test and check rules
    Rules(RulesArgs),
    /// Print the JSON Schemas of documents, evidence and records
    Schema(SchemaArgs),
    /// Check target files
    Targets(TargetsArgs),
    /// Tell the whole reference story on this machine: audit, harden, audit again
    Demo(DemoArgs),
    /// Prove a run or a report: digests, schemas, and the judgement computed again
    Verify(VerifyArgs),
    /// Print completions for a shell, or the man page
    Completions(CompletionsArgs),
}

/// `plumb run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// File with AuditTarget and AuditException documents; `-` is standard input
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The bundle to run: audit-baseline, hardening-verification or certificate-hygiene
    #[arg(long, value_parser = bundle, conflicts_with = "checks", value_name = "BUNDLE")]
    pub bundle: Option<Bundle>,
    /// A check to run; may be given several times
    #[arg(long = "check", value_name = "ID")]
    pub checks: Vec<CheckId>,
    /// The stage: audit sets a baseline, sprint reruns it after fixes, retainer keeps watching
    #[arg(long, value_parser = mode, default_value = "audit", value_name = "MODE")]
    pub mode: Mode,
    /// Folder with a rule pack; may be given several times
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// What to compare with: `last` is the baseline of the target, else its last run
    #[arg(long, default_value = "last", value_name = "last|RUN|none")]
    pub baseline: String,
    /// The gate: fail on an open finding of this severity or worse, or on a regression
    #[arg(long, value_enum, default_value_t = FailOn::Medium, value_name = "GATE")]
    pub fail_on: FailOn,
    /// Write a report; FORMAT is html, md, json, csv or sarif; may be given several times
    #[arg(short, long = "output", value_name = "FORMAT=PATH")]
    pub outputs: Vec<String>,
    /// Say what would be contacted, and contact nothing
    #[arg(long)]
    pub dry_run: bool,
    /// When the next run is due, as RFC 3339: certificates that end before it raise an alert
    #[arg(long, value_name = "TIME")]
    pub next_run: Option<jiff::Timestamp>,
}

/// The gate of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// An open critical finding.
    Critical,
    /// An open high or critical finding.
    High,
    /// An open medium, high or critical finding: the line that PASS draws.
    Medium,
    /// Any open finding but info.
    Low,
    /// A control that went from pass to fail.
    Regression,
    /// Nothing.
    Never,
}

/// `plumb probe`
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The check
    #[arg(value_name = "CHECK")]
    pub check: CheckId,
    /// File with one AuditTarget
    #[arg(
        short,
        long,
        value_name = "FILE",
        conflicts_with = "endpoint",
        required_unless_present = "endpoint"
    )]
    pub file: Option<PathBuf>,
    /// Address instead of a file: mqtts://HOST:PORT, mqtt://, https://HOST:PORT/PATH, http://, wss://, tls://
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// List everything that TLS accepts, with broker_transport_posture: up to 256 connections
    #[arg(long)]
    pub full: bool,
    /// PEM file with trust anchors
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Write to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `plumb collect`
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Address of the operator's ingest
    #[arg(long, env = "PLUMBLINE_INGEST_URL", value_name = "URL")]
    pub ingest_url: String,
    /// Trust anchors of the ingest, as PEM text
    #[arg(long, env = "PLUMBLINE_INGEST_CA", value_name = "PEM", hide_env_values = true)]
    pub ingest_ca: String,
    /// File with the pod's token for the ingest
    #[arg(long, env = "PLUMBLINE_INGEST_TOKEN_FILE", value_name = "FILE")]
    pub token_file: PathBuf,
    /// Folder with the mounted Secrets and ConfigMaps: secrets/NAME/KEY, configmaps/NAME/KEY
    #[arg(
        long,
        env = "PLUMBLINE_MOUNTS",
        default_value = "/run/plumbline/mounts",
        value_name = "DIR"
    )]
    pub mounts: PathBuf,
    /// Seconds until undelivered evidence is given up
    #[arg(long, env = "PLUMBLINE_DEADLINE_SECONDS", default_value_t = 290, value_name = "SECONDS")]
    pub deadline_seconds: u64,
    /// Where the last words go
    #[arg(long, default_value = "/dev/termination-log", value_name = "FILE")]
    pub last_words: PathBuf,
}

/// `plumb assess`
#[derive(Debug, Args)]
pub struct AssessArgs {
    /// Evidence documents, or a bundle that `plumb report -o json` wrote
    #[arg(value_name = "EVIDENCE", required = true)]
    pub evidence: Vec<PathBuf>,
    /// File with the AuditTarget and AuditException documents that the evidence belongs to
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder with a rule pack; may be given several times
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// The time to judge at, as RFC 3339 [default: when the evidence was collected]
    #[arg(long, value_name = "TIME")]
    pub at: Option<jiff::Timestamp>,
}

/// `plumb diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier run: id, unique beginning of one, `last`, or `last~N`
    #[arg(value_name = "RUN_A")]
    pub before: String,
    /// The later run
    #[arg(value_name = "RUN_B")]
    pub after: String,
    /// The target, where the store has several
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Write a delta report; FORMAT is html, md or json
    #[arg(short, long = "output", value_name = "FORMAT=PATH")]
    pub outputs: Vec<String>,
}

/// `plumb report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: id, unique beginning of one, `last`, or `last~N`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The target, where the store has several
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Write a report; FORMAT is html, md, json, csv or sarif; PATH `-` is stdout
    #[arg(short, long = "output", value_name = "FORMAT=PATH", required = true)]
    pub outputs: Vec<String>,
}

/// `plumb alerts`
#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Write an alerts report; FORMAT is html, md or json
    #[arg(short, long = "output", value_name = "FORMAT=PATH")]
    pub outputs: Vec<String>,
}

/// `plumb runs`
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do with runs.
    #[command(subcommand)]
    pub command: RunsCommand,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, the newest first
    List {
        /// Only this target
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the record of a run as JSON
    Show {
        /// The run
        #[arg(value_name = "RUN")]
        run: String,
        /// The target, where the store has several
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
    },
    /// Make a run the baseline of its target
    Baseline {
        /// The run
        #[arg(value_name = "RUN")]
        run: String,
        /// The target, where the store has several
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// Why
        #[arg(long, default_value = "chosen on the command line", value_name = "TEXT")]
        reason: String,
    },
    /// Remove runs that were kept long enough
    ///
    /// The newest of each target, its baseline, and the runs in which an open finding began stay
    /// however old they are.
    Prune {
        /// Days that runs are kept
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        older_than: u32,
        /// Complete runs of each target that stay whatever their age
        #[arg(long, default_value_t = 3, value_name = "N",
            value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
        /// Only this target
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

/// `plumb rules`
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with rules.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List rules
    List {
        /// Folder with a rule pack, beside the built-in one; may be given several times
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
        /// As JSON
        #[arg(long, group = "form")]
        json: bool,
        /// Keys alone, one per line
        #[arg(long, group = "form")]
        keys: bool,
        /// As the index page of docs/rules
        #[arg(long, group = "form")]
        markdown: bool,
    },
    /// Show one rule as its page
    Show {
        /// Its key, or a key that it had before
        #[arg(value_name = "KEY")]
        key: String,
        /// Folder with a rule pack, beside the built-in one; may be given several times
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// List the TLS profiles that targets may name, or show one as its page
    Profiles {
        /// Its id, or another word of `trust.profile` that stands for it
        #[arg(value_name = "PROFILE", conflicts_with = "form")]
        profile: Option<String>,
        /// Folder with a rule pack, beside the built-in one; may be given several times
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
        /// As JSON, whole
        #[arg(long, group = "form")]
        json: bool,
        /// Ids alone, one per line
        #[arg(long, group = "form")]
        keys: bool,
        /// As the page of docs/rules that lists them
        #[arg(long, group = "form")]
        markdown: bool,
    },
    /// Run the test vectors of a pack, or of the built-in one
    Test {
        /// Folder with a rule pack
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Check a pack without running it, or the built-in one
    Lint {
        /// Folder with a rule pack
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// `plumb schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// What to do with schemas.
    #[command(subcommand)]
    pub command: SchemaCommand,
}

/// What to do with schemas.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// List the names
    List,
    /// Print one
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `plumb targets`
#[derive(Debug, Args)]
pub struct TargetsArgs {
    /// What to do with targets.
    #[command(subcommand)]
    pub command: TargetsCommand,
}

/// What to do with targets.
#[derive(Debug, Subcommand)]
pub enum TargetsCommand {
    /// Check documents and say what is wrong, with file, line and column
    Check {
        /// The files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

/// `plumb demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for the gateway's files, the store and the reports
    #[arg(long, value_name = "DIR", default_value = "plumbline-demo")]
    pub dir: PathBuf,
    /// Use the folder although it is not empty
    #[arg(long)]
    pub force: bool,
    /// Keep the hardened gateway running until Ctrl-C
    #[arg(long)]
    pub keep: bool,
}

/// `plumb verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A stored run, or a file: a JSON bundle, or an HTML report that carries its record (up to 2 MiB)
    #[arg(value_name = "RUN|FILE")]
    pub subject: String,
    /// The target, where the store has several
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Folder with a rule pack; may be given several times
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// `plumb completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell, or `man` for the man page
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// What completions are printed for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    Powershell,
    /// The man page, roff.
    Man,
}

fn bundle(text: &str) -> Result<Bundle, String> {
    let names = || Bundle::ALL.map(Bundle::as_str).join(", ");
    let found = Bundle::ALL.into_iter().find(|bundle| bundle.as_str() == text);
    found.ok_or_else(|| format!("known bundles: {}", names()))
}

fn mode(text: &str) -> Result<Mode, String> {
    let all = [Mode::Audit, Mode::Sprint, Mode::Retainer];
    let found = all.into_iter().find(|mode| mode.as_str() == text);
    found.ok_or_else(|| "known modes: audit, sprint, retainer".to_owned())
}
