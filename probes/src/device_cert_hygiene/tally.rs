//! From entries to aggregates. Everything is sorted, so the same set gives the same bytes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::evidence::{
    CertificateExample, CertificateSeen, CrlSignature, ExpiryDay, IssuerShare, Item, KeyKind,
    LifetimeYears, MAX_DAYS, RepeatedSerial, SharedKey, SignatureKind,
};

use super::counted::Counted;
use super::entry::Entry;
use super::set::{Job, Set};
use super::short;
use crate::x509::declared::{PlacedCrl, count};
use crate::x509::facts::serial_text;
use crate::x509::{Bundle, key};

/// Kinds of keys or signatures that are told apart.
const MAX_KINDS: usize = 100;

/// Issuers that are listed.
const MAX_ISSUERS: usize = 100;

/// Devices that are listed for one shared key.
const MAX_HOLDERS: usize = 5;

/// A Julian year in seconds.
const YEAR_SECONDS: i64 = 31_557_600;

/// The certificates of a set that are devices' own and in use.
pub struct Tally<'a> {
    /// One entry for each certificate, sorted by fingerprint.
    pub devices: Vec<&'a Entry>,
    /// Certificates of authorities.
    pub authorities: u32,
    /// Further copies.
    pub copies: u32,
    /// What knows the devices and the places.
    pub(super) job: &'a Job,
}

impl<'a> Tally<'a> {
    /// Sorts a set out. An authority is a certificate marked CA:TRUE that the bundle holds or that
    /// another certificate of the set names as its issuer. Certificates whose devices are all out
    /// of use are left out.
    pub fn new(set: &'a Set, job: &'a Job, bundle: &Bundle) -> Self {
        let inventory = &job.inventory;
        let mut unique: Vec<&Entry> = set.entries.iter().collect();
        unique.dedup_by_key(|entry| entry.fingerprint);
        let copies = count(set.entries.len() - unique.len());
        let issuers: HashSet<_> = unique
            .iter()
            .filter(|entry| !entry.is_self_signed())
            .map(|entry| entry.issuer_id())
            .collect();
        let declared: HashSet<_> =
            bundle.members().map(|member| short::cut(&member.facts.fingerprint)).collect();
        let (authorities, devices): (Vec<_>, Vec<_>) = unique.into_iter().partition(|entry| {
            entry.is_ca
                && (issuers.contains(&entry.subject_id) || declared.contains(&entry.fingerprint))
        });
        let in_use = |entry: &&Entry| {
            let holders = entry.holders.as_slice();
            holders.is_empty()
                || holders
                    .iter()
                    .any(|holder| inventory.device(*holder).is_some_and(|device| !device.retired))
        };
        let devices = devices.into_iter().filter(in_use).collect();
        Self { devices, authorities: count(authorities.len()), copies, job }
    }

    /// The certificates for which `wrong` holds.
    pub fn only(&self, wrong: impl Fn(&Entry) -> bool) -> Counted<CertificateExample> {
        let wrong = self.devices.iter().filter(|entry| wrong(entry));
        wrong.map(|entry| self.job.example(entry)).collect()
    }

    /// Cohorts by day of expiry.
    pub fn cohorts(&self) -> Item<Vec<CertificateSeen>> {
        let mut days: BTreeMap<(bool, i64), (&Entry, u32)> = BTreeMap::new();
        for entry in &self.devices {
            let day = entry.not_after().map(|end| end.as_second().div_euclid(86_400));
            let cohort =
                days.entry((day.is_none(), day.unwrap_or_default())).or_insert_with(|| (entry, 0));
            cohort.1 += 1;
            // Entries come sorted by fingerprint, so among equal ends the first one stays.
            if entry.not_after() < cohort.0.not_after() {
                cohort.0 = entry;
            }
        }
        if days.len() > MAX_DAYS {
            return Item::truncated(format!(
                "the certificates end on {} days, more than the {MAX_DAYS} that are told apart",
                days.len()
            ));
        }
        let seen = days.into_values().map(|(first, count)| CertificateSeen {
            spki: key::written(&first.key_id),
            subject: first.subject(),
            issuer: first.issuer_text(),
            not_after: first.not_after(),
            count,
        });
        Item::observed(seen.collect())
    }

