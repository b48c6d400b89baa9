//! The reference gateway: an embedded IoT gateway with a broker and an ingest edge.
//!
//! It reads [`config::FILE`] in its folder and behaves as the file says, so hardening it is
//! rewriting the file and starting again. [`Site`] writes such a folder, exposed or hardened.
//! A stopped or dropped gateway leaves no task, connection or port behind.

mod broker;
pub mod config;
mod fixture;
mod ingest;
mod listener;
mod site;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use config::{Config, ConfigError};
pub use fixture::Fixture;
pub use site::{Ports, Posture, Site, TARGET_NAME};

/// A gateway that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Gateway {
    broker: SocketAddr,
    ingest: SocketAddr,
    readings: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// `gateway.toml` cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of the gateway's folder cannot be read or written.
    #[error("`{}`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate and key that do not serve.
    #[error("cannot serve TLS with `{}`: {error}", cert.display())]
    Tls {
        /// The certificate chain.
        cert: PathBuf,
        /// What rustls said.
        error: rustls::Error,
    },
    /// A port that cannot be listened on.
    #[error("cannot listen on port {port} of {host}: {error}")]
    Listen {
        /// Address or name.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Gateway {
    /// Starts the gateway whose files are in `dir`. When this returns, both ports accept
    /// connections.
    pub async fn start(dir: &Path) -> Result<Self, GatewayError> {
        let config = Config::read(dir)?;
        let readings = Arc::new(AtomicU64::new(0));

        let broker_tls = tls::acceptor(dir, config.mqtt.tls.as_ref(), &[b"mqtt"])?;
        let users = broker::Users::read(dir, &config.mqtt)?;
        let ingest_tls = tls::acceptor(dir, config.ingest.tls.as_ref(), &[b"http/1.1"])?;
        let router = ingest::router(dir, &config, Arc::clone(&readings))?;

        let own = &config.gateway.bind;
        let (broker, broker_address) =
            listen(config.mqtt.bind.as_ref().unwrap_or(own), config.mqtt.port).await?;
        let (ingest, ingest_address) =
            listen(config.ingest.bind.as_ref().unwrap_or(own), config.ingest.port).await?;

        let broker_state = Arc::new(broker::Broker::new(users, config.mqtt.keepalive()));
        let tasks = vec![
            tokio::spawn(listener::serve(broker, broker_tls, move |stream| {
                Arc::clone(&broker_state).session(stream)
            })),
            tokio::spawn(listener::serve(ingest, ingest_tls, move |stream| {
                ingest::session(router.clone(), stream)
            })),
        ];
        Ok(Self { broker: broker_address, ingest: ingest_address, readings, tasks })
    }

    /// Where the broker listens.
    pub const fn broker(&self) -> SocketAddr {
        self.broker
    }

    /// Where the ingest edge listens.
    pub const fn ingest(&self) -> SocketAddr {
        self.ingest
    }

    /// Readings taken in since the start. A canary without readings does not count.
    pub fn readings(&self) -> u64 {
        self.readings.load(Ordering::Relaxed)
    }

    /// Ends every task and connection. When this returns, both ports are free.
    pub async fn stop(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // The only outcome left is the cancellation that was just asked for.
            task.await.ok();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let failed = |error| GatewayError::Listen { host: host.to_owned(), port, error };
    let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The text of a file in the gateway's folder.
fn read(path: PathBuf) -> Result<String, GatewayError> {
    std::fs::read_to_string(&path)
        .map_err(|error| GatewayError::File { path, reason: error.to_string() })
}

#[cfg(test)]
mod tests;
