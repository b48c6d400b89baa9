//! What a run is compared with: the baseline, the run before, and the head of the chain.

use jiff::Timestamp;
use model::run::RunState;
use model::{Digest, RunId, TargetKey};

use crate::error::StoreError;
use crate::sql::Tx;
use crate::{Store, conflict};

/// A run that is, or once was, the baseline of its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineEntry {
    /// The run.
    pub run: RunId,
    /// Why it was chosen.
    pub reason: String,
    /// When it was chosen, to the microsecond.
    pub set_at: Timestamp,
}

/// The newest link in a target's chain of complete runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// Manifest of that run: the `previous` of the next one.
    pub manifest: Digest,
    /// Runs in the chain.
    pub length: u64,
}

impl Store {
    /// The run that the target's runs are compared with; none until one was chosen.
    pub async fn baseline(&self, target: &TargetKey) -> Result<Option<RunId>, StoreError> {
        Ok(self.baseline_history(target).await?.into_iter().next().map(|entry| entry.run))
    }

    /// Every choice of a baseline for the target, the newest first.
    pub async fn baseline_history(
        &self,
        target: &TargetKey,
    ) -> Result<Vec<BaselineEntry>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT run, reason, set_at FROM baselines WHERE target = $1 ORDER BY seq DESC",
                &[(&target.0).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(BaselineEntry {
                    run: row.word("run")?,
                    reason: row.text("reason")?,
                    set_at: row.time("set_at")?,
                })
            })
            .collect()
    }

    /// Makes a complete run the baseline of its target, for a reason that people can read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the run is not complete.
    pub async fn set_baseline(
        &self,
        run: &RunId,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let state = self.stored_state(&mut tx, run).await?;
        if state != RunState::Complete {
            return Err(conflict(format!(
                "run {run} is {}; only a complete run can be a baseline",
                state.as_str()
            )));
        }
        tx.execute(
            "INSERT INTO baselines (target, run, reason, set_at) \
             SELECT target, id, $2, $3 FROM runs WHERE id = $1",
            &[(&run.0).into(), reason.into(), at.into()],
        )
        .await?;
        tx.commit().await
    }

    /// The target's last complete run that began before `before`.
    pub async fn previous(
        &self,
        target: &TargetKey,
        before: Timestamp,
    ) -> Result<Option<RunId>, StoreError> {
        let mut tx = self.read().await?;
        tx.row(
            "SELECT id FROM runs WHERE target = $1 AND state = 'complete' AND started_at < $2 \
             ORDER BY started_at DESC, id DESC LIMIT 1",
            &[(&target.0).into(), before.into()],
        )
        .await?
        .map(|row| row.word("id"))
        .transpose()
    }

    /// The head of the target's chain; none before its first complete run.
    pub async fn chain_head(&self, target: &TargetKey) -> Result<Option<ChainHead>, StoreError> {
        let mut tx = self.read().await?;
        head(&mut tx, target).await
    }
}

/// The head of the target's chain, in this transaction.
pub(crate) async fn head(tx: &mut Tx, target: &TargetKey) -> Result<Option<ChainHead>, StoreError> {
    tx.row(
        "SELECT manifest, chain_length FROM runs \
         WHERE target = $1 AND chain_length IS NOT NULL ORDER BY chain_length DESC LIMIT 1",
        &[(&target.0).into()],
    )
    .await?
    .map(|row| {
        Ok(ChainHead {
            manifest: row.word("manifest")?,
            length: u64::try_from(row.int("chain_length")?).unwrap_or(0),
        })
    })
    .transpose()
}
