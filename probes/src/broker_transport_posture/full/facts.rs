//! From answers to the items of full mode.

use std::collections::{BTreeMap, BTreeSet};

use model::digest::hex;
use model::evidence::{
    BrokerTransportPostureStable, Item, KeyAlgorithm, Leaf, PreferredBy, PrimeSize, VersionGroup,
    VersionPreference, VersionScheme, VersionSuite,
};
use sha2::{Digest as _, Sha256};

use super::super::Missing;
use super::super::hello::Hello;
use super::super::interview::Interview;
use super::features::only_clear;
use super::lane::{Lane, Machine};
use super::{Full, fleet, staple, takes_extensions, whole};
use crate::tls::enumerate::Preference;
use crate::tls::names::{self, SSL2, TLS12, TLS13};
use crate::tls::{ServerFlight, sslv2, suites};
use crate::x509::facts::Facts;

impl Full {
    /// Writes every item of full mode.
    pub(in super::super) fn fill(
        &self,
        interview: &Interview,
        stable: &mut BrokerTransportPostureStable,
    ) {
        let contradictions = self.contradictions();
        let missing = match contradictions.is_empty() {
            true => self.missing().cloned(),
            false => Some(Item::error(
                "the answers are not those of one server; /tls/full/inconsistent lists them",
            )),
        };
        let missing = missing.as_ref();
        let unlike = fleet::unlike(interview, self);
        let several = (!unlike.is_empty()).then(|| {
            Item::truncated(
                "more than one server answers, each with a certificate of its own; those that were \
                 met are listed",
            )
        });
        let bare = interview.bare.then(takes_extensions);
        let flights: Vec<&ServerFlight> =
            interview.hellos().chain(self.hellos()).filter_map(Hello::accepted).collect();

        stable.sslv2_accepted = self.sslv2();
        if self.modern.is_accepted() {
            let groups = self.modern.machine.groups();
            let hybrid = groups.iter().any(|group| names::HYBRID_GROUPS.contains(group));
            stable.tls13_pq_hybrid =
                if hybrid { Item::observed(true) } else { whole(missing, false) };
        }
        stable.full_versions = whole(missing, self.versions());
        stable.full_suites = whole(missing, self.suites());
        stable.full_groups = whole(missing.or(bare.as_ref()), self.groups());
        stable.full_hidden_groups = whole(missing.or(bare.as_ref()), self.hidden());
        // Where TLS 1.3 is not accepted, no signature and no certificate of it is missing.
        let unsigned = self.schemes.gave_up.as_ref().filter(|_| self.modern.is_accepted());
        stable.full_signatures = whole(missing.or(unsigned).or(bare.as_ref()), self.signatures());
        stable.full_dh_bits = whole(missing, primes(&flights));
        stable.full_preference = match self.preference() {
            Some(preference) => whole(missing, preference),
            None => whole(
                Some(
                    missing.unwrap_or(&Item::error("the order of suites changes between answers")),
                ),
                Vec::new(),
            ),
        };
        let inconsistent = [contradictions, unlike].concat();
        stable.full_inconsistent = match inconsistent.is_empty() {
            true => whole(missing, inconsistent),
            false => Item::observed(inconsistent),
        };
        let leaves = self.leaves(interview, &flights);
        stable.full_certificates = whole(
            missing.or(unsigned).or(several.as_ref()),
            leaves.iter().map(|der| leaf(der)).collect::<BTreeMap<_, _>>().into_values().collect(),
        );
        self.fill_features(interview, &leaves, stable);
    }

