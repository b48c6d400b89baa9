//! From a set that was read to the two halves of the evidence.

use jiff::Timestamp;
use model::evidence::{DeviceCertHygieneStable, DeviceCertHygieneVolatile, Item, UsageGrant};

use super::counted::Counted;
use super::entry::Entry;
use super::prepare::Prepared;
use super::set::Set;
use super::tally::{Tally, days};
use crate::x509::Bundle;
use crate::x509::declared::{PlacedCrl, count};

/// Both halves; `set` says why where nothing was read.
pub fn halves(
    prepared: &Prepared,
    set: &Item<Set>,
) -> (DeviceCertHygieneStable, DeviceCertHygieneVolatile) {
    let volatile = DeviceCertHygieneVolatile {
        set_bytes: set.as_ref().map(|set| set.bytes),
        crls_dates: prepared.declared.crls.as_ref().map(|lists| sorted(lists, PlacedCrl::seen)),
    };
    (stable(prepared, set), volatile)
}

fn stable(prepared: &Prepared, set: &Item<Set>) -> DeviceCertHygieneStable {
    let nothing = Bundle::default();
    let bundle = prepared.declared.bundle.value().unwrap_or(&nothing);
    let inventory = &prepared.job.inventory;
    let tally = set.as_ref().map(|set| Tally::new(set, &prepared.job, bundle));
    // A set without a certificate is no set in order: nothing was seen.
    let tally = tally.and_then(|tally| match tally.devices.is_empty() {
        true => Item::error(format!("`{}` holds no device certificate in use", prepared.job.place)),
        false => Item::observed(tally),
    });
    let tally = || tally.as_ref();
    let only = |wrong: fn(&Entry) -> bool| tally().map(|tally| tally.only(wrong));

    let cohorts = tally().and_then(|tally| tally.cohorts());
    let endless = only(|entry| entry.not_after().is_none() && !entry.has_device_serial);
    let shared = tally().map(|tally| tally.shared_keys());
    let repeated = tally().map(|tally| tally.repeated_serials());
    let excluded = only(|entry| entry.client_auth == UsageGrant::Excluded);
    let authority = only(|entry| entry.is_ca);
    let unexpected = match prepared.issuers {
        0 => Item::not_attempted("no issuer is declared for this target"),
        _ => only(|entry| !entry.issuer_expected),
    };
    let issuers = tally().map(|tally| tally.issuers());
    let known = || known(&prepared.inventory);
    let unbound = known().and_then(|()| only(|entry| entry.holders.as_slice().is_empty()));
    let missing = known().and_then(|()| tally().map(|tally| tally.without_certificate()));
    let bad_rows = known().map(|()| inventory.bad_rows.clone());
    let (retired, active): (Vec<_>, Vec<_>) =
        inventory.devices.iter().partition(|device| device.retired);
    let shared_credentials = known().map(|()| inventory.shared_credentials());
    let crls = prepared.declared.crls.as_ref();
    let revocation = crls.clone().and_then(|lists| tally().map(|tally| tally.revocation(lists)));
    let (uncovered, revoked) = revocation_items(&revocation);
    let unreadable = set.as_ref().map(|set| set.unreadable.clone());

    DeviceCertHygieneStable {
        set_source: Item::observed(prepared.job.place.clone()),
        set_files: set.as_ref().map(|set| set.files),
        set_certificates: tally().map(|tally| count(tally.devices.len())),
        set_authorities: tally().map(|tally| tally.authorities),
        set_copies: tally().map(|tally| tally.copies),

        expiry_earliest: cohorts
            .as_ref()
            .map(|cohorts| cohorts.first().and_then(|cohort| cohort.not_after)),
        expiry_days: cohorts.as_ref().map(|cohorts| days(cohorts)),
        expiry_months: tally().and_then(|tally| tally.months()),
        certificates: cohorts,

        cohorts: tally().and_then(|tally| tally.shares()),
        groups: known().and_then(|()| tally().and_then(|tally| tally.groups_of_devices())),

        lifetime_years: tally().map(|tally| tally.lifetimes()),
        lifetime_initial_identities: only(|entry| {
            entry.not_after().is_none() && entry.has_device_serial
        })
        .map(|found| found.count),
        lifetime_endless_count: counted(&endless),
        lifetime_endless_sample: sampled(&endless),

        keys_kinds: tally().and_then(|tally| tally.keys()),
        keys_shared_count: shared.as_ref().map(|(keys, _)| keys.count),
        keys_shared_devices: shared.as_ref().map(|(_, devices)| *devices),
        keys_shared_sample: shared.as_ref().map(|(keys, _)| keys.sample.clone()),
        signatures_kinds: tally().and_then(|tally| tally.signatures()),
        serials_repeated_count: counted(&repeated),
        serials_repeated_sample: sampled(&repeated),

        inventory_declared: prepared.inventory.clone(),
        inventory_devices: known().map(|()| count(active.len())),
        inventory_retired: known().map(|()| count(retired.len())),
        inventory_bad_rows_count: counted(&bad_rows),
        inventory_bad_rows_sample: sampled(&bad_rows),
        credentials_devices: prepared
            .inventory
            .clone()
            .map(|_| count(inventory.with_credentials())),
        credentials_shared_count: shared_credentials.as_ref().map(|(shared, _)| shared.count),
        credentials_shared_devices: shared_credentials.as_ref().map(|(_, devices)| count(*devices)),
        credentials_shared_sample: shared_credentials
            .as_ref()
            .map(|(shared, _)| shared.sample.clone()),
        binding_unbound_count: counted(&unbound),
        binding_unbound_sample: sampled(&unbound),
        binding_missing_count: counted(&missing),
        binding_missing_sample: sampled(&missing),

        usage_excluded_count: counted(&excluded),
        usage_excluded_sample: sampled(&excluded),
        usage_authority_count: counted(&authority),
        usage_authority_sample: sampled(&authority),

        issuers_declared: Item::observed(prepared.issuers),
        issuers_count: counted(&issuers),
        issuers_seen: sampled(&issuers),
        issuers_unexpected_count: counted(&unexpected),
        issuers_unexpected_sample: sampled(&unexpected),

        crls_declared: Item::observed(prepared.crls),
        crls_lists: crls.clone().map(|lists| sorted(lists, PlacedCrl::listed)),
        crls_overdue: crls.map(|lists| {
            let now = Timestamp::now();
            sorted(lists, |list| list.overdue(now)).into_iter().flatten().collect()
        }),
        crls_seen: Item::not_attempted("the dates are `/crls/dates`, which is not judged"),
        revocation_uncovered: uncovered,
        revocation_revoked_count: counted(&revoked),
        revocation_revoked_sample: sampled(&revoked),

        unreadable_count: counted(&unreadable),
        unreadable_sample: sampled(&unreadable),
    }
}

