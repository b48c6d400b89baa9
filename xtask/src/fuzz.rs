//! The fuzz targets of `fuzz/` under libFuzzer. Coverage is told by instrumentation that the stable
//! compiler has; the address sanitizer takes the nightly one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{self, capture, cargo, target};
use crate::tools;

/// What cargo-fuzz gives to the compiler, in its order: what it has built is not built again.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];
/// The same for the sanitizer.
const SANITIZER: &[&str] = &["-Zsanitizer=address", "-Cllvm-args=-sanitizer-coverage-stack-depth"];
/// What stands behind both.
const LAST: &[&str] = &["-Cdebug-assertions", "-Ccodegen-units=1"];

/// All targets in one program: one for each is 17 GB with the sanitizer.
const PROGRAM: &str = "plumbline-fuzz";

/// Most bytes of memory that a target may hold, in MiB: readers are bounded far below.
const MEMORY: u32 = 512;
/// The sanitizer keeps so many MiB of what was freed; its own 256 would be half of that limit.
const KEPT: &str = "quarantine_size_mb=16";
/// Seconds after which an input counts as one that a target does not come back from.
const PATIENCE: u32 = 10;
/// Most bytes of an input.
const LENGTH: u32 = 65_536;
/// Where the inputs begin, so that a run can be repeated.
const SEED: u32 = 1;
/// Lines of a run that are shown where it fell over.
const SHOWN: usize = 40;

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Targets; all of them where none is named
    targets: Vec<String>,
    /// Inputs for each target, the same ones in every run
    #[arg(long, default_value_t = 20_000)]
    runs: u32,
    /// Seconds for each target instead, with other inputs in every run
    #[arg(long, conflicts_with = "runs")]
    seconds: Option<u32>,
    /// With the address sanitizer, which takes a nightly compiler: `cargo +nightly xtask fuzz`
    #[arg(long)]
    sanitizer: bool,
}

/// Builds the targets and runs each. One that falls over keeps no other from its turn.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let all = targets(root)?;
    if let Some(unknown) = arguments.targets.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", all.join(", "));
    }
    let chosen = if arguments.targets.is_empty() { &all } else { &arguments.targets };
    let compiler = Compiler::of(&capture(Command::new("rustc").arg("-vV"))?)?;
    if arguments.sanitizer {
        compiler.has_sanitizer()?;
    }
    // It may have another name.
    if std::env::var_os("CXX").is_none() {
        tools::require(tools::FUZZING)?;
    }
    let place = Place::of(root, compiler.machine, arguments.sanitizer);
    let sanitizer = if arguments.sanitizer { SANITIZER } else { &[] };
    let mut build = cargo(root);
    build.args(["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--locked"]);
    // With a machine named, build scripts and macros are left without instrumentation.
    build.args(["--target", &place.machine]).arg("--target-dir").arg(&place.folder);
    build.args(["--bin", PROGRAM]);
    shell::run(build.env("RUSTFLAGS", [FLAGS, sanitizer, LAST].concat().join(" ")))?;
    let mut broken = Vec::new();
    println!("\n{:26} {:>10} {:>8} {:>8} {:>6}", "target", "inputs", "edges", "before", "MiB");
    for name in chosen {
        let (fine, log) = place.fuzz(root, name, arguments)?;
        println!("{name:26} {}", Figures::of(&log));
        if !fine {
            let lines: Vec<_> = log.lines().collect();
            println!("{}", lines[lines.len().saturating_sub(SHOWN)..].join("\n"));
            println!("{}", panicked(&log).unwrap_or_default());
            broken.push(place.broken(name, &log));
        }
    }
    if !broken.is_empty() {
        bail!("{} of {} targets fell over:\n{}", broken.len(), chosen.len(), broken.join("\n"));
    }
    println!("\n{} targets held", chosen.len());
    Ok(())
}

/// The compiler that cargo runs.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    release: String,
    /// What it calls this machine.
    machine: String,
}

impl Compiler {
    /// Reads what `rustc -vV` says.
    fn of(says: &str) -> anyhow::Result<Self> {
        let after = |name: &str| {
            let found = says.lines().find_map(|line| line.strip_prefix(name));
            found.map(str::to_owned).with_context(|| format!("`rustc -vV` has no line `{name}`"))
        };
        Ok(Self { release: after("release: ")?, machine: after("host: ")? })
    }

