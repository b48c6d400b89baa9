//! What an issue says to people. Nothing in it changes while the evidence does not, and nothing
//! that a target said can mention somebody, link, or look like a part of the page.

use std::fmt::Write as _;

use model::assessment::{Finding, StandardRef};
use model::{IssueKey, TargetKey};

use super::Failing;
use crate::report::text::{self, markdown, markdown_block, markdown_code, markdown_prose};

/// Longest title, in characters: GitHub takes 256.
const TITLE: usize = 200;
/// Longest body without its marker, in characters. GitHub takes 65,536 with it.
const BODY: usize = 60_000;

/// A failing control as its issue shows it.
pub fn failing(target: &TargetKey, finding: &Finding) -> Failing {
    Failing {
        severity: finding.severity,
        evidence: finding.evidence.clone(),
        title: title(target, &finding.key, &finding.title),
        body: cut(body(target, finding)),
    }
}

/// `[rule] target: what`, which people and the recovery of a lost marker read.
pub(super) fn title(target: &TargetKey, rule: &IssueKey, what: &str) -> String {
    short(format!("{}{}", beginning(target, rule), plain(what)))
}

/// How the titles of all findings of that rule and target begin.
fn beginning(target: &TargetKey, rule: &IssueKey) -> String {
    format!("{}: ", plain(&format!("[{rule}] {target}")))
}

/// True if a title is, as far as it goes, that of a finding of that rule and target.
pub(super) fn begins(title: &str, target: &TargetKey, rule: &IssueKey) -> bool {
    let beginning = beginning(target, rule);
    // Of names that are longer than a title only the first part is in it.
    if beginning.chars().count() > TITLE {
        title == short(beginning)
    } else {
        title.starts_with(&beginning)
    }
}

/// The title under the name that its rule has now; none if it does not begin with the earlier one.
pub(super) fn retitled(
    title: &str,
    target: &TargetKey,
    from: &IssueKey,
    to: &IssueKey,
) -> Option<String> {
    let what = title.strip_prefix(&beginning(target, from))?;
    Some(short(format!("{}{what}", beginning(target, to))))
}

/// A text for a title. Titles are plain text: what looks like a mention there is none, and must not
/// become one where the title is quoted.
pub(super) fn plain(text: &str) -> String {
    text::sentence(text).replace('@', "@\u{200b}")
}

/// A title within what GitHub takes.
pub(super) fn short(title: String) -> String {
    match title.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}\u{2026}", &title[..end]),
        None => title,
    }
}

fn body(target: &TargetKey, finding: &Finding) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", markdown_prose(&text::sentence(&finding.what)));
    let _ = writeln!(
        out,
        "**{}** \u{b7} {} \u{b7} {} of {}\n",
        finding.severity.as_str(),
        markdown(finding.domain.as_str()),
        markdown_code(&finding.subject.0),
        markdown_code(&target.0)
    );
    let _ =
        writeln!(out, "**Why it matters.** {}\n", markdown_prose(&text::sentence(&finding.why)));
    facts(&mut out, "Observed", &finding.observed);
    facts(&mut out, "Expected", &finding.expected);
    let _ = writeln!(out, "### What to do\n\n{}\n", markdown_prose(&finding.remediation.text));
    if let Some(snippet) = &finding.remediation.snippet {
        let _ = writeln!(out, "{}", markdown_block("", snippet).trim_end());
        out.push('\n');
    }
    if !finding.acceptance.is_empty() {
        out.push_str("### It closes when\n\n");
        for criterion in &finding.acceptance {
            let _ = writeln!(out, "- {}", markdown_prose(criterion));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "To see it: {}\n", markdown_code(&finding.verify));
    let clause = |s: &StandardRef| format!("{} {}, {}", s.framework, s.edition, s.clause);
    let clauses: Vec<_> = finding.standards.iter().map(clause).collect();
    if !clauses.is_empty() {
        let _ = writeln!(out, "Touches: {}\n", markdown(&clauses.join("; ")));
    }
    let _ = writeln!(out, "Evidence: {}", markdown_code(finding.evidence.as_str()));
    out
}

