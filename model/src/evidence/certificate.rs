//! Values about certificates that more than one check records.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A certificate that was seen, or a cohort of them that end on one day: what alerts about
/// expiring certificates read. Both certificate checks list it under `/certificates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSeen {
    /// `sha256:` over the SubjectPublicKeyInfo. Of a cohort: of the certificate that ends first.
    pub spki: String,
    /// Subject as RFC 4514 text, cut: hostile.
    pub subject: String,
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// End of validity; absent where it has none (9999-12-31, RFC 5280 section 4.1.2.5).
    pub not_after: Option<Timestamp>,
    /// Certificates in the cohort; 1 for a single certificate.
    pub count: u32,
}

/// Kind of a public key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// RSA; bits are those of the modulus.
    Rsa,
    /// ECDSA or ECDH over a prime or binary curve; bits are those of the field.
    Ec,
    /// DSA; bits are those of the prime modulus.
    Dsa,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// ML-DSA (FIPS 204); bits are the number of the parameter set: 44, 65 or 87.
    MlDsa,
}

/// What a certificate says about one use of its key (extended key usage, RFC 5280 section
/// 4.2.1.12).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UsageGrant {
    /// The use is named.
    Named,
    /// Every use is granted by `anyExtendedKeyUsage`.
    Any,
    /// There is no extended key usage, which restricts nothing.
    Unrestricted,
    /// Other uses are named, and this one is not.
    Excluded,
}
