//! Fleets in archives, sound and hostile ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use model::evidence::{DeviceCertHygieneStable, Item};
use testkit::pki::{Authority, Leaf};

use super::{Place, issue};

/// A tar with these members: name, kind, content.
fn tar(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, content) in members {
        out.extend(header(name.as_bytes(), *kind, &format!("{:011o}\0", content.len())));
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn header(name: &[u8], kind: u8, size: &str) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name);
    header[124..136].copy_from_slice(size.as_bytes());
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("finish")
}

/// A zip with these members: name, general purpose flags, method, content as it is packed. With
/// `large` its numbers stand in the 64-bit records.
fn zip(members: &[(&str, u16, u16, Vec<u8>)], large: bool) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    let word = |out: &mut Vec<u8>, number: usize, octets: usize| {
        out.extend_from_slice(&number.to_le_bytes()[..octets]);
    };
    for (name, flags, method, packed) in members {
        let offset = out.len();
        let both = |out: &mut Vec<u8>| {
            word(out, 20, 2);
            word(out, (*flags).into(), 2);
            word(out, (*method).into(), 2);
            word(out, 0, 8);
        };
        word(&mut out, 0x0403_4b50, 4);
        both(&mut out);
        // As streaming writers leave it: the sizes stand only in the central directory.
        word(&mut out, 0, 8);
        word(&mut out, name.len(), 2);
        word(&mut out, 0, 2);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(packed);
        word(&mut central, 0x0201_4b50, 4);
        word(&mut central, 20, 2);
        both(&mut central);
        let large_field = 0xffff_ffff;
        word(&mut central, if large { large_field } else { packed.len() }, 4);
        word(&mut central, 1, 4);
        word(&mut central, name.len(), 2);
        word(&mut central, if large { 20 } else { 0 }, 2);
        word(&mut central, 0, 8);
        word(&mut central, 0, 2);
        word(&mut central, if large { large_field } else { offset }, 4);
        central.extend_from_slice(name.as_bytes());
        if large {
            word(&mut central, 1, 2);
            word(&mut central, 16, 2);
            word(&mut central, packed.len(), 8);
            word(&mut central, offset, 8);
        }
    }
    let at = out.len();
    out.extend_from_slice(&central);
    if large {
        let record = out.len();
        word(&mut out, 0x0606_4b50, 4);
        word(&mut out, 44, 8);
        word(&mut out, 0, 8);
        word(&mut out, 0, 4);
        word(&mut out, members.len(), 8);
        word(&mut out, members.len(), 8);
        word(&mut out, central.len(), 8);
        word(&mut out, at, 8);
        word(&mut out, 0x0706_4b50, 4);
        word(&mut out, 0, 4);
        word(&mut out, record, 8);
        word(&mut out, 1, 4);
    }
    word(&mut out, 0x0605_4b50, 4);
    word(&mut out, 0, 4);
    let entries = if large { 0xffff } else { members.len() };
    word(&mut out, entries, 2);
    word(&mut out, entries, 2);
    word(&mut out, central.len(), 4);
    word(&mut out, if large { 0xffff_ffff } else { at }, 4);
    word(&mut out, 0, 2);
    out
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("finish")
}

/// What evidence says of one archive under that name.
async fn look(name: &str, archive: &[u8]) -> DeviceCertHygieneStable {
    let mut place = Place::new();
    place.put(name, archive);
    place.certificates.path = Some(name.into());
    place.stable().await
}

fn told(stable: &DeviceCertHygieneStable) -> Vec<String> {
    let sample = stable.unreadable_sample.value().expect("sample");
    sample.iter().map(|u| format!("{}: {}", u.place, u.reason)).collect()
}

