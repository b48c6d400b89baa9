//! The TLS side of servers in tests.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::pki::{Authority, Identity};

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy)]
pub enum Clients<'a> {
    /// They are not.
    NotAsked,
    /// They are, and may come without; one that they show must be of this authority.
    Asked(&'a Authority),
    /// They are, and must show one of this authority.
    Needed(&'a Authority),
}

/// A server of TLS 1.2 and 1.3 that asks nobody for a certificate.
pub fn server(identity: &Identity) -> Arc<ServerConfig> {
    server_with(identity, &[], Clients::NotAsked, rustls::ALL_VERSIONS)
}

/// A server with further certificates in DER behind its own, and versions to choose from.
pub fn server_with(
    identity: &Identity,
    more: &[Vec<u8>],
    clients: Clients<'_>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = |authority: &Authority| {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().into()).unwrap();
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        Clients::NotAsked => builder.with_no_client_auth(),
        Clients::Asked(authority) => builder.with_client_cert_verifier(
            verifier(authority).allow_unauthenticated().build().unwrap(),
        ),
        Clients::Needed(authority) => {
            builder.with_client_cert_verifier(verifier(authority).build().unwrap())
        }
    };
    let chain = std::iter::once(&identity.cert_der).chain(more);
    let chain = chain.map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Whatever the chain is: a server by the book would not start with a broken one.
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    Arc::new(builder.with_cert_resolver(Arc::new(resolver)))
}
