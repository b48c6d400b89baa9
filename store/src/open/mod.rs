//! Opening a store: finding out what is there, and bringing it up to date.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use sqlx::migrate::{MigrateError, Migrator};

use crate::error::StoreError;

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Creates what is missing, migrates what is old, and finds out now if it cannot be written.
    ReadWrite,
    /// Changes nothing: no file is created, no schema migrated.
    ReadOnly,
}

/// A migration that the store has been through: its version and the checksum of its SQL.
type Applied = (i64, Vec<u8>);

/// True if the store has been through every migration; an error if it has been through others.
fn is_current(place: &str, known: &Migrator, applied: &[Applied]) -> Result<bool, StoreError> {
    let newest_known = newest(known);
    let newest_applied = applied.iter().map(|(version, _)| *version).max().unwrap_or(0);
    if newest_applied > newest_known {
        return Err(StoreError::NewerSchema {
            place: place.to_owned(),
            found: newest_applied,
            known: newest_known,
        });
    }
    for (version, checksum) in applied {
        let same = known
            .iter()
            .any(|ours| ours.version == *version && ours.checksum.as_ref() == checksum.as_slice());
        if !same {
            return Err(not_ours(place, *version));
        }
    }
    Ok(newest_applied == newest_known)
}

fn newest(known: &Migrator) -> i64 {
    known.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn not_ours(place: &str, version: i64) -> StoreError {
    StoreError::NotAStore {
        place: place.to_owned(),
        reason: format!("its migration {version} is not one of this program"),
    }
}

fn outdated(place: &str, known: &Migrator, applied: &[Applied]) -> StoreError {
    StoreError::OlderSchema {
        place: place.to_owned(),
        found: applied.iter().map(|(version, _)| *version).max().unwrap_or(0),
        known: newest(known),
    }
}

fn migration_fault(place: &str, known: &Migrator, error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            StoreError::from_driver(place, error)
        }
        MigrateError::VersionMissing(found) => {
            StoreError::NewerSchema { place: place.to_owned(), found, known: newest(known) }
        }
        MigrateError::VersionMismatch(version) => not_ours(place, version),
        other => StoreError::Other { place: place.to_owned(), reason: other.to_string() },
    }
}
