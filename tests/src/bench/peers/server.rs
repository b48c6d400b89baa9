//! Real servers, each configured as a [`Configuration`] says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use tempfile::TempDir;
use testkit::openssl::rsa_identity;
use testkit::pki::{Authority, Identity, Leaf};
use testkit::process::{Running, free_port};

use super::configuration::{Configuration, Keys};

/// A program that serves TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// `openssl s_server`.
    OpenSsl,
    /// nginx.
    Nginx,
    /// HAProxy.
    HaProxy,
}

impl Program {
    /// The name that rows have.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "s_server",
            Self::Nginx => "nginx",
            Self::HaProxy => "HAProxy",
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

/// A running server; it ends with this value.
pub(super) struct Server {
    /// The port it listens on.
    pub port: u16,
    _process: Running,
    _folder: TempDir,
}

/// Starts a program with a configuration, and waits until it listens.
pub(super) fn start(
    program: Program,
    configuration: &Configuration,
    certificates: &Certificates,
) -> anyhow::Result<Server> {
    let folder = TempDir::new()?;
    let port = free_port();
    let files = certificates.files(configuration.keys());
    let mut command = match program {
        Program::OpenSsl => openssl(configuration, port, &files),
        Program::Nginx => nginx(configuration, port, &files, folder.path())?,
        Program::HaProxy => haproxy(configuration, port, &files, folder.path())?,
    };
    // What a distribution sets for all programs would be a flag that nobody sees.
    command.env("OPENSSL_CONF", "/dev/null").current_dir(folder.path());
    let name = program.name();
    let mut process = Running::start(name, &mut command).with_context(|| format!("no {name}"))?;
    process.wait_for_port(port)?;
    Ok(Server { port, _process: process, _folder: folder })
}

fn openssl(configuration: &Configuration, port: u16, files: &[PathBuf]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}")]);
    for (flags, file) in [["-cert", "-key"], ["-dcert", "-dkey"]].iter().zip(files) {
        command.arg(flags[0]).arg(file).arg(flags[1]).arg(file);
    }
    command.args(configuration.flags());
    command
}

fn nginx(
    configuration: &Configuration,
    port: u16,
    files: &[PathBuf],
    folder: &Path,
) -> anyhow::Result<Command> {
    let pairs = files.iter().map(|file| {
        let file = file.display();
        format!("ssl_certificate {file}; ssl_certificate_key {file};\n")
    });
    let text = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\nhttp {{\n\
         access_log off;\nserver {{\nlisten 127.0.0.1:{port} ssl;\n{}\
         ssl_protocols TLSv1.2 TLSv1.3;\nssl_ciphers {}:@SECLEVEL=0;\nssl_ecdh_curve {};\n\
         ssl_conf_command Ciphersuites {};\n}}\n}}\n",
        pairs.collect::<String>(),
        configuration.list,
        configuration.groups,
        configuration.newest
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file);
    Ok(command)
}

fn haproxy(
    configuration: &Configuration,
    port: u16,
    files: &[PathBuf],
    folder: &Path,
) -> anyhow::Result<Command> {
    // It shows a client that names no server one of its certificates, so it has one.
    let certificate = files[0].display();
    let text = format!(
        "global\n  tune.ssl.default-dh-param 2048\ndefaults\n  mode http\n  timeout client 5s\n  \
         timeout server 5s\n  timeout connect 5s\nfrontend f\n  bind 127.0.0.1:{port} ssl crt {} \
         ssl-min-ver TLSv1.2 ciphers {}:@SECLEVEL=0 ciphersuites {} curves {}\n  \
         http-request return status 200\n",
        certificate, configuration.list, configuration.newest, configuration.groups
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text)?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    Ok(command)
}
