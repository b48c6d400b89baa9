//! The dashboard: one issue that says how the default branch stands, and remembers it.
//!
//! Its last line is a comment of HTML, `<!-- plumbline-dashboard:1 BASE64URL -->`, with what the
//! next run compares with: gzip over JSON. It changes only when what it says does, so that a run
//! which saw the same writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use model::document::AuditTarget;
use model::evidence::Evidence;
use model::request::Plan;
use model::{Digest, FindingId, TargetKey};
use serde::{Deserialize, Serialize};

use crate::audit::Standing;

/// In front of the record.
const HEAD: &str = "<!-- plumbline-dashboard:1 ";
/// Behind it.
const TAIL: &str = " -->";
/// Characters of a body that GitHub takes.
pub const LIMIT: usize = 65_536;
/// Characters that the text in front of the record has at most.
pub const TEXT: usize = 16_000;
/// Characters of a record: what the text leaves, and some air.
const RECORD: usize = LIMIT - TEXT - 512;
/// Bytes that a record may have when it is unpacked. Evidence has few surprises, and compresses by
/// ten; a body that somebody edited may have more.
const UNPACKED: u64 = 16 * 1024 * 1024;

/// What the dashboard remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When what it says was observed; what is older changes nothing.
    pub observed_at: Option<Timestamp>,
    /// The last run, by target.
    pub targets: BTreeMap<TargetKey, Seen>,
    /// Findings that wait since the repository was adopted; none before anything was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<BTreeSet<FindingId>>,
}

/// The last run of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// What is compared with.
    #[serde(flatten)]
    pub standing: Standing,
    /// Controls of it that were evaluated.
    #[serde(default)]
    pub evaluated: u32,
    /// Since when nothing of it could be observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unobserved_since: Option<Timestamp>,
}

impl Seen {
    /// A run, since when nothing of its target could be observed, and how much was evaluated.
    pub const fn of(
        standing: Standing,
        unobserved_since: Option<Timestamp>,
        evaluated: u32,
    ) -> Self {
        Self { standing, evaluated, unobserved_since }
    }
}

impl Record {
    /// What is compared with.
    pub fn baselines(&self) -> BTreeMap<TargetKey, Standing> {
        let targets = self.targets.iter();
        targets.map(|(key, seen)| (key.clone(), seen.standing.clone())).collect()
    }

    /// Digest over what it says, and not over when that was: two runs that saw the same have the
    /// same.
    pub fn content(&self) -> Digest {
        type Target<'a> = (&'a AuditTarget, &'a Plan, Vec<Digest>, Option<Timestamp>, u32);
        let targets: BTreeMap<&TargetKey, Target<'_>> = self
            .targets
            .iter()
            .map(|(key, seen)| {
                let Standing { document, plan, evidence, .. } = &seen.standing;
                let digests = evidence.iter().map(Evidence::digest).collect();
                (key, (document, plan, digests, seen.unobserved_since, seen.evaluated))
            })
            .collect();
        Digest::of(&(targets, &self.adopted))
    }

    /// The line for the body; targets whose evidence found no room are named.
    pub fn line(mut self) -> (String, Vec<TargetKey>) {
        let mut left_out = Vec::new();
        loop {
            let line = format!("{HEAD}{}{TAIL}", URL_SAFE_NO_PAD.encode(self.packed()));
            if line.len() <= RECORD {
                return (line, left_out);
            }
            // The largest first. What is left out is not compared with, and everything else is.
            let size = |seen: &Seen| {
                serde_json::to_vec(&seen.standing.evidence).map_or(0, |json| json.len())
            };
            let largest = self.targets.iter_mut().max_by_key(|(_, seen)| size(seen));
            if let Some((key, seen)) = largest.filter(|(_, s)| !s.standing.evidence.is_empty()) {
                seen.standing.evidence.clear();
                left_out.push(key.clone());
            } else if self.targets.is_empty() {
                self.adopted = None;
            } else {
                // What waits since the adoption is kept as long as anything: without it, all of it
                // would be opened at once.
                self.targets.clear();
            }
        }
    }

    fn packed(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a record is JSON");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&json).expect("a vector takes everything");
        packer.finish().expect("a vector takes everything")
    }

    /// The record of a body; none if there is none that can be read. Whose body it is is for the
    /// caller to check.
    pub fn of(body: &str) -> Option<Self> {
        let mut lines = body.lines().map(str::trim).filter(|line| line.starts_with(HEAD));
        let line = lines.next()?;
        if lines.next().is_some() || line.len() > LIMIT {
            return None;
        }
        let text = line.strip_prefix(HEAD)?.strip_suffix(TAIL)?;
        let packed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut json = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .take(UNPACKED + 1)
            .read_to_end(&mut json)
            .ok()?;
        if json.len() as u64 > UNPACKED {
            return None;
        }
        serde_json::from_slice(&json).ok()
    }
}

/// True of a body that is a dashboard's, whether its record can be read or not.
pub fn is_dashboard(body: &str) -> bool {
    body.lines().any(|line| line.trim().starts_with(HEAD))
}

#[cfg(test)]
#[path = "../../tests/fuzzing/mutation.rs"]
mod mutation;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use model::run::RunBundle;

    use super::mutation::Mutator;
    use super::*;

    fn record() -> Record {
        let seed = include_bytes!("../../fuzz/seeds/bundle/one.json");
        let RunBundle { record, evidence, .. } = serde_json::from_slice(seed).unwrap();
        let (run, started_at) = (record.id, record.started_at);
        let standing =
            Standing { run, started_at, document: record.document, plan: record.plan, evidence };
        Record {
            observed_at: record.ended_at,
            targets: BTreeMap::from([(record.target, Seen::of(standing, None, 7))]),
            adopted: Some(BTreeSet::new()),
        }
    }

    fn body(json: &[u8]) -> String {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(json).unwrap();
        format!("Words\n\n{HEAD}{}{TAIL}", URL_SAFE_NO_PAD.encode(packer.finish().unwrap()))
    }

    #[test]
    fn a_record_that_somebody_edited_is_read_or_is_none() {
        let seeds = [serde_json::to_vec(&record()).unwrap()];
        let mut edited = Mutator::new(1, &seeds);
        let mut read = 0;
        for _ in 0..3_000 {
            let Some(record) = Record::of(&body(&edited.next())) else { continue };
            read += 1;
            record.content();
            record.baselines();
            let (line, left_out) = record.clone().line();
            assert!(line.len() <= RECORD);
            if left_out.is_empty() {
                assert_eq!(Record::of(&line), Some(record));
            }
        }
        assert!(read > 50, "{read} are records: the others say nothing");
    }

    #[test]
    fn a_body_that_somebody_edited_is_read_or_is_none() {
        let line = record().line().0;
        assert_eq!(Record::of(&line), Some(record()));
        let seeds = [format!("Words\n\n{line}\n").into_bytes()];
        let mut edited = Mutator::new(1, &seeds);
        let none = (0..3_000)
            .filter(|_| Record::of(&String::from_utf8_lossy(&edited.next())).is_none())
            .count();
        assert!(none > 1_000, "{none}");
    }
}
