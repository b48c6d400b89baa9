//! Every finding in every full output exactly once, and the same bytes every time.

use engine::report::{self, Format};
use model::run::RunBundle;

use crate::fixture;

fn bundles() -> Vec<(&'static str, RunBundle)> {
    vec![
        ("before", fixture::before()),
        ("after", fixture::after()),
        ("waived", fixture::waived()),
        ("many", fixture::many(300, false)),
        ("distinct", fixture::many(60, true)),
        ("fleet", fixture::fleet(60)),
    ]
}

#[test]
fn every_finding_is_in_each_full_output_exactly_once() {
    for (name, bundle) in bundles() {
        let assessment = bundle.record.assessment.as_ref().unwrap();
        let html = super::page::shown(&report::audit(&bundle, Format::Html).unwrap());
        let markdown = report::audit(&bundle, Format::Md).unwrap();
        let csv = report::audit(&bundle, Format::Csv).unwrap();
        let sarif: serde_json::Value =
            serde_json::from_str(&report::audit_sarif(&bundle, "target.yaml").unwrap()).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        for finding in &assessment.findings {
            let id = &finding.id.0;
            assert_eq!(html.matches(id.as_str()).count(), 1, "{name}: {id} in html");
            assert_eq!(markdown.matches(id.as_str()).count(), 1, "{name}: {id} in md");
            assert_eq!(csv.matches(id.as_str()).count(), 1, "{name}: {id} in csv");
            let placed = results.iter().filter(|r| r["properties"]["findingId"] == *id).count();
            assert_eq!(placed, usize::from(finding.is_open()), "{name}: {id} in sarif");
        }
        assert_eq!(results.len(), assessment.open_findings().count(), "{name}");
        assert_eq!(csv.lines().count(), assessment.findings.len() + 1, "{name}");
    }
}

#[test]
fn the_json_form_reads_back_as_the_same_bundle() {
    for (name, bundle) in bundles() {
        let json = report::audit(&bundle, Format::Json).unwrap();
        let read: RunBundle = serde_json::from_str(&json).unwrap();
        assert_eq!(read, bundle, "{name}");
    }
    let hostile = fixture::hostile();
    let json = report::audit(&hostile, Format::Json).unwrap();
    assert_eq!(serde_json::from_str::<RunBundle>(&json).unwrap(), hostile);
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    for (name, bundle) in bundles() {
        let again: RunBundle =
            serde_json::from_slice(&serde_json::to_vec(&bundle).unwrap()).unwrap();
        for format in Format::ALL {
            let first = report::audit(&bundle, format).unwrap();
            assert_eq!(first, report::audit(&again, format).unwrap(), "{name} as {format}");
        }
    }
    let regressed = fixture::regressed();
    for format in [Format::Html, Format::Md, Format::Json] {
        let once = report::delta(&regressed, format).unwrap();
        assert_eq!(once, report::delta(&regressed.clone(), format).unwrap());
    }
}
