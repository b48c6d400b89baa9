//! Whether the leaf was revoked: what declared lists and the staple say. Nothing is fetched here.

use jiff::Timestamp;
use model::evidence::{CrlSignature, Freshness, Item, RevocationOutcome};
use rustls::pki_types::CertificateDer;

use super::evidence::Presented;
use crate::x509::ocsp::{self, Answer};
use crate::x509::{Declared, Facts};

/// The stapled response, empty if none came; not attempted where that was not seen.
pub fn stapled(presented: &Item<Presented>) -> Item<&Vec<u8>> {
    presented.as_ref().and_then(|presented| match &presented.staple {
        Some(staple) => Item::observed(staple),
        None => Item::not_attempted("the chain was read from a handshake that did not complete"),
    })
}

/// What the staple says, verified against whoever issued the leaf: a certificate of the chain or of
/// the bundle.
pub fn staple(presented: &Item<Presented>, declared: &Declared) -> Item<Answer> {
    stapled(presented).and_then(|staple| {
        if staple.is_empty() {
            return Item::not_attempted("the endpoint stapled no OCSP response");
        }
        presented.as_ref().and_then(|presented| {
            let Some((leaf, sent)) = presented.chain.split_first() else {
                return Item::error("no certificate was presented");
            };
            let issuers = issuers(sent, declared);
            ocsp::read(staple, leaf, &issuers).map_or_else(Item::error, Item::observed)
        })
    })
}

/// The certificates that may have issued a leaf: those that were sent with it, and the bundle's.
pub fn issuers(
    sent: &[CertificateDer<'static>],
    declared: &Declared,
) -> Vec<CertificateDer<'static>> {
    let members = declared.bundle.value().into_iter().flat_map(|bundle| bundle.members());
    sent.iter().cloned().chain(members.map(|member| member.der.clone())).collect()
}

/// Whether what says when newer information is due was current at that time.
pub fn freshness(due: Option<Timestamp>, now: Timestamp) -> Freshness {
    match due {
        None => Freshness::Undated,
        Some(due) if due <= now => Freshness::Overdue,
        Some(_) => Freshness::Current,
    }
}

/// When the next of the lists is due that decide about the leaf.
pub fn next_update(leaf: Item<&Facts>, declared: &Declared) -> Item<Option<Timestamp>> {
    declared.crls.as_ref().and_then(|lists| {
        leaf.and_then(|facts| {
            let deciding = lists.iter().map(|list| &list.crl).filter(|crl| {
                crl.issuer_id == facts.issuer_id && crl.signature == CrlSignature::Verified
            });
            // A list that does not say comes first: it is never known to be current.
            match deciding.map(|crl| crl.next_update).min() {
                Some(due) => Item::observed(due),
                None => Item::error("no declared revocation list of the leaf's issuer is verified"),
            }
        })
    })
}

/// Only a verified list of the leaf's own issuer decides.
pub fn revocation(leaf: Item<&Facts>, declared: &Declared) -> Item<RevocationOutcome> {
    declared.crls.as_ref().and_then(|lists| {
        leaf.and_then(|facts| {
            let own: Vec<_> =
                lists.iter().filter(|list| list.crl.issuer_id == facts.issuer_id).collect();
            let verified: Vec<_> =
                own.iter().filter(|list| list.crl.signature == CrlSignature::Verified).collect();
            if verified.iter().any(|list| list.crl.names(&facts.serial)) {
                return Item::observed(RevocationOutcome::Revoked);
            }
            match (own.first(), verified.first()) {
                (_, Some(_)) => Item::observed(RevocationOutcome::NotListed),
                (Some(list), None) => Item::error(format!(
                    "the signature of the revocation list `{}` could not be verified",
                    list.place
                )),
                (None, None) => {
                    Item::error("no declared revocation list comes from the leaf's issuer")
                }
            }
        })
    })
}
