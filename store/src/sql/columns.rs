//! Many rows for one statement of Postgres: each column is one array, so that the statement is the
//! same for any number of rows, and is parsed and planned once.

use std::fmt::Write as _;

use jiff_sqlx::ToSqlx as _;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _};

use super::arg::{Arg, whole_microseconds};

/// One column of the rows.
pub(super) enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Time(Vec<Option<jiff_sqlx::Timestamp>>),
}

impl Column {
    /// The column that a value begins.
    fn of(arg: &Arg<'_>) -> Self {
        match arg {
            Arg::Text(_) => Self::Text(Vec::new()),
            Arg::Int(_) => Self::Int(Vec::new()),
            Arg::Time(_) => Self::Time(Vec::new()),
        }
    }

    /// Adds the next row's value, which is of the column's type in every row.
    fn push(&mut self, arg: Arg<'_>) {
        match (self, arg) {
            (Self::Text(column), Arg::Text(text)) => {
                column.push(text.map(std::borrow::Cow::into_owned));
            }
            (Self::Int(column), Arg::Int(value)) => column.push(value),
            (Self::Time(column), Arg::Time(at)) => {
                column.push(at.map(|at| whole_microseconds(at).to_sqlx()));
            }
            (_, arg) => unreachable!("a column has one type, and {arg:?} is of another"),
        }
    }

    const fn array(&self) -> &'static str {
        match self {
            Self::Text(_) => "text[]",
            Self::Int(_) => "bigint[]",
            Self::Time(_) => "timestamptz[]",
        }
    }
}

/// The columns of rows.
pub(super) fn columns<'a, const N: usize>(rows: impl Iterator<Item = [Arg<'a>; N]>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::with_capacity(N);
    for row in rows {
        if columns.is_empty() {
            columns.extend(row.iter().map(Column::of));
        }
        for (column, arg) in columns.iter_mut().zip(row) {
            column.push(arg);
        }
    }
    columns
}

/// `SELECT * FROM UNNEST(...)` of columns whose first placeholder comes after `before` others.
pub(super) fn unnest(columns: &[Column], before: usize) -> String {
    let mut sql = "SELECT * FROM UNNEST(".to_owned();
    for (place, column) in columns.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        // Writing into a text cannot fail.
        let _ = write!(sql, "{comma}${}::{}", before + place + 1, column.array());
    }
    sql.push(')');
    sql
}

type PostgresQuery<'q> = Query<'q, Postgres, PgArguments>;

/// A query with its columns, in their order.
pub(super) fn bind(query: PostgresQuery<'_>, columns: Vec<Column>) -> PostgresQuery<'_> {
    columns.into_iter().fold(query, |query, column| match column {
        Column::Text(column) => query.bind(column),
        Column::Int(column) => query.bind(column),
        Column::Time(column) => query.bind(column),
    })
}

/// `INSERT INTO ... SELECT * FROM UNNEST(...)` of these rows.
pub(super) fn insert<'q, 'a, const N: usize>(
    head: &str,
    rows: impl Iterator<Item = [Arg<'a>; N]>,
    tail: &str,
) -> PostgresQuery<'q> {
    let columns = columns(rows);
    let sql = format!("{head}{}{tail}", unnest(&columns, 0));
    // Only what stands in this crate's source is part of it; values are bound.
    bind(sqlx::query(AssertSqlSafe(sql).into_sql_str()), columns)
}
