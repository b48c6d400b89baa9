//! SARIF against the rules of GitHub code scanning.

use engine::report::{self, Format};
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

#[test]
fn every_field_that_code_scanning_requires_is_there() {
    for bundle in
        [fixture::before(), fixture::regressed(), fixture::hostile(), fixture::many(100, false)]
    {
        let log = log(&bundle, Some("targets/northquay.yaml"));
        assert_eq!(text(&log, "/version"), "2.1.0");
        text(&log, "/$schema");
        let run = &log["runs"][0];
        text(run, "/tool/driver/name");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            for path in ["/id", "/shortDescription/text", "/fullDescription/text", "/help/text"] {
                text(rule, path);
            }
            let severity: f64 = text(rule, "/properties/security-severity").parse().unwrap();
            assert!((0.1..=10.0).contains(&severity));
            assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
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
        ("config/gateway.toml".to_owned(), 41)
    );
    assert_eq!(place("ingest_auth.insecure_transport"), ("targets/northquay.yaml".to_owned(), 1));
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
