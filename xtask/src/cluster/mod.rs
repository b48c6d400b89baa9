//! `cargo xtask cluster`: the real Kubernetes of `tests/cluster`, by its script.

mod bench;
mod tier;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Subcommand;

pub use self::bench::bench;
pub use self::tier::{helm, test};

/// What to do with the cluster.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Start it, and build it first where it is not built: minutes, once
    Up,
    /// Stop it and leave nothing behind but the built programs
    Down,
    /// Say what runs, and how much memory it takes
    Status,
    /// Run a command where the cluster's addresses exist
    Enter {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Run the cluster's kubectl as its administrator
    Kubectl {
        /// Arguments of kubectl
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run the cluster's helm as its administrator
    Helm {
        /// Arguments of helm
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Give the node image archives, as `cargo xtask image` makes them
    Load {
        /// Archives
        #[arg(required = true)]
        archives: Vec<PathBuf>,
    },
    /// Print a component's log
    Logs {
        /// The component; without one, the components are listed
        component: Option<String>,
    },
    /// Start a cluster, check everything that tests rely on, and stop it
    Smoke,
}

/// Becomes the script: its output, exit code and signals are the user's. Returns only if it cannot
/// be started.
pub fn run(root: &Path, action: Action) -> anyhow::Result<()> {
    let mut command = Command::new(root.join("tests/cluster").join(match action {
        Action::Smoke => "smoke",
        _ => "cluster",
    }));
    command.args(words(action));
    let shown = command.get_program().to_string_lossy().into_owned();
    Err(command.exec()).with_context(|| format!("cannot start {shown}"))
}

/// The script's own words for an action.
fn words(action: Action) -> Vec<OsString> {
    let with = |word: &str, more: Vec<OsString>| {
        std::iter::once(OsString::from(word)).chain(more).collect()
    };
    match action {
        Action::Up => with("up", Vec::new()),
        Action::Down => with("down", Vec::new()),
        Action::Status => with("status", Vec::new()),
        Action::Enter { command } => with("enter", command),
        Action::Kubectl { arguments } => with("kubectl", arguments),
        Action::Helm { arguments } => with("helm", arguments),
        Action::Load { archives } => {
            with("load", archives.into_iter().map(PathBuf::into_os_string).collect())
        }
        Action::Logs { component } => {
            with("logs", component.into_iter().map(OsString::from).collect())
        }
        Action::Smoke => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(subcommand)]
        action: Action,
    }

    fn script(arguments: &[&str]) -> Vec<OsString> {
        let all = std::iter::once("cluster").chain(arguments.iter().copied());
        words(Arguments::try_parse_from(all).unwrap().action)
    }

    #[test]
    fn arguments_of_kubectl_reach_it_untouched() {
        let arguments = ["kubectl", "get", "pods", "-A", "-o", "name", "--help"];
        assert_eq!(script(&arguments), arguments);
        let arguments = ["enter", "sh", "-c", "exit 3"];
        assert_eq!(script(&arguments), arguments);
    }

    #[test]
    fn what_needs_a_word_more_says_so() {
        for action in ["enter", "load"] {
            assert!(Arguments::try_parse_from(["cluster", action]).is_err(), "{action}");
        }
        assert_eq!(script(&["logs"]), ["logs"]);
        assert_eq!(script(&["logs", "etcd"]), ["logs", "etcd"]);
    }
}
