//! Which stores can be opened, and for what.

use super::{Place, sample};
use crate::{OpenMode, Store, StoreError};

/// What was there is there.
pub async fn opening_again_changes_nothing(place: &Place) {
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    let applied = "SELECT count(*) AS count FROM _sqlx_migrations";
    let before = place.store.count(applied).await;
    let again = Store::open(&place.url, OpenMode::ReadWrite).await.unwrap();
    assert_eq!(again.run(&run.id.0, sample::at(5)).await.unwrap(), run);
    assert_eq!(again.count(applied).await, before);
}

/// For reading and for writing alike.
pub async fn a_newer_schema_is_refused_with_both_versions(place: &Place) {
    let sql = "INSERT INTO _sqlx_migrations \
               (version, description, success, checksum, execution_time) \
               SELECT 9001, 'later', success, checksum, 0 FROM _sqlx_migrations \
               WHERE version = 1";
    place.store.tamper(sql).await.unwrap();
    for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
        let error = Store::open(&place.url, mode).await.unwrap_err();
        let StoreError::NewerSchema { found: 9001, known, .. } = error else { panic!("{error}") };
        let text = error.to_string();
        assert!(text.contains("9001") && text.contains(&known.to_string()), "{text}");
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
}

/// Its migrations are not ours.
pub async fn a_store_of_another_program_is_refused(place: &Place) {
    place.store.tamper("UPDATE _sqlx_migrations SET checksum = 'another'").await.unwrap();
    for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
        let error = Store::open(&place.url, mode).await.unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    }
}

/// Reads everything, writes nothing.
pub async fn a_store_opened_for_reading_refuses_to_write(place: &Place) {
    let run = sample::run(&place.store, "edge", 0, Vec::new()).await;
    let store = Store::open(&place.url, OpenMode::ReadOnly).await.unwrap();
    assert_eq!(store.bundle(&run.id, true, sample::at(5)).await.unwrap().record, run);
    let next = sample::running("edge", 1);
    let error = store.begin(&next, &sample::elsewhere(sample::at(60))).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}
