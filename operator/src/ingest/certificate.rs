//! The certificates of the ingest, and when they are made anew: pure, with the clock as an
//! argument.
//!
//! A Job trusts the authorities that there were when it was made. So a new authority is given to
//! Jobs first, and signs only when every Job that does not know it has long ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Days that an authority lives.
const AUTHORITY_DAYS: i64 = 3_650;
/// Days before its end at which an authority gets a successor.
const SUCCEED_DAYS: i64 = 365;
/// Days that an authority must have been given to Jobs before it signs: longer than any Job.
const KNOWN_DAYS: i64 = 2;
/// Days that a server certificate lives.
const LEAF_DAYS: i64 = 90;
/// Days before its end at which a server certificate is made anew.
const RENEW_DAYS: i64 = 30;
/// Days before now at which what is made begins: clocks differ.
const BACKDATED_DAYS: i64 = 1;

/// An authority of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    certificate: String,
    key: String,
}

/// What the Secret holds, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificates {
    /// What Jobs trust.
    pub ca: String,
    /// Our own authorities, the newest first; none where the Secret is somebody else's.
    authorities: Vec<Authority>,
    certificate: String,
    key: String,
}

impl Certificates {
    /// Reads a Secret.
    ///
    /// # Errors
    /// If a key is missing, or is no text.
    pub(super) fn of(secret: &Secret) -> anyhow::Result<Self> {
        let text = |key: &str| -> anyhow::Result<String> {
            let data = secret.data.as_ref().and_then(|data| data.get(key));
            let bytes = data.with_context(|| format!("the Secret has no key `{key}`"))?;
            String::from_utf8(bytes.0.clone()).with_context(|| format!("`{key}` is no text"))
        };
        let ca = text("ca.crt")?;
        let keys = blocks(&text("ca.key").unwrap_or_default());
        let authorities = blocks(&ca)
            .into_iter()
            .zip(keys)
            .map(|(certificate, key)| Authority { certificate, key })
            .collect();
        Ok(Self { ca, authorities, certificate: text("tls.crt")?, key: text("tls.key")? })
    }

    /// The data of the Secret.
    pub(super) fn data(&self) -> BTreeMap<String, ByteString> {
        let keys: String = self.authorities.iter().map(|a| a.key.as_str()).collect();
        [
            ("ca.crt", self.ca.clone()),
            ("ca.key", keys),
            ("tls.crt", self.certificate.clone()),
            ("tls.key", self.key.clone()),
        ]
        .map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes())))
        .into()
    }

    /// The TLS side of the ingest.
    ///
    /// # Errors
    /// If certificate and key cannot be read, or do not belong together.
    pub(super) fn server(&self) -> anyhow::Result<ServerConfig> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
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

    /// These certificates, or what replaces them: none if nothing is due.
    ///
    /// # Errors
    /// If a key that is there cannot sign.
    pub(super) fn renewed(
        old: Option<&Self>,
        names: &[String],
        now: Timestamp,
    ) -> anyhow::Result<Option<Self>> {
        let mut authorities: Vec<Authority> = old
            .into_iter()
            .flat_map(|old| old.authorities.clone())
            .filter(|a| ends(&a.certificate).is_ok_and(|end| end > now))
            .collect();
        let lasts = authorities
            .first()
            .is_some_and(|a| ends(&a.certificate).is_ok_and(|e| e > now + days(SUCCEED_DAYS)));
        if !lasts {
            authorities.insert(0, Authority::new(now)?);
        }
        let leaf = old
            .filter(|old| {
                ends(&old.certificate).is_ok_and(|end| end > now + days(RENEW_DAYS))
                    && names.iter().all(|name| names_of(&old.certificate).contains(name))
                    && old.server().is_ok()
            })
            .map(|old| (old.certificate.clone(), old.key.clone()));
        if lasts && leaf.is_some() {
            return Ok(None);
        }
        let (certificate, key) = match leaf {
            Some(leaf) => leaf,
            None => signing(&authorities, now).sign(names, now)?,
        };
        let ca = authorities.iter().map(|a| a.certificate.as_str()).collect();
        Ok(Some(Self { ca, authorities, certificate, key }))
    }
}

/// The newest authority that every Job knows; the only one, where there is no other.
fn signing(authorities: &[Authority], now: Timestamp) -> &Authority {
    let known = |a: &&Authority| {
        begins(&a.certificate).is_ok_and(|b| b + days(BACKDATED_DAYS + KNOWN_DAYS) <= now)
    };
    let newest = authorities.iter().find(known).or(authorities.last());
    newest.expect("there is at least the one that was just made")
}

impl Authority {
    fn new(now: Timestamp) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "plumbline-ingest-ca");
        params.not_before = point(now, -BACKDATED_DAYS)?;
        params.not_after = point(now, AUTHORITY_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, key: key.serialize_pem() })
    }

    /// A server certificate and its key.
    fn sign(&self, names: &[String], now: Timestamp) -> anyhow::Result<(String, String)> {
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, KeyPair::from_pem(&self.key)?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name.push(DnType::CommonName, "plumbline-ingest");
        params.not_before = point(now, -BACKDATED_DAYS)?;
        params.not_after = point(now, LEAF_DAYS)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
    }
}

