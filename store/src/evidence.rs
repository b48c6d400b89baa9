//! Evidence by address: the stable half once, under its digest; the rest once per run.
//!
//! `evidence.body` holds the RFC 8785 bytes that the digest is taken over, so that any tool can
//! check a row: `sha256(body) = digest`. What a run adds to it (who collected it when, and the
//! volatile half) stands in `run_evidence.envelope`. The two together are the document again.

use jiff::Timestamp;
use model::check::CheckId;
use model::digest::canonical;
use model::evidence::{Evidence, Items, ProbeInfo};
use model::run::{EvidenceRef, RunState};
use model::{Digest, RunId, Subject, TargetKey};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::run::json_of;
use crate::sql::{Arg, Row, Tx};
use crate::{Store, conflict};

/// The half of an evidence document that is stored once for every run that saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceBody {
    /// Contract, `<check>.v<N>`.
    pub schema: String,
    /// The target.
    pub target: TargetKey,
    /// The part of the target.
    pub subject: Subject,
    /// The items that digests, drift and rules read.
    pub stable: Items,
}

/// The half that belongs to one run.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    check: CheckId,
    run: RunId,
    probe: ProbeInfo,
    started_at: Timestamp,
    duration_ms: u64,
    attempts: u32,
    volatile: Items,
}

/// Evidence of a run as it is stored, not checked yet: `plumb verify` looks at every row, where
/// [`Store::bundle`] stops at the first that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvidence {
    /// The check.
    pub check: CheckId,
    /// The subject.
    pub subject: Subject,
    /// Address of the body.
    pub digest: Digest,
    /// Digest over the whole document.
    pub document: Digest,
    /// The body: canonical JSON.
    pub body: String,
    /// What this run adds to it: JSON.
    pub envelope: String,
}

impl RawEvidence {
    /// The document, if both digests hold.
    ///
    /// # Errors
    /// The table whose row is wrong, and one sentence that says how.
    pub fn evidence(&self) -> Result<Evidence, (&'static str, String)> {
        let found = Digest::of_bytes(self.body.as_bytes());
        if found != self.digest {
            return Err(("evidence", format!("the body's digest is {found}")));
        }
        let evidence = self.read()?;
        let found = Digest::of(&evidence);
        if found != self.document {
            let expected = &self.document;
            let reason = format!("the document's digest is {found}, expected {expected}");
            return Err(("run_evidence", reason));
        }
        Ok(evidence)
    }

    /// The two halves put together, whatever their digests.
    fn read(&self) -> Result<Evidence, (&'static str, String)> {
        let body = parse_body(&self.body).map_err(|reason| ("evidence", reason))?;
        let envelope: Envelope = serde_json::from_str(&self.envelope)
            .map_err(|error| ("run_evidence", format!("the envelope cannot be read: {error}")))?;
        Ok(Evidence {
            schema: body.schema,
            check: envelope.check,
            target: body.target,
            subject: body.subject,
            run: envelope.run,
            probe: envelope.probe,
            started_at: envelope.started_at,
            duration_ms: envelope.duration_ms,
            attempts: envelope.attempts,
            stable: body.stable,
            volatile: envelope.volatile,
        })
    }
}

/// A document as it will be stored: taken apart, digested, and held to what would come back.
#[derive(Debug, Clone)]
pub struct Packed {
    run: RunId,
    schema: String,
    target: TargetKey,
    raw: RawEvidence,
}

impl Packed {
    /// Packs a document of a run. No store is asked.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the document belongs to another run, or would not come back as
    /// it is.
    pub fn of(run: &RunId, evidence: &Evidence) -> Result<Self, StoreError> {
        if evidence.run != *run {
            return Err(conflict(format!(
                "evidence of run {} cannot be added to run {run}",
                evidence.run
            )));
        }
        let body = body_of(evidence);
        let raw = RawEvidence {
            check: evidence.check,
            subject: evidence.subject.clone(),
            digest: Digest::of_bytes(body.as_bytes()),
            document: Digest::of(evidence),
            body,
            envelope: envelope_of(evidence),
        };
        // What cannot be read back exactly must not be accepted: JSON has values that serde
        // drops on the way.
        let back = raw.read().map_err(|(_, reason)| reason).and_then(|back| {
            // What is equal has the same digest, and need not be digested to know.
            if back == *evidence {
                return Ok(());
            }
            let found = Digest::of(&back);
            let other = || format!("its digest would be {found}");
            (found == raw.document).then_some(()).ok_or_else(other)
        });
        back.map_err(|reason| {
            conflict(format!(
                "evidence of {} for {} would not come back as it is: {reason}",
                raw.check, raw.subject
            ))
        })?;
        let (schema, target) = (evidence.schema.clone(), evidence.target.clone());
        Ok(Self { run: run.clone(), schema, target, raw })
    }

