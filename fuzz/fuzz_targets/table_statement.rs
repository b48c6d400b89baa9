#![no_main]
//! See `targets`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plumbline_fuzz::targets::run("table_statement", bytes));
