//! The contract on SQLite, and what only a file can do wrong.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod file;
mod migration;
mod process;

use std::ops::Deref;

use tempfile::TempDir;

use crate::contract_suite::Place;
use crate::{Store, StoreUrl};

/// A store in a folder that goes away with it.
struct InFolder {
    place: Place,
    _folder: TempDir,
}

impl Deref for InFolder {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

async fn fresh() -> InFolder {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::sqlite(folder.path().join("store.db"));
    InFolder { place: Place::create(url).await, _folder: folder }
}

crate::contract_suite!(fresh);

/// The operator spawns what uses a store.
#[test]
fn every_call_can_be_spawned() {
    fn spawnable(_: impl Future + Send) {}
    fn calls(store: &Store, url: &StoreUrl, record: &model::run::RunRecord) {
        spawnable(Store::open(url, crate::OpenMode::ReadWrite));
        spawnable(store.finish(record, &[], &[]));
        spawnable(store.bundle(&record.id, true, record.started_at));
    }
    let _ = calls;
}
