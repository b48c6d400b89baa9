//! Rows of two tables, of which the second refers to the first, in one statement of Postgres: one
//! question and one answer instead of two.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _, SqlSafeStr as _};

use super::arg::Arg;
use super::columns::{Column, bind, columns, unnest};

/// Rows of one table.
pub(crate) struct Rows<I> {
    /// The statement up to its values.
    pub head: &'static str,
    /// The values.
    pub rows: I,
    /// What follows the values.
    pub tail: &'static str,
}

/// The statement, not sent yet.
pub(crate) struct Statement {
    sql: String,
    columns: Vec<Column>,
}

/// How many rows were added to each table.
pub(crate) struct Added {
    pub first: usize,
    pub second: usize,
}

/// References are checked when the whole statement has ended, so that the second table's rows may
/// refer to the first's.
pub(crate) fn insert<'a, const N: usize, const M: usize>(
    first: Rows<impl Iterator<Item = [Arg<'a>; N]>>,
    second: Rows<impl Iterator<Item = [Arg<'a>; M]>>,
) -> Statement {
    let (one, mut two) = (columns(first.rows), columns(second.rows));
    let sql = format!(
        "WITH one AS ({} {} {} RETURNING 1), two AS ({} {} {} RETURNING 1) \
         SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)",
        first.head,
        unnest(&one, 0),
        first.tail,
        second.head,
        unnest(&two, one.len()),
        second.tail,
    );
    let mut columns = one;
    columns.append(&mut two);
    Statement { sql, columns }
}

impl Statement {
    pub(crate) async fn fetch(self, connection: &mut PgConnection) -> Result<Added, sqlx::Error> {
        // Only what stands in this crate's source is part of it; values are bound.
        let query = sqlx::query(AssertSqlSafe(self.sql).into_sql_str());
        let row = bind(query, self.columns).fetch_one(connection).await?;
        let count = |index| row.try_get::<i64, _>(index).map(|n| usize::try_from(n).unwrap_or(0));
        Ok(Added { first: count(0)?, second: count(1)? })
    }
}

/// One of these digests under which another body than this is stored, if any is.
pub(crate) async fn other_body(
    connection: &mut PgConnection,
    digests: Vec<&str>,
    bodies: Vec<&str>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT e.digest FROM UNNEST($1::text[], $2::text[]) AS given (digest, body) \
         JOIN evidence e ON e.digest = given.digest WHERE e.body <> given.body LIMIT 1",
    )
    .bind(digests)
    .bind(bodies)
    .fetch_optional(connection)
    .await
}

/// One of these runs that is complete, if any is.
pub(crate) async fn complete(
    connection: &mut PgConnection,
    runs: Vec<&str>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM runs WHERE id = ANY($1) AND state = 'complete' LIMIT 1")
        .bind(runs)
        .fetch_optional(connection)
        .await
}
