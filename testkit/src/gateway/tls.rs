//! The TLS side of both listeners.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::GatewayError;
use super::config::{Tls, TlsVersion};

/// The acceptor of a `tls` section; none where TLS is off.
pub fn acceptor(
    dir: &Path,
    section: Option<&Tls>,
    protocols: &[&[u8]],
) -> Result<Option<TlsAcceptor>, GatewayError> {
    let Some(section) = section.filter(|section| section.enabled) else { return Ok(None) };
    let (cert, key) = (dir.join(&section.cert), dir.join(&section.key));
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error: rustls::pki_types::pem::Error| GatewayError::File {
            path,
            reason: error.to_string(),
        }
    };
    let chain = CertificateDer::pem_file_iter(&cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&cert))?;
    let private_key = PrivateKeyDer::from_pem_file(&key).map_err(unreadable(&key))?;

    let versions: &[_] = match section.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private_key))
        .map_err(|error| GatewayError::Tls { cert, error })?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
