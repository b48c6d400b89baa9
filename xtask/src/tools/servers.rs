//! Brokers and servers of TLS that tests ask and that no package of Debian brings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::{brought, go, npm_packages, virtual_environment};
use crate::shell::{capture, target};

/// The brokers that are asked beside mosquitto: those of PyPI, of a Go module and of Maven Central, as
/// the lock files of `tests/brokers` name them.
const AMQTT: &str = "0.12.1";
const MOCHI: &str = "2.7.9";
const HIVEMQ: &str = "2025.5";
/// What copies the libraries of a project of Maven.
const MAVEN_DEPENDENCY_PLUGIN: &str =
    "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// The libraries of the servers in `tests/tls_servers`, as its lists name them. Scapy is GPL-2.0: it is
/// brought and run, and nothing of it is part of anything here.
const SCAPY: &str = "2.8.0";
const TLSLITE: &str = "0.8.2";

/// Makes sure that the brokers beside mosquitto are here, and gives the programs that tests cannot
/// find by themselves, each with the variable that names it.
pub fn brokers(root: &Path) -> anyhow::Result<[(&'static str, PathBuf); 3]> {
    let folder = root.join("tests/brokers");
    npm_packages(folder.join("aedes"))?;
    let amqtt = brought(root, "amqtt", AMQTT, "bin/amqtt", "--version", |into| {
        pip_install_all(&folder.join("amqtt/requirements.txt"), into)
    })?;
    // Go knows by itself whether there is anything to do.
    let mochi = target(root).join(format!("tools/mochi-{MOCHI}/mochi"));
    go(|command| {
        command.current_dir(folder.join("mochi")).args(["build", "-o"]).arg(&mochi).arg(".");
    })?;
    Ok([
        ("PLUMBLINE_AMQTT_PYTHON", amqtt.with_file_name("python")),
        ("PLUMBLINE_MOCHI", mochi),
        ("PLUMBLINE_HIVEMQ", hivemq(root, &folder.join("hivemq"))?),
    ])
}

/// The folder of HiveMQ with its libraries, and our program compiled beside them.
fn hivemq(root: &Path, sources: &Path) -> anyhow::Result<PathBuf> {
    let folder = target(root).join(format!("tools/hivemq-{HIVEMQ}"));
    let libraries = folder.join("lib");
    if !libraries.is_dir() {
        println!("\n$ bring hivemq {HIVEMQ} into {}", folder.display());
        // An interrupted start leaves no folder of that name.
        let unfinished = folder.join("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        let mut into = OsString::from("-DoutputDirectory=");
        into.push(&unfinished);
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(sources.join("pom.xml"));
        capture(maven.arg(MAVEN_DEPENDENCY_PLUGIN).arg(into))
            .with_context(|| format!("hivemq {HIVEMQ} did not come here"))?;
        std::fs::rename(&unfinished, &libraries)?;
    }
    let mut javac = Command::new("javac");
    javac.arg("-d").arg(folder.join("classes")).arg("-cp").arg(libraries.join("*"));
    capture(javac.arg(sources.join("Broker.java")))?;
    Ok(folder)
}

/// Makes sure that the libraries of the servers in Python are here, and gives the programs that run
/// them, each with the variable that names it.
pub fn tls_servers(root: &Path) -> anyhow::Result<[(&'static str, PathBuf); 2]> {
    let folder = root.join("tests/tls_servers");
    let library = |name, version, harmless, list: &str| {
        brought(root, name, version, "bin/python", harmless, |into| {
            pip_install_all(&folder.join(list), into)
        })
    };
    Ok([
        (
            "PLUMBLINE_SCAPY_PYTHON",
            library("scapy", SCAPY, "-cimport scapy, cryptography", "scapy_requirements.txt")?,
        ),
        (
            "PLUMBLINE_TLSLITE_PYTHON",
            library("tlslite-ng", TLSLITE, "-cimport tlslite", "tlslite_requirements.txt")?,
        ),
    ])
}

/// Installs what a list names, in an environment of its own.
fn pip_install_all(wanted: &Path, folder: &Path) -> anyhow::Result<()> {
    virtual_environment(folder)?;
    // The list is whole, so nothing comes along that it does not name.
    let flags = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    capture(Command::new(folder.join("bin/pip")).args(flags).arg(wanted)).map(drop)
}
