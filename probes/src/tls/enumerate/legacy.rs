//! Versions up to TLS 1.2, whose first flight shows suite, curve and signature in clear.

use std::collections::BTreeSet;

use super::log::{Log, Preference};
use super::{Ask, CURVES, Chosen, Dimension, Offer, Reply, SIGNATURES, by_ecdsa, needs_group};
use crate::tls::client_hello::MAX_SUITES;
use crate::tls::names::{SSL3, TLS12};
use crate::tls::suites::{self, Suite};

/// What one version accepts.
///
/// A server with an ECDSA certificate demands its curve among the groups of the hello (RFC 8422
/// section 5.1), so this curve stays there, at the end. Groups that such a server likes less than
/// the curve never show: they are hidden, not refused.
#[derive(Debug, Clone)]
pub struct Elimination {
    version: u16,
    /// Whether hellos have no extensions, and so neither groups nor signatures.
    bare: bool,
    suites: Dimension,
    groups: Dimension,
    signatures: Dimension,
    hidden: Vec<u16>,
    /// The curve of the certificate.
    anchor: Option<u16>,
    /// Whether the anchor was chosen while groups were open that a client would rather have.
    behind: bool,
    log: Log,
}

impl Elimination {
    /// A version from SSL 3.0 to TLS 1.2. SSL 3.0 has no groups, and signatures are told apart in
    /// TLS 1.2 alone (RFC 8422 section 5.1, RFC 5246 section 7.4.1.4.1).
    pub fn new(version: u16) -> Self {
        Self::with(version, version == SSL3)
    }

    /// A version of a server that answers no hello with extensions.
    pub fn bare(version: u16) -> Self {
        Self::with(version, true)
    }

    fn with(version: u16, bare: bool) -> Self {
        let has = |suite: &Suite| match version {
            SSL3 => suite.is_ssl3(),
            TLS12 => true,
            _ => suite.is_before_tls12(),
        };
        let groups = if bare { &[][..] } else { &CURVES };
        let signatures = if version == TLS12 && !bare { &SIGNATURES[..] } else { &[] };
        Self {
            version,
            bare,
            suites: Dimension::of(&suites::best_first(has)),
            groups: Dimension::of(groups),
            signatures: Dimension::of(signatures),
            hidden: Vec::new(),
            anchor: None,
            behind: false,
            log: Log::default(),
        }
    }

    /// The version.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// What to offer next; none when everything is known.
    pub fn next(&self) -> Option<Offer> {
        if !self.suites.open.is_empty() {
            let mut offer = self.suites.open.clone();
            offer.truncate(MAX_SUITES);
            return Some(self.offer(Ask::Suites, offer, self.all_groups()));
        }
        if self.suites.found.is_empty() {
            return None;
        }
        if let Some(offer) = self.next_groups() {
            return Some(offer);
        }
        let signed = self.found(super::is_signed);
        if !self.signatures.open.is_empty() && !signed.is_empty() {
            let mut offer = self.offer(Ask::Signatures, signed, self.all_groups());
            offer.signatures.clone_from(&self.signatures.open);
            return Some(offer);
        }
        let again = self.log.to_confirm(&self.suites.found)?;
        let groups = again.groups.unwrap_or_else(|| self.all_groups());
        Some(self.offer(Ask::Confirm, again.suites, groups))
    }

    fn next_groups(&self) -> Option<Offer> {
        if self.groups.open.is_empty() {
            return None;
        }
        let free = self.found(|suite| needs_group(suite) && !by_ecdsa(suite));
        if !free.is_empty() {
            return Some(self.offer(Ask::Groups, free, self.groups.open.clone()));
        }
        let suites = self.found(needs_group);
        if suites.is_empty() {
            return None;
        }
        if let (true, Some(anchor)) = (self.behind, self.anchor) {
            let other = self.groups.found.iter().copied().find(|group| *group != anchor)?;
            return Some(self.offer(Ask::GroupOrder, suites, vec![anchor, other]));
        }
        Some(self.offer(Ask::Groups, suites, self.anchored(self.groups.open.clone())))
    }

    fn found(&self, wanted: impl Fn(u16) -> bool) -> Vec<u16> {
        let found = self.suites.found.iter().copied();
        found.filter(|suite| wanted(*suite)).take(MAX_SUITES).collect()
    }

    fn offer(&self, ask: Ask, suites: Vec<u16>, groups: Vec<u16>) -> Offer {
        Offer { ask, suites, groups, signatures: self.signatures_in_order() }
    }

    fn signatures_in_order(&self) -> Vec<u16> {
        let mut all = self.signatures.open_first();
        // What was refused stays on offer: it does no harm, and the offer stays whole.
        if self.version == TLS12 && !self.bare {
            all.extend(
                SIGNATURES.iter().filter(|scheme| !all.contains(scheme)).collect::<Vec<_>>(),
            );
        }
        all
    }

    fn all_groups(&self) -> Vec<u16> {
        if self.bare {
            return Vec::new();
        }
        let mut all = self.groups.open_first();
        all.extend(CURVES.iter().filter(|group| !all.contains(group)).collect::<Vec<_>>());
        self.anchored(all)
    }

