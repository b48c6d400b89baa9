//! Tables of databases as sources of rows: what a probe asks for, and nothing of how it is had.
//!
//! Probes speak to no database. Whoever runs them gives a [`Tables`] to their [`Context`] that does;
//! without one a declared table is an item that says so.
//!
//! [`Context`]: crate::Context

use std::fmt;
use std::pin::Pin;
use std::time::Instant;

use model::document::DeviceTable;
use model::evidence::Item;

use crate::source::Secret;

/// A future that may be sent between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens tables.
pub trait Tables: fmt::Debug + Send + Sync {
    /// Opens a table of the database at an address for reading, at one moment of its life.
    /// Everything ends at `until`. The errors tell nothing of the address.
    fn open<'a>(
        &'a self,
        address: &'a Secret,
        table: &'a DeviceTable,
        bounds: Bounds,
    ) -> Pending<'a, Result<Box<dyn Snapshot>, TableError>>;
}

/// How much of a table is read.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// When to stop.
    pub until: Instant,
    /// Most bytes of one certificate; a longer one is told by its length and not transferred.
    pub certificate_bytes: usize,
}

/// A table at one moment: read twice, it gives the same rows.
pub trait Snapshot: Send {
    /// Gives every row to `visit`, in any order, until that says to stop.
    fn rows<'a>(
        &'a mut self,
        visit: &'a mut (dyn FnMut(Row<'_>) -> bool + Send),
    ) -> Pending<'a, Result<(), TableError>>;
}

/// A row. Its bytes may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Id of the device, cut to its first 1,000 characters; none where it is NULL.
    pub device: Option<&'a str>,
    /// The certificate.
    pub certificate: Cell<'a>,
    /// The cohort of the device, cut likewise; none where it is NULL, and where no column is
    /// declared.
    pub cohort: Option<&'a str>,
    /// The user name that the device logs in with, cut likewise; none where it is NULL, and where
    /// no column is declared.
    pub login: Option<&'a str>,
}

/// What stands in the column of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// NULL.
    Nothing,
    /// More bytes than are read; so many.
    TooLong(u64),
    /// PEM or DER, or something else.
    Bytes(&'a [u8]),
}

/// Why a table could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// No whole answer within the time allowed.
    #[error("{0}")]
    Timeout(String),
    /// The database declined.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl TableError {
    /// The item that says why there is no set.
    pub fn item<T>(&self) -> Item<T> {
        match self {
            Self::Timeout(reason) => Item::timeout(reason),
            Self::Refused(reason) => Item::refused(reason),
            Self::Failed(reason) => Item::error(reason),
        }
    }
}
