//! The rows of a CSV, one at a time.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use csv::StringRecord;

use super::inventory::Binding;
use crate::x509::MAX_CERTIFICATE_BYTES;
use crate::x509::pem::{self, Block};

/// Longest row that is read, in bytes: the largest certificate as PEM, and what stands beside it.
pub const MAX_ROW_BYTES: usize = 2 * MAX_CERTIFICATE_BYTES;

/// Gives the certificates that stand in a CSV with their lines to `visit`, which says whether to go
/// on. Whatever is wrong with the rows is passed over here.
pub fn certificates(reader: impl Read, mut visit: impl FnMut(u64, Vec<u8>) -> bool) {
    let read = rows_of(reader, |line, row| match row {
        Ok(Row { binding: Binding::Certificate(der), .. }) => match visit(line, der) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(String::new()),
        },
        _ => ControlFlow::Continue(()),
    });
    read.ok();
}

/// Why the rows of a CSV could not be read to their end.
pub enum Broken {
    /// There is no first row.
    NoHeader,
    /// It names no column of devices.
    NoDevices,
    /// The stream ends early, or a row of it is too long.
    Cut,
    /// Whoever reads has had enough, for this reason.
    Stopped(String),
}

/// What a row says.
pub struct Row<'a> {
    /// Id of its device.
    pub device: &'a str,
    /// Whether that is out of use.
    pub retired: bool,
    /// Its cohort.
    pub cohort: Option<&'a str>,
    /// The user name that it logs in with.
    pub login: Option<&'a str>,
    /// What it binds by.
    pub binding: Binding,
}

/// Gives every row with its line to `visit`, or what is wrong with it.
pub fn rows_of(
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
    cohort: Option<usize>,
    username: Option<usize>,
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
            cohort: column("cohort"),
            username: column("username"),
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
        let (cohort, login) = (cell(self.cohort), cell(self.username));
        Ok(Row { device, retired, cohort, login, binding })
    }
}

fn certificate(text: &str) -> Result<Vec<u8>, String> {
    first_in(text).ok_or_else(|| "its `pem` holds no certificate".to_owned())
}

/// The certificate that a cell with PEM begins with.
pub fn first_in(text: &str) -> Option<Vec<u8>> {
    // A cell of one line often carries its line breaks as two characters.
    let text = text.replace("\\n", "\n");
    match pem::all(text.as_bytes()).into_iter().next() {
        Some(Block::Certificate(der)) => Some(der),
        _ => None,
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

/// A number without its leading zeros.
pub fn significant(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}