    fn fill_features(
        &self,
        interview: &Interview,
        leaves: &BTreeSet<&Vec<u8>>,
        stable: &mut BrokerTransportPostureStable,
    ) {
        let best = self.best_legacy();
        let courtesy = best.and_then(|lane| lane.courtesy.as_ref());
        let shown = courtesy.and_then(Hello::accepted);
        let clear = |read: fn(&ServerFlight) -> bool| match shown {
            Some(flight) => Item::observed(read(flight)),
            None => only_clear(interview, self.missing()),
        };
        stable.features_session_id = match interview.clear() {
            Some(flight) => Item::observed(!flight.session_id.is_empty()),
            None => only_clear(interview, self.missing()),
        };
        stable.features_session_ticket = clear(|flight| flight.has(35));
        stable.features_ocsp_stapled = match shown {
            Some(flight) if !flight.ended => {
                Item::error("the server's answer broke off before it showed this")
            }
            None if self.schemes.presented.iter().any(|shown| !shown.chain.is_empty()) => {
                Item::observed(self.schemes.presented.iter().any(|shown| !shown.staple.is_empty()))
            }
            _ => clear(|flight| flight.stapled),
        };
        stable.features_alpn =
            self.features.alpn(courtesy).unwrap_or_else(|| only_clear(interview, self.missing()));
        stable.features_must_staple = staple::demanded(leaves);
        stable.features_without_name = self.names.without.clone();
        stable.features_unknown_name = self.names.unknown.clone();
        stable.features_fallback_scsv = self.features.fallback_scsv();
        let modern = self.modern.courtesy.as_ref();
        stable.features_grease_tolerant = self.features.grease_tolerant(&[courtesy, modern]);
        stable.features_version_tolerant = self.features.version_tolerant(modern);
        let session = &interview.session;
        stable.features_client_ca_names = match interview.clear() {
            Some(flight) if flight.certificate_requested => Item::observed(flight.authorities),
            // TLS 1.3 encrypts its request, and a whole session shows it.
            _ if session.presented.client_certificate_requested => {
                Item::observed(session.presented.authorities)
            }
            Some(_) => Item::not_attempted("no client certificate is asked for"),
            None if session.negotiated.is_ok() => {
                Item::not_attempted("no client certificate is asked for")
            }
            None => only_clear(interview, self.missing()),
        };
        stable.features_client_renegotiation = self.sessions.renegotiation.clone();
        stable.features_resumption = self.sessions.resumption.clone();
        stable.features_psk_resumption = self.sessions.psk_resumption.clone();
        stable.features_ticket_lifetime = self.sessions.ticket_lifetime();
        stable.features_early_data_max = self.sessions.early_data_max();
    }

    /// Why something was not asked to its end, if so.
    fn missing(&self) -> Option<&Missing> {
        self.legacy.iter().find_map(|lane| lane.gave_up.as_ref()).or(self.modern.gave_up.as_ref())
    }

    fn sslv2(&self) -> Item<bool> {
        match &self.sslv2 {
            sslv2::Answer::Accepted { .. } => Item::observed(true),
            sslv2::Answer::Declined => Item::observed(false),
            sslv2::Answer::Malformed => Item::error("the SERVER-HELLO is not whole"),
            // Other hellos were answered, so an end without a word is about this one.
            sslv2::Answer::Failed(failure) if failure.is_end() => Item::observed(false),
            sslv2::Answer::Failed(failure) => failure.item(),
        }
    }

    fn versions(&self) -> Vec<String> {
        let sslv2 = self.sslv2() == Item::observed(true);
        let legacy = self.legacy.iter().filter(|lane| lane.is_accepted());
        sslv2
            .then_some(SSL2)
            .into_iter()
            .chain(legacy.map(|lane| lane.machine.version()))
            .chain(self.modern.is_accepted().then_some(TLS13))
            .map(names::version)
            .collect()
    }

    fn suites(&self) -> Vec<VersionSuite> {
        let sslv2: &[&str] = match &self.sslv2 {
            sslv2::Answer::Accepted { kinds, .. } => kinds,
            _ => &[],
        };
        let sslv2 = sslv2.iter().map(|suite| (SSL2, (*suite).to_owned()));
        let legacy = self.legacy.iter().flat_map(|lane| {
            lane.machine.suites().into_iter().map(|suite| (lane.machine.version(), suite))
        });
        let modern = self.modern.machine.suites().into_iter().map(|suite| (TLS13, suite));
        sslv2
            .chain(legacy.chain(modern).map(|(version, suite)| (version, suites::name(suite))))
            .map(|(version, suite)| VersionSuite { version: names::version(version), suite })
            .collect()
    }

    fn groups(&self) -> Vec<VersionGroup> {
        let legacy = self.legacy.iter().flat_map(|lane| {
            lane.machine.groups().into_iter().map(|group| (lane.machine.version(), group))
        });
        let modern = self.modern.machine.groups().into_iter().map(|group| (TLS13, group));
        legacy.chain(modern).map(version_group).collect()
    }

    fn hidden(&self) -> Vec<VersionGroup> {
        let hidden = self.legacy.iter().flat_map(|lane| {
            let mut hidden = lane.machine.hidden().to_vec();
            hidden.sort_unstable();
            hidden.into_iter().map(|group| (lane.machine.version(), group))
        });
        hidden.map(version_group).collect()
    }

