//! The operator dies at every point that it has a name for, between a slot and its status; another
//! process comes in its place, and what is found at the end is what would have been there anyway.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use testkit::postgres::Database;
use tests::local_operator::LocalOperator;
use tests::plumb::{Bench, built};

use super::process::Away;
use super::{Hanging, NEVER, run_of};
use crate::cluster::{Namespace, eventually};
use crate::operator::{Installation, alone, beside};

/// Points that are tried at the same time.
const AT_ONCE: usize = 6;
/// How long a point may keep us waiting; the next slot comes within a minute.
const LIMIT: Duration = Duration::from_secs(100);
/// Seconds after its end at which a Job goes.
const TTL: u32 = 15;
/// Documents that the target's plan asks for.
const PLANNED: u32 = 4;

/// How a run comes about that passes a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// By a schedule that runs once when it is made.
    Created,
    /// By a slot of a schedule.
    Slot,
    /// By hand, so that the operator has to make it its own.
    Hand,
    /// By hand, and its Job runs into its deadline with one document delivered.
    Short,
}

impl Start {
    fn towards(point: &str) -> Self {
        match point {
            "slot-started" | "slot-reported" => Self::Slot,
            "run-adopted" => Self::Hand,
            _ => Self::Created,
        }
    }

    /// Seconds after which a probe gives up.
    const fn gives_up(self) -> u32 {
        match self {
            Self::Short => NEVER,
            _ => 2,
        }
    }

    /// Documents that come in.
    const fn stored(self) -> u32 {
        match self {
            Self::Short => 1,
            _ => PLANNED,
        }
    }

    /// The document that starts the run of target `gw`.
    fn document(self) -> String {
        let (fields, schedule) = match self {
            Self::Hand | Self::Short => {
                // Long enough for a pod to start and deliver one document beside others.
                let deadline = if self == Self::Short { 25 } else { 300 };
                let template = format!(
                    "{{ttlSecondsAfterFinished: {TTL}, activeDeadlineSeconds: {deadline}}}"
                );
                return run_of("gw", "by-hand", &template);
            }
            Self::Created => ("  runOnCreate: true\n", "0 0 1 1 *".to_owned()),
            // One slot, and the next one in a year. It must not have begun when this is applied.
            Self::Slot => {
                let soon = Timestamp::now() + SignedDuration::from_secs(70);
                let minute = soon.to_zoned(jiff::tz::TimeZone::UTC).strftime("%M %H %d %m *");
                ("", minute.to_string())
            }
        };
        format!(
            "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {{name: s}}
spec:
  targetRefs: [{{name: gw}}]
  bundle: audit-baseline
  schedule: '{schedule}'
  jobTemplate: {{ttlSecondsAfterFinished: {TTL}}}
{fields}"
        )
    }
}

/// Every point that the program knows.
fn points() -> Vec<String> {
    let refused = Command::new(built("plumbline-operator"))
        .args(["run", "--crash-at", "nowhere"])
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    let list = said.split_once("[possible values: ").and_then(|(_, rest)| rest.split_once(']'));
    list.unwrap_or_else(|| panic!("{said}")).0.split(", ").map(str::to_owned).collect()
}

