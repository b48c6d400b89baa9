//! Evidence: once, whole, and never anything else.

use model::Digest;
use model::digest::canonical;
use model::evidence::Item;
use serde_json::{Value, json};

use super::{Place, sample};
use crate::{Packed, StoreError};

/// What is read is what was appended, and its address is the model's own.
pub async fn a_document_comes_back_byte_for_byte(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let documents = [
        sample::evidence(&record, &sample::ingest(), "denied"),
        sample::evidence(&record, &model::Subject::endpoint("a\u{0}b"), "accepted"),
    ];
    for document in &documents {
        let digest = place.store.append_evidence(&record.id, document).await.unwrap();
        assert_eq!(digest, document.digest());
    }
    let bundle = place.store.bundle(&record.id, false, sample::at(1)).await.unwrap();
    assert_eq!(bundle.evidence.len(), documents.len());
    for (read, appended) in bundle.evidence.iter().zip(&documents) {
        assert_eq!(canonical(read), canonical(appended));
        assert_eq!(read.digest(), appended.digest());
    }
}

/// Two runs that saw the same share one body.
pub async fn the_same_evidence_in_two_runs_is_stored_once(place: &Place) {
    let mut digests = Vec::new();
    for minutes in [0, 1] {
        let record = sample::running("edge", minutes);
        place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
        let document = sample::evidence(&record, &sample::ingest(), "denied");
        digests.push(place.store.append_evidence(&record.id, &document).await.unwrap());
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM evidence").await, 1);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM run_evidence").await, 2);
}

/// A repeated upload is one upload.
pub async fn appending_twice_is_appending_once(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    let first = place.store.append_evidence(&record.id, &document).await.unwrap();
    let second = place.store.append_evidence(&record.id, &document).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(place.store.raw_evidence(&record.id).await.unwrap().len(), 1);
}

/// Several documents at once: what is stored is the same as one by one, and what cannot be stored
/// keeps the others out, too.
pub async fn documents_are_appended_together_or_not_at_all(place: &Place) {
    let [first, second] = [sample::running("edge", 0), sample::running("edge", 1)];
    for record in [&first, &second] {
        place.store.begin(record, &sample::elsewhere(sample::at(60))).await.unwrap();
    }
    let other = model::Subject::endpoint("other");
    let documents = [
        sample::evidence(&first, &sample::ingest(), "denied"),
        sample::evidence(&second, &sample::ingest(), "denied"),
        sample::evidence(&second, &other, "accepted"),
    ];
    let packed: Vec<Packed> =
        documents.iter().map(|document| Packed::of(&document.run, document).unwrap()).collect();
    let mut appender = place.store.appender();
    appender.append(&packed[..2]).await.unwrap();
    let bundle = place.store.bundle(&second.id, false, sample::at(1)).await.unwrap();
    assert_eq!(canonical(&bundle.evidence[0]), canonical(&documents[1]));
    assert_eq!(bundle.evidence[0].digest(), *packed[1].digest());
    // Another document for the same question is there, and keeps the other out.
    let changed = sample::evidence(&second, &sample::ingest(), "accepted");
    let changed = Packed::of(&second.id, &changed).unwrap();
    let refused = appender.append(&[changed, packed[2].clone()]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(place.store.raw_evidence(&second.id).await.unwrap().len(), 1);
    // A body that another run stored is no hindrance.
    let third = sample::running("edge", 2);
    place.store.begin(&third, &sample::elsewhere(sample::at(60))).await.unwrap();
    let again = sample::evidence(&third, &sample::ingest(), "denied");
    let again = Packed::of(&third.id, &again).unwrap();
    appender.append(&[again, packed[2].clone()]).await.unwrap();
    assert_eq!(place.store.raw_evidence(&second.id).await.unwrap().len(), 2);
    assert_eq!(place.store.raw_evidence(&third.id).await.unwrap().len(), 1);
    // A run that nobody began.
    let nobody = sample::running("edge", 3);
    let lost = sample::evidence(&nobody, &sample::ingest(), "denied");
    let lost = Packed::of(&nobody.id, &lost).unwrap();
    assert!(appender.append(&[lost]).await.is_err());
}

/// One document per check and subject, even if only its envelope differs.
pub async fn another_document_for_the_same_question_is_refused(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    place.store.append_evidence(&record.id, &document).await.unwrap();
    let mut second = document.clone();
    second.attempts = 2;
    for other in [sample::evidence(&record, &sample::ingest(), "accepted"), second] {
        let refusal = place.store.append_evidence(&record.id, &other).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    }
    let raw = place.store.raw_evidence(&record.id).await.unwrap();
    assert_eq!(raw.iter().map(|raw| &raw.document).collect::<Vec<_>>(), [&Digest::of(&document)]);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM evidence").await, 1);
}

/// A run that does not exist, another run, and a complete run take no evidence.
pub async fn evidence_goes_only_to_its_own_open_run(place: &Place) {
    let record = sample::running("edge", 0);
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    let unknown = place.store.append_evidence(&record.id, &document).await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }), "{unknown}");

    let other = sample::run(&place.store, "other", 1, Vec::new()).await;
    let foreign = place.store.append_evidence(&other.id, &document).await.unwrap_err();
    assert!(matches!(foreign, StoreError::Conflict { .. }), "{foreign}");

    let late = sample::evidence(&other, &model::Subject::endpoint("late"), "denied");
    let packed = Packed::of(&other.id, &late).unwrap();
    for late in [
        place.store.append_evidence(&other.id, &late).await.map(drop),
        place.store.appender().append(&[packed]).await,
    ] {
        let complete = |error: &StoreError| matches!(error, StoreError::Conflict { what } if what.contains("complete"));
        assert!(late.as_ref().is_err_and(complete), "{late:?}");
    }
    assert_eq!(place.store.count("SELECT count(*) AS count FROM evidence").await, 1);
}

/// By digest, without any run.
pub async fn a_body_is_found_by_its_address(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let document = sample::evidence(&record, &sample::ingest(), "denied");
    let digest = place.store.append_evidence(&record.id, &document).await.unwrap();
    let body = place.store.evidence(&digest).await.unwrap();
    assert_eq!(Digest::of(&body), digest);
    assert_eq!(body.subject, document.subject);
    let missing = place.store.evidence(&Digest::of_bytes(b"")).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}

/// A cut value of `null` is one that JSON readers take for none.
pub async fn what_json_would_lose_is_refused(place: &Place) {
    let record = sample::running("edge", 0);
    place.store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let mut document = sample::evidence(&record, &sample::ingest(), "denied");
    let lost = Item::Truncated { reason: "limit".to_owned(), value: Some(Value::Null) };
    document.stable.insert("/cut".to_owned(), lost);
    let refusal = place.store.append_evidence(&record.id, &document).await.unwrap_err();
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    let kept = Item::Truncated { reason: "limit".to_owned(), value: Some(json!("part")) };
    document.stable.insert("/cut".to_owned(), kept);
    place.store.append_evidence(&record.id, &document).await.unwrap();
}
