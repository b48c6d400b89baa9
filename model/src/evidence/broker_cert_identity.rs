//! `broker_cert_identity.v1`: the certificate chain that an endpoint presents, and whom it vouches
//! for.
//!
//! Nothing here depends on the clock: dates are recorded as they stand in the certificates, and the
//! path is judged apart from them. Rules bring the time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CertificateSeen, ChainBreach, Contract, Item, KeyAlgorithm, PathViolation, StapleOutcome,
    UnreadableCertificate, UsageGrant,
};
use crate::check::CheckId;
use crate::document::Protocol;

/// The contract `broker_cert_identity.v1`.
pub struct BrokerCertIdentity;

impl Contract for BrokerCertIdentity {
    const CHECK: CheckId = CheckId::BrokerCertIdentity;
    const VERSION: u32 = 1;
    type Stable = BrokerCertIdentityStable;
    type Volatile = BrokerCertIdentityVolatile;
}

/// How far a handshake came that presented a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandshakeOutcome {
    /// To its end, as far as a client can tell: in TLS 1.3 a server refuses only later.
    Completed,
    /// The endpoint presented its chain and then broke off, as one does that wants a client
    /// certificate.
    EndedAfterCertificate,
    /// The endpoint has no version and suite in common with a present-day client; its chain was
    /// read from its first flight, which TLS 1.2 and below send in clear. The key is not proven.
    ReadInClear,
}

/// Part of a certificate in the presented chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainRole {
    /// The first one: the endpoint's own.
    Leaf,
    /// One that stands between the leaf and an anchor.
    Intermediate,
    /// A declared anchor, or a later certificate that vouches for itself.
    Anchor,
}

/// A presented certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainCertificate {
    /// Place in the presented chain; the leaf is 0.
    pub position: u32,
    /// Part that it plays.
    pub role: ChainRole,
    /// Subject as RFC 4514 text, cut: hostile.
    pub subject: String,
    /// Issuer as RFC 4514 text, cut: hostile.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// `sha256:` over the SubjectPublicKeyInfo.
    pub spki: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity; absent where it has none.
    pub not_after: Option<Timestamp>,
    /// basicConstraints CA:TRUE.
    pub is_ca: bool,
}

/// The public key of a presented certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainKey {
    /// Place in the presented chain.
    pub position: u32,
    /// Kind of the key.
    pub algorithm: KeyAlgorithm,
    /// Size in bits; see [`KeyAlgorithm`] for what is counted.
    pub bits: u32,
    /// True for an RSA public exponent below 3, which RFC 8017 section 3.1 rules out.
    pub tiny_exponent: bool,
}

/// The signature on a presented certificate that is no anchor. An anchor's signature proves
/// nothing, so it is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainSignature {
    /// Place in the presented chain.
    pub position: u32,
    /// Algorithm by its usual name, for example `sha256WithRSAEncryption`.
    pub algorithm: String,
    /// Hash in it: `md2`, `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`, `sha3_256`,
    /// `sha3_384`, `sha3_512`, or `intrinsic` where the algorithm has its own.
    pub hash: String,
}

/// How the names of the leaf relate to the reference identity (RFC 9525 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameOutcome {
    /// A dNSName equals it.
    DnsMatch,
    /// A dNSName with a wildcard as its whole left-most label covers it.
    WildcardMatch,
    /// An iPAddress equals it.
    IpMatch,
    /// There are names, and none of them is the reference identity.
    Mismatch,
    /// There is no DNS name and no IP address at all. The common name is never looked at.
    NoNames,
}

/// What the declared anchors say about the presented chain, apart from dates, names and uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathOutcome {
    /// The presented certificates lead to a declared anchor.
    Trusted,
    /// They do only with an intermediate that the owner keeps and the endpoint does not send.
    Incomplete,
    /// The leaf vouches for itself and is not declared.
    SelfSigned,
    /// They do not lead to a declared anchor.
    Untrusted,
}

/// Whether the leaf's key is one of the declared pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinOutcome {
    /// It is.
    Match,
    /// It is none of them.
    Mismatch,
}

/// Whether the leaf's issuer is one of the declared ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuerOutcome {
    /// It is.
    Expected,
    /// It is none of them.
    Unexpected,
}

