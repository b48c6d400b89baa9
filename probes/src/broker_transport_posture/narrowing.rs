//! Which classes of suites a server accepts, in as few hellos as can prove it.
//!
//! A refused hello proves every class absent whose suites it offered, at once. An answered one is a
//! witness for the classes of the chosen suite, and the rest is asked again. Pure: it says what to
//! offer next and takes what came back.

use std::collections::{BTreeMap, BTreeSet};

use model::evidence::Item;

use super::Missing;
use crate::tls::client_hello::MAX_SUITES;
use crate::tls::suites::{self, Class, SUITES, Suite};
use crate::tls::{ServerFlight, names};

/// Classes that are offered together: first what nobody should accept, then what ages.
const BUNDLES: [[Class; 3]; 2] = [
    [Class::NullOrAnon, Class::ExportOrSub112, Class::Block64],
    [Class::NonForwardSecret, Class::Ffdhe, Class::Cbc],
];

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Narrowing {
    accepted: BTreeMap<Class, ServerFlight>,
    refused: BTreeSet<u16>,
    given_up: BTreeMap<Class, Missing>,
}

impl Narrowing {
    /// The suites to offer next; none when every class is decided or given up.
    pub(super) fn next(&self) -> Option<Vec<u16>> {
        BUNDLES.iter().find_map(|bundle| {
            let open: Vec<Class> =
                bundle.iter().copied().filter(|class| self.is_open(*class)).collect();
            let mut offer = suites::worst_first(|suite| {
                !suite.is_rare()
                    && open.iter().any(|class| suite.is(*class))
                    && !self.refused.contains(&suite.code)
            });
            offer.truncate(MAX_SUITES);
            (!offer.is_empty()).then_some(offer)
        })
    }

    /// Takes an answer that chose a suite: a witness for all its classes.
    pub(super) fn accept(&mut self, flight: &ServerFlight) {
        for class in suites::suite(flight.suite).iter().flat_map(|suite| suite.classes()) {
            self.given_up.remove(&class);
            self.accepted.entry(class).or_insert_with(|| flight.clone());
        }
    }

    /// Takes a refusal of all these suites by a hello for TLS 1.2 and below.
    pub(super) fn refuse(&mut self, suites: &[u16]) {
        self.refused.extend(suites);
    }

    /// Takes an answer that decides nothing: the classes it asked about stay open for good.
    pub(super) fn give_up(&mut self, suites: &[u16], missing: &Missing) {
        let asked = |class: &Class| {
            suites.iter().filter_map(|code| suites::suite(*code)).any(|suite| suite.is(*class))
        };
        let open: Vec<Class> =
            Class::ALL.into_iter().filter(|class| self.is_open(*class) && asked(class)).collect();
        for class in open {
            self.given_up.insert(class, missing.clone());
        }
    }

    /// Whether every suite of the table was either chosen from or refused.
    pub(super) fn is_complete(&self) -> bool {
        self.given_up.is_empty() && self.next().is_none()
    }

    /// Whether the class is accepted.
    pub(super) fn accepted(&self, class: Class) -> Item<bool> {
        if self.accepted.contains_key(&class) {
            return Item::observed(true);
        }
        match self.given_up.get(&class) {
            Some(missing) => super::absent(missing),
            None if self.all_refused(class) => Item::observed(false),
            None => Item::not_attempted("the suites of this class were not offered"),
        }
    }

    /// A suite that shows that the class is accepted.
    pub(super) fn witness(&self, class: Class) -> Item<String> {
        self.fact(class, |flight| Some(suites::name(flight.suite)))
    }

    /// Bits of the prime that came with the witness of [`Class::Ffdhe`].
    pub(super) fn dh_bits(&self) -> Item<u32> {
        self.fact(Class::Ffdhe, |flight| flight.dh_bits)
    }

    /// Whether `encrypt_then_mac` came with the witness of [`Class::Cbc`].
    pub(super) fn encrypt_then_mac(&self) -> Item<bool> {
        self.fact(Class::Cbc, |flight| Some(flight.encrypt_then_mac()))
    }

    fn fact<T>(&self, class: Class, read: impl Fn(&ServerFlight) -> Option<T>) -> Item<T> {
        let reason = "no suite of this class is accepted";
        match self.accepted.get(&class).map(read) {
            Some(None) => Item::error("the server's answer broke off before it showed this"),
            shown => super::detail(self.accepted(class), shown.flatten(), reason),
        }
    }

    fn is_open(&self, class: Class) -> bool {
        !self.accepted.contains_key(&class)
            && !self.given_up.contains_key(&class)
            && !self.all_refused(class)
    }

    fn all_refused(&self, class: Class) -> bool {
        members(class).all(|suite| self.refused.contains(&suite.code))
    }
}

/// Suites for the broad hello of TLS 1.2: those without a fault first, then what ages; what nobody
/// should accept is left to its own hello. Together they are at most [`MAX_SUITES`].
pub(super) fn broad() -> Vec<u16> {
    let mut offer = suites::best_first(|suite| {
        !suite.is_rare() && !BUNDLES[0].iter().any(|class| suite.is(*class))
    });
    offer.truncate(MAX_SUITES);
    offer
}

