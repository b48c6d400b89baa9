//! Rows and sentences that several of the texts share. All of it goes into Markdown: what a target
//! or a pull request says is escaped here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::report::text::{markdown, markdown_code, markdown_prose};
use engine::tracker::plan::Plan;
use engine::tracker::{State, Why};
use model::Severity;
use model::assessment::Finding;
use serde_json::Value;

use crate::audit::Audit;

/// Findings that one table lists.
const ROWS: usize = 30;

/// `1 finding`, `2 findings`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `2 high, 1 medium`, the worst first.
pub fn severities<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut counts = [0_usize; 5];
    let order =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    for finding in findings {
        if let Some(at) = order.iter().position(|severity| *severity == finding.severity) {
            counts[at] += 1;
        }
    }
    let said = order.iter().zip(counts).filter(|(_, count)| *count > 0);
    said.map(|(severity, count)| format!("{count} {severity}")).collect::<Vec<_>>().join(", ")
}

/// Where findings are in files, `path:line`, by their ids.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<String, String>);

impl Places {
    /// The places that SARIF names. What has none stands there at its target's document, which says
    /// nothing here.
    pub fn of(sarif: &[Value], audit: &Audit) -> Self {
        let is_document = |path: &str| audit.targets.iter().any(|judged| judged.file == path);
        let results = sarif.iter().flat_map(|run| run["results"].as_array()).flatten();
        let place = |result: &Value| {
            let id = result["properties"]["findingId"].as_str()?;
            let place = &result["locations"][0]["physicalLocation"];
            let path = place["artifactLocation"]["uri"].as_str()?;
            let line = place["region"]["startLine"].as_u64().filter(|_| !is_document(path))?;
            Some((id.to_owned(), format!("{path}:{line}")))
        };
        Self(results.filter_map(place).collect())
    }

    /// A part of the target, and its place in a file where there is one.
    fn shown(&self, finding: &Finding) -> String {
        let subject = markdown_code(&finding.subject.0);
        match self.0.get(&finding.id.to_string()) {
            Some(place) => format!("{subject} {}", markdown_code(place)),
            None => subject,
        }
    }
}

/// A table of findings, the worst first.
pub fn table<'a>(out: &mut String, findings: impl Iterator<Item = &'a Finding>, places: &Places) {
    let mut findings: Vec<_> = findings.collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), &finding.key));
    if findings.is_empty() {
        return;
    }
    out.push_str("| Severity | Finding | Where | What | Do |\n|---|---|---|---|---|\n");
    for finding in findings.iter().take(ROWS) {
        // Writing into a text cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            finding.severity,
            cell(&markdown_code(finding.key.as_str())),
            cell(&places.shown(finding)),
            cell(&markdown_prose(&finding.title)),
            cell(&markdown_prose(&finding.remediation.action)),
        );
    }
    if findings.len() > ROWS {
        let _ = writeln!(out, "\n{} more in the report.", findings.len() - ROWS);
    }
    out.push('\n');
}

fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for character in text.chars() {
        match character {
            '\n' | '\r' => out.push(' '),
            '|' if !escaped => out.push_str("\\|"),
            other => out.push(other),
        }
        escaped = character == '\\' && !escaped;
    }
    out
}

/// A list of sentences under a head; nothing where there are none.
pub fn list(out: &mut String, head: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{head}**\n");
    for sentence in sentences {
        let _ = writeln!(out, "- {}", markdown(sentence));
    }
    out.push('\n');
}

/// What a plan does to issues, in one sentence; none if it does nothing to be seen.
pub fn effects(plan: &Plan) -> Option<String> {
    let numbers = |why: &[Why]| {
        let numbers: Vec<_> = plan
            .updates
            .iter()
            .filter(|update| why.contains(&update.why) && update.state.is_some())
            .map(|update| format!("#{}", update.number))
            .collect();
        numbers.join(", ")
    };
    let closes = plan
        .updates
        .iter()
        .filter(|update| matches!(update.state, Some(State::Closed(_))))
        .map(|update| format!("#{}", update.number))
        .collect::<Vec<_>>()
        .join(", ");
    let reopens = numbers(&[Why::Regressed, Why::WaiverEnded, Why::StillFailing]);
    let mut said = Vec::new();
    if !plan.creates.is_empty() {
        said.push(format!("opens {}", count(plan.creates.len(), "issue", "issues")));
    }
    if !reopens.is_empty() {
        said.push(format!("reopens {reopens}"));
    }
    if !closes.is_empty() {
        said.push(format!("closes {closes}"));
    }
    if !plan.held.is_empty() {
        said.push(format!("holds back {}", count(plan.held.len(), "issue", "issues")));
    }
    (!said.is_empty()).then(|| said.join(", "))
}
