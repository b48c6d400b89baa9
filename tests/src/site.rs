//! The reference gateway, up, in a folder of a test.

use std::path::PathBuf;
use std::time::Duration;

use testkit::gateway::{Gateway, GatewayError, Ports, Posture, Site};
use tokio::runtime::Runtime;

use crate::plumb::Bench;

/// A running reference gateway and the folder with its files and its target document.
pub struct Running {
    site: Site,
    gateway: Option<Gateway>,
    runtime: Runtime,
}

impl Running {
    /// Starts the gateway in the folder `gateway` of a bench.
    pub fn start(bench: &Bench, posture: Posture) -> Self {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let runtime = Runtime::new().unwrap();
        let site = Site::create(&bench.path("gateway"), Ports::free()).unwrap();
        let mut running = Self { site, gateway: None, runtime };
        running.restart(posture);
        running
    }

    /// Stops the gateway, rewrites its configuration, and starts it again.
    pub fn restart(&mut self, posture: Posture) {
        self.stop();
        self.site.write(posture).unwrap();
        // Another process that looks for free ports holds each of them for a moment.
        let mut started = self.runtime.block_on(Gateway::start(self.site.dir()));
        for _ in 0..50 {
            if !matches!(started, Err(GatewayError::Listen { .. })) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            started = self.runtime.block_on(Gateway::start(self.site.dir()));
        }
        self.gateway = Some(started.unwrap());
    }

    /// Stops the gateway.
    pub fn stop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
    }

    /// The target document.
    pub fn target(&self) -> PathBuf {
        self.site.dir().join("target.yaml")
    }

    /// The bearer token, which must never be seen again.
    pub fn token(&self) -> String {
        self.site.token().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