/// Starts a run, kills the operator at `point`, lets another one go on, and looks.
fn die_and_look(point: &str, start: Start) {
    let installation = Installation::get();
    let hanging = Hanging { listener: TcpListener::bind((installation.node(), 0)).unwrap() };
    let namespace = Namespace::new("point");
    let settings = beside(&namespace, &installation.store());
    namespace.apply(&hanging.target("gw", start.gives_up()));
    namespace.apply(&start.document());

    let mut first = LocalOperator::start_to_die_at(&settings, point);
    let begin = Instant::now();
    while !first.has_aborted() {
        assert!(begin.elapsed() < LIMIT, "nobody came to {point}\n{}", first.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let second = LocalOperator::start(&settings);
    let run = eventually("the one run to be over", || {
        let runs = namespace.json("auditruns");
        let run = runs["items"].as_array()?.first()?.clone();
        matches!(run["status"]["phase"].as_str(), Some("Complete" | "Failed")).then_some(run)
    });
    Aftermath { namespace: &namespace, run: &run, database: installation.database() }
        .assert_whole(start);
    // Nothing more comes, and nothing stays that nobody owns.
    eventually("the Job to go when its time has come", || {
        let left = |kind| namespace.json(kind)["items"].as_array().unwrap().len();
        (left("jobs") == 0 && left("pods") == 0).then_some(())
    });
    assert_eq!(namespace.json("auditruns")["items"].as_array().unwrap().len(), 1);
    second.stop(Duration::from_secs(30));
}

/// What one run left behind.
struct Aftermath<'a> {
    namespace: &'a Namespace,
    run: &'a Value,
    database: &'a Database,
}

impl Aftermath<'_> {
    fn id(&self) -> &str {
        self.run["status"]["runId"].as_str().unwrap()
    }

    fn name(&self) -> &str {
        self.run["metadata"]["name"].as_str().unwrap()
    }

    /// One value out of the store; `{run}` is the run.
    fn stored(&self, sql: &str) -> String {
        self.database.sql(&sql.replace("{run}", self.id())).unwrap()
    }

    fn assert_whole(&self, start: Start) {
        self.assert_stored_once(start);
        self.assert_job();
        self.assert_statuses(start);
        self.assert_events();
        let bench = Bench::new();
        bench.plumb(&["verify", self.id(), "--store", &self.database.url()]).expect(0);
    }

    /// One run, each document and each control once, a chain of one, and the baseline.
    fn assert_stored_once(&self, start: Start) {
        let of_target = format!("'{}/gw'", self.namespace.name());
        let runs = format!(
            "SELECT string_agg(id || ' ' || state, ',') FROM runs WHERE target = {of_target}"
        );
        assert_eq!(self.stored(&runs), format!("{} complete", self.id()));
        let documents = "SELECT count(*) || ' of ' || count(DISTINCT check_id || ' ' || subject) \
                         FROM run_evidence WHERE run = '{run}'";
        let stored = start.stored();
        assert_eq!(self.stored(documents), format!("{stored} of {stored}"));
        let results = self.stored("SELECT count(*) FROM control_results WHERE run = '{run}'");
        let planned = "SELECT jsonb_array_length(record::jsonb #> '{assessment,controls}') \
                       FROM runs WHERE id = '{run}'";
        assert_eq!(self.stored(planned), results);
        assert!(results.parse::<u32>().unwrap() > 0);
        assert_eq!(self.stored("SELECT chain_length FROM runs WHERE id = '{run}'"), "1");
        let baselines =
            format!("SELECT string_agg(run, ',') FROM baselines WHERE target = {of_target}");
        assert_eq!(self.stored(&baselines), self.id(), "the first audit is the baseline");
    }

    /// One Job, and it goes by itself.
    fn assert_job(&self) {
        let jobs = self.namespace.json("jobs");
        let jobs = jobs["items"].as_array().unwrap();
        assert_eq!(jobs.len(), 1, "{jobs:#?}");
        assert_eq!(jobs[0]["metadata"]["name"], self.name());
        assert_eq!(jobs[0]["metadata"]["ownerReferences"][0]["uid"], self.run["metadata"]["uid"]);
        assert_eq!(jobs[0]["spec"]["ttlSecondsAfterFinished"], TTL);
    }

    /// Run, target and schedule say what the store says.
    fn assert_statuses(&self, start: Start) {
        let status = &self.run["status"];
        assert_eq!(status["phase"], "Complete", "{status:#}");
        assert_eq!(status["evidence"]["planned"], PLANNED, "{status:#}");
        assert_eq!(status["evidence"]["stored"], start.stored(), "{status:#}");
        if start == Start::Short {
            assert_eq!(status["status"], "INCOMPLETE", "{status:#}");
            let message = status["message"].as_str().unwrap();
            assert!(message.contains("its Job failed: DeadlineExceeded"), "{message}");
        }
        let record = "SELECT json_build_object('posture', posture, 'risk', risk_score, 'open', open_findings, \
                      'manifest', manifest) FROM runs WHERE id = '{run}'";
        let stored: Value = serde_json::from_str(&self.stored(record)).unwrap();
        let target = self.namespace.json("audittarget/gw");
        for said in [status, &target["status"]] {
            assert_eq!(said["posture"], stored["posture"], "{said:#}");
            assert_eq!(said["riskScore"], stored["risk"], "{said:#}");
            assert_eq!(said["summary"]["open"], stored["open"], "{said:#}");
        }
        assert_eq!(status["digests"]["manifest"], stored["manifest"], "{status:#}");
        let last = &target["status"]["lastRun"];
        assert_eq!(last["runId"], self.id(), "{last:#}");
        assert_eq!(last["name"], self.name(), "{last:#}");
        if matches!(start, Start::Hand | Start::Short) {
            return;
        }
        eventually("the schedule to have no run at work", || {
            (self.namespace.field("auditschedule/s", ".status.active")? == "0").then_some(())
        });
        let schedule = self.namespace.json("auditschedule/s");
        assert_eq!(schedule["status"]["lastSuccessfulTime"], status["endedAt"], "{schedule:#}");
        assert_eq!(
            schedule["status"]["lastScheduleTime"], self.run["spec"]["slot"],
            "{schedule:#}"
        );
    }

    /// An event may be lost with the process; none is told twice.
    fn assert_events(&self) {
        let events = self.namespace.json("events");
        let mut told: BTreeMap<(String, String), u64> = BTreeMap::new();
        for event in events["items"].as_array().unwrap() {
            if event["source"]["component"] != "plumbline-operator"
                && event["reportingComponent"] != "plumbline-operator"
            {
                continue;
            }
            let series = event["series"]["count"].as_u64().or(event["count"].as_u64());
            let about =
                format!("{}/{}", event["involvedObject"]["kind"], event["involvedObject"]["name"]);
            *told.entry((about, event["reason"].to_string())).or_default() +=
                series.unwrap_or(1).max(1);
        }
        assert!(told.values().all(|times| *times == 1), "{told:#?}");
    }
}

#[test]
fn a_death_at_any_named_point_leaves_what_would_have_been_there_anyway() {
    Installation::get();
    let _alone = alone();
    let _away = Away::new();
    let points = points();
    assert!(points.len() > 10, "{points:?}");
    let mut left: Vec<_> =
        points.iter().map(|point| (point.as_str(), Start::towards(point))).collect();
    // What is known only to whoever judged the run must not die with it.
    left.extend(["run-finished", "target-reported", "job-released"].map(|p| (p, Start::Short)));
    let only = std::env::var("PLUMBLINE_TEST_POINT").ok();
    left.retain(|(point, _)| only.as_ref().is_none_or(|only| only == point));
    // Those that wait for a slot wait longest: they go first.
    left.sort_by_key(|(_, start)| *start == Start::Slot);
    let left = Mutex::new(left);
    let broken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((point, start)) = left.lock().unwrap().pop() else { return };
                    if std::panic::catch_unwind(|| die_and_look(point, start)).is_err() {
                        broken.lock().unwrap().push((point, start));
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "not made good, see above: {broken:?}");
}
