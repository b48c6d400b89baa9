//! Real Postgres, real mosquitto, real OpenSSL, real Node, real Python, on loopback.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod certificates;
mod chains;
mod config;
mod ingest;
mod mqtt;
mod online;
mod posture;
mod run;
mod staple;
mod store;
mod tables;
mod transport;
mod transport_full;
mod transport_old;
mod transport_sessions;
mod trial_postgres;
