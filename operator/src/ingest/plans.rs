//! The plans of runs at work: read from the store once, not for every document. A run's plan is
//! written down when it begins and never changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::RunId;
use model::run::RunRecord;
use store::{Store, StoreError};

/// How long a record is kept: about as long as a run uploads.
const KEPT: Duration = Duration::from_secs(60);
/// Records that are kept at most.
const MOST: usize = 256;

/// Records of runs, as they were when they were first asked for.
#[derive(Default)]
pub(super) struct Plans {
    known: Mutex<BTreeMap<RunId, (Instant, Arc<RunRecord>)>>,
}

impl Plans {
    /// The record of a run. Of what changes while a run is at work, its state and its evidence, it
    /// says nothing.
    pub(super) async fn of(
        &self,
        store: &Store,
        run: &RunId,
    ) -> Result<Arc<RunRecord>, StoreError> {
        let now = Instant::now();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, (since, _)| now.duration_since(*since) < KEPT);
            if let Some((_, record)) = known.get(run) {
                return Ok(Arc::clone(record));
            }
        }
        let record = Arc::new(store.run(&run.0, Timestamp::now()).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.insert(run.clone(), (now, Arc::clone(&record)));
        }
        Ok(record)
    }
}
