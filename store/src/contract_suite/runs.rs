//! Runs: begun, found, listed, interrupted.

use model::RunId;
use model::run::{EvidenceRef, RunState};

use super::{Place, sample};
use crate::{Owner, RunFilter, StoreError};

/// What a database would cut off, the record keeps.
pub async fn a_record_comes_back_to_the_nanosecond(place: &Place) {
    let record = sample::run(
        &place.store,
        "edge",
        0,
        vec![
            sample::control(sample::OPEN_INGEST, model::Verdict::Fail),
            sample::control(sample::GUARDRAIL, sample::inconclusive()),
        ],
    )
    .await;
    assert_ne!(record.started_at.as_nanosecond() % 1000, 0);
    let read = place.store.run(&record.id.0, sample::at(5)).await.unwrap();
    assert_eq!(read, record);
}

/// An id is taken for good.
pub async fn a_run_begins_once(place: &Place) {
    let record = sample::running("edge", 0);
    let owner = sample::elsewhere(sample::at(60));
    place.store.begin(&record, &owner).await.unwrap();
    let again = place.store.begin(&record, &owner).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict { .. }), "{again}");
    let complete = sample::complete(&sample::running("edge", 1), &[], Vec::new(), None);
    let complete = place.store.begin(&complete, &owner).await.unwrap_err();
    assert!(matches!(complete, StoreError::Conflict { .. }), "{complete}");
}

/// The whole id wins over longer ids that begin with it.
pub async fn a_run_is_found_by_a_prefix_that_only_it_has(place: &Place) {
    for id in ["run-1", "run-12", "run-123", "other"] {
        let mut record = sample::running("edge", 0);
        record.id = RunId(id.to_owned());
        place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    }
    let now = sample::at(1);
    for (prefix, id) in [("run-1", "run-1"), ("run-12", "run-12"), ("o", "other")] {
        assert_eq!(place.store.run(prefix, now).await.unwrap().id.0, id);
    }
    let ambiguous = place.store.run("run", now).await.unwrap_err();
    let StoreError::Ambiguous { candidates, .. } = &ambiguous else { panic!("{ambiguous}") };
    assert_eq!(
        candidates.iter().map(|run| &*run.0).collect::<Vec<_>>(),
        ["run-1", "run-12", "run-123"]
    );
    for nothing in ["run-2", "", "RUN"] {
        let missing = place.store.run(nothing, now).await.unwrap_err();
        assert!(matches!(missing, StoreError::NotFound { .. }), "{nothing}: {missing}");
    }
}

/// `%` and `_` are characters like others.
pub async fn a_prefix_is_text_not_a_pattern(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    for pattern in ["%", "_", "2026%", "2_26", "2026*", "?"] {
        let missing = place.store.run(pattern, sample::at(1)).await.unwrap_err();
        assert!(matches!(missing, StoreError::NotFound { .. }), "{pattern}: {missing}");
    }
}

/// No run twice, none left out, also where several began at the same time.
pub async fn runs_are_listed_newest_first_in_pages(place: &Place) {
    let mut expected = Vec::new();
    for (minutes, target) in [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (2, "a")] {
        let record = sample::running(target, minutes);
        place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
        expected.insert(0, record.id);
    }
    let mut filter = RunFilter { limit: Some(2), ..RunFilter::default() };
    let mut listed = Vec::new();
    loop {
        let page = place.store.runs(&filter, sample::at(3)).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.id.clone());
        listed.extend(page.into_iter().map(|run| run.id));
    }
    assert_eq!(listed, expected);
    filter.before = Some(RunId("nothing".to_owned()));
    let missing = place.store.runs(&filter, sample::at(3)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}

/// A filter for a state means the state that is shown.
pub async fn runs_are_filtered_by_target_and_state(place: &Place) {
    let done = sample::run(
        &place.store,
        "a",
        0,
        vec![sample::control(sample::OPEN_INGEST, model::Verdict::Fail)],
    )
    .await;
    let alive = sample::running("a", 1);
    let gone = sample::running("b", 2);
    place.store.begin(&alive, &sample::elsewhere(sample::at(60))).await.unwrap();
    place.store.begin(&gone, &sample::elsewhere(sample::at(3))).await.unwrap();
    let now = sample::at(10);
    for (state, expected) in [
        (RunState::Complete, &done.id),
        (RunState::Running, &alive.id),
        (RunState::Interrupted, &gone.id),
    ] {
        let filter = RunFilter { state: Some(state), ..RunFilter::default() };
        let runs = place.store.runs(&filter, now).await.unwrap();
        assert_eq!(runs.iter().map(|run| &run.id).collect::<Vec<_>>(), [expected]);
        assert_eq!(runs[0].state, state);
    }
    let filter = RunFilter { target: Some(sample::target("a")), ..RunFilter::default() };
    let runs = place.store.runs(&filter, now).await.unwrap();
    assert_eq!(runs.iter().map(|run| &run.id).collect::<Vec<_>>(), [&alive.id, &done.id]);
    let summary = &runs[1];
    let judged = done.assessment.as_ref().unwrap();
    assert_eq!(summary.status, Some(judged.status));
    assert_eq!(summary.posture, Some(judged.posture));
    assert_eq!((summary.risk_score, summary.open_findings), (judged.risk_score, Some(1)));
    assert_eq!(
        summary.ended_at.map(|at| at.as_microsecond()),
        done.ended_at.map(|at| at.as_microsecond())
    );
}