fn facts(out: &mut String, head: &str, facts: &[String]) {
    if facts.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{head}**\n");
    for fact in facts {
        let _ = writeln!(out, "- {}", markdown_code(&text::hostile(fact).plain()));
    }
    out.push('\n');
}

/// The body within what GitHub takes, cut at the end of a line.
pub(super) fn cut(body: String) -> String {
    let Some((end, _)) = body.char_indices().nth(BODY) else { return body };
    let end = body[..end].rfind('\n').unwrap_or(end);
    format!("{}\n\nThe rest is in the report.\n", &body[..end])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::super::decide::{with_marker, without_marker};
    use super::super::tests::{finding, marker, rule, target};
    use super::*;

    #[test]
    fn an_issue_says_what_was_seen_and_when_it_closes() {
        let shown = failing(&target(), &finding());
        insta::assert_snapshot!(format!("{}\n\n{}", shown.title, shown.body));
    }

    #[test]
    fn what_a_target_says_neither_mentions_nor_links_nor_forges_a_marker() {
        let mut hostile = finding();
        let forged = marker("2026-11-21T10:00:00Z").line();
        let text = format!("@org/team see #1 https://evil.example `code` </details>\n{forged}");
        hostile.title.clone_from(&text);
        hostile.what.clone_from(&text);
        hostile.observed = vec![text.clone(), "`".repeat(9)];
        let shown = failing(&target(), &hostile);
        assert!(!shown.title.contains("@org"), "{}", shown.title);
        assert_eq!(shown.title.lines().count(), 1);
        let own = marker("2026-11-22T10:00:00Z");
        let body = with_marker(&shown.body, &own);
        assert_eq!(super::super::Marker::of(&body), Some(own));
        assert_eq!(without_marker(&body), shown.body.trim_end());
    }

    #[test]
    fn a_title_is_known_by_its_beginning_whatever_names_and_words_are() {
        let long = |length: usize| TargetKey("t\u{202e} @x".repeat(length));
        for target in [target(), TargetKey("a  b: @c ".to_owned()), long(12), long(5_000)] {
            for what in ["Telemetry", &"w".repeat(5_000)] {
                let title = title(&target, &rule(), what);
                assert!(begins(&title, &target, &rule()), "{title}");
                let other: IssueKey = "ingest_auth.insecure_transport_too".parse().unwrap();
                assert!(!begins(&title, &target, &other), "{title}");
            }
        }
        let shown = title(&target(), &rule(), "Telemetry");
        assert!(!begins(&shown, &TargetKey("plant/gate".to_owned()), &rule()));
        assert!(!begins(&format!("Re: {shown}"), &target(), &rule()));
    }

    #[test]
    fn a_title_changes_with_the_name_of_its_rule() {
        let other: IssueKey = "ingest_auth.plaintext".parse().unwrap();
        let old = title(&target(), &rule(), "Telemetry");
        let new = title(&target(), &other, "Telemetry");
        assert_eq!(retitled(&old, &target(), &rule(), &other), Some(new.clone()));
        assert_eq!(retitled(&new, &target(), &rule(), &other), None, "somebody wrote it anew");
    }

    #[test]
    fn a_body_of_any_length_is_one_that_github_takes() {
        let mut long = finding();
        long.observed = (0..5_000).map(|at| format!("{at} {}", "x".repeat(100))).collect();
        let shown = failing(&target(), &long);
        let whole = with_marker(&shown.body, &marker("2026-11-21T10:00:00Z"));
        assert!(whole.chars().count() < 65_536, "{}", whole.chars().count());
        assert!(whole.contains("The rest is in the report."));
        long.title = "t".repeat(5_000);
        assert!(failing(&target(), &long).title.chars().count() <= 256);
    }
}
