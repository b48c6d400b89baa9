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
//!
//! A row binds by the most exact thing that it says: `pem`, then `fingerprint`, `serial`, `subject`.
//! A row that says nothing but the device binds certificates whose common name or dNSName is the
//! device's id.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use csv::StringRecord;
use model::evidence::Unreadable;
use sha2::{Digest as _, Sha256};

use super::counted::Counted;
use super::short::{self, Short};
use crate::text;
use crate::x509::pem::{self, Block};
use crate::x509::{Facts, MAX_CERTIFICATE_BYTES};

/// Most rows that are read.
const MAX_ROWS: u64 = 1 << 20;

/// Longest row that is read, in bytes: the largest certificate as PEM, and what stands beside it.
const MAX_ROW_BYTES: usize = 2 * MAX_CERTIFICATE_BYTES;

/// A device, by its place in [`Inventory::devices`].
pub type DeviceNumber = u32;

/// A device of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id, cut.
    pub id: Box<str>,
    /// True if every row says that it is out of use.
    pub retired: bool,
}

/// An inventory. What its rows bind by is kept as digests in one sorted table: 20 bytes a row.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Devices in the order of their first rows.
    pub devices: Vec<Device>,
    /// Rows that could not be used.
    pub bad_rows: Counted<Unreadable>,
    bindings: Vec<(Short, DeviceNumber)>,
    /// Which kinds of bindings there are, by their number.
    kinds: [bool; KINDS],
}

/// Kinds of bindings; each digest begins with its kind.
const FINGERPRINT: u8 = 0;
const SERIAL: u8 = 1;
const SERIAL_OF_ISSUER: u8 = 2;
const SUBJECT: u8 = 3;
const DEVICE: u8 = 4;
const KINDS: usize = 5;

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
                Ok((device, retired, binding)) => reading.add(device, retired, binding),
                Err(reason) => {
                    let place = format!("{place}:{line}");
                    reading.inventory.bad_rows.add(Unreadable { place, reason });
                }
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
            if self.kinds[usize::from(kind)] {
                holders.extend(self.bound(short::of(kind, parts)));
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

    /// The devices that one digest binds.
    fn bound(&self, digest: Short) -> impl Iterator<Item = DeviceNumber> {
        let first = self.bindings.partition_point(|(bound, _)| *bound < digest);
        self.bindings[first..]
            .iter()
            .take_while(move |(bound, _)| *bound == digest)
            .map(|(_, n)| *n)
    }
}

/// An inventory that is being read.
#[derive(Default)]
struct Reading {
    inventory: Inventory,
    numbers: HashMap<Short, DeviceNumber>,
}

impl Reading {
    fn add(&mut self, id: &str, retired: bool, binding: Binding) {
        let devices = &mut self.inventory.devices;
        let next = DeviceNumber::try_from(devices.len()).expect("rows are bounded");
        let number = *self.numbers.entry(short::of(DEVICE, &[id.as_bytes()])).or_insert(next);
        if number == next {
            devices.push(Device { id: text::cut(id.as_bytes()).into(), retired });
        } else if !retired
            && let Some(device) =
                usize::try_from(number).ok().and_then(|place| devices.get_mut(place))
        {
            device.retired = false;
        }
        let mut bind = |kind: u8, parts: &[&[u8]]| {
            self.inventory.kinds[usize::from(kind)] = true;
            self.inventory.bindings.push((short::of(kind, parts), number));
        };
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

    fn finish(mut self) -> Inventory {
        self.inventory.bindings.sort_unstable();
        self.inventory.bindings.dedup();
        self.inventory
    }
}

/// Gives the certificates that stand in a CSV with their lines to `visit`, which says whether to go
/// on. Whatever is wrong with the rows is passed over here.
pub fn certificates(reader: impl Read, mut visit: impl FnMut(u64, Vec<u8>) -> bool) {
    let read = rows_of(reader, |line, row| match row {
        Ok((_, _, Binding::Certificate(der))) => match visit(line, der) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(String::new()),
        },
        _ => ControlFlow::Continue(()),
    });
    read.ok();
}

/// Why the rows of a CSV could not be read to their end.
enum Broken {
    NoHeader,
    NoDevices,
    Cut,
    Stopped(String),
}

