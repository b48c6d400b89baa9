//! Rows of Postgres tables for probes, read and never written.
//!
//! A table is read in one transaction that is read-only and sees one moment of the database, as a
//! stream: what is in memory is one row and what the driver has read ahead. A statement is made of
//! nothing but names, which are quoted. Errors are sentences of ours: neither the address nor what
//! the server says about it stands in them.

mod failure;
pub mod statement;

use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use model::document::DeviceTable;
use probes::source::Secret;
use probes::table::{Bounds, Cell, Pending, Row, Snapshot, TableError, Tables};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
};
use store::StoreUrl;

use failure::{failed, late};
use statement::Columns;

/// Longest wait for a database to let somebody in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads tables of Postgres.
#[derive(Debug, Clone, Copy, Default)]
pub struct Postgres;

impl Tables for Postgres {
    fn open<'a>(
        &'a self,
        address: &'a Secret,
        table: &'a DeviceTable,
        bounds: Bounds,
    ) -> Pending<'a, Result<Box<dyn Snapshot>, TableError>> {
        Box::pin(async move {
            let opened = Open::begin(address, table, bounds).await?;
            Ok(Box::new(opened) as Box<dyn Snapshot>)
        })
    }
}

/// A transaction in which a table is read. Dropping it ends the connection, and with it the
/// transaction.
struct Open {
    connection: PgConnection,
    table: DeviceTable,
    bounds: Bounds,
}

impl Open {
    async fn begin(
        address: &Secret,
        table: &DeviceTable,
        bounds: Bounds,
    ) -> Result<Self, TableError> {
        let failed = |error| failed(&error, table);
        // What the parser says may repeat a part of the address.
        let url: StoreUrl = address.expose().parse().map_err(|_| no_address())?;
        let options = url.postgres_options().ok_or_else(no_address)?.clone();
        let options = options.application_name("plumbline");
        // A password that this process has for another database is offered to none that a target
        // names.
        let options = if has_password(address.expose()) { options } else { options.password("") };
        let patience = left(bounds.until).min(PATIENCE);
        let connection = tokio::time::timeout(patience, options.connect()).await;
        let mut connection = connection
            .map_err(|_| {
                let seconds = patience.as_secs();
                TableError::Timeout(format!("the database did not answer within {seconds} seconds"))
            })?
            .map_err(failed)?;
        let begin = statement::begin(left(bounds.until));
        let columns = async {
            (&mut connection).execute(sqlx::raw_sql(AssertSqlSafe(begin))).await.map_err(failed)?;
            let look = AssertSqlSafe(Columns::look(table)).into_sql_str();
            let prepared = (&mut connection).prepare(look).await.map_err(failed)?;
            Columns::check(table, prepared.columns())
        };
        tokio::time::timeout(left(bounds.until), columns).await.map_err(|_| late())??;
        Ok(Self { connection, table: table.clone(), bounds })
    }

    async fn read(
        &mut self,
        visit: &mut (dyn FnMut(Row<'_>) -> bool + Send),
    ) -> Result<(), TableError> {
        let Self { connection, table, bounds } = self;
        let select = AssertSqlSafe(statement::select(table, bounds.certificate_bytes));
        let mut rows = sqlx::query(select.into_sql_str()).persistent(false).fetch(connection);
        while let Some(row) = rows.try_next().await.map_err(|error| failed(&error, table))? {
            let row = read(&row).ok_or_else(|| {
                TableError::Failed("the database sent a row that was not asked for".to_owned())
            })?;
            if !visit(row) {
                break;
            }
        }
        Ok(())
    }
}

impl Snapshot for Open {
    fn rows<'a>(
        &'a mut self,
        visit: &'a mut (dyn FnMut(Row<'_>) -> bool + Send),
    ) -> Pending<'a, Result<(), TableError>> {
        Box::pin(async move {
            let until = left(self.bounds.until);
            tokio::time::timeout(until, self.read(visit)).await.map_err(|_| late())?
        })
    }
}

/// The row as it came: in the binary format, text is its UTF-8 and bytes are themselves.
fn read(row: &PgRow) -> Option<Row<'_>> {
    let text = |column: usize| -> Option<Option<&str>> { row.try_get(column).ok() };
    let length: Option<i64> = row.try_get(2).ok()?;
    let certificate = match (row.try_get_raw(1).ok()?.as_bytes(), length) {
        (_, None) => Cell::Nothing,
        (Ok(bytes), Some(_)) => Cell::Bytes(bytes),
        // Longer than asked for: the statement left it out.
        (Err(_), Some(length)) => Cell::TooLong(u64::try_from(length).unwrap_or(u64::MAX)),
    };
    Some(Row { device: text(0)?, certificate, cohort: text(3)?, login: text(4)? })
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// Whether an address brings its own password, in front of the host or as a parameter.
fn has_password(address: &str) -> bool {
    let (front, query) = address.split_once('?').unwrap_or((address, ""));
    let user = front.rsplit_once('@').map_or("", |(before, _)| before);
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    user.contains(':') || query.split('&').any(|pair| pair.starts_with("password="))
}

fn no_address() -> TableError {
    TableError::Failed(
        "the source holds no address of a database; expected \
         `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_brings_its_password_in_front_of_the_host_or_as_a_parameter() {
        for with in ["postgres://u:p@h/d", "postgres://u:@h", "postgres://u@h/d?a=b&password=p"] {
            assert!(has_password(with), "{with}");
        }
        for without in ["postgres://u@h:5432/d", "postgres://h:5432/d", "postgres://u@h?user=x:y"] {
            assert!(!has_password(without), "{without}");
        }
    }
}