#[tokio::test]
async fn a_fleet_may_come_as_tar_as_tar_gz_or_as_zip() {
    let authority = Authority::new("Devices");
    let (first, second) = (issue(&authority, "d-1"), issue(&authority, "d-2"));
    let der = authority.issue(&Leaf::device("d-3")).cert_der;
    let bundle = issue(&authority, "d-4") + &issue(&authority, "d-5");
    let long = format!("{}/d-6.pem", "x".repeat(200));
    let sixth = issue(&authority, "d-6");
    let pax = |record: &str| {
        let length = record.len() + 3;
        format!("{} {record}\n", length + length.to_string().len() - 1)
    };
    let packed = tar(&[
        ("fleet/", b'5', b""),
        ("fleet/d-1.pem", b'0', first.as_bytes()),
        ("fleet/d-1.key", b'0', b"-----BEGIN PRIVATE KEY-----"),
        ("fleet/d-2.crt", 0, second.as_bytes()),
        ("./fleet/d-3.der", b'0', &der),
        ("x", b'x', pax("path=all/bundle.pem").as_bytes()),
        ("short.txt", b'0', bundle.as_bytes()),
        ("././@LongLink", b'L', long.as_bytes()),
        ("cut", b'0', sixth.as_bytes()),
    ]);
    let members: Vec<_> = [
        ("fleet/d-1.pem", 8, deflate(first.as_bytes())),
        ("fleet/d-1.key", 99, b"key".to_vec()),
        ("fleet/d-2.crt", 0, second.into_bytes()),
        ("fleet/d-3.der", 8, deflate(&der)),
        ("all/bundle.pem", 8, deflate(bundle.as_bytes())),
        (&long, 8, deflate(sixth.as_bytes())),
    ]
    .into_iter()
    .map(|(name, method, packed)| (name, 8_u16, method, packed))
    .collect();
    for (name, archive) in [
        ("fleet.tar", packed.clone()),
        ("fleet.tar.gz", gzip(&packed)),
        ("fleet.TGZ", gzip(&packed)),
        ("fleet.zip", zip(&members, false)),
        ("large.zip", zip(&members, true)),
    ] {
        let stable = look(name, &archive).await;
        assert_eq!(told(&stable), [""; 0], "{name}");
        assert_eq!(stable.set_certificates, Item::observed(6), "{name}");
        assert_eq!(stable.set_files, Item::observed(1), "{name}");
    }
}

