//! Which device holds which certificate.

use model::document::DeviceTable;
use model::evidence::{CredentialShown, Item, SharedCredential};
use testkit::pki::{Authority, Leaf, key};

use super::{Place, fingerprint, issue};

#[tokio::test]
async fn the_inventory_says_who_shares_a_key() {
    let authority = Authority::new("Devices");
    let shared = key();
    let issue = |name: &str| authority.issue_for(&Leaf::device(name), &shared).cert_pem;
    // One device under two names, and one certificate on two devices.
    let (old, new, twin) = (issue("old-name"), issue("new-name"), super::issue(&authority, "twin"));
    let place = Place::new().inventory(&format!(
        "device_id,fingerprint\nmeter-1,{}\nmeter-1,{}\nmeter-2,{}\nmeter-3,sha256:{}\n",
        fingerprint(&old),
        fingerprint(&new).to_uppercase(),
        fingerprint(&twin),
        fingerprint(&twin),
    ));
    place.put("fleet/all.pem", old + &new + &twin);
    let stable = place.stable().await;
    assert_eq!(stable.keys_shared_count, Item::observed(1));
    let sample = stable.keys_shared_sample.value().expect("sample");
    assert_eq!(sample[0].devices, ["meter-2", "meter-3"]);
    assert_eq!(stable.binding_unbound_count, Item::observed(0));
    assert_eq!(stable.inventory_devices, Item::observed(3));
}

#[tokio::test]
async fn certificates_and_devices_without_each_other_are_told() {
    let authority = Authority::new("Devices");
    let serial = Leaf { serial: Some(vec![0x0a, 0xbc]), ..Leaf::device("by-serial") };
    let place = Place::new().inventory(
        "Status, DEVICE_ID ,serial,issuer,subject\n\
         active,by-name,,,\n\
         active,d-2,0A:BC,,\n\
         active,d-3,,,by-subject\n\
         active,lost,ff,,\n\
         retired,old,,,old-device\n",
    );
    let unknown = authority.issue(&Leaf::device("unknown")).cert_pem;
    place.put("fleet/unknown.pem", unknown);
    place.put("fleet/serial.pem", authority.issue(&serial).cert_pem);
    for name in ["by-name", "by-subject", "old-device"] {
        place.put(&format!("fleet/{name}.pem"), issue(&authority, name));
    }
    let stable = place.stable().await;
    assert_eq!(stable.binding_unbound_count, Item::observed(1));
    let sample = stable.binding_unbound_sample.value().expect("sample");
    assert_eq!(
        (sample[0].place.as_str(), sample[0].subject.as_str()),
        ("unknown.pem", "CN=unknown")
    );
    assert_eq!(stable.binding_missing_sample, Item::observed(vec!["lost".to_owned()]));
    assert_eq!(stable.inventory_retired, Item::observed(1));
    assert_eq!(stable.set_certificates, Item::observed(4), "the retired device's is left out");
}

#[tokio::test]
async fn bad_rows_are_named_by_file_and_row_and_never_quoted() {
    let place = Place::new().inventory(
        "device_id,fingerprint,serial,pem,status\n\
         ,,,,\n\
         d-1,abc,,,\n\
         d-2,,xyz,,\n\
         d-3,,,secret-material,\n\
         d-4,,,,sleeping\n\
         d-5\n",
    );
    place.put("fleet/a.pem", issue(&Authority::new("Devices"), "d-5"));
    let stable = place.stable().await;
    let rows = stable.inventory_bad_rows_sample.value().expect("rows");
    let told: Vec<_> = rows.iter().map(|r| format!("{} {}", r.place, r.reason)).collect();
    assert_eq!(
        told,
        [
            "inventory.csv:2 it has no `device_id`",
            "inventory.csv:3 its `fingerprint` is not 64 hex digits",
            "inventory.csv:4 its `serial` is not a hex number",
            "inventory.csv:5 its `pem` holds no certificate",
            "inventory.csv:6 its `status` is neither `active` nor `retired`",
        ]
    );
    assert_eq!(stable.binding_unbound_count, Item::observed(0));
}

