//! Where everything stands now, counted in the store: what gauges are made of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Domain, Severity, TargetKey};

use crate::Store;
use crate::error::StoreError;

/// Open findings of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFindings {
    /// Their severity.
    pub severity: Severity,
    /// Their domain.
    pub domain: Domain,
    /// How many there are, over all targets.
    pub count: u64,
}

impl Store {
    /// When the last complete run of each target ended, to the microsecond, in the order of the
    /// targets.
    pub async fn evidence_times(&self) -> Result<Vec<(TargetKey, Timestamp)>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT target, ended_at FROM runs WHERE chain_length = \
                 (SELECT MAX(o.chain_length) FROM runs o WHERE o.target = runs.target) \
                 ORDER BY target",
                &[],
            )
            .await?;
        rows.iter().map(|row| Ok((row.word("target")?, row.time("ended_at")?))).collect()
    }

    /// Findings that are open and not waived, by severity and domain.
    pub async fn open_findings(&self) -> Result<Vec<OpenFindings>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT f.severity AS severity, c.domain AS domain, COUNT(*) AS found \
                 FROM findings f JOIN control_results c \
                 ON c.run = f.last_seen_run AND c.rule = f.rule AND c.subject = f.subject \
                 WHERE f.state = 'open' GROUP BY f.severity, c.domain ORDER BY 1, 2",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(OpenFindings {
                    severity: row.word("severity")?,
                    domain: row.word("domain")?,
                    count: u64::try_from(row.int("found")?).unwrap_or(0),
                })
            })
            .collect()
    }

    /// How many findings each exception waives now, on the targets of one namespace.
    pub async fn waived(&self, namespace: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut tx = self.read().await?;
        // `0` is the character behind `/`.
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        let rows = tx
            .rows(
                "SELECT waived_by, COUNT(*) AS found FROM findings \
                 WHERE state = 'waived' AND waived_by IS NOT NULL \
                 AND target >= $1 AND target < $2 GROUP BY waived_by",
                &[from.as_str().into(), to.as_str().into()],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.text("waived_by")?, u64::try_from(row.int("found")?).unwrap_or(0))))
            .collect()
    }
}
