//! Several at once on one store.

use super::{Place, sample};
use crate::{OpenMode, Store, StoreError, StoreUrl};

async fn another(place: &Place) -> Store {
    Store::open(&place.url, OpenMode::ReadWrite).await.unwrap()
}

/// Two programs, two targets, many runs each.
pub async fn two_writers_both_finish(place: &Place) {
    let (one, two) = (another(place).await, another(place).await);
    let writer = |store: Store, target: &'static str| {
        tokio::spawn(async move {
            for minutes in 0..15 {
                let controls = vec![sample::control(sample::OPEN_INGEST, model::Verdict::Fail)];
                sample::run(&store, target, minutes, controls).await;
            }
        })
    };
    let (one, two) = (writer(one, "one"), writer(two, "two"));
    one.await.unwrap();
    two.await.unwrap();
    for target in ["one", "two"] {
        let head = place.store.chain_head(&sample::target(target)).await.unwrap().unwrap();
        assert_eq!(head.length, 15, "{target}");
    }
}

/// Programs that find nothing at an address and open it at the same moment; then it is a store.
pub async fn many_may_open_an_empty_place_at_once(url: &StoreUrl, programs: usize) {
    let opening: Vec<_> = (0..programs)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url, OpenMode::ReadWrite).await })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    let store = Store::open(url, OpenMode::ReadWrite).await.unwrap();
    sample::run(&store, "edge", 0, Vec::new()).await;
}

/// Two programs on one target: whoever comes second makes its integrity anew.
pub async fn two_runs_of_one_target_finish_one_after_the_other(place: &Place) {
    let mut writers = Vec::new();
    for writer in 0..4 {
        let store = another(place).await;
        writers.push(tokio::spawn(async move {
            let record = sample::running("edge", writer);
            store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
            // Every failed attempt is the success of another: four are enough.
            for _ in 0..4 {
                let head = store.chain_head(&record.target).await.unwrap();
                let chain = head.map_or((None, 1), |head| (Some(head.manifest), head.length + 1));
                let complete = sample::complete(&record, &[], Vec::new(), Some(chain));
                match store.finish(&complete, &[], &[]).await {
                    Ok(()) => return complete.integrity.unwrap().chain_length,
                    Err(StoreError::ChainMoved { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            panic!("writer {writer} never finished");
        }));
    }
    let mut lengths = Vec::new();
    for writer in writers {
        lengths.push(writer.await.unwrap());
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 2, 3, 4]);
}

/// The same body at the same moment, from as many runs.
pub async fn the_same_evidence_from_many_writers_is_stored_once(place: &Place) {
    let mut writers = Vec::new();
    for writer in 0..6 {
        let store = another(place).await;
        writers.push(tokio::spawn(async move {
            let record = sample::running("edge", writer);
            store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
            let document = sample::evidence(&record, &sample::ingest(), "denied");
            store.append_evidence(&record.id, &document).await.unwrap()
        }));
    }
    let mut digests = Vec::new();
    for writer in writers {
        digests.push(writer.await.unwrap());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM evidence").await, 1);
    assert_eq!(place.store.count("SELECT count(*) AS count FROM run_evidence").await, 6);
}
