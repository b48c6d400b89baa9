//! A real Kubernetes: API server, admission, scheduler, kubelet and containerd.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod admission;
mod cluster;
mod documents;
mod faults;
mod guide;
mod images;
mod node;
mod operator;
mod platform;
mod reading;
mod retention;
mod unchanged;