    /// Keys by kind.
    pub fn keys(&self) -> Item<Vec<KeyKind>> {
        let kinds = self.kinds(self.devices.iter().map(|entry| (entry.key.as_ref(), *entry)));
        kinds.map(|kinds| {
            kinds
                .into_iter()
                .map(|(key, (count, example))| KeyKind {
                    algorithm: key.algorithm,
                    bits: key.bits,
                    tiny_exponent: key.tiny_exponent,
                    count,
                    example,
                })
                .collect()
        })
    }

    /// Signatures by kind.
    pub fn signatures(&self) -> Item<Vec<SignatureKind>> {
        let kinds = self.kinds(self.devices.iter().map(|entry| (entry.signature.as_ref(), *entry)));
        kinds.map(|kinds| {
            kinds
                .into_iter()
                .map(|(signature, (count, example))| SignatureKind {
                    algorithm: signature.algorithm.to_owned(),
                    hash: signature.hash.to_owned(),
                    count,
                    example,
                })
                .collect()
        })
    }

    /// Lifetimes of certificates that end.
    pub fn lifetimes(&self) -> Vec<LifetimeYears> {
        let mut years: BTreeMap<u32, (u32, &Entry)> = BTreeMap::new();
        for entry in &self.devices {
            let Some(seconds) = entry.lifetime_seconds() else { continue };
            let whole = u32::try_from(seconds.max(0) / YEAR_SECONDS).unwrap_or(100).min(100);
            years.entry(whole).or_insert((0, entry)).0 += 1;
        }
        years
            .into_iter()
            .map(|(years, (count, entry))| LifetimeYears {
                years,
                count,
                example: self.job.example(entry),
            })
            .collect()
    }

    /// Keys that more than one device holds, and how many devices hold one of them.
    ///
    /// A certificate that the inventory does not know stands for its subject; if that subject has
    /// a certificate with the same key that is known, it is the same device: a renewal.
    pub fn shared_keys(&self) -> (Counted<SharedKey>, u32) {
        let mut shared = Counted::default();
        let mut devices = 0;
        for entries in self.groups(|entry| entry.key_id).chunk_by(|a, b| a.key_id == b.key_id) {
            if entries.len() < 2 && entries[0].holders.as_slice().len() < 2 {
                continue;
            }
            let holders = self.holders(entries);
            if holders.len() > 1 {
                devices += count(holders.len());
                let key = SharedKey {
                    spki: key::written(&entries[0].key_id),
                    count: count(holders.len()),
                    devices: holders.into_iter().take(MAX_HOLDERS).collect(),
                };
                shared.add_by(key, |a, b| {
                    (Reverse(a.count), &a.spki).cmp(&(Reverse(b.count), &b.spki))
                });
            }
        }
        (shared, devices)
    }