    /// Address of the body.
    pub const fn digest(&self) -> &Digest {
        &self.raw.digest
    }

    /// Digest over the whole document.
    pub const fn document(&self) -> &Digest {
        &self.raw.document
    }

    pub(crate) const fn run(&self) -> &RunId {
        &self.run
    }

    pub(crate) fn body(&self) -> &str {
        &self.raw.body
    }

    pub(crate) fn body_row(&self) -> [Arg<'_>; 5] {
        [
            self.raw.digest.as_str().into(),
            (&self.schema).into(),
            (&self.target.0).into(),
            (&self.raw.subject.0).into(),
            (&self.raw.body).into(),
        ]
    }

    pub(crate) fn link_row(&self) -> [Arg<'_>; 6] {
        [
            (&self.run.0).into(),
            self.raw.check.as_str().into(),
            (&self.raw.subject.0).into(),
            self.raw.digest.as_str().into(),
            self.raw.document.as_str().into(),
            (&self.raw.envelope).into(),
        ]
    }
}

fn read_body(digest: &Digest, body: &str) -> Result<EvidenceBody, String> {
    let found = Digest::of_bytes(body.as_bytes());
    if found != *digest {
        return Err(format!("the body's digest is {found}"));
    }
    parse_body(body)
}

fn parse_body(body: &str) -> Result<EvidenceBody, String> {
    serde_json::from_str(body).map_err(|error| format!("the body cannot be read: {error}"))
}

/// The bytes that [`Evidence::digest`] is taken over.
fn body_of(evidence: &Evidence) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        schema: &'a str,
        target: &'a TargetKey,
        subject: &'a Subject,
        stable: &'a Items,
    }
    let bytes = canonical(&Body {
        schema: &evidence.schema,
        target: &evidence.target,
        subject: &evidence.subject,
        stable: &evidence.stable,
    });
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

fn envelope_of(evidence: &Evidence) -> String {
    json_of(&Envelope {
        check: evidence.check,
        run: evidence.run.clone(),
        probe: evidence.probe.clone(),
        started_at: evidence.started_at,
        duration_ms: evidence.duration_ms,
        attempts: evidence.attempts,
        volatile: evidence.volatile.clone(),
    })
}

impl Store {
    /// Adds one document to a run that is not complete, and gives its address. To repeat it with
    /// the same document changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the run is complete, if the document belongs to another run,
    /// or if the run already holds another document for that check and subject;
    /// [`StoreError::NotFound`] if there is no such run; [`StoreError::Corrupt`] if the body that
    /// is stored under the same address is another.
    pub async fn append_evidence(
        &self,
        run: &RunId,
        evidence: &Evidence,
    ) -> Result<Digest, StoreError> {
        let packed = Packed::of(run, evidence)?;
        let raw = &packed.raw;
        let mut tx = self.write().await?;
        self.insert_body(&mut tx, &packed).await?;
        self.insert_link(&mut tx, run, raw).await?;
        // Looked at last: on Postgres the new row waits for a `finish` of the same run, and sees
        // here that it came too late.
        self.not_complete(&mut tx, run).await?;
        tx.commit().await?;
        Ok(packed.raw.digest)
    }

    /// Adds documents in one transaction, one after the other.
    pub(crate) async fn append_in_turn(&self, documents: &[&Packed]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for packed in documents {
            self.insert_body(&mut tx, packed).await?;
            self.insert_link(&mut tx, &packed.run, &packed.raw).await?;
            self.not_complete(&mut tx, &packed.run).await?;
        }
        tx.commit().await
    }

    async fn not_complete(&self, tx: &mut Tx, run: &RunId) -> Result<(), StoreError> {
        if self.stored_state(tx, run).await? == RunState::Complete {
            return Err(conflict(format!("run {run} is complete; evidence cannot be added to it")));
        }
        Ok(())
    }

    /// The body at an address.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Corrupt`] if it does not have that digest.
    pub async fn evidence(&self, digest: &Digest) -> Result<EvidenceBody, StoreError> {
        let mut tx = self.read().await?;
        let body = tx
            .row("SELECT body FROM evidence WHERE digest = $1", &[digest.as_str().into()])
            .await?
            .ok_or_else(|| self.not_found(format!("evidence {digest}")))?
            .text("body")?;
        read_body(digest, &body).map_err(|reason| self.corrupt("evidence", digest.as_str(), reason))
    }

