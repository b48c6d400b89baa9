//! What the operator asked of the API server, by the API server's own audit log: every request of
//! the operator's service account is a line there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The audit log from some moment on.
pub struct Log {
    path: PathBuf,
    offset: u64,
}

/// Requests by verb and resource: `list audittargets`, `patch auditruns/status`.
pub type Requests = BTreeMap<String, usize>;

impl Log {
    /// What comes from now on.
    pub fn from_now(path: &Path) -> anyhow::Result<Self> {
        let offset = std::fs::metadata(path).map(|file| file.len()).unwrap_or(0);
        Ok(Self { path: path.to_owned(), offset })
    }

    /// What was asked since. A watch counts when it begins, everything else when it was answered.
    pub fn since(&self) -> anyhow::Result<Requests> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut requests = Requests::new();
        for line in BufReader::new(file).lines() {
            // The last line may be half written.
            let Ok(event) = serde_json::from_str::<Value>(&line?) else { break };
            let verb = event["verb"].as_str().unwrap_or_default();
            let stage = if verb == "watch" { "ResponseStarted" } else { "ResponseComplete" };
            if event["stage"] != stage {
                continue;
            }
            let of = &event["objectRef"];
            let resource = of["resource"].as_str().unwrap_or("?");
            let name = match of["subresource"].as_str() {
                Some(part) => format!("{verb} {resource}/{part}"),
                None => format!("{verb} {resource}"),
            };
            *requests.entry(name).or_default() += 1;
        }
        Ok(requests)
    }
}

/// True for what the Lease takes: it is renewed whatever else happens.
pub fn is_lease(request: &str) -> bool {
    request.ends_with(" leases")
}

/// True for what changes an object.
pub fn is_write(request: &str) -> bool {
    ["create ", "update ", "patch ", "delete "].iter().any(|verb| request.starts_with(verb))
}

/// So many requests that `wanted` holds for.
pub fn count(requests: &Requests, wanted: impl Fn(&str) -> bool) -> usize {
    requests.iter().filter(|(name, _)| wanted(name)).map(|(_, count)| count).sum()
}

/// All of them in one line.
pub fn list(requests: &Requests) -> String {
    let named = requests.iter().map(|(name, count)| format!("{count} {name}"));
    let text = named.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none".to_owned() } else { text }
}
