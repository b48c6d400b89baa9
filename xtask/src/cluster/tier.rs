//! The test tier `cluster`: images and tests are built, then a cluster lives as long as the tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image::Arguments;
use crate::shell::{self, cargo};
use crate::{artifacts, image, interrupt, tiers};

/// Names a cluster to test on, in place of one that is started.
const GIVEN: &str = "PLUMBLINE_TEST_KUBECONFIG";

/// The helm of the cluster's programs, built where it is missing: minutes, once.
pub fn helm(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = shell::capture(&mut Cluster::new(root).command("programs", []))?;
    Ok(Path::new(folder.trim()).join("helm"))
}

/// Runs the tests that need a Kubernetes.
pub fn test(root: &Path) -> anyhow::Result<()> {
    if let Some(kubeconfig) = std::env::var_os(GIVEN) {
        println!("tests run on the cluster of {}={}", GIVEN, kubeconfig.display());
        let kubeconfig = std::path::absolute(kubeconfig)?;
        return shell::run(Command::new(binary(root)?).current_dir(root).env(GIVEN, kubeconfig));
    }
    let cluster = Cluster::new(root);
    // What it finds missing is found before minutes of compiling.
    shell::run(&mut cluster.command("check", []))?;
    let archives = image::run(root, &Arguments::for_tests())?;
    let tests = binary(root)?;

    interrupt::defer()?;
    let cluster = cluster.up(&[])?;
    interrupt::run(&mut cluster.command("load", archives.iter().map(|file| file.as_os_str())))?;
    interrupt::run(&mut cluster.command("enter", [tests.as_os_str()]))
}

/// Builds the tests as the other tiers do, so that nothing is built twice, and the programs that
/// they start.
fn binary(root: &Path) -> anyhow::Result<PathBuf> {
    tiers::programs(root)?;
    let mut command = cargo(root);
    command.args(["test", "--workspace", "--features", "tests/cluster", "--test", "kubernetes"]);
    artifacts::executable(command.arg("--no-run"), "kubernetes")
}

/// A cluster of one's own, in the target folder.
pub(super) struct Cluster {
    script: PathBuf,
    root: PathBuf,
    run: PathBuf,
}

impl Cluster {
    fn new(root: &Path) -> Self {
        Self::named(root, "cluster")
    }

    /// A cluster whose files are in this folder of the target folder.
    pub(super) fn named(root: &Path, folder: &str) -> Self {
        Self {
            script: root.join("tests/cluster/cluster"),
            root: root.to_owned(),
            run: shell::target(root).join(folder),
        }
    }

    /// The script with an action.
    pub(super) fn command<'a>(
        &self,
        action: &str,
        more: impl IntoIterator<Item = &'a OsStr>,
    ) -> Command {
        let mut command = Command::new(&self.script);
        command.arg(action).args(more).current_dir(&self.root).env("CLUSTER_RUN", &self.run);
        command
    }

    /// Starts it, fresh: one that an earlier run could not take down is taken down first.
    /// `settings` are variables for the script.
    pub(super) fn up(self, settings: &[(&str, &OsStr)]) -> anyhow::Result<Up> {
        shell::run(&mut self.command("down", []))?;
        // From here on it is taken down, also if it does not come up whole.
        let cluster = Up(self);
        interrupt::run(cluster.command("up", []).envs(settings.iter().copied()))?;
        Ok(cluster)
    }
}

/// A cluster that runs, and ends with this value.
pub(super) struct Up(Cluster);

impl std::ops::Deref for Up {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if let Err(error) = shell::run(&mut self.command("down", [])) {
            eprintln!("the cluster in {} is still there: {error:#}", self.run.display());
        }
    }
}
