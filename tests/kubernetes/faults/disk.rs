//! A database whose disk is full. Nothing is stored by halves, and with room everything goes on.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use testkit::postgres::{Database, Session};
use tests::local_operator::LocalOperator;
use tests::plumb::Bench;

use super::process::Away;
use super::{Hanging, over, run_of};
use crate::cluster::{Namespace, eventually};
use crate::node::does_not_apply;
use crate::operator::{Installation, alone, beside};

/// An empty database, and the little that is written here, need no more.
const SIZE: &str = "size=24m,mode=755";

/// How often what became free on a full disk is taken again: the database puts files of its own
/// (the list of its system tables, say) away and writes them anew.
const REFILL: Duration = Duration::from_millis(10);

/// A file system in memory, gone with this value.
struct SmallDisk {
    folder: TempDir,
}

/// Keeps a disk full until it is dropped.
struct Full {
    ballast: PathBuf,
    filler: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Drop for Full {
    fn drop(&mut self) {
        if let Some((stop, filler)) = self.filler.take() {
            drop(stop);
            filler.join().ok();
        }
        std::fs::remove_file(&self.ballast).ok();
    }
}

impl SmallDisk {
    /// Mounts one; none, and a line that says so, for who may not mount.
    fn mount() -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "plumbline-test"])
            .arg(disk.folder.path())
            .status();
        if mount.is_ok_and(|status| status.success()) {
            std::fs::create_dir(disk.tables()).unwrap();
            return Some(disk);
        }
        does_not_apply("a small disk is mounted by root only");
        None
    }

    fn tables(&self) -> PathBuf {
        self.folder.path().join("tables")
    }

    /// Leaves no room while the value lives.
    #[must_use]
    fn fill(&self) -> Full {
        let path = self.folder.path().join("ballast");
        let mut ballast = std::fs::File::create(&path).unwrap();
        let mut take_all = move || {
            let block = [0; 4_096];
            loop {
                if let Err(error) = ballast.write_all(&block) {
                    break error.kind();
                }
            }
        };
        assert_eq!(take_all(), std::io::ErrorKind::StorageFull);
        let (stop, stopped) = mpsc::channel();
        let filler = std::thread::spawn(move || {
            while stopped.recv_timeout(REFILL) == Err(mpsc::RecvTimeoutError::Timeout) {
                take_all();
            }
        });
        Full { ballast: path, filler: Some((stop, filler)) }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Fails if it was never mounted. Lazily: the server may still hold a file.
        Command::new("umount").arg("--lazy").arg(self.folder.path()).status().ok();
    }
}

/// Tables that a judgement writes to.
const JUDGED: [&str; 4] = ["control_results", "finding_events", "outbox", "exceptions"];

/// A count of the store's. The session is an old one where the disk is full: a new one would write
/// a file of its own first (the list of the system's tables), and be refused.
fn count(session: &mut Session, from: &str) -> u32 {
    session.ask(&format!("SELECT count(*) FROM {from}")).unwrap().parse().unwrap()
}

/// A session that has seen every table that is counted.
fn session(database: &Database) -> Session {
    let mut session = database.session().unwrap();
    for table in JUDGED.into_iter().chain(["runs", "run_evidence", "evidence"]) {
        count(&mut session, table);
    }
    session
}

#[test]
fn a_disk_that_is_full_takes_nothing_by_halves_and_goes_on_when_there_is_room() {
    let installation = Installation::get();
    let _alone = alone();
    let Some(disk) = SmallDisk::mount() else { return };
    let database = Database::create_in(&disk.tables()).unwrap();
    let _away = Away::new();
    let hanging = Hanging { listener: TcpListener::bind((installation.node(), 0)).unwrap() };
    let namespace = Namespace::new("disk");
    let settings = beside(&namespace, &database.url());
    // Only what comes late, so that nothing has made room for itself before the disk is full.
    let target = hanging.target("slow", 5);
    namespace.apply(target.split_once("  gatewayConfig:").unwrap().0);

    // Full while evidence comes in.
    let operator = LocalOperator::start(&settings);
    namespace.apply(&run_of("slow", "one", "{}"));
    namespace.wait_for("auditrun/one", ".status.phase", "Running");
    let mut looking = session(&database);
    let full = disk.fill();
    eventually("an upload that is put off", || {
        let put_off = operator.metric("audit_ingest_rejected_total{reason=\"store\"}")?;
        (put_off >= 2.0).then_some(())
    });
    assert!(operator.log().contains("No space left"), "{}", operator.log());
    assert_eq!(count(&mut looking, "run_evidence"), 0);
    assert_eq!(count(&mut looking, "evidence"), 0);
    assert_eq!(namespace.field("auditrun/one", ".status.phase").as_deref(), Some("Running"));
    drop(full);
    assert_whole(&namespace, &database, "one");
    operator.stop(Duration::from_secs(30));

    // Full when the judgement is made: it is stored as a whole or not at all.
    let mut operator = LocalOperator::start_to_die_at(&settings, "run-judged");
    namespace.apply(&run_of("slow", "two", "{}"));
    eventually("the judgement", || operator.has_aborted().then_some(()));
    let mut looking = session(&database);
    let full = disk.fill();
    let operator = LocalOperator::start(&settings);
    eventually("a judgement that is put off", || {
        let log = operator.log();
        (log.contains("could not reconcile") && log.contains("No space left")).then_some(())
    });
    let id = "(SELECT id FROM runs WHERE state <> 'complete')";
    assert_eq!(count(&mut looking, "runs WHERE state = 'running'"), 1);
    for table in JUDGED {
        assert_eq!(count(&mut looking, &format!("{table} WHERE run IN {id}")), 0, "{table}");
    }
    assert_eq!(namespace.field("auditrun/two", ".status.phase").as_deref(), Some("Running"));
    drop(full);
    assert_whole(&namespace, &database, "two");
    operator.stop(Duration::from_secs(30));
}

/// The run is over with all that was planned, once, and what is stored of it holds.
fn assert_whole(namespace: &Namespace, database: &Database, run: &str) {
    let status = over(namespace, run);
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["planned"], 3, "{status:#}");
    assert_eq!(status["evidence"]["stored"], 3, "{status:#}");
    let id = status["runId"].as_str().unwrap();
    let mut looking = session(database);
    let documents = format!("run_evidence WHERE run = '{id}'");
    assert_eq!(count(&mut looking, &documents), 3);
    let planned = format!(
        "SELECT jsonb_array_length(record::jsonb #> '{{assessment,controls}}') FROM runs \
         WHERE id = '{id}'"
    );
    let results = count(&mut looking, &format!("control_results WHERE run = '{id}'"));
    assert_eq!(database.sql(&planned).unwrap(), results.to_string());
    Bench::new().plumb(&["verify", id, "--store", &database.url()]).expect(0);
}
