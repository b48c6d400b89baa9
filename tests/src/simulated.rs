//! Nodes that do not exist, played by kwok: pods on them start, and those of Jobs end, without a
//! container, so that a test of scale costs no more than its objects.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Label and taint of simulated nodes.
const MARK: &str = "plumbline.dev/simulated";

/// The fields of a `jobTemplate`, in YAML's flow style, that take its pods to simulated nodes.
pub const JOB_TEMPLATE: &str = "nodeSelector: {plumbline.dev/simulated: 'true'}, \
                                tolerations: [{key: plumbline.dev/simulated, operator: Exists}]";

/// Simulated nodes, and kwok that plays them; both go with this value.
#[derive(Debug)]
pub struct Simulated {
    kwok: Child,
    folder: TempDir,
}

impl Simulated {
    /// Adds so many nodes to the cluster under test. Other pods keep away from them.
    pub fn start(nodes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let stages = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/simulated.yaml");
        let kwok = Command::new("kwok")
            .arg("--kubeconfig")
            .arg(kubeconfig())
            .arg("--config")
            .arg(stages)
            .args(["--manage-nodes-with-label-selector", &format!("{MARK}=true")])
            .args(["--node-lease-duration-seconds", "40"])
            // No packet is ever sent to these.
            .args(["--cidr", "10.100.0.1/16", "--node-ip", "10.99.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kwok is on the PATH: it is one of the programs of tests/cluster");
        let simulated = Self { kwok, folder };
        let mut documents = String::new();
        for number in 0..nodes {
            write!(
                documents,
                "---
apiVersion: v1
kind: Node
metadata: {{name: simulated-{number}, labels: {{{MARK}: 'true'}}}}
spec: {{taints: [{{key: {MARK}, value: 'true', effect: NoSchedule}}]}}
"
            )
            .expect("text can be written to");
        }
        apply(&documents);
        simulated
    }
}

impl Drop for Simulated {
    #[allow(clippy::print_stderr, reason = "the test that fails shows why")]
    fn drop(&mut self) {
        let label = format!("--selector={MARK}=true");
        kubectl(&["delete", "nodes", &label, "--wait=false"]).status().ok();
        self.kwok.kill().ok();
        self.kwok.wait().ok();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(20).collect();
            eprintln!("--- kwok, newest first ---\n{}", lines.join("\n"));
        }
    }
}

fn kubeconfig() -> std::ffi::OsString {
    std::env::var_os("PLUMBLINE_TEST_KUBECONFIG")
        .expect("PLUMBLINE_TEST_KUBECONFIG names the cluster")
}

fn kubectl(arguments: &[&str]) -> Command {
    let mut command = Command::new("kubectl");
    command.args(arguments).arg("--kubeconfig").arg(kubeconfig());
    command.stdout(Stdio::null());
    command
}

fn apply(documents: &str) {
    let mut apply = kubectl(&["apply", "--filename=-"]);
    let mut child = apply.stdin(Stdio::piped()).spawn().expect("kubectl is on the PATH");
    child.stdin.take().expect("a pipe").write_all(documents.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "the simulated nodes were refused");
}
