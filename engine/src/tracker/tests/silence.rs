//! Targets of which nothing is observed.

use super::super::TargetMarker;
use super::super::footer;
use super::super::unobserved::{Sight, Step, unobserved};
use super::*;

const AFTER: SignedDuration = SignedDuration::from_hours(72);

pub(super) fn silent(since: &str, reasons: &[&str]) -> Sight {
    let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    Sight::Unobserved { since: at(since), reasons }
}

impl Repository {
    pub fn sees(&self, sight: &Sight, now: Timestamp) -> Vec<Step> {
        let issues: Vec<Issue> = self.issues.values().cloned().collect();
        let scope = Scope::Default { merged: BTreeSet::new() };
        let mut steps = unobserved(&target(), sight, &issues, US, &scope, now, AFTER);
        let page = format!("https://github.example/o/r/actions/runs/{}", now.as_second());
        footer::tell(&mut steps, |_| Report::page(&page));
        steps
    }

    /// A run sees this of the target; what it did.
    pub fn look(&mut self, sight: &Sight, now: Timestamp) -> Vec<Why> {
        let steps = self.sees(sight, now);
        self.take(&steps)
    }

    pub fn take(&mut self, steps: &[Step]) -> Vec<Why> {
        let take = |step: &Step| match step.clone() {
            Step::Create { title, body } => {
                self.open(&title, &body, US);
                Why::New
            }
            Step::Update { number, why, body, state, comment } => {
                let id = FindingId(String::new());
                let (title, label) = (None, None);
                self.update(&Update { number, id, why, title, body, state, label, comment });
                why
            }
        };
        steps.iter().map(take).collect()
    }
}

fn day(day: u32) -> Timestamp {
    at(&format!("2026-11-{day:02}T10:00:00Z"))
}

/// A repository whose issue 1 is open, since nothing was observed from the 1st to the 5th.
fn open() -> Repository {
    let mut repository = Repository::default();
    assert_eq!(repository.look(&silent("2026-11-01T10:00:00Z", &["timeout"]), day(5)), [Why::New]);
    repository
}

#[test]
fn an_issue_is_opened_after_so_long_and_not_before() {
    let silent = silent("2026-11-01T10:00:00Z", &["timeout"]);
    let mut repository = Repository::default();
    assert_eq!(repository.look(&silent, day(2)), []);
    assert_eq!(repository.look(&silent, day(4)), [], "longer than, not as long as");
    assert_eq!(repository.look(&silent, day(5)), [Why::New]);
    assert_eq!(repository.look(&silent, day(6)), []);
    insta::assert_snapshot!(repository.issues[&1].title, @"Target not observed: plant/gateway");
    insta::assert_snapshot!(unmarked(&repository.issues[&1].body), @r"
    Nothing conclusive was observed of `plant/gateway` since 2026-11-01T10:00:00Z: no control of it was seen to pass or to fail. The issues of its findings stay as they are until it is observed again.

    **Why**

    - `timeout`

    ### It closes when

    - a control of it is seen to pass or to fail
    ");
}

#[test]
fn it_closes_as_soon_as_anything_is_observed_and_opens_again_after_as_long() {
    let mut repository = open();
    assert_eq!(repository.look(&Sight::NotRun, day(6)), [], "not looked at is not observed");
    assert_eq!(repository.look(&Sight::Observed, day(7)), [Why::Resolved]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::Completed)));
    assert_eq!(repository.look(&Sight::Observed, day(8)), []);
    let again = silent("2026-11-09T10:00:00Z", &["refused"]);
    assert_eq!(repository.look(&again, day(10)), []);
    assert_eq!(repository.look(&again, day(13)), [Why::Regressed]);
    assert_eq!((repository.state(1), repository.issues.len()), (State::Open, 1));
    let [(1, comment)] = &repository.comments[..] else { panic!("{:?}", repository.comments) };
    assert_eq!(footer::without(comment), "Nothing was observed again since 2026-11-09T10:00:00Z.");
    assert!(
        comment.ends_with("[Report](<https://github.example/o/r/actions/runs/1794564000>)"),
        "{comment}"
    );
    assert_eq!(repository.look(&again, day(14)), []);
}

