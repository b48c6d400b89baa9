//! The end of a run: its record and everything that lists and histories are made of, in one
//! transaction. All of it is there, or none.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use model::alert::Alert;
use model::assessment::{Assessment, ControlResult, ExceptionState};
use model::document::AuditException;
use model::evidence::Evidence;
use model::run::{EvidenceRef, Integrity, RunRecord, RunState};
use model::{Digest, RunId, TargetKey};

use crate::certificate::{self, CertificateSeen};
use crate::error::StoreError;
use crate::run::{json_of, written};
use crate::sql::{Arg, Tx};
use crate::{Store, baseline, conflict, finding};

/// How often a record is sealed again because another run of its target ended in between.
const SEAL_ATTEMPTS: u32 = 5;

impl Store {
    /// Finishes a run as the next link of its target's chain: `seal` makes the record's integrity
    /// from the head of the chain. Another run of the target may end in between; then the link
    /// is made again.
    ///
    /// # Errors
    /// As [`Store::finish`]; [`StoreError::ChainMoved`] only if the chain does not stand still.
    pub async fn finish_in_chain(
        &self,
        record: &mut RunRecord,
        exceptions: &[AuditException],
        evidence: &[Evidence],
        seal: impl Fn(&RunRecord, Option<(Digest, u64)>) -> Option<Integrity>,
    ) -> Result<(), StoreError> {
        let certificates = CertificateSeen::all(evidence);
        let mut attempt = 0;
        loop {
            let head = self.chain_head(&record.target).await?;
            record.integrity = seal(record, head.map(|head| (head.manifest, head.length)));
            match self.finish(record, exceptions, &certificates).await {
                Err(StoreError::ChainMoved { .. }) if attempt < SEAL_ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    /// Finishes a run: stores its record with the exceptions that were in force and the
    /// certificates that were seen, and carries it into findings, histories and outbox.
    ///
    /// A run that was believed interrupted may still finish. To finish a run again with the same
    /// record changes nothing, so a caller that never learnt of its success may repeat it.
    ///
    /// # Errors
    /// [`StoreError::ChainMoved`] if another run of the target was finished since
    /// [`Store::chain_head`] was read: make the record's integrity anew and finish again.
    /// [`StoreError::Conflict`] if the record has no assessment, or names other evidence than
    /// was appended. After any error nothing has changed.
    pub async fn finish(
        &self,
        record: &RunRecord,
        exceptions: &[AuditException],
        certificates: &[CertificateSeen],
    ) -> Result<(), StoreError> {
        let assessment = match (&record.assessment, record.state) {
            (Some(assessment), RunState::Complete) => assessment,
            _ => {
                return Err(conflict(format!(
                    "run {} cannot be finished: expected a complete record with an assessment",
                    record.id
                )));
            }
        };
        let (json, digest) = written(record);
        let run = &record.id;
        let at = assessment.assessed_at;
        let mut tx = self.write().await?;
        if self.lock(&mut tx, record, &digest).await? == Locked::Finished {
            return Ok(());
        }
        let appended = self.evidence_refs(&mut tx, run).await?;
        same_evidence(run, &record.evidence, &appended)?;
        if let Some(integrity) = &record.integrity {
            extends_chain(&mut tx, &record.target, integrity).await?;
        }
        update_run(&mut tx, record, assessment, json, &digest).await?;
        insert_controls(&mut tx, run, &assessment.controls).await?;
        finding::apply(&mut tx, record, assessment).await?;
        insert_exceptions(&mut tx, run, exceptions, assessment).await?;
        certificate::note(&mut tx, &record.target, run, at, certificates).await?;
        insert_alerts(&mut tx, record, at).await?;
        tx.commit().await
    }

    /// Keeps other runs of the target, and more evidence for this one, out until the end.
    async fn lock(
        &self,
        tx: &mut Tx,
        record: &RunRecord,
        digest: &Digest,
    ) -> Result<Locked, StoreError> {
        let run = &record.id;
        tx.row_by_backend(
            "SELECT key FROM targets WHERE key = $1",
            "SELECT key FROM targets WHERE key = $1 FOR NO KEY UPDATE",
            &[(&record.target.0).into()],
        )
        .await?;
        let row = tx
            .row_by_backend(
                "SELECT state, target, record_digest FROM runs WHERE id = $1",
                "SELECT state, target, record_digest FROM runs WHERE id = $1 FOR UPDATE",
                &[(&run.0).into()],
            )
            .await?
            .ok_or_else(|| self.not_found(format!("run {run}")))?;
        let target: TargetKey = row.word("target")?;
        if target != record.target {
            return Err(conflict(format!(
                "run {run} began on target {target}; its record says {}",
                record.target
            )));
        }
        match row.word::<RunState>("state")? {
            RunState::Running | RunState::Interrupted => Ok(Locked::Unfinished),
            RunState::Complete if row.word::<Digest>("record_digest")? == *digest => {
                Ok(Locked::Finished)
            }
            RunState::Complete => {
                Err(conflict(format!("run {run} is already complete with another record")))
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Locked {
    Unfinished,
    Finished,
}

/// A record names exactly what was appended: no document more, no document less.
fn same_evidence(
    run: &RunId,
    named: &[EvidenceRef],
    appended: &[EvidenceRef],
) -> Result<(), StoreError> {
    fn keys(refs: &[EvidenceRef]) -> BTreeSet<(&str, &str, &Digest, &Digest, &str)> {
        refs.iter()
            .map(|r| (r.check.as_str(), r.subject.0.as_str(), &r.digest, &r.document, &*r.schema))
            .collect()
    }
    let (named, appended) = (keys(named), keys(appended));
    let Some((check, subject, ..)) = named.symmetric_difference(&appended).next() else {
        return Ok(());
    };
    Err(conflict(format!(
        "the record of run {run} names {} documents and {} were appended; they differ in {check} \
         for {subject}",
        named.len(),
        appended.len()
    )))
}

/// The record continues the target's chain where it ends now.
async fn extends_chain(
    tx: &mut Tx,
    target: &TargetKey,
    integrity: &Integrity,
) -> Result<(), StoreError> {
    let head = baseline::head(tx, target).await?;
    let (manifest, found) = head.map_or((None, 0), |head| (Some(head.manifest), head.length));
    let expected = integrity.chain_length.saturating_sub(1);
    if integrity.previous == manifest && expected == found {
        return Ok(());
    }
    Err(StoreError::ChainMoved { target: target.clone(), expected, found })
}

async fn update_run(
    tx: &mut Tx,
    record: &RunRecord,
    assessment: &Assessment,
    json: String,
    digest: &Digest,
) -> Result<(), StoreError> {
    let integrity = record.integrity.as_ref();
    let chain_length = integrity.and_then(|it| i64::try_from(it.chain_length).ok());
    let open = i64::try_from(assessment.open_findings().count()).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE runs SET state = 'complete', ended_at = $2, record = $3, record_digest = $4, \
         status = $5, posture = $6, risk_score = $7, open_findings = $8, manifest = $9, \
         chain_length = $10 WHERE id = $1",
        &[
            (&record.id.0).into(),
            record.ended_at.into(),
            json.into(),
            digest.as_str().into(),
            assessment.status.as_str().into(),
            assessment.posture.as_str().into(),
            assessment.risk_score.map(i64::from).into(),
            open.into(),
            integrity.map(|integrity| integrity.manifest.as_str()).into(),
            chain_length.into(),
        ],
    )
    .await?;
    Ok(())
}

async fn insert_controls(
    tx: &mut Tx,
    run: &RunId,
    controls: &[ControlResult],
) -> Result<(), StoreError> {
    fn row<'a>(run: &'a RunId, control: &'a ControlResult) -> [Arg<'a>; 11] {
        [
            (&run.0).into(),
            control.rule.as_str().into(),
            (&control.subject.0).into(),
            control.rule_version.into(),
            control.domain.as_str().into(),
            control.severity.as_str().into(),
            i64::from(control.mandatory).into(),
            control.verdict.as_str().into(),
            control.verdict.reason().into(),
            control.waived_by.as_deref().into(),
            control.evidence.as_ref().map(Digest::as_str).into(),
        ]
    }
    tx.insert(
        "INSERT INTO control_results (run, rule, subject, rule_version, domain, severity, \
         mandatory, verdict, reason, waived_by, evidence) ",
        run,
        controls,
        row,
        "",
    )
    .await
    .map(drop)
}

async fn insert_exceptions(
    tx: &mut Tx,
    run: &RunId,
    exceptions: &[AuditException],
    assessment: &Assessment,
) -> Result<(), StoreError> {
    type Numbered<'e> = (i64, &'e AuditException, Option<&'static str>);
    fn row<'a>(run: &'a RunId, (ordinal, exception, state): &'a Numbered<'_>) -> [Arg<'a>; 6] {
        [
            (&run.0).into(),
            (*ordinal).into(),
            (&exception.metadata.name).into(),
            exception.spec.expires_at.into(),
            (*state).into(),
            json_of(exception).into(),
        ]
    }
    let states: HashMap<&str, &'static str> = assessment
        .exceptions
        .iter()
        .map(|exception| (exception.name.as_str(), state_word(exception.state)))
        .collect();
    let numbered: Vec<Numbered<'_>> = (0..)
        .zip(exceptions)
        .map(|(ordinal, exception)| {
            (ordinal, exception, states.get(exception.metadata.name.as_str()).copied())
        })
        .collect();
    tx.insert(
        "INSERT INTO exceptions (run, ordinal, name, expires_at, state, document) ",
        run,
        &numbered,
        row,
        "",
    )
    .await
    .map(drop)
}

async fn insert_alerts(tx: &mut Tx, record: &RunRecord, at: Timestamp) -> Result<(), StoreError> {
    fn row<'a>(
        (run, at): &'a (&RunId, Timestamp),
        (ordinal, alert): &'a (i64, &Alert),
    ) -> [Arg<'a>; 4] {
        [(&run.0).into(), (*ordinal).into(), json_of(alert).into(), (*at).into()]
    }
    let numbered: Vec<(i64, &Alert)> = (0..).zip(&record.alerts).collect();
    let context = (&record.id, at);
    let head = "INSERT INTO outbox (run, ordinal, alert, created_at) ";
    tx.insert(head, &context, &numbered, row, "").await.map(drop)
}

const fn state_word(state: ExceptionState) -> &'static str {
    match state {
        ExceptionState::Active => "active",
        ExceptionState::Unused => "unused",
        ExceptionState::Expired => "expired",
        ExceptionState::Changed => "changed",
    }
}
