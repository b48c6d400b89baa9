//! Servers of SSL and TLS in Python (see `tests/tls_servers`): the versions that no other server here
//! has.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::pki::Identity;
use testkit::process::{Running, free_port};

/// Whose implementation serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// Scapy: SSL 2.0, and SSL 3.0 to TLS 1.2 beside it.
    Scapy,
    /// tlslite-ng: SSL 3.0 to TLS 1.3.
    Tlslite,
}

impl Library {
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Scapy => ("scapy", "PLUMBLINE_SCAPY_PYTHON"),
            Self::Tlslite => ("tlslite", "PLUMBLINE_TLSLITE_PYTHON"),
        }
    }

    /// The program with its setup, which is written into `folder`: port, certificate and key in PEM,
    /// and what it is told. An error where the library was not brought.
    pub fn command(
        self,
        folder: &Path,
        port: u16,
        [certificate, key]: [&str; 2],
        mut told: Value,
    ) -> anyhow::Result<Command> {
        let (name, variable) = self.place();
        let python: OsString = std::env::var_os(variable)
            .with_context(|| format!("{variable} names no program: run this by cargo xtask"))?;
        told["port"] = json!(port);
        for (name, pem) in [("certificate", certificate), ("key", key)] {
            let path = folder.join(name);
            fs::write(&path, pem)?;
            told[name] = json!(path);
        }
        let file = folder.join("setup.json");
        fs::write(&file, told.to_string())?;
        let script = format!("{name}_server.py");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python);
        // Nothing is left behind in the folder of the sources.
        command.arg("-B").arg(root.join("tls_servers").join(script)).arg(file);
        Ok(command)
    }
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct Server {
    port: u16,
    _process: Running,
    _folder: TempDir,
}

impl Server {
    /// Starts a server with a certificate and with what it is told, and waits until it listens.
    pub fn start(library: Library, identity: &Identity, told: Value) -> anyhow::Result<Self> {
        let (folder, port) = (TempDir::new()?, free_port());
        let pem = [identity.cert_pem.as_str(), identity.key_pem.as_str()];
        let mut command = library.command(folder.path(), port, pem, told)?;
        let mut process = Running::start(library.place().0, &mut command)?;
        process.wait_for_port(port)?;
        Ok(Self { port, _process: process, _folder: folder })
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }
}
