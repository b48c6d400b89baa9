//! The command line as its users see it; needs nothing but cargo.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod bad_input;
mod documentation;
mod health;
mod interruption;
mod offline;
mod retention;
mod rules;
mod secrets;
mod sources;
mod story;
mod tarpits;
