//! The "must never use" column of ARCHITECTURE.md, held against what cargo resolves.

use std::path::Path;

use anyhow::bail;

use crate::shell::{capture, cargo};

/// A crate of ours, and the crates that must not be reachable from it.
const NEVER: &[(&str, &[&str])] = &[
    (
        "model",
        &["tokio", "kube", "sqlx", "rustls", "hyper", "reqwest", "engine", "probes", "store"],
    ),
    ("engine", &["tokio", "kube", "sqlx", "rustls", "hyper", "reqwest", "probes", "store"]),
    ("probes", &["engine", "store", "kube", "sqlx", "testkit"]),
    ("store", &["engine", "probes", "tables", "kube", "testkit"]),
    ("tables", &["engine", "kube", "testkit"]),
    ("crds", &["sqlx", "kube-client", "engine", "store", "probes"]),
    ("operator", &["probes", "tables", "rumqttc-v4-next", "octocrab", "testkit"]),
    ("cli", &["octocrab", "kube"]),
    ("action", &["kube", "kube-client", "testkit"]),
];

/// Fails if a crate reaches, in a normal build, what it must never use.
pub fn check(root: &Path) -> anyhow::Result<()> {
    println!("\n$ check the layers of ARCHITECTURE.md");
    let mut broken = Vec::new();
    for (package, never) in NEVER {
        let tree = capture(cargo(root).args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ]))?;
        let reached =
            |name: &&&str| tree.lines().skip(1).any(|line| line.split(' ').next() == Some(**name));
        broken.extend(never.iter().filter(reached).map(|name| format!("{package} uses {name}")));
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("ARCHITECTURE.md forbids: {}", broken.join(", "))
}
