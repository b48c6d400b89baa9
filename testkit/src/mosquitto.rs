//! A real mosquitto broker, one process per case, each with its own configuration.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::pki::Identity;
use crate::process::{Running, free_port};

/// A running broker; it ends with this value.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    _process: Running,
    folder: TempDir,
}

/// How a broker is set up. Every listener is on loopback.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Certificate and key of the server: with it the listener speaks TLS alone.
    pub identity: Option<&'a Identity>,
    /// Authority whose client certificates are accepted, PEM.
    pub client_authority: Option<String>,
    /// A user and a password, and nobody else may connect.
    pub password: Option<(&'a str, &'a str)>,
    /// Whether the listener speaks WebSocket in place of MQTT over TCP.
    pub websockets: bool,
    /// Configuration of OpenSSL, for what mosquitto has no setting for.
    pub openssl: Option<&'a str>,
    /// Lines before the first listener, such as `per_listener_settings true`.
    pub global: &'a [&'a str],
    /// Further lines of the listener, such as `require_certificate true`.
    pub lines: &'a [&'a str],
}

impl Broker {
    /// Starts a broker and waits until it listens.
    pub fn start(setup: &Setup<'_>) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let path = |name: &str| folder.path().join(name);
        let port = free_port();
        // Without `user`, a broker started by root gives up the right to read its own files.
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let mut config = vec![format!("user {user}")];
        config.extend(setup.global.iter().map(|line| (*line).to_owned()));
        if setup.websockets {
            // Mosquitto 2.0.11 does not start where every listener is of WebSocket.
            config.push(format!("listener {} 127.0.0.1", free_port()));
        }
        config.push(format!("listener {port} 127.0.0.1"));
        config.push(format!("allow_anonymous {}", setup.password.is_none()));
        if setup.websockets {
            config.push("protocol websockets".to_owned());
        }
        let mut file = |key: &str, name: &str, content: &str| {
            config.push(format!("{key} {}", path(name).display()));
            fs::write(path(name), content)?;
            // As a careful owner keeps keys and passwords.
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o600))
        };
        if let Some(identity) = setup.identity {
            file("certfile", "server.pem", &identity.cert_pem)?;
            file("keyfile", "server.key", &identity.key_pem)?;
        }
        if let Some(authority) = &setup.client_authority {
            file("cafile", "clients.pem", authority)?;
        }
        if let Some((user, password)) = setup.password {
            file("password_file", "passwords", "")?;
            let status = Command::new("mosquitto_passwd")
                .args(["-b".as_ref(), path("passwords").as_os_str()])
                .args([user, password])
                .status()?;
            if !status.success() {
                return Err(io::Error::other(format!("mosquitto_passwd: {status}")));
            }
        }
        config.extend(setup.lines.iter().map(|line| (*line).to_owned()));
        fs::write(path("mosquitto.conf"), config.join("\n") + "\n")?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(path("mosquitto.conf"));
        if let Some(text) = setup.openssl {
            fs::write(path("openssl.cnf"), text)?;
            command.env("OPENSSL_CONF", path("openssl.cnf"));
        }
        let mut process = Running::start("mosquitto", &mut command)?;
        process.wait_for_port(port)?;
        Ok(Self { port, _process: process, folder })
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its configuration file, `mosquitto.conf`; the files that it names lie beside it.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("mosquitto.conf")
    }
}
