//! The end of a run: all of it, or nothing.

use model::alert::{Alert, RegressionAlert};
use model::run::{EvidenceRef, RunState};
use model::{Digest, Severity, Subject, Verdict};

use super::{Place, sample};
use crate::StoreError;

async fn begun(place: &Place, minutes: i64) -> model::run::RunRecord {
    let record = sample::running("edge", minutes);
    place.store.begin(&record, &sample::elsewhere(sample::at(10_000))).await.unwrap();
    record
}

/// The second of two equal controls breaks the statement after the run's row was written.
pub async fn a_finish_that_fails_midway_leaves_nothing(place: &Place) {
    let record = begun(place, 0).await;
    let control = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    let mut complete =
        sample::complete(&record, &[], vec![control.clone(), control], Some((None, 1)));
    let exceptions = [sample::exception("accepted")];
    let certificates = [sample::certificate("CN=a")];
    assert!(place.store.finish(&complete, &exceptions, &certificates).await.is_err());
    let read = place.store.run(&record.id.0, sample::at(1)).await.unwrap();
    assert_eq!(read.state, RunState::Running);
    assert_eq!(place.store.findings(&record.target).await.unwrap(), []);
    assert_eq!(place.store.certificates(None).await.unwrap(), []);
    assert_eq!(place.store.chain_head(&record.target).await.unwrap(), None);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM control_results").await, 0);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM exceptions").await, 0);

    let assessment = complete.assessment.as_mut().unwrap();
    assessment.controls.pop();
    assessment.findings.pop();
    place.store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(place.store.run(&record.id.0, sample::at(1)).await.unwrap(), complete);
}

/// A caller that never learnt of its success repeats it; a different record is refused.
pub async fn finishing_again_with_the_same_record_changes_nothing(place: &Place) {
    let record = begun(place, 0).await;
    let controls = vec![sample::control(sample::OPEN_INGEST, Verdict::Fail)];
    let complete = sample::complete(&record, &[], controls, Some((None, 1)));
    place.store.finish(&complete, &[], &[]).await.unwrap();
    place.store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(place.store.finding_history(&record.target).await.unwrap().len(), 1);
    let mut other = complete.clone();
    other.ended_at = Some(sample::at(50));
    let refusal = place.store.finish(&other, &[], &[]).await.unwrap_err();
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(place.store.run(&record.id.0, sample::at(1)).await.unwrap(), complete);
}

/// Neither a document that was never stored nor one less than was.
pub async fn a_record_must_name_what_was_appended(place: &Place) {
    let record = begun(place, 0).await;
    let stored = sample::evidence(&record, &sample::ingest(), "denied");
    let never = sample::evidence(&record, &Subject::endpoint("never"), "denied");
    place.store.append_evidence(&record.id, &stored).await.unwrap();
    for named in [vec![], vec![stored.clone(), never]] {
        let complete = sample::complete(&record, &named, Vec::new(), None);
        let refusal = place.store.finish(&complete, &[], &[]).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    }
    let mut complete = sample::complete(&record, &[stored], Vec::new(), None);
    let right: EvidenceRef = complete.evidence[0].clone();
    complete.evidence[0].digest = Digest::of_bytes(b"another");
    assert!(place.store.finish(&complete, &[], &[]).await.is_err());
    complete.evidence[0] = right;
    place.store.finish(&complete, &[], &[]).await.unwrap();
}

/// Nothing evaluated is not complete.
pub async fn a_run_without_an_assessment_cannot_finish(place: &Place) {
    let record = begun(place, 0).await;
    let mut without = sample::complete(&record, &[], Vec::new(), None);
    without.assessment = None;
    for record in [record, without] {
        let refusal = place.store.finish(&record, &[], &[]).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    }
    let never = sample::complete(&sample::running("never", 0), &[], Vec::new(), None);
    let missing = place.store.finish(&never, &[], &[]).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}

/// Of two runs that continue the same head, the second must look again.
pub async fn the_chain_does_not_fork(place: &Place) {
    let (first, second) = (begun(place, 0).await, begun(place, 1).await);
    assert_eq!(place.store.chain_head(&first.target).await.unwrap(), None);
    let first = sample::complete(&first, &[], Vec::new(), Some((None, 1)));
    let moved = sample::complete(&second, &[], Vec::new(), Some((None, 1)));
    place.store.finish(&first, &[], &[]).await.unwrap();
    let error = place.store.finish(&moved, &[], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::ChainMoved { expected: 0, found: 1, .. }), "{error}");
    let head = place.store.chain_head(&first.target).await.unwrap().unwrap();
    assert_eq!((&head.manifest, head.length), (&first.integrity.unwrap().manifest, 1));
    let stranger = Some((Some(Digest::of_bytes(b"stranger")), 2));
    let stranger = sample::complete(&second, &[], Vec::new(), stranger);
    let error = place.store.finish(&stranger, &[], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::ChainMoved { .. }), "{error}");
    let again = sample::complete(&second, &[], Vec::new(), Some((Some(head.manifest), 2)));
    place.store.finish(&again, &[], &[]).await.unwrap();
    assert_eq!(place.store.chain_head(&again.target).await.unwrap().unwrap().length, 2);
}

