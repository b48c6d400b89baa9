//! What can be wrong with a file, its folder and its disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use model::Verdict;
use model::run::RunState;
use tempfile::TempDir;

use super::process::{given, other};
use crate::contract_suite::{concurrency, sample};
use crate::open::sqlite::{self, Limits};
use crate::sql::Pool;
use crate::{OpenMode, Store, StoreError, StoreUrl};

fn folder() -> (TempDir, StoreUrl) {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::sqlite(folder.path().join("store.db"));
    (folder, url)
}

async fn open_within(url: &StoreUrl, limits: Limits) -> Result<Store, StoreError> {
    let place = url.to_string();
    let path = url.sqlite_path().unwrap();
    let pool = sqlite::open(path, &place, OpenMode::ReadWrite, limits).await?;
    Ok(Store { pool: Pool::Sqlite(pool), place })
}

/// The store at `url` on a disk that has room for `pages` more pages of 4 KiB.
async fn nearly_full(url: &StoreUrl, pages: u32) -> Store {
    let store = Store::open(url, OpenMode::ReadWrite).await.unwrap();
    let count = "SELECT page_count AS count FROM pragma_page_count";
    let used = u32::try_from(store.count(count).await).unwrap();
    store.close().await;
    // One connection, so that what follows a failure meets the connection that failed.
    let limits = Limits { pages: Some(used + pages), connections: 1, ..Limits::default() };
    open_within(url, limits).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_keeps_all_of_a_finish_or_nothing() {
    let (_folder, url) = folder();
    let store = nearly_full(&url, 40).await;
    let record = sample::running("edge", 0);
    store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let evidence = sample::evidence(&record, &sample::ingest(), "denied");
    store.append_evidence(&record.id, &evidence).await.unwrap();
    let controls = (0..2_000)
        .map(|device| {
            let mut control = sample::control(sample::OPEN_INGEST, Verdict::Fail);
            control.subject = model::Subject::certificates(&format!("device-{device}"));
            control
        })
        .collect();
    let complete = sample::complete(&record, &[evidence], controls, Some((None, 1)));
    let error = store.finish(&complete, &[], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("store.db"), "{error}");
    let read = store.run(&record.id.0, sample::at(5)).await.unwrap();
    assert_eq!((read.state, read.evidence.len()), (RunState::Running, 1));
    assert_eq!(store.count("SELECT count(*) AS count FROM control_results").await, 0);
    assert_eq!(store.findings(&record.target).await.unwrap(), []);
    store.close().await;

    let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    store.finish(&complete, &[], &[]).await.unwrap();
    assert_eq!(store.run(&record.id.0, sample::at(5)).await.unwrap(), complete);
}

#[tokio::test]
async fn a_full_disk_takes_no_half_of_a_document() {
    let (_folder, url) = folder();
    let store = nearly_full(&url, 20).await;
    let record = sample::running("edge", 0);
    store.begin(&record, &sample::elsewhere(sample::at(60))).await.unwrap();
    let large = sample::evidence(&record, &sample::ingest(), &"x".repeat(200_000));
    let error = store.append_evidence(&record.id, &large).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(store.count("SELECT count(*) AS count FROM evidence").await, 0);
    let small = sample::evidence(&record, &sample::ingest(), "denied");
    store.append_evidence(&record.id, &small).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_migrated_store() {
    let (_folder, url) = folder();
    let limits = Limits { pages: Some(5), ..Limits::default() };
    let error = open_within(&url, limits).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    sample::run(&store, "edge", 0, Vec::new()).await;
}

#[tokio::test]
async fn a_writer_that_waits_too_long_says_so() {
    let (_folder, url) = folder();
    let patient = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    let limits = Limits { busy: Duration::from_millis(20), ..Limits::default() };
    let impatient = open_within(&url, limits).await.unwrap();
    let writing = patient.write().await.unwrap();
    let record = sample::running("edge", 0);
    let owner = sample::elsewhere(sample::at(60));
    let error = impatient.begin(&record, &owner).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    drop(writing);
    patient.begin(&record, &owner).await.unwrap();
}

#[tokio::test]
async fn a_reader_never_waits_for_a_writer() {
    let (_folder, url) = folder();
    let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    let run = sample::run(&store, "edge", 0, Vec::new()).await;
    let writing = store.write().await.unwrap();
    let limits = Limits { busy: Duration::ZERO, ..Limits::default() };
    let reader = open_within(&url, limits).await.unwrap();
    assert_eq!(reader.run(&run.id.0, sample::at(5)).await.unwrap(), run);
    drop(writing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_programs_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let (_folder, url) = folder();
        concurrency::open_at_once(&url, 8).await;
    }
}

#[tokio::test]
async fn a_new_store_is_private_and_brings_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/store.db");
    Store::open(&StoreUrl::sqlite(&path), OpenMode::ReadWrite).await.unwrap();
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn reading_what_is_not_there_creates_nothing() {
    let (folder, url) = folder();
    let error = Store::open(&url, OpenMode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_store_is_left_as_it_is() {
    let (folder, url) = folder();
    let path = url.sqlite_path().unwrap();
    fs::write(path, "These are notes, and quite a lot of them. ".repeat(100)).unwrap();
    let other = folder.path().join("other.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&other);
    let pool = sqlx::SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
    sqlx::query("CREATE TABLE notes (text TEXT)").execute(&pool).await.unwrap();
    pool.close().await;
    for path in [path, &other, folder.path()] {
        let before = fs::read(path).ok();
        for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
            let error = Store::open(&StoreUrl::sqlite(path), mode).await.unwrap_err();
            assert!(matches!(error, StoreError::NotAStore { .. }), "{}: {error}", path.display());
        }
        assert_eq!(fs::read(path).ok(), before);
    }
}

/// Root may write everywhere, so these cases run as somebody who is not root.
fn unprivileged(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("tests");
    // Copied by a process of its own: a file that this one has open for writing goes on being open in
    // whatever another test starts meanwhile, and cannot be run as long.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = other(&program, test, &folder.path().join("data/store.db"));
    if fs::metadata(folder.path()).unwrap().uid() == 0 {
        // By convention the account `nobody`.
        let nobody = 65534;
        chown(folder.path(), Some(nobody), Some(nobody)).unwrap();
        command.uid(nobody).gid(nobody);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{told}");
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_named_when_it_is_opened() {
    unprivileged("tests::file::read_only_file");
}

#[tokio::test]
#[ignore = "run by a_file_that_cannot_be_written_is_named_when_it_is_opened"]
async fn read_only_file() {
    let url = given();
    let path = url.sqlite_path().unwrap();
    let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    let run = sample::run(&store, "edge", 0, Vec::new()).await;
    store.close().await;
    allow(path, 0o400);
    let error = Store::open(&url, OpenMode::ReadWrite).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("store.db"), "{error}");
    let store = Store::open(&url, OpenMode::ReadOnly).await.unwrap();
    assert_eq!(store.run(&run.id.0, sample::at(5)).await.unwrap(), run);
}

#[test]
fn a_folder_that_cannot_be_written_can_be_read() {
    unprivileged("tests::file::read_only_folder");
}

#[tokio::test]
#[ignore = "run by a_folder_that_cannot_be_written_can_be_read"]
async fn read_only_folder() {
    let url = given();
    let folder = url.sqlite_path().unwrap().parent().unwrap();
    let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
    let run = sample::run(&store, "edge", 0, Vec::new()).await;
    store.close().await;
    allow(folder, 0o500);
    let writing = Store::open(&url, OpenMode::ReadWrite).await.map(drop);
    let elsewhere = StoreUrl::sqlite(folder.join("new.db"));
    let creating = Store::open(&elsewhere, OpenMode::ReadWrite).await.map(drop);
    let reading = Store::open(&url, OpenMode::ReadOnly).await;
    let read = match &reading {
        Ok(store) => store.run(&run.id.0, sample::at(5)).await.ok(),
        Err(_) => None,
    };
    // Given back before anything can fail, so that the folder can be removed.
    allow(folder, 0o700);
    for refused in [writing, creating] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    }
    reading.unwrap();
    assert_eq!(read, Some(run));
}
