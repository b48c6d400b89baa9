//! TLS that is held to the target's own anchors: the only way a credential may take.

use std::sync::Arc;

use model::Digest;
use model::document::{Endpoint, Trust};
use model::evidence::TrustFault;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::insecure_tls::HandshakeError;
use crate::net::Connection;
use crate::{Context, source};

/// What HTTP/1.1 is called in ALPN (RFC 7301, section 6).
pub const ALPN: &[u8] = b"http/1.1";

/// Whom an endpoint must prove to be.
pub struct Verifier {
    connector: TlsConnector,
    name: ServerName<'static>,
    pinned: Vec<String>,
}

/// Why there is no session.
#[derive(Debug)]
pub enum Refusal {
    /// The endpoint did not prove who it is.
    Untrusted(TrustFault),
    /// The handshake ended for another reason.
    Handshake(HandshakeError),
}

impl Verifier {
    /// Holds an endpoint to the declared anchors, its name and the pinned keys. Every certificate
    /// of the bundle is an anchor. A sentence if nothing can be held.
    pub fn new(context: &Context, endpoint: &Endpoint, trust: &Trust) -> Result<Self, String> {
        let bundle = trust
            .ca_bundle
            .as_ref()
            .ok_or("the target declares no trust anchors (`trust.caBundle`)")?;
        let pem = source::bytes(context, bundle).map_err(|error| error.to_string())?;
        let mut anchors = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let usable = certificate.ok().and_then(|certificate| anchors.add(certificate).ok());
            usable.ok_or("the trust bundle holds something that is no certificate")?;
        }
        if anchors.is_empty() {
            return Err("the trust bundle holds no certificate".to_owned());
        }
        let name = ServerName::try_from(endpoint.reference_identity().to_owned())
            .map_err(|_| format!("`{}` is no host name", endpoint.reference_identity()))?;
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
        Ok(Self { connector, name, pinned: trust.pinned_keys.clone() })
    }

    /// A session with an endpoint that has proved who it is.
    pub async fn connect(&self, connection: Connection) -> Result<TlsStream<Connection>, Refusal> {
        let stream =
            self.connector.connect(self.name.clone(), connection).await.map_err(refusal)?;
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
