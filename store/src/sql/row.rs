//! Rows, read by column name.

use jiff::Timestamp;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;

/// One row of a result.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(undecodable)
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(undecodable)
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.opt_time(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn opt_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::Sqlite(row) => {
                let text: Option<String> = row.try_get(column).map_err(undecodable)?;
                text.map(|text| text.parse()).transpose().map_err(|error| wrong(column, error))
            }
            Self::Postgres(row) => row
                .try_get::<Option<jiff_sqlx::Timestamp>, _>(column)
                .map(|at| at.map(jiff_sqlx::Timestamp::to_jiff))
                .map_err(undecodable),
        }
    }

    /// A value that is written as one word or string: an enum, a digest, a name.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        read_word(&text).map_err(|error| wrong(column, error))
    }

    /// The same where there may be none.
    pub(crate) fn opt_word<T: DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.opt_text(column)?;
        text.map(|text| read_word(&text).map_err(|error| wrong(column, error))).transpose()
    }
}

fn read_word<T: DeserializeOwned>(text: &str) -> Result<T, WordError> {
    let word: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(word)
}

fn missing(column: &str) -> StoreError {
    wrong(column, "it is empty")
}

fn undecodable(error: sqlx::Error) -> StoreError {
    StoreError::Other { place: "the store's answer".to_owned(), reason: error.to_string() }
}

fn wrong(column: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Other {
        place: "the store's answer".to_owned(),
        reason: format!("column `{column}` cannot be read: {reason}"),
    }
}
