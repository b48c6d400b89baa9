//! From a presented chain and the declared trust to evidence; no network, and no clock but the time
//! that is given.

use jiff::Timestamp;
use model::document::{Endpoint, Trust};
use model::evidence::{
    BrokerCertIdentityStable, CertificateSeen, ChainBreach, ChainCertificate, ChainKey, ChainRole,
    ChainSignature, HandshakeOutcome, IssuerOutcome, Item, PinOutcome, UnreadableCertificate,
};
use rustls::pki_types::CertificateDer;

use super::online::Online;
use super::revocation::{freshness, next_update, revocation, staple, stapled};
use crate::text::cut;
use crate::x509::declared::count;
use crate::x509::path::{self, Path};
use crate::x509::{Declared, Facts, issuers, key, profile};

/// Names that are kept of one certificate; more of them are `truncated`.
const MAX_NAMES: usize = 100;

/// Wildcard names that are kept.
const MAX_WILDCARDS: usize = 20;

/// A chain as an endpoint presented it, leaf first; the bytes may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The certificates.
    pub chain: Vec<CertificateDer<'static>>,
    /// How far the handshake came.
    pub outcome: HandshakeOutcome,
    /// Whether the proof that the endpoint holds the leaf's key verified.
    pub key_proven: bool,
    /// The stapled OCSP response, which may be anything; empty if none came, none if that was not
    /// seen.
    pub staple: Option<Vec<u8>>,
}

/// What a chain is held against.
pub struct Looked<'a> {
    /// What the target declares.
    pub trust: &'a Trust,
    /// What was read of it.
    pub declared: &'a Declared,
    /// What was asked for online.
    pub online: &'a Online,
    /// Connections to the endpoint.
    pub connections: u32,
    /// When all this was.
    pub now: Timestamp,
}

/// When the next of the lists is due that decide about the leaf.
pub fn lists_due(presented: &Item<Presented>, declared: &Declared) -> Item<Option<Timestamp>> {
    let leaf = presented.as_ref().and_then(|presented| match presented.chain.first() {
        Some(leaf) => Facts::read(leaf).map_or_else(
            |error| Item::error(format!("the leaf cannot be read: {error}")),
            Item::observed,
        ),
        None => Item::error("no certificate was presented"),
    });
    next_update(leaf.as_ref(), declared)
}

