//! Sets of certificates on disk, sound or wrong in one way, and what evidence says of them.

mod archives;
mod files;
mod inventory;
mod sets;

use std::collections::BTreeMap;
use std::path::Path;

use model::document::{DeviceCertificates, Source, Trust};
use model::request::ProbePolicy;
use model::{CheckId, RunId, Subject, TargetKey};
use testkit::pki::{Authority, Leaf};

use super::*;

/// A folder with a set in `fleet`, and what the target declares around it.
struct Place {
    folder: tempfile::TempDir,
    certificates: DeviceCertificates,
    trust: Trust,
    policy: ProbePolicy,
}

type Seen = (DeviceCertHygieneStable, DeviceCertHygieneVolatile);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("fleet")).expect("fleet");
        let certificates = DeviceCertificates {
            name: "fleet".into(),
            path: Some("fleet".into()),
            ..DeviceCertificates::default()
        };
        Self { folder, certificates, trust: Trust::default(), policy: ProbePolicy::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the folder, and the folders on its way.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> Source {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, content).expect("file");
        Source::path(name)
    }

    fn inventory(mut self, csv: &str) -> Self {
        self.certificates.inventory = Some(self.put("inventory.csv", csv));
        self
    }

    async fn look(&self) -> Seen {
        let context = Context::new(RunId("r1".into()), self.path().to_owned());
        let request = CheckRequest {
            check: CheckId::DeviceCertHygiene,
            target: TargetKey("plant".into()),
            subject: Subject("certificates/fleet".into()),
            inputs: Inputs::DeviceCertificates {
                certificates: self.certificates.clone(),
                trust: self.trust.clone(),
            },
            policy: self.policy.clone(),
            params: BTreeMap::new(),
        };
        observe(&context, &request).await
    }

    async fn stable(&self) -> DeviceCertHygieneStable {
        self.look().await.0
    }
}

fn issue(authority: &Authority, name: &str) -> String {
    authority.issue(&Leaf::device(name)).cert_pem
}

fn fingerprint(pem: &str) -> String {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("certificate");
    model::Digest::of_bytes(&der).hex().to_owned()
}
