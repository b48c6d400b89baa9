//! What a run is compared with.

use model::Verdict;
use model::delta::{Delta, DeltaCounts, Side};
use model::run::RunRecord;

use super::{Place, sample};
use crate::StoreError;

/// The newest choice counts; the older ones stay on record.
pub async fn a_baseline_is_a_complete_run_with_a_reason(place: &Place) {
    let store = &place.store;
    let target = sample::target("edge");
    assert_eq!(store.baseline(&target).await.unwrap(), None);
    let first = sample::run(store, "edge", 0, Vec::new()).await;
    let second = sample::run(store, "edge", 1, Vec::new()).await;
    store.set_baseline(&first.id, "first audit", sample::at(5)).await.unwrap();
    store.set_baseline(&second.id, "hardened", sample::at(6)).await.unwrap();
    assert_eq!(store.baseline(&target).await.unwrap(), Some(second.id.clone()));
    let history = store.baseline_history(&target).await.unwrap();
    let told: Vec<_> = history.iter().map(|it| (&it.run, it.reason.as_str())).collect();
    assert_eq!(told, [(&second.id, "hardened"), (&first.id, "first audit")]);
    assert_eq!(history[0].set_at.as_microsecond(), sample::at(6).as_microsecond());
    assert_eq!(store.baseline(&sample::target("other")).await.unwrap(), None);

    let running = sample::running("edge", 7);
    let missing = store.set_baseline(&running.id, "x", sample::at(8)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
    store.begin(&running, &sample::elsewhere(sample::at(60))).await.unwrap();
    let refusal = store.set_baseline(&running.id, "x", sample::at(8)).await.unwrap_err();
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(store.baseline(&target).await.unwrap(), Some(second.id));
}

/// Running and interrupted runs, other targets and the run itself do not count.
pub async fn previous_is_the_last_complete_run_before(place: &Place) {
    let store = &place.store;
    let target = sample::target("edge");
    let first = sample::run(store, "edge", 0, Vec::new()).await;
    let second = sample::run(store, "edge", 10, Vec::new()).await;
    sample::run(store, "other", 15, Vec::new()).await;
    let running = sample::running("edge", 20);
    store.begin(&running, &sample::elsewhere(sample::at(1000))).await.unwrap();
    let interrupted = sample::running("edge", 21);
    store.begin(&interrupted, &sample::elsewhere(sample::at(1000))).await.unwrap();
    store.interrupt(&interrupted.id, sample::at(22)).await.unwrap();
    let previous = async |minutes| store.previous(&target, sample::at(minutes)).await.unwrap();
    assert_eq!(previous(30).await, Some(second.id));
    assert_eq!(previous(10).await, Some(first.id));
    assert_eq!(previous(0).await, None);
}

/// A delta can be made again from what the bundle holds.
pub async fn a_bundle_brings_the_run_that_its_delta_compares_with(place: &Place) {
    let store = &place.store;
    let before = sample::run(store, "edge", 0, Vec::new()).await;
    let begun = sample::running("edge", 1);
    store.begin(&begun, &sample::elsewhere(sample::at(60))).await.unwrap();
    let mut after = sample::complete(&begun, &[], Vec::new(), None);
    after.delta = Some(Delta {
        target: after.target.clone(),
        before: side(&before),
        after: side(&after),
        counts: DeltaCounts::default(),
        controls: Vec::new(),
    });
    store.finish(&after, &[], &[]).await.unwrap();
    let bundle = store.bundle(&after.id, true, sample::at(5)).await.unwrap();
    let baseline = bundle.baseline.unwrap();
    assert_eq!(baseline.record, before);
    assert_eq!(baseline.evidence.len(), 1);
    assert_eq!(store.bundle(&after.id, false, sample::at(5)).await.unwrap().baseline, None);
    assert_eq!(store.bundle(&before.id, true, sample::at(5)).await.unwrap().baseline, None);
}

/// One side of a delta.
pub fn side(record: &RunRecord) -> Side {
    let assessment = record.assessment.as_ref().unwrap();
    Side {
        run: record.id.clone(),
        started_at: record.started_at,
        status: assessment.status,
        posture: assessment.posture,
        risk_score: assessment.risk_score,
        findings: 0,
    }
}

/// One verdict per complete run, the newest first.
pub async fn a_control_has_a_history(place: &Place) {
    let verdicts = [Verdict::Fail, sample::inconclusive(), Verdict::Pass];
    for (minutes, verdict) in (0..).zip(verdicts) {
        let controls = vec![sample::control(sample::OPEN_INGEST, verdict)];
        sample::run(&place.store, "edge", minutes, controls).await;
    }
    let history = async |limit| {
        let target = sample::target("edge");
        let rule = sample::rule(sample::OPEN_INGEST);
        place.store.control_history(&target, &rule, &sample::ingest(), limit).await.unwrap()
    };
    let all = history(10).await;
    let words: Vec<_> = all.iter().map(|point| point.verdict.as_str()).collect();
    assert_eq!(words, ["pass", "inconclusive", "fail"]);
    assert!(all.iter().all(|point| point.evidence.is_some()));
    assert_eq!(history(1).await, all[..1]);
}