/// The stable half of the evidence. `presented` says why where there is no chain.
pub fn stable(
    endpoint: &Item<&Endpoint>,
    presented: &Item<Presented>,
    looked: &Looked<'_>,
) -> BrokerCertIdentityStable {
    let Looked { trust, declared, online, connections, now } = *looked;
    let overdue = |due: Option<Timestamp>| due.filter(|due| *due <= now);
    let endpoint = || endpoint.clone();
    let chain = presented.as_ref().map(|presented| Chain::read(&presented.chain, declared));
    let chain = chain.as_ref();
    let leaf = chain.clone().and_then(|chain| match &chain.leaf {
        Ok(facts) => Item::observed(facts),
        Err(reason) => Item::error(reason.as_str()),
    });
    let leaf = || leaf.clone();
    let mortal = chain.clone().and_then(Chain::mortal);
    let mortal = || mortal.clone();
    let path = path_of(&chain, declared);
    let staple = staple(presented, declared);
    let due = next_update(leaf(), declared);
    let names = |limit: usize, list: Vec<String>| {
        if list.len() <= limit {
            Item::observed(list)
        } else {
            Item::truncated(format!("{} names, more than the {limit} that are kept", list.len()))
        }
    };
    let cut_all = |list: &[String]| list.iter().map(|name| cut(name.as_bytes())).collect();

    BrokerCertIdentityStable {
        endpoint_protocol: endpoint().map(|endpoint| endpoint.protocol),
        endpoint_address: endpoint().map(Endpoint::address),
        endpoint_identity: endpoint().map(|endpoint| endpoint.reference_identity().to_owned()),

        handshake_outcome: presented.as_ref().map(|presented| presented.outcome),
        handshake_key_proven: presented.as_ref().and_then(|presented| match presented.key_proven {
            true => Item::observed(true),
            false => Item::error("the proof of the private key could not be verified"),
        }),
        chain_length: presented.as_ref().map(|presented| count(presented.chain.len())),
        chain_unreadable: chain
            .clone()
            .map(|chain| chain.unreadable.iter().map(|broken| broken.position).collect()),
        chain_broken: chain.clone().map(|chain| chain.unreadable.clone()),
        chain_breaches: chain.clone().map(Chain::breaches),
        chain_certificates: chain.clone().map(Chain::certificates),
        chain_keys: chain.clone().and_then(Chain::keys),
        chain_signatures: chain.clone().and_then(Chain::signatures),

        leaf_subject: leaf().map(|facts| cut(facts.subject.as_bytes())),
        leaf_issuer: leaf().map(|facts| cut(facts.issuer.as_bytes())),
        leaf_serial: leaf().map(Facts::serial_text),
        leaf_fingerprint: leaf().map(|facts| key::written(&facts.fingerprint)),
        leaf_spki: leaf().map(|facts| key::written(&facts.key_id)),
        leaf_is_ca: leaf().map(|facts| facts.is_ca),
        leaf_self_signed: leaf().map(Facts::is_self_signed),
        leaf_server_auth: leaf().map(|facts| facts.grants("serverAuth")),
        leaf_extended_usage: leaf()
            .and_then(|facts| names(MAX_NAMES, facts.extended_usage.clone().unwrap_or_default())),
        leaf_key_usage: leaf().map(|facts| {
            facts.key_usage.iter().flatten().map(|usage| (*usage).to_owned()).collect()
        }),

        leaf_policies: chain.clone().and_then(|chain| {
            let named = chain.der.first().map_or_else(Vec::new, |der| profile::policies(der));
            leaf().and_then(|_| names(MAX_NAMES, cut_all(&named)))
        }),
        leaf_not_before: leaf().map(|facts| facts.not_before),
        leaf_must_staple: chain.clone().and_then(|chain| match chain.der.first() {
            Some(der) => leaf().map(|_| profile::must_staple(der)),
            None => leaf().map(|_| false),
        }),
        staple_present: stapled(presented).map(|staple| !staple.is_empty()),
        staple_outcome: staple.as_ref().map(|answer| answer.outcome),
        staple_freshness: staple.as_ref().map(|answer| freshness(answer.next_update, now)),
        staple_overdue_since: staple.as_ref().map(|answer| overdue(answer.next_update)),
        staple_next_update: Item::not_attempted("the date is `/staple/due`, which is not judged"),

        names_dns: leaf().and_then(|facts| names(MAX_NAMES, cut_all(&facts.names.dns))),
        names_ip: leaf().and_then(|facts| {
            names(MAX_NAMES, facts.names.ip.iter().map(ToString::to_string).collect())
        }),
        names_wildcards: leaf().map(|facts| {
            let wildcards = facts.names.wildcards().take(MAX_WILDCARDS);
            wildcards.map(|name| cut(name.as_bytes())).collect()
        }),
        names_others: leaf().map(|facts| facts.names.others),
        names_outcome: leaf().and_then(|facts| {
            endpoint().map(|endpoint| facts.names.judge(endpoint.reference_identity()))
        }),

        validity_not_before: mortal().map(|mortal| mortal.latest_start),
        validity_not_after: mortal().map(|mortal| mortal.first.not_after),
        validity_ends_first: mortal().map(|mortal| cut(mortal.first.subject.as_bytes())),
        validity_lifetime_seconds: mortal().map(|mortal| mortal.first.lifetime_seconds()),
        validity_leaf_days: leaf().map(|facts| facts.lifetime_seconds().map(days)),

        trust_anchors: declared.bundle.as_ref().map(|bundle| count(bundle.anchors.len())),
        trust_intermediates: declared
            .bundle
            .as_ref()
            .map(|bundle| count(bundle.intermediates.len())),
        path_outcome: path.as_ref().map(|path| path.outcome),
        path_detail: path.as_ref().map(|path| path.detail.clone()),
        path_violations: path.as_ref().map(|path| path.violations.clone()),

        pins_declared: Item::observed(count(trust.pinned_keys.len())),
        pins_outcome: pin(leaf(), &trust.pinned_keys),
        issuers_declared: Item::observed(count(trust.expected_issuers.len())),
        issuers_outcome: issuer(leaf(), &trust.expected_issuers),
        revocation_declared: Item::observed(count(trust.crls.len())),
        revocation_outcome: revocation(leaf(), declared),
        revocation_freshness: due.as_ref().map(|due| freshness(*due, now)),
        revocation_overdue_since: due.map(overdue),
        revocation_next_update: Item::not_attempted(
            "the date is `/revocation/due`, which is not judged",
        ),

        online_allowed: Item::observed(online.allowed),
        online_outcome: online.said.as_ref().map(|said| said.outcome),
        online_source: online.said.as_ref().map(|said| said.source.clone()),

        policy_profile: trust.profile.map_or_else(
            || Item::not_attempted("no profile is declared"),
            |profile| Item::observed(profile.as_str().to_owned()),
        ),

        certificates: chain.map(Chain::seen),
        connections: Item::observed(connections),
    }
}

