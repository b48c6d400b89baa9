//! Inputs: environment variables that `action.yml` fills, or the same by flags.
//!
//! An input that is not given arrives as an empty variable, so that empty and absent are one.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Severity;
use store::StoreUrl;

use crate::branch::BranchName;

/// Audits a repository's path, says what a change does to it, and keeps its issues.
#[derive(Debug, Parser)]
#[command(name = "plumbline-action", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit the checkout of a workflow run: a pull request, or the default branch
    Run(Box<Run>),
    /// Keep a repository's issues by what is in a store: the operator's runs
    Sync(Box<Sync>),
}

/// What has issues written for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Issues {
    /// The default branch's backlog, and what a pull request brings
    #[default]
    Sync,
    /// The default branch's backlog only
    DefaultBranch,
    /// Nothing
    Off,
}

/// Whether anything is written at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Mode {
    /// As far as the token and the event allow
    #[default]
    Auto,
    /// Write plan.json, and touch nothing
    Plan,
}

/// What fails the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FailOn {
    /// `high` on a pull request, `never` elsewhere
    #[default]
    Auto,
    /// Critical findings
    Critical,
    /// High findings and above
    High,
    /// Medium findings and above
    Medium,
    /// Low findings and above
    Low,
    /// Any control that held and does not hold any more
    Regression,
    /// Nothing
    Never,
}

impl FailOn {
    /// The least severity that fails, where severity decides.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Auto | Self::Regression | Self::Never => None,
        }
    }
}

/// Whether something is shown where the token allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Show {
    /// Where the token allows it
    #[default]
    Auto,
    /// Never
    Never,
}

/// What becomes of the SARIF report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Sarif {
    /// Upload it to code scanning
    Upload,
    /// Write the file
    #[default]
    File,
    /// Neither
    Off,
}

/// Which findings of a repository that has no issues yet get one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Adopt {
    /// High and critical ones; the rest is listed in the dashboard
    #[default]
    Baseline,
    /// All of them
    All,
}

/// Where the dashboard is kept: the page that says how the default branch stands, and what the next
/// run compares with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dashboard {
    /// An issue with the label
    #[default]
    Issue,
    /// A branch of the repository
    Branch(BranchName),
}

impl FromStr for Dashboard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.split_once(':')) {
            ("issue", _) => Ok(Self::Issue),
            ("branch", _) => Ok(Self::Branch(BranchName::default())),
            (_, Some(("branch", name))) => name.parse().map(Self::Branch),
            _ => Err("expected issue, branch or branch:NAME".to_owned()),
        }
    }
}

/// A value that may be given as nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input<T>(pub Option<T>);

impl<T> Default for Input<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone + Default> Input<T> {
    /// The value, or the type's own default.
    pub fn value(&self) -> T {
        self.0.clone().unwrap_or_default()
    }
}

macro_rules! input {
    ($name:ident, $type:ty, $parse:expr) => {
        fn $name(text: &str) -> Result<Input<$type>, String> {
            let parse: fn(&str) -> Result<$type, String> = $parse;
            match text.trim() {
                "" => Ok(Input(None)),
                text => parse(text).map(|value| Input(Some(value))),
            }
        }
    };
}

fn word<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let known: Vec<_> = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .map(|value| value.get_name().to_owned())
            .collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

input!(issues, Issues, word);
input!(mode, Mode, word);
input!(fail_on, FailOn, word);
input!(show, Show, word);
input!(sarif, Sarif, word);
input!(adopt, Adopt, word);
input!(flag, bool, truth);
input!(count, usize, number);
input!(text, String, |text| Ok(text.to_owned()));
input!(dashboard, Dashboard, str::parse);
input!(folder, PathBuf, |text| Ok(PathBuf::from(text)));
input!(store_url, StoreUrl, |text| text.parse::<StoreUrl>().map_err(|error| error.to_string()));
input!(passes, u32, |text| if text == "auto" { Ok(0) } else { number(text) });
input!(hours, u32, number);
input!(millis, Duration, |text| number(text).map(Duration::from_millis));
input!(lines, Vec<String>, |text| {
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
});

