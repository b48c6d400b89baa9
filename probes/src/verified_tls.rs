//! TLS that is held to trust anchors: the only way that a credential may take, and the only way
//! in for what is read from an address.
//!
//! A client certificate is shown only to a server that has proved who it is: in both versions the
//! server's chain, name, key and signature come before the client's certificate (RFC 5246 section
//! 7.3, RFC 9846 section 2), and a handshake in which one of them fails ends there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::Digest;
use model::evidence::TrustFault;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::insecure_tls::HandshakeError;

/// What HTTP/1.1 is called in ALPN (RFC 7301, section 6).
pub const ALPN: &[u8] = b"http/1.1";

/// Whom a server must prove to be.
pub struct Verifier {
    provider: Arc<CryptoProvider>,
    anchors: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
    pinned: Arc<[String]>,
}

/// A handshake that was tried.
#[derive(Debug)]
pub struct Attempt<S> {
    /// True if the server proved who it is, also where it then ended the handshake.
    pub proved: bool,
    /// What became of the client's certificate.
    pub certificate: OwnCertificate,
    /// The session, or why there is none.
    pub outcome: Result<TlsStream<S>, Refusal>,
}

/// What became of a client's certificate in a handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OwnCertificate {
    /// The server did not ask for one, or did not come to it.
    #[default]
    NotRequested,
    /// The server asked, and was shown none.
    Withheld,
    /// The server asked, and was shown one.
    Shown,
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
        let provider = Arc::clone(provider);
        let anchors = Arc::new(anchors);
        let anchors = WebPkiServerVerifier::builder_with_provider(anchors, Arc::clone(&provider))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { provider, anchors, name, pinned: pinned.into() })
    }

    /// Makes a handshake for HTTP/1.1, and shows `own` where a certificate is asked for.
    pub async fn connect<S>(&self, stream: S, own: Option<Arc<CertifiedKey>>) -> Attempt<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.offer(stream, own, &[ALPN]).await
    }

    /// Makes a handshake that offers these application protocols (RFC 7301), the preferred one
    /// first, and shows `own` where a certificate is asked for.
    pub async fn offer<S>(
        &self,
        stream: S,
        own: Option<Arc<CertifiedKey>>,
        protocols: &[&[u8]],
    ) -> Attempt<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let witness = Arc::new(Witness {
            anchors: Arc::clone(&self.anchors),
            pinned: Arc::clone(&self.pinned),
            own,
            proved: AtomicBool::new(false),
            certificate: Mutex::default(),
        });
        let outcome = match self.config(&witness, protocols) {
            Ok(config) => TlsConnector::from(Arc::new(config))
                .connect(self.name.clone(), stream)
                .await
                .map_err(refusal),
            Err(error) => Err(Refusal::Handshake(HandshakeError::Protocol(error.to_string()))),
        };
        Attempt {
            proved: witness.proved.load(Ordering::SeqCst),
            certificate: *witness.certificate.lock().unwrap_or_else(PoisonError::into_inner),
            outcome,
        }
    }

    fn config(
        &self,
        witness: &Arc<Witness>,
        protocols: &[&[u8]],
    ) -> Result<ClientConfig, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            // The witness refuses whatever the anchors refuse, and keys that are not pinned.
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
            .with_client_cert_resolver(Arc::clone(witness) as Arc<dyn ResolvesClientCert>);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        // Every handshake proves the identity anew.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// Judges one server by the anchors and the pinned keys, and remembers how far it came.
#[derive(Debug)]
struct Witness {
    anchors: Arc<WebPkiServerVerifier>,
    pinned: Arc<[String]>,
    own: Option<Arc<CertifiedKey>>,
    proved: AtomicBool,
    certificate: Mutex<OwnCertificate>,
}

impl Witness {
    fn is_pinned(&self, leaf: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return false };
        let digest = Digest::of_bytes(certificate.public_key().raw);
        self.pinned.iter().any(|pin| pin.eq_ignore_ascii_case(digest.as_str()))
    }

    /// The signature is the last that a server proves itself by.
    fn proved(
        &self,
        verified: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proved.store(verified.is_ok(), Ordering::SeqCst);
        verified
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.anchors.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        if !self.pinned.is_empty() && !self.is_pinned(end_entity) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proved(self.anchors.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proved(self.anchors.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.anchors.supported_verify_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let own = self.own.clone().filter(|own| own.key.choose_scheme(schemes).is_some());
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) =
            if own.is_some() { OwnCertificate::Shown } else { OwnCertificate::Withheld };
        own
    }

    fn has_certs(&self) -> bool {
        self.own.is_some()
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
        // Said by the witness alone.
        CertificateError::ApplicationVerificationFailure => TrustFault::UnpinnedKey,
        _ => TrustFault::Other,
    }
}