    /// The groups with the curve of the certificate at their end.
    fn anchored(&self, mut groups: Vec<u16>) -> Vec<u16> {
        if let Some(anchor) = self.anchor {
            groups.retain(|group| *group != anchor);
            groups.push(anchor);
        }
        groups
    }

    /// Takes what came of an offer. An answer with a suite that was not on offer is a refusal.
    pub fn take(&mut self, offer: &Offer, reply: Reply) {
        let chosen = match reply {
            Reply::Chosen(chosen) if offer.suites.contains(&chosen.suite) => Some(chosen),
            _ => None,
        };
        self.log.keep(offer, chosen);
        if reply == Reply::NoVersion && self.suites.found.is_empty() {
            self.suites.open.clear();
            return;
        }
        // Whatever was asked, the scheme on offer that is not known yet comes first.
        if let Some(scheme) = chosen.and_then(|chosen| chosen.signature)
            && offer.ask != Ask::Signatures
            && offer.signatures.contains(&scheme)
        {
            self.signatures.find(scheme);
        }
        match (offer.ask, chosen) {
            (Ask::Suites | Ask::Pairs, Some(chosen)) => self.learn(offer, chosen),
            (Ask::Suites | Ask::Pairs, None) => self.suites.refuse(&offer.suites),
            (Ask::Groups, Some(Chosen { group: Some(group), .. }))
                if offer.groups.contains(&group) && self.take_group(group) => {}
            (Ask::Groups, _) => self.groups.refuse(&offer.groups),
            (Ask::GroupOrder, _) => {
                let by_client = chosen.is_some_and(|c| c.group == offer.groups.first().copied());
                let open = std::mem::take(&mut self.groups.open);
                if !by_client {
                    self.hidden = open;
                }
            }
            (Ask::Signatures, Some(Chosen { signature: Some(scheme), .. }))
                if self.signatures.find(scheme) => {}
            (Ask::Signatures, _) => self.signatures.open.clear(),
            (Ask::Confirm, _) => {}
        }
    }

    /// Takes a group that was chosen when groups were asked about; false if that was no news.
    fn take_group(&mut self, group: u16) -> bool {
        let new = self.groups.find(group);
        if self.anchor == Some(group) && self.found(|s| needs_group(s) && !by_ecdsa(s)).is_empty() {
            self.behind = true;
            if self.groups.found.iter().all(|other| *other == group) {
                self.hidden = std::mem::take(&mut self.groups.open);
            }
            return true;
        }
        new
    }

    /// Takes all that an answer shows beside what it was asked.
    fn learn(&mut self, offer: &Offer, chosen: Chosen) {
        self.suites.find(chosen.suite);
        if let Some(group) = chosen.group.filter(|group| offer.groups.contains(group)) {
            self.groups.find(group);
        }
        if let Some(scheme) = chosen.signature.filter(|s| offer.signatures.contains(s)) {
            self.signatures.find(scheme);
        }
        self.anchor = self.anchor.or(chosen.curve);
    }

    /// Takes an answer to a hello of somebody else, whose offer was narrower than ours. Suites that
    /// it refused are refused unless a curve that it left out can have been the reason. Signatures
    /// are not taken for one: every hello offers those that servers of RSA and ECDSA keys have.
    pub fn hear(&mut self, offer: &Offer, reply: Reply) {
        match reply {
            Reply::Chosen(chosen) if offer.suites.contains(&chosen.suite) => {
                self.log.keep(offer, Some(chosen));
                self.learn(offer, chosen);
            }
            Reply::NoVersion => {
                self.log.keep(offer, None);
                self.suites.open.clear();
            }
            _ => {
                self.log.keep(offer, None);
                let curves = CURVES.iter().all(|group| offer.groups.contains(group));
                let curves = curves || self.bare;
                let certain = |code: &&u16| curves || !needs_group(**code);
                let refused: Vec<u16> = offer.suites.iter().filter(certain).copied().collect();
                self.suites.refuse(&refused);
            }
        }
    }

    /// Suites that are accepted, by code point.
    pub fn suites(&self) -> Vec<u16> {
        self.suites.sorted()
    }

    /// Suites in the order in which they were found.
    pub fn suites_as_found(&self) -> &[u16] {
        &self.suites.found
    }

    /// Groups that are accepted, by code point.
    pub fn groups(&self) -> Vec<u16> {
        self.groups.sorted()
    }

    /// Groups that may be accepted and cannot be told.
    pub fn hidden(&self) -> &[u16] {
        &self.hidden
    }

    /// Signature schemes that are used, by code point.
    pub fn signatures(&self) -> Vec<u16> {
        self.signatures.sorted()
    }

    /// Whose order of suites decides.
    pub fn preference(&self) -> Preference {
        self.log.preference(&self.suites.found)
    }

    /// Suites about which two answers contradict each other.
    pub fn contradictions(&self) -> BTreeSet<u16> {
        self.log.contradictions()
    }
}
