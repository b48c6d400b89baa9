//! The canonical report as Markdown.

use std::fmt::Write as _;

use model::assessment::Finding;
use model::{Posture, Verdict};

use super::{decisive, documents, sign, table};
use crate::report::opinion::{self, Summary};
use crate::report::path::{Hop, hops};
use crate::report::text::{markdown, markdown_block, markdown_code, markdown_prose, sentence};
use crate::report::view::View;
use crate::report::words::{clauses, count, day, moment, number, severities};

/// The report.
pub fn audit(view: &View<'_>) -> String {
    let hops = hops(view);
    let summary = opinion::summary(view, &hops);
    let mut out = String::new();
    head(&mut out, view, &summary);
    figures(&mut out, view);
    recommendation(&mut out, &summary);
    path(&mut out, &hops);
    domains(&mut out, view);
    findings(&mut out, view);
    backlog(&mut out, view);
    coverage(&mut out, view);
    integrity(&mut out, view);
    out
}

fn head(out: &mut String, view: &View<'_>, summary: &Summary<'_>) {
    let (record, assessment) = (view.record, view.assessment);
    let _ = writeln!(out, "# Audit report: {}\n", markdown(&record.target.0));
    let _ = writeln!(
        out,
        "{} **{}**, posture **{}**, run {}, {}\n",
        sign(assessment.posture),
        assessment.status,
        assessment.posture,
        markdown_code(&record.id.0),
        moment(record.started_at)
    );
    let spec = &record.document.spec;
    if let Some(description) = &spec.description {
        let _ = writeln!(out, "{}\n", markdown_prose(description));
    }
    if let Some(owner) = &spec.owner {
        let _ = writeln!(out, "Owner: {}\n", markdown(owner));
    }
    let _ = writeln!(out, "**{}**\n", markdown_prose(&summary.opinion));
    let _ = writeln!(out, "{}\n", markdown_prose(&summary.why.join(" ")));
}

fn figures(out: &mut String, view: &View<'_>) {
    let assessment = view.assessment;
    let coverage = assessment.coverage;
    let open = view.open();
    let rows = [
        ("Risk score (0 is best)", assessment.risk_score.map_or("no score".to_owned(), number)),
        (
            "Open findings",
            match open.len() {
                0 => "0".to_owned(),
                n => format!("{}: {}", number(n), severities(open.iter().copied())),
            },
        ),
        ("Accepted findings", number(view.waived().len())),
        (
            "Controls observed",
            format!("{} of {}", number(coverage.evaluated), number(coverage.selected)),
        ),
    ];
    table(out, &["Figure", "Value"], rows.map(|(name, value)| vec![name.to_owned(), value]));
}

fn recommendation(out: &mut String, summary: &Summary<'_>) {
    let _ = writeln!(out, "## Recommendation: {}\n", summary.recommendation.title().to_lowercase());
    let _ = writeln!(out, "{}\n", markdown_prose(&summary.because));
    bullets(out, "What is solid", summary.solid.iter().map(|line| line.text.as_str()));
    bullets(out, "What is exposed", summary.exposed.iter().map(|f| f.says.exposed.as_str()));
    bullets(out, "What must change first", summary.first.iter().map(String::as_str));
}

fn bullets<'a>(out: &mut String, heading: &str, lines: impl Iterator<Item = &'a str>) {
    let lines: Vec<_> = lines.map(|line| format!("- {}\n", markdown_prose(line))).collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "### {heading}\n\n{}", lines.concat());
    }
}

