//! The alerts summary as Markdown.

use std::fmt::Write as _;

use super::{sign, table};
use crate::report::alerts::{AlertSet, Regression, severity_of, state_words};
use crate::report::text::{self, markdown, markdown_code, markdown_prose};
use crate::report::view::View;
use crate::report::words::{days_hours, moment, number};

/// The summary.
pub fn alerts(views: &[View<'_>]) -> String {
    let set = AlertSet::new(views);
    let mut out = String::new();
    let _ = writeln!(out, "# Alerts\n");
    let _ = writeln!(out, "{} **{}**\n", sign(set.posture()), markdown_prose(&set.opinion()));
    let _ = writeln!(out, "{}\n", markdown_prose(&set.why().join(" ")));
    regressions(&mut out, "Critical regressions", &set.critical);
    certificates(&mut out, &set);
    if !set.other.is_empty() {
        regressions(&mut out, "Other regressions", &set.other);
    }
    unseen(&mut out, &set);
    let _ = writeln!(out, "Alert set {}", markdown_code(set.digest.as_str()));
    out
}

fn regressions(out: &mut String, heading: &str, regressions: &[Regression<'_>]) {
    let _ = writeln!(out, "## {heading}: {}\n", number(regressions.len()));
    if regressions.is_empty() {
        let _ = writeln!(out, "None.\n");
        return;
    }
    let rows = regressions.iter().map(|regression| {
        let alert = regression.alert;
        let short = |digest: &Option<model::Digest>| {
            digest.as_ref().map_or_else(String::new, |digest| markdown_code(digest.short()))
        };
        vec![
            alert.severity.to_string(),
            markdown_code(&alert.target.0),
            markdown_code(alert.rule.as_str()),
            markdown_code(&alert.subject.0),
            markdown_prose(&alert.title),
            short(&alert.before),
            short(&alert.after),
        ]
    });
    table(out, &["Severity", "Target", "Control", "Subject", "Now", "Held on", "Fails on"], rows);
}

fn certificates(out: &mut String, set: &AlertSet<'_>) {
    let _ = writeln!(out, "## Certificates: {}\n", number(set.certificates.len()));
    if set.certificates.is_empty() {
        let _ = writeln!(out, "None ends within 30 days or before the next run.\n");
        return;
    }
    let rows = set.certificates.iter().map(|(view, alert)| {
        let left = alert.not_after.as_second() - view.assessment.assessed_at.as_second();
        vec![
            severity_of(alert.state).to_string(),
            state_words(alert.state).to_owned(),
            super::shown(&text::hostile(&alert.certificate)),
            super::shown(&text::hostile(&alert.issuer)),
            format!("{} {}", markdown_code(&alert.target.0), markdown_code(&alert.subject.0)),
            days_hours(left),
            moment(alert.not_after),
            alert.next_run.map_or_else(|| "none scheduled".to_owned(), moment),
        ]
    });
    table(
        out,
        &["Severity", "State", "Certificate", "Issuer", "Seen at", "Left", "Ends", "Next run"],
        rows,
    );
}

fn unseen(out: &mut String, set: &AlertSet<'_>) {
    if set.unseen.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Not observed: {}\n", number(set.unseen.len()));
    for view in &set.unseen {
        let coverage = view.assessment.coverage;
        let _ = writeln!(
            out,
            "- {}: {} of {} controls observed",
            markdown(&view.record.target.0),
            number(coverage.evaluated),
            number(coverage.selected)
        );
    }
    out.push('\n');
}
