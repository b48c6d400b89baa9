//! Plain INSERT of the rows that the ingest stored.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::try_join_all;
use sqlx::{Connection as _, PgConnection, Row as _};
use testkit::postgres::Database;

/// A second database of the same server, with the same tables.
pub struct Peer {
    // Dropped with its database.
    _database: Database,
    source: String,
    url: String,
}

/// A document as it is stored: a row of `evidence`, and one of `run_evidence`.
type Stored = [String; 9];

impl Peer {
    pub async fn open(source: &Database) -> anyhow::Result<Self> {
        let database = Database::create()?;
        let url = database.url();
        // The same tables, indexes, keys and triggers.
        store::Store::open(&url.parse()?, store::OpenMode::ReadWrite).await?.close().await;
        Ok(Self { _database: database, source: source.url(), url })
    }

    /// Inserts what is stored of these runs, and says how long that took.
    pub async fn insert(&self, runs: &[String], expected: usize) -> anyhow::Result<Duration> {
        let mut source = PgConnection::connect(&self.source).await?;
        let mut connections = Vec::new();
        let mut count = 0;
        for run in runs {
            let rows = stored(&mut source, run).await?;
            count += rows.len();
            let mut connection = PgConnection::connect(&self.url).await?;
            copy_run(&mut source, &mut connection, run).await?;
            // Prepared, as the operator's are after its first upload.
            insert(&mut connection, &rows[..1]).await?;
            connections.push((connection, rows));
        }
        ensure!(count == expected, "{count} of {expected} documents are stored");
        let clock = Instant::now();
        let work = connections.into_iter().map(|(mut connection, rows)| {
            tokio::spawn(async move { insert(&mut connection, &rows[1..]).await })
        });
        for outcome in try_join_all(work).await? {
            outcome?;
        }
        let taken = clock.elapsed();
        // One of each run was inserted before: the time is that of the others.
        #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
        let whole = taken.mul_f64(count as f64 / (count - runs.len()) as f64);
        Ok(whole)
    }
}

async fn stored(source: &mut PgConnection, run: &str) -> anyhow::Result<Vec<Stored>> {
    let rows = sqlx::query(
        "SELECT e.digest, e.schema, e.target, e.subject, e.body, r.run, r.check_id, r.document, \
         r.envelope FROM run_evidence r JOIN evidence e ON e.digest = r.digest WHERE r.run = $1 \
         ORDER BY r.seq",
    )
    .bind(run)
    .fetch_all(source)
    .await?;
    let mut all = Vec::new();
    for row in rows {
        let mut one = Stored::default();
        for (index, field) in one.iter_mut().enumerate() {
            *field = row.try_get(index)?;
        }
        all.push(one);
    }
    Ok(all)
}

/// The rows that evidence refers to.
async fn copy_run(
    source: &mut PgConnection,
    peer: &mut PgConnection,
    run: &str,
) -> anyhow::Result<()> {
    for (select, insert) in [
        (
            "SELECT row_to_json(t)::text FROM targets t JOIN runs r ON r.target = t.key WHERE r.id = $1",
            "INSERT INTO targets SELECT * FROM json_populate_record(null::targets, $1::json)",
        ),
        (
            "SELECT row_to_json(r)::text FROM runs r WHERE r.id = $1",
            "INSERT INTO runs SELECT * FROM json_populate_record(null::runs, $1::json)",
        ),
    ] {
        let row: String = sqlx::query_scalar(select).bind(run).fetch_one(&mut *source).await?;
        sqlx::query(insert).bind(row).execute(&mut *peer).await?;
    }
    Ok(())
}

/// One transaction per document.
async fn insert(connection: &mut PgConnection, rows: &[Stored]) -> anyhow::Result<()> {
    for [digest, schema, target, subject, body, run, check, document, envelope] in rows {
        let mut transaction = connection.begin().await?;
        sqlx::query(
            "INSERT INTO evidence (digest, schema, target, subject, body) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(digest)
        .bind(schema)
        .bind(target)
        .bind(subject)
        .bind(body)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO run_evidence (run, check_id, subject, digest, document, envelope) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(run)
        .bind(check)
        .bind(subject)
        .bind(digest)
        .bind(document)
        .bind(envelope)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    }
    Ok(())
}
