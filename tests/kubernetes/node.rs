//! The parts of a cluster of `tests/cluster`, which a test may end and start again. Those of a
//! cluster that somebody else keeps are left alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::eventually;

/// Says of a test that it cannot be done here, which is not the same as to pass.
#[allow(clippy::print_stderr, reason = "it must be seen")]
pub fn does_not_apply(why: &str) {
    eprintln!("DOES NOT APPLY: {why}");
}

/// The folder of the cluster under test, where its components can be ended; none for a cluster
/// that `PLUMBLINE_TEST_KUBECONFIG` was set to from outside.
#[derive(Debug, Clone)]
pub struct Node {
    folder: PathBuf,
}

impl Node {
    /// The node; none, and a line that says so, if it is not ours to break.
    pub fn ours() -> Option<Self> {
        let kubeconfig = std::env::var_os("PLUMBLINE_TEST_KUBECONFIG").map(PathBuf::from)?;
        let folder = kubeconfig.parent()?.to_owned();
        let ours = folder.join("is-a-cluster").is_file();
        if !ours {
            does_not_apply("the cluster is not one of tests/cluster, and stays whole");
        }
        ours.then_some(Self { folder })
    }

    /// A file of the cluster's.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// Kills a component, such as `kubelet`, until the value is dropped.
    #[must_use]
    pub fn without(&self, component: &str) -> Down {
        let down = Down { start: self.path("start").join(component) };
        assert!(down.start.is_file(), "{} is not there", down.start.display());
        let pid = self.pid(component);
        kill(&pid);
        // Until then its listeners still answer, as if it had come back.
        eventually(&format!("{component} to be gone"), || (!is_alive(&pid)).then_some(()));
        down
    }

    /// Starts a component if it has ended by itself, as a service manager does: the kubelet gives
    /// up where containerd is not there yet.
    pub fn revive(&self, component: &str) {
        if !is_alive(&self.pid(component)) {
            drop(Down { start: self.path("start").join(component) });
        }
    }

    fn pid(&self, component: &str) -> String {
        let pid = std::fs::read_to_string(self.path("pid").join(component)).unwrap();
        pid.trim().to_owned()
    }

    /// Kills every process of every pod, as a power cut does.
    pub fn kill_containers(&self) {
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            // Processes come and go while this looks.
            let groups = std::fs::read_to_string(process.path().join("cgroup")).unwrap_or_default();
            if groups.contains("/kubepods") {
                kill(&process.file_name().to_string_lossy());
            }
        }
    }
}

/// A component that does not run, see [`Node::without`].
#[derive(Debug)]
pub struct Down {
    start: PathBuf,
}

impl Drop for Down {
    fn drop(&mut self) {
        let started = Command::new(&self.start).status().is_ok_and(|status| status.success());
        // What fails the test first says more.
        assert!(started || std::thread::panicking(), "{} failed", self.start.display());
    }
}

/// True for a process that has not ended; one that its parent has not collected has.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // proc_pid_stat(5): the state follows the name, which is in parentheses.
    let state = stat.ok().and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn kill(pid: &str) {
    // Fails if it has ended by itself.
    Command::new("kill").args(["-KILL", pid]).status().unwrap();
}
