//! Fakes and fixtures: what tests and `plumb demo` stand on.
//!
//! Everything here listens on loopback only, finds its own ports, and ends what it started.
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be built must stop the test")]

pub mod evidence;
pub mod gateway;
pub mod mosquitto;
pub mod openssl;
pub mod peer;
pub mod pki;
pub mod postgres;
pub mod process;
pub mod tls;
