//! A gateway that is up, in a folder of its own.

use tempfile::TempDir;

use super::{Gateway, Ports, Posture, Site};

/// A running gateway with its folder, which goes away with it.
pub struct Fixture {
    /// The folder.
    pub dir: TempDir,
    /// What is written there.
    pub site: Site,
    /// The gateway.
    pub gateway: Gateway,
}

impl Fixture {
    /// Writes a folder and starts the gateway in it.
    pub async fn start(posture: Posture) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::create(dir.path(), Ports::free()).unwrap();
        site.write(posture).unwrap();
        let gateway = Gateway::start(dir.path()).await.unwrap();
        Self { dir, site, gateway }
    }

    /// Rewrites the file and starts again.
    pub async fn restart(self, posture: Posture) -> Self {
        let Self { dir, site, gateway } = self;
        gateway.stop().await;
        site.write(posture).unwrap();
        let gateway = Gateway::start(dir.path()).await.unwrap();
        Self { dir, site, gateway }
    }
}
