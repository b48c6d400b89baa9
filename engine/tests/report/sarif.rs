//! SARIF against its published schema, and against the rules of GitHub code scanning.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::LazyLock;

use engine::report::{self, Format};
use flate2::{Compression, write::GzEncoder};
use model::Severity;
use model::run::RunBundle;
use serde_json::Value;

use crate::fixture;

fn log(bundle: &RunBundle, artifact: Option<&str>) -> Value {
    let text = match artifact {
        Some(artifact) => report::audit_sarif(bundle, artifact).unwrap(),
        None => report::audit(bundle, Format::Sarif).unwrap(),
    };
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    let found = value.pointer(path).and_then(Value::as_str);
    let found = found.unwrap_or_else(|| panic!("no text at {path} of {value:#}"));
    assert!(!found.trim().is_empty(), "GitHub counts an empty text as missing: {path}");
    found
}

/// The schema as OASIS publishes it; see `engine/tests/data/README.md`.
const SCHEMA: &str = include_str!("../data/sarif-2.1.0.schema.json");

/// The schema, with the one pattern set right that is no regular expression of ECMA-262 with the
/// flag `u`: a bracket that closes nothing, in the `language` of a run and of a component.
fn schema() -> jsonschema::Validator {
    let stray = r#""^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$""#;
    let meant = r#""^[a-zA-Z]{2}(-[a-zA-Z]{2})?$""#;
    assert_eq!(SCHEMA.matches(stray).count(), 2, "the schema has changed: is this still needed?");
    let schema = serde_json::from_str(&SCHEMA.replace(stray, meant)).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Every fixture, by name.
fn bundles() -> Vec<(&'static str, RunBundle)> {
    let mut long = fixture::before();
    for finding in &mut long.record.assessment.as_mut().unwrap().findings {
        finding.title = "A long title. ".repeat(200);
        finding.why = "A long reason. ".repeat(200);
        finding.what = "A long observation. ".repeat(200);
    }
    let mut bundles = fixture::named();
    bundles.push(("long", long));
    bundles.push(("many", fixture::many(2_000, false)));
    bundles.push(("distinct", fixture::many(60, true)));
    bundles.push(("fleet", fixture::fleet(60)));
    bundles
}

/// Every log: of every fixture, without a document, with one, and with one outside of everything.
fn logs() -> &'static [(String, Value)] {
    static LOGS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
        let artifacts = [None, Some("targets/northquay.yaml"), Some("/srv/a b/northquay.yaml")];
        let mut logs = Vec::new();
        for (name, bundle) in bundles() {
            for artifact in artifacts {
                logs.push((format!("{name} at {artifact:?}"), log(&bundle, artifact)));
            }
        }
        logs.push(("hostile path".to_owned(), log(&fixture::hostile(), Some(&fixture::nasty()))));
        logs
    });
    &LOGS
}

#[test]
fn every_log_is_valid_by_the_published_schema() {
    let schema = schema();
    for (name, log) in logs() {
        let faults: Vec<_> = schema
            .iter_errors(log)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}

#[test]
fn the_schema_refuses_what_it_should() {
    let schema = schema();
    let good = log(&fixture::before(), Some("target.yaml"));
    let result = "/runs/0/results/0";
    for (path, bad) in [
        ("/version", Value::from("2.0.0")),
        (&format!("{result}/message"), serde_json::json!({})),
        (&format!("{result}/level"), Value::from("high")),
        (
            &format!("{result}/locations/0/physicalLocation/artifactLocation/uri"),
            Value::from("a b"),
        ),
        ("/runs/0/invocations/0/startTimeUtc", Value::from("yesterday")),
    ] {
        let mut log = good.clone();
        *log.pointer_mut(path).unwrap() = bad;
        assert!(!schema.is_valid(&log), "{path}");
    }
}

#[test]
fn every_field_that_code_scanning_requires_is_there() {
    for (_, log) in logs() {
        assert_eq!(text(log, "/version"), "2.1.0");
        text(log, "/$schema");
        let run = &log["runs"][0];
        text(run, "/tool/driver/name");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            for path in ["/id", "/shortDescription/text", "/fullDescription/text", "/help/text"] {
                text(rule, path);
            }
            let severity: f64 = text(rule, "/properties/security-severity").parse().unwrap();
            assert!((0.1..=10.0).contains(&severity));
        }
        for result in run["results"].as_array().unwrap() {
            text(result, "/message/text");
            text(result, "/locations/0/physicalLocation/artifactLocation/uri");
            text(result, "/partialFingerprints/primaryLocationLineHash");
            let region = &result["locations"][0]["physicalLocation"]["region"];
            for field in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(region[field].as_u64().unwrap() >= 1, "{field}");
            }
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
}

/// Characters as the strictest reader counts them.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[test]
fn texts_and_tags_stay_within_what_code_scanning_takes() {
    for (name, log) in logs() {
        let run = &log["runs"][0];
        for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
            assert!(length(text(rule, "/name")) <= 255, "{name}");
            assert!(length(text(rule, "/shortDescription/text")) <= 1_024, "{name}");
            assert!(length(text(rule, "/fullDescription/text")) <= 1_024, "{name}");
            // Twenty are taken, ten are shown.
            let tags = rule["properties"]["tags"].as_array().unwrap();
            assert!(tags.len() <= 10, "{name}: {tags:?}");
        }
        for result in run["results"].as_array().unwrap() {
            assert!(length(text(result, "/message/text")) <= 1_024, "{name}");
        }
    }
    let long = bundles().into_iter().find(|(name, _)| *name == "long").unwrap().1;
    let log = log(&long, Some("target.yaml"));
    assert!(text(&log, "/runs/0/results/0/message/text").ends_with('\u{2026}'), "cut, and said so");
}

