//! Certificates from the testkit's factory and from OpenSSL, read back.

mod facts;
mod names;
mod ocsp;
mod path;
mod pem;
mod profile;
mod revocation;

use rustls::pki_types::CertificateDer;
use testkit::pki::Identity;

use super::Facts;
use super::pem::{Block, all};

/// The facts of a PEM certificate.
fn facts_of(pem: &str) -> Facts {
    match all(pem.as_bytes()).remove(0) {
        Block::Certificate(der) => Facts::read(&der).expect("facts"),
        other => panic!("{other:?} is no certificate"),
    }
}

/// A chain as it is presented, from certificates in DER.
fn chain(certificates: &[&[u8]]) -> Vec<CertificateDer<'static>> {
    certificates.iter().map(|der| CertificateDer::from(der.to_vec())).collect()
}

/// The facts of an issued certificate.
fn read(identity: &Identity) -> Facts {
    Facts::read(&identity.cert_der).expect("facts")
}
