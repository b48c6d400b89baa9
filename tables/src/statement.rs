//! The statements, made of names that are declared and of numbers of ours.

use std::time::Duration;

use model::document::DeviceTable;
use probes::table::TableError;
use sqlx::postgres::PgColumn;
use sqlx::{Column as _, TypeInfo as _};

/// Most characters of an id or a cohort that are transferred.
const MAX_TEXT: usize = 1_000;

/// Types in which a certificate may stand.
const TYPES: [&str; 4] = ["TEXT", "VARCHAR", "CHAR", "BYTEA"];

/// Begins a transaction that writes nothing, sees one moment, and does not outlive its reader.
pub fn begin(left: Duration) -> String {
    // 0 would mean no limit.
    let ms = left.as_millis().clamp(1, 86_400_000);
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SET LOCAL statement_timeout = {ms}; \
         SET LOCAL idle_in_transaction_session_timeout = {ms}"
    )
}

/// Every row: id, certificate unless it is longer than `most` bytes, its length, and the cohort.
pub fn select(table: &DeviceTable, most: usize) -> String {
    let certificate = quoted(&table.certificate);
    let text = |name: &str| format!("left({}::text, {MAX_TEXT})", quoted(name));
    let cohort = table.cohort.as_deref().map(|name| format!(", {}", text(name)));
    format!(
        "SELECT {}, CASE WHEN octet_length({certificate}) <= {most} THEN {certificate} END, \
         octet_length({certificate})::bigint{} FROM {}",
        text(&table.device),
        cohort.unwrap_or_default(),
        place(table)
    )
}

/// A name as Postgres reads it, whatever it holds.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn place(table: &DeviceTable) -> String {
    let name = quoted(&table.name);
    match &table.schema {
        Some(schema) => format!("{}.{name}", quoted(schema)),
        None => name,
    }
}

/// The columns that a table must have.
pub struct Columns;

impl Columns {
    /// A statement that is only prepared: whether the columns are there, and of which types.
    pub fn look(table: &DeviceTable) -> String {
        let names = [Some(&table.certificate), Some(&table.device), table.cohort.as_ref()];
        let names: Vec<_> = names.into_iter().flatten().map(|name| quoted(name)).collect();
        format!("SELECT {} FROM {}", names.join(", "), place(table))
    }

    /// Whether the first of them can hold certificates.
    pub fn check(table: &DeviceTable, columns: &[PgColumn]) -> Result<(), TableError> {
        let found = columns.first().map_or("nothing", |column| column.type_info().name());
        if TYPES.contains(&found) {
            return Ok(());
        }
        Err(TableError::Failed(format!(
            "the column `{}` is of type {}; expected text, varchar or bytea",
            table.certificate.escape_debug(),
            found.to_ascii_lowercase().escape_debug()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> DeviceTable {
        DeviceTable {
            schema: Some("pki".to_owned()),
            name: "devices\"; DROP TABLE x; --".to_owned(),
            device: "Device Id".to_owned(),
            certificate: "pem".to_owned(),
            cohort: None,
        }
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(
            select(&table(), 100),
            "SELECT left(\"Device Id\"::text, 1000), CASE WHEN octet_length(\"pem\") <= 100 THEN \
             \"pem\" END, octet_length(\"pem\")::bigint FROM \"pki\".\"devices\"\"; DROP TABLE x; --\""
        );
        let cohort = Some("site".to_owned());
        let table = DeviceTable { schema: None, name: "t".to_owned(), cohort, ..table() };
        assert!(select(&table, 1).ends_with(", left(\"site\"::text, 1000) FROM \"t\""));
        assert_eq!(Columns::look(&table), "SELECT \"pem\", \"Device Id\", \"site\" FROM \"t\"");
    }

    #[test]
    fn a_transaction_without_time_left_ends_at_once_and_not_never() {
        assert!(begin(Duration::ZERO).contains("statement_timeout = 1;"));
    }
}
