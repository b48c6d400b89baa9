//! Pull requests.

use serde::Deserialize;

use super::{Fault, GitHub};

/// What became of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits.
    Open,
    /// Its changes are in.
    Merged,
    /// It was closed without them.
    Closed,
}

#[derive(Deserialize)]
struct Listed {
    state: String,
    #[serde(default)]
    merged_at: Option<String>,
}

impl GitHub {
    /// What became of a pull request.
    pub async fn fate(&mut self, number: u64) -> Result<Fate, Fault> {
        let route = self.route(&format!("/pulls/{number}"));
        let listed: Listed = self.get(&route).await?;
        Ok(match (listed.state.as_str(), listed.merged_at) {
            (_, Some(_)) => Fate::Merged,
            ("open", None) => Fate::Open,
            (_, None) => Fate::Closed,
        })
    }
}
