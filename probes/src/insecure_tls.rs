//! The one module that accepts bad certificates.
//!
//! A probe must see what a server presents before anybody judges it, so every certificate is let
//! through here and recorded. Nothing else in Plumbline may do this: no secret is ever sent over a
//! session from this module unless its caller has judged the recorded chain first.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, HandshakeKind, KeyLog, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::net::Failure;

/// What to offer in a handshake. `Default` offers TLS 1.2 and 1.3, no ALPN and no certificate.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Versions to offer; none means both that rustls knows, 1.2 and 1.3.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Application protocols (RFC 7301), the preferred one first; none leaves the extension out.
    pub alpn: Vec<Vec<u8>>,
    /// The client certificate to present where one is asked for.
    pub client: Option<Arc<CertifiedKey>>,
    /// Signature schemes to offer, by code point; none means those of the crypto provider. A
    /// scheme that the provider does not know is recorded like any other; whether its signature
    /// holds is then not known.
    pub schemes: Vec<u16>,
    /// Suites to offer of those that the crypto provider has, by code point and in order; none means
    /// all of them.
    pub suites: Vec<u16>,
    /// Asks for a ticket also in TLS 1.2, where one comes to those alone who ask (RFC 5077 section
    /// 3.2), and keeps those that come for when the same [`Client`] comes again.
    pub ticket: bool,
    /// Who is told the session's secrets. With one, the session gives its keys away, too.
    pub secrets: Option<Arc<dyn KeyLog>>,
}

/// What the server showed before the handshake ended, also where it ended badly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presented {
    /// Certificates as sent, DER, the server's own first; empty if none came.
    pub chain: Vec<Vec<u8>>,
    /// Stapled OCSP response (RFC 6066 section 8), DER; empty if none came.
    pub staple: Vec<u8>,
    /// Whether the handshake signature matches the key in the certificate, so that the server is
    /// known to hold the private key. `None` before the signature was seen.
    pub key_proven: Option<bool>,
    /// Whether the server asked for a client certificate.
    pub client_certificate_requested: bool,
    /// How many authorities that request names.
    pub authorities: u32,
    /// Scheme that the handshake was signed with, by code point.
    pub scheme: Option<u16>,
}

/// A session with whoever answered.
#[derive(Debug)]
pub struct Session<S> {
    /// Negotiated version, `0x0303` or `0x0304`.
    pub version: u16,
    /// Negotiated cipher suite, by IANA code point.
    pub suite: u16,
    /// Negotiated key exchange group, by IANA code point.
    pub group: Option<u16>,
    /// Negotiated application protocol.
    pub alpn: Option<Vec<u8>>,
    /// It goes on with a session from before.
    pub resumed: bool,
    /// The stream inside.
    pub stream: TlsStream<S>,
}

/// A handshake that was tried: what was shown, and how it ended.
#[derive(Debug)]
pub struct Handshake<S> {
    /// What the server showed.
    pub presented: Presented,
    /// The session, or why there is none.
    pub outcome: Result<Session<S>, HandshakeError>,
}

/// Why a handshake did not end in a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The process has no default crypto provider: a fault of ours, not of the target.
    #[error("this process has no crypto provider installed, so no TLS handshake can be made")]
    NoProvider,
    /// The server ended it with this alert.
    #[error("the server refused with alert {0}")]
    Alert(u8),
    /// The connection ended or ran out of time.
    #[error(transparent)]
    Network(#[from] Failure),
    /// What came is not TLS, or breaks the protocol.
    #[error("the handshake failed: {0}")]
    Protocol(String),
}

impl HandshakeError {
    /// True if the server ended it for want of a client certificate, or for the one that it got:
    /// handshake_failure, no_certificate, bad_certificate, unsupported_certificate,
    /// certificate_revoked, certificate_expired, certificate_unknown, unknown_ca, access_denied and
    /// certificate_required (RFC 9846 section 6.2). TLS 1.2 has no alert of its own for a missing
    /// one. It says so only where the server asked for a certificate.
    pub const fn is_about_client_certificate(&self) -> bool {
        matches!(self, Self::Alert(40..=46 | 48 | 49 | 116))
    }
}

