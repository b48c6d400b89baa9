//! The life of a run: begun, heard of, interrupted, and found again by its id.

use jiff::Timestamp;
use model::run::{RunRecord, RunState};
use model::{Digest, RunId};

use crate::error::StoreError;
use crate::owner::Owner;
use crate::sql::{Row, Tx};
use crate::{Store, conflict};

impl Store {
    /// Writes down that a run begins. Its record has no evidence and no assessment yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken or the record is not a running one.
    pub async fn begin(&self, record: &RunRecord, owner: &Owner) -> Result<(), StoreError> {
        if record.state != RunState::Running {
            return Err(conflict(format!(
                "run {} cannot begin: its record says `{}`, expected `running`",
                record.id,
                record.state.as_str()
            )));
        }
        let (json, digest) = written(record);
        let document = json_of(&record.document);
        let mut tx = self.write().await?;
        tx.execute(
            "INSERT INTO targets (key, document, first_seen, last_seen) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (key) DO UPDATE \
             SET document = excluded.document, last_seen = excluded.last_seen \
             WHERE excluded.last_seen >= targets.last_seen",
            &[(&record.target.0).into(), document.into(), record.started_at.into()],
        )
        .await?;
        let added = tx
            .execute(
                "INSERT INTO runs (id, target, mode, state, started_at, record, record_digest, \
                 owner_host, owner_pid, owner_started, lease_until) \
                 VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (id) DO NOTHING",
                &[
                    (&record.id.0).into(),
                    (&record.target.0).into(),
                    record.mode.as_str().into(),
                    record.started_at.into(),
                    json.into(),
                    digest.as_str().into(),
                    (&owner.host).into(),
                    owner.pid.into(),
                    owner.pid_started.and_then(|ticks| i64::try_from(ticks).ok()).into(),
                    owner.lease_until.into(),
                ],
            )
            .await?;
        if added == 0 {
            return Err(conflict(format!("run {} is already in {}", record.id, self.place)));
        }
        tx.commit().await
    }

