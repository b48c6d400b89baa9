//! Whom the clients of a path trust, and the profile that its endpoints are held to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Source, limits};

/// Whom the path's clients trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trust {
    /// PEM file with the trust anchors, and with intermediates that the owner wants used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<Source>,
    /// Common names or whole subjects of the issuers that may appear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_issuers: Vec<String>,
    /// Digests of the public keys that servers may present: `sha256:` over SubjectPublicKeyInfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = limits::DIGEST)))]
    pub pinned_keys: Vec<String>,
    /// TLS profile that the endpoints are held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Certificate revocation lists, PEM or DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<Source>,
    /// Hosts, or `host:port`, that may be asked for revocation where `probePolicy.allow` names
    /// `onlineRevocation`, whatever their address; no other is asked then. Without it a host that a
    /// certificate names is asked at port 80, and only at a public address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = limits::HOST_LENGTH)))]
    pub revocation_hosts: Vec<String>,
}

/// A TLS profile that a rule pack holds as data.
///
/// A word without an edition means the edition that its comment names, now and later: a newer
/// edition gets a word of its own, so that no target is held to something else by an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Mozilla server-side TLS, intermediate: means `mozilla-intermediate-6.0`.
    MozillaIntermediate,
    /// Mozilla server-side TLS, modern: means `mozilla-modern-6.0`.
    MozillaModern,
    /// BSI TR-02102-2: means `bsi-tr-02102-2-2025-01`.
    Bsi,
    /// NIST SP 800-52: means `nist-sp-800-52r2`.
    Nist,
    /// Mozilla server-side TLS 5.7, modern.
    #[serde(rename = "mozilla-modern-5.7")]
    MozillaModern57,
    /// Mozilla server-side TLS 5.7, intermediate.
    #[serde(rename = "mozilla-intermediate-5.7")]
    MozillaIntermediate57,
    /// Mozilla server-side TLS 5.7, old.
    #[serde(rename = "mozilla-old-5.7")]
    MozillaOld57,
    /// Mozilla server-side TLS 5.8, modern.
    #[serde(rename = "mozilla-modern-5.8")]
    MozillaModern58,
    /// Mozilla server-side TLS 5.8, intermediate.
    #[serde(rename = "mozilla-intermediate-5.8")]
    MozillaIntermediate58,
    /// Mozilla server-side TLS 5.8, old.
    #[serde(rename = "mozilla-old-5.8")]
    MozillaOld58,
    /// Mozilla server-side TLS 6.0, modern.
    #[serde(rename = "mozilla-modern-6.0")]
    MozillaModern60,
    /// Mozilla server-side TLS 6.0, intermediate.
    #[serde(rename = "mozilla-intermediate-6.0")]
    MozillaIntermediate60,
    /// BSI TR-02102-2, lists of edition 2025-01.
    #[serde(rename = "bsi-tr-02102-2-2025-01")]
    BsiTr0210222025,
    /// NIST SP 800-52 revision 2.
    #[serde(rename = "nist-sp-800-52r2")]
    NistSp80052r2,
    /// RFC 9325 as RFC 10015 updates it.
    #[serde(rename = "rfc-9325")]
    Rfc9325,
    /// The profile that a rule pack of the owner's gives the name `own`.
    Own,
}

impl Profile {
    /// Every word, in the order of the schema.
    pub const ALL: [Self; 16] = [
        Self::MozillaIntermediate,
        Self::MozillaModern,
        Self::Bsi,
        Self::Nist,
        Self::MozillaModern57,
        Self::MozillaIntermediate57,
        Self::MozillaOld57,
        Self::MozillaModern58,
        Self::MozillaIntermediate58,
        Self::MozillaOld58,
        Self::MozillaModern60,
        Self::MozillaIntermediate60,
        Self::BsiTr0210222025,
        Self::NistSp80052r2,
        Self::Rfc9325,
        Self::Own,
    ];

    /// The word as it is written in documents and evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MozillaIntermediate => "mozilla-intermediate",
            Self::MozillaModern => "mozilla-modern",
            Self::Bsi => "bsi",
            Self::Nist => "nist",
            Self::MozillaModern57 => "mozilla-modern-5.7",
            Self::MozillaIntermediate57 => "mozilla-intermediate-5.7",
            Self::MozillaOld57 => "mozilla-old-5.7",
            Self::MozillaModern58 => "mozilla-modern-5.8",
            Self::MozillaIntermediate58 => "mozilla-intermediate-5.8",
            Self::MozillaOld58 => "mozilla-old-5.8",
            Self::MozillaModern60 => "mozilla-modern-6.0",
            Self::MozillaIntermediate60 => "mozilla-intermediate-6.0",
            Self::BsiTr0210222025 => "bsi-tr-02102-2-2025-01",
            Self::NistSp80052r2 => "nist-sp-800-52r2",
            Self::Rfc9325 => "rfc-9325",
            Self::Own => "own",
        }
    }
}
