//! The inventory: a CSV that says which device holds which certificate.
//!
//! The first row names the columns, in any order and case; unknown columns are passed over.
//!
//! | column | meaning |
//! |---|---|
//! | `device_id` | required; several rows of one device are allowed |
//! | `fingerprint` | SHA-256 over the certificate's DER, hex; colons and `sha256:` allowed |
//! | `serial` | serial number, hex; colons and `0x` allowed |
//! | `issuer` | whole issuer as evidence writes it; narrows `serial` |
//! | `subject` | whole subject as evidence writes it, or its common name |
//! | `pem` | the certificate itself |
//! | `status` | `active` (also if empty), or `retired`, `decommissioned`, `inactive` |
//! | `cohort` | the cohort of the device, by which it is counted |
//! | `username` | the user name that the device logs in with, to a broker or elsewhere |
//!
//! A row binds by the most exact thing that it says: `pem`, then `fingerprint`, `serial`, `subject`.
//! A row that says nothing but the device binds certificates whose common name or dNSName is the
//! device's id.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Read;
use std::num::NonZeroU32;
use std::ops::ControlFlow;

use model::evidence::{CredentialShown, SharedCredential, Unreadable};
use sha2::{Digest as _, Sha256};

use super::counted::Counted;
use super::rows::{Broken, MAX_ROW_BYTES, Row, rows_of, significant};
use super::short::{self, Short};
use crate::text;
use crate::x509::Facts;

/// Most rows that are read.
pub const MAX_ROWS: u64 = 1 << 20;

/// Most cohorts that are told apart.
pub const MAX_GROUPS: usize = 1 << 14;

/// A device, by its place in [`Inventory::devices`].
pub type DeviceNumber = u32;

/// A device of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id, cut.
    pub id: Box<str>,
    /// True if every row says that it is out of use.
    pub retired: bool,
    /// Its cohort, by its place in [`Inventory::groups`] from 1; of several the one that sorts
    /// first.
    pub group: Option<NonZeroU32>,
}

/// An inventory. What its rows say of certificates and user names is kept as digests in sorted tables:
/// 20 bytes for each.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Devices in the order of their first rows.
    pub devices: Vec<Device>,
    /// Names of cohorts that rows put devices into, cut; at most [`MAX_GROUPS`].
    pub groups: Vec<Box<str>>,
    /// True if there are more of them.
    pub too_many_groups: bool,
    /// Rows that could not be used.
    pub bad_rows: Counted<Unreadable>,
    /// What devices are told by, by kind.
    told_by: [Vec<(Short, DeviceNumber)>; KINDS],
}

/// Kinds of what a row says; each goes into the digest, too.
const FINGERPRINT: u8 = 0;
const SERIAL: u8 = 1;
const SERIAL_OF_ISSUER: u8 = 2;
const SUBJECT: u8 = 3;
const DEVICE: u8 = 4;
const LOGIN: u8 = 5;
const KINDS: usize = 6;

/// What rows say that a device shows to be let in: a subject or a bare serial number is none of it.
const CREDENTIALS: [(u8, CredentialShown); 3] = [
    (FINGERPRINT, CredentialShown::Certificate),
    (SERIAL_OF_ISSUER, CredentialShown::Certificate),
    (LOGIN, CredentialShown::UserName),
];

/// Devices that are named of those that share a credential.
const NAMED: usize = 5;

/// What a row says about its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The certificate itself.
    Certificate(Vec<u8>),
    /// Its fingerprint.
    Fingerprint([u8; 32]),
    /// Its serial number, and its issuer if that is told.
    Serial(Vec<u8>, Option<String>),
    /// Its subject.
    Subject(String),
    /// Nothing.
    Device,
}

