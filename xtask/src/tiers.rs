//! The test tiers, in the order of what they need.

use std::path::Path;
use std::time::Instant;

use clap::ValueEnum;

use crate::shell::{cargo, run};
use crate::{cluster, generate, layers, lint, tools};

/// A test tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Tier {
    /// Format, lints, licences, layers, generated files.
    Policy,
    /// What needs nothing but cargo.
    Unit,
    /// Postgres, mosquitto and other brokers, OpenSSL and other servers of TLS on loopback.
    Services,
    /// Pages in Chromium.
    Browser,
    /// The Action on an emulated GitHub, its contract held by GitHub's own description.
    Action,
    /// The Helm chart, by helm.
    Chart,
    /// A real Kubernetes: of its own as root on Linux, or that of PLUMBLINE_TEST_KUBECONFIG.
    Cluster,
}

/// Runs the named tiers, or all of them. Every tier runs in one build of the whole workspace, so
/// that features are unified once.
fn each(root: &Path, tiers: &[Tier]) -> anyhow::Result<()> {
    for tier in tiers {
        let begin = Instant::now();
        println!("\n== tier {} ==", name(*tier));
        match tier {
            Tier::Policy => policy(root)?,
            Tier::Unit => run(cargo(root).args(["test", "--workspace"]))?,
            Tier::Services => {
                tools::require(tools::SERVICES)?;
                let (brokers, servers) = (tools::brokers(root)?, tools::tls_servers(root)?);
                programs(root)?;
                run(outside(root, "services").envs(brokers).envs(servers))?;
            }
            Tier::Browser => {
                tools::require(tools::BROWSER)?;
                let axe = tools::axe(root)?;
                programs(root)?;
                run(outside(root, "browser").env("PLUMBLINE_AXE", axe))?;
            }
            Tier::Action => {
                tools::require(tools::ACTION)?;
                tools::require(tools::POLICY)?;
                let github = tools::github(root)?;
                lint::workflows(root, &github)?;
                let act = tools::act(root)?;
                let mut tests = std::process::Command::new("node");
                run(tests.current_dir(&github).args(["--test", "self_test/"]))?;
                programs(root)?;
                run(outside(root, "action").env("PLUMBLINE_ACT", act))?;
            }
            Tier::Chart => run(outside(root, "chart").env("PLUMBLINE_HELM", cluster::helm(root)?))?,
            Tier::Cluster => {
                programs(root)?;
                tools::require(tools::CLUSTER)?;
                cluster::test(root)?;
            }
        }
        println!("== tier {} passed in {} s ==", name(*tier), begin.elapsed().as_secs());
    }
    Ok(())
}

/// The tiers that a command line names; all of them where it names none.
pub fn test(root: &Path, named: &[Tier]) -> anyhow::Result<()> {
    let mut tiers = if named.is_empty() { Tier::value_variants().to_vec() } else { named.to_vec() };
    tiers.sort();
    tiers.dedup();
    each(root, &tiers)
}

/// Builds the programs that a tier runs: cargo builds for a test only those of its own crate.
pub fn programs(root: &Path) -> anyhow::Result<()> {
    run(cargo(root).args(["build", "--workspace", "--bins"]))
}

fn outside(root: &Path, tier: &str) -> std::process::Command {
    let mut command = cargo(root);
    let feature = format!("tests/{tier}");
    command.args(["test", "--workspace", "--features", &feature, "--test", tier]);
    command
}

/// The shell scripts of the project.
const SCRIPTS: &[&str] =
    &[".ci/run", "action/start.sh", "tests/cluster/cluster", "tests/cluster/smoke"];

fn policy(root: &Path) -> anyhow::Result<()> {
    run(cargo(root).args(["fmt", "--all", "--check"]))?;
    run(cargo(root).args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    let features = "tests/services,tests/browser,tests/action,tests/chart,tests/cluster";
    let lints = ["--workspace", "--all-targets", "--features", features];
    run(cargo(root).arg("clippy").args(lints).args(["--", "-D", "warnings"]))?;
    tools::require(tools::POLICY)?;
    run(std::process::Command::new("shellcheck").current_dir(root).args(SCRIPTS))?;
    layers::check(root)?;
    tools::cargo_deny(root)?;
    // It looks at the crates of every platform, and a build brings those of one.
    run(cargo(root).args(["fetch", "--locked"]))?;
    run(cargo(root).args(["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    generate::run(root, true)
}

fn name(tier: Tier) -> String {
    tier.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
