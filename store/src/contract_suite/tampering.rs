//! Somebody has the database but not this program.

use model::run::RunRecord;
use model::{Digest, Subject};

use super::{Place, sample};
use crate::StoreError;

/// Takes the guard away that keeps evidence from being changed.
const UNGUARD: [&str; 2] = [
    "DROP TRIGGER evidence_is_never_updated; DROP TRIGGER run_evidence_is_never_updated;",
    "DROP TRIGGER evidence_is_insert_only ON evidence; \
     DROP TRIGGER run_evidence_is_insert_only ON run_evidence;",
];

async fn unguard(place: &Place) {
    let sql = UNGUARD[usize::from(place.url.sqlite_path().is_none())];
    place.store.tamper(sql).await.unwrap();
}

async fn corruption(place: &Place, run: &RunRecord) -> (&'static str, String) {
    match place.store.bundle(&run.id, false, sample::at(5)).await.unwrap_err() {
        StoreError::Corrupt { table, row, .. } => (table, row),
        other => panic!("{other}"),
    }
}

/// Not even by its owner, without taking the guard away first.
pub async fn evidence_cannot_be_updated_or_deleted(place: &Place) {
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    for sql in [
        "UPDATE evidence SET body = '{}'",
        "DELETE FROM evidence",
        "UPDATE run_evidence SET envelope = '{}'",
        "DELETE FROM run_evidence",
    ] {
        let refusal = place.store.tamper(sql).await.unwrap_err();
        assert!(refusal.to_string().contains("insert-only"), "{sql}: {refusal}");
    }
    place.store.bundle(&run.id, false, sample::at(5)).await.unwrap();
}

/// One character in the stable half.
pub async fn a_changed_body_is_named(place: &Place) {
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    unguard(place).await;
    place
        .store
        .tamper("UPDATE evidence SET body = replace(body, 'denied', 'Denied')")
        .await
        .unwrap();
    let digest = &run.evidence[0].digest;
    assert_eq!(corruption(place, &run).await, ("evidence", digest.to_string()));
    let error = place.store.evidence(digest).await.unwrap_err();
    assert!(error.to_string().contains(digest.as_str()), "{error}");
}

/// One character in what only a reader sees.
pub async fn a_changed_envelope_is_named(place: &Place) {
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    unguard(place).await;
    let sql = "UPDATE run_evidence SET envelope = replace(envelope, 'nginx', 'Nginx')";
    place.store.tamper(sql).await.unwrap();
    let (table, row) = corruption(place, &run).await;
    assert_eq!(table, "run_evidence");
    assert!(row.contains(&run.id.0) && row.contains("endpoint/ingest"), "{row}");
}

/// A verdict that somebody would like better.
pub async fn a_changed_record_is_named(place: &Place) {
    let controls = vec![sample::control(sample::OPEN_INGEST, model::Verdict::Fail)];
    let run = sample::run(&place.store, "edge", 0, controls).await;
    let sql = "UPDATE runs SET record = replace(record, '\"fail\"', '\"pass\"')";
    place.store.tamper(sql).await.unwrap();
    assert_eq!(corruption(place, &run).await, ("runs", run.id.0.clone()));
    assert!(place.store.run(&run.id.0, sample::at(5)).await.is_err());
}

/// What is stored already is compared, not trusted.
pub async fn a_body_under_a_wrong_address_is_noticed_when_it_is_written_again(place: &Place) {
    sample::run(&place.store, "edge", 0, Vec::new()).await;
    unguard(place).await;
    place.store.tamper("UPDATE evidence SET body = '{}'").await.unwrap();
    let next = sample::running("edge", 1);
    place.store.begin(&next, &sample::elsewhere(sample::at(60))).await.unwrap();
    let document = sample::evidence(&next, &sample::ingest(), "denied");
    let error = place.store.append_evidence(&next.id, &document).await.unwrap_err();
    let StoreError::Corrupt { table, row, .. } = &error else { panic!("{error}") };
    assert_eq!((*table, row), ("evidence", &document.digest().to_string()));
    assert_eq!(place.store.raw_evidence(&next.id).await.unwrap(), []);
}

/// Verification goes on behind the first broken row.
pub async fn raw_evidence_shows_every_row_wrong_or_right(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let subjects = ["a", "b", "c"].map(Subject::endpoint);
    for subject in &subjects {
        let document = sample::evidence(&record, subject, "denied");
        place.store.append_evidence(&record.id, &document).await.unwrap();
    }
    unguard(place).await;
    let sql = "UPDATE evidence SET body = replace(body, '202', '204') \
               WHERE subject = 'endpoint/b'";
    place.store.tamper(sql).await.unwrap();
    let raw = place.store.raw_evidence(&record.id).await.unwrap();
    assert_eq!(raw.iter().map(|raw| &raw.subject).collect::<Vec<_>>(), subjects.each_ref());
    let wrong: Vec<_> = raw.iter().map(|raw| raw.evidence().err().map(|it| it.0)).collect();
    assert_eq!(wrong, [None, Some("evidence"), None]);
    assert_ne!(Digest::of_bytes(raw[1].body.as_bytes()), raw[1].digest);
}
