//! The fuzz targets of `fuzz/` without libFuzzer: a fixed number of inputs from a fixed seed, made
//! of the seeds in `fuzz/seeds` by mutation. What a change broke in a parser shows here within
//! seconds, on the compiler that everybody has; `cargo xtask fuzz` looks longer, and is guided by
//! what an input reaches.
//!
//! `PLUMBLINE_FUZZ_RUNS` sets the number of inputs for each of the quickest targets,
//! `PLUMBLINE_FUZZ_SEED` where they begin, and `PLUMBLINE_FUZZ_TARGETS` how the names of those that
//! run begin.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod mutation;
#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;
mod watch;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mutation::Mutator;
use targets::{ALL, Target};
use watch::Watch;

/// Inputs for each of the quickest targets; one of weight N gets that share of them.
const RUNS: u32 = 5_000;

fn number(variable: &str, default: u32) -> u32 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

/// The seeds of a target, by name.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} is missing", target.name));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn holds(target: &Target, input: &[u8]) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

/// The input with whatever can be left out of it left out.
fn shrunk(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < input.len() {
            let mut less = input.clone();
            less.drain(at..(at + size).min(input.len()));
            if holds(target, &less) {
                at += size;
            } else {
                input = less;
            }
        }
        size /= 2;
    }
    input
}

#[test]
fn no_parser_falls_over_bytes_that_somebody_else_chose() {
    let runs = number("PLUMBLINE_FUZZ_RUNS", RUNS);
    let start = number("PLUMBLINE_FUZZ_SEED", 1);
    let chosen = std::env::var("PLUMBLINE_FUZZ_TARGETS").unwrap_or_default();
    let watch = Watch::start();
    for target in ALL.iter().filter(|target| target.name.starts_with(&chosen)) {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        let mut mutator = Mutator::new(u64::from(start), &seeds);
        let mutated = runs.div_ceil(target.weight);
        let inputs = seeds.iter().cloned().map(Some).chain((0..mutated).map(|_| None));
        for input in inputs {
            let input = input.unwrap_or_else(|| mutator.next());
            watch.looks_at(target.name, &input);
            if !holds(target, &input) {
                let input = shrunk(target, input);
                panic!(
                    "{} falls over this (base64; keep it as a file in fuzz/seeds/{}):\n{}",
                    target.name,
                    target.name,
                    STANDARD.encode(input)
                );
            }
        }
    }
}

#[test]
fn every_target_has_a_program_for_libfuzzer() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for target in ALL {
        let text = folder().join(format!("fuzz_targets/{}.rs", target.name));
        let text = fs::read_to_string(text).unwrap().replace(char::is_whitespace, "");
        assert!(text.contains(&format!("run(\"{}\",bytes)", target.name)), "{}", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
        targets::run(target.name, &[]);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), ALL.len());
}
