//! Runs in lists: by target, state and time, and one control across them.

use jiff::Timestamp;
use model::posture::{Posture, Status};
use model::run::RunState;
use model::{Digest, IssueKey, Mode, RunId, Subject, TargetKey};

use crate::Store;
use crate::error::StoreError;
use crate::run::state_at;
use crate::sql::Row;

/// One line of the list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Its target.
    pub target: TargetKey,
    /// Its stage.
    pub mode: Mode,
    /// Where it stands; `interrupted` also where its owner is gone and nobody has noted it yet.
    pub state: RunState,
    /// When it began, to the microsecond.
    pub started_at: Timestamp,
    /// When it ended, to the microsecond.
    pub ended_at: Option<Timestamp>,
    /// Its status, once complete.
    pub status: Option<Status>,
    /// Its posture, once complete.
    pub posture: Option<Posture>,
    /// Its score, where anything was evaluated.
    pub risk_score: Option<u32>,
    /// Its open findings, once complete.
    pub open_findings: Option<u32>,
}

/// Which runs to list. The default is every run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only runs of this target.
    pub target: Option<TargetKey>,
    /// Only runs that stand there.
    pub state: Option<RunState>,
    /// Only runs that began before this one: the last run of the page before.
    pub before: Option<RunId>,
    /// At most so many; none means all.
    pub limit: Option<usize>,
}

/// The verdict on one control in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlPoint {
    /// The run.
    pub run: RunId,
    /// When it began, to the microsecond.
    pub started_at: Timestamp,
    /// The verdict's word.
    pub verdict: String,
    /// The evidence that it rests on.
    pub evidence: Option<Digest>,
}

/// Rows that one statement of a listing reads.
const PAGE: i64 = 500;

impl Store {
    /// The runs that `filter` lets through, the newest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if `before` names no run.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        now: Timestamp,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let mut tx = self.read().await?;
        let limit = filter.limit.unwrap_or(usize::MAX);
        // A run whose owner is gone is still `running` in its row.
        let (first, second) = match filter.state {
            None => (None, None),
            Some(RunState::Interrupted) => (Some("interrupted"), Some("running")),
            Some(state) => (Some(state.as_str()), None),
        };
        let mut cursor = match &filter.before {
            None => None,
            Some(run) => {
                let row = tx
                    .row("SELECT started_at FROM runs WHERE id = $1", &[(&run.0).into()])
                    .await?
                    .ok_or_else(|| self.not_found(format!("run {run}")))?;
                Some((row.time("started_at")?, run.clone()))
            }
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let (at, id) =
                cursor.as_ref().map_or((Timestamp::MAX, ""), |(at, run)| (*at, run.0.as_str()));
            let rows = tx
                .rows(
                    "SELECT id, target, mode, state, started_at, ended_at, status, posture, \
                     risk_score, open_findings, owner_host, owner_pid, owner_started, lease_until \
                     FROM runs \
                     WHERE (CAST($1 AS TEXT) IS NULL OR target = $1) \
                     AND (CAST($2 AS TEXT) IS NULL OR state = $2 OR state = $3) \
                     AND (started_at < $4 OR (started_at = $4 AND id < $5)) \
                     ORDER BY started_at DESC, id DESC LIMIT $6",
                    &[
                        filter.target.as_ref().map(|target| target.0.as_str()).into(),
                        first.into(),
                        second.into(),
                        at.into(),
                        id.into(),
                        PAGE.into(),
                    ],
                )
                .await?;
            let last_page = (rows.len() as i64) < PAGE;
            for row in &rows {
                let summary = summary(row, now)?;
                cursor = Some((summary.started_at, summary.id.clone()));
                if filter.state.is_none_or(|state| state == summary.state) && found.len() < limit {
                    found.push(summary);
                }
            }
            if last_page {
                break;
            }
        }
        Ok(found)
    }

    /// What one control's verdict was in the target's complete runs, the newest first.
    pub async fn control_history(
        &self,
        target: &TargetKey,
        rule: &IssueKey,
        subject: &Subject,
        limit: usize,
    ) -> Result<Vec<ControlPoint>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT runs.id, runs.started_at, control_results.verdict, \
                 control_results.evidence FROM runs \
                 JOIN control_results ON control_results.run = runs.id \
                 AND control_results.rule = $2 AND control_results.subject = $3 \
                 WHERE runs.target = $1 ORDER BY runs.started_at DESC, runs.id DESC LIMIT $4",
                &[
                    (&target.0).into(),
                    rule.as_str().into(),
                    (&subject.0).into(),
                    i64::try_from(limit).unwrap_or(i64::MAX).into(),
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ControlPoint {
                    run: row.word("id")?,
                    started_at: row.time("started_at")?,
                    verdict: row.text("verdict")?,
                    evidence: row.opt_word("evidence")?,
                })
            })
            .collect()
    }
}

fn summary(row: &Row, now: Timestamp) -> Result<RunSummary, StoreError> {
    Ok(RunSummary {
        id: row.word("id")?,
        target: row.word("target")?,
        mode: row.word("mode")?,
        state: state_at(row, now)?,
        started_at: row.time("started_at")?,
        ended_at: row.opt_time("ended_at")?,
        status: row.opt_word("status")?,
        posture: row.opt_word("posture")?,
        risk_score: row.opt_int("risk_score")?.and_then(|score| u32::try_from(score).ok()),
        open_findings: row.opt_int("open_findings")?.and_then(|count| u32::try_from(count).ok()),
    })
}