/// A presented chain, read.
struct Chain<'a> {
    der: &'a [CertificateDer<'static>],
    leaf: Result<Facts, String>,
    members: Vec<Link>,
    unreadable: Vec<UnreadableCertificate>,
}

/// A readable certificate of a chain.
struct Link {
    position: u32,
    role: ChainRole,
    facts: Facts,
}

/// What ends first in a chain.
#[derive(Clone, Copy)]
struct Mortal<'a> {
    latest_start: jiff::Timestamp,
    first: &'a Facts,
}

impl<'a> Chain<'a> {
    fn read(der: &'a [CertificateDer<'static>], declared: &Declared) -> Self {
        let mut leaf = Err("no certificate was presented".to_owned());
        let mut members = Vec::new();
        let mut unreadable = Vec::new();
        for (position, certificate) in (0_u32..).zip(der) {
            let facts = Facts::read(certificate);
            if position == 0 {
                leaf = facts.clone().map_err(|error| format!("the leaf cannot be read: {error}"));
            }
            match facts {
                Ok(facts) => {
                    let is_declared =
                        declared.bundle.value().is_some_and(|bundle| bundle.is_anchor(certificate));
                    let role = match position {
                        0 => ChainRole::Leaf,
                        _ if is_declared || facts.is_self_signed() => ChainRole::Anchor,
                        _ => ChainRole::Intermediate,
                    };
                    members.push(Link { position, role, facts });
                }
                Err(error) => {
                    let reason = error.to_string();
                    unreadable.push(UnreadableCertificate { position, reason });
                }
            }
        }
        Self { der, leaf, members, unreadable }
    }

    /// The leaf and the intermediates.
    fn below_anchors(&self) -> impl Iterator<Item = &Link> {
        self.members.iter().filter(|link| link.role != ChainRole::Anchor)
    }

    fn certificates(&self) -> Vec<ChainCertificate> {
        self.members
            .iter()
            .map(|link| ChainCertificate {
                position: link.position,
                role: link.role,
                subject: cut(link.facts.subject.as_bytes()),
                issuer: cut(link.facts.issuer.as_bytes()),
                serial: link.facts.serial_text(),
                spki: key::written(&link.facts.key_id),
                not_before: link.facts.not_before,
                not_after: link.facts.not_after,
                is_ca: link.facts.is_ca,
            })
            .collect()
    }

    fn breaches(&self) -> Vec<ChainBreach> {
        let below = self.below_anchors().map(|link| link.position);
        below
            .filter_map(|position| Some((position, self.der.get(usize::try_from(position).ok()?)?)))
            .flat_map(|(position, der)| {
                let breaches = profile::breaches(der).into_iter();
                breaches.map(move |breach| ChainBreach { position, breach })
            })
            .collect()
    }

    fn keys(&self) -> Item<Vec<ChainKey>> {
        self.whole(self.members.iter().map(|link| {
            let key = link.facts.key.as_ref().map_err(|reason| (link.position, reason))?;
            Ok(ChainKey {
                position: link.position,
                algorithm: key.algorithm,
                bits: key.bits,
                tiny_exponent: key.tiny_exponent,
            })
        }))
    }

    fn signatures(&self) -> Item<Vec<ChainSignature>> {
        self.whole(self.below_anchors().map(|link| {
            let signature =
                link.facts.signature.as_ref().map_err(|reason| (link.position, reason))?;
            Ok(ChainSignature {
                position: link.position,
                algorithm: signature.algorithm.to_owned(),
                hash: signature.hash.to_owned(),
            })
        }))
    }

    /// A list over the whole chain: observed only if every certificate of it gave its entry.
    fn whole<'b, T>(
        &'b self,
        entries: impl Iterator<Item = Result<T, (u32, &'b String)>>,
    ) -> Item<Vec<T>> {
        if let Some(UnreadableCertificate { position, .. }) = self.unreadable.first() {
            return Item::error(format!("certificate {position} of the chain cannot be read"));
        }
        match entries.collect::<Result<_, _>>() {
            Ok(list) => Item::observed(list),
            Err((position, reason)) => {
                Item::error(format!("certificate {position} of the chain has {reason}"))
            }
        }
    }

    fn mortal(&self) -> Item<Mortal<'_>> {
        if let Some(UnreadableCertificate { position, .. }) = self.unreadable.first() {
            return Item::error(format!("certificate {position} of the chain cannot be read"));
        }
        let latest_start = self.below_anchors().map(|link| link.facts.not_before).max();
        // Certificates without an end come last; among equal ends the one nearer to the leaf.
        let first = self
            .below_anchors()
            .map(|link| &link.facts)
            .min_by_key(|facts| (facts.not_after.is_none(), facts.not_after));
        match (latest_start, first) {
            (Some(latest_start), Some(first)) => Item::observed(Mortal { latest_start, first }),
            _ => Item::error("no certificate was presented"),
        }
    }

    fn seen(&self) -> Vec<CertificateSeen> {
        self.below_anchors()
            .map(|link| CertificateSeen {
                spki: key::written(&link.facts.key_id),
                subject: cut(link.facts.subject.as_bytes()),
                issuer: cut(link.facts.issuer.as_bytes()),
                not_after: link.facts.not_after,
                count: 1,
            })
            .collect()
    }
}

