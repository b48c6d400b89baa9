//! Postgres: one database, migrated under sqlx's advisory lock, and a role that may only add.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use super::{Applied, OpenMode, is_current, migration_fault, outdated};
use crate::error::StoreError;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a server may take to answer, and a pooled connection to become free.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections per process. An operator's work is short statements; more only queue on the server.
const CONNECTIONS: u32 = 8;

pub(crate) async fn open(
    options: &PgConnectOptions,
    place: &str,
    mode: OpenMode,
) -> Result<PgPool, StoreError> {
    let options = options.clone().application_name("plumbline");
    let options = match mode {
        OpenMode::ReadWrite => options,
        OpenMode::ReadOnly => options.options([("default_transaction_read_only", "on")]),
    };
    // A pool takes a refused connection for a server that is just starting and hides the cause;
    // a connection of its own reports it at once.
    let mut connection = tokio::time::timeout(PATIENCE, options.connect())
        .await
        .map_err(|_| StoreError::Unreachable {
            place: place.to_owned(),
            reason: format!("no answer within {} seconds", PATIENCE.as_secs()),
        })?
        .map_err(|error| StoreError::from_driver(place, error))?;
    let checked = match mode {
        OpenMode::ReadWrite => migrate(&mut connection, place).await,
        OpenMode::ReadOnly => check(&mut connection, place).await,
    };
    // Ends the session, and with it a lock that a failed migration may still hold.
    connection.close().await.ok();
    checked?;
    Ok(PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options))
}

/// A role without the right to create tables can open a store that is current.
async fn migrate(connection: &mut PgConnection, place: &str) -> Result<(), StoreError> {
    if is_current(place, &MIGRATIONS, &applied(connection, place).await?)? {
        return Ok(());
    }
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| migration_fault(place, &MIGRATIONS, error))
}

async fn check(connection: &mut PgConnection, place: &str) -> Result<(), StoreError> {
    let applied = applied(connection, place).await?;
    if is_current(place, &MIGRATIONS, &applied)? {
        Ok(())
    } else {
        Err(outdated(place, &MIGRATIONS, &applied))
    }
}

async fn applied(connection: &mut PgConnection, place: &str) -> Result<Vec<Applied>, StoreError> {
    let fault = |error| StoreError::from_driver(place, error);
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
    if !there {
        return Ok(Vec::new());
    }
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations")
        .fetch_all(connection)
        .await
        .map_err(fault)
}

/// Longest name that Postgres keeps whole (NAMEDATALEN - 1).
const MAX_NAME: usize = 63;

/// Accepts a role's name that needs no quotes, wherever it is written.
pub(crate) fn check_role(role: &str) -> Result<(), StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good = role.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && role.chars().all(plain)
        && role.len() <= MAX_NAME;
    good.then_some(()).ok_or_else(|| StoreError::Conflict {
        what: format!(
            "`{}` is no name of a role; expected at most {MAX_NAME} lower-case letters, digits and \
             underscores",
            role.escape_debug()
        ),
    })
}

/// The statement that makes `role`, a checked name, where it is missing, and lets the user act as
/// it. Several programs may do so at once.
pub(crate) fn ingest_role(role: &str) -> String {
    format!(
        "DO $$ BEGIN \
           PERFORM pg_advisory_xact_lock(hashtext('plumbline ingest role')); \
           IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN \
             BEGIN \
               CREATE ROLE {role} NOLOGIN; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; \
             END; \
           END IF; \
           IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN \
             BEGIN \
               GRANT {role} TO CURRENT_USER; \
             EXCEPTION WHEN insufficient_privilege THEN \
               IF NOT pg_has_role('{role}', 'MEMBER') THEN RAISE; END IF; \
             END; \
           END IF; \
         END $$"
    )
}

/// Whether the current user has what [`ingest_grants`] gives.
pub(crate) const MAY_INGEST: &str = "SELECT (\
     has_table_privilege('runs', 'SELECT') \
     AND has_table_privilege('evidence', 'SELECT') AND has_table_privilege('evidence', 'INSERT') \
     AND has_table_privilege('run_evidence', 'SELECT') \
     AND has_table_privilege('run_evidence', 'INSERT'))::text AS may";

/// The statements that let `role` add evidence and read it, and nothing else.
pub(crate) fn ingest_grants(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!(
        "GRANT SELECT ON _sqlx_migrations, runs TO {role}; \
         GRANT SELECT, INSERT ON evidence, run_evidence TO {role};"
    )
}
