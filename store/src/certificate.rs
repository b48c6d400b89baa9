//! Certificates that runs have seen: one row per target, subject and public key.

use jiff::Timestamp;
use model::evidence::Evidence;
use model::{Digest, RunId, Subject, TargetKey};
use serde::Deserialize as _;

use crate::Store;
use crate::error::StoreError;
use crate::sql::{Arg, Row, Tx};

/// A certificate that a run has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSeen {
    /// Where it was seen.
    pub subject: Subject,
    /// Digest over its SubjectPublicKeyInfo; of a cohort, of the one that ends first.
    pub spki: Digest,
    /// Subject of the certificate: hostile text.
    pub name: String,
    /// Issuer of the certificate: hostile text.
    pub issuer: String,
    /// End of validity; none where it has none.
    pub not_after: Option<Timestamp>,
    /// Certificates that this row stands for: 1, or a cohort that ends on one day.
    pub count: u32,
}

impl CertificateSeen {
    /// The certificates that evidence lists, one row each. Evidence of a check that lists none
    /// gives none.
    pub fn all(evidence: &[Evidence]) -> Vec<Self> {
        evidence.iter().flat_map(Self::of).collect()
    }

    fn of(document: &Evidence) -> Vec<Self> {
        let listed = document.item("/certificates").and_then(|item| item.value());
        let entries = listed.and_then(|value| value.as_array()).into_iter().flatten();
        entries
            .filter_map(|entry| {
                let entry = model::evidence::CertificateSeen::deserialize(entry).ok()?;
                Some(Self {
                    subject: document.subject.clone(),
                    spki: entry.spki.parse().ok()?,
                    name: entry.subject,
                    issuer: entry.issuer,
                    not_after: entry.not_after,
                    count: entry.count,
                })
            })
            .collect()
    }
}

/// A certificate with the runs that saw it first and last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRecord {
    /// The target.
    pub target: TargetKey,
    /// The certificate.
    pub certificate: CertificateSeen,
    /// The run that saw it first.
    pub first_seen: RunId,
    /// The run that saw it last.
    pub last_seen: RunId,
}

impl Store {
    /// The certificates seen on a target, or on all, those that end first at the front.
    pub async fn certificates(
        &self,
        target: Option<&TargetKey>,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        let mut tx = self.read().await?;
        let rows = tx
            .rows(
                "SELECT target, subject, spki, name, issuer, not_after, held_by, \
                 first_seen_run, last_seen_run FROM certificates \
                 WHERE (CAST($1 AS TEXT) IS NULL OR target = $1) \
                 ORDER BY not_after, target, subject, spki",
                &[target.map(|target| target.0.as_str()).into()],
            )
            .await?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &Row) -> Result<CertificateRecord, StoreError> {
    Ok(CertificateRecord {
        target: row.word("target")?,
        certificate: CertificateSeen {
            subject: row.word("subject")?,
            spki: row.word("spki")?,
            name: row.text("name")?,
            issuer: row.text("issuer")?,
            not_after: row.opt_time("not_after")?,
            count: u32::try_from(row.int("held_by")?).unwrap_or(u32::MAX),
        },
        first_seen: row.word("first_seen_run")?,
        last_seen: row.word("last_seen_run")?,
    })
}

/// Notes what a run has seen. A certificate listed twice is noted once.
pub(crate) async fn note(
    tx: &mut Tx,
    target: &TargetKey,
    run: &RunId,
    at: Timestamp,
    seen: &[CertificateSeen],
) -> Result<(), StoreError> {
    // Postgres refuses to touch a row twice in one statement.
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort_by(|a, b| {
        (&a.subject, &a.spki, a.not_after).cmp(&(&b.subject, &b.spki, b.not_after))
    });
    seen.dedup_by(|a, b| (&a.subject, &a.spki) == (&b.subject, &b.spki));
    tx.insert(
        "INSERT INTO certificates (target, subject, spki, name, issuer, not_after, \
         held_by, first_seen_run, first_seen_at, last_seen_run, last_seen_at) ",
        &(target, run, at),
        &seen,
        row,
        " ON CONFLICT (target, subject, spki) DO UPDATE SET \
         name = excluded.name, issuer = excluded.issuer, not_after = excluded.not_after, \
         held_by = excluded.held_by, \
         last_seen_run = excluded.last_seen_run, last_seen_at = excluded.last_seen_at",
    )
    .await
    .map(drop)
}

fn row<'a>(
    (target, run, at): &'a (&TargetKey, &RunId, Timestamp),
    certificate: &'a &CertificateSeen,
) -> [Arg<'a>; 11] {
    [
        (&target.0).into(),
        (&certificate.subject.0).into(),
        certificate.spki.as_str().into(),
        (&certificate.name).into(),
        (&certificate.issuer).into(),
        certificate.not_after.into(),
        certificate.count.into(),
        (&run.0).into(),
        (*at).into(),
        (&run.0).into(),
        (*at).into(),
    ]
}
