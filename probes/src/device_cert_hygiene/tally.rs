//! From entries to aggregates. Everything is sorted, so the same set gives the same bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::evidence::{
    CertificateExample, CertificateSeen, CrlSignature, ExpiryDay, IssuerShare, Item, KeyKind,
    LifetimeYears, MAX_DAYS, RepeatedSerial, SAMPLE, SharedKey, SignatureKind,
};

use super::inventory::Inventory;
use super::set::{Entry, Set};
use crate::x509::declared::{PlacedCrl, count};
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
    inventory: &'a Inventory,
}

/// Entries of which some are shown.
#[derive(Debug, Clone)]
pub struct Counted<T> {
    /// How many there are.
    pub count: u32,
    /// At most [`SAMPLE`] of them.
    pub sample: Vec<T>,
}

impl<'a> Tally<'a> {
    /// Sorts a set out. An authority is a certificate marked CA:TRUE that the bundle holds or that
    /// another certificate of the set names as its issuer. Certificates whose devices are all out
    /// of use are left out.
    pub fn new(set: &'a Set, inventory: &'a Inventory, bundle: &Bundle) -> Self {
        let mut unique: Vec<&Entry> = set.entries.iter().collect();
        unique.dedup_by_key(|entry| entry.fingerprint);
        let copies = count(set.entries.len() - unique.len());
        let issuers: HashSet<_> = unique
            .iter()
            .filter(|entry| !entry.is_self_signed())
            .map(|entry| entry.issuer_id)
            .collect();
        let declared: HashSet<_> =
            bundle.members().map(|member| member.facts.fingerprint).collect();
        let (authorities, devices): (Vec<_>, Vec<_>) = unique.into_iter().partition(|entry| {
            entry.is_ca
                && (issuers.contains(&entry.subject_id) || declared.contains(&entry.fingerprint))
        });
        let in_use = |entry: &&Entry| {
            entry.holders.is_empty()
                || entry
                    .holders
                    .iter()
                    .any(|holder| inventory.device(*holder).is_some_and(|device| !device.retired))
        };
        let devices = devices.into_iter().filter(in_use).collect();
        Self { devices, authorities: count(authorities.len()), copies, inventory }
    }

    /// The certificates for which `wrong` holds.
    pub fn only(&self, wrong: impl Fn(&Entry) -> bool) -> Counted<CertificateExample> {
        some(self.devices.iter().filter(|entry| wrong(entry)).map(|entry| entry.example()))
    }

    /// Cohorts by day of expiry.
    pub fn cohorts(&self) -> Item<Vec<CertificateSeen>> {
        let mut days: BTreeMap<(bool, i64), (&Entry, u32)> = BTreeMap::new();
        for entry in &self.devices {
            let day = entry.not_after.map(|end| end.as_second().div_euclid(86_400));
            let cohort =
                days.entry((day.is_none(), day.unwrap_or_default())).or_insert_with(|| (entry, 0));
            cohort.1 += 1;
            // Entries come sorted by fingerprint, so among equal ends the first one stays.
            if entry.not_after < cohort.0.not_after {
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
            subject: first.subject.clone(),
            issuer: first.issuer.to_string(),
            not_after: first.not_after,
            count,
        });
        Item::observed(seen.collect())
    }

