//! The entry point of the trial Postgres, with Debian's server behind it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::postgres;
use testkit::process::{Running, free_port};
use tests::plumb::program;

/// The entry point in a folder of its own, with a database in it or none yet.
fn entry(folder: &Path, port: u16) -> Command {
    let program = program().with_file_name("postgres-entry");
    let mut entry = postgres::command(&program, folder).unwrap();
    entry
        .env("PGDATA", folder.join("data"))
        .args(["-c", "listen_addresses=127.0.0.1"])
        .args(["-c", &format!("port={port}")])
        .args(["-c", &format!("unix_socket_directories={}", folder.display())]);
    entry
}

/// What the database answers to somebody with a password; none if he is not let in.
fn ask(folder: &Path, port: u16, password: &str, sql: &str) -> Option<String> {
    let url = format!("postgres://plumbline:{password}@127.0.0.1:{port}/audits");
    let mut psql = postgres::command(Path::new("psql"), folder).unwrap();
    let output = psql.args(["-X", "-A", "-t", "-d", &url, "-c", sql]).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| answer.trim().to_owned())
}

/// Ends a server as a kubelet does, which is told by the image which signal to send.
fn stop(server: Running, folder: &Path) {
    let id = server.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    for _ in 0..6_000 {
        if !folder.join("data/postmaster.pid").exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the server does not end");
}

#[test]
fn a_trial_server_makes_its_database_once_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    // One that was killed while it made its database is to begin again.
    let part = folder.path().join("data.part");
    std::fs::create_dir(&part).unwrap();
    std::fs::write(part.join("PG_VERSION"), "half").unwrap();
    // The server's user is to be able to remove it.
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o777)).unwrap();
    let start = |password: Option<&str>| {
        let mut entry = entry(folder.path(), port);
        entry.envs(password.map(|password| ("POSTGRES_PASSWORD", password)));
        entry.env("POSTGRES_USER", "plumbline").env("POSTGRES_DB", "audits");
        let mut server = Running::start("postgres-entry", &mut entry).unwrap();
        let ready = || ask(folder.path(), port, "of-the-trial", "SELECT 1").is_some();
        server.wait_until(Duration::from_secs(60), ready).unwrap();
        server
    };
    let first = start(Some("of-the-trial"));
    assert_eq!(ask(folder.path(), port, "another", "SELECT 1"), None);
    ask(folder.path(), port, "of-the-trial", "CREATE TABLE kept AS SELECT 7 AS number").unwrap();
    let encoding = ask(folder.path(), port, "of-the-trial", "SHOW server_encoding");
    assert_eq!(encoding.as_deref(), Some("UTF8"));
    assert!(!part.exists());
    stop(first, folder.path());
    // The password is in the database now.
    let _second = start(None);
    let kept = ask(folder.path(), port, "of-the-trial", "SELECT number FROM kept");
    assert_eq!(kept.as_deref(), Some("7"));
}

#[test]
fn a_trial_server_without_a_password_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = entry(folder.path(), free_port()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("POSTGRES_PASSWORD is not set"), "{said}");
}