#[tokio::test]
async fn a_row_that_is_no_text_does_not_stop_the_inventory() {
    let mut place = Place::new();
    place.certificates.inventory =
        Some(place.put("inventory.csv", b"device_id\nd-\xff\nd-2\n".as_slice()));
    place.put("fleet/a.pem", issue(&Authority::new("Devices"), "d-2"));
    let stable = place.stable().await;
    assert_eq!(stable.inventory_bad_rows_count, Item::observed(1));
    assert_eq!(stable.binding_unbound_count, Item::observed(0));
}

#[tokio::test]
async fn an_inventory_without_its_column_decides_nothing_about_binding() {
    let place = Place::new().inventory("name,serial\nd-1,01\n");
    place.put("fleet/a.pem", issue(&Authority::new("Devices"), "d-1"));
    let stable = place.stable().await;
    let reason = "`inventory.csv` has no column `device_id` in its first row";
    for item in [
        stable.inventory_declared.reason(),
        stable.binding_unbound_count.reason(),
        stable.binding_missing_count.reason(),
    ] {
        assert_eq!(item, Some(reason));
    }
    assert_eq!(stable.set_certificates, Item::observed(1));
}

#[tokio::test]
async fn a_csv_can_hold_the_certificates_themselves() {
    let (mut place, authority) = (Place::new(), Authority::new("Devices"));
    let cell = |name: &str| issue(&authority, name).trim_end().replace('\n', "\\n");
    let quoted = format!("\"{}\"", issue(&authority, "d-2"));
    let csv = format!(
        "device_id,pem\nd-1,{}\nd-2,{quoted}\nd-3,\nd-4,junk\nd-5,\"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\"\n",
        cell("x")
    );
    place.put("fleet.csv", csv);
    place.certificates.path = Some("fleet.csv".into());
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(2));
    assert_eq!(stable.binding_unbound_count, Item::observed(0));
    assert_eq!(stable.binding_missing_sample, Item::observed(vec!["d-3".into(), "d-5".into()]));
    assert_eq!(stable.inventory_bad_rows_count, Item::observed(1));
    assert_eq!(stable.unreadable_count, Item::observed(1));
}

#[tokio::test]
async fn devices_are_counted_by_the_cohort_that_the_inventory_puts_them_in() {
    let authority = Authority::new("Devices");
    let place = Place::new().inventory(
        "device_id,status,cohort\n\
         d-1,,north\nd-2,,south\nd-3,,south\nd-4,,\nd-5,retired,north\nd-6,,south\nd-6,,early\n",
    );
    for name in ["d-1", "d-2", "d-4", "d-5", "d-6"] {
        place.put(&format!("fleet/{name}.pem"), issue(&authority, name));
    }
    let stable = place.stable().await;
    let groups = stable.groups.value().expect("groups");
    let seen: Vec<_> = groups
        .iter()
        .map(|group| (group.name.as_str(), group.devices, group.certificates))
        .collect();
    // Of two cohorts of one device the one that sorts first counts.
    assert_eq!(seen, [("south", 2, 1), ("early", 1, 1), ("north", 1, 1)]);
    assert!(groups.iter().all(|group| group.first_end.is_some()));
    let place = Place::new().inventory("device_id\nd-1\n");
    place.put("fleet/d-1.pem", issue(&authority, "d-1"));
    let stable = place.stable().await;
    assert_eq!(stable.groups, Item::not_attempted("the inventory puts no device into a cohort"));
}

#[tokio::test]
async fn more_cohorts_than_are_listed_are_told_and_not_passed_off_as_all() {
    let authority = Authority::new("Devices");
    let rows: String = (0..501).map(|n| format!("d-{n},group-{n:03}\n")).collect();
    let place = Place::new().inventory(&format!("device_id,cohort\n{rows}"));
    place.put("fleet/d-1.pem", issue(&authority, "d-1"));
    let groups = place.stable().await.groups;
    assert_eq!(groups.status(), "truncated");
    assert_eq!(groups.reason(), Some("501 cohorts of devices, more than the 500 that are listed"));
}

