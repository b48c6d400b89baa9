//! The statements, made of names that are declared and of numbers of ours.

use std::time::Duration;

use model::document::DeviceTable;
use probes::table::TableError;
use sqlx::postgres::PgColumn;
use sqlx::{Column as _, TypeInfo as _};

/// Most characters of an id, a cohort or a user name that are transferred.
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

/// Every row: id, certificate unless it is longer than `most` bytes, its length, the cohort and the
/// user name; NULL stands for a column that is not declared.
pub fn select(table: &DeviceTable, most: usize) -> String {
    let certificate = quoted(&table.certificate);
    let text = |name: &str| format!("left({}::text, {MAX_TEXT})", quoted(name));
    let or_null =
        |name: &Option<String>| name.as_deref().map_or_else(|| "NULL::text".to_owned(), text);
    format!(
        "SELECT {}, CASE WHEN octet_length({certificate}) <= {most} THEN {certificate} END, \
         octet_length({certificate})::bigint, {}, {} FROM {}",
        text(&table.device),
        or_null(&table.cohort),
        or_null(&table.username),
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
        let more = [table.cohort.as_ref(), table.username.as_ref()];
        let names = [Some(&table.certificate), Some(&table.device)].into_iter().chain(more);
        let names: Vec<_> = names.flatten().map(|name| quoted(name)).collect();
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
            ..DeviceTable::new("devices\"; DROP TABLE x; --", "Device Id", "pem")
        }
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(
            select(&table(), 100),
            "SELECT left(\"Device Id\"::text, 1000), CASE WHEN octet_length(\"pem\") <= 100 THEN \
             \"pem\" END, octet_length(\"pem\")::bigint, NULL::text, NULL::text FROM \"pki\".\"devices\"\"; DROP TABLE x; --\""
        );
        let (cohort, username) = (Some("site".to_owned()), Some("log\"in".to_owned()));
        let table = DeviceTable { cohort, username, ..DeviceTable::new("t", "id", "pem") };
        let more = ", left(\"site\"::text, 1000), left(\"log\"\"in\"::text, 1000) FROM \"t\"";
        assert!(select(&table, 1).ends_with(more), "{}", select(&table, 1));
        let look = "SELECT \"pem\", \"id\", \"site\", \"log\"\"in\" FROM \"t\"";
        assert_eq!(Columns::look(&table), look);
    }

    #[test]
    fn a_transaction_without_time_left_ends_at_once_and_not_never() {
        assert!(begin(Duration::ZERO).contains("statement_timeout = 1;"));
    }
}
