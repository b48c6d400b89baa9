//! Documents as large as may be, many at once: the operator has 256 MiB, as the chart gives it.

use super::ingest::{Ingest, bytes, token_of};
use super::store::restarts;
use super::{AtWork, NEVER};
use crate::operator::{Installation, alone};

/// Uploads of each run at the same time.
const AT_ONCE: usize = 20;

#[test]
fn a_flood_of_the_largest_documents_ends_no_replica_and_holds_up_nobody() {
    Installation::get();
    let _alone = alone();
    let before = restarts();
    let ingest = Ingest::new();
    let runs = ["flood-a", "flood-b", "flood-c"].map(|name| AtWork::new(name, NEVER, "{}"));
    let tokens = runs.each_ref().map(token_of);
    let most = engine::contract::MAX_DOCUMENT;
    // Once read, the first would take 128 MiB; the second is one long text in a sound document.
    let many = format!("[{}0]", "0,".repeat(most / 2 - 2)).into_bytes();
    let mut long = serde_json::to_value(ingest.document(&tokens[0])).unwrap();
    long["stable"]["/endpoint/address"]["value"] = "x".repeat(most - 16_384).into();
    long["stable"]["/endpoint/address"]["status"] = "unheard of".into();
    let long = serde_json::to_vec(&long).unwrap();
    assert!(many.len() <= most && long.len() <= most);

    let requests = (0..AT_ONCE).flat_map(|number| {
        let body = if number % 2 == 0 { &many } else { &long };
        tokens.iter().map(|token| ingest.upload(token, body)).collect::<Vec<_>>()
    });
    let statuses = ingest.statuses(requests.collect());
    assert_eq!(statuses.len(), 3 * AT_ONCE);
    // Who is told to come back is not listened to until he has said it all.
    assert!(statuses.iter().all(|status| matches!(status, 0 | 422 | 429)), "{statuses:?}");
    assert!(statuses.contains(&422), "nobody's document was looked at: {statuses:?}");

    assert_eq!(restarts(), before, "a replica ran out of memory");
    for (run, token) in runs.iter().zip(&tokens) {
        let document = bytes(&ingest.document(token));
        let (status, _, answer) = ingest.send(ingest.upload(token, &document));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(run.stored(), 2);
    }
}
