//! Real servers: how each is set up, and what that comes to.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use anyhow::Context as _;
use tempfile::TempDir;
use testkit::openssl::rsa_identity;
use testkit::peer::Peer;
use testkit::pki::{Authority, Identity, Leaf};
use testkit::process::{Running, free_port};
use tokio::runtime::Runtime;

use super::compiled::Compiled;
use super::configuration::{Configuration, Keys, Lists};
use super::programs;
use super::python;
use super::rustls_server;
use super::seen::Seen;
use super::told::Told;

/// A program that serves TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// `openssl s_server`.
    OpenSsl,
    /// nginx.
    Nginx,
    /// HAProxy.
    HaProxy,
    /// mosquitto.
    Mosquitto,
    /// Node's `tls.createServer`.
    Node,
    /// `gnutls-serv`.
    GnuTls,
    /// Go's crypto/tls.
    Go,
    /// Java's JSSE.
    Java,
    /// rustls.
    Rustls,
    /// tlslite-ng.
    Tlslite,
    /// Scapy.
    Scapy,
}

impl Program {
    /// Every program, in the order of the table.
    pub(super) const ALL: [Self; 11] = [
        Self::OpenSsl,
        Self::Nginx,
        Self::HaProxy,
        Self::Mosquitto,
        Self::Node,
        Self::GnuTls,
        Self::Go,
        Self::Java,
        Self::Rustls,
        Self::Tlslite,
        Self::Scapy,
    ];

    /// Whether the server's order of groups decides, by its documentation or source: Node's
    /// `honorCipherOrder`, HAProxy without `prefer-client-ciphers`, and mosquitto always.
    const fn goes_by_its_own_order(self) -> bool {
        matches!(self, Self::HaProxy | Self::Mosquitto | Self::Node)
    }

    /// The name that rows have.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "s_server",
            Self::Nginx => "nginx",
            Self::HaProxy => "HAProxy",
            Self::Mosquitto => "mosquitto",
            Self::Node => "Node",
            Self::GnuTls => "GnuTLS",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::Rustls => "rustls",
            Self::Tlslite => "tlslite-ng",
            Self::Scapy => "Scapy",
        }
    }
}

/// What a server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settings {
    /// As OpenSSL says it.
    Flags(Configuration),
    /// In words of its own, with these certificates.
    Words(&'static [&'static str], Keys),
}

/// A server to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// What serves.
    pub program: Program,
    /// What it is told.
    pub settings: Settings,
}

impl Setup {
    /// A program with the flags of OpenSSL.
    pub(super) const fn flags(program: Program, configuration: Configuration) -> Self {
        Self { program, settings: Settings::Flags(configuration) }
    }

    /// Program and settings, for people.
    pub(super) fn title(&self) -> String {
        let name = self.program.name();
        match self.settings {
            Settings::Flags(of) => format!("{name} {} keys={:?}", of.flags().join(" "), of.keys()),
            Settings::Words(words, keys) => format!("{name} {} keys={keys:?}", words.join(" ")),
        }
    }
}

/// The certificates that all servers have: an RSA key of 2048 bits, and a key on P-256.
pub(super) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Issues them.
    pub(super) fn issue() -> anyhow::Result<Self> {
        let authority = Authority::new("Peers");
        let folder = TempDir::new()?;
        let write = |name: &str, identity: Identity| {
            fs::write(folder.path().join(name), identity.cert_pem + &identity.key_pem)
        };
        write("server.pem.rsa", rsa_identity(&authority))?;
        write("server.pem.ecdsa", authority.issue(&Leaf::default()))?;
        Ok(Self { folder })
    }

    fn files(&self, keys: Keys) -> Vec<PathBuf> {
        let names: &[&str] = match keys {
            Keys::Rsa => &["rsa"],
            Keys::Ecdsa => &["ecdsa"],
            Keys::Both => &["rsa", "ecdsa"],
        };
        names.iter().map(|name| self.folder.path().join(format!("server.pem.{name}"))).collect()
    }
}

