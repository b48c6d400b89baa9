//! Real Postgres, real mosquitto, real OpenSSL, on loopback.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod certificates;
mod chains;
mod config;
mod ingest;
mod run;
mod staple;
mod store;
mod transport;
mod trial_postgres;
