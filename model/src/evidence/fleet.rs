//! What stands in the lists of `device_cert_hygiene.v1`: certificates, keys, devices, issuers and
//! revocation lists.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::KeyAlgorithm;

/// One certificate in a sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateExample {
    /// Where it was found: file, with the row or the number of the certificate in it.
    pub place: String,
    /// Subject as RFC 4514 text, cut: hostile.
    pub subject: String,
    /// Serial number, lower-case hex.
    pub serial: String,
}

/// Certificates that end on one calendar day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryDay {
    /// Earliest end of validity on that day.
    pub not_after: Timestamp,
    /// Certificates that end on that day.
    pub count: u32,
    /// Certificates that end on that day or before it.
    pub total: u32,
}

/// Months in which certificates end that are told apart: fifty years; a set with more of them is
/// `truncated`.
pub const MAX_MONTHS: usize = 600;

/// Devices that the inventory puts into one cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceGroup {
    /// Its name, cut: hostile.
    pub name: String,
    /// Devices in it that are in use.
    pub devices: u32,
    /// Certificates that they hold.
    pub certificates: u32,
    /// Earliest end of validity of these; absent if none of them ends.
    pub first_end: Option<Timestamp>,
}

/// Cohorts that are told apart; a set with more of them is `truncated`.
pub const MAX_COHORTS: usize = 500;

/// Certificates that end in one calendar month (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryMonth {
    /// Year and month, `2027-03`.
    pub month: String,
    /// Certificates that end in that month.
    pub count: u32,
}

/// Certificates that have issuer, month of expiry and kind of key in common: what is replaced
/// together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Month in which they end, `2027-03`; absent where they have no end.
    pub month: Option<String>,
    /// Kind of their keys; absent where it is unknown.
    pub algorithm: Option<KeyAlgorithm>,
    /// Size of their keys in bits; 0 where the kind is unknown.
    pub bits: u32,
    /// Certificates in the cohort.
    pub count: u32,
    /// One of them.
    pub example: CertificateExample,
}

/// Certificates with one kind of key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyKind {
    /// Kind of the key.
    pub algorithm: KeyAlgorithm,
    /// Size in bits; see [`KeyAlgorithm`] for what is counted.
    pub bits: u32,
    /// True for an RSA public exponent below 3.
    pub tiny_exponent: bool,
    /// Certificates with such a key.
    pub count: u32,
    /// One of them.
    pub example: CertificateExample,
}

/// Certificates signed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureKind {
    /// Algorithm by its usual name.
    pub algorithm: String,
    /// Hash in it, in the words of `ChainSignature`.
    pub hash: String,
    /// Certificates signed so.
    pub count: u32,
    /// One of them.
    pub example: CertificateExample,
}

/// Certificates with a lifetime of so many whole years of 365.25 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifetimeYears {
    /// Whole years between the two dates of validity; 100 stands for 100 and more.
    pub years: u32,
    /// Certificates with that lifetime.
    pub count: u32,
    /// One of them.
    pub example: CertificateExample,
}

/// One key that several devices hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// `sha256:` over the SubjectPublicKeyInfo.
    pub spki: String,
    /// Devices that hold it.
    pub count: u32,
    /// Some of them, sorted, at most 5.
    pub devices: Vec<String>,
}

/// What a device shows to be let in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CredentialShown {
    /// A user name.
    UserName,
    /// A certificate.
    Certificate,
}

/// One credential that the inventory gives to several devices. What it is stands in the inventory
/// alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedCredential {
    /// What it is.
    pub shown: CredentialShown,
    /// Devices in use that have it.
    pub count: u32,
    /// Some of them, sorted, at most 5.
    pub devices: Vec<String>,
}

/// One serial number that an issuer gave to several certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatedSerial {
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Different certificates with it.
    pub count: u32,
}

/// An issuer and its share of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerShare {
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Certificates that name it.
    pub count: u32,
}

/// A file, or a part of one, that gave no certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    /// File, with the row, line or number where there is one.
    pub place: String,
    /// What is wrong with it; never its content.
    pub reason: String,
}

/// Whether a revocation list is what it says it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CrlSignature {
    /// A certificate of the CA bundle with the issuer's name signed it.
    Verified,
    /// A certificate of the CA bundle has the issuer's name, and did not sign it.
    Wrong,
    /// No certificate of the CA bundle has the issuer's name, so nothing can be said.
    Unchecked,
}

/// A revocation list by what a renewal leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrlListed {
    /// Source as declared.
    pub place: String,
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Key of the issuer by its authority key identifier (RFC 5280 section 5.2.1), in hex, cut:
    /// hostile; absent if the list names none.
    pub key: Option<String>,
    /// Whether it is what it says it is. Entries of a `wrong` list are not used.
    pub signature: CrlSignature,
}

/// A revocation list that was out of date when it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrlOverdue {
    /// Source as declared.
    pub place: String,
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Since when the next one was due; absent if the list does not say.
    pub since: Option<Timestamp>,
}

/// A revocation list with what changes with every renewal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrlSeen {
    /// Source as declared.
    pub place: String,
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; absent if the list does not say.
    pub next_update: Option<Timestamp>,
    /// Certificates on it.
    pub entries: u32,
    /// Whether it is what it says it is. Entries of a `wrong` list are not used.
    pub signature: CrlSignature,
}
