//! The certificate of the ingest: from an authority of our own in a Secret that all replicas
//! share, or from a Secret that somebody else keeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use x509_parser::prelude::FromDer as _;

use crate::settings::Settings;

/// Days that the authority lives.
const AUTHORITY_DAYS: i64 = 3_650;
/// Days that a server certificate lives.
const LEAF_DAYS: i64 = 90;
/// Days before its end at which a server certificate is made anew.
const RENEW_DAYS: i64 = 30;
/// How often the Secret is looked at.
const LOOK: Duration = Duration::from_secs(60);

/// What the ingest presents, and what Jobs trust.
pub struct Authority {
    api: Api<Secret>,
    secret: String,
    given: bool,
    names: Vec<String>,
    tls: watch::Sender<Arc<ServerConfig>>,
    ca: watch::Sender<String>,
}

impl Authority {
    /// Reads the Secret, or makes it.
    ///
    /// # Errors
    /// If the Secret cannot be read or made, or does not hold what it should.
    pub async fn open(client: kube::Client, settings: &Settings) -> anyhow::Result<Self> {
        let api: Api<Secret> = Api::namespaced(client, &settings.namespace);
        let secret = settings.ingest_secret.clone();
        let given = settings.ingest_secret_given;
        let names = names(&settings.ingest_url())?;
        let pems = read_or_make(&api, &secret, given, &names).await?;
        let (tls, _) = watch::channel(Arc::new(pems.server()?));
        let (ca, _) = watch::channel(pems.ca);
        Ok(Self { api, secret, given, names, tls, ca })
    }

    /// The TLS side that is in force.
    pub fn tls(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.tls.subscribe()
    }

    /// The PEM that Jobs are given.
    pub fn ca(&self) -> watch::Receiver<String> {
        self.ca.subscribe()
    }

    /// Follows the Secret, and makes its certificate anew in time, until `stop`.
    pub async fn keep(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => return,
            }
            let read = read_or_make(&self.api, &self.secret, self.given, &self.names).await;
            match read.and_then(|pems| Ok((pems.server()?, pems.ca))) {
                Ok((server, ca)) => {
                    self.tls.send_replace(Arc::new(server));
                    self.ca.send_if_modified(|old| std::mem::replace(old, ca.clone()) != ca);
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the ingest keeps its certificate")
                }
            }
        }
    }
}

/// The texts of the Secret.
#[derive(Clone)]
struct Pems {
    ca: String,
    ca_key: Option<String>,
    cert: String,
    key: String,
}

impl Pems {
    fn of(secret: &Secret) -> anyhow::Result<Self> {
        let text = |key: &str| -> anyhow::Result<String> {
            let data = secret.data.as_ref().and_then(|data| data.get(key));
            let bytes = data.with_context(|| format!("the Secret has no key `{key}`"))?;
            String::from_utf8(bytes.0.clone()).with_context(|| format!("`{key}` is no text"))
        };
        Ok(Self {
            ca: text("ca.crt")?,
            ca_key: text("ca.key").ok(),
            cert: text("tls.crt")?,
            key: text("tls.key")?,
        })
    }

    fn server(&self) -> anyhow::Result<ServerConfig> {
        let chain = CertificateDer::pem_slice_iter(self.cert.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .context("tls.crt")?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).context("tls.key")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .context("tls.crt and tls.key")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The end of the server certificate.
    fn ends(&self) -> anyhow::Result<Timestamp> {
        let der = CertificateDer::from_pem_slice(self.cert.as_bytes()).context("tls.crt")?;
        let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&der)
            .map_err(|error| anyhow::anyhow!("tls.crt: {error}"))?;
        Ok(Timestamp::from_second(certificate.validity().not_after.timestamp())?)
    }
}

