//! The text of the dashboard. It names no time and no run: what did not change reads the same.

use std::fmt::Write as _;

use engine::report::text::{markdown, markdown_code, markdown_prose};
use engine::tracker::plan::Plan;
use model::FindingId;
use model::assessment::Finding;

use super::words::{count, list, severities};
use crate::audit::Audit;
use crate::branch::Branch;
use crate::dashboard::TEXT;

/// Title of the issue.
pub const TITLE: &str = "Plumbline dashboard";
/// Findings that are listed without an issue of their own.
const ROWS: usize = 60;

/// Where the text stands.
#[derive(Debug, Clone, Copy)]
pub enum On<'a> {
    /// In an issue, where numbers of issues are links.
    Issue,
    /// On a branch, where they are none.
    Branch(&'a Branch),
}

impl On<'_> {
    const fn head(self) -> &'static str {
        match self {
            Self::Issue => {
                "How the default branch stands. This issue is written by Plumbline, which also \
                 keeps in it what the next run is compared with: leave it open, and edit nothing in \
                 it."
            }
            Self::Branch(_) => {
                "# Plumbline dashboard\n\nHow the default branch stands. This branch is written by \
                 Plumbline, which also keeps on it, in `record.json`, what the next run is compared \
                 with: edit nothing on it, and put no other file there."
            }
        }
    }

    fn number(self, number: u64) -> String {
        match self {
            Self::Issue => format!("#{number}"),
            Self::Branch(branch) => format!("[#{number}](<{}>)", branch.issue(number)),
        }
    }
}

/// The issue's text where the dashboard is on a branch now.
pub fn moved(to: &Branch) -> String {
    format!(
        "The dashboard is on the branch [{}](<{}>) now: its page says how the default branch stands, \
         and what the next run is compared with is there, too. Plumbline closed this issue, and \
         writes nothing in it as long as that is so.",
        markdown_code(&to.name().to_string()),
        to.page()
    )
}

/// The text in front of the record.
pub fn text(
    audit: &Audit,
    plan: &Plan,
    left_out: &[String],
    forsaken: &[u64],
    on: On<'_>,
) -> String {
    let mut out = format!(
        "{}\n\n| Target | Posture | Risk score | Open findings | Observed |\n|---|---|---|---|---|\n",
        on.head()
    );
    for judged in &audit.targets {
        let assessment = judged.assessment();
        let open = assessment.open_findings().count();
        let graded = severities(assessment.open_findings());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {open}{} | {} of {} |",
            markdown_code(&judged.bundle.record.target.0),
            assessment.posture,
            assessment.risk_score.map_or("none".to_owned(), |score| score.to_string()),
            if open == 0 { String::new() } else { format!(" ({graded})") },
            assessment.coverage.evaluated,
            assessment.coverage.selected,
        );
    }
    out.push('\n');
    let adopted: Vec<_> = plan.adopted.iter().flatten().cloned().collect();
    for (head, ids) in [
        ("there are too many at once, and the next runs open them", &plan.held),
        ("they were there when the repository was adopted", &adopted),
        ("one of the issues below may be theirs", &plan.blocked),
    ] {
        without_issue(&mut out, audit, &format!("Without an issue of their own: {head}"), ids);
    }
    let numbers = |out: &mut String, head: &str, numbers: &[u64]| {
        self::numbers(out, head, numbers, on);
    };
    numbers(
        &mut out,
        "Edited by hand so that it is not clear which finding they are about. Take the label away, \
         and they are forgotten",
        &plan.unreadable,
    );
    numbers(&mut out, "Failing, and closed by hand without an exception", &plan.respected);
    numbers(
        &mut out,
        "Seen to pass, and left open: so many would be closed at once, or so little was observed, \
         that somebody should look. Run once with `confirm-bulk-close: true`",
        &plan.braked,
    );
    numbers(
        &mut out,
        "About targets that are not declared any more, so that nothing closes them. If a target has \
         another name now, say so with the annotation `plumbline.dev/formerly`",
        forsaken,
    );
    let unobserved: Vec<_> = audit
        .targets
        .iter()
        .filter(|judged| {
            let coverage = judged.assessment().coverage;
            coverage.selected > 0 && coverage.evaluated == 0
        })
        .map(|judged| judged.bundle.record.target.to_string())
        .collect();
    list(&mut out, "Nothing could be observed of", &unobserved);
    list(&mut out, "Too large to be compared with; give `store` a Postgres", left_out);
    if let Some((end, _)) = out.char_indices().nth(TEXT) {
        let end = out[..end].rfind('\n').unwrap_or(end);
        out.truncate(end);
        out.push_str("\n\nThe rest is in the report.\n");
    }
    out
}

fn without_issue(out: &mut String, audit: &Audit, head: &str, ids: &[FindingId]) {
    if ids.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{}**\n", markdown(head));
    let mut findings: Vec<&Finding> = audit
        .targets
        .iter()
        .flat_map(|judged| judged.assessment().open_findings())
        .filter(|finding| ids.contains(&finding.id))
        .collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), &finding.key));
    for finding in findings.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "- {} {} on {}: {}",
            finding.severity,
            markdown_code(finding.key.as_str()),
            markdown_code(&finding.subject.0),
            markdown_prose(&finding.title)
        );
    }
    if findings.len() > ROWS {
        let _ = writeln!(out, "- and {}", count(findings.len() - ROWS, "other", "others"));
    }
    out.push('\n');
}

fn numbers(out: &mut String, head: &str, numbers: &[u64], on: On<'_>) {
    if numbers.is_empty() {
        return;
    }
    let shown: Vec<_> = numbers.iter().take(ROWS).map(|number| on.number(*number)).collect();
    let _ = writeln!(out, "**{}**: {}\n", markdown(head), shown.join(", "));
}
