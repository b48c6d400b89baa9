//! Real Postgres, real mosquitto, real OpenSSL, real Node, on loopback.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod certificates;
mod config;
mod ingest;
mod run;
mod store;
mod transport;
mod trial_postgres;
