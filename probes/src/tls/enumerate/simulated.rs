//! Machines against servers that are known.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::tls::names::{TLS10, TLS12};
use crate::tls::suites::SUITES;

/// A server that is known: what it accepts, in its own order.
#[derive(Debug, Clone)]
struct Server {
    suites: Vec<u16>,
    groups: Vec<u16>,
    signatures: Vec<u16>,
    /// Whether its own orders decide, of suites and of groups.
    own: bool,
    own_groups: bool,
    /// The curve of its ECDSA certificate; without one, it has no such suites.
    curve: Option<u16>,
}

impl Server {
    fn choose(own: bool, mine: &[u16], offered: &[u16]) -> Option<u16> {
        let (first, second) = if own { (mine, offered) } else { (offered, mine) };
        first.iter().copied().find(|value| second.contains(value))
    }

    fn answer(&self, offer: &Offer) -> Reply {
        let group = |code: u16| {
            if by_ecdsa(code) && !self.curve.is_some_and(|curve| offer.groups.contains(&curve)) {
                return None;
            }
            Self::choose(self.own_groups, &self.groups, &offer.groups)
        };
        let signature =
            |code: u16| Self::choose(self.own, &self.signatures_of(code), &offer.signatures);
        let usable: Vec<u16> = self
            .suites
            .iter()
            .copied()
            .filter(|code| !needs_group(*code) || group(*code).is_some())
            .filter(|code| !is_signed(*code) || signature(*code).is_some())
            .collect();
        let Some(suite) = Self::choose(self.own, &usable, &offer.suites) else {
            return Reply::Refused;
        };
        Reply::Chosen(Chosen {
            suite,
            group: if needs_group(suite) { group(suite) } else { None },
            signature: if is_signed(suite) { signature(suite) } else { None },
            curve: self.curve.filter(|_| by_ecdsa(suite)),
        })
    }

    /// The schemes that a suite is signed with: those of its kind of key, told by the second byte.
    fn signatures_of(&self, suite: u16) -> Vec<u16> {
        let of_kind = |scheme: &&u16| (**scheme & 0xff == 3) == by_ecdsa(suite);
        self.signatures.iter().filter(of_kind).copied().collect()
    }

    fn answer13(&self, offer: &Offer) -> Reply {
        let suite = Self::choose(self.own, &self.suites, &offer.suites);
        let group = Self::choose(self.own_groups, &self.groups, &offer.groups);
        match (suite, group) {
            (Some(suite), Some(group)) => {
                Reply::Chosen(Chosen { suite, group: Some(group), ..Chosen::default() })
            }
            _ => Reply::Refused,
        }
    }
}

fn legacy(server: &Server) -> (legacy::Elimination, usize) {
    let mut machine = legacy::Elimination::new(TLS12);
    let mut hellos = 0;
    while let Some(offer) = machine.next() {
        assert!(offer.suites.len() <= 128 && hellos < 400, "it does not end");
        hellos += 1;
        machine.take(&offer, server.answer(&offer));
    }
    (machine, hellos)
}

fn modern(server: &Server) -> (modern::Elimination, usize) {
    let mut machine = modern::Elimination::default();
    let mut hellos = 0;
    while let Some(offer) = machine.next() {
        assert!(hellos < 100, "it does not end");
        hellos += 1;
        machine.take(&offer, server.answer13(&offer));
    }
    (machine, hellos)
}

