#![no_main]
//! Every target in one program, which is much smaller than one program for each:
//! `PLUMBLINE_FUZZ_TARGET` names the one that runs.

use std::sync::LazyLock;

static NAME: LazyLock<String> =
    LazyLock::new(|| std::env::var("PLUMBLINE_FUZZ_TARGET").expect("PLUMBLINE_FUZZ_TARGET is set"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plumbline_fuzz::targets::run(&NAME, bytes));
