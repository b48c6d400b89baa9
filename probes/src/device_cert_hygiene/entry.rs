//! What is kept of one certificate: identities, dates and short text, never the certificate.

use std::sync::Arc;

use model::evidence::UsageGrant;

use super::inventory::DeviceNumber;
use super::reading::Spot;
use super::short::{self, Short};
use crate::text::cut;
use crate::x509::Facts;
use crate::x509::key::{Key, KeyId};
use crate::x509::signature::Signature;

/// An authority that names of certificates point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Identity of its name.
    pub id: Short,
    /// Its name, cut.
    pub text: Box<str>,
}

/// Devices that hold one certificate. Nearly always it is one at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Holders {
    /// No device that the inventory knows.
    #[default]
    None,
    /// One device.
    One(DeviceNumber),
    /// Several devices.
    Several(Box<[DeviceNumber]>),
}

impl Holders {
    /// The devices.
    pub fn as_slice(&self) -> &[DeviceNumber] {
        match self {
            Self::None => &[],
            Self::One(device) => std::slice::from_ref(device),
            Self::Several(devices) => devices,
        }
    }
}

impl From<Vec<DeviceNumber>> for Holders {
    fn from(devices: Vec<DeviceNumber>) -> Self {
        match devices.as_slice() {
            [] => Self::None,
            [one] => Self::One(*one),
            _ => Self::Several(devices.into()),
        }
    }
}

/// What is kept of one certificate.
#[derive(Debug, Clone)]
pub struct Entry {
    /// SHA-256 over the DER, cut.
    pub fingerprint: Short,
    /// Digest of the key.
    pub key_id: KeyId,
    /// Identity of the subject.
    pub subject_id: Short,
    /// Its issuer; none if it names itself.
    pub issuer: Option<Arc<Issuer>>,
    /// Start of validity, in seconds since 1970.
    not_before: i64,
    /// End of validity.
    not_after: Option<i64>,
    /// The key, or why it is unknown.
    pub key: Result<Key, Box<str>>,
    /// The signature algorithm, or why it is unknown.
    pub signature: Result<Signature, Box<str>>,
    /// Devices of the inventory that hold it.
    pub holders: Holders,
    /// Serial number, subject and member in one piece.
    text: Box<[u8]>,
    serial_length: u32,
    subject_length: u32,
    /// Which of the set's sources holds it.
    pub source: u32,
    /// Which of the source's certificates it is.
    pub number: u32,
    /// What it says about clientAuth.
    pub client_auth: UsageGrant,
    /// CA:TRUE.
    pub is_ca: bool,
    /// The subject carries a serialNumber attribute.
    pub has_device_serial: bool,
    /// The issuer is one of the declared; true where none is declared.
    pub issuer_expected: bool,
}

impl Entry {
    /// Keeps what is needed of a certificate.
    pub fn new(
        facts: Facts,
        source: u32,
        spot: &Spot,
        issuer: Option<Arc<Issuer>>,
        issuer_expected: bool,
        holders: Holders,
    ) -> Self {
        let subject = cut(facts.subject.as_bytes());
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self {
            fingerprint: short::cut(&facts.fingerprint),
            key_id: facts.key_id,
            subject_id: short::cut(&facts.subject_id),
            issuer,
            not_before: facts.not_before.as_second(),
            not_after: facts.not_after.map(jiff::Timestamp::as_second),
            client_auth: facts.grants("clientAuth"),
            is_ca: facts.is_ca,
            has_device_serial: facts.has_device_serial,
            issuer_expected,
            holders,
            text: [&facts.serial, subject.as_bytes(), spot.member.as_bytes()].concat().into(),
            serial_length: length(&facts.serial),
            subject_length: length(subject.as_bytes()),
            source,
            number: spot.number,
            key: facts.key.map_err(String::into_boxed_str),
            signature: facts.signature.map_err(String::into_boxed_str),
        }
    }

    /// Identity of the issuer.
    pub fn issuer_id(&self) -> Short {
        self.issuer.as_ref().map_or(self.subject_id, |issuer| issuer.id)
    }

    /// Issuer, cut.
    pub fn issuer_text(&self) -> String {
        self.issuer.as_ref().map_or_else(|| self.subject(), |issuer| issuer.text.to_string())
    }

    /// True if issuer and subject are the same name.
    pub fn is_self_signed(&self) -> bool {
        self.issuer.is_none()
    }

    /// Serial number.
    pub fn serial(&self) -> &[u8] {
        self.parts().0
    }

    /// Subject, cut.
    pub fn subject(&self) -> String {
        String::from_utf8_lossy(self.parts().1).into_owned()
    }

    /// Name inside an archive; empty where there is none.
    pub fn member(&self) -> &str {
        std::str::from_utf8(self.parts().2).unwrap_or_default()
    }

    /// End of validity; none where it has none.
    pub fn not_after(&self) -> Option<jiff::Timestamp> {
        self.not_after.and_then(|end| jiff::Timestamp::from_second(end).ok())
    }

    /// Seconds between the two dates of validity.
    pub fn lifetime_seconds(&self) -> Option<i64> {
        self.not_after.map(|end| end - self.not_before)
    }

    /// Bytes that the certificate alone decides about: what a set may have is bounded by them.
    pub fn kept_bytes(&self) -> u64 {
        let unknown = |reason: Option<&Box<str>>| reason.map_or(0, |reason| reason.len());
        let holders = match &self.holders {
            Holders::Several(devices) => size_of_val::<[DeviceNumber]>(devices),
            _ => 0,
        };
        let reasons = unknown(self.key.as_ref().err()) + unknown(self.signature.as_ref().err());
        u64::try_from(self.text.len() + holders + reasons).unwrap_or(u64::MAX)
    }

    fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        let serial = usize::try_from(self.serial_length).unwrap_or_default();
        let subject = usize::try_from(self.subject_length).unwrap_or_default();
        let (serial, rest) = self.text.split_at_checked(serial).unwrap_or_default();
        let (subject, member) = rest.split_at_checked(subject).unwrap_or_default();
        (serial, subject, member)
    }

    /// The same certificate with another end, for tests of what is counted.
    #[cfg(test)]
    pub fn ending(mut self, end: jiff::Timestamp) -> Self {
        self.not_after = Some(end.as_second());
        self
    }
}