impl Inventory {
    /// Reads a CSV; `place` is how rows are named. The error says why the file is no inventory.
    pub fn read(reader: impl Read, place: &str) -> Result<Self, String> {
        let mut reading = Reading::default();
        let mut rows = 0;
        rows_of(reader, |line, row| {
            rows += 1;
            if rows > MAX_ROWS {
                return ControlFlow::Break(format!("`{place}` has more than {MAX_ROWS} rows"));
            }
            match row {
                Ok(row) => reading.add(row),
                Err(reason) => reading.unusable(format!("{place}:{line}"), reason),
            }
            ControlFlow::Continue(())
        })
        .map_err(|broken| match broken {
            Broken::NoHeader => format!("`{place}` has no header row"),
            Broken::NoDevices => format!("`{place}` has no column `device_id` in its first row"),
            Broken::Cut => format!(
                "`{place}` cannot be read to its end, or a row of it has more than {MAX_ROW_BYTES} bytes"
            ),
            Broken::Stopped(reason) => reason,
        })?;
        Ok(reading.finish())
    }

    /// The devices that hold a certificate.
    pub fn holders(&self, facts: &Facts) -> Vec<DeviceNumber> {
        let mut holders = Vec::new();
        let mut find = |kind: u8, parts: &[&[u8]]| {
            let told = &self.told_by[usize::from(kind)];
            if !told.is_empty() {
                holders.extend(bound(told, short::of(kind, parts)));
            }
        };
        let serial = significant(&facts.serial);
        find(FINGERPRINT, &[&facts.fingerprint]);
        find(SERIAL, &[serial]);
        find(SERIAL_OF_ISSUER, &[serial, facts.issuer.as_bytes()]);
        let subjects = [Some(&facts.subject), facts.common_name.as_ref()];
        for subject in subjects.into_iter().flatten() {
            find(SUBJECT, &[subject.as_bytes()]);
        }
        for name in facts.common_name.iter().chain(&facts.names.dns) {
            find(DEVICE, &[name.as_bytes()]);
        }
        holders.sort_unstable();
        holders.dedup();
        holders
    }

    /// The device of that number.
    pub fn device(&self, number: DeviceNumber) -> Option<&Device> {
        self.devices.get(usize::try_from(number).ok()?)
    }

    /// The name of a cohort.
    pub fn group(&self, group: NonZeroU32) -> Option<&str> {
        name_in(&self.groups, group)
    }

    /// Devices in use of which a row says what they log in with.
    pub fn with_credentials(&self) -> usize {
        let mut has = vec![false; self.devices.len()];
        let told = CREDENTIALS.iter().flat_map(|(kind, _)| &self.told_by[usize::from(*kind)]);
        told.for_each(|(_, device)| mark(&mut has, *device));
        has.iter().zip(&self.devices).filter(|(has, device)| **has && !device.retired).count()
    }

    /// Credentials that rows give to more than one device in use, and how many devices that
    /// concerns.
    pub fn shared_credentials(&self) -> (Counted<SharedCredential>, usize) {
        let mut shared = Counted::default();
        let mut concerned = vec![false; self.devices.len()];
        for (kind, shown) in CREDENTIALS {
            let told = &self.told_by[usize::from(kind)];
            for rows in told.chunk_by(|(a, _), (b, _)| a == b).filter(|rows| rows.len() > 1) {
                let in_use = || rows.iter().filter(|(_, number)| self.is_in_use(*number));
                if in_use().count() < 2 {
                    continue;
                }
                in_use().for_each(|(_, number)| mark(&mut concerned, *number));
                let names = in_use().filter_map(|(_, number)| self.device(*number));
                let mut devices = Counted::keeping(NAMED);
                names.for_each(|device| devices.add(device.id.to_string()));
                let credential =
                    SharedCredential { shown, count: devices.count, devices: devices.sample };
                shared.add_by(credential, |a, b| {
                    (Reverse(a.count), &a.devices).cmp(&(Reverse(b.count), &b.devices))
                });
            }
        }
        (shared, concerned.into_iter().filter(|concerned| *concerned).count())
    }

    fn is_in_use(&self, number: DeviceNumber) -> bool {
        self.device(number).is_some_and(|device| !device.retired)
    }
}

/// The devices that one digest is about.
fn bound(told: &[(Short, DeviceNumber)], digest: Short) -> impl Iterator<Item = DeviceNumber> + '_ {
    let first = told.partition_point(|(bound, _)| *bound < digest);
    told[first..].iter().take_while(move |(bound, _)| *bound == digest).map(|(_, n)| *n)
}