/// What a row says: its device, whether that is out of use, and what it binds by.
type Row<'a> = (&'a str, bool, Binding);

/// Gives every row with its line to `visit`, or what is wrong with it.
fn rows_of(
    reader: impl Read,
    mut visit: impl FnMut(u64, Result<Row<'_>, String>) -> ControlFlow<String>,
) -> Result<(), Broken> {
    let since_row = Rc::new(Cell::new(0));
    let fenced = Fenced { inner: reader, since_row: Rc::clone(&since_row) };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(fenced);
    let headers = reader.headers().map_err(|_| Broken::NoHeader)?;
    let columns = Columns::find(headers).ok_or(Broken::NoDevices)?;
    let mut row = StringRecord::new();
    loop {
        let line = reader.position().line();
        since_row.set(0);
        let next = match reader.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = row.position().map_or(line, csv::Position::line);
                visit(line, columns.row(&row))
            }
            Err(error) if error.is_io_error() => return Err(Broken::Cut),
            Err(_) => visit(line, Err("it is not UTF-8 text".to_owned())),
        };
        if let ControlFlow::Break(reason) = next {
            return Err(Broken::Stopped(reason));
        }
    }
}

/// A stream that is an error where one row is longer than [`MAX_ROW_BYTES`]: a quotation mark that
/// never ends makes one row of all that follows, and rows are held in memory.
struct Fenced<R> {
    inner: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Fenced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + read);
        Ok(read)
    }
}

/// Where the known columns are.
struct Columns {
    device: usize,
    fingerprint: Option<usize>,
    serial: Option<usize>,
    issuer: Option<usize>,
    subject: Option<usize>,
    pem: Option<usize>,
    status: Option<usize>,
}

impl Columns {
    fn find(headers: &StringRecord) -> Option<Self> {
        let column = |name: &str| {
            headers
                .iter()
                .position(|header| header.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
        };
        Some(Self {
            device: column("device_id")?,
            fingerprint: column("fingerprint"),
            serial: column("serial"),
            issuer: column("issuer"),
            subject: column("subject"),
            pem: column("pem"),
            status: column("status"),
        })
    }

    /// What a row says, or what is wrong with it; never its content.
    fn row<'a>(&self, row: &'a StringRecord) -> Result<Row<'a>, String> {
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.get(column)).filter(|text| !text.is_empty())
        };
        let device = cell(Some(self.device)).ok_or("it has no `device_id`")?;
        let retired = match cell(self.status).map(str::to_ascii_lowercase).as_deref() {
            None | Some("active") => false,
            Some("retired" | "decommissioned" | "inactive") => true,
            Some(_) => return Err("its `status` is neither `active` nor `retired`".to_owned()),
        };
        let binding = if let Some(text) = cell(self.pem) {
            Binding::Certificate(certificate(text)?)
        } else if let Some(text) = cell(self.fingerprint) {
            let digits = text.trim_start_matches("sha256:");
            let bytes = hex(digits).and_then(|bytes| bytes.try_into().ok());
            Binding::Fingerprint(bytes.ok_or("its `fingerprint` is not 64 hex digits")?)
        } else if let Some(text) = cell(self.serial) {
            let digits = text.trim_start_matches("0x").trim_start_matches("0X");
            let number = hex(digits).ok_or("its `serial` is not a hex number")?;
            let issuer = cell(self.issuer).map(str::to_owned);
            Binding::Serial(significant(&number).to_vec(), issuer)
        } else if let Some(text) = cell(self.subject) {
            Binding::Subject(text.to_owned())
        } else {
            Binding::Device
        };
        Ok((device, retired, binding))
    }
}

fn certificate(text: &str) -> Result<Vec<u8>, String> {
    // A cell of one line often carries its line breaks as two characters.
    let text = text.replace("\\n", "\n");
    match pem::all(text.as_bytes()).into_iter().next() {
        Some(Block::Certificate(der)) => Ok(der),
        _ => Err("its `pem` holds no certificate".to_owned()),
    }
}

/// Bytes of hex digits, in pairs or with colons between them.
fn hex(text: &str) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b':')
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        digits.insert(0, 0);
    }
    let (pairs, _) = digits.as_chunks::<2>();
    (!pairs.is_empty()).then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn significant(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}
