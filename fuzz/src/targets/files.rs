//! Certificates that a target declares. They are read as the probes read them: from a folder.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use model::CheckId;
use model::document::{DeviceCertificates, DeviceTable, Source, Trust};
use model::request::Inputs;
use probes::source::Secret;
use probes::table::{Bounds, Cell, Pending, Row, Snapshot, TableError, Tables};
use tempfile::TempDir;

use super::peer::parts;
use super::probe::{collected, collected_by, context};

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there is room for a folder");
}

/// Certificates in PEM or DER.
pub(super) fn device_bundle(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.pem", bytes);
        certificates(folder, "devices.pem", None);
    });
}

/// A PKCS#12 archive, with and without the password of the seeds.
pub(super) fn device_pkcs12(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.p12", bytes);
        write(folder, "password", b"changeit");
        certificates(folder, "devices.p12", Some("password"));
    });
}

/// An inventory, of which a column holds certificates.
pub(super) fn device_inventory(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.csv", bytes);
        certificates(folder, "devices.csv", None);
    });
}

/// An archive of certificates, as it is and through gzip. Sums of headers are mended first: an input
/// that breaks one says nothing about what stands behind it.
pub(super) fn device_tar(bytes: &[u8]) {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("a vector takes everything");
    let packed = packer.finish().expect("a vector takes everything");
    FOLDER.with(|folder| {
        write(folder, "devices.tar", bytes);
        certificates(folder, "devices.tar", None);
        write(folder, "devices.tar", &summed(bytes));
        certificates(folder, "devices.tar", None);
        write(folder, "devices.tgz", &packed);
        certificates(folder, "devices.tgz", None);
        // What is no gzip, or ends too early, is one of the cases.
        write(folder, "devices.tgz", bytes);
        certificates(folder, "devices.tgz", None);
    });
}

/// An archive with a directory at its end.
pub(super) fn device_zip(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.zip", bytes);
        certificates(folder, "devices.zip", None);
    });
}

/// A tar archive in which the sum of every header is right (POSIX.1-1988: octal, over the header
/// with the sum itself as blanks).
fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut archive = bytes.to_vec();
    for header in archive.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    archive
}

/// A table of a database: each part of an input is a row, with its device, its cohort and its
/// certificate, each on a line of its own but the last. The cohort is the user name, too. What is
/// missing is NULL.
pub(super) fn device_table(bytes: &[u8]) {
    let table = DeviceTable {
        cohort: Some("site".to_owned()),
        username: Some("login".to_owned()),
        ..DeviceTable::new("devices", "id", "certificate")
    };
    let certificates = DeviceCertificates {
        name: "devices".to_owned(),
        path: Some("address".to_owned()),
        table: Some(table),
        ..DeviceCertificates::default()
    };
    FOLDER.with(|folder| {
        write(folder, "address", b"postgres://database.example/fleet");
        let rows = Rows(parts(bytes).into_iter().map(<[u8]>::to_vec).collect());
        let context = context(folder.path().to_owned()).with_tables(Arc::new(rows));
        let inputs = Inputs::DeviceCertificates { certificates, trust: Trust::default() };
        collected_by(&context, CheckId::DeviceCertHygiene, inputs);
    });
}

/// Rows without a database.
#[derive(Debug, Clone)]
struct Rows(Vec<Vec<u8>>);

impl Tables for Rows {
    fn open<'a>(
        &'a self,
        _: &'a Secret,
        _: &'a DeviceTable,
        bounds: Bounds,
    ) -> Pending<'a, Result<Box<dyn Snapshot>, TableError>> {
        let opened = Opened { rows: self.clone(), bounds };
        Box::pin(async move { Ok(Box::new(opened) as Box<dyn Snapshot>) })
    }
}

struct Opened {
    rows: Rows,
    bounds: Bounds,
}

impl Snapshot for Opened {
    fn rows<'a>(
        &'a mut self,
        visit: &'a mut (dyn FnMut(Row<'_>) -> bool + Send),
    ) -> Pending<'a, Result<(), TableError>> {
        Box::pin(async move {
            for row in &self.rows.0 {
                let mut cells = row.splitn(3, |byte| *byte == b'\n');
                // As the driver gives them: text, of which a thousand characters are asked for.
                let mut text = || {
                    let text = String::from_utf8_lossy(cells.next()?);
                    Some(text.chars().take(1_000).collect::<String>())
                };
                let (device, cohort) = (text(), text());
                let certificate = match cells.next() {
                    None => Cell::Nothing,
                    Some(bytes) if bytes.len() > self.bounds.certificate_bytes => {
                        Cell::TooLong(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
                    }
                    Some(bytes) => Cell::Bytes(bytes),
                };
                let (device, cohort) = (device.as_deref(), cohort.as_deref());
                let row = Row { device, certificate, cohort, login: cohort };
                if !visit(row) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn certificates(folder: &TempDir, name: &str, password: Option<&str>) {
    let certificates = DeviceCertificates {
        name: "devices".to_owned(),
        path: Some(name.to_owned()),
        password: password.map(Source::path),
        ..DeviceCertificates::default()
    };
    let inputs = Inputs::DeviceCertificates { certificates, trust: Trust::default() };
    collected(folder.path(), CheckId::DeviceCertHygiene, inputs);
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).expect("the folder is ours");
}