fn path(out: &mut String, hops: &[Hop<'_>]) {
    let _ = writeln!(out, "## Path\n");
    let rows = hops.iter().map(|hop| {
        vec![
            markdown(&hop.name),
            markdown_code(&hop.at),
            format!("{} {}", sign(hop.posture), hop.posture),
            match hop.findings.len() {
                0 => "none".to_owned(),
                _ => severities(hop.findings.iter().copied()),
            },
            format!("{} of {}", number(hop.evaluated), number(hop.selected)),
        ]
    });
    table(out, &["Hop", "At", "Posture", "Open findings", "Observed"], rows);
}

fn domains(out: &mut String, view: &View<'_>) {
    let _ = writeln!(out, "## Posture by domain\n");
    let rows = view.assessment.domains.iter().map(|domain| {
        vec![
            markdown(domain.domain.as_str()),
            format!("{} {}", sign(domain.posture), domain.posture),
            domain.risk_score.map_or("no score".to_owned(), number),
            format!(
                "{} of {}",
                number(domain.coverage.evaluated),
                number(domain.coverage.selected)
            ),
        ]
    });
    table(out, &["Domain", "Posture", "Score", "Observed"], rows);
}

fn findings(out: &mut String, view: &View<'_>) {
    let (open, waived) = (view.open(), view.waived());
    let _ = writeln!(out, "## Findings: {} open\n", number(open.len()));
    if open.is_empty() {
        let passing = view.controls_that(|verdict| *verdict == Verdict::Pass).len();
        let _ = match view.assessment.posture {
            Posture::Unknown => writeln!(
                out,
                "No control was evaluated, so the absence of findings says nothing.\n"
            ),
            _ => writeln!(
                out,
                "No finding is open. {} observed and passed.\n",
                count(passing, "control was", "controls were")
            ),
        };
    }
    for finding in open.iter().chain(&waived) {
        card(out, view, finding);
    }
}

fn card(out: &mut String, view: &View<'_>, finding: &Finding) {
    let _ = writeln!(out, "### {}: {}\n", finding.severity, markdown_prose(&finding.title));
    let _ = writeln!(
        out,
        "{} on {}, {}, finding {}\n",
        markdown_code(finding.key.as_str()),
        markdown_code(&finding.subject.0),
        markdown(finding.domain.as_str()),
        markdown_code(&finding.id.0)
    );
    if let Some(waiver) = &finding.waiver {
        let _ = writeln!(
            out,
            "Accepted by exception {} until {}, approved by {}: {}\n",
            markdown_code(&waiver.name),
            day(waiver.expires_at),
            markdown(&waiver.approved_by),
            markdown_prose(&waiver.reason)
        );
    }
    let _ =
        writeln!(out, "{}\n\n{}\n", markdown_prose(&finding.what), markdown_prose(&finding.why));
    lines(out, "Observed", &finding.observed);
    lines(out, "Expected", &finding.expected);
    decisive(out, view, &finding.evidence, &finding.pointers);
    let _ = writeln!(out, "**Remediation.** {}\n", markdown_prose(&finding.remediation.text));
    if let Some(snippet) = &finding.remediation.snippet {
        let _ = writeln!(out, "{}", markdown_block("", snippet.trim_end()));
    }
    if !finding.acceptance.is_empty() {
        let _ = writeln!(out, "Accepted when:\n");
        for criterion in &finding.acceptance {
            let _ = writeln!(out, "- [ ] {}", markdown_prose(criterion));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", markdown_block("sh", &finding.verify));
    if !finding.standards.is_empty() {
        let named = clauses(&finding.standards).into_iter();
        let named: Vec<_> = named
            .map(|(name, edition, clauses)| markdown(&format!("{name} {edition}: {clauses}")))
            .collect();
        let _ = writeln!(out, "Standards: {}\n", named.join("; "));
    }
    if !finding.references.is_empty() {
        let named: Vec<_> =
            finding.references.iter().map(|r| markdown_code(&sentence(r))).collect();
        let _ = writeln!(out, "Further reading: {}\n", named.join(", "));
    }
}

fn lines(out: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "{heading}:\n");
    for line in lines {
        let _ = writeln!(out, "- {}", markdown_code(&sentence(line).replace('`', "")));
    }
    out.push('\n');
}

fn backlog(out: &mut String, view: &View<'_>) {
    let open = view.open();
    let _ = writeln!(
        out,
        "## Remediation: {}\n",
        match open.len() {
            0 if view.assessment.coverage.evaluated == 0 => "nothing to write it from".to_owned(),
            0 => "0 items required".to_owned(),
            n => count(n, "row", "rows"),
        }
    );
    if open.is_empty() {
        return;
    }
    let declared = view.record.document.spec.owner.as_deref();
    let rows = open.iter().enumerate().map(|(index, finding)| {
        let owner = finding.remediation.owner.as_deref().or(declared).unwrap_or("unassigned");
        vec![
            number(index + 1),
            finding.severity.to_string(),
            markdown_code(finding.key.as_str()),
            markdown_code(&finding.subject.0),
            markdown_prose(&finding.remediation.action),
            markdown(owner),
        ]
    });
    table(out, &["#", "Severity", "Finding", "Subject", "Action", "Owner"], rows);
}

fn coverage(out: &mut String, view: &View<'_>) {
    let coverage = view.assessment.coverage;
    let _ = writeln!(
        out,
        "## Coverage: {} of {} controls observed\n",
        number(coverage.evaluated),
        number(coverage.selected)
    );
    let rows = view.checks().into_iter().map(|row| {
        vec![
            markdown_code(row.check.as_str()),
            number(row.selected),
            number(row.pass),
            number(row.fail),
            number(row.inconclusive),
        ]
    });
    table(out, &["Check", "Selected", "Pass", "Fail", "Inconclusive"], rows);
    let unobserved = view.unobserved();
    if unobserved.is_empty() {
        return;
    }
    let _ = writeln!(out, "Not observed, and why. Inconclusive is neither a pass nor a finding.\n");
    let rows = unobserved.into_iter().map(|control| {
        vec![
            markdown_code(control.rule.as_str()),
            markdown_code(&control.subject.0),
            markdown(&control.verdict.as_str().replace('_', " ")),
            if control.mandatory { "mandatory" } else { "optional" }.to_owned(),
            markdown_prose(control.verdict.reason().unwrap_or_default()),
        ]
    });
    table(out, &["Control", "Subject", "Verdict", "Weight", "Reason"], rows);
}

fn integrity(out: &mut String, view: &View<'_>) {
    let _ = writeln!(out, "## Integrity\n");
    documents(out, view, &view.cited_by_run());
    let record = view.record;
    let _ = writeln!(out, "Run {}, mode {}, unsigned.", markdown_code(&record.id.0), record.mode);
    if let Some(integrity) = &record.integrity {
        let _ = writeln!(
            out,
            "Manifest {}, assessment {}, run {} of this target.",
            markdown_code(integrity.manifest.as_str()),
            markdown_code(integrity.assessment.as_str()),
            number(integrity.chain_length)
        );
    }
    for pack in &view.assessment.packs {
        let _ = writeln!(
            out,
            "Rule pack {} {}, {}.",
            markdown(&pack.id),
            markdown(&pack.version),
            markdown_code(pack.digest.as_str())
        );
    }
    let _ = writeln!(
        out,
        "\nThe manifest shows that evidence and findings have not changed since the run. It does not show that a probe saw the truth."
    );
}