/// What every server needs to be started.
pub(super) struct Workshop {
    certificates: Certificates,
    compiled: Compiled,
    lists: Mutex<Lists>,
    /// Where servers and proxies of our own live.
    pub runtime: Runtime,
}

/// A running server; it ends with this value.
pub(super) struct Server {
    /// The port it listens on.
    pub port: u16,
    /// What it was told to accept.
    pub expected: Seen,
    _process: Option<Running>,
    _own: Option<Peer>,
    _folder: TempDir,
}

impl Workshop {
    /// Issues the certificates and builds the servers of our own.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (certificates, compiled) = (Certificates::issue()?, Compiled::build()?);
        Ok(Self { certificates, compiled, lists: Mutex::default(), runtime: Runtime::new()? })
    }

    /// Starts a server, and waits until it listens.
    pub(super) fn start(&self, setup: &Setup) -> anyhow::Result<Server> {
        self.try_to_start(setup).with_context(|| setup.title())
    }

    fn try_to_start(&self, setup: &Setup) -> anyhow::Result<Server> {
        let folder = TempDir::new()?;
        let (program, port) = (setup.program, free_port());
        let (words, keys) = match setup.settings {
            Settings::Flags(configuration) => {
                let files = self.certificates.files(configuration.keys());
                let place = programs::Place { port, files: &files, folder: folder.path() };
                let command = programs::command(program, &configuration, place, &self.compiled)?;
                let process = run(program, command, port, &folder)?;
                let mut lists = self.lists.lock().expect("nobody panics with the lists");
                let expected =
                    configuration.expected(&mut lists, program.goes_by_its_own_order())?;
                return Ok(Server {
                    port,
                    expected,
                    _process: Some(process),
                    _own: None,
                    _folder: folder,
                });
            }
            Settings::Words(words, keys) => (words, keys),
        };
        let files = self.certificates.files(keys);
        if program == Program::Rustls {
            let (own, told) = self.runtime.block_on(rustls_server::start(words, &files[0]))?;
            let port = own.port();
            let expected = told.seen(keys)?;
            return Ok(Server { port, expected, _process: None, _own: Some(own), _folder: folder });
        }
        let place = programs::Place { port, files: &files, folder: folder.path() };
        if program == Program::Scapy {
            let process = run(program, python::scapy(words, place)?, port, &folder)?;
            let (expected, process) = (python::scapy_told(words)?.seen(keys)?, Some(process));
            let expected = python::with_kinds(expected, words)?;
            return Ok(Server { port, expected, _process: process, _own: None, _folder: folder });
        }
        let command = match program {
            Program::Tlslite => python::tlslite(words, place)?,
            Program::GnuTls => programs::gnutls(words, port, &files),
            Program::Go => self.compiled.go(words, port, &files),
            _ => self.compiled.java(words, port, &files),
        };
        let process = run(program, command, port, &folder)?;
        let told = match program {
            Program::GnuTls => programs::gnutls_told(words)?,
            _ => Told::read(&fs::read_to_string(folder.path().join("told"))?)?,
        };
        // Go shows an ECDSA certificate only where its curve is among the server's own groups
        // (`ClientHelloInfo.SupportsCertificate`), and ours is on P-256.
        let shown = match program {
            Program::Go if !told.groups.contains(&0x0017) && keys == Keys::Both => Keys::Rsa,
            _ => keys,
        };
        let expected = told.seen(shown)?;
        Ok(Server { port, expected, _process: Some(process), _own: None, _folder: folder })
    }
}

fn run(
    program: Program,
    mut command: Command,
    port: u16,
    folder: &TempDir,
) -> anyhow::Result<Running> {
    // What a distribution sets for all programs would be a flag that nobody sees.
    command.env("OPENSSL_CONF", "/dev/null").env("GNUTLS_SYSTEM_PRIORITY_FILE", "/dev/null");
    command.current_dir(folder.path());
    let name = program.name();
    let mut process = Running::start(name, &mut command).with_context(|| format!("no {name}"))?;
    process.wait_for_port(port)?;
    Ok(process)
}