    /// An error that says what to do, unless it is one that has the sanitizer.
    fn has_sanitizer(&self) -> anyhow::Result<()> {
        let Self { release, machine } = self;
        if !release.contains("nightly") && !release.contains("dev") {
            bail!(
                "the address sanitizer takes a nightly compiler, and this one is {release}. Install \
                 one by `rustup toolchain install nightly --profile minimal`, and run `cargo +nightly \
                 xtask fuzz --sanitizer`; without `--sanitizer` this compiler will do"
            );
        }
        if !machine.contains("linux") && !machine.contains("darwin") {
            bail!("there is no address sanitizer for {machine}; run this without `--sanitizer`");
        }
        Ok(())
    }
}

/// Where things are.
struct Place {
    folder: PathBuf,
    machine: String,
}

impl Place {
    fn of(root: &Path, machine: String, sanitizer: bool) -> Self {
        let name = if sanitizer { "fuzz-address" } else { "fuzz" };
        Self { folder: target(root).join(name), machine }
    }

    /// What is known of a target that fell over: its input, or where to look.
    fn broken(&self, name: &str, log: &str) -> String {
        match saved(log) {
            Some(file) => format!(
                "  {name}, over {}: keep it as a file in fuzz/seeds/{name}",
                self.folder.join(file).display()
            ),
            None => format!(
                "  {name}, and saved no input: see {}",
                self.folder.join(format!("{name}.log")).display()
            ),
        }
    }

    /// Where a run keeps the inputs that reach something new. What an earlier run has found would make
    /// other inputs of the same seed, so a run that is to be the same in every run begins without.
    fn corpus(&self, name: &str, is_repeatable: bool) -> anyhow::Result<PathBuf> {
        let folder = if is_repeatable { "repeatable" } else { "corpus" };
        let corpus = self.folder.join(folder).join(name);
        if is_repeatable && corpus.exists() {
            fs::remove_dir_all(&corpus)?;
        }
        fs::create_dir_all(&corpus)?;
        Ok(corpus)
    }

    /// Runs a target; true if it held, and what libFuzzer said.
    fn fuzz(
        &self,
        root: &Path,
        name: &str,
        arguments: &Arguments,
    ) -> anyhow::Result<(bool, String)> {
        let corpus = self.corpus(name, arguments.seconds.is_none())?;
        let log = self.folder.join(format!("{name}.log"));
        let mut fuzz = Command::new(self.folder.join(&self.machine).join("release").join(PROGRAM));
        fuzz.current_dir(&self.folder).env("PLUMBLINE_FUZZ_TARGET", name);
        fuzz.env("ASAN_OPTIONS", KEPT);
        match arguments.seconds {
            Some(seconds) => fuzz.arg(format!("-max_total_time={seconds}")),
            None => fuzz.arg(format!("-runs={}", arguments.runs)).arg(format!("-seed={SEED}")),
        };
        fuzz.arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-timeout={PATIENCE}"))
            .arg(format!("-max_len={LENGTH}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={name}-"))
            .arg(&corpus)
            .arg(root.join("fuzz/seeds").join(name))
            .stdout(File::create(self.folder.join(format!("{name}.out")))?)
            .stderr(File::create(&log)?);
        let shown = shell::shown(&fuzz);
        let status = fuzz.status().with_context(|| format!("cannot start `{shown}`"))?;
        let said = fs::read(&log)?;
        Ok((status.success(), String::from_utf8_lossy(&said).into_owned()))
    }
}

/// Where and why a target panicked, in its own words, which stand far above the end of what was said.
fn panicked(log: &str) -> Option<String> {
    let mut lines = log.lines().skip_while(|line| !line.contains(" panicked at "));
    Some(format!("{}\n{}", lines.next()?, lines.next().unwrap_or_default()))
}

/// The file in which libFuzzer keeps the input that a target fell over.
fn saved(log: &str) -> Option<&str> {
    log.lines().rev().find_map(|line| Some(line.split_once("Test unit written to ")?.1.trim()))
}

