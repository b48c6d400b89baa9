//! Where a store is. Nothing that prints a [`StoreUrl`] ever prints its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Address of a store: `sqlite:PATH`, a bare path that ends in `.db`, `.sqlite` or `.sqlite3`, or
/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=PATH`.
///
/// What a Postgres address leaves out comes from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`,
/// `PGDATABASE` and `~/.pgpass`, as with `psql`.
#[derive(Clone)]
pub struct StoreUrl(Address);

#[derive(Clone)]
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl StoreUrl {
    /// The SQLite file at a path.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Address::Sqlite(path.into()))
    }

    /// The file of a SQLite store; none for Postgres.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Address::Sqlite(path) => Some(path),
            Address::Postgres(_) => None,
        }
    }

    /// What the driver needs to reach a Postgres; none for SQLite.
    pub fn postgres_options(&self) -> Option<&PgConnectOptions> {
        match &self.0 {
            Address::Sqlite(_) => None,
            Address::Postgres(options) => Some(options),
        }
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.0
    }
}

/// The text is no address of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStoreUrl {
    /// Neither a scheme that is known nor a file name that says SQLite.
    #[error(
        "expected `sqlite:PATH`, a path ending in .db, .sqlite or .sqlite3, or \
         `postgres://USER@HOST/DATABASE`, found `{0}`"
    )]
    Unknown(String),
    /// A scheme with nothing behind it.
    #[error("expected a path after `sqlite:`, found nothing")]
    NoPath,
    /// A database that would be gone with its process.
    #[error("expected the path of a file, found `:memory:`; a store must outlive its process")]
    Memory,
    /// A Postgres address that the driver does not understand.
    #[error("expected `postgres://USER:PASSWORD@HOST:PORT/DATABASE`: {0}")]
    Postgres(String),
    /// A parameter that would be ignored. Its value is not shown: it may be a secret.
    #[error(
        "unknown parameter `{0}` in the Postgres address; known: sslmode, sslrootcert, sslcert, \
         sslkey, host, hostaddr, port, dbname, user, password, application_name, options"
    )]
    UnknownParameter(String),
}

/// Parameters of a Postgres address, as libpq names them.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

impl FromStr for StoreUrl {
    type Err = BadStoreUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text);
        }
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return match path {
                "" => Err(BadStoreUrl::NoPath),
                ":memory:" => Err(BadStoreUrl::Memory),
                path => Ok(Self::sqlite(path)),
            };
        }
        let extension = Path::new(text).extension().and_then(|extension| extension.to_str());
        if !text.contains("://") && matches!(extension, Some("db" | "sqlite" | "sqlite3")) {
            return Ok(Self::sqlite(text));
        }
        // What stands behind a colon may be a password.
        let (shown, hidden) = text.split_once(':').map_or((text, ""), |(scheme, _)| (scheme, ":…"));
        Err(BadStoreUrl::Unknown(shown.chars().take(80).chain(hidden.chars()).collect()))
    }
}

fn postgres(text: &str) -> Result<StoreUrl, BadStoreUrl> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        if !PARAMETERS.contains(&key) {
            return Err(BadStoreUrl::UnknownParameter(key.chars().take(40).collect()));
        }
    }
    let options: PgConnectOptions = text.parse().map_err(|error: sqlx::Error| match error {
        sqlx::Error::Configuration(cause) => BadStoreUrl::Postgres(cause.to_string()),
        other => BadStoreUrl::Postgres(other.to_string()),
    })?;
    // Bulk statements are long and slow on purpose: the driver's own log would be noise.
    Ok(StoreUrl(Address::Postgres(Box::new(options.disable_statement_logging()))))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Address::Postgres(options) => {
                write!(f, "postgres://{}@", options.get_username())?;
                match options.get_socket() {
                    Some(socket) => write!(f, "{}", socket.display())?,
                    None => write!(f, "{}:{}", options.get_host(), options.get_port())?,
                }
                write!(f, "/{}", options.get_database().unwrap_or(options.get_username()))?;
                match options.get_ssl_mode() {
                    PgSslMode::Prefer => Ok(()),
                    PgSslMode::Disable => f.write_str("?sslmode=disable"),
                    PgSslMode::Allow => f.write_str("?sslmode=allow"),
                    PgSslMode::Require => f.write_str("?sslmode=require"),
                    PgSslMode::VerifyCa => f.write_str("?sslmode=verify-ca"),
                    PgSslMode::VerifyFull => f.write_str("?sslmode=verify-full"),
                }
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn refusal(text: &str) -> BadStoreUrl {
        text.parse::<StoreUrl>().unwrap_err()
    }

    #[test]
    fn paths_are_sqlite() {
        for text in ["sqlite:a/b.db", "sqlite://a/b.db", "a/b.db"] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.sqlite_path(), Some(Path::new("a/b.db")), "{text}");
            assert_eq!(url.to_string(), "sqlite:a/b.db");
        }
        for text in ["sqlite:anything", "sqlite:///abs/x", "x.sqlite", "x.sqlite3"] {
            assert!(text.parse::<StoreUrl>().unwrap().sqlite_path().is_some(), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        for text in [
            "postgres://plumb:hunter2@db.example:5433/audit?sslmode=require",
            "postgresql://plumb@db.example:5433/audit?sslmode=require&password=hunter2",
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), "postgres://plumb@db.example:5433/audit?sslmode=require");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn refusals_never_print_what_may_be_a_password() {
        for text in [
            "mysql://plumb:hunter2@db/audit",
            "postgres:plumb:hunter2@db/audit",
            "postgres://plumb:hunter2@db:port/audit",
            "postgres://plumb@db/audit?passwrd=hunter2",
            "postgres://plumb:hunter2@db/audit?sslmode=sometimes",
        ] {
            let refusal = refusal(text);
            assert!(!format!("{refusal} {refusal:?}").contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        assert_eq!(refusal("sqlite:"), BadStoreUrl::NoPath);
        assert_eq!(refusal("sqlite::memory:"), BadStoreUrl::Memory);
        assert_eq!(refusal("store.txt"), BadStoreUrl::Unknown("store.txt".to_owned()));
        assert_eq!(refusal("mysql://h/x.db"), BadStoreUrl::Unknown("mysql:…".to_owned()));
        assert_eq!(
            refusal("postgres://h/d?sslmod=require"),
            BadStoreUrl::UnknownParameter("sslmod".to_owned())
        );
    }
}
