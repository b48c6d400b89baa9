//! A slot whose targets begin one after the other, with a leader that dies in the middle of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tests::local_operator::LocalOperator;

use super::Hanging;
use super::process::Away;
use crate::cluster::{Namespace, eventually};
use crate::operator::{Installation, alone, beside};

/// Seconds over which the targets are spread.
const JITTER: u32 = 40;
const TARGETS: usize = 12;

#[test]
fn a_leader_that_dies_in_the_middle_of_a_slot_leaves_each_target_its_one_run_in_its_time() {
    let installation = Installation::get();
    let _alone = alone();
    let _away = Away::new();
    let hanging = Hanging::new();
    let namespace = Namespace::new("spread");
    for number in 0..TARGETS {
        namespace.apply(&hanging.target(&format!("t{number:02}"), 1));
    }
    // No run stays once it is over: what tells that a target had its turn must not go with it.
    namespace.apply(&format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s}}
spec:
  targetSelector: {{matchLabels: {{}}}}
  checks: [gateway_config_guardrails]
  schedule: '0 0 1 1 *'
  runOnCreate: true
  jitterSeconds: {JITTER}
  successfulRunsHistoryLimit: 0
"
    ));
    let settings = beside(&namespace, &installation.store());
    let first = LocalOperator::start(&settings);
    // The runs that were there, with when they may begin and when they were made.
    let mut seen: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
    let mut look = || {
        for run in namespace.json("auditruns")["items"].as_array().unwrap() {
            let time = |at: &str| run.pointer(at).and_then(|time| time.as_str()?.parse().ok());
            let made = time("/metadata/creationTimestamp").unwrap();
            let due = time("/spec/notBefore").or_else(|| time("/spec/slot")).unwrap();
            seen.insert(run["metadata"]["name"].as_str().unwrap().to_owned(), (due, made));
        }
        seen.len()
    };
    let starting = || namespace.field("auditschedule/s", ".status.startingSlot");
    let early = eventually("some of the runs", || Some(look()).filter(|seen| *seen >= 2));
    assert!(early < TARGETS, "all of them were made at once");
    let slot = starting().expect("the slot is being started");
    assert_eq!(namespace.field("auditschedule/s", ".status.lastScheduleTime").unwrap(), slot);
    first.kill();

    let second = LocalOperator::start(&settings);
    let of_namespace = format!("target LIKE '{}/%'", namespace.name());
    let stored = |what: &str| {
        installation.database().sql(&format!("SELECT {what} FROM runs WHERE {of_namespace}"))
    };
    eventually("every target to have its turn", || {
        look();
        starting().is_none().then_some(())
    });
    eventually("every run to be over and out of the cluster", || {
        (namespace.json("auditruns")["items"].as_array()?.is_empty()).then_some(())
    });
    second.stop(Duration::from_secs(30));
    let all = format!("{TARGETS} of {TARGETS}, {TARGETS} complete");
    let counts = "count(*) || ' of ' || count(DISTINCT target) || ', ' || \
                  count(*) FILTER (WHERE state = 'complete') || ' complete'";
    assert_eq!(stored(counts).unwrap(), all);
    // Who was seen was not made before its time; creation is told in whole seconds.
    for (name, (due, made)) in &seen {
        assert!(made >= due, "{name} was made at {made} and is due at {due}");
    }
    let delays: std::collections::BTreeSet<_> = seen.values().map(|(due, _)| due).collect();
    assert!(delays.len() > 2, "the targets are spread: {delays:?}");
}
