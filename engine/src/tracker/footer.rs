//! What an issue says of its last change: why, by which evidence, and where the report is.
//!
//! It stands between the words of an issue and its marker, and under comments. Each run has another
//! report, so nothing that decides whether something changed reads it: [`without`] takes it away.

use jiff::Timestamp;
use model::{Digest, TargetKey};

use super::decide::without_marker;
use super::marker::{unmarked, with_line};
use super::plan::Plan;
use super::unobserved::Step;
use super::{Marker, TargetMarker, Why};
use crate::report::text::markdown_code;

/// Above it, on a line of its own. What a target says is never at the beginning of a line.
const HEAD: &str = "<!-- plumbline-last:1 -->";
/// Longest address that is linked, in bytes.
const LONGEST: usize = 2_000;

/// Where the report of a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// On this page.
    Page(String),
    /// In a store, under the id of the run.
    Stored(String),
}

impl Report {
    /// The page, if the address is one that a link holds as it is: absolute, of HTTP, without
    /// blanks, brackets or control characters.
    pub fn page(address: &str) -> Option<Self> {
        let is_http = address.starts_with("https://") || address.starts_with("http://");
        let holds = |c: char| c.is_ascii_graphic() && !"<>()[]\"\\`".contains(c);
        (is_http && address.len() <= LONGEST && address.chars().all(holds))
            .then(|| Self::Page(address.to_owned()))
    }

    fn words(&self) -> String {
        match self {
            Self::Page(address) => format!("[Report](<{address}>)"),
            Self::Stored(run) => {
                format!("Report: {}", markdown_code(&format!("plumb report {run}")))
            }
        }
    }
}

impl Plan {
    /// Says at every change why it was made, by which evidence, and where the report is of the run
    /// that observed the target.
    pub fn tell(&mut self, report: impl Fn(&TargetKey) -> Option<Report>) {
        for create in &mut self.creates {
            create.body = told(&create.body, Why::New, &report);
        }
        for update in &mut self.updates {
            let target = update.body.as_deref().and_then(Marker::of).map(|marker| marker.target);
            if let Some(body) = &update.body {
                update.body = Some(told(body, update.why, &report));
            }
            if let (Some(comment), Some(report)) =
                (&update.comment, target.and_then(|t| report(&t)))
            {
                update.comment = Some(with(comment, &report.words()));
            }
        }
    }
}

/// The same for what is done about targets of which nothing is observed.
pub fn tell(steps: &mut [Step], report: impl Fn(&TargetKey) -> Option<Report>) {
    for step in steps {
        match step {
            Step::Create { body, .. } => *body = told_of_target(body, Why::New, &report),
            Step::Update { body, why, comment, .. } => {
                let target = body.as_deref().and_then(TargetMarker::of).map(|marker| marker.target);
                if let Some(body) = body {
                    *body = told_of_target(body, *why, &report);
                }
                if let (Some(comment), Some(report)) = (comment, target.and_then(|t| report(&t))) {
                    *comment = with(comment, &report.words());
                }
            }
        }
    }
}

fn told(body: &str, why: Why, report: &impl Fn(&TargetKey) -> Option<Report>) -> String {
    let Some(marker) = Marker::of(body) else { return body.to_owned() };
    let words = last(why, marker.evidence.as_ref(), marker.observed_at, report(&marker.target));
    with_line(&with(without_marker(body), &words), &marker.line())
}

fn told_of_target(body: &str, why: Why, report: &impl Fn(&TargetKey) -> Option<Report>) -> String {
    let Some(marker) = TargetMarker::of(body) else { return body.to_owned() };
    let words = last(why, None, marker.observed_at, report(&marker.target));
    with_line(&with(&unmarked(body), &words), &marker.line())
}

