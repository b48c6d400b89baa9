//! What was kept long enough goes, whole runs at a time.
//!
//! A run stays while anything still speaks of it: it is among the newest of its target, it is a
//! baseline, a finding that is open or lately changed first or last showed in it, or a certificate
//! did. Evidence goes with the last run that has it.

use jiff::Timestamp;
use model::{RunId, TargetKey};

use crate::Store;
use crate::error::StoreError;
use crate::sql::Tx;

/// Runs that one transaction removes: short enough for others to get their turn.
const AT_ONCE: i64 = 100;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Runs that began before may go.
    pub since: Timestamp,
    /// The newest complete runs of a target stay whatever their age; at least one always does,
    /// because the next run is linked to it.
    pub newest: u32,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Evidence documents that no run has any more.
    pub evidence: u64,
}

impl Store {
    /// The targets with a run that began before `at`.
    pub async fn targets_before(&self, at: Timestamp) -> Result<Vec<TargetKey>, StoreError> {
        let mut tx = self.read().await?;
        let before = "SELECT DISTINCT target FROM runs WHERE started_at < $1 ORDER BY target";
        let rows = tx.rows(before, &[at.into()]).await?;
        rows.iter().map(|row| Ok(TargetKey(row.text("target")?))).collect()
    }

    /// Removes the runs of a target that nothing has to keep, and says how many; with `dry`, only
    /// counts them.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] for a role that may not remove anything. What a transaction before
    /// the error removed stays removed.
    pub async fn prune(
        &self,
        target: &TargetKey,
        keep: Keep,
        dry: bool,
    ) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        loop {
            let mut tx = self.write().await?;
            // As a run that finishes does: the two must not meet half way.
            tx.row_by_backend(
                "SELECT key FROM targets WHERE key = $1",
                "SELECT key FROM targets WHERE key = $1 FOR NO KEY UPDATE",
                &[(&target.0).into()],
            )
            .await?;
            let limit = if dry { i64::MAX } else { AT_ONCE };
            begin_pass(&mut tx, keep.since).await?;
            forget_settled(&mut tx, target, keep.since).await?;
            let runs = surplus(&mut tx, target, keep, limit).await?;
            for run in &runs {
                pruned.evidence += remove(&mut tx, run).await?;
            }
            pruned.runs += u64::try_from(runs.len()).unwrap_or(u64::MAX);
            if dry {
                return Ok(pruned);
            }
            tx.execute("DELETE FROM retention_passes", &[]).await?;
            tx.commit().await?;
            if i64::try_from(runs.len()).unwrap_or(i64::MAX) < limit {
                return Ok(pruned);
            }
        }
    }

    /// Finds out whether something could be stored now: writes, and undoes it.
    ///
    /// # Errors
    /// Whatever storing evidence would meet: no connection, a server that only reads, a full disk.
    pub async fn can_write(&self, now: Timestamp) -> Result<(), StoreError> {
        begin_pass(&mut self.write().await?, now).await
    }
}

async fn begin_pass(tx: &mut Tx, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("INSERT INTO retention_passes (at) VALUES ($1)", &[at.into()]).await.map(drop)
}

/// Forgets what is settled since before `since`, so that it keeps no run: findings that were
/// resolved, certificates that were not seen again, baselines that were replaced, alerts.
async fn forget_settled(
    tx: &mut Tx,
    target: &TargetKey,
    since: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM finding_events WHERE finding IN (SELECT id FROM findings \
         WHERE target = $1 AND state = 'resolved' AND changed_at < $2)",
        "DELETE FROM findings WHERE target = $1 AND state = 'resolved' AND changed_at < $2",
        "DELETE FROM certificates WHERE target = $1 AND last_seen_at < $2",
        "DELETE FROM baselines WHERE target = $1 AND set_at < $2 \
         AND seq < (SELECT max(seq) FROM baselines WHERE target = $1)",
        "DELETE FROM outbox WHERE created_at < $2 \
         AND run IN (SELECT id FROM runs WHERE target = $1)",
    ] {
        tx.execute(sql, &[(&target.0).into(), since.into()]).await?;
    }
    Ok(())
}

/// Runs of the target that nothing speaks of, the oldest first.
async fn surplus(
    tx: &mut Tx,
    target: &TargetKey,
    keep: Keep,
    limit: i64,
) -> Result<Vec<RunId>, StoreError> {
    let rows = tx
        .rows(
            "SELECT id FROM runs r WHERE target = $1 AND started_at < $2 \
             AND (state <> 'running' OR lease_until < $2) \
             AND id NOT IN (SELECT id FROM runs WHERE target = $1 AND state = 'complete' \
             ORDER BY started_at DESC, id DESC LIMIT $3) \
             AND (chain_length IS NULL OR chain_length < \
             (SELECT max(chain_length) FROM runs WHERE target = $1)) \
             AND NOT EXISTS (SELECT 1 FROM baselines WHERE run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM finding_events WHERE run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM findings WHERE first_seen_run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM findings WHERE last_seen_run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM findings WHERE changed_run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM certificates WHERE first_seen_run = r.id) \
             AND NOT EXISTS (SELECT 1 FROM certificates WHERE last_seen_run = r.id) \
             ORDER BY started_at, id LIMIT $4",
            &[(&target.0).into(), keep.since.into(), keep.newest.max(1).into(), limit.into()],
        )
        .await?;
    rows.iter().map(|row| row.word("id")).collect()
}

/// Removes a run with all that is only its own; the number of documents that went with it.
async fn remove(tx: &mut Tx, run: &RunId) -> Result<u64, StoreError> {
    let of_run = [(&run.0).into()];
    let digests =
        tx.rows("SELECT DISTINCT digest FROM run_evidence WHERE run = $1", &of_run).await?;
    for sql in [
        "DELETE FROM run_evidence WHERE run = $1",
        "DELETE FROM control_results WHERE run = $1",
        "DELETE FROM exceptions WHERE run = $1",
        "DELETE FROM runs WHERE id = $1",
    ] {
        tx.execute(sql, &of_run).await?;
    }
    let mut removed = 0;
    for digest in digests {
        removed += tx
            .execute(
                "DELETE FROM evidence WHERE digest = $1 \
                 AND NOT EXISTS (SELECT 1 FROM run_evidence WHERE digest = $1)",
                &[digest.text("digest")?.into()],
            )
            .await?;
    }
    Ok(removed)
}