/// What an I/O error of a TLS stream stands for: an alert, a network failure or broken protocol.
impl From<&io::Error> for HandshakeError {
    fn from(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(u8::from(*alert)),
            Some(other) => Self::Protocol(other.to_string()),
            None => Self::Network(Failure::from(error)),
        }
    }
}

/// Makes a handshake over `stream`. The server's name goes into SNI if it is a DNS name.
pub async fn connect<S>(stream: S, server_name: &str, options: Options) -> Handshake<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match Client::new(&options) {
        Ok(client) => client.connect(stream, server_name).await,
        Err(error) => Handshake { presented: Presented::default(), outcome: Err(error) },
    }
}

/// A client that can come again: with [`Options::ticket`], what the server gave it for that is kept.
#[derive(Debug, Clone)]
pub struct Client {
    recorder: Arc<Recorder>,
    config: Arc<ClientConfig>,
}

impl Client {
    /// A client that offers `options`.
    ///
    /// # Errors
    ///
    /// If this process has no crypto provider, or the options name nothing that it can offer.
    pub fn new(options: &Options) -> Result<Self, HandshakeError> {
        let provider = CryptoProvider::get_default().ok_or(HandshakeError::NoProvider)?;
        let recorder = Arc::new(Recorder {
            provider: Arc::clone(provider),
            client: options.client.clone(),
            schemes: options.schemes.clone(),
            presented: Mutex::default(),
        });
        let config = config(&recorder, options)
            .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
        Ok(Self { recorder, config: Arc::new(config) })
    }

    /// Makes a handshake over `stream`. What it shows adds to what earlier ones of this client did:
    /// one that goes on with their session shows no certificate.
    pub async fn connect<S>(&self, stream: S, server_name: &str) -> Handshake<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let outcome = handshake(stream, server_name, Arc::clone(&self.config)).await;
        Handshake { presented: self.recorder.presented(), outcome }
    }
}

fn config(recorder: &Arc<Recorder>, options: &Options) -> Result<ClientConfig, rustls::Error> {
    let versions =
        if options.versions.is_empty() { rustls::ALL_VERSIONS } else { &options.versions };
    let provider = match &options.suites[..] {
        [] => Arc::clone(&recorder.provider),
        wanted => {
            let all = &recorder.provider.cipher_suites;
            let find = |code: &u16| all.iter().find(|suite| u16::from(suite.suite()) == *code);
            let cipher_suites = wanted.iter().filter_map(find).copied().collect();
            Arc::new(CryptoProvider { cipher_suites, ..CryptoProvider::clone(&recorder.provider) })
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(recorder) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(Arc::clone(recorder) as Arc<dyn ResolvesClientCert>);
    config.alpn_protocols = options.alpn.clone();
    // A resumed handshake shows no certificate. What is kept for the next one ends with this
    // configuration, and so with the client.
    config.resumption = match options.ticket {
        true => Resumption::in_memory_sessions(1),
        false => Resumption::disabled(),
    };
    if let Some(secrets) = &options.secrets {
        config.key_log = Arc::clone(secrets);
        config.enable_secret_extraction = true;
    }
    Ok(config)
}

async fn handshake<S>(
    stream: S,
    server_name: &str,
    mut config: Arc<ClientConfig>,
) -> Result<Session<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(server_name.to_owned()).unwrap_or_else(|_| {
        // Not a name that SNI can carry; the target is still asked, just without a name.
        Arc::make_mut(&mut config).enable_sni = false;
        ServerName::try_from("name.invalid").expect("a fixed name is a DNS name")
    });
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| HandshakeError::from(&error))?;
    let session = stream.get_ref().1;
    let missing = || HandshakeError::Protocol("the session names no version or suite".to_owned());
    Ok(Session {
        version: session.protocol_version().map(u16::from).ok_or_else(missing)?,
        suite: session
            .negotiated_cipher_suite()
            .map(|suite| u16::from(suite.suite()))
            .ok_or_else(missing)?,
        group: session.negotiated_key_exchange_group().map(|group| u16::from(group.name())),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        stream,
    })
}

/// Lets every certificate through, and remembers what was shown and asked.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    client: Option<Arc<CertifiedKey>>,
    schemes: Vec<u16>,
    presented: Mutex<Presented>,
}

