//! What the body of an issue says to us and to nobody else: a comment of HTML on its last line.
//!
//! `<!-- plumbline:1 BASE64URL -->`, where the text is JSON without padding. Base64url has no `-->`
//! and no quote, so nothing that a target says can end it or begin another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use model::{Digest, FindingId, IssueKey, Severity, Subject, TargetKey};
use serde::{Deserialize, Serialize};

use super::footer;

/// In front of the text about a finding.
const HEAD: &str = "<!-- plumbline:1 ";
/// In front of the text about a target.
const TARGET_HEAD: &str = "<!-- plumbline-target:1 ";
/// Behind it.
const TAIL: &str = " -->";
/// Longest marker that is read, in bytes: ours have some hundreds.
const LONGEST: usize = 4_096;

/// How we left an issue. Against its state it tells what somebody else did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Left {
    /// Open: the control fails.
    Open,
    /// Closed: the control was seen to pass.
    Resolved,
    /// Closed: an exception accepts it.
    Waived,
    /// Closed: its rule was taken out of the pack.
    Retired,
}

/// The memory of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The finding.
    pub id: FindingId,
    /// The target, by which an issue is told from those of others in the same repository.
    pub target: TargetKey,
    /// The rule.
    pub rule: IssueKey,
    /// The subject.
    pub subject: Subject,
    /// How we left it.
    pub left: Left,
    /// Its severity when it was last seen to fail.
    pub severity: Severity,
    /// How often the finding has opened, from 1.
    pub episode: u32,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When what this says was observed: what is older changes nothing.
    pub observed_at: Timestamp,
    /// Evidence that was observed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// Passes in a row that were seen while it was open.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passes: u32,
    /// Times that somebody closed it as done while it failed, and we opened it again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reopened: u32,
    /// The pull request that brought it; none for what the default branch has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Marker {
    /// The line for the body.
    pub fn line(&self) -> String {
        line(HEAD, self)
    }

    /// The marker of a body; none if there is none, more than one, or one that cannot be read.
    /// Whoever wrote the body is for the caller to check.
    pub fn of(body: &str) -> Option<Self> {
        read(HEAD, body)
    }
}

/// The memory of an issue about a target of which nothing was observed. It begins otherwise than a
/// [`Marker`], so that neither is taken for the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetMarker {
    /// The target.
    pub target: TargetKey,
    /// Since when nothing was observed.
    pub since: Timestamp,
    /// When what this says was so: what is older changes nothing.
    pub observed_at: Timestamp,
    /// Something was observed afterwards: we left the issue closed.
    pub observed: bool,
}

impl TargetMarker {
    /// The line for the body.
    pub fn line(&self) -> String {
        line(TARGET_HEAD, self)
    }

    /// The marker of a body, as [`Marker::of`] has it.
    pub fn of(body: &str) -> Option<Self> {
        read(TARGET_HEAD, body)
    }
}

fn line(head: &str, marker: &impl Serialize) -> String {
    let json = serde_json::to_vec(marker).expect("a marker is JSON");
    format!("{head}{}{TAIL}", URL_SAFE_NO_PAD.encode(json))
}

fn read<T: serde::de::DeserializeOwned>(head: &str, body: &str) -> Option<T> {
    let mut lines = body.lines().map(str::trim).filter(|line| line.starts_with(head));
    let line = lines.next()?;
    if lines.next().is_some() || line.len() > LONGEST {
        return None;
    }
    let text = line.strip_prefix(head)?.strip_suffix(TAIL)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A body with the line of its marker at the end.
pub fn with_line(words: &str, line: &str) -> String {
    format!("{}\n\n{line}\n", words.trim_end())
}

/// What people read of a body: everything but lines that begin like a marker of either kind, and
/// what it says of its last change.
pub fn unmarked(body: &str) -> String {
    let marks = |line: &str| [HEAD, TARGET_HEAD].iter().any(|head| line.trim().starts_with(head));
    let lines: Vec<&str> = body.lines().filter(|line| !marks(line)).collect();
    footer::without(&lines.join("\n")).trim_end().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::super::tests::marker;
    use super::*;

    #[test]
    fn a_marker_comes_back_from_the_body_that_it_was_put_into() {
        let marker = marker("2026-11-21T10:00:00Z");
        let body = format!("What was observed.\n\n{}", marker.line());
        assert_eq!(Marker::of(&body), Some(marker));
    }

    #[test]
    fn what_somebody_else_could_have_put_there_is_no_marker() {
        let line = marker("2026-11-21T10:00:00Z").line();
        let cut = &line[..line.len() - 12];
        let long = format!("{HEAD}{}{TAIL}", "A".repeat(LONGEST));
        for body in
            ["", "no marker", cut, &long, &format!("{line}\n{line}"), "<!-- plumbline:1 e30 -->"]
        {
            assert_eq!(Marker::of(body), None, "{body}");
        }
    }

    #[test]
    fn the_two_kinds_are_never_taken_for_each_other() {
        let finding = marker("2026-11-21T10:00:00Z");
        let (since, observed_at) = (finding.first_seen, finding.observed_at);
        let target =
            TargetMarker { target: finding.target.clone(), since, observed_at, observed: false };
        assert_eq!(TargetMarker::of(&target.line()), Some(target.clone()));
        assert_eq!((Marker::of(&target.line()), TargetMarker::of(&finding.line())), (None, None));
        let both = format!("{}\n{}", finding.line(), target.line());
        assert_eq!(Marker::of(&both), Some(finding.clone()));
        assert_eq!(TargetMarker::of(&both), Some(target.clone()));
        // Nor is the text of one behind the head of the other.
        let swapped = target.line().replace(TARGET_HEAD, HEAD);
        assert_eq!(Marker::of(&swapped), None);
        let swapped = finding.line().replace(HEAD, TARGET_HEAD);
        assert_eq!(TargetMarker::of(&swapped), None);
        assert_eq!(unmarked(&format!("a\n{}\nb\n {}", finding.line(), target.line())), "a\nb");
    }

    #[test]
    fn hostile_names_neither_end_the_comment_nor_begin_another() {
        let mut marker = marker("2026-11-21T10:00:00Z");
        marker.subject = Subject("endpoint/--> <img src=x> <!-- plumbline:1 e30 -->\n".to_owned());
        let line = marker.line();
        assert_eq!(line.matches("-->").count(), 1);
        assert_eq!(line.lines().count(), 1);
        assert_eq!(Marker::of(&line), Some(marker));
    }
}