    /// Tells that `owner` is still at work on a run, until its lease ends. A new owner takes the
    /// run over.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the run has ended, [`StoreError::NotFound`] if there is none.
    pub async fn heartbeat(&self, run: &RunId, owner: &Owner) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let known = tx
            .execute(
                "UPDATE runs SET owner_host = $2, owner_pid = $3, owner_started = $4, \
                 lease_until = $5 WHERE id = $1 AND state = 'running'",
                &[
                    (&run.0).into(),
                    (&owner.host).into(),
                    owner.pid.into(),
                    owner.pid_started.and_then(|ticks| i64::try_from(ticks).ok()).into(),
                    owner.lease_until.into(),
                ],
            )
            .await?;
        if known == 0 {
            let state = self.stored_state(&mut tx, run).await?;
            return Err(conflict(format!("run {run} is {}, not running", state.as_str())));
        }
        tx.commit().await
    }

    /// Writes down that a run was given up. To repeat it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the run is complete, [`StoreError::NotFound`] if there is none.
    pub async fn interrupt(&self, run: &RunId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let changed = tx
            .execute(
                "UPDATE runs SET state = 'interrupted', ended_at = $2 \
                 WHERE id = $1 AND state = 'running'",
                &[(&run.0).into(), at.into()],
            )
            .await?;
        if changed == 0 && self.stored_state(&mut tx, run).await? == RunState::Complete {
            return Err(conflict(format!("run {run} is complete; it cannot be interrupted")));
        }
        tx.commit().await
    }

    /// Writes down every run whose owner is gone at `now` as interrupted, and names them.
    pub async fn reap(&self, now: Timestamp) -> Result<Vec<RunId>, StoreError> {
        let mut tx = self.write().await?;
        let running = tx
            .rows(
                "SELECT id, state, owner_host, owner_pid, owner_started, lease_until FROM runs \
                 WHERE state = 'running' ORDER BY started_at, id",
                &[],
            )
            .await?;
        let mut reaped = Vec::new();
        for row in running {
            if state_at(&row, now)? == RunState::Interrupted {
                let run: RunId = row.word("id")?;
                // A heartbeat that came meanwhile has moved the lease.
                let changed = tx
                    .execute(
                        "UPDATE runs SET state = 'interrupted' \
                         WHERE id = $1 AND state = 'running' AND lease_until = $2",
                        &[(&run.0).into(), row.time("lease_until")?.into()],
                    )
                    .await?;
                if changed > 0 {
                    reaped.push(run);
                }
            }
        }
        tx.commit().await?;
        Ok(reaped)
    }

    /// The record of a run, by its id or by a prefix that only it has.
    ///
    /// An unfinished run's record names the evidence that has arrived so far.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Ambiguous`], and [`StoreError::Corrupt`] if the
    /// record is not the one that was written.
    pub async fn run(&self, prefix: &str, now: Timestamp) -> Result<RunRecord, StoreError> {
        let mut tx = self.read().await?;
        let run = self.find(&mut tx, prefix).await?;
        self.record(&mut tx, &run, now).await
    }

    /// The one run that is named so, or whose id alone begins so.
    pub(crate) async fn find(&self, tx: &mut Tx, prefix: &str) -> Result<RunId, StoreError> {
        let exact = tx.row("SELECT id FROM runs WHERE id = $1", &[prefix.into()]).await?;
        if let Some(row) = exact {
            return row.word("id");
        }
        let missing = || self.not_found(format!("run `{prefix}`"));
        if prefix.is_empty() {
            return Err(missing());
        }
        let rows = tx
            .rows(
                "SELECT id FROM runs WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 5",
                &[prefix.into(), format!("{prefix}\u{10ffff}").into()],
            )
            .await?;
        let mut candidates =
            rows.iter().map(|row| row.word("id")).collect::<Result<Vec<_>, _>>()?;
        match candidates.len() {
            0 => Err(missing()),
            1 => Ok(candidates.remove(0)),
            _ => Err(StoreError::Ambiguous { prefix: prefix.to_owned(), candidates }),
        }
    }

    /// The record of a run that is there.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        run: &RunId,
        now: Timestamp,
    ) -> Result<RunRecord, StoreError> {
        let row = tx
            .row(
                "SELECT record, record_digest, ended_at, state, owner_host, owner_pid, \
                 owner_started, lease_until FROM runs WHERE id = $1",
                &[(&run.0).into()],
            )
            .await?
            .ok_or_else(|| self.not_found(format!("run {run}")))?;
        let json = row.text("record")?;
        let digest: Digest = row.word("record_digest")?;
        let found = Digest::of_bytes(json.as_bytes());
        if found != digest {
            let reason = format!("the record's digest is {found}, expected {digest}");
            return Err(self.corrupt("runs", run.0.as_str(), reason));
        }
        let mut record: RunRecord = serde_json::from_str(&json).map_err(|error| {
            self.corrupt("runs", run.0.as_str(), format!("the record cannot be read: {error}"))
        })?;
        if record.state == RunState::Running {
            record.state = state_at(&row, now)?;
            record.ended_at = row.opt_time("ended_at")?;
            record.evidence = self.evidence_refs(tx, run).await?;
        }
        Ok(record)
    }

    /// The state as it is written down, whatever became of the owner.
    pub(crate) async fn stored_state(
        &self,
        tx: &mut Tx,
        run: &RunId,
    ) -> Result<RunState, StoreError> {
        tx.row("SELECT state FROM runs WHERE id = $1", &[(&run.0).into()])
            .await?
            .ok_or_else(|| self.not_found(format!("run {run}")))?
            .word("state")
    }
}

/// A record as it is stored, and the digest over those bytes.
pub(crate) fn written(record: &RunRecord) -> (String, Digest) {
    let json = json_of(record);
    let digest = Digest::of_bytes(json.as_bytes());
    (json, digest)
}

pub(crate) fn json_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the model's types have string keys and finite numbers")
}

/// Where a run stands at `now`: a running one whose owner is gone is interrupted.
pub(crate) fn state_at(row: &Row, now: Timestamp) -> Result<RunState, StoreError> {
    let state: RunState = row.word("state")?;
    if state != RunState::Running {
        return Ok(state);
    }
    let owner = Owner {
        host: row.text("owner_host")?,
        // An id that no process can have is like a process that is gone.
        pid: u32::try_from(row.int("owner_pid")?).unwrap_or(u32::MAX),
        pid_started: row.opt_int("owner_started")?.and_then(|ticks| u64::try_from(ticks).ok()),
        lease_until: row.time("lease_until")?,
    };
    Ok(if owner.is_gone(now) { RunState::Interrupted } else { RunState::Running })
}
