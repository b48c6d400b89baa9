//! A real Kubernetes: API server, admission, scheduler, kubelet and containerd.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod cluster;
mod faults;
mod images;
mod operator;
mod platform;
mod unchanged;
