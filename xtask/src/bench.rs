//! Measurements: ratios against a peer of the same run, or counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, cargo};

/// Builds the programs in release mode and runs the measurements.
pub fn run(root: &Path, filter: Option<&str>) -> anyhow::Result<()> {
    // All of them: the measurements start `plumb`.
    shell::run(cargo(root).args(["build", "--release", "--workspace", "--bins"]))?;
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    shell::run(Command::new(root.join(folder).join("release/bench")).args(filter))
}
