//! Schedules: slots that must be skipped, told, counted and started once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Hanging, NEVER, run_of};
use crate::cluster::{Kubectl, Namespace, eventually};
use crate::operator::{Installation, OPERATOR, OWN, alone, in_peace};

const RUNS: &str = "auditruns";

fn runs(namespace: &Namespace) -> Vec<Value> {
    namespace.json(RUNS)["items"].as_array().unwrap().clone()
}

/// A schedule of every minute, with further fields.
fn every_minute(target: &str, fields: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s}}
spec:
  targetRefs: [{{name: {target}}}]
  checks: [gateway_config_guardrails]
  schedule: '* * * * *'
{fields}"
    )
}

#[test]
fn a_slot_that_comes_while_a_run_is_at_work_is_skipped_and_told() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("forbid");
    namespace.apply(&hanging.target("slow", NEVER));
    let schedule = every_minute("slow", "  concurrencyPolicy: Forbid\n  runOnCreate: true\n");
    namespace.apply(&schedule.replace("  checks: [gateway_config_guardrails]\n", ""));
    eventually("a skipped slot", || {
        let events = namespace.run(&["events", "--for=auditschedule/s"]);
        (events.contains("SlotSkipped") && events.contains("has not ended")).then_some(())
    });
    assert_eq!(runs(&namespace).len(), 1, "only the first slot has a run");
    assert_eq!(namespace.field("auditschedule/s", ".status.active").as_deref(), Some("1"));
}

#[test]
fn a_slot_that_replaces_ends_the_run_before_it_with_its_job() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("replace");
    namespace.apply(&hanging.target("slow", NEVER));
    let schedule = every_minute("slow", "  concurrencyPolicy: Replace\n  runOnCreate: true\n");
    namespace.apply(&schedule.replace("  checks: [gateway_config_guardrails]\n", ""));
    let named = |run: &Value| run["metadata"]["name"].as_str().unwrap().to_owned();
    let first = eventually("a first run at work", || {
        let all = runs(&namespace);
        let run = all.first().filter(|run| run["status"]["phase"] == "Running")?;
        Some(named(run))
    });
    let second = eventually("a second run at work, alone", || {
        let all = runs(&namespace);
        let [run] = all.as_slice() else { return None };
        let other = named(run) != first && run["status"]["phase"] == "Running";
        other.then(|| named(run))
    });
    namespace.wait_until_gone(&format!("job/{first}"));
    assert!(namespace.field(&format!("job/{second}"), ".metadata.name").is_some());
}

#[test]
fn a_slot_whose_name_somebody_took_is_told_and_not_taken_for_done() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("taken");
    namespace.apply(&hanging.target("quick", 2));
    // Whoever may create runs can guess the names of those to come.
    let now = jiff::Timestamp::now().as_second();
    for minute in 1..=3 {
        let slot = (now / 60 + minute) * 60;
        namespace.apply(&run_of("quick", &format!("s-quick-{slot}"), "{}"));
    }
    namespace.apply(&every_minute("quick", ""));
    eventually("a slot that is told to be skipped", || {
        let events = namespace.run(&["events", "--for=auditschedule/s"]);
        (events.contains("SlotSkipped") && events.contains("is not of it")).then_some(())
    });
}

#[test]
fn slots_that_are_allowed_beside_each_other_still_probe_one_after_the_other() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("allow");
    namespace.apply(&hanging.target("slow", NEVER));
    let schedule = every_minute("slow", "  concurrencyPolicy: Allow\n  runOnCreate: true\n");
    namespace.apply(&schedule.replace("  checks: [gateway_config_guardrails]\n", ""));
    let phases = eventually("two runs", || {
        let all = runs(&namespace);
        let phases: Vec<_> = all.iter().map(|run| run["status"]["phase"].to_string()).collect();
        (phases.len() == 2 && !phases.contains(&"null".to_owned())).then_some(phases)
    });
    let count = |wanted: &str| phases.iter().filter(|phase| phase.contains(wanted)).count();
    assert_eq!((count("Running"), count("Queued")), (1, 1), "{phases:?}");
}

#[test]
fn a_schedule_that_is_suspended_has_no_next_slot_until_it_goes_on() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("suspend");
    namespace.apply(&hanging.target("quick", 2));
    let schedule = every_minute("quick", "  concurrencyPolicy: Forbid\n");
    let hourly = schedule.replace("'* * * * *'", "'0 * * * *'");
    namespace.apply(&hourly);
    let next = || namespace.field("auditschedule/s", ".status.nextScheduleTime");
    eventually("a next slot", next);
    namespace.apply(&format!("{hourly}  suspend: true\n"));
    eventually("no next slot", || next().is_none().then_some(()));
    let scheduled = ".status.conditions[?(@.type==\"Scheduled\")].reason";
    assert_eq!(namespace.field("auditschedule/s", scheduled).as_deref(), Some("Suspended"));
    namespace.apply(&hourly);
    eventually("a next slot again", next);
}

