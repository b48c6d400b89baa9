//! Alerts on their way: written with the run that raised them, ticked off by whoever sends them.

use jiff::Timestamp;
use model::RunId;
use model::alert::Alert;

use crate::Store;
use crate::error::StoreError;

/// An alert that nobody has delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its number in this store; rises with time.
    pub seq: i64,
    /// The run that raised it.
    pub run: RunId,
    /// The alert.
    pub alert: Alert,
    /// When it was raised, to the microsecond.
    pub created_at: Timestamp,
}

impl Store {
    /// The oldest alerts that are not delivered, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if an alert cannot be read.
    pub async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT seq, run, alert, created_at FROM outbox \
                 WHERE delivered_at IS NULL ORDER BY seq LIMIT $1",
                &[i64::try_from(limit).unwrap_or(i64::MAX).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let seq = row.int("seq")?;
                let alert = serde_json::from_str(&row.text("alert")?).map_err(|error| {
                    let reason = format!("the alert cannot be read: {error}");
                    self.corrupt("outbox", seq.to_string(), reason)
                })?;
                Ok(OutboxEntry {
                    seq,
                    run: row.word("run")?,
                    alert,
                    created_at: row.time("created_at")?,
                })
            })
            .collect()
    }

    /// Ticks an alert off. To repeat it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such alert.
    pub async fn delivered(&self, seq: i64, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let known = tx
            .execute(
                "UPDATE outbox SET delivered_at = COALESCE(delivered_at, $2) WHERE seq = $1",
                &[seq.into(), at.into()],
            )
            .await?;
        if known == 0 {
            return Err(self.not_found(format!("alert {seq}")));
        }
        tx.commit().await
    }
}