    /// The evidence of a run as it is stored, in the order in which it arrived.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such run.
    pub async fn raw_evidence(&self, run: &RunId) -> Result<Vec<RawEvidence>, StoreError> {
        let mut tx = self.read().await?;
        self.stored_state(&mut tx, run).await?;
        self.raw(&mut tx, run).await
    }

    pub(crate) async fn raw(
        &self,
        tx: &mut Tx,
        run: &RunId,
    ) -> Result<Vec<RawEvidence>, StoreError> {
        let rows = tx
            .rows(
                "SELECT r.check_id, r.subject, r.digest, r.document, r.envelope, e.body \
                 FROM run_evidence r LEFT JOIN evidence e ON e.digest = r.digest \
                 WHERE r.run = $1 ORDER BY r.seq",
                &[(&run.0).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(RawEvidence {
                    check: row.word("check_id")?,
                    subject: row.word("subject")?,
                    digest: row.word("digest")?,
                    document: row.word("document")?,
                    body: row.opt_text("body")?.unwrap_or_default(),
                    envelope: row.text("envelope")?,
                })
            })
            .collect()
    }

    /// What a run has collected so far, by address, in the order in which it arrived.
    pub(crate) async fn evidence_refs(
        &self,
        tx: &mut Tx,
        run: &RunId,
    ) -> Result<Vec<EvidenceRef>, StoreError> {
        let rows = tx
            .rows(
                "SELECT r.check_id, r.subject, r.digest, r.document, e.schema \
                 FROM run_evidence r JOIN evidence e ON e.digest = r.digest \
                 WHERE r.run = $1 ORDER BY r.seq",
                &[(&run.0).into()],
            )
            .await?;
        rows.iter().map(evidence_ref).collect()
    }

    async fn insert_body(&self, tx: &mut Tx, packed: &Packed) -> Result<(), StoreError> {
        let added = tx
            .execute(
                "INSERT INTO evidence (digest, schema, target, subject, body) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING",
                &packed.body_row(),
            )
            .await?;
        if added > 0 { Ok(()) } else { self.same_body(tx, &packed.raw).await }
    }

    /// Holds what is stored under a digest to the body that it is the digest of.
    async fn same_body(&self, tx: &mut Tx, raw: &RawEvidence) -> Result<(), StoreError> {
        let same = tx
            .row(
                "SELECT digest FROM evidence WHERE digest = $1 AND body = $2",
                &[raw.digest.as_str().into(), (&raw.body).into()],
            )
            .await?;
        match same {
            Some(_) => Ok(()),
            None => Err(self.corrupt(
                "evidence",
                raw.digest.as_str(),
                "another body is stored under this digest",
            )),
        }
    }

    async fn insert_link(
        &self,
        tx: &mut Tx,
        run: &RunId,
        raw: &RawEvidence,
    ) -> Result<(), StoreError> {
        let key = [(&run.0).into(), raw.check.as_str().into(), (&raw.subject.0).into()];
        let [run_arg, check, subject] = key.clone();
        let added = tx
            .try_execute(
                "INSERT INTO run_evidence (run, check_id, subject, digest, document, envelope) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run, check_id, subject) DO NOTHING",
                &[
                    run_arg,
                    check,
                    subject,
                    raw.digest.as_str().into(),
                    raw.document.as_str().into(),
                    (&raw.envelope).into(),
                ],
            )
            .await;
        let added = match added {
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                return Err(self.not_found(format!("run {run}")));
            }
            Err(error) => return Err(tx.fault(error)),
            Ok(added) => added,
        };
        if added > 0 {
            return Ok(());
        }
        let stored: Option<Digest> = tx
            .row(
                "SELECT document FROM run_evidence \
                 WHERE run = $1 AND check_id = $2 AND subject = $3",
                &key,
            )
            .await?
            .map(|row| row.word("document"))
            .transpose()?;
        if stored.as_ref() == Some(&raw.document) {
            return Ok(());
        }
        Err(conflict(format!(
            "run {run} already holds other evidence of {} for {}",
            raw.check, raw.subject
        )))
    }
}

fn evidence_ref(row: &Row) -> Result<EvidenceRef, StoreError> {
    Ok(EvidenceRef {
        check: row.word("check_id")?,
        subject: row.word("subject")?,
        schema: row.text("schema")?,
        digest: row.word("digest")?,
        document: row.word("document")?,
    })
}
