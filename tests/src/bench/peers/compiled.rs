//! Servers of our own on other libraries: their sources are in `servers/`, and are built once for a
//! run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::json;
use tempfile::TempDir;

use super::configuration::Configuration;
use super::programs::Place;

/// What is built, in a folder of its own.
pub(super) struct Compiled {
    folder: TempDir,
}

impl Compiled {
    /// Builds all of them; an error says what to install.
    pub(super) fn build() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("main.go", include_str!("servers/main.go"))?;
        write("Server.java", include_str!("servers/Server.java"))?;
        write("server.js", include_str!("servers/server.js"))?;
        let mut go = Command::new("go");
        // The Go that is here, whatever else the environment asks for.
        go.env("GOTOOLCHAIN", "local").env("GOFLAGS", "").env("GOWORK", "off");
        build(go.args(["build", "-o", "server", "main.go"]), &folder, "golang-go")?;
        let mut java = Command::new("javac");
        build(java.arg("Server.java"), &folder, "default-jdk-headless")?;
        build(Command::new("node").args(["--check", "server.js"]), &folder, "nodejs")?;
        Ok(Self { folder })
    }

    /// The server of Go; words are lowest and highest version, suites and groups.
    pub(super) fn go(&self, words: &[&str], port: u16, files: &[PathBuf]) -> Command {
        let mut command = Command::new(self.folder.path().join("server"));
        command.arg(port.to_string()).args(words).args(files);
        command
    }

    /// The server of Java; words are groups, `open` or `usual`, protocols and suites.
    pub(super) fn java(&self, words: &[&str], port: u16, files: &[PathBuf]) -> Command {
        let mut command = Command::new("java");
        command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"]).arg(self.folder.path());
        command.arg(format!("-Djdk.tls.namedGroups={}", words[0]));
        command.args(["Server", &port.to_string()]).args(&words[1..]).args(files);
        command
    }

    /// The server of Node, which takes what OpenSSL takes.
    pub(super) fn node(&self, configuration: &Configuration, place: Place<'_>) -> Command {
        let [lowest, highest] = configuration.limits(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
        let options = json!({
            "minVersion": lowest,
            "maxVersion": highest,
            "ciphers": format!("{}:{}", configuration.newest, configuration.suites()),
            "ecdhCurve": configuration.groups,
        });
        let mut command = Command::new("node");
        command.arg(self.folder.path().join("server.js")).arg(place.port.to_string());
        command.arg(options.to_string()).args(place.files);
        command
    }
}

fn build(command: &mut Command, folder: &TempDir, package: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(folder.path()).output().with_context(|| {
        format!("cannot start {program}. On Debian: sudo apt-get install {package}")
    })?;
    if !output.status.success() {
        bail!("{program} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