fn mark(marks: &mut [bool], device: DeviceNumber) {
    let place = usize::try_from(device).ok();
    if let Some(mark) = place.and_then(|place| marks.get_mut(place)) {
        *mark = true;
    }
}

fn name_in(groups: &[Box<str>], group: NonZeroU32) -> Option<&str> {
    let place = usize::try_from(group.get()).ok()?.checked_sub(1)?;
    groups.get(place).map(AsRef::as_ref)
}

/// An inventory that is being read.
#[derive(Default)]
pub struct Reading {
    inventory: Inventory,
    numbers: HashMap<Short, DeviceNumber>,
    groups: HashMap<Box<str>, NonZeroU32>,
}

impl Reading {
    /// A row that cannot be used, and why.
    pub fn unusable(&mut self, place: String, reason: String) {
        self.inventory.bad_rows.add(Unreadable { place, reason });
    }

    /// Takes a row in. Its device has a number that fits: rows are bounded.
    pub fn add(&mut self, Row { device: id, retired, cohort, login, binding }: Row<'_>) {
        let group = cohort.and_then(|name| self.group(&text::cut(name.as_bytes())));
        let devices = &mut self.inventory.devices;
        let next = DeviceNumber::try_from(devices.len()).expect("rows are bounded");
        let number = *self.numbers.entry(short::of(DEVICE, &[id.as_bytes()])).or_insert(next);
        if number == next {
            devices.push(Device { id: text::cut(id.as_bytes()).into(), retired, group });
        } else if let Some(device) =
            usize::try_from(number).ok().and_then(|place| devices.get_mut(place))
        {
            device.retired &= retired;
            let groups = &self.inventory.groups;
            device.group =
                device.group.into_iter().chain(group).min_by_key(|group| name_in(groups, *group));
        }
        let mut bind = |kind: u8, parts: &[&[u8]]| {
            self.inventory.told_by[usize::from(kind)].push((short::of(kind, parts), number));
        };
        if let Some(login) = login {
            bind(LOGIN, &[login.as_bytes()]);
        }
        match binding {
            Binding::Certificate(der) => bind(FINGERPRINT, &[&Sha256::digest(&der)]),
            Binding::Fingerprint(digest) => bind(FINGERPRINT, &[&digest]),
            Binding::Serial(serial, None) => bind(SERIAL, &[&serial]),
            Binding::Serial(serial, Some(issuer)) => {
                bind(SERIAL_OF_ISSUER, &[&serial, issuer.as_bytes()]);
            }
            Binding::Subject(subject) => bind(SUBJECT, &[subject.as_bytes()]),
            Binding::Device => bind(DEVICE, &[id.as_bytes()]),
        }
    }

    /// The number of a cohort; none where there are too many.
    fn group(&mut self, name: &str) -> Option<NonZeroU32> {
        if let Some(number) = self.groups.get(name) {
            return Some(*number);
        }
        let groups = &mut self.inventory.groups;
        if groups.len() >= MAX_GROUPS {
            self.inventory.too_many_groups = true;
            return None;
        }
        groups.push(name.into());
        let number = NonZeroU32::new(u32::try_from(groups.len()).ok()?)?;
        self.groups.insert(name.into(), number);
        Some(number)
    }

    /// The inventory, with its devices in the order of their ids: for rows that come in any order.
    pub fn finish_sorted(mut self) -> Inventory {
        let devices = std::mem::take(&mut self.inventory.devices);
        let mut order: Vec<_> = (0_u32..).zip(devices).collect();
        order.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        let mut numbers = vec![0; order.len()];
        for (new, (old, _)) in (0_u32..).zip(&order) {
            if let Some(number) = usize::try_from(*old).ok().and_then(|old| numbers.get_mut(old)) {
                *number = new;
            }
        }
        for (_, number) in self.inventory.told_by.iter_mut().flatten() {
            let new = usize::try_from(*number).ok().and_then(|old| numbers.get(old));
            *number = new.copied().unwrap_or(*number);
        }
        self.inventory.devices = order.into_iter().map(|(_, device)| device).collect();
        self.finish()
    }

    fn finish(mut self) -> Inventory {
        for told in &mut self.inventory.told_by {
            told.sort_unstable();
            told.dedup();
        }
        self.inventory
    }
}