#[test]
fn a_schedule_that_cannot_be_read_says_why_until_it_can() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("unread");
    namespace.apply(&hanging.target("quick", 2));
    let sound = every_minute("quick", "  timeZone: Europe/Berlin\n");
    let sound = sound.replace("'* * * * *'", "'0 0 1 1 *'");
    // What only the controller can know.
    for (wrong, says) in [
        (sound.replace("0 0 1 1 *", "61 0 1 1 *"), "spec.schedule"),
        (
            sound.replace("Europe/Berlin", "Europe/Atlantis"),
            "expected an IANA time zone such as Europe/Berlin",
        ),
    ] {
        namespace.apply(&wrong);
        for condition in ["Ready", "Scheduled"] {
            let said = format!(".status.conditions[?(@.type==\"{condition}\")]");
            eventually(says, || {
                let message = namespace.field("auditschedule/s", &format!("{said}.message"))?;
                message.contains(says).then_some(())
            });
            let holds = namespace.field("auditschedule/s", &format!("{said}.status"));
            assert_eq!(holds.as_deref(), Some("False"));
        }
        assert_eq!(namespace.field("auditschedule/s", ".status.nextScheduleTime"), None);
    }
    // What the API server knows is refused at once.
    let refused = namespace.apply_refused(&sound.replace("0 0 1 1 *", "TZ=UTC 0 0 1 1 *"));
    assert!(
        refused.contains("the time zone belongs into timeZone, not into schedule"),
        "{refused}"
    );
    namespace.apply(&sound);
    namespace.wait_for_condition("auditschedule/s", "Ready");
    eventually("a next slot", || namespace.field("auditschedule/s", ".status.nextScheduleTime"));
    assert!(runs(&namespace).is_empty());
}

#[test]
fn a_label_on_the_target_asks_for_one_run_and_another_value_for_another() {
    Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("now");
    namespace.apply(&hanging.target("quick", 2));
    let ask = |value: &str| {
        let label = format!("plumbline.dev/run-now={value}");
        namespace.run(&["label", "audittarget/quick", "--overwrite", &label]);
        namespace.wait_for("audittarget/quick", ".status.lastRunRequest", value);
    };
    let complete = |number: usize| {
        eventually("the runs to be complete", || {
            let all = runs(&namespace);
            let whole = all.iter().all(|run| run["status"]["phase"] == "Complete");
            (all.len() >= number && whole).then_some(all.len())
        })
    };
    ask("one");
    assert_eq!(complete(1), 1);
    // Whatever else changes on the target, the same value asks for nothing.
    namespace.run(&["label", "audittarget/quick", "site=plant"]);
    ask("two");
    assert_eq!(complete(2), 2);
    assert!(runs(&namespace).iter().all(|run| run["spec"]["trigger"] == "Requested"));
}

#[test]
fn ended_runs_beyond_the_history_leave_the_cluster_and_stay_in_the_store() {
    let installation = Installation::get();
    let _peace = in_peace();
    let hanging = Hanging::new();
    let namespace = Namespace::new("history");
    namespace.apply(&hanging.target("quick", 2));
    // Runs of a schedule, made faster than its slots come.
    let schedule = every_minute("quick", "  successfulRunsHistoryLimit: 2\n");
    namespace.apply(&schedule.replace("'* * * * *'", "'0 0 1 1 *'"));
    // Nobody else may make a run that names a schedule.
    let operator = namespace.impersonating(OPERATOR);
    for number in 1..=4 {
        operator.apply(&format!(
            "apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {{name: r{number}}}
spec:
  targetRef: {{name: quick}}
  scheduleRef: {{name: s}}
  checks: [gateway_config_guardrails]
"
        ));
        eventually("the run to be over or pruned", || {
            let phase = namespace.field(&format!("auditrun/r{number}"), ".status.phase");
            phase.is_none_or(|phase| phase == "Complete").then_some(())
        });
    }
    eventually("two runs to be left", || (runs(&namespace).len() == 2).then_some(()));
    let names: Vec<_> =
        runs(&namespace).iter().map(|run| run["metadata"]["name"].to_string()).collect();
    assert_eq!(names, ["\"r3\"", "\"r4\""]);
    let sql = format!(
        "SELECT count(*) FROM runs WHERE target = '{}/quick' AND state = 'complete'",
        namespace.name()
    );
    assert_eq!(installation.database().sql(&sql).unwrap(), "4");
}

#[test]
fn each_slot_has_one_run_although_leaders_die_around_it() {
    Installation::get();
    let _alone = alone();
    let hanging = Hanging::new();
    let namespace = Namespace::new("slots");
    for target in ["a", "b", "c"] {
        namespace.apply(&hanging.target(target, 2));
    }
    let three = every_minute("a}, {name: b}, {name: c", "  successfulRunsHistoryLimit: 100\n");
    namespace.apply(&three);
    let own = Kubectl::new().in_namespace(OWN);
    let first = eventually("the first slot", || {
        runs(&namespace).first().and_then(|run| Some(run["spec"]["slot"].as_str()?.to_owned()))
    });
    // In the middle of the slot, and again when the next one comes.
    for _ in 0..2 {
        let leader = own.field("lease/plumbline-operator", ".spec.holderIdentity").unwrap();
        own.try_run(&["delete", "pod", &leader, "--grace-period=0", "--force"]);
        eventually("another leader", || {
            let holder = own.field("lease/plumbline-operator", ".spec.holderIdentity")?;
            (holder != leader).then_some(())
        });
    }
    eventually("runs of a later slot, all of them over", || {
        let all = runs(&namespace);
        let later = all.iter().any(|run| run["spec"]["slot"] != first.as_str());
        let over = all.iter().all(|run| run["status"]["phase"] == "Complete");
        (later && over && all.len().is_multiple_of(3)).then_some(())
    });
    let mut by_slot: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for run in runs(&namespace) {
        let target = run["spec"]["targetRef"]["name"].as_str().unwrap().to_owned();
        by_slot.entry(run["spec"]["slot"].to_string()).or_default().push(target);
    }
    for (slot, mut targets) in by_slot {
        targets.sort();
        assert_eq!(targets, ["a", "b", "c"], "runs of slot {slot}");
    }
    eventually("both replicas to be ready", || {
        let ready = own.field("deployment/plumbline", ".status.readyReplicas")?;
        (ready == "2").then_some(())
    });
}
