//! What a target declares for this check.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::pair::PUBACK;
use super::staging::WILL;
use super::{inherited, staging};

/// Milliseconds between two connections to one host: one connection per second.
const CONNECT_INTERVAL: u64 = 1_000;

/// Milliseconds that the probe listens for messages which come while it is subscribed.
const LISTEN: u64 = 2_000;

/// Largest number of milliseconds of either.
const MAX_MILLISECONDS: u64 = 10_000;

/// Longest scope and client id, in bytes.
const MAX_TEXT: usize = 512;

/// Default credentials that may be tried: a guess more than these would be an attack.
pub(super) const MAX_DEFAULTS: usize = 3;

/// Parameters of the check, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Topic prefixes of the first and the second identity.
    pub scopes: [Option<String>; 2],
    /// Their client ids; made up where none is declared.
    pub client_ids: [Option<String>; 2],
    /// How long to listen for live messages.
    pub listen: Duration,
    /// Pause between two connections to one host.
    pub interval: Duration,
    /// Names of the credentials that nobody may be let in with any more.
    pub defaults: Vec<String>,
    /// Whether the broker is one on which tests may do what they must never do to live devices.
    pub staging: bool,
    /// Whether browsers are clients.
    pub browser_clients: bool,
}

impl Settings {
    /// The settings of a target; a sentence about the first parameter that cannot be used.
    pub fn new(params: &BTreeMap<String, Value>) -> Result<Self, String> {
        let scopes = [scope(params, "scopeA")?, scope(params, "scopeB")?];
        if let [Some(one), Some(other)] = &scopes
            && (in_scope(one.as_bytes(), other) || in_scope(other.as_bytes(), one))
        {
            return Err("`params.scopeA` and `params.scopeB` must lie beside each other, and one \
                        lies in the other"
                .to_owned());
        }
        Ok(Self {
            scopes,
            client_ids: [text(params, "clientIdA")?, text(params, "clientIdB")?],
            listen: milliseconds(params, "listenMilliseconds", LISTEN)?,
            interval: milliseconds(params, "connectIntervalMilliseconds", CONNECT_INTERVAL)?,
            defaults: defaults(params)?,
            staging: switch(params, "staging")?,
            browser_clients: switch(params, "browserClients")?,
        })
    }
}

impl Settings {
    /// Connections that the opt-ins may cost.
    pub fn more_connections(&self) -> u32 {
        let defaults = u32::try_from(self.defaults.len()).unwrap_or(u32::MAX);
        let staged = staging::CONNECTIONS + inherited::CONNECTIONS;
        defaults + if self.staging { staged } else { 0 }
    }

    /// How much longer the identities' sessions live for them.
    pub fn staging_time(&self) -> Duration {
        if self.staging { (WILL + self.interval) * 2 + PUBACK } else { Duration::ZERO }
    }
}

/// True for the topic that a scope names, and for every topic below it.
pub(super) fn in_scope(topic: &[u8], scope: &str) -> bool {
    topic.strip_prefix(scope.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn scope(params: &BTreeMap<String, Value>, name: &str) -> Result<Option<String>, String> {
    let scope = text(params, name)?;
    if let Some(scope) = &scope
        && (scope.contains(['+', '#', '\0']) || scope.starts_with('$') || scope.ends_with('/'))
    {
        return Err(format!(
            "`params.{name}` must be the beginning of topics, such as `site/device-a`, without \
             wildcards, `$` in front and `/` at the end"
        ));
    }
    Ok(scope)
}

fn text(params: &BTreeMap<String, Value>, name: &str) -> Result<Option<String>, String> {
    match params.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`params.{name}` must be a text of 1 to {MAX_TEXT} bytes")),
    }
}

fn defaults(params: &BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    let wrong = || {
        format!(
            "`params.defaultCredentials` must be a list of 1 to {MAX_DEFAULTS} names of `mqtt` \
             credentials, each once"
        )
    };
    let Some(value) = params.get("defaultCredentials") else { return Ok(Vec::new()) };
    let list = value.as_array().filter(|list| (1..=MAX_DEFAULTS).contains(&list.len()));
    let mut names: Vec<String> = Vec::new();
    for value in list.ok_or_else(wrong)? {
        let name = value.as_str().filter(|name| (1..=MAX_TEXT).contains(&name.len()));
        let name =
            name.filter(|name| !names.iter().any(|known| known == name)).ok_or_else(wrong)?;
        names.push(name.to_owned());
    }
    Ok(names)
}

fn switch(params: &BTreeMap<String, Value>, name: &str) -> Result<bool, String> {
    match params.get(name) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(format!("`params.{name}` must be true or false")),
    }
}

fn milliseconds(
    params: &BTreeMap<String, Value>,
    name: &str,
    default: u64,
) -> Result<Duration, String> {
    let number = match params.get(name) {
        None => Some(default),
        Some(value) => value.as_u64().filter(|number| *number <= MAX_MILLISECONDS),
    };
    number.map(Duration::from_millis).ok_or_else(|| {
        format!("`params.{name}` must be a whole number from 0 to {MAX_MILLISECONDS}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(params: Value) -> Result<Settings, String> {
        let Value::Object(params) = params else { panic!("params are an object") };
        Settings::new(&params.into_iter().collect())
    }

    #[test]
    fn without_parameters_connections_are_a_second_apart() {
        let settings = settings(json!({})).expect("defaults");
        assert_eq!(settings.interval, Duration::from_secs(1));
        assert_eq!(settings.scopes, [None, None]);
        assert!(settings.defaults.is_empty() && !settings.staging && !settings.browser_clients);
    }

    #[test]
    fn up_to_three_default_credentials_are_taken_in_their_order() {
        let settings = settings(json!({"defaultCredentials": ["b", "a", "c"]})).expect("three");
        assert_eq!(settings.defaults, ["b", "a", "c"]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (params, name) in [
            (json!({"scopeA": "a/#"}), "scopeA"),
            (json!({"scopeB": "$SYS/a"}), "scopeB"),
            (json!({"scopeA": "a/"}), "scopeA"),
            (json!({"scopeA": ""}), "scopeA"),
            (json!({"scopeA": "a", "scopeB": "a/b"}), "beside"),
            (json!({"scopeA": "a", "scopeB": "a"}), "beside"),
            (json!({"clientIdB": 7}), "clientIdB"),
            (json!({"clientIdA": "x".repeat(600)}), "clientIdA"),
            (json!({"listenMilliseconds": 60_000}), "listenMilliseconds"),
            (json!({"connectIntervalMilliseconds": -1}), "connectIntervalMilliseconds"),
            (json!({"defaultCredentials": "a"}), "defaultCredentials"),
            (json!({"defaultCredentials": []}), "defaultCredentials"),
            (json!({"defaultCredentials": ["a", "b", "c", "d"]}), "defaultCredentials"),
            (json!({"defaultCredentials": ["a", "a"]}), "defaultCredentials"),
            (json!({"defaultCredentials": ["a", 1]}), "defaultCredentials"),
            (json!({"staging": "yes"}), "staging"),
            (json!({"browserClients": 1}), "browserClients"),
        ] {
            let message = settings(params).expect_err(name);
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn a_scope_holds_itself_and_what_is_below_and_not_its_namesakes() {
        assert!(in_scope(b"a/b", "a/b") && in_scope(b"a/b/c", "a/b"));
        assert!(!in_scope(b"a/bc", "a/b") && !in_scope(b"a", "a/b"));
    }
}
