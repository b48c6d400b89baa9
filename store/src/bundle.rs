//! A run with everything that is needed to judge it again, offline.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::document::AuditException;
use model::evidence::Evidence;
use model::run::{RunBundle, RunRecord};
use model::{Digest, RunId};

use crate::Store;
use crate::error::StoreError;
use crate::evidence::RawEvidence;
use crate::sql::Tx;

impl Store {
    /// A run's record with its evidence, byte for byte as it was appended, and the exceptions
    /// that were in force; on request with the run that its delta compares with, if it is still
    /// there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Corrupt`] at the first digest that does not hold.
    pub async fn bundle(
        &self,
        run: &RunId,
        with_baseline: bool,
        now: Timestamp,
    ) -> Result<RunBundle, StoreError> {
        let mut tx = self.read().await?;
        let mut bundle = self.one(&mut tx, run, now).await?;
        if with_baseline && let Some(delta) = &bundle.record.delta {
            bundle.baseline = match self.one(&mut tx, &delta.before.run, now).await {
                Ok(baseline) => Some(Box::new(baseline)),
                // It was not kept as long as what was compared with it.
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(bundle)
    }

    async fn one(&self, tx: &mut Tx, run: &RunId, now: Timestamp) -> Result<RunBundle, StoreError> {
        let record = self.record(tx, run, now).await?;
        let raw = self.raw(tx, run).await?;
        let evidence = self.in_order(&record, raw)?;
        let exceptions = self.exceptions(tx, run).await?;
        Ok(RunBundle { record, evidence, exceptions, baseline: None })
    }

    /// The documents in the order of the record.
    fn in_order(
        &self,
        record: &RunRecord,
        raw: Vec<RawEvidence>,
    ) -> Result<Vec<Evidence>, StoreError> {
        let run = &record.id;
        let mut stored: BTreeMap<Digest, RawEvidence> =
            raw.into_iter().map(|raw| (raw.document.clone(), raw)).collect();
        record
            .evidence
            .iter()
            .map(|named| {
                let raw = stored.remove(&named.document).ok_or_else(|| {
                    let row = format!("{run} {} {}", named.check, named.subject);
                    let reason = format!("document {} is missing", named.document);
                    self.corrupt("run_evidence", row, reason)
                })?;
                raw.evidence().map_err(|(table, reason)| match table {
                    "evidence" => self.corrupt(table, raw.digest.as_str(), reason),
                    _ => {
                        let row = format!("{run} {} {}", raw.check, raw.subject);
                        self.corrupt(table, row, reason)
                    }
                })
            })
            .collect()
    }

    async fn exceptions(
        &self,
        tx: &mut Tx,
        run: &RunId,
    ) -> Result<Vec<AuditException>, StoreError> {
        let rows = tx
            .rows(
                "SELECT name, document FROM exceptions WHERE run = $1 ORDER BY ordinal",
                &[(&run.0).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let name = row.text("name")?;
                serde_json::from_str(&row.text("document")?).map_err(|error| {
                    let reason = format!("the exception cannot be read: {error}");
                    self.corrupt("exceptions", format!("{run} {name}"), reason)
                })
            })
            .collect()
    }
}
