//! What is counted, compared and told apart.

use jiff::{Timestamp, ToSpan as _};
use model::evidence::{CertificateExample, CrlListed, CrlSignature, Item};
use testkit::pki::{Authority, Leaf, device, key, self_signed, usage, weak};

use super::super::entry::{Entry, Holders};
use super::super::reading::Spot;
use super::super::set::{Job, Set};
use super::super::tally::Tally;
use super::{Place, issue};

#[tokio::test]
async fn a_sound_fleet_in_a_folder_is_counted_and_nothing_is_wrong() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    for number in 0..5 {
        let name = device(number);
        place.put(&format!("fleet/line-{}/{name}.pem", number % 2), issue(&authority, &name));
    }
    place.put("fleet/ca.pem", authority.pem());
    let identity = authority.issue(&Leaf::device("der"));
    place.put("fleet/der.crt", &identity.cert_der);
    place.put("fleet/der.key", &identity.key_pem);
    place.put("fleet/notes.txt", "-----BEGIN CERTIFICATE-----");
    place.put("fleet/only-a-key.pem", &identity.key_pem);

    let (stable, volatile) = place.look().await;
    assert_eq!(stable.set_certificates, Item::observed(6));
    assert_eq!(stable.set_authorities, Item::observed(1));
    assert_eq!(stable.set_files, Item::observed(8));
    assert_eq!(stable.unreadable_count, Item::observed(0));
    assert_eq!(stable.keys_shared_count, Item::observed(0));
    assert_eq!(stable.usage_excluded_count, Item::observed(0));
    assert_eq!(stable.usage_authority_count, Item::observed(0));
    assert_eq!(stable.serials_repeated_count, Item::observed(0));
    assert_eq!(stable.binding_unbound_count.status(), "not_attempted");
    assert_eq!(stable.inventory_declared, Item::observed(false));
    assert_eq!(stable.keys_kinds.value().expect("kinds")[0].count, 6);
    assert!(*volatile.set_bytes.value().expect("bytes") > 0);
}

#[tokio::test]
async fn the_same_set_gives_the_same_bytes() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let shared = key();
    for number in 0..40 {
        let pem = authority.issue_for(&Leaf::device(&device(number)), &shared).cert_pem;
        place.put(&format!("fleet/{number}.pem"), pem);
        place.put(&format!("fleet/broken-{number}.pem"), "garbage");
    }
    let bytes = async || model::digest::canonical(&place.stable().await);
    assert_eq!(bytes().await, bytes().await);
}

#[tokio::test]
async fn cohorts_are_days_with_the_certificate_that_ends_first() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let noon = Timestamp::from_second(1_900_000_000 / 86_400 * 86_400 + 43_200).expect("noon");
    let mut bundle = String::new();
    for (name, end) in [
        ("b", noon + 1.hours()),
        ("a", noon),
        ("later", noon + 24.hours()),
        ("midnight", noon + 12.hours()),
    ] {
        let leaf = Leaf { not_after: end, ..Leaf::device(name) };
        bundle += &authority.issue(&leaf).cert_pem;
    }
    bundle += &authority.issue(&Leaf { endless: true, ..Leaf::device("endless") }).cert_pem;
    place.put("fleet/all.pem", bundle);
    let stable = place.stable().await;

    let cohorts = stable.certificates.value().expect("cohorts");
    let told: Vec<_> =
        cohorts.iter().map(|c| (c.subject.as_str(), c.not_after.is_some(), c.count)).collect();
    assert_eq!(told, [("CN=a", true, 2), ("CN=midnight", true, 2), ("CN=endless", false, 1)]);
    assert_eq!(stable.expiry_earliest, Item::observed(Some(noon)));
    let days = stable.expiry_days.value().expect("days");
    assert_eq!(days.iter().map(|d| (d.count, d.total)).collect::<Vec<_>>(), [(2, 2), (2, 4)]);
}

#[tokio::test]
async fn factory_identities_without_an_end_are_told_from_other_endless_certificates() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let factory =
        Leaf { endless: true, device_serial: Some("4711".into()), ..Leaf::device("factory") };
    let endless = Leaf { endless: true, ..Leaf::device("endless") };
    let long = Leaf { not_after: Timestamp::now() + 200_000.hours(), ..Leaf::device("long") };
    for leaf in [factory, endless, long] {
        place.put(&format!("fleet/{}.pem", leaf.common_name), authority.issue(&leaf).cert_pem);
    }
    let stable = place.stable().await;
    assert_eq!(stable.lifetime_initial_identities, Item::observed(1));
    assert_eq!(stable.lifetime_endless_count, Item::observed(1));
    let sample = stable.lifetime_endless_sample.value().expect("sample");
    assert_eq!(sample[0].subject, "CN=endless");
    let years = stable.lifetime_years.value().expect("years");
    assert_eq!((years.len(), years[0].years, years[0].count), (1, 22, 1));
}

