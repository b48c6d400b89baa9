//! The clock of the machine that leads steps, back and ahead. The program runs under Debian's
//! libfaketime, which shifts what it reads as the time of day and leaves its timers alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tests::local_operator::LocalOperator;

use super::Hanging;
use super::process::Away;
use crate::cluster::{Namespace, eventually};
use crate::operator::{Installation, alone, beside};

/// Longer than it is from one slot of a schedule of every minute to the next.
const STEP: i64 = 75;

/// The library that the package `faketime` brings, under the machine's own triplet.
fn library() -> PathBuf {
    let all = glob("/usr/lib", "faketime/libfaketimeMT.so.1");
    all.expect("Debian's package `faketime` is installed")
}

/// The file of that name in a folder of `root`.
fn glob(root: &str, name: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir(root).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// How many runs each slot has.
fn slots(namespace: &Namespace) -> BTreeMap<Timestamp, usize> {
    let mut slots = BTreeMap::new();
    for run in namespace.json("auditruns")["items"].as_array().unwrap() {
        let slot = run["spec"]["slot"].as_str().unwrap().parse().unwrap();
        *slots.entry(slot).or_default() += 1;
    }
    slots
}

#[test]
fn a_clock_that_steps_starts_no_slot_twice() {
    let installation = Installation::get();
    let _alone = alone();
    let _away = Away::new();
    let hanging = Hanging::new();
    let namespace = Namespace::new("clock");
    namespace.apply(&hanging.target("quick", 2));
    namespace.apply(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {name: s}
spec:
  targetRefs: [{name: quick}]
  checks: [gateway_config_guardrails]
  schedule: '* * * * *'
  successfulRunsHistoryLimit: 100
",
    );
    let folder = tempfile::tempdir().unwrap();
    let shift = folder.path().join("shift");
    let step = |seconds: i64| write_whole(&shift, &format!("{seconds:+}"));
    step(0);
    let mut settings = beside(&namespace, &installation.store());
    let variable = |name: &str, value: &Path| (name.to_owned(), value.display().to_string());
    settings.environment = vec![
        variable("LD_PRELOAD", &library()),
        variable("FAKETIME_TIMESTAMP_FILE", &shift),
        variable("FAKETIME_NO_CACHE", Path::new("1")),
        variable("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ];
    let mut operator = LocalOperator::start(&settings);
    operator.wait_until_ready(Duration::from_secs(60));
    let slot = eventually("the first slot", || slots(&namespace).into_keys().next());

    // Back: what was started is in the future now, and its minute comes a second time.
    step(-STEP);
    let passed = Timestamp::now() + SignedDuration::from_secs(STEP + 15);
    while Timestamp::now() < passed {
        let found = slots(&namespace);
        assert_eq!(found, BTreeMap::from([(slot, 1)]), "after a step back of {STEP} s");
        std::thread::sleep(Duration::from_secs(5));
    }
    // Ahead: slots that nobody saw come have passed; the last of them is started, once.
    step(STEP);
    let later =
        eventually("a later slot", || slots(&namespace).into_keys().find(|found| *found > slot));
    assert!(later.duration_since(slot) > SignedDuration::from_secs(STEP), "{slot} and {later}");
    // And back to the true time, where none is due for a while.
    step(0);
    eventually("every run to be over", || {
        let runs = namespace.json("auditruns");
        let over = |run: &serde_json::Value| run["status"]["phase"] == "Complete";
        runs["items"].as_array()?.iter().all(over).then_some(())
    });
    let found = slots(&namespace);
    assert!(found.values().all(|runs| *runs == 1), "{found:?}");
    assert_eq!(found.len(), found.keys().filter(|found| **found >= slot).count(), "{found:?}");
    let sql = format!(
        "SELECT count(*) || ' ' || count(*) FILTER (WHERE state = 'complete') FROM runs \
         WHERE target = '{}/quick'",
        namespace.name()
    );
    let stored = installation.database().sql(&sql).unwrap();
    assert_eq!(stored, format!("{0} {0}", found.len()));
    operator.stop(Duration::from_secs(30));
}

/// In one piece: the program reads it at every look at the clock.
fn write_whole(file: &Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, file).unwrap();
}
