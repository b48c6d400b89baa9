//! Outside-view tests: what people and other programs see.
//!
//! The targets of this crate are tiers: `command_line` needs nothing but cargo, `services` and
//! `browser` are switched on by features. This library is what they share.
#![allow(clippy::unwrap_used, reason = "a harness that cannot start must stop the test")]

pub mod bench;
pub mod chromium;
pub mod git;
pub mod github;
pub mod local_operator;
pub mod plumb;
pub mod simulated;
pub mod site;
pub mod tls_servers;
