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

use std::collections::HashMap;
use std::io::Read;

use csv::StringRecord;
use model::evidence::Unreadable;
use sha2::{Digest as _, Sha256};

use crate::text;
use crate::x509::Facts;
use crate::x509::pem::{self, Block};

/// Most rows that are read.
const MAX_ROWS: u64 = 1_000_000;

/// A device, by its place in [`Inventory::devices`].
pub type DeviceNumber = u32;

/// A device of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id, cut.
    pub id: String,
    /// True if every row says that it is out of use.
    pub retired: bool,
}

/// An inventory.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Devices in the order of their first rows.
    pub devices: Vec<Device>,
    /// Rows that could not be used.
    pub bad_rows: Vec<Unreadable>,
    numbers: HashMap<String, DeviceNumber>,
    by_fingerprint: HashMap<[u8; 32], Vec<DeviceNumber>>,
    by_serial: HashMap<Vec<u8>, Vec<(Option<String>, DeviceNumber)>>,
    by_subject: HashMap<String, Vec<DeviceNumber>>,
    by_id: HashMap<String, DeviceNumber>,
}

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
    /// Reads a CSV; `place` is how rows are named. `certificate` gets every certificate that stands
    /// in a row, with the row's place. The error says why the file is no inventory.
    pub fn read(
        reader: impl Read,
        place: &str,
        mut certificate: impl FnMut(String, Vec<u8>),
    ) -> Result<Self, String> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(reader);
        let headers = reader.headers().map_err(|_| format!("`{place}` has no header row"))?;
        let columns = Columns::find(headers)
            .ok_or_else(|| format!("`{place}` has no column `device_id` in its first row"))?;
        let mut inventory = Self::default();
        let mut row = StringRecord::new();
        loop {
            let line = reader.position().line();
            let at = |line: u64| format!("{place}:{line}");
            match reader.read_record(&mut row) {
                Ok(false) => break,
                Ok(true) if reader.position().record() > MAX_ROWS => {
                    return Err(format!("`{place}` has more than {MAX_ROWS} rows"));
                }
                Ok(true) => {
                    let at = at(row.position().map_or(line, csv::Position::line));
                    match columns.row(&row) {
                        Ok((device, retired, binding)) => {
                            if let Binding::Certificate(der) = &binding {
                                certificate(at, der.clone());
                            }
                            inventory.add(device, retired, binding);
                        }
                        Err(reason) => inventory.bad(at, reason),
                    }
                }
                Err(error) if error.is_io_error() => {
                    return Err(format!("`{place}` cannot be read to its end"));
                }
                Err(_) => inventory.bad(at(line), "it is not UTF-8 text".to_owned()),
            }
        }
        Ok(inventory)
    }

    /// The devices that hold a certificate.
    pub fn holders(&self, facts: &Facts) -> Vec<DeviceNumber> {
        let mut holders = self.by_fingerprint.get(&facts.fingerprint).cloned().unwrap_or_default();
        if let Some(rows) = self.by_serial.get(significant(&facts.serial)) {
            let fits = |issuer: &Option<String>| {
                issuer.as_ref().is_none_or(|issuer| *issuer == facts.issuer)
            };
            holders.extend(rows.iter().filter(|(issuer, _)| fits(issuer)).map(|(_, n)| *n));
        }
        let subjects = [Some(&facts.subject), facts.common_name.as_ref()];
        for subject in subjects.into_iter().flatten() {
            holders.extend(self.by_subject.get(subject).into_iter().flatten());
        }
        for name in facts.common_name.iter().chain(&facts.names.dns) {
            holders.extend(self.by_id.get(name));
        }
        holders.sort_unstable();
        holders.dedup();
        holders
    }

    /// The device of that number.
    pub fn device(&self, number: DeviceNumber) -> Option<&Device> {
        self.devices.get(usize::try_from(number).ok()?)
    }

    fn bad(&mut self, place: String, reason: String) {
        self.bad_rows.push(Unreadable { place, reason });
    }

    fn add(&mut self, id: String, retired: bool, binding: Binding) {
        let next = DeviceNumber::try_from(self.devices.len()).expect("rows are bounded");
        let number = *self.numbers.entry(id.clone()).or_insert(next);
        if number == next {
            self.devices.push(Device { id: text::cut(id.as_bytes()), retired });
        } else if !retired
            && let Some(device) =
                usize::try_from(number).ok().and_then(|place| self.devices.get_mut(place))
        {
            device.retired = false;
        }
        match binding {
            Binding::Certificate(der) => {
                let fingerprint: [u8; 32] = Sha256::digest(&der).into();
                self.by_fingerprint.entry(fingerprint).or_default().push(number);
            }
            Binding::Fingerprint(digest) => {
                self.by_fingerprint.entry(digest).or_default().push(number);
            }
            Binding::Serial(serial, issuer) => {
                self.by_serial.entry(serial).or_default().push((issuer, number));
            }
            Binding::Subject(subject) => self.by_subject.entry(subject).or_default().push(number),
            Binding::Device => {
                self.by_id.insert(id, number);
            }
        }
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
    fn row(&self, row: &StringRecord) -> Result<(String, bool, Binding), String> {
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.get(column)).filter(|text| !text.is_empty())
        };
        let device = cell(Some(self.device)).ok_or("it has no `device_id`")?.to_owned();
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