async fn read_or_make(
    api: &Api<Secret>,
    name: &str,
    given: bool,
    names: &[String],
) -> anyhow::Result<Pems> {
    // Another replica may be at it, too: whoever comes second reads what the first wrote.
    for _ in 0..5 {
        let found = api.get_opt(name).await.with_context(|| format!("reading Secret {name}"))?;
        if given {
            let secret = found.with_context(|| format!("there is no Secret {name}"))?;
            return Pems::of(&secret);
        }
        let now = Timestamp::now();
        let Some(secret) = found else {
            let secret = secret(name, &make(names, now, None)?, None);
            match api.create(&PostParams::default(), &secret).await {
                Err(kube::Error::Api(status)) if status.is_already_exists() => continue,
                other => other.with_context(|| format!("making Secret {name}"))?,
            };
            continue;
        };
        let pems = Pems::of(&secret).ok();
        let renew_at = now + SignedDuration::from_hours(24 * RENEW_DAYS);
        let good = pems.as_ref().filter(|pems| pems.ends().is_ok_and(|end| end > renew_at));
        if let Some(pems) = good {
            return Ok(pems.clone());
        }
        let renewed = make(names, now, pems.as_ref())?;
        let version = secret.metadata.resource_version.clone();
        match api
            .replace(name, &PostParams::default(), &self::secret(name, &renewed, version))
            .await
        {
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            other => drop(other.with_context(|| format!("renewing Secret {name}"))?),
        }
    }
    bail!("Secret {name} changed every time that it was read")
}

fn secret(name: &str, pems: &Pems, resource_version: Option<String>) -> Secret {
    let mut data = BTreeMap::from([
        ("ca.crt".to_owned(), &pems.ca),
        ("tls.crt".to_owned(), &pems.cert),
        ("tls.key".to_owned(), &pems.key),
    ]);
    if let Some(key) = &pems.ca_key {
        data.insert("ca.key".to_owned(), key);
    }
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            resource_version,
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(
            data.into_iter()
                .map(|(key, text)| (key, ByteString(text.clone().into_bytes())))
                .collect(),
        ),
        ..Secret::default()
    }
}

/// A server certificate, from the authority that is there or from a new one.
fn make(names: &[String], now: Timestamp, old: Option<&Pems>) -> anyhow::Result<Pems> {
    let known = old.and_then(|old| Some((old.ca.clone(), old.ca_key.clone()?)));
    let (ca, ca_key) = match known {
        Some(known) => known,
        None => authority(now)?,
    };
    let issuer = Issuer::from_ca_cert_pem(&ca, KeyPair::from_pem(&ca_key)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "plumbline-ingest");
    params.not_before = point(now, -1)?;
    params.not_after = point(now, LEAF_DAYS)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let cert = params.signed_by(&key, &issuer)?.pem();
    Ok(Pems { ca, ca_key: Some(ca_key), cert, key: key.serialize_pem() })
}

fn authority(now: Timestamp) -> anyhow::Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "plumbline-ingest-ca");
    params.not_before = point(now, -1)?;
    params.not_after = point(now, AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn point(now: Timestamp, days: i64) -> anyhow::Result<time::OffsetDateTime> {
    let then = now + SignedDuration::from_hours(24 * days);
    Ok(time::OffsetDateTime::from_unix_timestamp(then.as_second())?)
}

/// The names that Jobs may call: the host of the URL, and what its shorter forms resolve to.
fn names(url: &str) -> anyhow::Result<Vec<String>> {
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', ':']).next())
        .filter(|host| !host.is_empty())
        .with_context(|| format!("the ingest's URL is like https://host:port, not `{url}`"))?;
    let mut names = vec![host.to_owned()];
    if let Some(short) = host.strip_suffix(".svc") {
        names.push(format!("{host}.cluster.local"));
        names.push(short.to_owned());
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_new_certificate_keeps_the_authority_that_jobs_trust() {
        let names = names("https://plumbline-ingest.audit.svc:8443").unwrap();
        assert!(names.contains(&"plumbline-ingest.audit.svc.cluster.local".to_owned()));
        let first = make(&names, now(), None).unwrap();
        let later = now() + SignedDuration::from_hours(24 * 70);
        let second = make(&names, later, Some(&first)).unwrap();
        assert_eq!(first.ca, second.ca);
        assert_ne!(first.cert, second.cert);
        assert_eq!(first.ends().unwrap(), now() + SignedDuration::from_hours(24 * LEAF_DAYS));
        second.server().unwrap();
    }

    #[test]
    fn a_url_without_tls_is_refused() {
        assert!(names("http://plumbline-ingest.audit.svc").is_err());
    }
}
