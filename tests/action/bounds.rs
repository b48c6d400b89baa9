//! What a commit may make the Action read is bounded, whatever the commit holds.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tests::github::{Checkout, GitHub, writes};

use crate::fixture::{HARDENED, change, open_pull, pull, repository};

const MIB: u64 = 1024 * 1024;

/// Makes a tree of these lines, which no folder has.
fn tree(checkout: &Checkout, lines: &str) -> String {
    let mut git = Command::new("git")
        .current_dir(checkout.root())
        .arg("mktree")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A file of zeros in the object store.
fn blob(checkout: &Checkout, size: u64) -> String {
    let place = tempfile::NamedTempFile::new().unwrap();
    place.as_file().set_len(size).unwrap();
    checkout.git(&["hash-object", "-w", "--no-filters", &place.path().display().to_string()])
}

/// Commits a folder beside what is there, with so many files of one content.
fn commit(checkout: &Checkout, files: usize, blob: &str) {
    let lines: String = (0..files).map(|at| format!("100644 blob {blob}\tf{at}\n")).collect();
    let folder = tree(checkout, &lines);
    let top = checkout.git(&["ls-tree", "HEAD"]);
    let top = tree(checkout, &format!("{top}\n040000 tree {folder}\tmany\n"));
    let commit = checkout.git(&["commit-tree", &top, "-p", "HEAD", "-m", "many"]);
    checkout.git(&["update-ref", "HEAD", &commit]);
}

#[test]
fn a_commit_of_too_many_files_or_bytes_is_refused_before_any_is_written() {
    for (files, size, said) in [
        (100_000, 0, "100002 files with"),
        // Sixteen of the largest that is read are all that is read.
        (17, 64 * MIB, "at most 100000 files and 1073741824 bytes are read"),
    ] {
        let github = GitHub::start();
        let checkout = repository(HARDENED);
        let blob = blob(&checkout, size);
        commit(&checkout, files, &blob);
        let ran = checkout.branch(&github.api, &github.writing()).run().expect(2);
        assert!(ran.output("failed-reason").contains(said), "{}", ran.output("failed-reason"));
        assert_eq!(writes(&github.requests()), 0);
    }
}

#[test]
fn a_file_that_is_too_large_for_its_reader_is_no_way_out() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "large");
    let run = |size: u64| {
        let (base, head) = change(&checkout, |c| {
            let path = c.root().join("conf/mosquitto.conf");
            std::fs::File::options().write(true).open(path).unwrap().set_len(size).unwrap();
        });
        let event = pull(number, "synchronize", &base, &head);
        let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(1);
        let why = ran.output("failed-reason");
        assert!(why.contains("cannot be judged any more"), "{why}");
        let report = std::fs::read_to_string(ran.output("report-json")).unwrap();
        assert!(report.contains("more than the 16777216 that are read"), "{size}");
    };
    run(17 * MIB);
    run(65 * MIB);
}

#[test]
fn files_that_are_too_large_to_be_written_out_are_left_out_and_do_not_count() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let blob = blob(&checkout, 65 * MIB);
    // Together more than a commit may have.
    commit(&checkout, 17, &blob);
    let ran = checkout.branch(&github.api, &github.writing()).run().expect(0);
    assert_eq!(ran.output("posture"), "green");
}