    /// The entries sorted by something, so that equals stand side by side; among equals by
    /// fingerprint. Sorting costs 8 bytes an entry, a table ten times as much.
    pub(super) fn groups<K: Ord>(&self, by: impl Fn(&Entry) -> K) -> Vec<&'a Entry> {
        let mut sorted = self.devices.clone();
        sorted.sort_unstable_by(|a, b| {
            by(a).cmp(&by(b)).then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
        sorted
    }

    fn holders(&self, entries: &[&Entry]) -> Vec<String> {
        let known: BTreeSet<_> =
            entries.iter().flat_map(|entry| entry.holders.as_slice()).collect();
        let known_subjects: HashSet<_> = entries
            .iter()
            .filter(|entry| !entry.holders.as_slice().is_empty())
            .map(|entry| entry.subject_id)
            .collect();
        let unknown: BTreeMap<_, _> = entries
            .iter()
            .filter(|entry| entry.holders.as_slice().is_empty())
            .filter(|entry| !known_subjects.contains(&entry.subject_id))
            .map(|entry| (entry.subject_id, entry.subject()))
            .collect();
        let mut names: Vec<String> = known
            .into_iter()
            .filter_map(|number| self.job.inventory.device(*number))
            .map(|device| device.id.to_string())
            .chain(unknown.into_values())
            .collect();
        names.sort();
        names
    }

    /// Serial numbers that one issuer gave more than once.
    pub fn repeated_serials(&self) -> Counted<RepeatedSerial> {
        let mut repeated = Counted::default();
        let sorted = self.groups(|entry| (entry.issuer_id(), short::of(0, &[entry.serial()])));
        let same =
            |a: &&Entry, b: &&Entry| a.issuer_id() == b.issuer_id() && a.serial() == b.serial();
        for entries in sorted.chunk_by(same).filter(|entries| entries.len() > 1) {
            let serial = RepeatedSerial {
                issuer: entries[0].issuer_text(),
                serial: serial_text(entries[0].serial()),
                count: count(entries.len()),
            };
            repeated.add_by(serial, |a, b| {
                let key = |serial: &RepeatedSerial| Reverse(serial.count);
                key(a)
                    .cmp(&key(b))
                    .then_with(|| (&a.issuer, &a.serial).cmp(&(&b.issuer, &b.serial)))
            });
        }
        repeated
    }

    /// Devices in use that hold none of the certificates.
    pub fn without_certificate(&self) -> Counted<String> {
        let devices = &self.job.inventory.devices;
        let mut holding = vec![false; devices.len()];
        for holder in self.devices.iter().flat_map(|entry| entry.holders.as_slice()) {
            let device = usize::try_from(*holder).ok().and_then(|number| holding.get_mut(number));
            *device.expect("a holder is a device of the inventory") = true;
        }
        let missing = devices.iter().zip(holding).filter(|(device, held)| !device.retired && !held);
        missing.map(|(device, _)| device.id.to_string()).collect()
    }

    /// Issuers by share, and how many there are.
    pub fn issuers(&self) -> Counted<IssuerShare> {
        let mut shares = Counted::keeping(MAX_ISSUERS);
        for entries in self.groups(Entry::issuer_id).chunk_by(|a, b| a.issuer_id() == b.issuer_id())
        {
            let share =
                IssuerShare { issuer: entries[0].issuer_text(), count: count(entries.len()) };
            shares.add_by(share, |a, b| {
                (Reverse(a.count), &a.issuer).cmp(&(Reverse(b.count), &b.issuer))
            });
        }
        shares
    }

    /// Certificates without a usable list of their issuer, and those that one names.
    pub fn revocation(&self, lists: &[PlacedCrl]) -> (u32, Counted<CertificateExample>) {
        let mut usable: HashMap<_, Vec<&PlacedCrl>> = HashMap::new();
        for list in lists.iter().filter(|list| list.crl.signature != CrlSignature::Wrong) {
            usable.entry(short::cut(&list.crl.issuer_id)).or_default().push(list);
        }
        let covered = |entry: &&&Entry| usable.contains_key(&entry.issuer_id());
        let uncovered = self.devices.iter().filter(|entry| !covered(entry)).count();
        let revoked = self.only(|entry| {
            let lists = usable.get(&entry.issuer_id());
            lists.is_some_and(|lists| lists.iter().any(|list| list.crl.names(entry.serial())))
        });
        (count(uncovered), revoked)
    }

    /// Counts by kind with one example each; observed only if every kind is known.
    fn kinds<'b, K: Ord + Copy + 'b>(
        &self,
        entries: impl Iterator<Item = (Result<&'b K, &'b Box<str>>, &'b Entry)>,
    ) -> Item<BTreeMap<K, (u32, CertificateExample)>> {
        let mut kinds: BTreeMap<K, (u32, &Entry)> = BTreeMap::new();
        for (kind, entry) in entries {
            match kind {
                Ok(kind) => kinds.entry(*kind).or_insert((0, entry)).0 += 1,
                Err(reason) => {
                    return Item::error(format!("`{}` has {reason}", self.job.place_of(entry)));
                }
            }
        }
        if kinds.len() > MAX_KINDS {
            return Item::truncated(format!("{} kinds, more than {MAX_KINDS}", kinds.len()));
        }
        let example = |entry| self.job.example(entry);
        let counted =
            kinds.into_iter().map(|(kind, (count, entry))| (kind, (count, example(entry))));
        Item::observed(counted.collect())
    }
}

/// The cohorts that end, with running totals.
pub fn days(cohorts: &[CertificateSeen]) -> Vec<ExpiryDay> {
    let mut total = 0;
    cohorts
        .iter()
        .filter_map(|cohort| {
            let not_after = cohort.not_after?;
            total += cohort.count;
            Some(ExpiryDay { not_after, count: cohort.count, total })
        })
        .collect()
}
