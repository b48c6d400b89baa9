//! The Secret of the ingest's certificates: one that all replicas share and keep, or one that
//! somebody else keeps.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::certificate::Certificates;
use crate::settings::Settings;

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
        let certificates = read_or_make(&api, &secret, given, &names).await?;
        let (tls, _) = watch::channel(Arc::new(certificates.server()?));
        let (ca, _) = watch::channel(certificates.ca);
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

    /// Follows the Secret, and makes what is in it anew in time, until `stop`.
    pub async fn keep(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => return,
            }
            let read = read_or_make(&self.api, &self.secret, self.given, &self.names).await;
            match read.and_then(|certificates| Ok((certificates.server()?, certificates.ca))) {
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

async fn read_or_make(
    api: &Api<Secret>,
    name: &str,
    given: bool,
    names: &[String],
) -> anyhow::Result<Certificates> {
    // Another replica may be at it, too: whoever comes second reads what the first wrote.
    for _ in 0..5 {
        let found = api.get_opt(name).await.with_context(|| format!("reading Secret {name}"))?;
        if given {
            let secret = found.with_context(|| format!("there is no Secret {name}"))?;
            return Certificates::of(&secret);
        }
        let known = found.as_ref().and_then(|secret| Certificates::of(secret).ok());
        let due = Certificates::renewed(known.as_ref(), names, Timestamp::now())?;
        let Some(renewed) = due else {
            return known.context("certificates that need no renewal are there");
        };
        let version = found.and_then(|secret| secret.metadata.resource_version);
        let exists = version.is_some();
        let secret = secret(name, &renewed, version);
        let by = PostParams::default();
        let written = match exists {
            true => api.replace(name, &by, &secret).await,
            false => api.create(&by, &secret).await,
        };
        match written {
            Err(kube::Error::Api(status)) if status.is_already_exists() || status.is_conflict() => {
            }
            other => drop(other.with_context(|| format!("writing Secret {name}"))?),
        }
    }
    bail!("Secret {name} changed every time that it was read")
}

fn secret(name: &str, certificates: &Certificates, resource_version: Option<String>) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            resource_version,
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(certificates.data()),
        ..Secret::default()
    }
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

    #[test]
    fn a_service_is_known_by_its_longer_and_shorter_names() {
        let names = names("https://plumbline-ingest.audit.svc:8443").unwrap();
        assert_eq!(
            names,
            [
                "plumbline-ingest.audit.svc",
                "plumbline-ingest.audit.svc.cluster.local",
                "plumbline-ingest.audit"
            ]
        );
    }

    #[test]
    fn a_url_without_tls_is_refused() {
        assert!(names("http://plumbline-ingest.audit.svc").is_err());
    }
}
