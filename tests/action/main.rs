//! The Action: its real program, in real checkouts, on an emulated GitHub that holds every request
//! to GitHub's own description.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod backlog;
mod bounds;
mod branch;
mod documentation;
mod faults;
mod fixture;
mod limits;
mod live;
mod lost;
mod program;
mod pull;
mod readers;
mod release;
mod story;
mod sync;
mod trust;
mod workflow;