#[tokio::test]
async fn a_folder_may_hold_archives_and_places_say_which_member_is_meant() {
    let (place, authority) = (Place::new(), Authority::new("Devices"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bundle = issue(&authority, "d-1") + broken;
    place.put("fleet/batch/one.tar", tar(&[("line/d.pem", b'0', bundle.as_bytes())]));
    place.put("fleet/two.pem", issue(&authority, "d-2"));
    let stable = place.stable().await;
    assert_eq!(stable.set_certificates, Item::observed(2));
    let reason = "it is no X.509 certificate in DER";
    assert_eq!(told(&stable), [format!("batch/one.tar!line/d.pem#2: {reason}")]);
}

#[tokio::test]
async fn names_that_lead_out_links_and_nested_archives_are_told_and_never_followed() {
    let authority = Authority::new("Devices");
    let pem = issue(&authority, "d-1");
    let members: [(&str, u8, &[u8]); 6] = [
        ("../../etc/escape.pem", b'0', pem.as_bytes()),
        ("/absolute.pem", b'0', pem.as_bytes()),
        ("inner.tar.gz", b'0', b"..."),
        ("link.pem", b'2', b""),
        ("sound.pem", b'0', pem.as_bytes()),
        ("w\\indows.pem", b'0', pem.as_bytes()),
    ];
    let out = "its name leads out of the archive";
    let expected = [
        format!("fleet.tar!../../etc/escape.pem: {out}"),
        format!("fleet.tar!/absolute.pem: {out}"),
        "fleet.tar!inner.tar.gz: it is an archive inside an archive".to_owned(),
        "fleet.tar!link.pem: it is a link or a device, which is not followed".to_owned(),
        format!("fleet.tar!w\\indows.pem: {out}"),
    ];
    let stable = look("fleet.tar", &tar(&members)).await;
    assert_eq!(told(&stable), expected);
    assert_eq!(stable.set_certificates, Item::observed(1));

    let members = [
        ("../escape.pem", 0, 0, pem.clone().into_bytes()),
        ("locked.pem", 1, 0, pem.clone().into_bytes()),
        ("odd.pem", 0, 12, pem.clone().into_bytes()),
        ("sound.pem", 0, 0, pem.clone().into_bytes()),
    ];
    let stable = look("fleet.zip", &zip(&members, false)).await;
    let expected = [
        format!("fleet.zip!../escape.pem: {out}"),
        "fleet.zip!locked.pem: it is encrypted, and archives are opened without a password".into(),
        "fleet.zip!odd.pem: it is packed by a method other than deflate".into(),
    ];
    assert_eq!(told(&stable), expected);
    assert_eq!(stable.set_certificates, Item::observed(1));
}

#[tokio::test]
async fn an_archive_that_unpacks_to_too_much_leaves_no_half_a_fleet() {
    let authority = Authority::new("Devices");
    let pem = issue(&authority, "d-1");
    let blanks = vec![b'\n'; 16 * 1024 * 1024];
    let bomb: [(&str, u8, &[u8]); 3] = [
        ("sound.pem", b'0', pem.as_bytes()),
        ("bomb.txt", b'0', &blanks),
        ("bomb.pem", b'0', &blanks),
    ];
    let zipped = [("bomb.pem", 0, 8, deflate(&blanks))];
    for (name, archive) in [("bomb.tgz", gzip(&tar(&bomb))), ("bomb.zip", zip(&zipped, false))] {
        let stable = look(name, &archive).await;
        assert_eq!(stable.set_certificates.status(), "truncated", "{name}");
        let reason = stable.set_certificates.reason().expect("reason");
        assert!(reason.contains("unpacks to more than"), "{reason}");
    }
}

#[tokio::test]
async fn broken_archives_are_told_whatever_is_broken_in_them() {
    let pem = issue(&Authority::new("Devices"), "d-1");
    let sound = tar(&[("a.pem", b'0', pem.as_bytes()), ("b.pem", b'0', pem.as_bytes())]);
    let zipped = zip(&[("a.pem", 0, 8, deflate(pem.as_bytes()))], false);
    let mut wrong_sum = sound.clone();
    wrong_sum[0] ^= 1;
    let mut wrong_local = zipped.clone();
    wrong_local[0] ^= 1;
    let huge = header(b"a.pem", b'0', "77777777777\0");
    let archives: [(&str, &[u8]); 9] = [
        ("text.tar", b"just text, and no more than that"),
        ("sum.tar", &wrong_sum),
        ("cut.tar", &sound[..700]),
        ("huge.tar", &huge),
        ("cut.tar.gz", &gzip(&sound)[..100]),
        ("text.tgz", b"just text"),
        ("text.zip", b"just text"),
        ("cut.zip", &zipped[..zipped.len() - 30]),
        ("local.zip", &wrong_local),
    ];
    for (name, archive) in archives {
        let stable = look(name, archive).await;
        assert_ne!(stable.unreadable_count, Item::observed(0), "{name}");
        assert!(told(&stable).iter().all(|told| told.starts_with(name)), "{name}");
    }
}

#[test]
fn no_change_of_one_byte_makes_an_archive_crash_its_reader() {
    let pem = issue(&Authority::new("Devices"), "d-1");
    let members = [("a.pem", 0, 8, deflate(pem.as_bytes())), ("b.pem", 0, 0, b"b".to_vec())];
    let tarred = tar(&[("a.pem", b'0', pem.as_bytes()), ("x", b'x', b"12 path=b.pem\n")]);
    let folder = tempfile::tempdir().expect("folder");
    for (name, sound) in [
        ("fleet.zip", zip(&members, false)),
        ("large.zip", zip(&members, true)),
        ("fleet.tar", tarred.clone()),
        ("fleet.tar.gz", gzip(&tarred)),
    ] {
        let path = folder.path().join(name);
        for place in 0..sound.len() {
            let mut changed = sound.clone();
            changed[place] ^= if place % 2 == 0 { 0xff } else { 0x01 };
            std::fs::write(&path, &changed).expect("file");
            let mut pieces = 0;
            super::reading::read(&path, name, None, &mut |_| {
                pieces += 1;
                true
            });
            assert!(pieces < 1_000, "{name} {place}");
        }
    }
}
