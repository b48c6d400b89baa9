//! Child processes, ports and readiness: found, waited for by asking, and ended by id.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Ports that are handed out. Linux takes a connection's own port from 32768 on (ip(7),
/// `ip_local_port_range`), and Kubernetes its node ports from 30000 on: between the moment that a
/// port is found free here and the moment that somebody listens there, no connection takes it.
const PORTS: Range<u16> = 12_000..29_000;

/// A loopback port that nobody listens on, and that this process is not given again soon.
pub fn free_port() -> u16 {
    free_address(Ipv4Addr::LOCALHOST.into()).port()
}

/// The same at another address of this machine.
pub fn free_address(host: IpAddr) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let many = PORTS.end - PORTS.start;
    // Tests that run side by side begin in different places.
    let first = (std::process::id() % 97) * 173;
    (0..many)
        .map(|_| {
            let next = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
            let place = (first + next) % u32::from(many);
            SocketAddr::new(host, PORTS.start + u16::try_from(place).unwrap_or(0))
        })
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("this machine has the address, and a free port")
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
