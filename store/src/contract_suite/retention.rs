//! What was kept long enough goes, and nothing else.

use model::Verdict;
use model::delta::{Delta, DeltaCounts};

use super::{Place, history, sample};
use crate::retention::{Keep, Pruned};

/// Everything before minute `minutes` may go, except for the newest `newest` runs.
fn keep(minutes: i64, newest: u32) -> Keep {
    Keep { since: sample::at(minutes), newest }
}

async fn prune(place: &Place, keep: Keep) -> Pruned {
    place.store.prune(&sample::target("edge"), keep, false).await.unwrap()
}

async fn runs(place: &Place) -> Vec<String> {
    let all = place.store.runs(&crate::RunFilter::default(), sample::at(10_000)).await.unwrap();
    all.into_iter().map(|run| run.id.0).collect()
}

/// Evidence goes with the last run that has it.
pub async fn old_runs_go_with_the_evidence_that_only_they_have(place: &Place) {
    let store = &place.store;
    let old = sample::running("edge", 0);
    store.begin(&old, &sample::elsewhere(sample::at(60))).await.unwrap();
    for (subject, fact) in [("ingest", "denied"), ("other", "alone")] {
        let subject = model::Subject::endpoint(subject);
        let document = sample::evidence(&old, &subject, fact);
        store.append_evidence(&old.id, &document).await.unwrap();
    }
    store.interrupt(&old.id, sample::at(1)).await.unwrap();
    let second = sample::run(store, "edge", 100, Vec::new()).await;
    let third = sample::run(store, "edge", 200, Vec::new()).await;
    let elsewhere = sample::run(store, "other", 0, Vec::new()).await;

    let due = store.targets_before(sample::at(150)).await.unwrap();
    assert_eq!(due, [sample::target("edge"), sample::target("other")]);
    assert!(store.targets_before(sample::at(0)).await.unwrap().is_empty());
    let dry = store.prune(&sample::target("edge"), keep(150, 1), true).await.unwrap();
    assert_eq!(runs(place).await.len(), 4, "a dry run removes nothing");
    let pruned = prune(place, keep(150, 1)).await;
    assert_eq!(pruned, Pruned { runs: 2, evidence: 1 });
    assert_eq!(dry, pruned);
    assert_eq!(runs(place).await, [third.id.0.clone(), elsewhere.id.0]);
    assert_eq!(store.bundle(&third.id, false, sample::at(300)).await.unwrap().record, third);
    assert_eq!(prune(place, keep(150, 1)).await, Pruned::default());

    // The next run is linked to what is left, and the guard is up again.
    let fourth = sample::run(store, "edge", 300, Vec::new()).await;
    let links = fourth.integrity.unwrap();
    assert_eq!(links.chain_length, 3);
    assert_eq!(links.previous, third.integrity.map(|integrity| integrity.manifest));
    assert!(second.integrity.is_some());
    let refusal = store.tamper("DELETE FROM run_evidence").await.unwrap_err();
    assert!(refusal.to_string().contains("insert-only"), "{refusal}");
}

/// The newest runs, a run at work, the baseline, and where an open finding began.
pub async fn what_something_speaks_of_stays(place: &Place) {
    let store = &place.store;
    let open = || vec![sample::control(sample::OPEN_INGEST, Verdict::Fail)];
    let began = sample::run(store, "edge", 0, open()).await;
    let between = sample::run(store, "edge", 10, open()).await;
    let baseline = sample::run(store, "edge", 20, open()).await;
    store.set_baseline(&baseline.id, "hardened", sample::at(21)).await.unwrap();
    let last_seen = sample::run(store, "edge", 30, open()).await;
    let at_work = sample::running("edge", 40);
    store.begin(&at_work, &sample::elsewhere(sample::at(5_000))).await.unwrap();

    assert_eq!(prune(place, keep(1_000, 1)).await.runs, 1);
    let kept = [&at_work, &last_seen, &baseline, &began].map(|run| run.id.0.clone());
    assert_eq!(runs(place).await, kept, "{} is spoken of by nobody", between.id);

    // Resolved long ago, and another baseline since: only the newest two are left.
    let resolved = vec![sample::control(sample::OPEN_INGEST, Verdict::Pass)];
    let newest = sample::run(store, "edge", 50, resolved).await;
    store.set_baseline(&newest.id, "held", sample::at(51)).await.unwrap();
    prune(place, keep(1_000, 2)).await;
    let kept = [&newest, &at_work, &last_seen].map(|run| run.id.0.clone());
    assert_eq!(runs(place).await, kept);
    assert!(store.findings(&sample::target("edge")).await.unwrap().is_empty());
}

/// A run says what it was compared with, also when that is gone.
pub async fn a_run_outlives_what_it_was_compared_with(place: &Place) {
    let store = &place.store;
    let before = sample::run(store, "edge", 0, Vec::new()).await;
    let begun = sample::running("edge", 100);
    store.begin(&begun, &sample::elsewhere(sample::at(160))).await.unwrap();
    let chain = before.integrity.clone().map(|integrity| (Some(integrity.manifest), 2));
    let mut after = sample::complete(&begun, &[], Vec::new(), chain);
    after.delta = Some(Delta {
        target: after.target.clone(),
        before: history::side(&before),
        after: history::side(&after),
        counts: DeltaCounts::default(),
        controls: Vec::new(),
    });
    store.finish(&after, &[], &[]).await.unwrap();
    assert_eq!(prune(place, keep(50, 1)).await.runs, 1);
    let bundle = store.bundle(&after.id, true, sample::at(300)).await.unwrap();
    assert_eq!(bundle.record, after);
    assert_eq!(bundle.baseline, None);
}

/// What would meet a full disk or a server that only reads meets it before evidence does.
pub async fn asking_whether_it_can_be_written_leaves_nothing(place: &Place) {
    sample::run(&place.store, "edge", 0, Vec::new()).await;
    place.store.can_write(sample::at(0)).await.unwrap();
    let passes = "SELECT count(*) AS count FROM retention_passes";
    assert_eq!(place.store.count(passes).await, 0);
    let refusal = place.store.tamper("DELETE FROM evidence").await.unwrap_err();
    assert!(refusal.to_string().contains("insert-only"), "{refusal}");
}
