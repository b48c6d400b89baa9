//! A scripted edge that speaks TLS, and keeps every byte it was sent inside.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use testkit::pki::{Authority, Identity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A listening edge; it ends with this value.
pub struct TlsPeer {
    port: u16,
    inside: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl TlsPeer {
    /// Answers every request head with `answer`. With `devices`, a client certificate is needed.
    pub async fn start(
        identity: &Identity,
        devices: Option<&Authority>,
        answer: &'static str,
    ) -> Self {
        let acceptor = acceptor(identity, devices);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listener");
        let port = listener.local_addr().expect("address").port();
        let inside = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&inside);
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(session(acceptor.clone(), stream, answer, Arc::clone(&kept)));
            }
        });
        Self { port, inside, task }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was sent to it inside TLS.
    pub fn inside(&self) -> String {
        String::from_utf8_lossy(&self.inside.lock().expect("bytes")).into_owned()
    }
}

impl Drop for TlsPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A plaintext edge that knows no `Expect`: it reads head and body whole, then says `answer`.
/// It ends with this value.
pub struct PatientPeer {
    port: u16,
    task: JoinHandle<()>,
}

impl PatientPeer {
    pub async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listener");
        let port = listener.local_addr().expect("address").port();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let whole = |request: &[u8]| {
                    request.ends_with(b"}")
                        || (request.starts_with(b"GET ") && request.ends_with(b"\r\n\r\n"))
                };
                while !whole(&request) && matches!(stream.read_buf(&mut request).await, Ok(1..)) {}
                stream.write_all(answer.as_bytes()).await.ok();
            }
        });
        Self { port, task }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PatientPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(identity: &Identity, devices: Option<&Authority>) -> TlsAcceptor {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let chain = vec![CertificateDer::from(identity.cert_der.clone())];
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).expect("key");
    let builder = ServerConfig::builder();
    let builder = match devices {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.der().into()).expect("root");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.expect("verifier"))
        }
    };
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).expect("server config")))
}

async fn session(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    answer: &'static str,
    kept: Arc<Mutex<Vec<u8>>>,
) {
    let mut buffer = [0; 4096];
    let mut stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((_, mut refused)) => {
            // Read to the end, so that the alert is not overtaken by a reset.
            refused.shutdown().await.ok();
            while matches!(refused.read(&mut buffer).await, Ok(read) if read > 0) {}
            return;
        }
    };
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    kept.lock().expect("bytes").extend_from_slice(&head);
    stream.write_all(answer.as_bytes()).await.ok();
    stream.flush().await.ok();
    while let Ok(read) = stream.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        kept.lock().expect("bytes").extend_from_slice(&buffer[..read]);
    }
}
