//! The short form of a run: one comment on a pull request.

use std::fmt::Write as _;

use super::{sign, table};
use crate::report::opinion;
use crate::report::path::hops;
use crate::report::text::{markdown, markdown_code, markdown_prose};
use crate::report::view::View;
use crate::report::words::{count, number, severities};

/// Findings that are listed; GitHub takes 65,536 characters in a comment.
const ROWS: usize = 20;
/// Controls without a verdict that are listed.
const UNOBSERVED: usize = 5;

/// The comment.
pub fn comment(view: &View<'_>) -> String {
    let assessment = view.assessment;
    let summary = opinion::summary(view, &hops(view));
    let open = view.open();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "### {} {} posture {}: {}\n",
        sign(assessment.posture),
        assessment.status,
        assessment.posture,
        markdown(&view.record.target.0)
    );
    let _ = writeln!(out, "{}\n", markdown_prose(&summary.opinion));
    let coverage = assessment.coverage;
    let _ = writeln!(
        out,
        "{} open{}, risk score {}, {} of {} controls observed{}.\n",
        count(open.len(), "finding", "findings"),
        if open.is_empty() {
            String::new()
        } else {
            format!(" ({})", severities(open.iter().copied()))
        },
        assessment.risk_score.map_or("none".to_owned(), number),
        number(coverage.evaluated),
        number(coverage.selected),
        change(view),
    );
    if !open.is_empty() {
        let rows = open.iter().take(ROWS).map(|finding| {
            vec![
                finding.severity.to_string(),
                markdown_code(finding.key.as_str()),
                markdown_code(&finding.subject.0),
                markdown_prose(&finding.title),
                markdown_prose(&finding.remediation.action),
                markdown_code(finding.evidence.short()),
            ]
        });
        table(&mut out, &["Severity", "Finding", "Subject", "What", "Action", "Evidence"], rows);
    }
    if open.len() > ROWS {
        let _ = writeln!(out, "{} more in the full report.\n", number(open.len() - ROWS));
    }
    let unobserved = view.unobserved();
    for control in unobserved.iter().take(UNOBSERVED) {
        let _ = writeln!(
            out,
            "- not observed: {} on {}: {}",
            markdown_code(control.rule.as_str()),
            markdown_code(&control.subject.0),
            markdown_prose(control.verdict.reason().unwrap_or_default())
        );
    }
    if unobserved.len() > UNOBSERVED {
        let _ = writeln!(out, "- {} more not observed", number(unobserved.len() - UNOBSERVED));
    }
    let _ = writeln!(out, "\nRun {}", markdown_code(&view.record.id.0));
    out
}

fn change(view: &View<'_>) -> String {
    view.record.delta.as_ref().map_or_else(String::new, |delta| {
        let counts = delta.counts;
        let mut said = format!("; {} improved, {} regressed", counts.improved, counts.regressed);
        if counts.coverage_lost > 0 {
            let _ = write!(said, ", {} not observed any more", counts.coverage_lost);
        }
        said
    })
}
