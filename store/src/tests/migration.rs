//! Old files, new program.

use std::fmt::Write as _;

use super::fresh;
use crate::contract_suite::migration;
use crate::{OpenMode, Store, StoreUrl};

#[tokio::test]
async fn a_store_of_every_older_schema_opens_with_its_data() {
    for version in migration::versions() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite(folder.path().join("store.db"));
        migration::create_old(&url, version).await;
        let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
        migration::read_all(&store, version).await;
    }
}

#[tokio::test]
async fn what_is_written_now_is_read_like_what_was_written_then() {
    let place = fresh().await;
    migration::write_all(&place.store).await;
    migration::read_all(&place.store, 0).await;
}

/// Tables in an order in which rows find what they refer to.
const TABLES: [&str; 11] = [
    "targets",
    "runs",
    "evidence",
    "run_evidence",
    "control_results",
    "findings",
    "finding_events",
    "exceptions",
    "certificates",
    "outbox",
    "baselines",
];

/// Run by hand once per migration: `cargo test -p store write_the_sample -- --ignored`.
#[tokio::test]
#[ignore = "writes migrations/samples/NNNN.sql for the newest schema"]
async fn write_the_sample_of_the_newest_schema() {
    let place = fresh().await;
    migration::write_all(&place.store).await;
    let mut tx = place.store.read().await.unwrap();
    let newest = tx.row("SELECT max(version) AS version FROM _sqlx_migrations", &[]).await;
    let newest = newest.unwrap().unwrap().int("version").unwrap();
    let mut sql = format!("-- Rows as a program of schema {newest} wrote them. Never changed.\n");
    for table in TABLES {
        let columns = tx
            .rows("SELECT name FROM pragma_table_info($1) WHERE name <> 'seq'", &[table.into()])
            .await
            .unwrap();
        let columns: Vec<_> = columns.iter().map(|row| row.text("name").unwrap()).collect();
        // Every value as text: both backends turn it into the column's own type.
        let values: Vec<_> =
            columns.iter().map(|name| format!("quote(CAST({name} AS TEXT))")).collect();
        let values = values.join(" || ', ' || ");
        let select = format!("SELECT {values} AS line FROM {table} ORDER BY 1");
        let select: &'static str = Box::leak(select.into_boxed_str());
        for row in tx.rows(select, &[]).await.unwrap() {
            let (columns, line) = (columns.join(", "), row.text("line").unwrap());
            writeln!(sql, "INSERT INTO {table} ({columns}) VALUES ({line});").unwrap();
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/samples");
    std::fs::write(format!("{folder}/{newest:04}.sql"), sql).unwrap();
}