/// What the declared revocation lists say about the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationOutcome {
    /// A verified list of its issuer does not name it.
    NotListed,
    /// A verified list of its issuer names it.
    Revoked,
}

/// Whether an answer about revocation, or a list, was current when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Newer information was not due yet.
    Current,
    /// It was.
    Overdue,
    /// It does not say when newer information is due.
    Undated,
}

/// Items that rules read. Where no chain was presented, every item below `/handshake` says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerCertIdentityStable {
    /// Declared protocol of the endpoint.
    #[serde(rename = "/endpoint/protocol")]
    pub endpoint_protocol: Item<Protocol>,
    /// `host:port` as declared.
    #[serde(rename = "/endpoint/address")]
    pub endpoint_address: Item<String>,
    /// The name or address that the certificate must carry: `serverName`, else `host`.
    #[serde(rename = "/endpoint/identity")]
    pub endpoint_identity: Item<String>,

    /// How far the handshake came.
    #[serde(rename = "/handshake/outcome")]
    pub handshake_outcome: Item<HandshakeOutcome>,
    /// True if the endpoint proved that it holds the leaf's private key. A proof that does not
    /// verify here is an error, because weak and unusual keys are not verified either.
    #[serde(rename = "/handshake/key_proven")]
    pub handshake_key_proven: Item<bool>,
    /// Certificates in the presented chain, readable or not.
    #[serde(rename = "/chain/length")]
    pub chain_length: Item<u32>,
    /// Positions in the presented chain that hold no readable X.509 certificate.
    #[serde(rename = "/chain/unreadable")]
    pub chain_unreadable: Item<Vec<u32>>,
    /// The same positions, each with what is wrong there.
    #[serde(rename = "/chain/broken", default = "super::not_asked::<Vec<UnreadableCertificate>>")]
    pub chain_broken: Item<Vec<UnreadableCertificate>>,
    /// Where presented certificates by themselves break the profile of RFC 5280, in their order;
    /// anchors are left out, because nobody validates them.
    #[serde(rename = "/chain/breaches", default = "super::not_asked::<Vec<ChainBreach>>")]
    pub chain_breaches: Item<Vec<ChainBreach>>,
    /// The readable certificates of the presented chain, in its order.
    #[serde(rename = "/chain/certificates")]
    pub chain_certificates: Item<Vec<ChainCertificate>>,
    /// Their keys; observed only if every kind of key is known.
    #[serde(rename = "/chain/keys")]
    pub chain_keys: Item<Vec<ChainKey>>,
    /// The signatures on those that are no anchors; observed only if every algorithm is known.
    #[serde(rename = "/chain/signatures")]
    pub chain_signatures: Item<Vec<ChainSignature>>,

    /// Subject of the leaf as RFC 4514 text.
    #[serde(rename = "/leaf/subject")]
    pub leaf_subject: Item<String>,
    /// Issuer of the leaf as RFC 4514 text.
    #[serde(rename = "/leaf/issuer")]
    pub leaf_issuer: Item<String>,
    /// Serial number of the leaf, lower-case hex.
    #[serde(rename = "/leaf/serial")]
    pub leaf_serial: Item<String>,
    /// `sha256:` over the leaf's DER.
    #[serde(rename = "/leaf/fingerprint")]
    pub leaf_fingerprint: Item<String>,
    /// `sha256:` over the leaf's SubjectPublicKeyInfo.
    #[serde(rename = "/leaf/spki")]
    pub leaf_spki: Item<String>,
    /// basicConstraints CA:TRUE on the leaf.
    #[serde(rename = "/leaf/is_ca")]
    pub leaf_is_ca: Item<bool>,
    /// Issuer and subject of the leaf are the same name.
    #[serde(rename = "/leaf/self_signed")]
    pub leaf_self_signed: Item<bool>,
    /// What the extended key usage of the leaf says about serverAuth.
    #[serde(rename = "/leaf/usage/server_auth")]
    pub leaf_server_auth: Item<UsageGrant>,
    /// Extended key usages of the leaf, by name or object identifier, sorted.
    #[serde(rename = "/leaf/usage/extended")]
    pub leaf_extended_usage: Item<Vec<String>>,
    /// Key usages of the leaf in the order of RFC 5280 section 4.2.1.3; empty if unrestricted.
    #[serde(rename = "/leaf/usage/key")]
    pub leaf_key_usage: Item<Vec<String>>,

    /// Policies that the leaf names, by object identifier, sorted (RFC 5280 section 4.2.1.4).
    #[serde(rename = "/leaf/policies", default = "super::not_asked::<Vec<String>>")]
    pub leaf_policies: Item<Vec<String>>,
    /// Start of validity of the leaf.
    #[serde(rename = "/leaf/not_before", default = "super::not_asked::<Timestamp>")]
    pub leaf_not_before: Item<Timestamp>,
    /// Whether the leaf promises a stapled OCSP response (TLS feature, RFC 7633).
    #[serde(rename = "/leaf/must_staple", default = "super::not_asked::<bool>")]
    pub leaf_must_staple: Item<bool>,
    /// Whether an OCSP response was stapled. Every handshake asked for one.
    #[serde(rename = "/staple/present", default = "super::not_asked::<bool>")]
    pub staple_present: Item<bool>,
    /// What it says about the leaf; observed only if its signature is the issuer's or that of a
    /// responder that the issuer certified.
    #[serde(rename = "/staple/outcome", default = "super::not_asked::<StapleOutcome>")]
    pub staple_outcome: Item<StapleOutcome>,
    /// Whether it was current when it came.
    #[serde(rename = "/staple/freshness", default = "super::not_asked::<Freshness>")]
    pub staple_freshness: Item<Freshness>,
    /// Since when newer information was due; absent where it was not.
    #[serde(rename = "/staple/overdue_since", default = "super::not_asked::<Option<Timestamp>>")]
    pub staple_overdue_since: Item<Option<Timestamp>>,
    /// When newer information than the staple's is due, in older evidence. It changes with every
    /// renewal, so newer evidence has it as `/staple/due` in the volatile half.
    #[serde(rename = "/staple/next_update", default = "super::not_asked::<Option<Timestamp>>")]
    pub staple_next_update: Item<Option<Timestamp>>,

    /// dNSNames of the leaf, sorted.
    #[serde(rename = "/names/dns")]
    pub names_dns: Item<Vec<String>>,
    /// iPAddresses of the leaf, sorted.
    #[serde(rename = "/names/ip")]
    pub names_ip: Item<Vec<String>>,
    /// dNSNames with a wildcard, sorted; at most 20 of them.
    #[serde(rename = "/names/wildcards")]
    pub names_wildcards: Item<Vec<String>>,
    /// Subject alternative names of other kinds.
    #[serde(rename = "/names/others")]
    pub names_others: Item<u32>,
    /// How the names relate to the reference identity.
    #[serde(rename = "/names/outcome")]
    pub names_outcome: Item<NameOutcome>,

    /// Latest start of validity in the chain, anchors left out.
    #[serde(rename = "/validity/not_before")]
    pub validity_not_before: Item<Timestamp>,
    /// Earliest end of validity in the chain, anchors left out; absent if none of it ends.
    #[serde(rename = "/validity/not_after")]
    pub validity_not_after: Item<Option<Timestamp>>,
    /// Subject of the certificate with that end.
    #[serde(rename = "/validity/ends_first")]
    pub validity_ends_first: Item<String>,
    /// Lifetime of the certificate with that end, in seconds; absent if it has no end.
    #[serde(rename = "/validity/lifetime_seconds")]
    pub validity_lifetime_seconds: Item<Option<i64>>,
    /// Lifetime of the leaf in whole days, rounded up; absent if it has no end.
    #[serde(rename = "/validity/leaf_days")]
    pub validity_leaf_days: Item<Option<i64>>,

    /// Anchors in the declared CA bundle.
    #[serde(rename = "/trust/anchors")]
    pub trust_anchors: Item<u32>,
    /// Intermediates in the declared CA bundle.
    #[serde(rename = "/trust/intermediates")]
    pub trust_intermediates: Item<u32>,
    /// What the anchors say about the chain.
    #[serde(rename = "/path/outcome")]
    pub path_outcome: Item<PathOutcome>,
    /// Why the outcome is what it is, in one sentence.
    #[serde(rename = "/path/detail")]
    pub path_detail: Item<String>,

    /// Limits of authorities that the path breaks, sorted; where no path was found, what it failed
    /// by.
    #[serde(rename = "/path/violations", default = "super::not_asked::<Vec<PathViolation>>")]
    pub path_violations: Item<Vec<PathViolation>>,

    /// Declared pins.
    #[serde(rename = "/pins/declared")]
    pub pins_declared: Item<u32>,
    /// Whether the leaf's key is one of them.
    #[serde(rename = "/pins/outcome")]
    pub pins_outcome: Item<PinOutcome>,
    /// Declared issuers.
    #[serde(rename = "/issuers/declared")]
    pub issuers_declared: Item<u32>,
    /// Whether the leaf's issuer is one of them.
    #[serde(rename = "/issuers/outcome")]
    pub issuers_outcome: Item<IssuerOutcome>,
    /// Declared revocation lists.
    #[serde(rename = "/revocation/declared")]
    pub revocation_declared: Item<u32>,
    /// What they say about the leaf.
    #[serde(rename = "/revocation/outcome")]
    pub revocation_outcome: Item<RevocationOutcome>,

    /// TLS profile that the target declares, by its word in documents.
    #[serde(rename = "/policy/profile", default = "super::not_asked::<String>")]
    pub policy_profile: Item<String>,

    /// Whether the lists that decide were current; the worst of them.
    #[serde(rename = "/revocation/freshness", default = "super::not_asked::<Freshness>")]
    pub revocation_freshness: Item<Freshness>,
    /// Since when the next list was due; absent where none was.
    #[serde(
        rename = "/revocation/overdue_since",
        default = "super::not_asked::<Option<Timestamp>>"
    )]
    pub revocation_overdue_since: Item<Option<Timestamp>>,
    /// Whether the target allows to ask whom the certificate names.
    #[serde(rename = "/revocation/online/allowed", default = "super::not_asked::<bool>")]
    pub online_allowed: Item<bool>,
    /// What they say about the leaf; observed only if the answer is verified, as a staple or a
    /// declared list is, and current.
    #[serde(rename = "/revocation/online/outcome", default = "super::not_asked::<StapleOutcome>")]
    pub online_outcome: Item<StapleOutcome>,
    /// Who said so: `OCSP` or `CRL` and the address, without its query.
    #[serde(rename = "/revocation/online/source", default = "super::not_asked::<String>")]
    pub online_source: Item<String>,
    /// When the next list is due, of those that decide, in older evidence; newer evidence has it as
    /// `/revocation/due` in the volatile half.
    #[serde(rename = "/revocation/next_update", default = "super::not_asked::<Option<Timestamp>>")]
    pub revocation_next_update: Item<Option<Timestamp>>,

    /// The leaf and the intermediates, for alerts; each with a count of 1.
    #[serde(rename = "/certificates")]
    pub certificates: Item<Vec<CertificateSeen>>,
    /// Connections that were opened.
    #[serde(rename = "/connections")]
    pub connections: Item<u32>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerCertIdentityVolatile {
    /// TLS version of the handshake that presented the chain.
    #[serde(rename = "/handshake/version")]
    pub handshake_version: Item<String>,
    /// How the handshake ended, where it did not complete.
    #[serde(rename = "/handshake/failure")]
    pub handshake_failure: Item<Option<String>>,
    /// When the staple's answer was known to be so.
    #[serde(rename = "/staple/this_update", default = "super::not_asked::<Timestamp>")]
    pub staple_this_update: Item<Timestamp>,
    /// When newer information than the staple's is due; absent if it does not say.
    #[serde(rename = "/staple/due", default = "super::not_asked::<Option<Timestamp>>")]
    pub staple_due: Item<Option<Timestamp>>,
    /// When the next list is due, of those that decide: the earliest; absent if one does not say.
    #[serde(rename = "/revocation/due", default = "super::not_asked::<Option<Timestamp>>")]
    pub revocation_due: Item<Option<Timestamp>>,
    /// When what was asked for online was known to be so.
    #[serde(rename = "/revocation/online/this_update", default = "super::not_asked::<Timestamp>")]
    pub online_this_update: Item<Timestamp>,
    /// When newer information than that is due; absent if it does not say.
    #[serde(rename = "/revocation/online/due", default = "super::not_asked::<Option<Timestamp>>")]
    pub online_due: Item<Option<Timestamp>>,
}
