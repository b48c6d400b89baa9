//! What ends together, and what is replaced together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::tz::TimeZone;
use model::evidence::{Cohort, DeviceGroup, ExpiryMonth, Item, MAX_COHORTS, MAX_MONTHS};

use super::entry::Entry;
use super::inventory::MAX_GROUPS;
use super::short::Short;
use super::tally::Tally;
use crate::x509::key::Key;

/// Cohorts that are counted at all, to tell the largest of too many.
const MAX_COUNTED: usize = 1 << 16;

/// The issuer of certificates that name themselves.
const SELF: &str = "self";

/// A calendar month (UTC).
type Month = (i16, i8);

impl Tally<'_> {
    /// Certificates by the month in which they end.
    pub fn months(&self) -> Item<Vec<ExpiryMonth>> {
        let mut months: BTreeMap<Month, u32> = BTreeMap::new();
        for month in self.devices.iter().filter_map(|entry| month(entry)) {
            *months.entry(month).or_default() += 1;
        }
        let all = months.len();
        let listed = months.into_iter().take(MAX_MONTHS);
        let listed = listed.map(|(month, count)| ExpiryMonth { month: written(month), count });
        whole(listed.collect(), all, "months in which certificates end")
    }

    /// Certificates by issuer, month of expiry and kind of key.
    pub fn shares(&self) -> Item<Vec<Cohort>> {
        type Common = (Option<Short>, Option<Month>, Option<Key>);
        let mut cohorts: HashMap<Common, (u32, &Entry)> = HashMap::new();
        for entry in &self.devices {
            let issuer = entry.issuer.as_ref().map(|issuer| issuer.id);
            let common = (issuer, month(entry), entry.key.as_ref().ok().copied());
            if cohorts.len() >= MAX_COUNTED && !cohorts.contains_key(&common) {
                return Item::truncated(format!(
                    "more than the {MAX_COUNTED} cohorts of issuer, month and kind of key that are \
                     counted"
                ));
            }
            // Entries come sorted by fingerprint, so the first one stays.
            cohorts.entry(common).or_insert((0, entry)).0 += 1;
        }
        let all = cohorts.len();
        let mut cohorts: Vec<_> = cohorts.into_iter().collect();
        cohorts.sort_unstable_by(|(a, (a_count, _)), (b, (b_count, _))| {
            b_count.cmp(a_count).then_with(|| (a.1, a.0, a.2).cmp(&(b.1, b.0, b.2)))
        });
        let listed = cohorts.into_iter().take(MAX_COHORTS);
        let listed = listed.map(|((_, month, key), (count, entry))| Cohort {
            issuer: match &entry.issuer {
                Some(issuer) => issuer.text.to_string(),
                None => SELF.to_owned(),
            },
            month: month.map(written),
            algorithm: key.map(|key| key.algorithm),
            bits: key.map_or(0, |key| key.bits),
            count,
            example: self.job.example(entry),
        });
        whole(listed.collect(), all, "cohorts of issuer, month and kind of key")
    }

    /// Devices in use by the cohort that the inventory puts them in.
    pub fn groups_of_devices(&self) -> Item<Vec<DeviceGroup>> {
        let inventory = &self.job.inventory;
        if inventory.groups.is_empty() {
            return Item::not_attempted("the inventory puts no device into a cohort");
        }
        if inventory.too_many_groups {
            return Item::truncated(format!(
                "more than the {MAX_GROUPS} cohorts of devices that are counted"
            ));
        }
        let mut groups: BTreeMap<&str, DeviceGroup> = BTreeMap::new();
        let in_use = inventory.devices.iter().filter(|device| !device.retired);
        for name in in_use.filter_map(|device| inventory.group(device.group?)) {
            let group = groups.entry(name).or_insert_with(|| DeviceGroup {
                name: name.to_owned(),
                devices: 0,
                certificates: 0,
                first_end: None,
            });
            group.devices += 1;
        }
        for entry in &self.devices {
            let holders = entry.holders.as_slice().iter();
            let holders = holders.filter_map(|holder| inventory.device(*holder));
            // A certificate on several devices of a cohort is one certificate.
            let names: BTreeSet<&str> = holders
                .filter(|device| !device.retired)
                .filter_map(|device| inventory.group(device.group?))
                .collect();
            for name in names {
                let Some(group) = groups.get_mut(name) else { continue };
                group.certificates += 1;
                group.first_end = group.first_end.into_iter().chain(entry.not_after()).min();
            }
        }
        let all = groups.len();
        let mut groups: Vec<_> = groups.into_values().collect();
        // By name already, and the sort is stable.
        groups.sort_by_key(|group| Reverse(group.devices));
        groups.truncate(MAX_COHORTS);
        whole(groups, all, "cohorts of devices")
    }
}

/// A list that is observed only if it is whole; its part is for a reader.
fn whole<T>(listed: Vec<T>, all: usize, what: &str) -> Item<Vec<T>> {
    if listed.len() == all {
        return Item::observed(listed);
    }
    let reason = format!("{all} {what}, more than the {} that are listed", listed.len());
    Item::Truncated { reason, value: Some(listed) }
}

fn month(entry: &Entry) -> Option<Month> {
    let end = TimeZone::UTC.to_datetime(entry.not_after()?);
    Some((end.year(), end.month()))
}

fn written((year, month): Month) -> String {
    format!("{year:04}-{month:02}")
}