#[tokio::test]
async fn a_key_on_two_subjects_is_shared_and_a_renewal_is_not() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let (shared, renewed) = (key(), key());
    for (file, name, key) in [
        ("1", "meter-1", &shared),
        ("2", "meter-2", &shared),
        ("3", "meter-3", &renewed),
        ("4", "meter-3", &renewed),
    ] {
        let pem = authority.issue_for(&Leaf::device(name), key).cert_pem;
        place.put(&format!("fleet/{file}.pem"), pem);
    }
    let stable = place.stable().await;
    assert_eq!(stable.keys_shared_count, Item::observed(1));
    assert_eq!(stable.keys_shared_devices, Item::observed(2));
    let sample = stable.keys_shared_sample.value().expect("sample");
    assert_eq!(sample[0].devices, ["CN=meter-1", "CN=meter-2"]);
}

#[tokio::test]
async fn weak_keys_and_signatures_are_counted_by_kind() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    place.put("fleet/1.pem", weak::RSA_1024_SHA1);
    place.put("fleet/2.pem", weak::RSA_2048_MD5);
    place.put("fleet/3.pem", issue(&authority, "sound"));
    let stable = place.stable().await;
    let keys = stable.keys_kinds.value().expect("keys");
    assert_eq!(keys.iter().map(|k| k.bits).collect::<Vec<_>>(), [1024, 2048, 256]);
    assert_eq!(keys[0].example.place, "1.pem");
    let mut hashes: Vec<_> =
        stable.signatures_kinds.value().expect("kinds").iter().map(|s| s.hash.as_str()).collect();
    hashes.sort_unstable();
    assert_eq!(hashes, ["md5", "sha1", "sha256"]);
}

#[tokio::test]
async fn wrong_uses_foreign_issuers_and_repeated_serials_are_told() {
    let (mut place, authority) = (Place::new(), Authority::new("Devices"));
    place.trust.expected_issuers = vec!["Devices".into()];
    let leaves = [
        Leaf { usages: vec![usage::SERVER], ..Leaf::device("server") },
        Leaf { usages: vec![], ..Leaf::device("unrestricted") },
        Leaf { is_ca: true, ..Leaf::device("ca") },
        Leaf { serial: Some(vec![7]), ..Leaf::device("seven") },
        Leaf { serial: Some(vec![7]), ..Leaf::device("seven-again") },
    ];
    for leaf in &leaves {
        place.put(&format!("fleet/{}.pem", leaf.common_name), authority.issue(leaf).cert_pem);
    }
    let other = Authority::new("Others");
    let leaf = Leaf { serial: Some(vec![7]), ..Leaf::device("other") };
    place.put("fleet/other.pem", other.issue(&leaf).cert_pem);

    let stable = place.stable().await;
    let subject = |sample: &Item<Vec<CertificateExample>>| {
        sample.value().expect("sample").iter().map(|e| e.subject.clone()).collect::<Vec<_>>()
    };
    assert_eq!(subject(&stable.usage_excluded_sample), ["CN=server"]);
    assert_eq!(subject(&stable.usage_authority_sample), ["CN=ca"]);
    assert_eq!(subject(&stable.issuers_unexpected_sample), ["CN=other"]);
    let repeated = stable.serials_repeated_sample.value().expect("serials");
    assert_eq!((repeated.len(), repeated[0].serial.as_str(), repeated[0].count), (1, "07", 2));
    let issuers = stable.issuers_seen.value().expect("issuers");
    assert_eq!((issuers[0].issuer.as_str(), issuers[0].count), ("CN=Devices", 5));
}

#[tokio::test]
async fn an_authority_alone_in_its_file_is_no_device_if_it_issued_one() {
    let (place, root) = (Place::new(), Authority::new("Root"));
    let middle = root.intermediate("Middle");
    // A chain as devices store it: leaf, intermediate, root.
    place.put("fleet/chain.pem", issue(&middle, "d-1") + &middle.pem() + &root.pem());
    place.put("fleet/lone-authority.pem", Authority::new("Lone").pem());
    let stable = place.stable().await;
    assert_eq!(stable.set_authorities, Item::observed(2));
    assert_eq!(stable.set_certificates, Item::observed(2));
    let sample = stable.usage_authority_sample.value().expect("sample");
    assert_eq!(sample[0].subject, "CN=Lone");
}

#[tokio::test]
async fn copies_are_counted_once() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let pem = issue(&authority, "d-1");
    place.put("fleet/a.pem", &pem);
    place.put("fleet/b.pem", pem.clone() + &pem);
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(1));
    assert_eq!(stable.set_copies, Item::observed(2));
    assert_eq!(stable.serials_repeated_count, Item::observed(0));
}

