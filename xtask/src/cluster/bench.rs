//! Measurements of the operator: the static program of its image, in a cluster of their own whose
//! API server writes down what the operator asks of it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::tier::Cluster;
use crate::image::{self, Arguments};
use crate::{interrupt, shell};

/// Every request of the operator's service account, and nobody else's.
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ['system:serviceaccount:plumbline-system:plumbline']
- level: None
";

/// Runs the measurements that need a cluster. `program` is `bench`, built already.
pub fn bench(root: &Path, program: &Path, filter: &str) -> anyhow::Result<()> {
    let cluster = Cluster::named(root, "bench-cluster");
    shell::run(&mut cluster.command("check", []))?;
    let operator = image::program(root, &Arguments::to_measure("plumbline-operator"))?;
    let folder = shell::target(root).join("bench-audit");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let (policy, log) = (folder.join("policy.yaml"), folder.join("audit.log"));
    fs::write(&policy, POLICY)?;
    fs::write(&log, "")?;

    interrupt::defer()?;
    let flags =
        format!("--audit-policy-file={} --audit-log-path={}", policy.display(), log.display());
    let cluster = cluster.up(&[("CLUSTER_APISERVER_FLAGS", OsStr::new(&flags))])?;
    let mut command = cluster.command("enter", [program.as_os_str(), OsStr::new(filter)]);
    command.env("PLUMBLINE_OPERATOR_PROGRAM", operator).env("PLUMBLINE_BENCH_AUDIT_LOG", log);
    interrupt::run(&mut command)
}
