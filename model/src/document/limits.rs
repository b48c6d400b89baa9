//! The ranges of numbers in documents, for the schemas and for validation: (least, most).

/// Ports that can be connected to.
pub(super) const PORT: (u16, u16) = (1, u16::MAX);
/// Connections open at the same time. More would be a load, not a look.
pub(super) const CONNECTIONS: (u32, u32) = (1, 64);
/// Probes of one run at work at the same time: a target has some dozens of subjects.
pub(super) const CONCURRENT_PROBES: (u32, u32) = (1, 64);
/// Seconds until a connection attempt is given up.
pub(super) const CONNECT_TIMEOUT_SECONDS: (u32, u32) = (1, 60);
/// Seconds until a whole check is given up: at most an hour.
pub(super) const DEADLINE_SECONDS: (u32, u32) = (1, 3_600);
/// Seconds between two runs of a target: at most 30 days.
pub(super) const MIN_INTERVAL_SECONDS: (u32, u32) = (0, 2_592_000);
/// Seconds after which a missed slot is skipped: at most a week.
pub(super) const STARTING_DEADLINE_SECONDS: (u32, u32) = (0, 604_800);
/// Seconds over which starts are spread: at most a day.
pub(super) const JITTER_SECONDS: (u32, u32) = (0, 86_400);
/// Ended runs that stay in the cluster.
pub(super) const HISTORY: (u32, u32) = (0, 1_000);
/// Days that results are kept: at most a hundred years.
pub(super) const RETENTION_DAYS: (u32, u32) = (1, 36_500);

/// RFC 1123 label.
pub(super) const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// Longest label (RFC 1123, section 2.1).
pub(super) const LABEL_LENGTH: usize = 63;
/// Longest DNS name (RFC 1035, section 2.3.4, without the length octets).
pub(super) const HOST_LENGTH: usize = 253;
/// Longest name that Postgres keeps whole (NAMEDATALEN - 1).
pub(super) const IDENTIFIER_LENGTH: usize = 63;
/// A path of a request.
pub(super) const REQUEST_PATH: &str = "^/";
/// Name of an environment variable.
pub(super) const ENV: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// Address that is read over HTTPS, or in plaintext from the machine itself.
pub(super) const URL: &str = concat!(
    r"^(https://[^/?#@\s]+",
    r"|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?)",
    r"([/?][^#\s]*)?$"
);
/// Digest with its prefix.
pub(super) const DIGEST: &str = "^sha256:[0-9a-f]{64}$";
/// Five fields of a cron expression.
pub(super) const CRON: &str = r"^\s*\S+(\s+\S+){4}\s*$";
/// `kind/name` of a subject.
pub(super) const SUBJECT: &str = "^((endpoint|config|certificates)/[^/]+|target)$";