fn last(why: Why, evidence: Option<&Digest>, at: Timestamp, report: Option<Report>) -> String {
    let mut words = format!("**Last change:** {}, {at:.0}.", because(why));
    if let Some(evidence) = evidence {
        words.push_str(&format!(" Evidence: {}.", markdown_code(evidence.as_str())));
    }
    if let Some(report) = report {
        words.push_str(&format!(" {}.", report.words()));
    }
    words
}

const fn because(why: Why) -> &'static str {
    match why {
        Why::New => "seen to fail",
        Why::Changed => "seen again, and it differs",
        Why::Passing => "seen to pass, and not yet often enough to close this",
        Why::Resolved => "seen to pass",
        Why::Regressed => "seen to fail again",
        Why::Waived => "accepted by an exception",
        Why::WaiverEnded => "the exception that accepted it has ended",
        Why::StillFailing => "closed by somebody, and seen to fail",
        Why::Retired => "its rule was taken out of the pack",
        Why::Renamed => "its rule has another name",
        Why::Recovered => "its marker was lost, and is back",
        Why::Duplicate => "there is another issue of the same",
        Why::Merged => "it is on the default branch now",
        Why::Withdrawn => "the pull request that brought it was closed",
    }
}

fn with(text: &str, last: &str) -> String {
    format!("{}\n\n{HEAD}\n{last}", without(text).trim_end())
}

/// A text without what it says of its last change.
pub fn without(text: &str) -> &str {
    let head = format!("\n{HEAD}\n");
    text.rsplit_once(&head).map_or(text, |(words, _)| words).trim_end()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::super::decide::with_marker;
    use super::super::tests::marker;
    use super::*;

    fn page(run: u32) -> Option<Report> {
        Report::page(&format!("https://github.example/o/r/actions/runs/{run}"))
    }

    #[test]
    fn the_last_change_is_said_once_between_the_words_and_the_marker() {
        let own = marker("2026-11-22T10:00:00Z");
        let first = told(&with_marker("What was seen.", &own), Why::New, &|_| page(1));
        let second = told(&first, Why::Resolved, &|_| page(2));
        assert_eq!(Marker::of(&second), Some(own.clone()));
        assert_eq!(without_marker(&second), "What was seen.");
        let evidence = own.evidence.unwrap();
        let expected = format!(
            "What was seen.\n\n{HEAD}\n**Last change:** seen to pass, 2026-11-22T10:00:00Z. \
             Evidence: `{}`. [Report](<https://github.example/o/r/actions/runs/2>).",
            evidence.as_str()
        );
        assert_eq!(
            second
                .lines()
                .filter(|line| !line.starts_with("<!-- plumbline:1"))
                .collect::<Vec<_>>()
                .join("\n")
                .trim_end(),
            expected
        );
    }

    #[test]
    fn a_report_in_a_store_is_named_by_the_command_that_shows_it() {
        let own = marker("2026-11-22T10:00:00Z");
        let stored = |_: &TargetKey| Some(Report::Stored("20261122-abc".to_owned()));
        let body = told(&with_marker("Words.", &own), Why::Resolved, &stored);
        assert!(body.contains(" Report: `plumb report 20261122-abc`."), "{body}");
        let silent = told(&with_marker("Words.", &own), Why::Resolved, &|_| None);
        assert!(!silent.contains("Report") && silent.contains("Evidence: `"), "{silent}");
    }

    #[test]
    fn an_address_that_would_end_its_link_is_not_linked() {
        for bad in [
            "",
            "javascript:alert(1)",
            "//host/x",
            "https://h/a b",
            "https://h/>x",
            "https://h/\n",
            "https://h/(x)",
            "https://h/\u{202e}",
            &format!("https://h/{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(Report::page(bad), None, "{bad:?}");
        }
        assert!(Report::page("http://localhost:3000/o/r/actions/runs/1").is_some());
    }

    #[test]
    fn what_a_target_says_is_not_taken_for_the_last_change() {
        let hostile = format!("- `{HEAD}` **Last change:** none\n- `x`\n  {HEAD} more");
        assert_eq!(without(&hostile), hostile);
    }
}
