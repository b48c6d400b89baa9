//! Child processes, ports and readiness: found, waited for by asking, and ended by id.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .expect("loopback has a free port")
}

/// `127.0.0.1` with a port.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A child process that ends with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts `command` with no input and its output kept out of the way.
    pub fn start(name: &str, command: &mut Command) -> io::Result<Self> {
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Waits until `ready` says yes; an error if the process ends or `limit` passes first.
    pub fn wait_until(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> io::Result<()> {
        let begin = Instant::now();
        loop {
            if ready() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended early: {status}", self.name)));
            }
            if begin.elapsed() > limit {
                return Err(io::Error::other(format!(
                    "{} is not ready after {limit:?}",
                    self.name
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until something listens on a loopback port.
    pub fn wait_for_port(&mut self, port: u16) -> io::Result<()> {
        self.wait_until(Duration::from_secs(20), || is_listening(port))
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the process has already ended, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// True if something accepts connections on a loopback port.
pub fn is_listening(port: u16) -> bool {
    TcpStream::connect_timeout(&loopback(port), Duration::from_millis(200)).is_ok()
}
