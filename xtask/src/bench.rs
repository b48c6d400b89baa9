//! Measurements: ratios against a peer of the same run, or counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster;
use crate::shell::{self, cargo};
use crate::tools;

/// The word that those measurements begin with that need a cluster.
const IN_CLUSTER: &str = "operator";

/// The measurement that runs other scanners beside ours.
const PEERS: &str = "peers";

/// The measurement that reads a table of Postgres.
const FLEET: &str = "fleet";

/// Builds the programs in release mode and runs the measurements.
pub fn run(root: &Path, filter: Option<&str>) -> anyhow::Result<()> {
    // All of them: the measurements start `plumb`.
    shell::run(cargo(root).args(["build", "--release", "--workspace", "--bins"]))?;
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = root.join(folder).join("release/bench");
    let in_cluster = |filter: &str| filter.starts_with(IN_CLUSTER);
    if !filter.is_some_and(in_cluster) {
        let mut command = Command::new(&program);
        if filter.is_none_or(|filter| PEERS.contains(filter)) {
            tools::require(tools::PEERS)?;
            command.env("PLUMBLINE_SSLYZE", tools::sslyze(root)?);
            command.envs(tools::tls_servers(root)?);
            command.env("PATH", tools::search_path(tools::PEERS)?);
        }
        if filter.is_none_or(|filter| FLEET.contains(filter)) {
            tools::postgres()?;
        }
        shell::run(command.args(filter))?;
    }
    if filter.is_none_or(in_cluster) {
        cluster::bench(root, &program, filter.unwrap_or(IN_CLUSTER))?;
    }
    Ok(())
}
