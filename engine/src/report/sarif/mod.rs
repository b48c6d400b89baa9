//! SARIF 2.1.0 as GitHub code scanning reads it.
//!
//! Only open findings become results: GitHub shows passes as alerts and does not read
//! suppressions. Every result has a file location, because one result without refuses the whole
//! file. A finding points at the place that its evidence names, else at the configuration file
//! that it speaks about, else at the target's document; where none of these is known, it is left
//! out and named in a notification. So is what exceeds the number of results that is taken.

mod place;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::assessment::Finding;
use model::{IssueKey, Severity};
use serde_json::{Value, json};

use self::place::{File, Place, ROOT, place};
use super::text::{self, markdown_block, markdown_prose, sarif_message};
use super::view::View;
use super::words::{count, iso};

/// Where the published schema is.
pub const SCHEMA_URI: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Results of one run above which GitHub refuses the file; of these it shows the worst 5,000
/// (GitHub, "SARIF results exceed limits").
pub const MAX_RESULTS: usize = 25_000;

/// Characters of a rule's name (GitHub, "SARIF support for code scanning").
const NAME_CHARS: usize = 255;

/// Characters of a rule's short and full description (same source). A message has no stated limit
/// and is held to the same.
const TEXT_CHARS: usize = 1_024;

/// The report. `artifact` is the target's document, relative to the repository's root.
pub fn audit(view: &View<'_>, artifact: Option<&str>) -> String {
    let document = artifact.and_then(File::document);
    let (mut placed, mut unplaced) = (Vec::new(), Vec::new());
    for finding in view.open() {
        match place(view, finding, document.as_ref()) {
            Some(place) => placed.push((finding, place)),
            None => unplaced.push(finding),
        }
    }
    // Worst first, so what is cut off is the least.
    let beyond = placed.len().saturating_sub(MAX_RESULTS);
    placed.truncate(MAX_RESULTS);
    let rules = rules(placed.iter().map(|(finding, _)| *finding));
    let index: BTreeMap<_, _> =
        rules.iter().enumerate().map(|(index, finding)| (&finding.key, index)).collect();
    let results: Vec<_> =
        placed.iter().map(|(finding, place)| result(finding, index[&finding.key], place)).collect();
    let engine = &view.record.engine;
    let log = json!({
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Plumbline",
                "version": text::hostile(&engine.version).text,
                "semanticVersion": text::hostile(&engine.version).text,
                "rules": rules.iter().map(|finding| rule(view, finding)).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("plumbline/{}/", view.record.target) },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
            "invocations": [invocation(view, &unplaced, beyond)],
            "results": results,
            "properties": {
                "run": view.record.id,
                "target": view.record.target,
                "status": view.assessment.status,
                "posture": view.assessment.posture,
                "riskScore": view.assessment.risk_score,
                "manifest": view.record.integrity.as_ref().map(|i| i.manifest.clone()),
            },
        }],
    });
    super::json::render(&log)
}

/// The worst finding of each rule, in the order in which the rules appear.
fn rules<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut rules: Vec<&Finding> = Vec::new();
    let mut known: BTreeMap<&IssueKey, usize> = BTreeMap::new();
    for finding in findings {
        match known.get(&finding.key) {
            Some(index) if rules[*index].severity < finding.severity => rules[*index] = finding,
            Some(_) => {}
            None => {
                known.insert(&finding.key, rules.len());
                rules.push(finding);
            }
        }
    }
    rules
}