/// As declared, in their order: judging again needs exactly these.
pub async fn exceptions_come_back_with_the_run(place: &Place) {
    let record = begun(place, 0).await;
    let complete = sample::complete(&record, &[], Vec::new(), None);
    let exceptions = [sample::exception("later"), sample::exception("accepted")];
    place.store.finish(&complete, &exceptions, &[]).await.unwrap();
    let bundle = place.store.bundle(&record.id, true, sample::at(5)).await.unwrap();
    assert_eq!(bundle.exceptions, exceptions);
    assert_eq!(bundle.record, complete);
    assert_eq!(bundle.baseline, None);
}

/// Delivered at least once, in order, and then gone.
pub async fn alerts_wait_in_the_outbox_until_they_are_delivered(place: &Place) {
    let record = begun(place, 0).await;
    let mut complete = sample::complete(&record, &[], Vec::new(), None);
    let alert = |key: &str| {
        Alert::Regression(RegressionAlert {
            target: record.target.clone(),
            rule: sample::rule(key),
            subject: sample::ingest(),
            severity: Severity::High,
            title: "Ingest takes requests without a credential".to_owned(),
            before: None,
            after: None,
        })
    };
    complete.alerts = vec![alert(sample::OPEN_INGEST), alert(sample::GUARDRAIL)];
    place.store.finish(&complete, &[], &[]).await.unwrap();
    place.store.finish(&complete, &[], &[]).await.unwrap();
    let waiting = place.store.outbox(10).await.unwrap();
    let alerts: Vec<_> = waiting.iter().map(|entry| entry.alert.clone()).collect();
    assert_eq!(alerts, complete.alerts);
    assert_eq!(place.store.outbox(1).await.unwrap(), waiting[..1]);
    place.store.delivered(waiting[0].seq, sample::at(9)).await.unwrap();
    place.store.delivered(waiting[0].seq, sample::at(10)).await.unwrap();
    assert_eq!(place.store.outbox(10).await.unwrap(), waiting[1..]);
    let missing = place.store.delivered(i64::MAX, sample::at(9)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}

/// First seen stays, last seen moves.
pub async fn certificates_are_noted_once_per_subject(place: &Place) {
    let certificate = sample::certificate("CN=a");
    let mut runs = Vec::new();
    for minutes in [0, 1] {
        let record = begun(place, minutes).await;
        let complete = sample::complete(&record, &[], Vec::new(), None);
        let seen = [certificate.clone(), sample::certificate("CN=b"), certificate.clone()];
        place.store.finish(&complete, &[], &seen[..2 + usize::from(minutes == 0)]).await.unwrap();
        runs.push(record.id);
    }
    let seen = place.store.certificates(Some(&sample::target("edge"))).await.unwrap();
    assert_eq!(seen.len(), 2);
    for record in &seen {
        assert_eq!((&record.first_seen, &record.last_seen), (&runs[0], &runs[1]));
    }
    assert_eq!(place.store.certificates(None).await.unwrap(), seen);
    assert_eq!(place.store.certificates(Some(&sample::target("other"))).await.unwrap(), []);
}

/// A name with NUL in it, which Postgres has no text for, must not keep a run from finishing.
pub async fn hostile_text_does_not_stop_a_run(place: &Place) {
    let record = begun(place, 0).await;
    let hostile = "CN=\u{0}'; DROP TABLE runs; --\u{202e}\u{7}";
    let mut control = sample::control(sample::OPEN_INGEST, Verdict::Fail);
    control.subject = Subject::endpoint(hostile);
    let complete = sample::complete(&record, &[], vec![control], None);
    let certificate = sample::certificate(hostile);
    place.store.finish(&complete, &[], std::slice::from_ref(&certificate)).await.unwrap();
    let read = place.store.run(&record.id.0, sample::at(1)).await.unwrap();
    assert_eq!(read, complete, "the record keeps every character");
    let seen = place.store.certificates(None).await.unwrap();
    assert_eq!(seen[0].certificate.name, hostile.replace('\u{0}', "\u{fffd}"));
}

/// More controls than one statement can bind.
pub async fn many_controls_are_written_in_few_statements(place: &Place) {
    let record = begun(place, 0).await;
    let control = sample::control(sample::OPEN_INGEST, Verdict::Pass);
    let controls = (0..10_000)
        .map(|device| {
            let mut control = control.clone();
            control.subject = Subject::certificates(&format!("device-{device:06}"));
            control
        })
        .collect();
    let complete = sample::complete(&record, &[], controls, None);
    place.store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(place.store.count("SELECT count(*) AS count FROM control_results").await, 10_000);
    assert_eq!(place.store.run(&record.id.0, sample::at(1)).await.unwrap(), complete);
}
