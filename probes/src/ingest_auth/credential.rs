//! The declared credential: read where it is needed, and shown by one place only.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::document::{Credential, CredentialKind};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::http::is_plain;
use crate::insecure_tls::HandshakeError;
use crate::source::Secret;
use crate::{Context, source};

/// What an endpoint is shown to be let in. It has no `Debug` and no `Serialize`.
pub struct Presented {
    authorization: Option<(&'static str, String)>,
    certificate: Option<Arc<CertifiedKey>>,
}

impl Presented {
    /// The bearer credential of this name, alone; a sentence if it is not there, is of another kind
    /// or cannot be presented.
    pub async fn named(
        context: &Context,
        credentials: &[Credential],
        name: &str,
    ) -> Result<Self, String> {
        let credential = credentials.iter().find(|credential| credential.name == name);
        let credential = credential
            .ok_or_else(|| format!("the target declares no credential `{}`", cut(name)))?;
        if credential.kind != CredentialKind::Bearer {
            return Err(format!(
                "the credential `{}` must be of kind bearer, found {}",
                credential.name,
                credential.kind.as_str()
            ));
        }
        let authorization = Some(("bearer", authorization(context, credential).await?));
        Ok(Self { authorization, certificate: None })
    }

    /// The first credential of the endpoint that a header can carry, and the first client
    /// certificate; a sentence if there is neither, or one of them cannot be presented.
    pub async fn read(context: &Context, credentials: &[Credential]) -> Result<Self, String> {
        let authorization = match in_header(credentials) {
            Some((kind, credential)) => Some((kind, authorization(context, credential).await?)),
            None => None,
        };
        let is_certificate = |c: &&Credential| c.kind == CredentialKind::ClientCertificate;
        let certificate = match credentials.iter().find(is_certificate) {
            Some(credential) => Some(Arc::new(certificate(context, credential).await?)),
            None => None,
        };
        if authorization.is_none() && certificate.is_none() {
            return Err(
                "the target declares no bearer, basic or clientCertificate credential for \
                        this endpoint"
                    .to_owned(),
            );
        }
        Ok(Self { authorization, certificate })
    }

    /// The same with the client certificate of another: where everybody must show one, what is left
    /// to decide is the token.
    pub fn beside(self, own: Option<&Self>) -> Self {
        Self { certificate: own.and_then(Self::certificate), ..self }
    }

    /// How it is presented: `bearer`, `basic`, `clientCertificate`, or two of them.
    pub fn kind(&self) -> String {
        let kind = |(kind, _): &(&'static str, String)| *kind;
        let certificate = self.certificate.as_ref().map(|_| CERTIFICATE_KIND);
        let kinds = self.authorization.as_ref().map(kind).into_iter().chain(certificate);
        kinds.collect::<Vec<_>>().join(" and ")
    }

    /// What of it can be presented where no client certificate is asked for.
    pub fn without_certificate(self) -> Option<Self> {
        self.authorization.is_some().then_some(Self { certificate: None, ..self })
    }

    /// The value of `Authorization`, for the one place that sends it.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(|(_, value)| value.as_str())
    }

    /// A path whose query carries the token (RFC 6750, section 2.3), for the one place that sends
    /// it. A sentence if there is no token.
    pub fn in_query(&self, path: &str, parameter: &str) -> Result<String, String> {
        let token = self.authorization().and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or("only a bearer token is sent in a query, and none is declared")?;
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut path = format!("{path}{joint}{parameter}=");
        for byte in token.bytes() {
            // Unreserved characters stay as they are (RFC 3986, section 2.3).
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
        Ok(path)
    }

    /// The client certificate with its key, for the one place that shows it.
    pub fn certificate(&self) -> Option<Arc<CertifiedKey>> {
        self.certificate.clone()
    }
}

const CERTIFICATE_KIND: &str = CredentialKind::ClientCertificate.as_str();

async fn authorization(context: &Context, credential: &Credential) -> Result<String, String> {
    let secret = secret(context, credential).await?;
    let value = match credential.kind {
        CredentialKind::Basic => format!("Basic {}", BASE64_STANDARD.encode(secret.expose())),
        _ => format!("Bearer {}", secret.expose()),
    };
    if secret.expose().is_empty() || !is_plain(&value, true) {
        return Err(format!(
            "the credential `{}` is empty or holds characters that a header cannot carry",
            credential.name
        ));
    }
    Ok(value)
}

/// A PEM file with chain and key, whichever comes first. Errors tell nothing of its content.
pub async fn certificate(
    context: &Context,
    credential: &Credential,
) -> Result<CertifiedKey, String> {
    let secret = secret(context, credential).await?;
    let pem = secret.expose().as_bytes();
    let wrong = |what| format!("the credential `{}` {what}", credential.name);
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| wrong("holds no certificate in PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(pem);
    let key = key.map_err(|_| wrong("holds no private key in PEM without a password"))?;
    let provider =
        CryptoProvider::get_default().ok_or_else(|| HandshakeError::NoProvider.to_string())?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|_| wrong("holds a key that does not fit its first certificate"))
}

/// The secret of a credential, for who presents it. Errors tell nothing of its content.
pub async fn secret(context: &Context, credential: &Credential) -> Result<Secret, String> {
    source::secret(context, &credential.source())
        .await
        .map_err(|error| format!("the credential `{}`: {error}", credential.name))
}

fn cut(name: &str) -> String {
    crate::text::cut(name.as_bytes())
}

/// The first credential that a header can carry.
pub fn in_header(credentials: &[Credential]) -> Option<(&'static str, &Credential)> {
    credentials.iter().find_map(|credential| match credential.kind {
        kind @ (CredentialKind::Bearer | CredentialKind::Basic) => {
            Some((kind.as_str(), credential))
        }
        CredentialKind::Mqtt | CredentialKind::ClientCertificate => None,
    })
}
