//! The life of a finding.

use jiff::Timestamp;
use model::{CheckId, FindingId, Subject, TargetKey, Verdict};

use super::{Place, sample};
use crate::{FindingEventKind as Event, FindingRecord, FindingState as State};

async fn only(place: &Place) -> FindingRecord {
    let mut findings = place.store.findings(&sample::target("edge")).await.unwrap();
    assert_eq!(findings.len(), 1);
    findings.remove(0)
}

async fn events(place: &Place) -> Vec<Event> {
    let history = place.store.finding_history(&sample::target("edge")).await.unwrap();
    history.into_iter().map(|event| event.event).collect()
}

/// fail, fail, pass, pass, fail: the same finding throughout.
pub async fn a_finding_opens_resolves_and_regresses(place: &Place) {
    let run = async |minutes, verdict| {
        let controls = vec![
            sample::control(sample::OPEN_INGEST, verdict),
            sample::control(sample::GUARDRAIL, Verdict::Pass),
        ];
        sample::run(&place.store, "edge", minutes, controls).await.id
    };
    let first = run(0, Verdict::Fail).await;
    let finding = only(place).await;
    let rule = sample::rule(sample::OPEN_INGEST);
    assert_eq!(finding.id, FindingId::new(&sample::target("edge"), &rule, &sample::ingest()));
    assert_eq!((finding.state, &finding.first_seen.0), (State::Open, &first));

    let second = run(1, Verdict::Fail).await;
    let finding = only(place).await;
    assert_eq!((&finding.first_seen.0, &finding.last_seen.0), (&first, &second));
    assert_eq!(finding.changed.0, first);

    let third = run(2, Verdict::Pass).await;
    let finding = only(place).await;
    assert_eq!((finding.state, &finding.last_seen.0), (State::Resolved, &second));
    assert_eq!(finding.changed.0, third);
    run(3, Verdict::Pass).await;

    let fifth = run(4, Verdict::Fail).await;
    let finding = only(place).await;
    assert_eq!((finding.state, &finding.first_seen.0), (State::Open, &first));
    assert_eq!(finding.last_seen.0, fifth);
    assert_eq!(events(place).await, [Event::Opened, Event::Resolved, Event::Reopened]);
    let history = place.store.finding_history(&sample::target("edge")).await.unwrap();
    assert_eq!(
        history.iter().map(|event| &event.run).collect::<Vec<_>>(),
        [&first, &third, &fifth]
    );
}

/// Neither silence, nor a rule that no longer applies, nor a pass of something else.
pub async fn only_a_pass_of_the_same_control_resolves(place: &Place) {
    let fail = || vec![sample::control(sample::OPEN_INGEST, Verdict::Fail)];
    let mut elsewhere = sample::control(sample::OPEN_INGEST, Verdict::Pass);
    elsewhere.subject = Subject::endpoint("other");
    let not_answered = [
        vec![sample::control(sample::OPEN_INGEST, sample::inconclusive())],
        vec![sample::control(sample::OPEN_INGEST, Verdict::NotRun { reason: "x".to_owned() })],
        vec![sample::control(
            sample::OPEN_INGEST,
            Verdict::NotApplicable { reason: "x".to_owned() },
        )],
        vec![sample::control(sample::GUARDRAIL, Verdict::Pass)],
        vec![elsewhere],
        Vec::new(),
    ];
    for (round, controls) in (0..).zip(not_answered) {
        sample::run(&place.store, "edge", 10 * round + 1, fail()).await;
        assert_eq!(only(place).await.state, State::Open, "{round}");
        sample::run(&place.store, "edge", 10 * round + 2, controls).await;
        assert_eq!(only(place).await.state, State::Unobserved, "{round}");
    }
    let events = events(place).await;
    assert_eq!(events[..4], [Event::Opened, Event::Unobserved, Event::Observed, Event::Unobserved]);
}

/// A smaller bundle asks less, and so learns less.
pub async fn a_check_that_was_not_selected_changes_nothing(place: &Place) {
    let fail = vec![sample::control(sample::OPEN_INGEST, Verdict::Fail)];
    sample::run(&place.store, "edge", 0, fail).await;
    let before = only(place).await;
    let mut record = sample::running("edge", 1);
    record.checks = vec![CheckId::GatewayConfigGuardrails];
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let controls = vec![sample::control(sample::GUARDRAIL, Verdict::Pass)];
    let complete = sample::complete(&record, &[], controls, None);
    place.store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(only(place).await, before);
}

/// Accepted for a while: still failing, still listed.
pub async fn a_waiver_begins_and_ends(place: &Place) {
    let open = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    let mut waived = open.clone();
    waived.waived_by = Some("accepted".to_owned());
    sample::run(&place.store, "edge", 0, vec![open.clone()]).await;
    sample::run(&place.store, "edge", 1, vec![waived.clone()]).await;
    let finding = only(place).await;
    assert_eq!((finding.state, finding.waived_by.as_deref()), (State::Waived, Some("accepted")));
    sample::run(&place.store, "edge", 2, vec![waived]).await;
    sample::run(&place.store, "edge", 3, vec![open]).await;
    let finding = only(place).await;
    assert_eq!((finding.state, finding.waived_by), (State::Open, None));
    assert_eq!(events(place).await, [Event::Opened, Event::Waived, Event::WaiverEnded]);
}

/// What gauges are made of: the last complete run of each target decides.
pub async fn what_is_open_and_what_is_waived_is_counted(place: &Place) {
    let store = &place.store;
    let open = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    let mut waived = open.clone();
    waived.waived_by = Some("accepted".to_owned());
    assert!(store.open_findings().await.unwrap().is_empty());
    let ended = async |target: &str, minutes, control: &model::assessment::ControlResult| {
        let record = sample::run(store, target, minutes, vec![control.clone()]).await;
        (record.target.clone(), record.ended_at.unwrap())
    };
    ended("plant-a/edge", 0, &open).await;
    let first = ended("plant-a/edge", 1, &waived).await;
    let second = ended("plant-b/edge", 2, &open).await;
    let third = ended("plant-b/spare", 3, &open).await;

    let micros = |(target, at): (TargetKey, Timestamp)| (target, at.as_microsecond());
    let times = store.evidence_times().await.unwrap().into_iter().map(micros);
    assert_eq!(times.collect::<Vec<_>>(), [first, second, third].map(micros));
    let counted = store.open_findings().await.unwrap();
    assert_eq!(counted.len(), 1);
    assert_eq!((counted[0].severity, counted[0].domain), (open.severity, open.domain));
    assert_eq!(counted[0].count, 2);
    let of = async |namespace: &str| store.waived(namespace).await.unwrap();
    assert_eq!(of("plant-a").await, [("accepted".to_owned(), 1)].into());
    assert!(of("plant-b").await.is_empty());
    assert!(of("plant").await.is_empty(), "a prefix is another namespace");
}
