//! SQLite: one file, its write-ahead log beside it, one writer at a time.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, SqlitePool};

use super::{Applied, OpenMode, is_current, migration_fault, outdated};
use crate::error::StoreError;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// What tests make small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a writer waits for its turn.
    pub busy: Duration,
    /// Pages that the file may grow to; none means as far as the disk goes.
    pub pages: Option<u32>,
    /// Connections of this process.
    pub connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // Writing a million control results takes some ten seconds; a few such writers in a row
        // must still all finish.
        Self { busy: Duration::from_secs(60), pages: None, connections: 4 }
    }
}

pub(crate) async fn open(
    path: &Path,
    place: &str,
    mode: OpenMode,
    limits: Limits,
) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(limits.busy)
        .disable_statement_logging();
    let options = match limits.pages {
        Some(pages) => options.pragma("max_page_count", pages.to_string()),
        None => options,
    };
    match mode {
        OpenMode::ReadWrite => {
            make_writable(path, place)?;
            let pool = pool(options, limits);
            migrate(&pool, place, limits).await?;
            Ok(pool)
        }
        OpenMode::ReadOnly => read_only(options.read_only(true), path, place, limits).await,
    }
}

fn pool(options: SqliteConnectOptions, limits: Limits) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(limits.connections)
        // Out of room, SQLite undoes a transaction by itself. The driver does not notice, and its
        // own ROLLBACK then fails and leaves a connection that can never begin again: it must go.
        // The ping waits until that ROLLBACK was tried.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .acquire_timeout(limits.busy + Duration::from_secs(5))
        .connect_lazy_with(options)
}

/// Creates the file for this user only, or finds out that an old one cannot be written. SQLite
/// itself would open such a file for reading and fail at the first write, after the probes.
fn make_writable(path: &Path, place: &str) -> Result<(), StoreError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull => {
            StoreError::Full { place: place.to_owned(), reason: error.to_string() }
        }
        io::ErrorKind::IsADirectory => a_folder(place),
        _ => StoreError::ReadOnly { place: place.to_owned(), reason: error.to_string() },
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(refused)?;
    }
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop).map_err(refused)
}

fn a_folder(place: &str) -> StoreError {
    StoreError::NotAStore { place: place.to_owned(), reason: "it is a folder".to_owned() }
}

async fn migrate(pool: &SqlitePool, place: &str, limits: Limits) -> Result<(), StoreError> {
    let fault = |error| StoreError::from_driver(place, error);
    let mut connection = pool.acquire().await.map_err(fault)?;
    if is_current(place, &MIGRATIONS, &applied(&mut connection, place).await?)? {
        return Ok(());
    }
    write_ahead(&mut connection, place, limits).await?;
    // The lock comes first and the list of applied migrations is read again under it, so of two
    // programs that meet here one migrates and the other finds nothing left to do.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    MIGRATIONS
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|error| migration_fault(place, &MIGRATIONS, error))?;
    tx.commit().await.map_err(fault)
}

/// Switches the file to its write-ahead log, which it then keeps; readers never wait for a writer.
/// Two that switch at once do not always queue: one may be told `busy` at once, whatever its
/// timeout, so it tries until the other is done.
async fn write_ahead(
    connection: &mut SqliteConnection,
    place: &str,
    limits: Limits,
) -> Result<(), StoreError> {
    let begin = Instant::now();
    loop {
        let switched = sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *connection).await;
        match switched.map_err(|error| StoreError::from_driver(place, error)) {
            Ok(_) => return Ok(()),
            Err(StoreError::Busy { .. }) if begin.elapsed() < limits.busy => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn read_only(
    options: SqliteConnectOptions,
    path: &Path,
    place: &str,
    limits: Limits,
) -> Result<SqlitePool, StoreError> {
    if !path.exists() {
        return Err(StoreError::NotFound { what: "a store".to_owned(), place: place.to_owned() });
    }
    if path.is_dir() {
        return Err(a_folder(place));
    }
    let found = pool(options.clone(), limits);
    match check(&found, place).await {
        // Reading a write-ahead log needs a writable folder. Without a log there is nothing to
        // read but the file, and in a folder that cannot be written nobody changes it.
        Err(StoreError::ReadOnly { .. }) if !has_log(path) => {
            let found = pool(options.immutable(true), limits);
            check(&found, place).await.map(|()| found)
        }
        checked => checked.map(|()| found),
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log).metadata().is_ok_and(|log| log.len() > 0)
}

async fn check(pool: &SqlitePool, place: &str) -> Result<(), StoreError> {
    let mut connection =
        pool.acquire().await.map_err(|error| StoreError::from_driver(place, error))?;
    let applied = applied(&mut connection, place).await?;
    if is_current(place, &MIGRATIONS, &applied)? {
        Ok(())
    } else {
        Err(outdated(place, &MIGRATIONS, &applied))
    }
}

async fn applied(
    connection: &mut SqliteConnection,
    place: &str,
) -> Result<Vec<Applied>, StoreError> {
    let fault = |error| StoreError::from_driver(place, error);
    let (ours, all): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE name = '_sqlx_migrations'), count(*) FROM sqlite_master",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(fault)?;
    match (ours, all) {
        (0, 0) => Ok(Vec::new()),
        (0, _) => Err(StoreError::NotAStore {
            place: place.to_owned(),
            reason: "it is the SQLite file of another program".to_owned(),
        }),
        _ => sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations")
            .fetch_all(connection)
            .await
            .map_err(fault),
    }
}