fn rule(view: &View<'_>, finding: &Finding) -> Value {
    let mut tags = vec!["security".to_owned(), finding.key.check().to_string()];
    tags.push(finding.domain.to_string());
    let mut help = text::sentence(&finding.remediation.text);
    let mut markdown = format!("{}\n", markdown_prose(&finding.remediation.text));
    if let Some(snippet) = &finding.remediation.snippet {
        let _ = write!(markdown, "\n{}", markdown_block("", snippet));
    }
    if !finding.acceptance.is_empty() {
        markdown.push_str("\nAccepted when:\n\n");
    }
    for criterion in &finding.acceptance {
        let _ =
            write!(help, " Accepted when: {}.", text::sentence(criterion).trim_end_matches('.'));
        let _ = writeln!(markdown, "- {}", markdown_prose(criterion));
    }
    let _ = write!(markdown, "\nVerify with:\n\n{}", markdown_block("sh", &finding.verify));
    let pack = view.assessment.packs.iter().map(|pack| format!("{} {}", pack.id, pack.version));
    json!({
        "id": finding.key,
        "name": cut(finding.key.name(), NAME_CHARS),
        "shortDescription": { "text": cut(&filled(&finding.title, finding.key.as_str()), TEXT_CHARS) },
        "fullDescription": { "text": cut(&filled(&finding.why, &finding.title), TEXT_CHARS) },
        "help": { "text": filled(&help, &finding.title), "markdown": markdown },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": {
            "tags": tags,
            "precision": "very-high",
            "security-severity": security_severity(finding.severity),
            "packs": pack.collect::<Vec<_>>(),
            "ruleVersion": finding.rule_version,
        },
    })
}

/// GitHub counts an empty text as missing.
fn filled(text: &str, otherwise: &str) -> String {
    let text = text::sentence(text).replace('`', "");
    if text.is_empty() { text::sentence(otherwise) } else { text }
}

/// The text, or its beginning with an ellipsis: at most `limit` characters, counted as units of
/// UTF-16, the strictest reading of GitHub's word.
fn cut(text: &str, limit: usize) -> String {
    if text.encode_utf16().count() <= limit {
        return text.to_owned();
    }
    let mut units = 1;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= limit
    };
    text.chars().take_while(fits).chain(['\u{2026}']).collect()
}

fn result(finding: &Finding, index: usize, place: &Place) -> Value {
    let mut message = sarif_message(&finding.what.replace('`', ""));
    if message.is_empty() {
        message = sarif_message(&finding.title);
    }
    json!({
        "ruleId": finding.key,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": cut(&message, TEXT_CHARS) },
        "locations": [{
            "physicalLocation": place.location(),
            "logicalLocations": [{ "fullyQualifiedName": text::visible(&finding.subject.0), "kind": "resource" }],
        }],
        "partialFingerprints": { "primaryLocationLineHash": format!("{}:1", finding.id) },
        "properties": {
            "findingId": finding.id,
            "severity": finding.severity,
            "domain": finding.domain,
            "subject": text::visible(&finding.subject.0),
            "evidence": finding.evidence,
            "pointers": finding.pointers,
            "observed": finding.observed.iter().map(|line| text::sentence(line)).collect::<Vec<_>>(),
            "verify": text::sentence(&finding.verify),
        },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A number in the middle of the range by which GitHub tells severities apart: above 9.0 critical,
/// 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.1",
    }
}

fn invocation(view: &View<'_>, unplaced: &[&Finding], beyond: usize) -> Value {
    let mut notifications: Vec<_> = unplaced
        .iter()
        .map(|finding| {
            json!({
                "level": "warning",
                "descriptor": { "id": "finding-without-file" },
                "message": { "text": format!(
                    "{} on {} (finding {}) is open and rests on no file, so it is not among the results. Name the target's document to place it.",
                    finding.key,
                    text::hostile(&finding.subject.0).plain(),
                    finding.id
                ) },
            })
        })
        .collect();
    if beyond > 0 {
        notifications.push(json!({
            "level": "warning",
            "descriptor": { "id": "findings-beyond-the-limit" },
            "message": { "text": format!(
                "{} of the lowest severity left out, because code scanning takes {MAX_RESULTS} results at most. The other reports name all of them.",
                count(beyond, "open finding is", "open findings are"),
            ) },
        }));
    }
    let mut invocation = json!({
        "executionSuccessful": true,
        "startTimeUtc": iso(view.record.started_at),
        "toolExecutionNotifications": notifications,
    });
    if let Some(ended) = view.record.ended_at {
        invocation["endTimeUtc"] = Value::String(iso(ended));
    }
    invocation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_units_of_utf16_and_never_inside_a_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab\u{2026}");
        let clef = "\u{1d11e}".repeat(3);
        assert_eq!(cut(&clef, 6), clef);
        assert_eq!(cut(&clef, 5), "\u{1d11e}\u{1d11e}\u{2026}");
        assert_eq!(cut(&clef, 4), "\u{1d11e}\u{2026}");
    }
}