#[test]
fn a_finding_keeps_its_fingerprint_and_shares_it_with_no_other() {
    let all = log(&fixture::many(2_000, false), Some("target.yaml"));
    let prints = |log: &Value| -> BTreeSet<String> {
        let results = log["runs"][0]["results"].as_array().unwrap();
        let print = |r| text(r, "/partialFingerprints/primaryLocationLineHash").to_owned();
        results.iter().map(print).collect()
    };
    assert_eq!(prints(&all).len(), 2_000);
    let mut later = fixture::before();
    let finding = &mut later.record.assessment.as_mut().unwrap().findings[0];
    finding.severity = Severity::Critical;
    finding.what = "Seen again, in other words.".to_owned();
    let (first, second) =
        (log(&fixture::before(), Some("a.yaml")), log(&later, Some("moved/b.yaml")));
    assert_eq!(prints(&first), prints(&second), "severity, words and place stay out of it");
}

#[test]
fn a_location_is_relative_to_the_repository_or_a_file_uri() {
    for (name, log) in logs() {
        let run = &log["runs"][0];
        text(run, "/originalUriBaseIds/%SRCROOT%/description/text");
        for result in run["results"].as_array().unwrap() {
            let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            let uri = text(location, "/uri");
            if uri.starts_with("file:///") {
                assert_eq!(location.get("uriBaseId"), None, "{name}: {uri}");
            } else {
                assert_eq!(location["uriBaseId"], "%SRCROOT%", "{name}");
                let plain = |part| !matches!(part, "" | "." | "..");
                assert!(uri.split('/').all(plain) && !uri.contains(':'), "{name}: {uri}");
            }
        }
    }
}

/// Bytes of a log as it is uploaded.
fn gzipped(log: &str) -> usize {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(log.as_bytes()).unwrap();
    gzip.finish().unwrap().len()
}

#[test]
fn more_findings_than_code_scanning_takes_leave_out_the_least_and_say_so() {
    let bundle = fixture::many(25_020, true);
    let written = report::audit_sarif(&bundle, "target.yaml").unwrap();
    assert!(gzipped(&written) < 10_000_000, "{} bytes", gzipped(&written));
    let log: Value = serde_json::from_str(&written).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let rank = |result: &Value| match text(result, "/properties/severity") {
        "critical" => 0,
        "high" => 1,
        "medium" => 2,
        "low" => 3,
        _ => 4,
    };
    assert!(results.iter().map(rank).is_sorted(), "5,000 are shown: the worst come first");
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes.len(), 1);
    assert!(text(&notes[0], "/message/text").starts_with("20 open findings are of the lowest"));
    let small = fixture::many(100, true);
    let small = report::audit_sarif(&small, "target.yaml").unwrap();
    assert!(!small.contains("findings-beyond-the-limit"));
}

#[test]
fn a_finding_points_at_the_place_that_its_evidence_names() {
    let log = log(&fixture::before(), Some("targets/northquay.yaml"));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |key: &str| results.iter().find(|r| r["ruleId"] == key).unwrap();
    let place = |key: &str| {
        let location = &of(key)["locations"][0]["physicalLocation"];
        (
            text(location, "/artifactLocation/uri").to_owned(),
            location["region"]["startLine"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        place("gateway_config_guardrails.auth_enforcement_disabled"),
        ("targets/config/gateway.toml".to_owned(), 41),
        "a path in a document starts from the document's folder"
    );
    assert_eq!(place("ingest_auth.insecure_transport"), ("targets/northquay.yaml".to_owned(), 1));
}

#[test]
fn a_finding_about_a_source_that_is_no_file_points_at_the_document() {
    let mut bundle = fixture::before();
    let config = &mut bundle.record.document.spec.gateway_config[0];
    config.path = None;
    config.env = Some("GATEWAY_CONFIG".to_owned());
    let log = log(&bundle, Some("targets/northquay.yaml"));
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let uri = text(result, "/locations/0/physicalLocation/artifactLocation/uri");
        assert_eq!(uri, "targets/northquay.yaml");
    }
}

#[test]
fn a_finding_without_any_file_is_left_out_and_named() {
    let log = log(&fixture::before(), None);
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 2, "the two of the gateway's file");
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    assert!(text(&notes[0], "/message/text").contains("ingest_auth."));
}

#[test]
fn accepted_findings_are_no_results() {
    let log = log(&fixture::waived(), Some("target.yaml"));
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn a_message_holds_no_link() {
    let log = log(&fixture::hostile(), Some("target.yaml"));
    for result in log["runs"][0]["results"].as_array().unwrap() {
        assert!(!text(result, "/message/text").contains("x]("), "an embedded link");
    }
}