/// What libFuzzer counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    inputs: u64,
    edges: u64,
    before: u64,
    memory: u64,
}

impl Figures {
    /// Reads what a run has said; what it did not say is 0.
    fn of(log: &str) -> Self {
        let stats: BTreeMap<_, _> = log
            .lines()
            .filter_map(|line| line.strip_prefix("stat::")?.split_once(':'))
            .filter_map(|(name, number)| Some((name, number.trim().parse().ok()?)))
            .collect();
        let edges = |line: &str| {
            let (_, rest) = line.split_once(" cov: ")?;
            rest.split_whitespace().next()?.parse().ok()
        };
        let begun = log.lines().find(|line| line.contains("\tINITED "));
        let stat = |name: &str| stats.get(name).copied().unwrap_or_default();
        Self {
            inputs: stat("number_of_executed_units"),
            edges: log.lines().filter_map(edges).max().unwrap_or_default(),
            before: begun.and_then(edges).unwrap_or_default(),
            memory: stat("peak_rss_mb"),
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inputs, edges, before, memory } = self;
        write!(f, "{inputs:>10} {edges:>8} {before:>8} {memory:>6}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_to_be_the_same_every_time_begins_without_what_another_found() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { folder: folder.path().to_owned(), machine: String::new() };
        for (is_repeatable, kept) in [(true, false), (false, true)] {
            let found = place.corpus("address", is_repeatable).unwrap().join("found");
            fs::write(&found, "an input").unwrap();
            place.corpus("address", is_repeatable).unwrap();
            assert_eq!(found.exists(), kept);
        }
    }

    #[test]
    fn the_figures_of_a_run_are_those_that_libfuzzer_names() {
        let log = "INFO: Seed: 1\n#4\tINITED cov: 310 ft: 311 corp: 3/62b exec/s: 0 rss: 40Mb\n\
                   #9\tNEW    cov: 312 ft: 313 corp: 4/80b lim: 21 exec/s: 0 rss: 40Mb L: 18/21\n\
                   #500\tDONE   cov: 312 ft: 320 corp: 4/80b lim: 25 exec/s: 0 rss: 41Mb\n\
                   stat::number_of_executed_units: 500\nstat::peak_rss_mb:              41\n";
        let found = Figures::of(log);
        assert_eq!(found, Figures { inputs: 500, edges: 312, before: 310, memory: 41 });
        assert_eq!(Figures::of("==1== ERROR: it fell over"), Figures::default());
    }

    #[test]
    fn a_target_that_fell_over_is_named_with_its_input_or_with_its_log() {
        let log = "==7== ERROR: libFuzzer: deadly signal\nartifact_prefix='rule-'; Test unit written \
                   to rule-crash-e5bf86\nBase64: YQ==\n";
        assert_eq!(panicked(log), None);
        let said = "thread '<unnamed>' (7) panicked at src/targets/files.rs:9:5:\nno such column\nstack \
                    backtrace:\n";
        assert!(panicked(said).unwrap().ends_with("files.rs:9:5:\nno such column"));
        let place = Place::of(Path::new("/tree"), "x86_64-unknown-linux-gnu".to_owned(), true);
        let said = place.broken("rule", log);
        assert!(said.contains("fuzz-address/rule-crash-e5bf86: keep it"), "{said}");
        let said = place.broken("rule", "error while loading shared libraries");
        assert!(said.contains("saved no input") && said.ends_with("rule.log"), "{said}");
    }

    #[test]
    fn a_stable_compiler_is_told_from_one_that_has_the_sanitizer() {
        let says = |release: &str, host: &str| {
            Compiler::of(&format!(
                "rustc\nhost: {host}\nrelease: {release}\nLLVM version: 22.1.4\n"
            ))
            .unwrap()
            .has_sanitizer()
        };
        says("1.97.0-nightly", "x86_64-unknown-linux-gnu").unwrap();
        let stable = says("1.95.0", "x86_64-unknown-linux-gnu").unwrap_err().to_string();
        assert!(stable.contains("rustup toolchain install nightly"), "{stable}");
        says("1.97.0-nightly", "x86_64-pc-windows-msvc").unwrap_err();
        Compiler::of("rustc 1.95.0").unwrap_err();
    }
}