#[test]
fn whoever_closes_it_is_respected_until_something_was_observed() {
    let mut repository = open();
    let long = silent("2026-11-01T10:00:00Z", &["refused"]);
    repository.close(1, Reason::Completed);
    assert_eq!(repository.look(&long, day(6)), []);
    assert_eq!(repository.look(&long, day(20)), []);
    assert_eq!(repository.look(&Sight::Observed, day(21)), [Why::Resolved]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::Completed)));
    let again = silent("2026-11-22T10:00:00Z", &["refused"]);
    assert_eq!(repository.look(&again, day(26)), [Why::Regressed]);
}

#[test]
fn whoever_opens_it_again_wants_it_open() {
    let mut repository = open();
    repository.look(&Sight::Observed, day(6));
    repository.issues.get_mut(&1).unwrap().state = State::Open;
    assert_eq!(repository.look(&Sight::Observed, day(7)), []);
    let again = silent("2026-11-08T10:00:00Z", &["refused"]);
    assert_eq!(repository.look(&again, day(9)), []);
    assert_eq!(repository.look(&again, day(12)), [Why::Changed]);
    assert_eq!(repository.look(&Sight::Observed, day(13)), [Why::Resolved]);
}

#[test]
fn other_reasons_are_one_request_without_a_comment_and_what_was_forgotten_changes_nothing() {
    let mut repository = open();
    let refused = silent("2026-11-01T10:00:00Z", &["refused"]);
    assert_eq!(repository.look(&refused, day(6)), [Why::Changed]);
    assert!(repository.comments.is_empty());
    assert_eq!(repository.look(&silent("2026-11-07T10:00:00Z", &["refused"]), day(7)), []);
}

#[test]
fn a_run_that_was_overtaken_changes_nothing() {
    let mut repository = open();
    repository.look(&Sight::Observed, day(7));
    let long = silent("2026-11-01T10:00:00Z", &["timeout"]);
    assert_eq!(repository.look(&long, day(6)), []);
    let mut repository = open();
    assert_eq!(repository.look(&Sight::Observed, day(4)), []);
}

#[test]
fn only_the_default_branch_has_it() {
    let mut repository = open();
    let issues: Vec<Issue> = repository.issues.values().cloned().collect();
    let pull = Scope::Pull { number: 7, brought: BTreeSet::new() };
    for scope in [pull, Scope::Withdrawn { number: 7 }] {
        let steps = unobserved(&target(), &Sight::Observed, &issues, US, &scope, day(8), AFTER);
        assert_eq!(steps, []);
    }
    assert_eq!(repository.look(&Sight::Observed, day(8)), [Why::Resolved]);
}

#[test]
fn issues_of_others_and_of_other_targets_are_not_touched() {
    let mut repository = open();
    let body = repository.issues[&1].body.clone();
    let title = repository.issues[&1].title.clone();
    repository.issues.clear();
    repository.open(&title, &body, "mallory");
    let mut marker = TargetMarker::of(&body).unwrap();
    marker.target = TargetKey("plant/other".to_owned());
    repository.open("Target not observed: plant/other", &marker.line(), US);
    assert_eq!(repository.look(&Sight::Observed, day(8)), []);
    assert_eq!(repository.look(&silent("2026-11-01T10:00:00Z", &[]), day(9)), [Why::New]);
}

#[test]
fn of_two_issues_of_one_target_the_first_stays() {
    let mut repository = open();
    let issue = repository.issues[&1].clone();
    repository.open(&issue.title, &issue.body, US);
    let same = silent("2026-11-01T10:00:00Z", &["timeout"]);
    assert_eq!(repository.look(&same, day(6)), [Why::Duplicate]);
    assert_eq!(repository.state(2), State::Closed(Some(Reason::Duplicate)));
    assert_eq!(repository.look(&same, day(7)), []);
}