fn sorted(values: &[u16]) -> Vec<u16> {
    values.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn hardened() -> Server {
    Server {
        suites: vec![0xc02c, 0xc02b],
        groups: vec![0x001d, 0x0017, 0x0018],
        signatures: vec![0x0403],
        own: false,
        own_groups: false,
        curve: Some(0x0017),
    }
}

#[test]
fn a_hardened_server_costs_few_hellos() {
    let (machine, hellos) = legacy(&hardened());
    assert_eq!(machine.suites(), [0xc02b, 0xc02c]);
    assert_eq!(machine.groups(), [0x0017, 0x0018, 0x001d]);
    assert_eq!((machine.signatures(), machine.hidden()), (vec![0x0403], &[][..]));
    assert_eq!(machine.preference(), Preference::Client);
    // Two suites and two refusals of what does not fit one hello; the curve of the certificate and
    // whose order it stands in; the refusal of signatures; one confirmation.
    assert_eq!(hellos, 8);
}

#[test]
fn groups_behind_the_curve_of_the_certificate_are_hidden_and_not_refused() {
    let mut server = hardened();
    server.own_groups = true;
    let (machine, _) = legacy(&server);
    assert_eq!(machine.groups(), [0x0017, 0x001d]);
    assert!(machine.hidden().contains(&0x0018));
    server.groups = vec![0x0017];
    let (machine, _) = legacy(&server);
    assert_eq!(machine.groups(), [0x0017]);
    assert!(machine.hidden().contains(&0x001d));
}

#[test]
fn a_fleet_of_unlike_servers_contradicts_itself() {
    let mut machine = legacy::Elimination::new(TLS12);
    let (one, mut other) = (hardened(), hardened());
    other.suites = vec![0xc02b];
    let mut turn = 0;
    while let Some(offer) = machine.next() {
        let server = if turn == 0 { &one } else { &other };
        turn += 1;
        machine.take(&offer, server.answer(&offer));
    }
    machine
        .hear(&Offer { suites: vec![0xc02b, 0xc02c], ..machine_offer(&machine) }, Reply::Refused);
    assert!(!machine.contradictions().is_empty());
}

fn machine_offer(machine: &legacy::Elimination) -> Offer {
    legacy::Elimination::new(machine.version()).next().expect("a first offer")
}

#[test]
fn an_answer_that_was_not_offered_is_a_refusal_and_a_version_that_is_not_there_ends_it() {
    let mut machine = legacy::Elimination::new(TLS10);
    while let Some(offer) = machine.next() {
        machine.take(&offer, Reply::Chosen(Chosen { suite: 0x1301, ..Chosen::default() }));
    }
    assert!(machine.suites().is_empty());
    let mut machine = legacy::Elimination::new(TLS10);
    let offer = machine.next().expect("an offer");
    machine.take(&offer, Reply::NoVersion);
    assert_eq!(machine.next(), None);
}

fn some(of: &'static [u16], least: usize) -> impl Strategy<Value = Vec<u16>> {
    prop::sample::subsequence(of, least..=of.len().min(20)).prop_shuffle()
}

fn codes() -> Vec<u16> {
    SUITES.iter().map(|suite| suite.code).collect()
}

proptest! {
    #[test]
    fn what_is_found_up_to_tls12_is_what_the_server_has(
        suites in prop::sample::subsequence(codes(), 0..60).prop_shuffle(),
        groups in some(&CURVES, 1),
        signatures in some(&SIGNATURES, 1),
        (own, own_groups) in any::<(bool, bool)>(),
        curve in any::<Option<prop::sample::Index>>(),
    ) {
        let curve = curve.map(|at| groups[at.index(groups.len())]);
        let mut suites = suites;
        suites.retain(|code| curve.is_some() || !by_ecdsa(*code));
        let mut server = Server { suites, groups, signatures, own, own_groups, curve };
        // What cannot be signed is not accepted.
        let all = server.clone();
        server.suites.retain(|code| !is_signed(*code) || !all.signatures_of(*code).is_empty());
        let (machine, hellos) = legacy(&server);
        prop_assert_eq!(machine.suites(), sorted(&server.suites));
        prop_assert!(machine.contradictions().is_empty());
        if server.suites.iter().any(|code| needs_group(*code)) {
            let hidden = machine.hidden();
            let mut seen = server.groups.clone();
            seen.retain(|group| !hidden.contains(group));
            prop_assert_eq!(machine.groups(), sorted(&seen));
        }
        let signed = server.suites.iter().filter(|code| is_signed(**code));
        let used: Vec<u16> = signed.flat_map(|code| server.signatures_of(*code)).collect();
        prop_assert_eq!(machine.signatures(), sorted(&used));
        let expected = match server.suites.len() {
            0 | 1 => Preference::Single,
            _ if own => Preference::Server,
            _ => Preference::Client,
        };
        prop_assert_eq!(machine.preference(), expected);
        let most = server.suites.len() + server.groups.len() + server.signatures.len() + 8;
        prop_assert!(hellos <= most, "{} hellos", hellos);
    }

    #[test]
    fn what_is_found_in_tls13_is_what_the_server_has(
        suites in some(&TLS13_SUITES, 1),
        groups in some(&GROUPS, 1),
        (own, own_groups) in any::<(bool, bool)>(),
    ) {
        let server = Server { suites, groups, own, own_groups, ..hardened() };
        let (machine, hellos) = modern(&server);
        prop_assert_eq!(machine.suites(), sorted(&server.suites));
        prop_assert_eq!(machine.groups(), sorted(&server.groups));
        prop_assert!(machine.contradictions().is_empty());
        prop_assert!(hellos <= server.suites.len().max(server.groups.len()) + 10);
        let expected = match server.suites.len() {
            1 => Preference::Single,
            _ if own => Preference::Server,
            _ => Preference::Client,
        };
        prop_assert_eq!(machine.preference(), expected);
    }
}
