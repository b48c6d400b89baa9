//! What the programs in `fuzz_targets` run, and `tests/fuzzing` without libFuzzer.

pub mod targets;