/// What is told of each list, in the order of what is told.
fn sorted<T: Ord>(lists: &[PlacedCrl], tell: impl Fn(&PlacedCrl) -> T) -> Vec<T> {
    let mut told: Vec<_> = lists.iter().map(tell).collect();
    told.sort();
    told
}

/// Observed where an inventory was read.
fn known(inventory: &Item<bool>) -> Item<()> {
    inventory.clone().and_then(|declared| match declared {
        true => Item::observed(()),
        false => Item::not_attempted("no inventory is declared for this set"),
    })
}

/// Uncovered certificates, and revoked ones; that none is revoked is decided only if all are
/// covered.
fn revocation_items<T: Clone>(
    revocation: &Item<(u32, Counted<T>)>,
) -> (Item<u32>, Item<Counted<T>>) {
    let uncovered = revocation.as_ref().map(|(uncovered, _)| *uncovered);
    let revoked = revocation.as_ref().and_then(|(uncovered, revoked)| {
        if revoked.count == 0 && *uncovered > 0 {
            return Item::error(format!(
                "{uncovered} certificates have an issuer without a usable revocation list"
            ));
        }
        Item::observed(revoked.clone())
    });
    (uncovered, revoked)
}

fn counted<T>(item: &Item<Counted<T>>) -> Item<u32> {
    item.as_ref().map(|counted| counted.count)
}

fn sampled<T: Clone>(item: &Item<Counted<T>>) -> Item<Vec<T>> {
    item.as_ref().map(|counted| counted.sample.clone())
}
