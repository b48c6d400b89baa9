//! The command lines of programs that others wrote, with the files that they read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use super::compiled::Compiled;
use super::configuration::Configuration;
use super::server::Program;
use super::told::Told;

/// Where a server is, and what it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Port on loopback.
    pub port: u16,
    /// Certificates with their keys.
    pub files: &'a [PathBuf],
    /// A folder of its own.
    pub folder: &'a Path,
}

/// A program that takes what OpenSSL takes.
pub(super) fn command(
    program: Program,
    configuration: &Configuration,
    place: Place<'_>,
    compiled: &Compiled,
) -> anyhow::Result<Command> {
    Ok(match program {
        Program::OpenSsl => openssl(configuration, place),
        Program::Nginx => nginx(configuration, place)?,
        Program::HaProxy => haproxy(configuration, place)?,
        Program::Mosquitto => mosquitto(configuration, place)?,
        Program::Node => compiled.node(configuration, place),
        _ => bail!("{} has words of its own", program.name()),
    })
}

fn openssl(configuration: &Configuration, Place { port, files, .. }: Place<'_>) -> Command {
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
    Place { port, files, folder }: Place<'_>,
) -> anyhow::Result<Command> {
    let pairs = files.iter().map(|file| {
        let file = file.display();
        format!("ssl_certificate {file}; ssl_certificate_key {file};\n")
    });
    let text = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\nhttp {{\n\
         access_log off;\nserver {{\nlisten 127.0.0.1:{port} ssl;\n{}\
         ssl_protocols {};\nssl_ciphers {};\nssl_ecdh_curve {};\n\
         ssl_conf_command Ciphersuites {};\n}}\n}}\n",
        pairs.collect::<String>(),
        configuration.versions(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        configuration.suites(),
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
    Place { port, files, folder }: Place<'_>,
) -> anyhow::Result<Command> {
    // It shows a client that names no server one of its certificates, so it has one.
    let certificate = files[0].display();
    let [lowest, highest] = configuration.limits(["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
    let text = format!(
        "global\n  tune.ssl.default-dh-param 2048\ndefaults\n  mode http\n  timeout client 5s\n  \
         timeout server 5s\n  timeout connect 5s\nfrontend f\n  bind 127.0.0.1:{port} ssl crt {} \
         ssl-min-ver {lowest} ssl-max-ver {highest} ciphers {} ciphersuites {} curves {}\n  \
         http-request return status 200\n",
        certificate,
        configuration.suites(),
        configuration.newest,
        configuration.groups
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text)?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    Ok(command)
}

fn mosquitto(
    configuration: &Configuration,
    Place { port, files, folder }: Place<'_>,
) -> anyhow::Result<Command> {
    // Started by root it would give up the right to read the key.
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let file = files[0].display();
    let [lowest, _] = configuration.limits(["tlsv1.1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]);
    let text = format!(
        "user {user}\nlistener {port} 127.0.0.1\nallow_anonymous true\ncertfile {file}\n\
         keyfile {file}\ntls_version {lowest}\nciphers {}\nciphers_tls1.3 {}\n",
        configuration.suites(),
        configuration.newest
    );
    let file = folder.join("mosquitto.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(file);
    Ok(command)
}

/// `gnutls-serv`, whose words are a priority. It listens on every address: it has no flag for one.
pub(super) fn gnutls(words: &[&str], port: u16, files: &[PathBuf]) -> Command {
    let mut command = Command::new("gnutls-serv");
    command.args(["--quiet", "--http", "--disable-client-cert", "--port", &port.to_string()]);
    command.args(["--priority", &words.concat()]);
    for file in files {
        command.arg("--x509certfile").arg(file).arg("--x509keyfile").arg(file);
    }
    command
}

/// What GnuTLS says a priority comes to.
pub(super) fn gnutls_told(words: &[&str]) -> anyhow::Result<Told> {
    let mut command = Command::new("gnutls-cli");
    command.env("GNUTLS_SYSTEM_PRIORITY_FILE", "/dev/null");
    command.args(["--list", "--priority", &words.concat()]);
    let output = command.output().context("cannot start gnutls-cli")?;
    Told::read_gnutls(&String::from_utf8_lossy(&output.stdout))
}
