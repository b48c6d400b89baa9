//! Entry point of the image `plumbline-trial-postgres`: makes a database where there is none, as
//! the official image's environment says, and becomes its server. Arguments are the server's.
//!
//! | variable | meaning |
//! |---|---|
//! | `PGDATA` | folder of the database; required |
//! | `POSTGRES_PASSWORD` | password of the superuser; required where there is no database yet |
//! | `POSTGRES_USER` | name of the superuser; `postgres` where it is not set |
//! | `POSTGRES_DB` | a database that is made; the user's name where it is not set |

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

fn main() -> anyhow::Result<()> {
    let data = PathBuf::from(variable("PGDATA").context("PGDATA names no folder")?);
    if !data.join("PG_VERSION").exists() {
        make(&data).with_context(|| format!("cannot make a database in {}", data.display()))?;
    }
    let mut server = Command::new("postgres");
    server.arg("-D").arg(&data).args(["-c", "listen_addresses=*"]);
    server.args(std::env::args_os().skip(1));
    Err(server.exec()).context("cannot start postgres")
}

/// Makes a database elsewhere and puts it into its place when it is whole, so that one that was
/// interrupted is made again.
fn make(data: &Path) -> anyhow::Result<()> {
    let user = variable("POSTGRES_USER").unwrap_or_else(|| "postgres".to_owned());
    let password = variable("POSTGRES_PASSWORD").context("POSTGRES_PASSWORD is not set")?;
    let database = variable("POSTGRES_DB").unwrap_or_else(|| user.clone());
    let part = data.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).context("removing what was not finished")?;
    }
    let mut initdb = Command::new("initdb");
    initdb.args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-instructions"]);
    initdb.args(["--pwfile=/dev/stdin", "--username", &user, "--pgdata"]).arg(&part);
    feed(&mut initdb, &format!("{password}\n"))?;
    // It lets in nobody but the machine itself.
    let mut clients = fs::OpenOptions::new().append(true).open(part.join("pg_hba.conf"))?;
    writeln!(clients, "host all all all scram-sha-256")?;
    if database != "postgres" {
        let mut single = Command::new("postgres");
        single.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(&part).arg("postgres");
        let name = database.replace('"', "\"\"");
        feed(single.stdout(Stdio::null()), &format!("CREATE DATABASE \"{name}\"\n"))?;
    }
    fs::rename(&part, data).context("putting it into its place")
}

/// Runs a program that reads `input` to its end.
fn feed(command: &mut Command, input: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.stdin(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("cannot start {program}"))?;
    let mut stdin = child.stdin.take().context("its input is a pipe")?;
    // Fails if the program ended without reading; its status says more than that.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let status = child.wait()?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
