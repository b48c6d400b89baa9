//! TLS that is held to trust anchors: the only way that a credential may take, and the only way
//! in for what is read from an address.

use std::sync::Arc;

use model::Digest;
use model::evidence::TrustFault;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::insecure_tls::HandshakeError;

/// What HTTP/1.1 is called in ALPN (RFC 7301, section 6).
pub const ALPN: &[u8] = b"http/1.1";

/// Whom a server must prove to be, for HTTP/1.1 inside.
pub struct Verifier {
    connector: TlsConnector,
    name: ServerName<'static>,
    pinned: Vec<String>,
}

/// Why there is no session.
#[derive(Debug)]
pub enum Refusal {
    /// The server did not prove who it is.
    Untrusted(TrustFault),
    /// The handshake ended for another reason.
    Handshake(HandshakeError),
}

impl Verifier {
    /// Holds a server to the anchors, a DNS name or IP address, and the pinned keys where there
    /// are any. A sentence if nothing can be held.
    pub fn new(anchors: RootCertStore, name: &str, pinned: &[String]) -> Result<Self, String> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("`{name}` is no host name"))?;
        let provider =
            CryptoProvider::get_default().ok_or_else(|| HandshakeError::NoProvider.to_string())?;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Every handshake proves the identity anew.
        config.resumption = Resumption::disabled();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { connector, name, pinned: pinned.to_vec() })
    }

    /// A session with a server that has proved who it is.
    pub async fn connect<S>(&self, stream: S) -> Result<TlsStream<S>, Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = self.connector.connect(self.name.clone(), stream).await.map_err(refusal)?;
        let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        if !self.pinned.is_empty() && !leaf.is_some_and(|leaf| self.is_pinned(leaf)) {
            return Err(Refusal::Untrusted(TrustFault::UnpinnedKey));
        }
        Ok(stream)
    }

    fn is_pinned(&self, leaf: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return false };
        let digest = Digest::of_bytes(certificate.public_key().raw);
        self.pinned.iter().any(|pin| pin.eq_ignore_ascii_case(digest.as_str()))
    }
}

fn refusal(error: std::io::Error) -> Refusal {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(error)) => Refusal::Untrusted(fault(error)),
        _ => Refusal::Handshake(HandshakeError::from(&error)),
    }
}

fn fault(error: &CertificateError) -> TrustFault {
    match error {
        CertificateError::UnknownIssuer => TrustFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TrustFault::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TrustFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TrustFault::NotYetValid
        }
        _ => TrustFault::Other,
    }
}