#[tokio::test]
async fn a_table_without_somebody_who_reads_it_is_an_item_that_says_so() {
    let mut place = Place::new();
    place.certificates.path = Some("address".to_owned());
    place.put("address", "postgres://u:s3cr3t@127.0.0.1/d");
    place.certificates.table = Some(DeviceTable::new("devices", "id", "pem"));
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::error("this program reads no tables of databases"));
    assert_eq!(stable.set_source, Item::observed("table devices of address".to_owned()));
}

#[tokio::test]
async fn the_inventory_says_who_logs_in_with_one_credential() {
    let authority = Authority::new("Devices");
    let (own, twin) = (issue(&authority, "meter-1"), issue(&authority, "twin"));
    let twin_print = fingerprint(&twin);
    let place = Place::new().inventory(&format!(
        "device_id,username,fingerprint,status\n\
         meter-1,meter-1,{},\n\
         meter-1,meter-1,,\n\
         meter-2,line-7,{twin_print},\n\
         meter-3,line-7,{twin_print},\n\
         meter-4,line-7,,\n\
         meter-5,Line-7,,\n\
         behind-gateway,,,\n\
         spare,old,,\n\
         gone,old,,retired\n",
        fingerprint(&own),
    ));
    place.put("fleet/all.pem", own + &twin);
    let stable = place.stable().await;
    let shared = |shown, devices: &[&str]| SharedCredential {
        shown,
        count: u32::try_from(devices.len()).expect("few"),
        devices: devices.iter().map(|device| (*device).to_owned()).collect(),
    };
    let expected = vec![
        shared(CredentialShown::UserName, &["meter-2", "meter-3", "meter-4"]),
        shared(CredentialShown::Certificate, &["meter-2", "meter-3"]),
    ];
    assert_eq!(stable.credentials_shared_sample, Item::observed(expected));
    assert_eq!(stable.credentials_shared_count, Item::observed(2));
    assert_eq!(stable.credentials_shared_devices, Item::observed(3));
    assert_eq!(stable.credentials_devices, Item::observed(6));
    let text = serde_json::to_string(&stable).expect("evidence");
    assert!(!text.to_lowercase().contains("line-7"), "user names stay in the inventory: {text}");
}

#[tokio::test]
async fn without_a_word_about_credentials_nothing_is_said_about_sharing_them() {
    let authority = Authority::new("Devices");
    let place = Place::new().inventory("device_id,subject\nmeter-1,site\nmeter-2,site\n");
    place.put("fleet/site.pem", issue(&authority, "site"));
    let stable = place.stable().await;
    assert_eq!(stable.credentials_devices, Item::observed(0));

    let place = Place::new();
    place.put("fleet/site.pem", issue(&authority, "site"));
    let stable = place.stable().await;
    assert_eq!(stable.credentials_devices, Item::observed(0));
    assert_eq!(stable.credentials_shared_count.value(), None);
}

#[tokio::test]
async fn a_credential_of_a_whole_fleet_is_counted_whole_and_five_devices_are_named() {
    let authority = Authority::new("Devices");
    let rows: String = (0..3_000).map(|n| format!("meter-{n:04},fleet\n")).collect();
    let place = Place::new().inventory(&format!("device_id,username\n{rows}"));
    place.put("fleet/one.pem", issue(&authority, "meter-0000"));
    let stable = place.stable().await;
    let sample = stable.credentials_shared_sample.value().expect("sample");
    assert_eq!((sample.len(), sample[0].count), (1, 3_000));
    assert_eq!(sample[0].devices.len(), 5);
    assert_eq!(sample[0].devices[0], "meter-0000");
    assert_eq!(stable.credentials_shared_devices, Item::observed(3_000));
}