/// The PEM blocks of a text, each with its last line's break.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            block = Some(String::new());
        }
        if let Some(block) = &mut block {
            block.push_str(line);
            block.push('\n');
        }
        if line.starts_with("-----END ") {
            blocks.extend(block.take());
        }
    }
    blocks
}

fn read<T>(pem: &str, what: impl FnOnce(&X509Certificate<'_>) -> T) -> anyhow::Result<T> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes())?;
    let (_, certificate) = X509Certificate::from_der(&der)?;
    Ok(what(&certificate))
}

fn ends(pem: &str) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_second(read(pem, |c| c.validity().not_after.timestamp())?)?)
}

fn begins(pem: &str) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_second(read(pem, |c| c.validity().not_before.timestamp())?)?)
}

/// The names that a server certificate is for, as a URL has them.
fn names_of(pem: &str) -> Vec<String> {
    let names = read(pem, |certificate| {
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.into_iter().flat_map(|extension| &extension.value.general_names);
        names
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(octets) => address(octets),
                _ => None,
            })
            .collect()
    });
    names.unwrap_or_default()
}

fn address(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).map(std::net::IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(octets).map(std::net::IpAddr::from);
    four.or_else(|_| sixteen()).ok().map(|address| address.to_string())
}

fn days(number: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * number)
}

fn point(now: Timestamp, after: i64) -> anyhow::Result<time::OffsetDateTime> {
    Ok(time::OffsetDateTime::from_unix_timestamp((now + days(after)).as_second())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn names() -> Vec<String> {
        vec!["plumbline-ingest.audit.svc".to_owned(), "10.0.0.1".to_owned()]
    }

    fn renewed(old: Option<&Certificates>, now: Timestamp) -> Option<Certificates> {
        Certificates::renewed(old, &names(), now).unwrap()
    }

    /// Whether a Job that trusts `ca` takes the server's certificate at `now`.
    fn trusts(ca: &str, server: &Certificates, now: Timestamp) -> bool {
        let leaf = CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap();
        let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
        let good = leaf.validity().not_before.timestamp() <= now.as_second()
            && now.as_second() <= leaf.validity().not_after.timestamp();
        good && blocks(ca).iter().any(|authority| {
            let der = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
            let (_, authority) = X509Certificate::from_der(&der).unwrap();
            leaf.verify_signature(Some(authority.public_key())).is_ok()
        })
    }

    #[test]
    fn a_new_certificate_keeps_the_authority_that_jobs_trust() {
        let first = renewed(None, start()).unwrap();
        first.server().unwrap();
        assert_eq!(renewed(Some(&first), start() + days(59)), None, "nothing is due");
        let second = renewed(Some(&first), start() + days(61)).unwrap();
        assert_eq!(first.ca, second.ca);
        assert_ne!(first.certificate, second.certificate);
        assert_eq!(ends(&second.certificate).unwrap(), start() + days(61 + LEAF_DAYS));
    }

    #[test]
    fn a_successor_is_known_before_it_signs_and_no_job_ever_meets_a_stranger() {
        let mut now = start();
        let mut current = renewed(None, now).unwrap();
        let first = current.ca.clone();
        let mut given: Vec<(Timestamp, String)> = Vec::new();
        let mut rotated = 0;
        // Looked at once a day for twenty-five years.
        for _ in 0..25 * 365 {
            given.push((now, current.ca.clone()));
            given.retain(|(since, _)| *since + days(1) >= now);
            if let Some(next) = renewed(Some(&current), now) {
                rotated += usize::from(next.ca != current.ca);
                current = next;
            }
            for (since, ca) in &given {
                assert!(trusts(ca, &current, now), "a Job of {since} at {now}");
            }
            assert!(blocks(&current.ca).len() <= 2, "{} authorities", blocks(&current.ca).len());
            now += days(1);
        }
        assert!(rotated >= 4, "{rotated} changes of what Jobs trust");
        assert!(!current.ca.contains(&first), "the first authority ended");
    }

    #[test]
    fn what_a_secret_holds_comes_back() {
        let first = renewed(None, start()).unwrap();
        let both = renewed(Some(&first), start() + days(AUTHORITY_DAYS - SUCCEED_DAYS)).unwrap();
        assert_eq!(blocks(&both.ca).len(), 2);
        for certificates in [first, both] {
            let secret = Secret { data: Some(certificates.data()), ..Secret::default() };
            assert_eq!(Certificates::of(&secret).unwrap(), certificates);
        }
    }

    #[test]
    fn another_name_of_the_ingest_needs_another_certificate() {
        let first = renewed(None, start()).unwrap();
        let other = ["other-ingest.audit.svc".to_owned()];
        let next = Certificates::renewed(Some(&first), &other, start()).unwrap().unwrap();
        assert_eq!(next.ca, first.ca);
        assert_eq!(names_of(&next.certificate), other);
    }

    #[test]
    fn a_secret_that_was_damaged_is_made_anew() {
        let first = renewed(None, start()).unwrap();
        let damaged = Certificates { key: "nothing".to_owned(), ..first.clone() };
        let next = renewed(Some(&damaged), start()).unwrap();
        assert_eq!(next.ca, first.ca);
        next.server().unwrap();
    }
}