/// Suites for a hello of a version below TLS 1.2, the worst first: the choice is a free witness.
pub(super) fn old(version: u16) -> Vec<u16> {
    let mut offer = suites::worst_first(|suite| {
        if version == names::SSL3 { suite.is_ssl3() } else { suite.is_before_tls12() }
    });
    offer.truncate(MAX_SUITES);
    offer
}

fn common() -> impl Iterator<Item = &'static Suite> {
    SUITES.iter().filter(|suite| !suite.is_rare())
}

fn members(class: Class) -> impl Iterator<Item = &'static Suite> {
    common().filter(move |suite| suite.is(class))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server that accepts a set of suites and prefers them in a fixed order.
    struct Server {
        accepts: Vec<u16>,
        clients_order: bool,
    }

    impl Server {
        fn choose(&self, offer: &[u16]) -> Option<u16> {
            if self.clients_order {
                offer.iter().copied().find(|code| self.accepts.contains(code))
            } else {
                self.accepts.iter().copied().find(|code| offer.contains(code))
            }
        }
    }

    fn flight(suite: u16) -> ServerFlight {
        ServerFlight { version: names::TLS12, suite, ended: true, ..ServerFlight::default() }
    }

    /// Asks until all is decided; gives the number of hellos.
    fn decide(narrowing: &mut Narrowing, server: &Server) -> usize {
        let mut hellos = 0;
        while let Some(offer) = narrowing.next() {
            assert!(offer.len() <= MAX_SUITES);
            hellos += 1;
            assert!(hellos < 20, "narrowing does not end");
            match server.choose(&offer) {
                Some(suite) => narrowing.accept(&flight(suite)),
                None => narrowing.refuse(&offer),
            }
        }
        hellos
    }

    #[test]
    fn a_hardened_server_costs_two_hellos() {
        let server = Server { accepts: vec![0xc02b, 0xc02c], clients_order: false };
        let mut narrowing = Narrowing::default();
        assert_eq!(decide(&mut narrowing, &server), 2);
        assert!(Class::ALL.iter().all(|class| narrowing.accepted(*class) == Item::observed(false)));
        assert!(narrowing.is_complete());
    }

    #[test]
    fn a_server_without_tls12_costs_one_more_hello_after_its_refusal_of_the_broad_one() {
        let server = Server { accepts: vec![], clients_order: false };
        let mut narrowing = Narrowing::default();
        narrowing.refuse(&broad());
        assert_eq!(decide(&mut narrowing, &server), 1);
        assert!(narrowing.is_complete());
    }

    #[test]
    fn a_server_that_accepts_everything_costs_at_most_one_hello_per_class() {
        let accepts: Vec<u16> = common().map(|suite| suite.code).collect();
        for clients_order in [true, false] {
            let server = Server { accepts: accepts.clone(), clients_order };
            let mut narrowing = Narrowing::default();
            assert!(decide(&mut narrowing, &server) <= Class::ALL.len());
            assert!(
                Class::ALL.iter().all(|class| narrowing.accepted(*class) == Item::observed(true))
            );
        }
    }

    #[test]
    fn a_class_that_was_given_up_says_why_and_the_others_go_on() {
        let mut narrowing = Narrowing::default();
        let first = narrowing.next().expect("something to ask");
        narrowing.give_up(&first, &Item::timeout("no answer within 5000 ms"));
        assert_eq!(narrowing.accepted(Class::NullOrAnon).status(), "timeout");
        assert!(!narrowing.is_complete());
        let second = narrowing.next();
        assert_ne!(second.as_ref(), Some(&first));
    }

    #[test]
    fn facts_of_a_class_that_is_not_accepted_are_not_attempted() {
        let server = Server { accepts: vec![], clients_order: false };
        let mut narrowing = Narrowing::default();
        decide(&mut narrowing, &server);
        assert_eq!(narrowing.dh_bits().status(), "not_attempted");
        assert_eq!(narrowing.encrypt_then_mac().status(), "not_attempted");
    }

    #[test]
    fn broad_and_old_offers_keep_within_one_hello_and_together_cover_the_table() {
        let broad = broad();
        let rest: Vec<_> = common().filter(|suite| !broad.contains(&suite.code)).collect();
        assert!(rest.iter().all(|suite| BUNDLES[0].iter().any(|class| suite.is(*class))));
        assert!(broad.len() < MAX_SUITES && rest.len() < MAX_SUITES);
        assert!(old(names::SSL3).len() < MAX_SUITES && old(names::TLS10).len() < MAX_SUITES);
    }

    proptest! {
        #[test]
        fn the_decisions_are_those_of_the_server(
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            clients_order in any::<bool>(),
            broad_first in any::<bool>(),
        ) {
            let common: Vec<&Suite> = common().collect();
            let accepts: Vec<u16> = picks.iter().map(|pick| pick.get(&common).code).collect();
            let server = Server { accepts: accepts.clone(), clients_order };
            let mut narrowing = Narrowing::default();
            if broad_first {
                match server.choose(&broad()) {
                    Some(suite) => narrowing.accept(&flight(suite)),
                    None => narrowing.refuse(&broad()),
                }
            }
            prop_assert!(decide(&mut narrowing, &server) <= Class::ALL.len() + 2);
            for class in Class::ALL {
                let truth = members(class).any(|suite| accepts.contains(&suite.code));
                prop_assert_eq!(narrowing.accepted(class), Item::observed(truth), "{:?}", class);
            }
        }
    }
}
