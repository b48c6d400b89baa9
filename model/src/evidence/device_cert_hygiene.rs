//! `device_cert_hygiene.v1`: what a set of device certificates looks like as a whole.
//!
//! A set may hold a hundred thousand certificates, so evidence is aggregates: counts, cohorts, and
//! samples of at most [`SAMPLE`] entries that each stand beside the true count. Nothing depends on
//! the clock: cohorts carry dates, and rules bring the time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CertificateSeen, Contract, Item, KeyAlgorithm};
use crate::check::CheckId;

/// Entries in a sample.
pub const SAMPLE: usize = 20;

/// Days on which certificates end that are told apart; a set with more of them is `truncated`.
pub const MAX_DAYS: usize = 4_000;

/// The contract `device_cert_hygiene.v1`.
pub struct DeviceCertHygiene;

impl Contract for DeviceCertHygiene {
    const CHECK: CheckId = CheckId::DeviceCertHygiene;
    const VERSION: u32 = 1;
    type Stable = DeviceCertHygieneStable;
    type Volatile = DeviceCertHygieneVolatile;
}

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

/// Items that rules read. Where the set could not be read, every item says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertHygieneStable {
    /// Where the set is, as declared.
    #[serde(rename = "/set/source")]
    pub set_source: Item<String>,
    /// Files that were read.
    #[serde(rename = "/set/files")]
    pub set_files: Item<u32>,
    /// Different device certificates.
    #[serde(rename = "/set/certificates")]
    pub set_certificates: Item<u32>,
    /// Certificates that stand in the set as issuers of others, and are no device's.
    #[serde(rename = "/set/authorities")]
    pub set_authorities: Item<u32>,
    /// Further copies of certificates that were counted already.
    #[serde(rename = "/set/copies")]
    pub set_copies: Item<u32>,

    /// Cohorts by day of expiry, each with the certificate that ends first, the earliest day
    /// first; certificates without an end are one cohort, last.
    #[serde(rename = "/certificates")]
    pub certificates: Item<Vec<CertificateSeen>>,
    /// Earliest end of validity; absent if no certificate ends.
    #[serde(rename = "/expiry/earliest")]
    pub expiry_earliest: Item<Option<Timestamp>>,
    /// The same cohorts with running totals; certificates without an end are left out.
    #[serde(rename = "/expiry/days")]
    pub expiry_days: Item<Vec<ExpiryDay>>,

    /// Certificates by the month in which they end, the earliest first; those without an end are
    /// left out. At most [`MAX_MONTHS`].
    #[serde(rename = "/expiry/months", default = "super::not_asked::<Vec<ExpiryMonth>>")]
    pub expiry_months: Item<Vec<ExpiryMonth>>,
    /// Certificates by issuer, month of expiry and kind of key, the largest cohort first. At most
    /// [`MAX_COHORTS`]; certificates that name themselves as their issuer are one issuer, `self`.
    #[serde(rename = "/cohorts", default = "super::not_asked::<Vec<Cohort>>")]
    pub cohorts: Item<Vec<Cohort>>,
    /// Devices in use by the cohort that the inventory puts them in, the largest first. At most
    /// [`MAX_COHORTS`]; devices without one are left out.
    #[serde(rename = "/groups", default = "super::not_asked::<Vec<DeviceGroup>>")]
    pub groups: Item<Vec<DeviceGroup>>,

    /// Lifetimes of certificates that end, shortest first.
    #[serde(rename = "/lifetime/years")]
    pub lifetime_years: Item<Vec<LifetimeYears>>,
    /// Initial device identities (IEEE 802.1AR): no end by design, told by the end date and a
    /// serialNumber in the subject.
    #[serde(rename = "/lifetime/initial_identities")]
    pub lifetime_initial_identities: Item<u32>,
    /// Other certificates without an end.
    #[serde(rename = "/lifetime/endless/count")]
    pub lifetime_endless_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/lifetime/endless/sample")]
    pub lifetime_endless_sample: Item<Vec<CertificateExample>>,

    /// Keys by kind; observed only if every kind is known.
    #[serde(rename = "/keys/kinds")]
    pub keys_kinds: Item<Vec<KeyKind>>,
    /// Keys that more than one device holds. A device is the inventory's, or else the subject.
    #[serde(rename = "/keys/shared/count")]
    pub keys_shared_count: Item<u32>,
    /// Devices that hold one of them.
    #[serde(rename = "/keys/shared/devices")]
    pub keys_shared_devices: Item<u32>,
    /// Some of them, the most shared first.
    #[serde(rename = "/keys/shared/sample")]
    pub keys_shared_sample: Item<Vec<SharedKey>>,

    /// Signatures by kind; observed only if every algorithm is known.
    #[serde(rename = "/signatures/kinds")]
    pub signatures_kinds: Item<Vec<SignatureKind>>,
    /// Serial numbers that one issuer gave to more than one certificate.
    #[serde(rename = "/serials/repeated/count")]
    pub serials_repeated_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/serials/repeated/sample")]
    pub serials_repeated_sample: Item<Vec<RepeatedSerial>>,

    /// Whether there is an inventory.
    #[serde(rename = "/inventory/declared")]
    pub inventory_declared: Item<bool>,
    /// Devices in it that are in use.
    #[serde(rename = "/inventory/devices")]
    pub inventory_devices: Item<u32>,
    /// Devices in it that are out of use.
    #[serde(rename = "/inventory/retired")]
    pub inventory_retired: Item<u32>,
    /// Rows of it that could not be used.
    #[serde(rename = "/inventory/bad_rows/count")]
    pub inventory_bad_rows_count: Item<u32>,
    /// Some of them, with file and row.
    #[serde(rename = "/inventory/bad_rows/sample")]
    pub inventory_bad_rows_sample: Item<Vec<Unreadable>>,
    /// Devices in use of which the inventory says what they log in with: a user name, or a certificate
    /// by itself, by its fingerprint, or by issuer and serial number. 0 without an inventory.
    #[serde(rename = "/credentials/devices", default = "super::not_asked::<u32>")]
    pub credentials_devices: Item<u32>,
    /// User names and certificates that it gives to more than one device in use.
    #[serde(rename = "/credentials/shared/count", default = "super::not_asked::<u32>")]
    pub credentials_shared_count: Item<u32>,
    /// Devices that have one of them.
    #[serde(rename = "/credentials/shared/devices", default = "super::not_asked::<u32>")]
    pub credentials_shared_devices: Item<u32>,
    /// Some of them, the most shared first.
    #[serde(
        rename = "/credentials/shared/sample",
        default = "super::not_asked::<Vec<SharedCredential>>"
    )]
    pub credentials_shared_sample: Item<Vec<SharedCredential>>,
    /// Certificates that belong to no device of the inventory.
    #[serde(rename = "/binding/unbound/count")]
    pub binding_unbound_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/binding/unbound/sample")]
    pub binding_unbound_sample: Item<Vec<CertificateExample>>,
    /// Devices in use for which there is no certificate.
    #[serde(rename = "/binding/missing/count")]
    pub binding_missing_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/binding/missing/sample")]
    pub binding_missing_sample: Item<Vec<String>>,

    /// Certificates whose extended key usage leaves out clientAuth.
    #[serde(rename = "/usage/excluded/count")]
    pub usage_excluded_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/usage/excluded/sample")]
    pub usage_excluded_sample: Item<Vec<CertificateExample>>,
    /// Device certificates that are marked CA:TRUE.
    #[serde(rename = "/usage/authority/count")]
    pub usage_authority_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/usage/authority/sample")]
    pub usage_authority_sample: Item<Vec<CertificateExample>>,

    /// Declared issuers.
    #[serde(rename = "/issuers/declared")]
    pub issuers_declared: Item<u32>,
    /// Different issuers in the set.
    #[serde(rename = "/issuers/count", default = "super::not_asked::<u32>")]
    pub issuers_count: Item<u32>,
    /// Issuers in the set by share, the largest first; at most 100.
    #[serde(rename = "/issuers/seen")]
    pub issuers_seen: Item<Vec<IssuerShare>>,
    /// Certificates whose issuer is none of the declared ones.
    #[serde(rename = "/issuers/unexpected/count")]
    pub issuers_unexpected_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/issuers/unexpected/sample")]
    pub issuers_unexpected_sample: Item<Vec<CertificateExample>>,

    /// Declared revocation lists.
    #[serde(rename = "/crls/declared")]
    pub crls_declared: Item<u32>,
    /// The lists; observed only if every declared one could be read.
    #[serde(rename = "/crls/lists", default = "super::not_asked::<Vec<CrlListed>>")]
    pub crls_lists: Item<Vec<CrlListed>>,
    /// Those that were out of date when they were read; observed as the lists are.
    #[serde(rename = "/crls/overdue", default = "super::not_asked::<Vec<CrlOverdue>>")]
    pub crls_overdue: Item<Vec<CrlOverdue>>,
    /// The lists with their dates, in older evidence. They change with every renewal, so newer
    /// evidence has them as `/crls/dates` in the volatile half.
    #[serde(rename = "/crls/seen", default = "super::not_asked::<Vec<CrlSeen>>")]
    pub crls_seen: Item<Vec<CrlSeen>>,
    /// Certificates whose issuer has no usable list here.
    #[serde(rename = "/revocation/uncovered")]
    pub revocation_uncovered: Item<u32>,
    /// Certificates on a list of their issuer, devices out of use left out. Zero is observed only
    /// if every certificate's issuer has a usable list.
    #[serde(rename = "/revocation/revoked/count")]
    pub revocation_revoked_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/revocation/revoked/sample")]
    pub revocation_revoked_sample: Item<Vec<CertificateExample>>,

    /// Files, or parts of files, that should hold a certificate and gave none.
    #[serde(rename = "/unreadable/count")]
    pub unreadable_count: Item<u32>,
    /// Some of them.
    #[serde(rename = "/unreadable/sample")]
    pub unreadable_sample: Item<Vec<Unreadable>>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertHygieneVolatile {
    /// Bytes that were read.
    #[serde(rename = "/set/bytes")]
    pub set_bytes: Item<u64>,
    /// The revocation lists with their dates, and how many certificates are on each.
    #[serde(rename = "/crls/dates", default = "super::not_asked::<Vec<CrlSeen>>")]
    pub crls_dates: Item<Vec<CrlSeen>>,
}
