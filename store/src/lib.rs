//! Run records: SQLite for the command line, Postgres for the operator, one contract for both.
//!
//! What is true is the evidence, kept as the very bytes that its digest is taken over, and the
//! record, kept whole as JSON. Every other table is made from the two, in the transaction that
//! finishes a run, so that lists and histories need no record to be read.
//!
//! Evidence is only ever added. A record is written twice: when its run begins and when it ends.
//! Time is always an argument.

mod appender;
mod baseline;
mod bundle;
mod certificate;
#[cfg(any(test, feature = "contract-suite"))]
pub mod contract_suite;
mod error;
mod evidence;
mod finding;
mod finish;
mod listing;
mod open;
mod outbox;
mod owner;
mod retention;
mod run;
mod sql;
mod standing;
#[cfg(test)]
mod tests;
mod url;

pub use appender::Appender;
pub use baseline::{BaselineEntry, ChainHead};
pub use certificate::{CertificateRecord, CertificateSeen};
pub use error::StoreError;
pub use evidence::{EvidenceBody, Packed, RawEvidence};
pub use finding::{FindingEvent, FindingEventKind, FindingRecord, FindingState};
pub use listing::{ControlPoint, RunFilter, RunSummary};
pub use open::OpenMode;
pub use outbox::OutboxEntry;
pub use owner::Owner;
pub use retention::{Keep, Pruned};
pub use standing::OpenFindings;
pub use url::{BadStoreUrl, StoreUrl};

use sql::{Pool, Tx};
use url::Address;

/// A store of runs. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    place: String,
}

impl Store {
    /// Opens a store; for writing, creates it and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::ReadOnly`], [`StoreError::NewerSchema`] and the
    /// like, before anything is changed: an open that fails leaves what was there as it was.
    pub async fn open(url: &StoreUrl, mode: OpenMode) -> Result<Self, StoreError> {
        let place = url.to_string();
        let pool = match url.address() {
            Address::Sqlite(path) => Pool::Sqlite(
                open::sqlite::open(path, &place, mode, open::sqlite::Limits::default()).await?,
            ),
            Address::Postgres(options) => {
                Pool::Postgres(open::postgres::open(options, &place, mode).await?)
            }
        };
        Ok(Self { pool, place })
    }

    /// Opens a Postgres store for adding evidence only: as its user, who acts as `role` from the
    /// first statement on. The store must be up to date, and the role granted (see
    /// [`Store::grant_ingest`]).
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Conflict`] on SQLite, which has no roles, and for a name
    /// that is no plain identifier.
    pub async fn open_as(url: &StoreUrl, role: &str) -> Result<Self, StoreError> {
        let place = url.to_string();
        let Address::Postgres(options) = url.address() else { return Err(no_roles(&place)) };
        open::postgres::check_role(role)?;
        let options = options.clone().options([("role", role)]);
        let pool = open::postgres::open(&options, &place, OpenMode::ReadWrite).await?;
        Ok(Self { pool: Pool::Postgres(pool), place })
    }

    /// Makes a role for [`Store::open_as`], unless there is one, and lets the store's own user
    /// act as it.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] if the user may not make roles: somebody who may must do it.
    pub async fn make_ingest_role(&self, role: &str) -> Result<(), StoreError> {
        if matches!(self.pool, Pool::Sqlite(_)) {
            return Err(no_roles(&self.place));
        }
        open::postgres::check_role(role)?;
        let mut tx = self.write().await?;
        tx.execute_text(open::postgres::ingest_role(role)).await?;
        tx.commit().await
    }

    /// Lets a Postgres role add evidence and read it back, and nothing else: no UPDATE and no
    /// DELETE on any table. The role must exist; repeating the grant changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on SQLite, which has no roles.
    pub async fn grant_ingest(&self, role: &str) -> Result<(), StoreError> {
        if matches!(self.pool, Pool::Sqlite(_)) {
            return Err(no_roles(&self.place));
        }
        let mut tx = self.write().await?;
        tx.execute_text(open::postgres::ingest_grants(role)).await?;
        tx.commit().await
    }

    /// Whether this store's user may add evidence; always, on SQLite.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn may_ingest(&self) -> Result<bool, StoreError> {
        if matches!(self.pool, Pool::Sqlite(_)) {
            return Ok(true);
        }
        let asked = open::postgres::MAY_INGEST;
        let row = self.read().await?.row(asked, &[]).await?;
        row.map_or(Ok(false), |row| Ok(row.text("may")? == "true"))
    }

    /// Waits until every connection is closed. SQLite then folds its log into the file; without
    /// this the next program to open the store does so.
    pub async fn close(self) {
        match self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    async fn write(&self) -> Result<Tx, StoreError> {
        self.pool.write(&self.place).await
    }

    async fn read(&self) -> Result<Tx, StoreError> {
        self.pool.read(&self.place).await
    }

    fn not_found(&self, what: impl Into<String>) -> StoreError {
        StoreError::NotFound { what: what.into(), place: self.place.clone() }
    }

    fn corrupt(
        &self,
        table: &'static str,
        row: impl Into<String>,
        reason: impl Into<String>,
    ) -> StoreError {
        StoreError::Corrupt {
            place: self.place.clone(),
            table,
            row: row.into(),
            reason: reason.into(),
        }
    }
}

fn no_roles(place: &str) -> StoreError {
    conflict(format!("{place} has no roles; only Postgres does"))
}

fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}