#[tokio::test]
async fn revocation_lists_are_used_only_if_they_are_what_they_say() {
    let authority = Authority::new("Devices");
    let due = Timestamp::now() + 24.hours();
    let leaf = |serial: u8, name: &str| Leaf { serial: Some(vec![serial]), ..Leaf::device(name) };
    let mut place = Place::new().inventory("device_id,status\nin-use,active\nout,retired\nok,\n");
    place.trust.ca_bundle = Some(place.put("ca.pem", authority.pem()));
    for (serial, name) in [(1, "in-use"), (2, "out"), (3, "ok")] {
        place.put(&format!("fleet/{name}.pem"), authority.issue(&leaf(serial, name)).cert_pem);
    }
    place.trust.crls = vec![place.put("crl.pem", authority.crl(&[&[1], &[2]], due))];
    let stable = place.stable().await;
    assert_eq!(stable.revocation_revoked_count, Item::observed(1));
    let sample = stable.revocation_revoked_sample.value().expect("sample");
    assert_eq!(sample[0].subject, "CN=in-use");
    let lists = stable.crls_lists.value().expect("lists");
    assert_eq!(lists[0].signature, CrlSignature::Verified);
    assert!(lists[0].key.as_ref().is_some_and(|key| key.len() >= 40), "{lists:?}");
    assert_eq!(stable.crls_overdue, Item::observed(Vec::new()));
    assert_eq!(stable.crls_seen.status(), "not_attempted");

    let impostor = Authority::new("Devices");
    place.trust.crls = vec![place.put("crl.pem", impostor.crl(&[], due))];
    let stable = place.stable().await;
    assert_eq!(stable.crls_lists.value().expect("lists")[0].signature, CrlSignature::Wrong);
    assert_eq!(stable.revocation_revoked_count.status(), "error", "an empty forgery clears nobody");
    assert_eq!(stable.revocation_uncovered, Item::observed(2));

    place.trust.crls = vec![place.put("crl.pem", "no list")];
    assert_eq!(place.stable().await.crls_lists.status(), "error");
}

#[tokio::test]
async fn a_renewed_revocation_list_leaves_the_evidence_as_it_is_and_an_old_one_does_not() {
    let (mut place, authority) = (Place::new(), Authority::new("Devices"));
    place.put("fleet/a.pem", issue(&authority, "a"));
    place.trust.ca_bundle = Some(place.put("ca.pem", authority.pem()));
    let mut seen = Vec::new();
    for (serials, hours) in [(&[&[99][..]][..], 24), (&[&[98][..], &[99][..]][..], 48)] {
        place.trust.crls =
            vec![place.put("crl.pem", authority.crl(serials, Timestamp::now() + hours.hours()))];
        seen.push(place.look().await);
    }
    assert_eq!(seen[0].0, seen[1].0);
    assert_ne!(seen[0].1.crls_dates, seen[1].1.crls_dates);
    assert_eq!(seen[1].1.crls_dates.value().expect("lists")[0].entries, 2);

    let due = Timestamp::now() - 24.hours();
    place.trust.crls = vec![place.put("crl.pem", authority.crl(&[&[99]], due))];
    let old = place.stable().await;
    assert_eq!(old.crls_lists, seen[0].0.crls_lists);
    let overdue = old.crls_overdue.value().expect("a list");
    assert_eq!(overdue[0].since.map(Timestamp::as_second), Some(due.as_second()));

    // The same name with another key is another list.
    let other = Authority::new("Devices").crl(&[&[99]], Timestamp::now() + 24.hours());
    place.trust.crls = vec![place.put("crl.pem", other)];
    let other = place.stable().await.crls_lists;
    let key = |lists: &Item<Vec<CrlListed>>| lists.value().expect("lists")[0].key.clone();
    assert_ne!(key(&other), key(&seen[0].0.crls_lists));
}

#[tokio::test]
async fn a_fleet_without_revoked_certificates_is_observed_as_such_only_if_all_are_covered() {
    let (mut place, authority) = (Place::new(), Authority::new("Devices"));
    let due = Timestamp::now() + 24.hours();
    place.put("fleet/a.pem", issue(&authority, "a"));
    place.trust.crls = vec![place.put("crl.pem", authority.crl(&[&[99]], due))];
    assert_eq!(place.stable().await.revocation_revoked_count, Item::observed(0));
    place.put("fleet/b.pem", issue(&Authority::new("Others"), "b"));
    assert_eq!(place.stable().await.revocation_revoked_count.status(), "error");
}

