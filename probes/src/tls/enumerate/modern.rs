//! TLS 1.3: a hello without a key share must be answered with a HelloRetryRequest that names a suite
//! and a group (RFC 8446 section 4.1.4), so each answer proves one of both.

use std::collections::BTreeSet;

use super::log::{Log, Preference};
use super::{Ask, Chosen, Dimension, GROUPS, Offer, Reply, SIGNATURES, TLS13_SUITES};
use crate::tls::client_hello::SHARED;

/// Suites that nearly every server has. Once so many are found, suites and groups are finished one
/// after the other: a refusal of what is left of both would decide nothing.
const USUAL_SUITES: usize = 3;

/// What TLS 1.3 accepts.
#[derive(Debug, Clone)]
pub struct Elimination {
    suites: Dimension,
    groups: Dimension,
    /// Whether what is left of suites and groups was refused together.
    split: bool,
    log: Log,
}

impl Default for Elimination {
    fn default() -> Self {
        Self {
            suites: Dimension::of(&TLS13_SUITES),
            groups: Dimension::of(&GROUPS),
            split: false,
            log: Log::default(),
        }
    }
}

impl Elimination {
    /// What to offer next; none when everything is known.
    pub fn next(&self) -> Option<Offer> {
        let (suites, groups) = (&self.suites, &self.groups);
        let both_open = !suites.open.is_empty() && !groups.open.is_empty();
        if both_open && !self.split && suites.found.len() < USUAL_SUITES {
            return Some(self.offer(Ask::Pairs, suites.open.clone(), groups.open.clone()));
        }
        if suites.found.is_empty() {
            return None;
        }
        if !suites.open.is_empty() {
            let all = whole(&self.groups, &GROUPS);
            return Some(self.offer(Ask::Suites, suites.open.clone(), all));
        }
        let all = whole(&self.suites, &TLS13_SUITES);
        if !groups.open.is_empty() {
            return Some(self.offer(Ask::Groups, all, groups.open.clone()));
        }
        let again = self.log.to_confirm(&suites.found)?;
        // Others are never sent a share of, and there are servers that answer no hello without one.
        let has_share = |groups: &Vec<u16>| groups.iter().all(|group| SHARED.contains(group));
        let groups = again.groups.filter(has_share);
        let groups = groups.unwrap_or_else(|| whole(&self.groups, &GROUPS));
        Some(self.offer(Ask::Confirm, again.suites, groups))
    }

    fn offer(&self, ask: Ask, suites: Vec<u16>, groups: Vec<u16>) -> Offer {
        Offer { ask, suites, groups, signatures: SIGNATURES.to_vec() }
    }

    /// Takes what came of an offer. An answer with a suite that was not on offer is a refusal.
    pub fn take(&mut self, offer: &Offer, reply: Reply) {
        let chosen = self.chosen(offer, reply);
        self.log.keep(offer, chosen);
        if reply == Reply::NoVersion && self.suites.found.is_empty() {
            self.suites.open.clear();
            return;
        }
        match (offer.ask, chosen) {
            (Ask::Confirm, _) => {}
            (_, Some(chosen)) => {
                let new_suite = self.suites.find(chosen.suite);
                let new_group = chosen.group.is_some_and(|group| self.groups.find(group));
                // A choice that is no news would be made for ever.
                match offer.ask {
                    Ask::Groups if !new_group => self.groups.open.clear(),
                    Ask::Suites if !new_suite => self.suites.open.clear(),
                    Ask::Pairs if !(new_suite && new_group) => self.split = true,
                    _ => {}
                }
            }
            (Ask::Suites, None) => self.suites.refuse(&offer.suites),
            (Ask::Groups, None) => self.groups.refuse(&offer.groups),
            (_, None) => self.split = true,
        }
    }

    /// Takes an answer to a hello of somebody else, of which the offer may not be known. Groups
    /// that it refused are refused if every suite was on offer.
    pub fn hear(&mut self, offer: &Offer, reply: Reply) {
        if let Some(chosen) = self.chosen(offer, reply) {
            self.log.keep(offer, Some(chosen));
            self.suites.find(chosen.suite);
            if let Some(group) = chosen.group {
                self.groups.find(group);
            }
        } else {
            self.log.keep(offer, None);
        }
    }

    fn chosen(&self, offer: &Offer, reply: Reply) -> Option<Chosen> {
        match reply {
            Reply::Chosen(chosen)
                if offer.suites.contains(&chosen.suite)
                    && chosen.group.is_none_or(|group| offer.groups.contains(&group)) =>
            {
                Some(chosen)
            }
            _ => None,
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

    /// Whose order of suites decides.
    pub fn preference(&self) -> Preference {
        self.log.preference(&self.suites.found)
    }

    /// Suites about which two answers contradict each other.
    pub fn contradictions(&self) -> BTreeSet<u16> {
        self.log.contradictions()
    }
}

/// The whole dimension, what is open first.
fn whole(dimension: &Dimension, all: &[u16]) -> Vec<u16> {
    let mut values = dimension.open_first();
    values.extend(all.iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
    values
}
