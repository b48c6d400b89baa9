//! The tools, and how each is run on one port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::parse;
use super::seen::Seen;
use crate::plumb::program;

/// A tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    /// Its name, with its version.
    pub name: String,
    kind: Kind,
    program: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plumb,
    Sslyze,
    Sslscan,
    Nmap,
    Testssl,
}

/// The variable that names sslyze's program.
const SSLYZE: &str = "PLUMBLINE_SSLYZE";

/// The tools that are quick enough for every server, ours first.
pub(super) fn quick() -> anyhow::Result<Vec<Tool>> {
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("plumb {version}");
    let mut tools = vec![Tool { name, kind: Kind::Plumb, program: program() }];
    let sslyze = std::env::var_os(SSLYZE).map(PathBuf::from);
    let sslyze =
        sslyze.with_context(|| format!("{SSLYZE} names no sslyze: run it by cargo xtask"))?;
    let pip = sslyze.with_file_name("pip");
    let version = word_after(&said(&pip, &["show", "sslyze"])?, "Version:");
    tools.push(Tool { name: format!("sslyze {version}"), kind: Kind::Sslyze, program: sslyze });
    let version = said("sslscan".as_ref(), &["--no-colour", "--version"])?;
    let version = version.split_whitespace().find(|word| word.starts_with(char::is_numeric));
    let name = format!("sslscan {}", version.unwrap_or_default());
    tools.push(Tool { name, kind: Kind::Sslscan, program: "sslscan".into() });
    let version = word_after(&said("nmap".as_ref(), &["--version"])?, "version");
    tools.push(Tool { name: format!("nmap {version}"), kind: Kind::Nmap, program: "nmap".into() });
    Ok(tools)
}

/// testssl.sh, which takes more than a minute for a server.
pub(super) fn slow() -> anyhow::Result<Tool> {
    let says = said("testssl".as_ref(), &["--version"])?;
    let version = word_after(&says, "testssl");
    Ok(Tool {
        name: format!("testssl.sh {version}"),
        kind: Kind::Testssl,
        program: "testssl".into(),
    })
}

fn said(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn word_after(text: &str, word: &str) -> String {
    let mut words = text.split_whitespace().skip_while(|found| *found != word).skip(1);
    words.next().unwrap_or_default().to_owned()
}

impl Tool {
    /// True for ours.
    pub(super) fn is_ours(&self) -> bool {
        self.kind == Kind::Plumb
    }

    /// Its name alone.
    pub(super) fn word(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    /// Asks one port in decision mode, if the tool is ours; the connections that the evidence tells,
    /// and how long it took.
    pub(super) fn decide(&self, port: u16, folder: &Path) -> anyhow::Result<(u64, Duration)> {
        ensure!(self.is_ours(), "{} has no decision mode", self.name);
        let file = folder.join(format!("{port}.out"));
        let mut command = Command::new(&self.program);
        command.current_dir(folder).args(["probe", "broker_transport_posture", "--quiet", "--out"]);
        command.arg(&file).args(["--endpoint", &format!("tls://127.0.0.1:{port}")]);
        let (text, took) = self.run(&mut command, &file)?;
        let evidence: Value = serde_json::from_str(&text)?;
        let count = evidence["stable"]["/connections"]["value"].as_u64();
        Ok((count.context("no /connections in the evidence")?, took))
    }

    /// Runs it to its end; what it wrote into the file, which is removed, and how long it took.
    fn run(&self, command: &mut Command, file: &Path) -> anyhow::Result<(String, Duration)> {
        let clock = Instant::now();
        let output = command.output().with_context(|| format!("cannot start {}", self.name))?;
        let took = clock.elapsed();
        let Ok(text) = std::fs::read_to_string(file) else {
            bail!("{} wrote nothing: {}", self.name, String::from_utf8_lossy(&output.stderr));
        };
        std::fs::remove_file(file)?;
        Ok((text, took))
    }

    /// Asks one port; what it says and how long it took. `folder` takes its files.
    pub(super) fn ask(&self, port: u16, folder: &Path) -> anyhow::Result<(Seen, Duration)> {
        let place = format!("127.0.0.1:{port}");
        let file = folder.join(format!("{port}.out"));
        let mut command = Command::new(&self.program);
        command.current_dir(folder);
        match self.kind {
            Kind::Plumb => {
                let words = ["probe", "broker_transport_posture", "--full", "--quiet", "--out"];
                command.args(words).arg(&file).args(["--endpoint", &format!("tls://{place}")]);
            }
            Kind::Sslyze => {
                let versions = ["sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"];
                command.args(versions.map(|version| format!("--{version}")));
                command.args(["--elliptic_curves", "--mozilla_config", "disable", "--json_out"]);
                command.arg(&file).arg(&place);
            }
            Kind::Sslscan => {
                // Nothing but what is compared: versions, suites and groups.
                let off = ["heartbleed", "compression", "renegotiation", "fallback"];
                command.args(off.map(|word| format!("--no-{word}")));
                command.arg("--no-check-certificate").arg(format!("--xml={}", file.display()));
                command.arg(&place);
            }
            Kind::Nmap => {
                command.args(["-Pn", "-n", "-p", &port.to_string(), "-oX"]).arg(&file);
                command.args(["--script", "+ssl-enum-ciphers,+sslv2", "127.0.0.1"]);
            }
            Kind::Testssl => {
                command.args(["--quiet", "--color", "0", "--warnings", "off", "-E", "--jsonfile"]);
                command.arg(&file).arg(&place);
            }
        }
        let (text, took) = self.run(&mut command, &file)?;
        let parse = match self.kind {
            Kind::Plumb => parse::plumb,
            Kind::Sslyze => parse::sslyze,
            Kind::Sslscan => parse::sslscan,
            Kind::Nmap => parse::nmap,
            Kind::Testssl => parse::testssl,
        };
        Ok((parse(&text)?, took))
    }
}
