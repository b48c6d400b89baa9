//! What can go wrong with a store, in the words of its user.

use model::{RunId, TargetKey};

/// What went wrong. `place` is the store's address without its password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was asked for is not there.
    #[error("{what} not found in {place}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// The store.
        place: String,
    },
    /// A prefix that names several runs.
    #[error("`{prefix}` names several runs: {}; give more of the id", .candidates.iter().map(|run| run.0.as_str()).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The prefix.
        prefix: String,
        /// The first runs that it names.
        candidates: Vec<RunId>,
    },
    /// The request contradicts what is stored; nothing was changed.
    #[error("{what}")]
    Conflict {
        /// What contradicts what.
        what: String,
    },
    /// Another run of the target was finished since the chain's head was read. Read it again,
    /// make the record's integrity anew, and finish again.
    #[error(
        "another run of {target} was finished meanwhile: the chain has {found} runs, the record \
         was made for {expected}"
    )]
    ChainMoved {
        /// The target.
        target: TargetKey,
        /// Runs before this one, as the record says.
        expected: u64,
        /// Runs in the chain now.
        found: u64,
    },
    /// A newer program wrote the store.
    #[error(
        "{place} has schema {found}, and this program ({}) knows schemas up to {known}; use the \
         version of the program that wrote it, or a newer one",
        env!("CARGO_PKG_VERSION")
    )]
    NewerSchema {
        /// The store.
        place: String,
        /// Schema of the store.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// An older program wrote the store, and it was opened for reading only.
    #[error(
        "{place} has schema {found}, and this program needs {known}; open it for writing once, \
         for example with `plumb run`, and it is brought up to date"
    )]
    OlderSchema {
        /// The store.
        place: String,
        /// Schema of the store.
        found: i64,
        /// The schema that this program needs.
        known: i64,
    },
    /// The address leads to something else.
    #[error("{place} is no Plumbline store: {reason}")]
    NotAStore {
        /// The address.
        place: String,
        /// What is there instead.
        reason: String,
    },
    /// The store cannot be written.
    #[error("{place} cannot be written: {reason}")]
    ReadOnly {
        /// The store.
        place: String,
        /// Why not.
        reason: String,
    },
    /// There is no room left; what was begun was undone.
    #[error("{place} is full: {reason}; nothing of this step was kept")]
    Full {
        /// The store.
        place: String,
        /// What is full.
        reason: String,
    },
    /// Others kept the store busy for too long; what was begun was undone.
    #[error("{place} is busy: {reason}; try again")]
    Busy {
        /// The store.
        place: String,
        /// With what.
        reason: String,
    },
    /// What is stored is not what was stored.
    #[error("table `{table}`, row `{row}` in {place} is corrupt: {reason}")]
    Corrupt {
        /// The store.
        place: String,
        /// The table.
        table: &'static str,
        /// Key of the row: a digest, or a run and what it holds.
        row: String,
        /// What does not match.
        reason: String,
    },
    /// The server cannot be reached, or does not let us in.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable {
        /// The store.
        place: String,
        /// Why not.
        reason: String,
    },
    /// Anything else that the database reports.
    #[error("{place}: {reason}")]
    Other {
        /// The store.
        place: String,
        /// What it reports.
        reason: String,
    },
}

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>).
mod sqlite_code {
    pub const PERM: i32 = 3;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const NOTADB: i32 = 26;
}

impl StoreError {
    /// What the driver reports, in the words of the user.
    pub(crate) fn from_driver(place: &str, error: sqlx::Error) -> Self {
        let place = place.to_owned();
        match error {
            sqlx::Error::Database(error) => {
                let reason = error.message().to_owned();
                let code = error.code().unwrap_or_default().into_owned();
                match code.parse::<i32>() {
                    Ok(code) if place.starts_with("sqlite:") => from_sqlite(place, code, reason),
                    _ => from_postgres(place, &code, reason),
                }
            }
            sqlx::Error::Io(error) => Self::Unreachable { place, reason: error.to_string() },
            sqlx::Error::Tls(error) => Self::Unreachable { place, reason: error.to_string() },
            sqlx::Error::PoolTimedOut => {
                Self::Busy { place, reason: "no connection became free in time".to_owned() }
            }
            other => Self::Other { place, reason: other.to_string() },
        }
    }
}

fn from_sqlite(place: String, code: i32, reason: String) -> StoreError {
    // Extended result codes keep the primary code in their lowest byte.
    match code & 0xff {
        sqlite_code::PERM | sqlite_code::READONLY => StoreError::ReadOnly { place, reason },
        sqlite_code::CANTOPEN => StoreError::ReadOnly {
            place,
            reason: format!(
                "{reason}; SQLite keeps its log beside the file, so the folder must be writable too"
            ),
        },
        sqlite_code::BUSY | sqlite_code::LOCKED => StoreError::Busy { place, reason },
        sqlite_code::FULL => StoreError::Full { place, reason },
        sqlite_code::CORRUPT => StoreError::Corrupt {
            place,
            table: "(file)",
            row: "-".to_owned(),
            reason: format!("{reason}; restore it from a backup"),
        },
        sqlite_code::NOTADB => StoreError::NotAStore { place, reason },
        _ => StoreError::Other { place, reason },
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn from_postgres(place: String, code: &str, reason: String) -> StoreError {
    match code {
        "25006" | "42501" => StoreError::ReadOnly { place, reason },
        "53100" => StoreError::Full { place, reason },
        "40001" | "40P01" | "53300" | "55P03" | "57014" => StoreError::Busy { place, reason },
        "3D000" | "57P01" | "57P02" | "57P03" => StoreError::Unreachable { place, reason },
        code if code.starts_with("08") || code.starts_with("28") => {
            StoreError::Unreachable { place, reason }
        }
        _ => StoreError::Other { place, reason },
    }
}
