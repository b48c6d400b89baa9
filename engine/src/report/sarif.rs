//! SARIF 2.1.0 as GitHub code scanning reads it.
//!
//! Only open findings become results: GitHub shows passes as alerts and does not read
//! suppressions. Every result has a file location, because one result without refuses the whole
//! file. A finding points at the place that its evidence names, else at the configuration file
//! that it speaks about, else at the target's document; where none of these is known, it is left
//! out and named in a notification.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::assessment::Finding;
use model::evidence::Item;
use model::{IssueKey, Severity};
use serde_json::{Value, json};

use super::text::{self, markdown_block, markdown_prose, sarif_message};
use super::view::View;
use super::words::iso;

/// Where the published schema is.
pub const SCHEMA_URI: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report. `artifact` is the target's document, relative to the repository's root.
pub fn audit(view: &View<'_>, artifact: Option<&str>) -> String {
    let (mut placed, mut unplaced) = (Vec::new(), Vec::new());
    for finding in view.open() {
        match place(view, finding, artifact) {
            Some(place) => placed.push((finding, place)),
            None => unplaced.push(finding),
        }
    }
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
            "invocations": [invocation(view, &unplaced)],
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
        "name": finding.key.name(),
        "shortDescription": { "text": filled(&finding.title, finding.key.as_str()) },
        "fullDescription": { "text": filled(&finding.why, &finding.title) },
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

fn result(finding: &Finding, index: usize, place: &Place) -> Value {
    let mut message = sarif_message(&finding.what.replace('`', ""));
    if message.is_empty() {
        message = sarif_message(&finding.title);
    }
    json!({
        "ruleId": finding.key,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": place.uri },
                "region": {
                    "startLine": place.line,
                    "startColumn": place.column,
                    "endLine": place.line,
                    "endColumn": place.column + 1,
                },
            },
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

fn invocation(view: &View<'_>, unplaced: &[&Finding]) -> Value {
    let notifications: Vec<_> = unplaced
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

/// A place in a file, counted from 1.
struct Place {
    uri: String,
    line: u64,
    column: u64,
}

fn place(view: &View<'_>, finding: &Finding, artifact: Option<&str>) -> Option<Place> {
    let start = |path: &str| Some(Place { uri: uri(path)?, line: 1, column: 1 });
    observed_place(view, finding)
        .or_else(|| start(config_path(view, finding)?))
        .or_else(|| start(artifact?))
}

/// The first `{file, line, column}` among the finding's pointers.
fn observed_place(view: &View<'_>, finding: &Finding) -> Option<Place> {
    let body = view.body(&finding.evidence)?;
    let items = finding.pointers.iter().filter_map(|pointer| body.item(pointer));
    items.filter_map(Item::value).find_map(|value| find_place(value, 0))
}

fn find_place(value: &Value, depth: u8) -> Option<Place> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| find_place(item, depth + 1)),
        Value::Object(fields) => {
            let number = |name| fields.get(name).and_then(Value::as_u64).filter(|n| *n > 0);
            let file = fields.get("file").and_then(Value::as_str).and_then(uri);
            match (file, number("line")) {
                (Some(uri), Some(line)) => {
                    Some(Place { uri, line, column: number("column").unwrap_or(1) })
                }
                _ => fields.values().find_map(|field| find_place(field, depth + 1)),
            }
        }
        _ => None,
    }
}

/// The file behind the configuration that a finding speaks about.
fn config_path<'a>(view: &View<'a>, finding: &Finding) -> Option<&'a str> {
    let configs = &view.record.document.spec.gateway_config;
    let declared = (finding.subject.kind() == "config")
        .then(|| configs.iter().find(|config| config.name == finding.subject.name()))??;
    declared.path.as_deref()
}

/// A path as a URI reference (RFC 3986): forward slashes, everything else percent-encoded. An
/// empty path has none.
fn uri(path: &str) -> Option<String> {
    let path = path.trim_start_matches("./");
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            b'\\' => out.push('/'),
            other => write!(out, "%{other:02X}").expect("writing to a string cannot fail"),
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_relative_references() {
        assert_eq!(uri("./a b/c.toml").as_deref(), Some("a%20b/c.toml"));
        assert_eq!(uri("javascript:x").as_deref(), Some("javascript%3Ax"));
        assert_eq!(uri(""), None);
    }

    #[test]
    fn a_place_is_found_inside_a_list() {
        let value = json!([{"name": "x", "place": {"file": "g.toml", "line": 4, "column": 2}}]);
        let place = find_place(&value, 0).map(|place| (place.uri, place.line, place.column));
        assert_eq!(place, Some(("g.toml".to_owned(), 4, 2)));
    }
}