#[test]
fn without_its_marker_it_is_known_by_its_title() {
    let mut repository = open();
    repository.lose(1);
    let same = silent("2026-11-01T10:00:00Z", &["timeout"]);
    assert_eq!(repository.look(&same, day(6)), [Why::Recovered]);
    assert_eq!(repository.look(&same, day(7)), []);
    repository.close(1, Reason::NotPlanned);
    repository.lose(1);
    assert_eq!(repository.look(&same, day(8)), [Why::Recovered]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::NotPlanned)));
    assert_eq!(repository.look(&same, day(9)), []);
}

#[test]
fn hostile_reasons_neither_mention_nor_forge_and_are_not_too_many() {
    let forged = marker("2026-11-21T10:00:00Z").line();
    let hostile = format!("@org/team #1 `x` </details>\n{forged}");
    let many: Vec<String> = (0..3_000).map(|at| format!("{hostile} {at}\n{forged}")).collect();
    let reasons: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut repository = Repository::default();
    repository.look(&silent("2026-11-01T10:00:00Z", &reasons), day(9));
    let body = &repository.issues[&1].body;
    assert_eq!((Marker::of(body), TargetMarker::of(body).is_some()), (None, true));
    assert!(body.contains("- and 2990 more") && body.len() < 5_000, "{body}");
    assert!(body.lines().filter(|line| line.contains("@org")).all(|line| line.starts_with("- `")));
    assert_eq!(repository.look(&silent("2026-11-01T10:00:00Z", &reasons), day(10)), []);
}

#[test]
fn a_target_is_observed_by_one_control_and_not_looked_at_without_any() {
    let assessment = |verdicts: &[&str]| {
        let controls: Vec<_> = verdicts
            .iter()
            .map(|verdict| {
                serde_json::json!({
                    "rule": rule(), "rule_version": 1, "subject": Subject::target(),
                    "title": "t", "domain": "Data Protection", "severity": "high",
                    "mandatory": true, "verdict": verdict, "reason": verdict,
                })
            })
            .collect();
        let selected = verdicts.iter().filter(|verdict| **verdict != "not_applicable").count();
        serde_json::from_value(serde_json::json!({
            "target": target(), "assessed_at": day(8), "packs": [], "rules": [],
            "status": "INCOMPLETE", "posture": "unknown", "risk_score": null, "points": 0,
            "coverage": { "selected": selected, "evaluated": 0, "inconclusive": 0,
                          "mandatory_inconclusive": 0, "not_applicable": 0 },
            "domains": [], "controls": controls, "findings": [], "exceptions": [], "defects": [],
        }))
        .unwrap()
    };
    let sight = |verdicts: &[&str], before| Sight::of(&assessment(verdicts), before);
    assert_eq!(sight(&["inconclusive", "pass"], Some(day(1))), Sight::Observed);
    assert_eq!(sight(&["not_run", "fail"], None), Sight::Observed);
    assert_eq!(sight(&["not_applicable"], Some(day(1))), Sight::NotRun);
    assert_eq!(sight(&[], None), Sight::NotRun);
    let silent = |since: &str| silent(since, &["inconclusive", "not_run"]);
    let words = ["not_run", "inconclusive", "not_applicable"];
    assert_eq!(sight(&words, None), silent("2026-11-08T10:00:00Z"));
    assert_eq!(sight(&words, Some(day(1))), silent("2026-11-01T10:00:00Z"));
    assert_eq!(sight(&words, Some(day(1))).since(Some(day(1))), Some(day(1)));
    assert_eq!(Sight::NotRun.since(Some(day(1))), Some(day(1)));
    assert_eq!(Sight::Observed.since(Some(day(1))), None);
}

#[test]
fn issues_of_findings_and_of_targets_leave_each_other_alone() {
    let mut repository = Repository::default();
    repository.run(&[seen("ingest", fails("one", Severity::High))]);
    let long = silent("2026-11-01T10:00:00Z", &["timeout"]);
    assert_eq!(repository.look(&long, day(5)), [Why::New]);
    assert_eq!(repository.state(1), State::Open);
    let plan = repository.run(&[seen("ingest", passes())]);
    assert_eq!((why(&plan), plan.unreadable), (vec![Why::Resolved], vec![]));
    assert_eq!(repository.state(2), State::Open);
    assert_eq!(repository.look(&Sight::Observed, day(7)), [Why::Resolved]);
}
