//! What was offered and what came of it: whose order decides, and whether the answers can be those
//! of one server.

use std::collections::BTreeSet;

use super::{Ask, Chosen, Offer};

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
pub(super) struct Log(Vec<(Offer, Option<Chosen>)>);

/// Something to offer once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Again {
    /// Suites, in order.
    pub(super) suites: Vec<u16>,
    /// The groups that were enough for the one suite; none where all are to be on offer.
    pub(super) groups: Option<Vec<u16>>,
}

impl From<Vec<u16>> for Again {
    fn from(suites: Vec<u16>) -> Self {
        Self { suites, groups: None }
    }
}

impl Log {
    /// Keeps an offer and what was chosen; none where it was refused.
    pub(super) fn keep(&mut self, offer: &Offer, chosen: Option<Chosen>) {
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
            let Some(Chosen { suite: chosen, .. }) = *chosen else { continue };
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
    /// found first, unless it was chosen again, with the group alone that was chosen with it: a
    /// fleet of unlike servers is told by it.
    pub(super) fn to_confirm(&self, found: &[u16]) -> Option<Again> {
        let (first, last) = (*found.first()?, *found.last()?);
        let confirmed = || self.0.iter().filter(|(offer, _)| offer.ask == Ask::Confirm);
        if self.preference(found) == Preference::Unknown {
            match confirmed().count() {
                0 => return Some(vec![last, first].into()),
                1 => return Some(vec![first, last].into()),
                _ => {}
            }
        }
        let asked = confirmed().any(|(offer, _)| offer.suites == [first]);
        // Any later answer confirms it as well; what rides on a confirmation needs one of them.
        let mut chosen = self.0.iter().filter_map(|(offer, chosen)| {
            let chosen = chosen.filter(|chosen| chosen.suite == first)?;
            Some((offer, chosen))
        });
        let groups = chosen.next().and_then(|(offer, chosen)| enough(offer, &chosen));
        let again = chosen.next().is_some();
        let none = confirmed().next().is_none();
        (!asked && (!again || none)).then(|| Again { suites: vec![first], groups })
    }

    /// Suites that were chosen from one offer, while another one that held all that the choice takes
    /// was refused.
    pub(super) fn contradictions(&self) -> BTreeSet<u16> {
        let chosen = self.0.iter().filter_map(|(offer, chosen)| Some((offer, (*chosen)?)));
        chosen
            .filter(|(offer, chosen)| {
                let groups = enough(offer, chosen);
                let groups = groups.as_ref().unwrap_or(&offer.groups);
                self.0.iter().any(|(refused, chosen_there)| {
                    chosen_there.is_none()
                        && refused.suites.contains(&chosen.suite)
                        && within(groups, &refused.groups)
                        && within(&offer.signatures, &refused.signatures)
                })
            })
            .map(|(_, chosen)| chosen.suite)
            .collect()
    }
}

/// The groups of an offer that the choice took: the one of the key exchange and the curve of the
/// certificate. None where the choice shows no group, or one that was not on offer.
fn enough(offer: &Offer, chosen: &Chosen) -> Option<Vec<u16>> {
    let group = chosen.group.filter(|group| offer.groups.contains(group))?;
    let curve = chosen.curve.filter(|curve| *curve != group && offer.groups.contains(curve));
    Some(std::iter::once(group).chain(curve).collect())
}

fn within(part: &[u16], whole: &[u16]) -> bool {
    part.iter().all(|value| whole.contains(value))
}