fn path_of(chain: &Item<&Chain<'_>>, declared: &Declared) -> Item<Path> {
    declared.bundle.as_ref().and_then(|bundle| {
        chain.clone().and_then(|chain| {
            path::judge(chain.der, bundle).map_or_else(Item::error, Item::observed)
        })
    })
}

fn pin(leaf: Item<&Facts>, pins: &[String]) -> Item<PinOutcome> {
    if pins.is_empty() {
        return Item::not_attempted("no key is pinned for this target");
    }
    leaf.map(|facts| {
        let own = key::written(&facts.key_id);
        let found = pins.iter().any(|pin| pin.trim().eq_ignore_ascii_case(&own));
        if found { PinOutcome::Match } else { PinOutcome::Mismatch }
    })
}

fn issuer(leaf: Item<&Facts>, expected: &[String]) -> Item<IssuerOutcome> {
    if expected.is_empty() {
        return Item::not_attempted("no issuer is declared for this target");
    }
    leaf.map(|facts| {
        if issuers::expected(facts, expected) {
            IssuerOutcome::Expected
        } else {
            IssuerOutcome::Unexpected
        }
    })
}

/// Seconds as days, rounded up: a lifetime of 90 days and a second is more than 90 days.
fn days(seconds: i64) -> i64 {
    seconds.div_euclid(86_400) + i64::from(seconds.rem_euclid(86_400) > 0)
}
