//! The dashboard: a page that says how the default branch stands, and a record that remembers it.
//!
//! As an issue its last line is a comment of HTML, `<!-- plumbline-dashboard:1 BASE64URL -->`, with
//! what the next run compares with: gzip over JSON. On a branch the record is a file of JSON. Where
//! it was an issue and is a branch now, the line of the issue is
//! `<!-- plumbline-dashboard:1 branch:NAME -->`. It changes only when what it says does, so that a
//! run which saw the same writes nothing.

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
use crate::branch::BranchName;

/// In front of the record.
const HEAD: &str = "<!-- plumbline-dashboard:1 ";
/// Behind it.
const TAIL: &str = " -->";
/// In place of the record, in front of the branch that has it.
const MOVED: &str = "branch:";
/// What the file of a branch says that it is.
const FORMAT: &str = "plumbline-dashboard/1";
/// Characters of a body that GitHub takes.
pub const LIMIT: usize = 65_536;
/// Characters that the text in front of the record has at most.
pub const TEXT: usize = 16_000;
/// Characters of a record: what the text leaves, and some air.
const RECORD: usize = LIMIT - TEXT - 512;
/// Bytes that a record may have when it is unpacked. Evidence has few surprises, and compresses by
/// ten; a body that somebody edited may have more. The file of a branch has at most as many.
pub const UNPACKED: u64 = 16 * 1024 * 1024;

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

/// A record in a form that fits where it goes.
#[derive(Debug)]
pub struct Formed<T> {
    /// The form.
    pub text: T,
    /// As much of the record as it has.
    pub record: Record,
    /// Targets whose evidence found no room.
    pub left_out: Vec<TargetKey>,
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

    /// The record as the line of a body.
    pub fn line(self) -> Formed<String> {
        let line =
            |record: &Self| format!("{HEAD}{}{TAIL}", URL_SAFE_NO_PAD.encode(record.packed()));
        self.formed(line, |line| line.len() <= RECORD)
    }

    /// The record as the file of a branch, to be read by people, too.
    pub fn file(self) -> Formed<Vec<u8>> {
        self.file_of(UNPACKED)
    }

    fn file_of(self, limit: u64) -> Formed<Vec<u8>> {
        let file = |record: &Self| {
            let file = FileOut { format: FORMAT, record };
            let mut json = serde_json::to_vec_pretty(&file).expect("a record is JSON");
            json.push(b'\n');
            json
        };
        self.formed(file, |json| json.len() as u64 <= limit)
    }

    fn formed<T>(mut self, form: impl Fn(&Self) -> T, fits: impl Fn(&T) -> bool) -> Formed<T> {
        let mut left_out = Vec::new();
        loop {
            let text = form(&self);
            if fits(&text) {
                return Formed { text, record: self, left_out };
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

    /// The record of a branch's file; none if it is none that can be read.
    pub fn of_json(json: &[u8]) -> Option<Self> {
        if json.len() as u64 > UNPACKED {
            return None;
        }
        let file: FileIn = serde_json::from_slice(json).ok()?;
        (file.format == FORMAT).then_some(file.record)
    }
}

/// The file of a branch, as it is written.
#[derive(Serialize)]
struct FileOut<'a> {
    format: &'a str,
    #[serde(flatten)]
    record: &'a Record,
}

/// The same, as it is read.
#[derive(Deserialize)]
struct FileIn {
    format: String,
    #[serde(flatten)]
    record: Record,
}

/// The line of an issue whose dashboard is on a branch now.
pub fn moved(to: &BranchName) -> String {
    format!("{HEAD}{MOVED}{to}{TAIL}")
}

/// The branch that a body says its dashboard is on. Whose body it is is for the caller to check.
pub fn moved_to(body: &str) -> Option<BranchName> {
    let line = body.lines().map(str::trim).find(|line| line.starts_with(HEAD))?;
    line.strip_prefix(HEAD)?.strip_prefix(MOVED)?.strip_suffix(TAIL)?.parse().ok()
}

/// True of a body that is a dashboard's, whether its record can be read or not.
pub fn is_dashboard(body: &str) -> bool {
    body.lines().any(|line| line.trim().starts_with(HEAD))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod edited;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn adopted(count: usize) -> Record {
        let id = |at: usize| {
            let (target, rule) = (
                TargetKey("edge".to_owned()),
                "gateway_config_guardrails.acl_missing".parse().unwrap(),
            );
            FindingId::new(&target, &rule, &model::Subject(format!("config/{at}")))
        };
        Record {
            observed_at: Some("2026-11-22T10:00:00Z".parse().unwrap()),
            adopted: Some((0..count).map(id).collect()),
            ..Record::default()
        }
    }

    #[test]
    fn the_file_of_a_branch_is_lines_that_a_person_can_compare_and_is_read_back_as_it_was() {
        let record = adopted(3);
        let Formed { text: file, left_out, .. } = record.clone().file();
        assert_eq!(left_out, []);
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.starts_with("{\n  \"format\": \"plumbline-dashboard/1\",\n"), "{text}");
        assert!(text.ends_with("}\n") && text.lines().count() > 5, "{text}");
        assert_eq!(Record::of_json(&file), Some(record));
    }

    #[test]
    fn a_file_that_is_no_record_is_none() {
        let text = String::from_utf8(adopted(1).file().text).unwrap();
        let deep = "[".repeat(100_000);
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            &deep,
            &text[..text.len() / 2],
            &text.replace("dashboard/1", "dashboard/2"),
            &text.replace("2026-11-22", "yesterday"),
            &format!("{text}{text}"),
            &format!("{}{text}", " ".repeat(usize::try_from(UNPACKED).unwrap())),
        ] {
            assert_eq!(Record::of_json(bad.as_bytes()), None, "{}", &bad[..bad.len().min(80)]);
        }
    }

    #[test]
    fn what_finds_no_room_goes_and_what_waits_goes_last() {
        let formed = adopted(50).file_of(400);
        assert!(formed.text.len() <= 400);
        let read = Record::of_json(&formed.text).unwrap();
        assert_eq!((&read.adopted, read.targets.len()), (&None, 0));
        assert_eq!(read.observed_at, adopted(50).observed_at);
        assert_eq!(read, formed.record);
    }

    #[test]
    fn an_issue_says_which_branch_has_its_dashboard_and_is_still_one() {
        let name: BranchName = "audit/data".parse().unwrap();
        let body = format!("Elsewhere.\n\n{}", moved(&name));
        assert!(is_dashboard(&body));
        assert_eq!((moved_to(&body), Record::of(&body)), (Some(name), None));
        for bad in [
            "<!-- plumbline-dashboard:1 branch:--upload-pack=x -->",
            "<!-- plumbline-dashboard:1 branch:refs/heads/main -->",
            "<!-- plumbline-dashboard:1 branch: -->",
            "<!-- plumbline-dashboard:1 branch:a",
            "<!-- plumbline-dashboard:1 AAAA -->",
            "",
        ] {
            assert_eq!(moved_to(bad), None, "{bad}");
        }
    }
}
