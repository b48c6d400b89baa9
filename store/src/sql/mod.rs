//! One way to talk to both databases: a transaction, arguments of four types, and rows.
//!
//! SQL is written once, with `$1` placeholders that both drivers take. Only times differ:
//! `TIMESTAMPTZ` in Postgres, text of fixed width in SQLite.

mod arg;
mod columns;
mod row;
pub(crate) mod together;

use std::borrow::Cow;

use jiff_sqlx::ToSqlx as _;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres, QueryBuilder, Sqlite, SqlitePool, Transaction};

pub(crate) use arg::Arg;
use arg::{fixed_width, whole_microseconds};
pub(crate) use row::Row;

use crate::error::StoreError;

/// Values bound to one statement. SQLite allows 32,766 (SQLITE_MAX_VARIABLE_NUMBER), Postgres
/// 65,535; fewer keep the statement's text short.
const MAX_BINDS: usize = 8_000;

/// The connections to one store.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction; it is undone unless it is committed.
pub(crate) struct Tx {
    inner: Inner,
    place: String,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Pool {
    /// A transaction that may write. On SQLite it holds the write lock from the start, so that
    /// it waits for its turn here and never fails half way.
    pub(crate) async fn write(&self, place: &str) -> Result<Tx, StoreError> {
        self.begin(place, "BEGIN IMMEDIATE", "BEGIN").await
    }

    /// A transaction that sees one state of the store throughout.
    pub(crate) async fn read(&self, place: &str) -> Result<Tx, StoreError> {
        self.begin(place, "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await
    }

    async fn begin(
        &self,
        place: &str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Result<Tx, StoreError> {
        let begun = match self {
            Self::Sqlite(pool) => pool.begin_with(sqlite).await.map(Inner::Sqlite),
            Self::Postgres(pool) => pool.begin_with(postgres).await.map(Inner::Postgres),
        };
        let place = place.to_owned();
        match begun {
            Ok(inner) => Ok(Tx { inner, place }),
            Err(error) => Err(StoreError::from_driver(&place, error)),
        }
    }
}

type SqliteQuery<'q> = Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;
type PostgresQuery<'q> = Query<'q, Postgres, sqlx::postgres::PgArguments>;

fn bind_sqlite<'q>(query: SqliteQuery<'q>, args: &[Arg<'_>]) -> SqliteQuery<'q> {
    args.iter().fold(query, |query, arg| match arg {
        Arg::Text(text) => query.bind(text.as_deref().map(str::to_owned)),
        Arg::Int(value) => query.bind(*value),
        Arg::Time(at) => query.bind(at.map(fixed_width)),
    })
}

fn bind_postgres<'q>(query: PostgresQuery<'q>, args: &[Arg<'_>]) -> PostgresQuery<'q> {
    args.iter().fold(query, |query, arg| match arg {
        Arg::Text(text) => query.bind(text.as_deref().map(str::to_owned)),
        Arg::Int(value) => query.bind(*value),
        Arg::Time(at) => query.bind(at.map(|at| whole_microseconds(at).to_sqlx())),
    })
}

impl Tx {
    /// Runs a statement; the number of rows that it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<u64, StoreError> {
        self.try_execute(sql, args).await.map_err(|error| self.fault(error))
    }

    /// Runs a statement and leaves the driver's error to the caller.
    pub(crate) async fn try_execute(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<u64, sqlx::Error> {
        match &mut self.inner {
            Inner::Sqlite(tx) => bind_sqlite(sqlx::query(sql), args)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Inner::Postgres(tx) => bind_postgres(sqlx::query(sql), args)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
    }

    /// Runs SQL that is not known at compile time and takes no arguments.
    pub(crate) async fn execute_text(&mut self, sql: String) -> Result<(), StoreError> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => sql.execute(&mut **tx).await.map(|_| ()),
            Inner::Postgres(tx) => sql.execute(&mut **tx).await.map(|_| ()),
        };
        done.map_err(|error| self.fault(error))
    }

    /// Runs `sqlite` or `postgres`, for the few statements that differ: row locks.
    pub(crate) async fn row_by_backend(
        &mut self,
        sqlite: &'static str,
        postgres: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let sql = match &self.inner {
            Inner::Sqlite(_) => sqlite,
            Inner::Postgres(_) => postgres,
        };
        self.row(sql, args).await
    }

    /// The rows of a query.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match &mut self.inner {
            Inner::Sqlite(tx) => bind_sqlite(sqlx::query(sql), args)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Inner::Postgres(tx) => bind_postgres(sqlx::query(sql), args)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| self.fault(error))
    }

    /// The first row of a query.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Inserts a row per item, in as few statements as the databases' limits allow; the number of
    /// rows that were added.
    ///
    /// `head` is the statement up to `VALUES`, `tail` what follows the values. `row` is a plain
    /// function: a closure would keep the future from being `Send`.
    pub(crate) async fn insert<C, T, const N: usize>(
        &mut self,
        head: &'static str,
        context: &C,
        items: &[T],
        row: for<'a> fn(&'a C, &'a T) -> [Arg<'a>; N],
        tail: &'static str,
    ) -> Result<u64, StoreError> {
        let mut added = 0;
        for chunk in items.chunks(MAX_BINDS / N) {
            let done = match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let mut query = QueryBuilder::<Sqlite>::new(head);
                    query.push_values(chunk, |mut values, item| {
                        for arg in row(context, item) {
                            match arg {
                                Arg::Text(text) => values.push_bind(text.map(Cow::into_owned)),
                                Arg::Int(value) => values.push_bind(value),
                                Arg::Time(at) => values.push_bind(at.map(fixed_width)),
                            };
                        }
                    });
                    query.push(tail);
                    query.build().execute(&mut **tx).await.map(|done| done.rows_affected())
                }
                Inner::Postgres(tx) => {
                    let rows = chunk.iter().map(|item| row(context, item));
                    let query = columns::insert(head, rows, tail);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected())
                }
            };
            added += done.map_err(|error| self.fault(error))?;
        }
        Ok(added)
    }

    /// Keeps what was done.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let done = match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => tx.commit().await,
        };
        done.map_err(|error| StoreError::from_driver(&self.place, error))
    }

    /// A driver's error, with the store that it comes from.
    pub(crate) fn fault(&self, error: sqlx::Error) -> StoreError {
        StoreError::from_driver(&self.place, error)
    }
}