    fn signatures(&self) -> Vec<VersionScheme> {
        let clear = self.legacy.iter().filter(|lane| lane.machine.version() == TLS12);
        let clear = clear.flat_map(|lane| lane.machine.signatures()).map(|code| (TLS12, code));
        let modern = self.schemes.found.iter().map(|code| (TLS13, *code));
        clear
            .chain(modern)
            .map(|(version, scheme)| VersionScheme {
                version: names::version(version),
                scheme: names::signature(scheme),
            })
            .collect()
    }

    /// Whose order decides in every version; none where the answers fit neither.
    fn preference(&self) -> Option<Vec<VersionPreference>> {
        let legacy = self.legacy.iter().filter(|lane| lane.is_accepted());
        let modern = Some(&self.modern).filter(|lane| lane.is_accepted());
        legacy
            .map(|lane| (lane.machine.version(), lane.machine.preference()))
            .chain(modern.map(|lane| (TLS13, lane.machine.preference())))
            .map(|(version, preference)| {
                let by = match preference {
                    Preference::Server => PreferredBy::Server,
                    Preference::Client => PreferredBy::Client,
                    Preference::Single => PreferredBy::Single,
                    Preference::Unknown => return None,
                };
                Some(VersionPreference { version: names::version(version), by })
            })
            .collect()
    }

    fn contradictions(&self) -> Vec<String> {
        fn of<M: Machine>(lane: &Lane<M>) -> impl Iterator<Item = String> {
            let version = names::version(lane.machine.version());
            lane.machine.contradictions().into_iter().map(move |suite| {
                format!("{version}: {} was accepted and refused", suites::name(suite))
            })
        }
        self.legacy.iter().flat_map(of).chain(of(&self.modern)).collect()
    }

    /// Every leaf that was presented with a name, and that of SSL 2.0, which has no names.
    fn leaves<'a>(
        &'a self,
        interview: &'a Interview,
        flights: &[&'a ServerFlight],
    ) -> BTreeSet<&'a Vec<u8>> {
        let clear = flights.iter().filter_map(|flight| flight.chain.first());
        let session = interview.session.presented.chain.first();
        let sslv2 = match &self.sslv2 {
            sslv2::Answer::Accepted { certificate, .. } => Some(certificate),
            _ => None,
        };
        let sslv2 = sslv2.filter(|certificate| !certificate.is_empty());
        clear.chain(self.encrypted()).chain(session).chain(sslv2).collect()
    }
}

fn version_group((version, group): (u16, u16)) -> VersionGroup {
    VersionGroup { version: names::version(version), group: names::group(group) }
}

/// The primes by version and suite, as each was first seen.
fn primes(flights: &[&ServerFlight]) -> Vec<PrimeSize> {
    let mut seen: BTreeMap<(u16, u16), u32> = BTreeMap::new();
    for flight in flights {
        if let Some(bits) = flight.dh_bits {
            seen.entry((flight.version, flight.suite))
                .and_modify(|least| *least = bits.min(*least))
                .or_insert(bits);
        }
    }
    seen.into_iter()
        .map(|((version, suite), bits)| PrimeSize {
            version: names::version(version),
            suite: suites::name(suite),
            bits,
        })
        .collect()
}

fn leaf(der: &[u8]) -> (String, Leaf) {
    let sha256 = hex(&Sha256::digest(der));
    let unknown = || "unknown".to_owned();
    let (key, signature) = match Facts::read(der) {
        Ok(facts) => (
            facts.key.map_or_else(|_| unknown(), |key| key_name(key.algorithm, key.bits)),
            facts.signature.map_or_else(|_| unknown(), |s| s.algorithm.to_owned()),
        ),
        Err(_) => (unknown(), unknown()),
    };
    (sha256.clone(), Leaf { key, signature, sha256 })
}

fn key_name(algorithm: KeyAlgorithm, bits: u32) -> String {
    match algorithm {
        KeyAlgorithm::Rsa => format!("rsa{bits}"),
        KeyAlgorithm::Ec => format!("ec{bits}"),
        KeyAlgorithm::Dsa => format!("dsa{bits}"),
        KeyAlgorithm::Ed25519 => "ed25519".to_owned(),
        KeyAlgorithm::Ed448 => "ed448".to_owned(),
        KeyAlgorithm::MlDsa => format!("mldsa{bits}"),
    }
}
