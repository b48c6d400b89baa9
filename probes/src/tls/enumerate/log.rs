//! What was offered and what came of it: whose order decides, and whether the answers can be those
//! of one server.

use std::collections::BTreeSet;

use super::{Ask, Offer};

/// Whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The server's.
    Server,
    /// The client's.
    Client,
    /// There is one suite at most.
    Single,
    /// The answers fit both, or neither.
    Unknown,
}

/// Every offer with its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Vec<(Offer, Option<u16>)>);

impl Log {
    /// Keeps an offer and the suite that was chosen; none where it was refused.
    pub(super) fn keep(&mut self, offer: &Offer, chosen: Option<u16>) {
        self.0.push((offer.clone(), chosen));
    }

    /// Whose order decides between the suites that were found. The client's, unless an answer
    /// passed over one that stood further ahead; the server's, unless two answers contradict each
    /// other about the same two suites.
    pub(super) fn preference(&self, found: &[u16]) -> Preference {
        if found.len() < 2 {
            return Preference::Single;
        }
        let mut client = true;
        let mut before: BTreeSet<(u16, u16)> = BTreeSet::new();
        for (offer, chosen) in &self.0 {
            let Some(chosen) = *chosen else { continue };
            // Where groups or signatures are cut short, these decide and no order does.
            if !matches!(offer.ask, Ask::Pairs | Ask::Suites | Ask::Confirm) {
                continue;
            }
            let known = || offer.suites.iter().copied().filter(|suite| found.contains(suite));
            client &= known().next().is_none_or(|first| first == chosen);
            before.extend(known().filter(|other| *other != chosen).map(|other| (chosen, other)));
        }
        let server = before.iter().all(|(a, b)| !before.contains(&(*b, *a)));
        match (client, server) {
            (true, false) => Preference::Client,
            (false, true) => Preference::Server,
            _ => Preference::Unknown,
        }
    }

    /// What to offer once more when everything is known. First both ends of what was found, where
    /// it is not known whose order decides; that may take both orders. Then the suite that was
    /// found first, unless it was chosen again: a fleet of unlike servers is told by it.
    pub(super) fn to_confirm(&self, found: &[u16]) -> Option<Vec<u16>> {
        let (first, last) = (*found.first()?, *found.last()?);
        let confirmed = || self.0.iter().filter(|(offer, _)| offer.ask == Ask::Confirm);
        if self.preference(found) == Preference::Unknown {
            match confirmed().count() {
                0 => return Some(vec![last, first]),
                1 => return Some(vec![first, last]),
                _ => {}
            }
        }
        let asked = confirmed().any(|(offer, _)| offer.suites == [first]);
        // Any later answer confirms it as well; what rides on a confirmation needs one of them.
        let again = self.0.iter().filter(|(_, chosen)| *chosen == Some(first)).nth(1).is_some();
        let none = confirmed().next().is_none();
        (!asked && (!again || none)).then(|| vec![first])
    }

    /// Suites that were chosen from one offer, while another one that held all of it was refused.
    pub(super) fn contradictions(&self) -> BTreeSet<u16> {
        let within = |part: &[u16], whole: &[u16]| part.iter().all(|value| whole.contains(value));
        let chosen = self.0.iter().filter_map(|(offer, chosen)| Some((offer, (*chosen)?)));
        chosen
            .filter(|(offer, suite)| {
                self.0.iter().any(|(refused, chosen)| {
                    chosen.is_none()
                        && refused.suites.contains(suite)
                        && within(&offer.groups, &refused.groups)
                        && within(&offer.signatures, &refused.signatures)
                })
            })
            .map(|(_, suite)| suite)
            .collect()
    }
}
