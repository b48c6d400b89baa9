//! Several processes on one file, and one that is killed.
//!
//! The other processes are this test program again, started for one ignored test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use model::run::RunState;

use crate::contract_suite::sample;
use crate::{OpenMode, Owner, Store, StoreUrl};

const STORE: &str = "PLUMBLINE_TEST_STORE";
const TARGET: &str = "PLUMBLINE_TEST_TARGET";

/// This test program as another process that runs one ignored test.
pub(super) fn other(program: &Path, test: &str, store: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", "--nocapture", test]).env(STORE, store);
    command
}

/// The store that this process was started for.
pub(super) fn given() -> StoreUrl {
    StoreUrl::sqlite(std::env::var_os(STORE).unwrap())
}

#[tokio::test]
async fn two_processes_on_one_new_file_both_finish() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let program = std::env::current_exe().unwrap();
    let children: Vec<Child> = ["one", "two", "three"]
        .iter()
        .map(|target| {
            let mut writer = other(&program, "tests::process::writer", &path);
            writer.env(TARGET, target).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(&StoreUrl::sqlite(path), OpenMode::ReadOnly).await.unwrap();
    for target in ["one", "two", "three"] {
        let head = store.chain_head(&sample::target(target)).await.unwrap().unwrap();
        assert_eq!(head.length, 10, "{target}");
    }
}

#[tokio::test]
#[ignore = "the other process of two_processes_on_one_new_file_both_finish"]
async fn writer() {
    let target = std::env::var(TARGET).unwrap();
    let store = Store::open(&given(), OpenMode::ReadWrite).await.unwrap();
    for minutes in 0..10 {
        sample::run(&store, &target, minutes, Vec::new()).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_process_leaves_an_interrupted_run_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let program = std::env::current_exe().unwrap();
    let mut victim = other(&program, "tests::process::victim", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(victim.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("run begun")));

    let store = Store::open(&StoreUrl::sqlite(path), OpenMode::ReadOnly).await.unwrap();
    let run = sample::running("edge", 0).id;
    let now = sample::at(30);
    assert_eq!(store.run(&run.0, now).await.unwrap().state, RunState::Running);
    victim.kill().unwrap();
    victim.wait().unwrap();
    let record = store.run(&run.0, now).await.unwrap();
    assert_eq!(record.state, RunState::Interrupted, "long before its lease ends");
    assert_eq!(record.evidence.len(), 1);
    let store = Store::open(&StoreUrl::sqlite(folder.path().join("store.db")), OpenMode::ReadWrite)
        .await
        .unwrap();
    assert_eq!(store.reap(now).await.unwrap(), [run]);
}

#[tokio::test]
#[ignore = "the other process of a_killed_process_leaves_an_interrupted_run_with_its_evidence"]
#[allow(clippy::print_stdout, reason = "how it tells the process that waits for it")]
async fn victim() {
    let store = Store::open(&given(), OpenMode::ReadWrite).await.unwrap();
    let record = sample::running("edge", 0);
    store.begin(&record, &Owner::this_process(sample::at(10_000))).await.unwrap();
    let evidence = sample::evidence(&record, &sample::ingest(), "denied");
    store.append_evidence(&record.id, &evidence).await.unwrap();
    println!("run begun");
    // Until it is killed; an end of input is the end of the process that would do so.
    std::io::stdin().lines().for_each(drop);
}
