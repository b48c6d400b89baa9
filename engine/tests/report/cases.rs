//! What the pages say when there is little to say, or nothing good.

use engine::report::{self, Format, Recommendation, ReportError};
use model::run::RunState;

use crate::fixture;
use crate::page::{shown, strip};

fn opinion(page: &str) -> String {
    let (_, rest) = page.split_once("<p class=\"opinion\">").unwrap();
    strip(rest.split_once("</p>").unwrap().0)
}

fn recommended(page: &str) -> String {
    let (_, rest) = page.split_once("<li class=\"on\">").unwrap();
    strip(rest.split_once("</b>").unwrap().0)
}

fn audit(bundle: &model::run::RunBundle) -> String {
    shown(&report::audit(bundle, Format::Html).unwrap())
}

#[test]
fn the_reference_case_reads_as_the_story_says() {
    let bundle = fixture::before();
    let assessment = bundle.record.assessment.as_ref().unwrap();
    assert_eq!((assessment.findings.len(), assessment.risk_score), (4, Some(69)));
    let page = audit(&bundle);
    assert_eq!(
        opinion(&page),
        "Anyone who reaches this path can write telemetry into it, and what devices send crosses the network in the clear."
    );
    assert_eq!(recommended(&page), "Run a focused sprint (recommended)");
    for red in ["Identity &amp; Cryptography", "Access Control", "Data Protection"] {
        let (_, tile) = page.split_once(&format!("<h3>{red}</h3>")).unwrap();
        assert!(tile.split_once("</li>").unwrap().0.contains("badge red"), "{red}");
    }
}

#[test]
fn a_hardened_path_passes_with_nothing_to_do() {
    let bundle = fixture::after();
    let page = audit(&bundle);
    assert_eq!(opinion(&page), "Every mandatory control on this path was observed and holds.");
    assert!(page.contains("0 items required"));
    let delta = report::delta(&bundle, Format::Html).unwrap();
    assert_eq!(
        opinion(&delta),
        "The fix holds. All four weak controls now pass on the same path, and nothing that held before has given way."
    );
    assert!(delta.contains("4 improved, 0 regressed"));
    assert!(delta.contains("4 of 4 met"));
}

#[test]
fn nothing_observed_is_unknown_and_never_green() {
    for bundle in [fixture::empty(), fixture::unknown()] {
        let page = audit(&bundle);
        assert_eq!(opinion(&page), "Nothing on this path could be observed.");
        assert!(page.contains("posture unknown") && !page.contains("badge green"));
        assert!(!strip(&page).contains("PASS"));
        assert!(page.contains("no score"));
        assert!(!page.contains("0 items required") && !page.contains("class=\"green\""));
        assert_eq!(recommended(&page), "Pause or hold (recommended)");
        let markdown = report::audit(&bundle, Format::Md).unwrap();
        assert!(markdown.contains("posture **unknown**") && markdown.contains("no score"));
    }
}

#[test]
fn an_unobserved_mandatory_control_is_incomplete_with_its_reason() {
    let page = audit(&fixture::incomplete());
    assert_eq!(
        opinion(&page),
        "What was observed holds, but one mandatory control could not be observed."
    );
    assert!(page.contains("INCOMPLETE") && page.contains("429 does not decide"));
}

#[test]
fn a_dark_domain_is_named_and_keeps_the_path_from_green() {
    let page = audit(&fixture::dark());
    assert_eq!(opinion(&page), "What was observed holds, but Supply Chain could not be observed.");
    assert!(page.contains("INCOMPLETE") && page.contains("posture unknown"));
    assert!(!strip(&page).contains("PASS"));
}

#[test]
fn accepted_findings_are_shown_with_their_exception_and_keep_the_path_amber() {
    let page = audit(&fixture::waived());
    assert_eq!(
        opinion(&page),
        "All four findings on this path are accepted for a while; no other control fails."
    );
    assert!(page.contains("posture amber"));
    assert!(page.contains("1 March 2027") && page.contains("site manager"));
}

#[test]
fn what_gave_way_comes_before_what_was_lost() {
    let bundle = fixture::regressed();
    let page = shown(&report::delta(&bundle, Format::Html).unwrap());
    assert_eq!(
        opinion(&page),
        "One control that held now fails: anyone who reaches this path can write telemetry into it."
    );
    let regressed = page.find("id=\"regressions\"").unwrap();
    let lost = page.find("id=\"coverage-lost\"").unwrap();
    assert!(regressed < lost);
    assert!(page.contains("Keep the earlier run as the reference"));
    assert!(page.contains("3 of 4 met") || page.contains("of 4 met"));
}

#[test]
fn lost_coverage_is_named_among_the_alerts_and_resolves_nothing() {
    let page =
        shown(&report::alerts(&[fixture::regressed(), fixture::unknown()], Format::Html).unwrap());
    assert!(page.contains("No alert of this target resolves until it is observed again."));
    assert!(page.contains("id=\"n/not-observed\""));
    let quiet = shown(&report::alerts(&[fixture::unknown()], Format::Html).unwrap());
    assert_eq!(opinion(&quiet), "No alert is firing, but not every target could be observed.");
    assert!(!quiet.contains("badge green big"));
}

#[test]
fn alerts_of_no_run_say_that_there_is_none() {
    let page = shown(&report::alerts(&[], Format::Html).unwrap());
    assert_eq!(opinion(&page), "No run has been recorded, so nothing can be said.");
}

#[test]
fn a_critical_finding_means_hold() {
    let mut bundle = fixture::before();
    let assessment = bundle.record.assessment.as_mut().unwrap();
    assert_eq!(report::recommend(assessment), Recommendation::RunSprint);
    assessment.findings[0].severity = model::Severity::Critical;
    assert_eq!(report::recommend(assessment), Recommendation::Hold);
    assessment.findings.retain(|finding| finding.severity < model::Severity::High);
    assert_eq!(report::recommend(assessment), Recommendation::FixInternally);
}

#[test]
fn a_run_without_judgement_or_comparison_is_refused_with_the_reason() {
    let mut bundle = fixture::before();
    assert!(matches!(report::delta(&bundle, Format::Html), Err(ReportError::NoDelta { .. })));
    assert!(matches!(
        report::alerts(&[bundle.clone()], Format::Csv),
        Err(ReportError::Unsupported { report: "alerts", format: Format::Csv })
    ));
    bundle.record.assessment = None;
    bundle.record.state = RunState::Interrupted;
    let error = report::audit(&bundle, Format::Md).unwrap_err().to_string();
    assert!(error.contains(fixture::BEFORE) && error.contains("interrupted"), "{error}");
}

#[test]
fn an_interrupted_baseline_does_not_break_the_comparison() {
    let mut bundle = fixture::after();
    bundle.baseline = None;
    let page = shown(&report::delta(&bundle, Format::Html).unwrap());
    assert!(page.contains("not in this report"));
}

#[test]
fn formats_are_read_and_written_as_the_same_word() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let error = "pdf".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("pdf") && error.contains("sarif"), "{error}");
}