/// A filter that lets little through looks behind the rows that one statement reads.
pub async fn a_rare_run_is_found_behind_many_others(place: &Place) {
    let gone = sample::running("gone", 0);
    let alive = sample::running("alive", 1);
    place.store.begin(&gone, &sample::elsewhere(sample::at(2))).await.unwrap();
    place.store.begin(&alive, &sample::elsewhere(sample::at(60))).await.unwrap();
    let columns = "target, mode, state, started_at, record, record_digest, owner_host, owner_pid, \
                   lease_until";
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO runs (id, {columns}) SELECT 'run-' || i, {columns} FROM n, runs \
         WHERE target = 'alive'"
    );
    place.store.tamper(&sql).await.unwrap();
    let now = sample::at(10);
    let interrupted = RunFilter { state: Some(RunState::Interrupted), ..RunFilter::default() };
    let found = place.store.runs(&interrupted, now).await.unwrap();
    assert_eq!(found.iter().map(|run| &run.id).collect::<Vec<_>>(), [&gone.id]);
    let all = place.store.runs(&RunFilter::default(), now).await.unwrap();
    let ids: std::collections::BTreeSet<_> = all.iter().map(|run| &run.id).collect();
    assert_eq!((all.len(), ids.len()), (1202, 1202));
}

/// What arrived before a run was killed is not lost from sight.
pub async fn an_unfinished_record_names_the_evidence_so_far(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    place.store.append_evidence(&record.id, &document).await.unwrap();
    let read = place.store.run(&record.id.0, sample::at(1)).await.unwrap();
    assert_eq!(read.evidence, [EvidenceRef::from(&document)]);
    assert_eq!((read.state, read.assessment), (RunState::Running, None));
}

/// By the lease where the owner is elsewhere, by the process table where it is here.
pub async fn a_run_whose_owner_is_gone_is_interrupted(place: &Place) {
    let (now, before) = (sample::at(30), sample::at(20));
    let mut reused = Owner::this_process(sample::at(60));
    reused.pid_started = reused.pid_started.map(|ticks| ticks + 1);
    let cases = [
        ("lease-runs", sample::elsewhere(sample::at(60)), RunState::Running),
        ("lease-over", sample::elsewhere(before), RunState::Interrupted),
        ("alive", Owner::this_process(before), RunState::Running),
        ("gone", reused, RunState::Interrupted),
    ];
    for (target, owner, expected) in cases {
        let record = sample::running(target, 0);
        place.store.begin(&record, &owner).await.unwrap();
        assert_eq!(place.store.run(&record.id.0, now).await.unwrap().state, expected, "{target}");
        let filter = RunFilter { target: Some(sample::target(target)), ..RunFilter::default() };
        assert_eq!(place.store.runs(&filter, now).await.unwrap()[0].state, expected, "{target}");
    }
}

/// A lease moves on; a new owner's counts instead of the old one's.
pub async fn a_heartbeat_keeps_a_run_alive_and_takes_it_over(place: &Place) {
    let record = sample::running("edge", 0);
    let run = &record.id;
    place.store.begin(&record, &sample::elsewhere(sample::at(1))).await.unwrap();
    let state = async |minutes| place.store.run(&run.0, sample::at(minutes)).await.unwrap().state;
    assert_eq!(state(5).await, RunState::Interrupted);
    place.store.heartbeat(run, &sample::elsewhere(sample::at(10))).await.unwrap();
    assert_eq!(state(5).await, RunState::Running);
    assert_eq!(state(11).await, RunState::Interrupted);
    place.store.heartbeat(run, &Owner::this_process(sample::at(10))).await.unwrap();
    assert_eq!(state(11).await, RunState::Running, "this process lives");
    place.store.interrupt(run, sample::at(12)).await.unwrap();
    let late = place.store.heartbeat(run, &Owner::this_process(sample::at(20))).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
}

/// Reaped once, and only what is gone.
pub async fn reaping_writes_down_what_reading_tells(place: &Place) {
    let gone = sample::running("gone", 0);
    let alive = sample::running("alive", 0);
    place.store.begin(&gone, &sample::elsewhere(sample::at(1))).await.unwrap();
    place.store.begin(&alive, &sample::elsewhere(sample::at(60))).await.unwrap();
    let reaped = place.store.reap(sample::at(30)).await.unwrap();
    assert_eq!(reaped.iter().collect::<Vec<_>>(), [&gone.id]);
    assert_eq!(place.store.reap(sample::at(30)).await.unwrap(), []);
    let state = async |run: &RunId| place.store.run(&run.0, sample::at(0)).await.unwrap().state;
    assert_eq!(state(&gone.id).await, RunState::Interrupted, "whenever it is read");
    assert_eq!(state(&alive.id).await, RunState::Running);
}

/// A laptop that slept past its lease has lost nothing.
pub async fn an_interrupted_run_stays_interrupted_until_it_finishes(place: &Place) {
    let record = sample::running("edge", 0);
    let run = &record.id;
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    place.store.interrupt(run, sample::at(2)).await.unwrap();
    place.store.interrupt(run, sample::at(3)).await.unwrap();
    let read = place.store.run(&run.0, sample::at(4)).await.unwrap();
    assert_eq!(read.state, RunState::Interrupted);
    assert_eq!(read.ended_at.map(|at| at.as_microsecond()), Some(sample::at(2).as_microsecond()));
    let complete = sample::complete(&record, &[], Vec::new(), None);
    place.store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(place.store.run(&run.0, sample::at(5)).await.unwrap(), complete);
    let late = place.store.interrupt(run, sample::at(6)).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
    let missing = RunId("nothing".to_owned());
    let missing = place.store.interrupt(&missing, sample::at(6)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}
