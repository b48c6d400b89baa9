//! The Helm chart as Helm renders it: needs nothing but `helm`, no cluster.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod definitions;
mod guide;
mod helm;
mod issues;
mod monitoring;
mod network;
mod pods;
mod policies;
mod privileges;
mod promql;
mod refusals;
mod renderings;
mod values;
