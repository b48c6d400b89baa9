//! A server of rustls, whose provider has what it is told and nothing else.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use testkit::peer::{Peer, Script};

use super::told::Told;

/// Starts it. The words are versions, suites (`all` or names) and groups, names or numbers alike.
pub(super) async fn start(words: &[&str], file: &Path) -> anyhow::Result<(Peer, Told)> {
    let [versions, suites, groups] = words else { anyhow::bail!("three words, not {words:?}") };
    let lines = |kind: &str, names: &str| -> String {
        names.split(',').map(|name| format!("{kind} {name}\n")).collect()
    };
    let all = *suites == "all";
    let mut wanted = lines("version", versions) + &lines("group", groups);
    if !all {
        wanted += &lines("suite", suites);
    }
    let wanted = Told::read(&wanted)?;
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = aws_lc_rs::ALL_CIPHER_SUITES.to_vec();
    provider.cipher_suites.retain(|one| all || wanted.suites.contains(&one.suite().into()));
    provider.kx_groups = aws_lc_rs::ALL_KX_GROUPS.to_vec();
    provider.kx_groups.retain(|one| wanted.groups.contains(&one.name().into()));
    let versions: Vec<_> = rustls::ALL_VERSIONS
        .iter()
        .copied()
        .filter(|one| wanted.versions.contains(&one.version.into()))
        .collect();
    let told = told(&provider, &versions);
    let pem = std::fs::read(file)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(&pem);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(chain.context("a certificate")?, key.context("a key")?)?;
    Ok((Peer::secured(Arc::new(config), Script::Hang).await, told))
}

fn told(provider: &CryptoProvider, versions: &[&'static rustls::SupportedProtocolVersion]) -> Told {
    Told {
        versions: versions.iter().map(|one| one.version.into()).collect(),
        suites: provider.cipher_suites.iter().map(|one| one.suite().into()).collect(),
        groups: provider.kx_groups.iter().map(|one| one.name().into()).collect(),
    }
}