impl Recorder {
    fn record(&self, change: impl FnOnce(&mut Presented)) {
        change(&mut self.presented.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn presented(&self) -> Presented {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records whether a signature holds and how it was made, and goes on either way.
    fn judge(
        &self,
        scheme: SignatureScheme,
        verified: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.record(|presented| {
            presented.key_proven = Some(verified.is_ok());
            presented.scheme = Some(scheme.into());
        });
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.record(|presented| {
            presented.chain = std::iter::once(end_entity)
                .chain(intermediates)
                .map(|certificate| certificate.as_ref().to_vec())
                .collect();
            presented.staple = ocsp_response.to_vec();
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.judge(
            dss.scheme,
            rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms),
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.judge(
            dss.scheme,
            rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms),
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match self.schemes.is_empty() {
            true => self.provider.signature_verification_algorithms.supported_schemes(),
            false => self.schemes.iter().copied().map(SignatureScheme::from).collect(),
        }
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.record(|presented| {
            presented.client_certificate_requested = true;
            presented.authorities = u32::try_from(hints.len()).unwrap_or(u32::MAX);
        });
        self.client.clone()
    }

    fn has_certs(&self) -> bool {
        self.client.is_some()
    }
}

#[cfg(test)]
mod tests {
    use testkit::pki::{Authority, Identity, Leaf, self_signed};
    use testkit::tls::{self, Clients};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    fn server(identity: &Identity, client_authority: Option<&Authority>) -> TlsAcceptor {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let clients = client_authority.map_or(Clients::NotAsked, Clients::Needed);
        tls::server_with(identity, &[], clients, rustls::ALL_VERSIONS).into()
    }

    /// One handshake against an acceptor in this process; the acceptor then echoes four bytes.
    async fn shake(acceptor: TlsAcceptor, name: &str) -> Handshake<DuplexStream> {
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(async move {
            if let Ok(mut stream) = acceptor.accept(theirs).await {
                let mut buffer = [0; 4];
                stream.read_exact(&mut buffer).await.ok();
                stream.write_all(&buffer).await.ok();
                stream.flush().await.ok();
            }
        });
        connect(ours, name, Options::default()).await
    }

    #[tokio::test]
    async fn a_certificate_nobody_vouches_for_is_let_through_and_recorded() {
        let identity = self_signed(&Leaf::default());
        let shaken = shake(server(&identity, None), "some.other.name").await;
        let mut session = shaken.outcome.expect("session");
        assert_eq!(shaken.presented.chain, vec![identity.cert_der]);
        assert_eq!(shaken.presented.key_proven, Some(true));
        assert!(!shaken.presented.client_certificate_requested);
        assert_eq!((session.version, session.group), (0x0304, Some(0x11ec)));
        session.stream.write_all(b"ping").await.expect("write");
        let mut echo = [0; 4];
        session.stream.read_exact(&mut echo).await.expect("read");
        assert_eq!(&echo, b"ping");
    }

    #[tokio::test]
    async fn a_name_that_sni_cannot_carry_is_asked_without_a_name() {
        let identity = self_signed(&Leaf::default());
        let shaken = shake(server(&identity, None), "not a name").await;
        assert!(shaken.outcome.is_ok());
    }

    #[tokio::test]
    async fn a_server_that_wants_a_client_certificate_says_so_and_alerts_later() {
        let authority = Authority::new("Devices");
        let identity = authority.issue(&Leaf::default());
        let shaken = shake(server(&identity, Some(&authority)), "localhost").await;
        assert!(shaken.presented.client_certificate_requested);
        let mut session = shaken.outcome.expect("TLS 1.3 refuses only after the handshake");
        let error = session.stream.read_exact(&mut [0; 4]).await.expect_err("alert");
        assert_eq!(HandshakeError::from(&error), HandshakeError::Alert(116));
    }

    #[tokio::test]
    async fn bytes_that_are_no_tls_are_a_protocol_error() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let (ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("write");
        let shaken = connect(ours, "localhost", Options::default()).await;
        assert!(matches!(shaken.outcome, Err(HandshakeError::Protocol(_))), "{shaken:?}");
    }

    #[tokio::test]
    async fn a_stream_that_ends_is_a_network_failure() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let (ours, theirs) = duplex(64 * 1024);
        drop(theirs);
        let shaken = connect(ours, "localhost", Options::default()).await;
        assert!(matches!(shaken.outcome, Err(HandshakeError::Network(_))), "{shaken:?}");
    }
}
