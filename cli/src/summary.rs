//! A run in a few lines of terminal.

use model::assessment::{Assessment, Finding};
use model::delta::{Delta, DeltaClass};
use model::run::RunRecord;
use model::{Severity, Status};

use crate::output::{Output, Tone, tame};

/// Most findings that are listed; the reports have the rest.
const LISTED: usize = 20;

/// The lines that `plumb run` prints for one target.
pub fn run(record: &RunRecord, output: &Output) -> Vec<String> {
    let Some(assessment) = &record.assessment else {
        return vec![format!("{}  the run has not ended", record.target)];
    };
    let mut lines = vec![head(assessment, output)];
    for finding in assessment.findings.iter().take(LISTED) {
        lines.push(row(finding, output));
    }
    if assessment.findings.len() > LISTED {
        lines.push(format!("  and {} more; see a report", assessment.findings.len() - LISTED));
    }
    for control in assessment.controls.iter().filter(|control| control.mandatory) {
        let Some(reason) = control.verdict.reason() else { continue };
        if !matches!(control.verdict.as_str(), "inconclusive" | "not_run") {
            continue;
        }
        let word = output.paint(&format!("{:12}", control.verdict.as_str()), Tone::Dim);
        lines.push(format!("  {word}  {}  {}", control.rule, tame(reason)));
    }
    for defect in &assessment.defects {
        lines.push(format!("  defect in {}: {}", defect.rule, tame(&defect.error)));
    }
    if let Some(delta) = &record.delta {
        lines.push(delta_line(delta, output));
    }
    lines
}

fn head(assessment: &Assessment, output: &Output) -> String {
    let coverage = assessment.coverage;
    let score = assessment.risk_score.map_or_else(|| "-".to_owned(), |score| score.to_string());
    format!(
        "{}  {}  posture {}  risk {score}  {}  {} of {} controls observed",
        output.paint(&assessment.target.0, Tone::Strong),
        output.paint(assessment.status.as_str(), assessment.status.into()),
        output.paint(assessment.posture.as_str(), assessment.posture.into()),
        findings(assessment),
        coverage.evaluated,
        coverage.selected,
    )
}

/// "4 findings (3 high, 1 medium)".
pub fn findings(assessment: &Assessment) -> String {
    let counts = assessment.open_by_severity();
    let total: u32 = counts.values().sum();
    let noun = if total == 1 { "finding" } else { "findings" };
    let parts: Vec<_> = Severity::WORST_FIRST
        .into_iter()
        .filter_map(|severity| Some(format!("{} {severity}", counts.get(&severity)?)))
        .collect();
    if parts.is_empty() {
        format!("{total} {noun}")
    } else {
        format!("{total} {noun} ({})", parts.join(", "))
    }
}

fn row(finding: &Finding, output: &Output) -> String {
    let severity =
        output.paint(&format!("{:8}", finding.severity.as_str()), finding.severity.into());
    let waived = finding.waived_by.as_ref().map(|name| format!("  waived by {name}"));
    format!(
        "  {severity}  {}  {}  {}{}",
        finding.key,
        tame(&finding.subject.0),
        tame(&finding.title),
        waived.unwrap_or_default()
    )
}

/// "4 improved, 0 regressed since 20261104-081241-…: FAIL 69 -> PASS 0".
pub fn delta_line(delta: &Delta, output: &Output) -> String {
    let mut parts = vec![
        format!("{} improved", delta.counts.improved),
        format!("{} regressed", delta.counts.regressed),
    ];
    for class in DeltaClass::ALL {
        let count = delta.counts.of(class);
        let always = matches!(class, DeltaClass::Improved | DeltaClass::Regressed);
        if count > 0 && !always {
            parts.push(format!("{count} {}", class.as_str().replace('_', " ")));
        }
    }
    let side = |status: Status, score: Option<u32>| {
        let score = score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        format!("{} {score}", output.paint(status.as_str(), status.into()))
    };
    format!(
        "  {}; since {}: {} -> {}",
        parts.join(", "),
        delta.before.run,
        side(delta.before.status, delta.before.risk_score),
        side(delta.after.status, delta.after.risk_score),
    )
}
