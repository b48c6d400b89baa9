//! The facts of one certificate.

use jiff::Timestamp;
use model::evidence::UsageGrant;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{ExtendedKeyUsage, KeyUsage};
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::MAX_CERTIFICATE_BYTES;
use super::key::{self, Key, KeyId};
use super::name::{self, NameId};
use super::signature::{self, Signature};
use super::subject_names::SubjectNames;

/// Why bytes are no certificate that anybody should use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// More than [`MAX_CERTIFICATE_BYTES`].
    #[error("it has {0} bytes, more than the {MAX_CERTIFICATE_BYTES} that are read")]
    TooLarge(usize),
    /// No X.509 certificate in DER.
    #[error("it is no X.509 certificate in DER")]
    NotX509,
    /// Something follows the certificate.
    #[error("{0} bytes follow the certificate")]
    TrailingBytes(usize),
    /// An extension cannot be read, or stands there twice.
    #[error("its {0} extension is broken or repeated")]
    Extension(&'static str),
    /// A date is outside the years 0 to 9999.
    #[error("its dates of validity cannot be read")]
    Dates,
}

/// What a certificate says. Text in it is whole: whoever writes it into evidence cuts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// SHA-256 over the DER.
    pub fingerprint: [u8; 32],
    /// Subject as RFC 4514 text.
    pub subject: String,
    /// Identity of the subject.
    pub subject_id: NameId,
    /// First common name of the subject.
    pub common_name: Option<String>,
    /// True if the subject carries a serialNumber attribute, as IEEE 802.1AR asks of devices.
    pub has_device_serial: bool,
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Identity of the issuer.
    pub issuer_id: NameId,
    /// First common name of the issuer.
    pub issuer_common_name: Option<String>,
    /// Serial number, big-endian, as it stands.
    pub serial: Vec<u8>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity; none where it has none.
    pub not_after: Option<Timestamp>,
    /// Digest of the SubjectPublicKeyInfo.
    pub key_id: KeyId,
    /// The key, or why its kind is unknown.
    pub key: Result<Key, String>,
    /// The signature algorithm, or why it is unknown.
    pub signature: Result<Signature, String>,
    /// Subject alternative names.
    pub names: SubjectNames,
    /// Extended key usages by name or object identifier, sorted; none without the extension.
    pub extended_usage: Option<Vec<String>>,
    /// Key usages in the order of RFC 5280 section 4.2.1.3; none without the extension.
    pub key_usage: Option<Vec<&'static str>>,
    /// basicConstraints CA:TRUE.
    pub is_ca: bool,
}

impl Facts {
    /// Reads a certificate in DER.
    pub fn read(der: &[u8]) -> Result<Self, FactsError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(FactsError::TooLarge(der.len()));
        }
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| FactsError::NotX509)?;
        if !rest.is_empty() {
            return Err(FactsError::TrailingBytes(rest.len()));
        }
        let names = extension("subjectAltName", certificate.subject_alternative_name())?
            .map(|san| SubjectNames::read(san.value))
            .unwrap_or_default();
        let extended_usage = extension("extendedKeyUsage", certificate.extended_key_usage())?
            .map(|usage| extended_names(usage.value));
        let key_usage = extension("keyUsage", certificate.key_usage())?
            .map(|usage| key_usage_names(usage.value));
        Ok(Self {
            fingerprint: Sha256::digest(der).into(),
            subject: name::text(certificate.subject()),
            subject_id: name::id(certificate.subject()),
            common_name: name::common_name(certificate.subject()),
            has_device_serial: name::first(certificate.subject(), "2.5.4.5").is_some(),
            issuer: name::text(certificate.issuer()),
            issuer_id: name::id(certificate.issuer()),
            issuer_common_name: name::common_name(certificate.issuer()),
            serial: certificate.raw_serial().to_vec(),
            not_before: start(certificate.validity().not_before)?,
            not_after: end(certificate.validity().not_after)?,
            key_id: key::id(certificate.public_key()),
            key: key::read(certificate.public_key()),
            signature: signature::read(&certificate.signature_algorithm),
            names,
            extended_usage,
            key_usage,
            is_ca: is_ca(&certificate)?,
        })
    }

    /// True if issuer and subject are the same name.
    pub fn is_self_signed(&self) -> bool {
        self.subject_id == self.issuer_id
    }

    /// What the extended key usage says about one use, by its name.
    pub fn grants(&self, usage: &str) -> UsageGrant {
        let Some(usages) = &self.extended_usage else { return UsageGrant::Unrestricted };
        let names = |wanted: &str| usages.iter().any(|name| name == wanted);
        if names(usage) {
            UsageGrant::Named
        } else if names(ANY_USAGE) {
            UsageGrant::Any
        } else {
            UsageGrant::Excluded
        }
    }

    /// Seconds between the two dates of validity; none without an end, negative if they contradict
    /// each other.
    pub fn lifetime_seconds(&self) -> Option<i64> {
        self.not_after.map(|end| end.as_second() - self.not_before.as_second())
    }

    /// The serial number as evidence writes it.
    pub fn serial_text(&self) -> String {
        serial_text(&self.serial)
    }
}

/// A serial number as evidence writes it: lower-case hex, cut like every text from outside.
pub fn serial_text(serial: &[u8]) -> String {
    crate::text::cut(model::digest::hex(serial).as_bytes())
}

const ANY_USAGE: &str = "anyExtendedKeyUsage";

fn extension<T>(name: &'static str, found: Result<T, X509Error>) -> Result<T, FactsError> {
    found.map_err(|_| FactsError::Extension(name))
}

/// CA:TRUE. A basicConstraints extension that cannot be read is an error, not a "no".
fn is_ca(certificate: &X509Certificate<'_>) -> Result<bool, FactsError> {
    const OID: &str = "2.5.29.19";
    let found = extension("basicConstraints", certificate.basic_constraints())?;
    let present = || certificate.iter_extensions().any(|e| e.oid.to_id_string() == OID);
    match found {
        Some(constraints) => Ok(constraints.value.ca),
        None if present() => Err(FactsError::Extension("basicConstraints")),
        None => Ok(false),
    }
}

fn extended_names(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, ANY_USAGE),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let named = known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned());
    let others = usage.other.iter().map(x509_parser::asn1_rs::Oid::to_id_string);
    let mut names: Vec<_> = named.chain(others).collect();
    names.sort();
    names
}

fn key_usage_names(usage: &KeyUsage) -> Vec<&'static str> {
    [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

fn start(time: ASN1Time) -> Result<Timestamp, FactsError> {
    Timestamp::from_second(time.timestamp()).map_err(|_| FactsError::Dates)
}

/// An end of validity. RFC 5280 section 4.1.2.5 writes "no well-defined end" as the last second of
/// the year 9999; a [`Timestamp`] ends a day before that, so whatever it cannot hold has no end.
fn end(time: ASN1Time) -> Result<Option<Timestamp>, FactsError> {
    let seconds = time.timestamp();
    if seconds > Timestamp::MAX.as_second() {
        return Ok(None);
    }
    Timestamp::from_second(seconds).map(Some).map_err(|_| FactsError::Dates)
}