    /// Keys by kind.
    pub fn keys(&self) -> Item<Vec<KeyKind>> {
        let kinds = kinds(self.devices.iter().map(|entry| (entry.key.as_ref(), *entry)));
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
        let kinds = kinds(self.devices.iter().map(|entry| (entry.signature.as_ref(), *entry)));
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
            let Some(seconds) = entry.lifetime_seconds else { continue };
            let whole = u32::try_from(seconds.max(0) / YEAR_SECONDS).unwrap_or(100).min(100);
            years.entry(whole).or_insert((0, entry)).0 += 1;
        }
        years
            .into_iter()
            .map(|(years, (count, entry))| LifetimeYears { years, count, example: entry.example() })
            .collect()
    }

    /// Keys that more than one device holds, and how many devices hold one of them.
    ///
    /// A certificate that the inventory does not know stands for its subject; if that subject has
    /// a certificate with the same key that is known, it is the same device: a renewal.
    pub fn shared_keys(&self) -> (Counted<SharedKey>, u32) {
        let mut by_key: HashMap<_, Vec<&Entry>> = HashMap::new();
        for entry in &self.devices {
            by_key.entry(entry.key_id).or_default().push(entry);
        }
        let mut shared = Vec::new();
        let mut devices = 0;
        for (id, entries) in by_key.into_iter().filter(|(_, entries)| {
            entries.len() > 1 || entries.iter().any(|entry| entry.holders.len() > 1)
        }) {
            let holders = self.holders(&entries);
            if holders.len() > 1 {
                devices += count(holders.len());
                shared.push(SharedKey {
                    spki: key::written(&id),
                    count: count(holders.len()),
                    devices: holders.into_iter().take(MAX_HOLDERS).collect(),
                });
            }
        }
        shared.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.spki.cmp(&b.spki)));
        (Counted { count: count(shared.len()), sample: first(shared) }, devices)
    }

    fn holders(&self, entries: &[&Entry]) -> Vec<String> {
        let known: BTreeSet<_> = entries.iter().flat_map(|entry| entry.holders.iter()).collect();
        let known_subjects: HashSet<_> = entries
            .iter()
            .filter(|entry| !entry.holders.is_empty())
            .map(|entry| entry.subject_id)
            .collect();
        let unknown: BTreeMap<_, _> = entries
            .iter()
            .filter(|entry| entry.holders.is_empty())
            .filter(|entry| !known_subjects.contains(&entry.subject_id))
            .map(|entry| (entry.subject_id, &entry.subject))
            .collect();
        let mut names: Vec<String> = known
            .into_iter()
            .filter_map(|number| self.inventory.device(*number))
            .map(|device| device.id.clone())
            .chain(unknown.into_values().cloned())
            .collect();
        names.sort();
        names
    }

    /// Serial numbers that one issuer gave more than once.
    pub fn repeated_serials(&self) -> Counted<RepeatedSerial> {
        let mut by_serial: HashMap<_, (u32, &Entry)> = HashMap::new();
        for entry in &self.devices {
            by_serial.entry((entry.issuer_id, &entry.serial)).or_insert((0, entry)).0 += 1;
        }
        let mut repeated: Vec<_> = by_serial
            .into_values()
            .filter(|(count, _)| *count > 1)
            .map(|(count, entry)| RepeatedSerial {
                issuer: entry.issuer.to_string(),
                serial: entry.example().serial,
                count,
            })
            .collect();
        repeated.sort_unstable_by(|a, b| {
            b.count.cmp(&a.count).then_with(|| (&a.issuer, &a.serial).cmp(&(&b.issuer, &b.serial)))
        });
        Counted { count: count(repeated.len()), sample: first(repeated) }
    }

    /// Devices in use that hold none of the certificates.
    pub fn without_certificate(&self) -> Counted<String> {
        let holding: HashSet<_> =
            self.devices.iter().flat_map(|entry| entry.holders.iter().copied()).collect();
        let mut missing: Vec<_> = (0..)
            .zip(&self.inventory.devices)
            .filter(|(number, device)| !device.retired && !holding.contains(number))
            .map(|(_, device)| device.id.clone())
            .collect();
        missing.sort();
        Counted { count: count(missing.len()), sample: first(missing) }
    }

    /// Issuers by share.
    pub fn issuers(&self) -> Vec<IssuerShare> {
        let mut shares: HashMap<_, IssuerShare> = HashMap::new();
        for entry in &self.devices {
            shares
                .entry(entry.issuer_id)
                .or_insert_with(|| IssuerShare { issuer: entry.issuer.to_string(), count: 0 })
                .count += 1;
        }
        let mut shares: Vec<_> = shares.into_values().collect();
        shares.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.issuer.cmp(&b.issuer)));
        shares.truncate(MAX_ISSUERS);
        shares
    }

    /// Certificates without a usable list of their issuer, and those that one names.
    pub fn revocation(&self, lists: &[PlacedCrl]) -> (u32, Counted<CertificateExample>) {
        let mut usable: HashMap<_, Vec<&PlacedCrl>> = HashMap::new();
        for list in lists.iter().filter(|list| list.crl.signature != CrlSignature::Wrong) {
            usable.entry(list.crl.issuer_id).or_default().push(list);
        }
        let covered = |entry: &&&Entry| usable.contains_key(&entry.issuer_id);
        let uncovered = self.devices.iter().filter(|entry| !covered(entry)).count();
        let revoked = self.only(|entry| {
            let lists = usable.get(&entry.issuer_id);
            lists.is_some_and(|lists| lists.iter().any(|list| list.crl.names(&entry.serial)))
        });
        (count(uncovered), revoked)
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

/// Counts by kind with one example each; observed only if every kind is known.
fn kinds<'a, K: Ord + Copy + 'a>(
    entries: impl Iterator<Item = (Result<&'a K, &'a Box<str>>, &'a Entry)>,
) -> Item<BTreeMap<K, (u32, CertificateExample)>> {
    let mut kinds: BTreeMap<K, (u32, &Entry)> = BTreeMap::new();
    for (kind, entry) in entries {
        match kind {
            Ok(kind) => kinds.entry(*kind).or_insert((0, entry)).0 += 1,
            Err(reason) => return Item::error(format!("`{}` has {reason}", entry.place)),
        }
    }
    if kinds.len() > MAX_KINDS {
        return Item::truncated(format!("{} kinds, more than {MAX_KINDS}", kinds.len()));
    }
    let counted = kinds.into_iter().map(|(kind, (count, entry))| (kind, (count, entry.example())));
    Item::observed(counted.collect())
}

fn some<T: Ord>(all: impl Iterator<Item = T>) -> Counted<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    Counted { count: count(all.len()), sample: first(all) }
}

fn first<T>(mut list: Vec<T>) -> Vec<T> {
    list.truncate(SAMPLE);
    list
}
