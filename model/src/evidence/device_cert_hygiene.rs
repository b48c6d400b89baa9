//! `device_cert_hygiene.v1`: what a set of device certificates looks like as a whole.
//!
//! A set may hold a million certificates, so evidence is aggregates: counts, cohorts, and samples of at
//! most [`SAMPLE`] entries that each stand beside the true count. Nothing depends on the clock but
//! `/crls/overdue`: cohorts carry dates, and rules bring the time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fleet::*;
use super::{CertificateSeen, Contract, Item};
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
