//! The fuzz targets of `fuzz/` under libFuzzer, on the stable compiler: coverage is told by
//! instrumentation that needs no nightly one, and no sanitizer is asked for, which would.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{self, capture, cargo, target};

/// What cargo-fuzz gives to the compiler with `--sanitizer none`.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// Most bytes of memory that a target may hold, in MiB: readers are bounded far below.
const MEMORY: u32 = 1_024;
/// Seconds after which an input counts as one that a target does not come back from.
const PATIENCE: u32 = 60;
/// Where the inputs begin, so that a run can be repeated.
const SEED: u32 = 1;

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Targets; all of them where none is named
    targets: Vec<String>,
    /// Inputs for each target
    #[arg(long, default_value_t = 20_000)]
    runs: u32,
}

/// Builds the targets and runs each on a fixed number of inputs.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let all = targets(root)?;
    if let Some(unknown) = arguments.targets.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", all.join(", "));
    }
    let chosen = if arguments.targets.is_empty() { &all } else { &arguments.targets };
    let folder = target(root).join("fuzz");
    let machine = machine()?;
    let mut build = cargo(root);
    build.args(["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--locked"]);
    // With a machine named, build scripts and macros are left without instrumentation.
    build.args(["--target", &machine]).arg("--target-dir").arg(&folder);
    build.args(chosen.iter().flat_map(|name| ["--bin", name]));
    shell::run(build.env("RUSTFLAGS", FLAGS.join(" ")))?;
    for name in chosen {
        let corpus = folder.join("corpus").join(name);
        fs::create_dir_all(&corpus)?;
        let mut fuzz = Command::new(folder.join(&machine).join("release").join(name));
        fuzz.current_dir(&folder)
            .arg(format!("-runs={}", arguments.runs))
            .arg(format!("-seed={SEED}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-timeout={PATIENCE}"))
            .args(["-max_len=65536", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={name}-"))
            .arg(&corpus)
            .arg(root.join("fuzz/seeds").join(name));
        shell::run(&mut fuzz)
            .with_context(|| format!("what it fell over is in {}", folder.display()))?;
    }
    Ok(())
}

/// The names of all targets.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// What the compiler calls this machine.
fn machine() -> anyhow::Result<String> {
    let says = capture(Command::new("rustc").arg("-vV"))?;
    let host = says.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}
