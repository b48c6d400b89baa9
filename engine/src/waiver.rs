//! Exceptions: which of them covers a finding, and what became of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::assessment::{ExceptionState, ExceptionUse, Waiver};
use model::document::AuditException;
use model::{Digest, FindingId, IssueKey, Subject};

/// Exceptions as one run sees them.
pub struct Waivers<'a> {
    exceptions: Vec<&'a AuditException>,
    now: Timestamp,
    uses: BTreeMap<&'a str, (ExceptionState, Vec<FindingId>)>,
}

impl<'a> Waivers<'a> {
    /// Those of `exceptions` that speak about a target with these labels, in order of name.
    pub fn new(
        exceptions: &'a [AuditException],
        labels: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Self {
        let selects = |exception: &&AuditException| {
            let selector = exception.spec.target_selector.as_ref();
            selector.is_none_or(|selector| selector.matches(labels))
        };
        let mut exceptions: Vec<_> = exceptions.iter().filter(selects).collect();
        exceptions.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let uses = exceptions
            .iter()
            .map(|exception| {
                let ended = exception.spec.expires_at <= now;
                let state = if ended { ExceptionState::Expired } else { ExceptionState::Unused };
                (exception.metadata.name.as_str(), (state, Vec::new()))
            })
            .collect();
        Self { exceptions, now, uses }
    }

    /// The exception that covers a failing control, if one does; notes its use.
    pub fn cover(
        &mut self,
        id: &FindingId,
        rule: &IssueKey,
        subject: &Subject,
        evidence: &Digest,
    ) -> Option<Waiver> {
        for exception in &self.exceptions {
            let spec = &exception.spec;
            let about = spec.issue_keys.contains(rule)
                && (spec.subjects.is_empty() || spec.subjects.contains(&subject.0));
            if !about || spec.expires_at <= self.now {
                continue;
            }
            let Some((state, findings)) = self.uses.get_mut(exception.metadata.name.as_str())
            else {
                continue;
            };
            if spec.expire_on_change && spec.evidence.as_ref() != Some(evidence) {
                *state = ExceptionState::Changed;
                continue;
            }
            *state = ExceptionState::Active;
            findings.push(id.clone());
            return Some(Waiver {
                name: exception.metadata.name.clone(),
                reason: spec.reason.clone(),
                approved_by: spec.approved_by.clone(),
                expires_at: spec.expires_at,
            });
        }
        None
    }

    /// What became of each exception, in order of name.
    pub fn uses(self) -> Vec<ExceptionUse> {
        let uses = self.uses.into_iter();
        uses.map(|(name, (state, findings))| ExceptionUse {
            name: name.to_owned(),
            state,
            findings,
        })
        .collect()
    }
}