/// Audit the checkout of a workflow run.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Documents of AuditTargets and AuditExceptions, one path per line, from the repository's root
    #[arg(long, env = "PLUMBLINE_TARGETS", default_value = "plumbline.yaml", value_parser = lines)]
    pub targets: Input<Vec<String>>,
    /// Folders of rule packs beside the built-in one, one per line; a pull request's are the base's
    #[arg(long, env = "PLUMBLINE_RULES", default_value = "", value_parser = lines)]
    pub rules: Input<Vec<String>>,
    /// auto, or plan: write plan.json and touch nothing
    #[arg(long, env = "PLUMBLINE_MODE", default_value = "", value_parser = mode)]
    pub mode: Input<Mode>,
    /// sync, default-branch or off
    #[arg(long, env = "PLUMBLINE_ISSUES", default_value = "", value_parser = issues)]
    pub issues: Input<Issues>,
    /// auto, critical, high, medium, low, regression or never
    #[arg(long, env = "PLUMBLINE_FAIL_ON", default_value = "", value_parser = fail_on)]
    pub fail_on: Input<FailOn>,
    /// The comment on a pull request: auto or never
    #[arg(long, env = "PLUMBLINE_COMMENT", default_value = "", value_parser = show)]
    pub comment: Input<Show>,
    /// Annotations on changed lines: true or false
    #[arg(long, env = "PLUMBLINE_ANNOTATIONS", default_value = "", value_parser = flag)]
    pub annotations: Input<bool>,
    /// The check run: auto or never
    #[arg(long, env = "PLUMBLINE_CHECK_RUN", default_value = "", value_parser = show)]
    pub check_run: Input<Show>,
    /// upload, file or off
    #[arg(long, env = "PLUMBLINE_SARIF", default_value = "", value_parser = sarif)]
    pub sarif: Input<Sarif>,
    /// How issues are kept.
    #[command(flatten)]
    pub tracker: Tracker,
    /// baseline or all: what gets an issue of its own in a repository that has none yet
    #[arg(long, env = "PLUMBLINE_ADOPT", default_value = "", value_parser = adopt)]
    pub adopt: Input<Adopt>,
    /// issue, branch (plumbline-data) or branch:NAME: where the dashboard is kept, which is also what
    /// the next run compares with
    #[arg(long, env = "PLUMBLINE_DASHBOARD", default_value = "", value_parser = dashboard)]
    pub dashboard: Input<Dashboard>,
    /// Let a pull request's own rules, exceptions and overrides apply to itself
    #[arg(long, env = "PLUMBLINE_TRUST_HEAD", default_value = "", value_parser = flag)]
    pub trust_head: Input<bool>,
    /// postgres://... as baseline and history; the dashboard is kept beside it
    #[arg(
        long,
        env = "PLUMBLINE_STORE",
        default_value = "",
        hide_env_values = true,
        value_parser = store_url
    )]
    pub store: Input<StoreUrl>,
    /// Folder for reports
    #[arg(long, env = "PLUMBLINE_OUTPUT_DIR", default_value = "", value_parser = folder)]
    pub output_dir: Input<PathBuf>,
}

/// How issues are kept.
#[derive(Debug, Clone, Args)]
pub struct Tracker {
    /// The label that marks managed issues
    #[arg(long, env = "PLUMBLINE_LABEL", default_value = "plumbline", value_parser = text)]
    pub label: Input<String>,
    /// Who the issues are written as; github-actions[bot] in a workflow, the App's own name with an App
    #[arg(long, env = "PLUMBLINE_AUTHOR", default_value = "", value_parser = text)]
    pub author: Input<String>,
    /// Issues that one run opens at most
    #[arg(long, env = "PLUMBLINE_MAX_NEW_ISSUES", default_value = "10", value_parser = count)]
    pub max_new_issues: Input<usize>,
    /// Passes in a row before an issue is closed; auto: 1 for files, 2 for endpoints
    #[arg(long, env = "PLUMBLINE_RESOLVE_AFTER", default_value = "auto", value_parser = passes)]
    pub resolve_after: Input<u32>,
    /// Hours for which nothing may be observed of a target before an issue says so
    #[arg(long, env = "PLUMBLINE_UNOBSERVED_AFTER", default_value = "24", value_parser = hours)]
    pub unobserved_after: Input<u32>,
    /// Close however many issues there are
    #[arg(long, env = "PLUMBLINE_CONFIRM_BULK_CLOSE", default_value = "", value_parser = flag)]
    pub confirm_bulk_close: Input<bool>,
    /// Token for GitHub
    #[arg(
        long,
        env = "PLUMBLINE_TOKEN",
        default_value = "",
        hide_env_values = true,
        value_parser = text
    )]
    pub token: Input<String>,
    /// Milliseconds between two writes to GitHub, which asks for one second
    #[arg(long, env = "PLUMBLINE_WRITE_INTERVAL_MS", default_value = "1000", value_parser = millis)]
    pub write_interval: Input<Duration>,
}

/// Keep a repository's issues by what is in a store.
#[derive(Debug, Clone, Args)]
pub struct Sync {
    /// The store: postgres://...
    #[arg(long, env = "PLUMBLINE_STORE", hide_env_values = true)]
    pub store: StoreUrl,
    /// The repository: owner/name
    #[arg(long, env = "GITHUB_REPOSITORY")]
    pub repository: String,
    /// Targets by their keys, namespace/name; all of them where none is named
    #[arg(long = "target", env = "PLUMBLINE_SYNC_TARGETS", default_value = "", value_parser = lines)]
    pub targets: Input<Vec<String>>,
    /// Where the API is
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com")]
    pub api: String,
    /// Page of a run, linked from issues; `{run}` stands for its id. Without it they name the
    /// command that shows the report
    #[arg(long, env = "PLUMBLINE_REPORT_URL", default_value = "", value_parser = text)]
    pub report_url: Input<String>,
    /// Print the plan as JSON, and touch nothing
    #[arg(long)]
    pub plan: bool,
    /// Id of a GitHub App to write as, in place of a token
    #[arg(long, env = "PLUMBLINE_APP_ID", requires = "app_key_file")]
    pub app_id: Option<u64>,
    /// File with that App's private key, PEM
    #[arg(long, env = "PLUMBLINE_APP_KEY_FILE")]
    pub app_key_file: Option<PathBuf>,
    /// File with the token, in place of its variable
    #[arg(long, env = "PLUMBLINE_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// How issues are kept.
    #[command(flatten)]
    pub tracker: Tracker,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    #[test]
    fn between_two_writes_is_the_second_that_github_asks_for() {
        for line in [
            "plumbline-action run",
            "plumbline-action sync --store sqlite:x --repository acme/gateway",
        ] {
            let tracker = match Arguments::try_parse_from(line.split(' ')).unwrap().command {
                Command::Run(run) => run.tracker,
                Command::Sync(sync) => sync.tracker,
            };
            assert_eq!(tracker.write_interval.0, Some(Duration::from_secs(1)), "{line}");
        }
    }
}