#[test]
fn a_cohort_shows_what_ends_first_in_whatever_order_it_was_read() {
    let ending = |second| entry().ending(Timestamp::from_second(second).expect("time"));
    let (early, late) = (ending(1_000), ending(2_000));
    for (first, second) in [(&early, &late), (&late, &early)] {
        let mut entries = vec![first.clone(), second.clone()];
        entries[1].fingerprint = [0xff; 16];
        let set = Set { entries, ..Set::default() };
        let (job, bundle) = (job(), crate::x509::Bundle::default());
        let cohorts = Tally::new(&set, &job, &bundle).cohorts();
        let cohort = &cohorts.value().expect("cohorts")[0];
        assert_eq!((cohort.not_after, cohort.count), (early.not_after(), 2));
    }
}

#[test]
fn more_days_than_are_told_apart_are_truncated_and_not_passed_over() {
    let base = entry();
    let entries = (0..4_001_i64).map(|day| {
        let mut entry = base.clone();
        entry.fingerprint[..8].copy_from_slice(&day.to_be_bytes());
        entry.ending(Timestamp::from_second(day * 86_400).expect("day"))
    });
    let set = Set { entries: entries.collect(), ..Set::default() };
    let (job, bundle) = (job(), crate::x509::Bundle::default());
    let tally = Tally::new(&set, &job, &bundle);
    assert_eq!(tally.cohorts().status(), "truncated");
}

fn job() -> Job {
    Job::new("fleet".to_owned(), Vec::new(), std::time::Instant::now())
}

fn entry() -> Entry {
    let facts = crate::x509::Facts::read(&self_signed(&Leaf::device("d")).cert_der).expect("facts");
    Entry::new(facts, 0, &Spot::default(), None, true, Holders::None)
}

#[tokio::test]
async fn cohorts_are_what_is_replaced_together() {
    let (place, one, other) = (Place::new(), Authority::new("One"), Authority::new("Other"));
    let end = |text: &str| text.parse::<Timestamp>().expect("time");
    let until = |name: &str, not_after| Leaf { not_after, ..Leaf::device(name) };
    let march = end("2031-03-31T23:59:59Z");
    let mut all = String::new();
    for (authority, name, not_after) in [
        (&one, "a", march),
        (&one, "b", end("2031-03-01T00:00:00Z")),
        (&one, "c", end("2031-04-01T00:00:00Z")),
        (&other, "d", march),
    ] {
        all += &authority.issue(&until(name, not_after)).cert_pem;
    }
    all += &one.issue(&Leaf { endless: true, ..Leaf::device("e") }).cert_pem;
    all += &self_signed(&until("f", march)).cert_pem;
    all += weak::ED25519;
    place.put("fleet/all.pem", all);
    let stable = place.stable().await;
    let months = stable.expiry_months.value().expect("months");
    let told: Vec<_> = months.iter().map(|month| (month.month.as_str(), month.count)).collect();
    assert_eq!(told, [("2031-03", 4), ("2031-04", 1), ("2036-11", 1)]);
    let cohorts = stable.cohorts.value().expect("cohorts");
    let mut told: Vec<_> = cohorts
        .iter()
        .map(|c| (c.issuer.as_str(), c.month.as_deref().unwrap_or("-"), c.bits, c.count))
        .collect();
    assert_eq!(told[0], ("CN=One", "2031-03", 256, 2));
    told.sort_unstable();
    let rest = [
        ("CN=One", "-", 256, 1),
        ("CN=One", "2031-03", 256, 2),
        ("CN=One", "2031-04", 256, 1),
        ("CN=Other", "2031-03", 256, 1),
        ("self", "2031-03", 256, 1),
        ("self", "2036-11", 256, 1),
    ];
    assert_eq!(told, rest);
    assert_eq!(stable.issuers_count, Item::observed(4));
}

#[tokio::test]
async fn more_cohorts_than_are_listed_are_truncated_with_the_largest_for_a_reader() {
    let months = (0..601_i64)
        .map(|month| entry().ending(Timestamp::from_second(month * 31 * 86_400).expect("month")));
    let mut entries: Vec<_> = months.collect();
    entries.push(entry().ending(Timestamp::from_second(0).expect("time")));
    for (number, entry) in (0_u16..).zip(&mut entries) {
        entry.fingerprint[..2].copy_from_slice(&number.to_be_bytes());
    }
    let set = Set { entries, ..Set::default() };
    let (job, bundle) = (job(), crate::x509::Bundle::default());
    let tally = Tally::new(&set, &job, &bundle);
    let Item::Truncated { reason, value } = tally.shares() else { panic!("whole") };
    assert_eq!(
        reason,
        "601 cohorts of issuer, month and kind of key, more than the 500 that are listed"
    );
    let listed = value.expect("the largest");
    assert_eq!(
        (listed.len(), listed[0].count, listed[0].month.as_deref()),
        (500, 2, Some("1970-01"))
    );
    assert_eq!(tally.months().status(), "truncated");
}
