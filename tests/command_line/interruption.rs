//! Runs that are killed, stopped, or not alone.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command};

use testkit::gateway::Posture;
use tests::plumb::{Bench, Ended};
use tests::site::Running;

/// A target whose ingest edge accepts connections and says nothing.
fn silent_target(bench: &Bench) -> TcpListener {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    bench.write(
        "silent.yaml",
        format!(
            "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {{name: silent}}\nspec:\n  \
             path: ingest\n  endpoints:\n    - {{name: ingest, protocol: http, host: 127.0.0.1, port: {port}}}\n"
        ),
    );
    silent
}

/// Starts a run against it and waits until the run has connected, which is after it began.
fn hanging_run(bench: &Bench, silent: &TcpListener) -> Child {
    let child = bench.start(&["run", "-f", "silent.yaml", "--store", "sqlite:runs.db"]);
    let (_stream, _) = silent.accept().unwrap();
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn state(bench: &Bench) -> String {
    let list = bench.plumb(&["runs", "list", "--store", "sqlite:runs.db", "--json"]).expect(0);
    assert_eq!(list.stdout.lines().count(), 1, "{}", list.stdout);
    list.json()["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_killed_run_is_marked_interrupted_and_nothing_is_half_written() {
    let bench = Bench::new();
    let silent = silent_target(&bench);
    let mut child = hanging_run(&bench, &silent);
    assert_eq!(state(&bench), "running");
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(state(&bench), "interrupted");
    let report = ["report", "last", "--store", "sqlite:runs.db", "-o", "md=-"];
    assert!(bench.plumb(&report).expect(2).stderr.contains("0 complete runs"));
}

#[test]
fn a_stopped_run_says_so_and_ends_with_130() {
    for name in ["-INT", "-TERM"] {
        let bench = Bench::new();
        let silent = silent_target(&bench);
        let child = hanging_run(&bench, &silent);
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap()).expect(130);
        assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
        assert_eq!(state(&bench), "interrupted");
    }
}

#[test]
fn two_runs_at_once_on_one_store_both_finish_and_stay_one_chain() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let arguments = ["run", "-f", target.to_str().unwrap(), "--store", "sqlite:runs.db"];
    let children: Vec<_> = (0..4).map(|_| bench.start(&arguments)).collect();
    for child in children {
        Ended::from(child.wait_with_output().unwrap()).expect(1);
    }
    let list = bench.plumb(&["runs", "list", "--store", "sqlite:runs.db", "--json"]).expect(0);
    let mut lengths = Vec::new();
    for line in list.stdout.lines() {
        let run: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(run["state"], "complete");
        let id = run["id"].as_str().unwrap();
        let store = ["--store", "sqlite:runs.db"];
        let record = bench.plumb(&[&["runs", "show", id], &store[..]].concat()).expect(0).json();
        lengths.push(record["integrity"]["chain_length"].as_u64().unwrap());
        bench.plumb(&[&["verify", id], &store[..]].concat()).expect(0);
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 2, 3, 4]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let bench = Bench::new();
    let mut child = bench.start(&["schema", "show", "bundle.v1"]);
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
