//! A table of a database as a set: its rows say which device holds which certificate, so it is its
//! own inventory where none is declared. It is read twice at one moment of its life, as a CSV is.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use model::document::{DeviceCertificates, DeviceTable};
use tokio::runtime::Handle;

use super::inventory::{Binding, Inventory, MAX_ROWS, Reading};
use super::rows::{self, MAX_ROW_BYTES};
use crate::table::{Bounds, Cell, Row, Snapshot, TableError};
use crate::{Context, source, text};

/// How a set is named in evidence and plans.
pub fn place(certificates: &DeviceCertificates) -> String {
    let source = source::place(&certificates.source());
    match &certificates.table {
        Some(table) => format!("table {} of {source}", text::cut(table.written().as_bytes())),
        None => source,
    }
}

/// A table that is open.
pub struct Table {
    snapshot: Mutex<Box<dyn Snapshot>>,
    runtime: Handle,
}

impl Table {
    /// Opens the table that a set names.
    pub async fn open(
        context: &Context,
        certificates: &DeviceCertificates,
        table: &DeviceTable,
        until: Instant,
    ) -> Result<Self, TableError> {
        let tables = context.tables.as_ref().ok_or_else(|| {
            TableError::Failed("this program reads no tables of databases".to_owned())
        })?;
        let address = source::secret(context, &certificates.source())
            .await
            .map_err(|error| TableError::Failed(error.to_string()))?;
        let bounds = Bounds { until, certificate_bytes: MAX_ROW_BYTES };
        let snapshot = tables.open(&address, table, bounds).await?;
        Ok(Self { snapshot: Mutex::new(snapshot), runtime: Handle::current() })
    }

    /// Which device holds which certificate. Rows are named by `place` and their device.
    pub fn inventory(&self, place: &str) -> Result<Inventory, TableError> {
        let mut reading = Reading::default();
        let mut taken = 0;
        self.rows(&mut |row| {
            taken += 1;
            if taken > MAX_ROWS {
                return false;
            }
            let of = |device: &str| format!("{place}!{}", text::cut(device.as_bytes()));
            match (row.device.filter(|device| !device.trim().is_empty()), binding(&row)) {
                (None, _) => reading.unusable(place.to_owned(), "it names no device".to_owned()),
                (Some(device), Err(reason)) => reading.unusable(of(device), reason),
                (Some(device), Ok(binding)) => {
                    let (cohort, login) = (said(row.cohort), said(row.login));
                    reading.add(rows::Row { device, retired: false, cohort, login, binding });
                }
            }
            true
        })?;
        if taken > MAX_ROWS {
            return Err(TableError::Failed(format!("`{place}` has more than {MAX_ROWS} rows")));
        }
        Ok(reading.finish_sorted())
    }

    /// Gives every certificate with its device to `visit`, which says whether to go on. Rows that
    /// cannot be used are passed over here.
    pub fn certificates(
        &self,
        visit: &mut (dyn FnMut(&str, Vec<u8>) -> bool + Send),
    ) -> Result<(), TableError> {
        self.rows(&mut |row| match (row.device, binding(&row)) {
            (Some(device), Ok(Binding::Certificate(der))) if !device.trim().is_empty() => {
                visit(device, der)
            }
            _ => true,
        })
    }

    fn rows(&self, visit: &mut (dyn FnMut(Row<'_>) -> bool + Send)) -> Result<(), TableError> {
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        self.runtime.block_on(snapshot.rows(visit))
    }
}

/// What a cell says; nothing where it is empty, as in a CSV.
fn said(cell: Option<&str>) -> Option<&str> {
    cell.map(str::trim).filter(|text| !text.is_empty())
}

/// What a row binds its device by, or what is wrong with it; never its content.
fn binding(row: &Row<'_>) -> Result<Binding, String> {
    match row.certificate {
        Cell::Nothing => Ok(Binding::Device),
        Cell::TooLong(bytes) => Err(format!(
            "its certificate has {bytes} bytes, more than the {MAX_ROW_BYTES} that are read"
        )),
        Cell::Bytes(der @ [0x30, ..]) => Ok(Binding::Certificate(der.to_vec())),
        Cell::Bytes(text) => std::str::from_utf8(text)
            .ok()
            .and_then(rows::first_in)
            .map(Binding::Certificate)
            .ok_or_else(|| "its certificate is neither PEM nor DER".to_owned()),
    }
}
