//! What a presented chain breaks, and what a staple says about it: values of
//! `broker_cert_identity.v1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A limit of an authority that a path breaks (RFC 5280 section 6.1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PathViolation {
    /// It is longer than a path length constraint allows (section 4.2.1.9).
    PathLength,
    /// A name lies outside name constraints (section 4.2.1.10).
    NameConstraints,
    /// A certificate has a critical extension that RFC 5280 does not know (section 4.2).
    CriticalExtension,
    /// A certificate that is no authority issued another (section 6.1.4 (k)).
    NotAnAuthority,
    /// The key usage of an authority lacks keyCertSign (section 6.1.4 (n)).
    KeyUsage,
    /// The extended key usage of an authority leaves out serverAuth.
    ExtendedKeyUsage,
}

/// Where a certificate by itself breaks the profile of RFC 5280.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CertificateBreach {
    /// The serial number is zero or negative (section 4.1.2.2).
    SerialNotPositive,
    /// The serial number has more than 20 octets (section 4.1.2.2).
    SerialTooLong,
    /// A date is UTCTime from 2050 on, or GeneralizedTime before (section 4.1.2.5).
    DateEncoding,
    /// The end of validity comes before its start (section 4.1.2.5).
    DatesContradict,
    /// There are extensions, and the version is not 3 (section 4.1.2.1).
    ExtensionsWithoutV3,
    /// The two fields for the signature algorithm differ (section 4.1.1.2).
    SignatureAlgorithmsDiffer,
    /// The issuer is empty (section 4.1.2.4).
    EmptyIssuer,
    /// The subject is empty, and no critical subjectAltName stands in for it (section 4.2.1.6).
    EmptySubject,
    /// A critical extension is none that RFC 5280 knows (section 4.2).
    UnknownCriticalExtension,
    /// An extension stands there twice (section 4.2).
    RepeatedExtension,
    /// keyCertSign on what is no authority (section 4.2.1.9).
    CertSignWithoutAuthority,
    /// An authority whose key usage lacks keyCertSign (section 4.2.1.3).
    AuthorityWithoutCertSign,
    /// Basic or name constraints of an authority are not critical (sections 4.2.1.9, 4.2.1.10).
    ConstraintsNotCritical,
    /// A path length or name constraints on what is no authority (sections 4.2.1.9, 4.2.1.10).
    ConstraintsWithoutAuthority,
    /// A subjectAltName without a name, or with an empty one (section 4.2.1.6).
    EmptyAlternativeName,
}

/// A presented certificate that breaks the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainBreach {
    /// Place in the presented chain.
    pub position: u32,
    /// What it breaks.
    pub breach: CertificateBreach,
}

/// A presented certificate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnreadableCertificate {
    /// Place in the presented chain.
    pub position: u32,
    /// What is wrong with it; never its content.
    pub reason: String,
}

/// What a verified staple says about the leaf (RFC 6960 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StapleOutcome {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked,
    /// The responder does not know it.
    Unknown,
}
