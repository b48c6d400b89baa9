//! What was kept long enough leaves the store, by the term of its schedule, and nothing else does.

use std::time::Duration;

use store::contract_suite::sample;
use store::{OpenMode, RunFilter, Store};
use testkit::postgres::Database;
use tests::local_operator::LocalOperator;
use tokio::runtime::Runtime;

use crate::cluster::{Namespace, eventually};
use crate::operator::{Installation, beside, in_peace};

/// Runs of each target.
const RUNS: usize = 6;
/// Runs of a target that stay whatever their age (`retention.runs`).
const NEWEST: usize = 3;

fn target(name: &str, days: u32) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: {name}}}
spec:
  path: ingest
  endpoints:
  - {{name: ingest, protocol: http, host: 192.0.2.1, port: 80}}
---
apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: {name}}}
spec:
  targetRefs: [{{name: {name}}}]
  schedule: 0 0 1 1 *
  suspend: true
  retention: {{days: {days}}}
"
    )
}

#[test]
fn runs_leave_the_store_when_the_term_of_their_schedule_is_over() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("retention");
    let database = Database::create().unwrap();
    let runtime = Runtime::new().unwrap();
    let url = database.url().parse().unwrap();
    let store = runtime.block_on(Store::open(&url, OpenMode::ReadWrite)).unwrap();
    let key = |name: &str| format!("{}/{name}", namespace.name());
    for name in ["short", "long"] {
        for run in 0..RUNS {
            // A week ago and more.
            let minutes = 60 * i64::try_from(run).unwrap();
            runtime.block_on(sample::run(&store, &key(name), minutes, Vec::new()));
        }
    }
    namespace.apply(&target("short", 1));
    namespace.apply(&target("long", 3_650));
    let operator = LocalOperator::start(&beside(&namespace, &database.url()));
    eventually("what was kept long enough to leave", || {
        operator.metric("audit_runs_pruned_total").filter(|pruned| *pruned > 0.0)
    });
    operator.stop(Duration::from_secs(30));
    let left = |name: &str| {
        let filter = RunFilter { target: Some(sample::target(&key(name))), ..RunFilter::default() };
        runtime.block_on(store.runs(&filter, jiff::Timestamp::now())).unwrap().len()
    };
    assert_eq!((left("short"), left("long")), (NEWEST, RUNS));
}
