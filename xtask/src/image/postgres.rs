//! The Postgres of this machine, as far as the trial image needs it: the server, what it reads at
//! its start, and the shared libraries of both.
//!
//! Left out: contrib, documentation, the just-in-time compiler, and conversions between encodings
//! (the database and its clients speak UTF-8).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use super::catalog::Target;
use super::oci::Surroundings;
use crate::shell::capture;
use crate::tools;

/// User and group of the server: those of the official image, which the chart expects.
const USER: u32 = 999;

/// The server, what makes its folder, and what the chart's probes ask with.
const PROGRAMS: &[&str] = &["postgres", "initdb", "pg_isready"];

/// Modules that every new database has.
const MODULES: &[&str] = &["plpgsql.so", "dict_snowball.so"];

/// Folders of what initdb and the server read.
const SHARED: &[&str] = &["", "timezonesets", "tsearch_data"];

/// The only time zones that anything of ours asks for.
const ZONES: &[&str] = &["UTC", "GMT", "Etc/UTC"];

/// Everything that the server needs beside its entry point.
pub fn surroundings(target: Target) -> anyhow::Result<Surroundings> {
    ensure!(
        target == Target::HOST,
        "the trial Postgres is made of this machine's own, which is for {}",
        Target::HOST.triple()
    );
    let programs = tools::postgres()?;
    let (share, modules) = folders(&programs)?;

    let mut root = Root::default();
    let mut loaded = Vec::new();
    for program in PROGRAMS {
        loaded.push(root.program(&programs.join(program))?);
    }
    for module in MODULES {
        loaded.push(root.file(&modules.join(module))?);
    }
    // initdb starts the server by the shell.
    root.0.insert("bin/sh".to_owned(), (true, read(Path::new("/bin/sh"))?));
    loaded.push(PathBuf::from("/bin/sh"));
    for library in libraries(&loaded)? {
        root.program(&library)?;
    }
    for part in SHARED {
        root.folder(&share.join(part))?;
    }
    for extension in ["plpgsql.control", "plpgsql--1.0.sql"] {
        root.file(&share.join("extension").join(extension))?;
    }
    for zone in ZONES {
        root.file(&Path::new("/usr/share/zoneinfo").join(zone))?;
    }
    let passwd =
        format!("root:x:0:0:root:/:/bin/sh\npostgres:x:{USER}:{USER}:postgres:/:/bin/sh\n");
    root.0.insert("etc/passwd".to_owned(), (false, passwd.into_bytes()));
    let group = format!("root:x:0:\npostgres:x:{USER}:\n");
    root.0.insert("etc/group".to_owned(), (false, group.into_bytes()));
    Ok(Surroundings {
        user: USER,
        path: programs.display().to_string(),
        // Its SIGTERM waits until every client is gone: "Shutting Down the Server".
        stop_signal: Some("SIGINT"),
        files: root.0,
    })
}

/// The folders of what the server reads, and of its modules, where Debian has its programs in
/// `/usr/lib/postgresql/VERSION/bin`.
fn folders(programs: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let version = programs.strip_prefix("/usr/lib/postgresql").ok().and_then(|rest| rest.parent());
    let version = version.with_context(|| {
        let found = programs.display();
        format!("the trial Postgres is made of Debian's, and this machine's is in {found}")
    })?;
    let share = Path::new("/usr/share/postgresql").join(version);
    Ok((share, programs.with_file_name("lib")))
}

/// Files of this machine, at the place in the image that they have here.
#[derive(Default)]
struct Root(BTreeMap<String, (bool, Vec<u8>)>);

impl Root {
    fn program(&mut self, path: &Path) -> anyhow::Result<PathBuf> {
        self.take(path, true)
    }

    fn file(&mut self, path: &Path) -> anyhow::Result<PathBuf> {
        self.take(path, false)
    }

    fn take(&mut self, path: &Path, is_program: bool) -> anyhow::Result<PathBuf> {
        let place =
            path.strip_prefix("/").with_context(|| format!("{} is relative", path.display()))?;
        self.0.insert(place.display().to_string(), (is_program, read(path)?));
        Ok(path.to_owned())
    }

    /// The files of a folder, without the folders in it.
    fn folder(&mut self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        for entry in fs::read_dir(path).with_context(|| format!("cannot read folder {shown}"))? {
            let path = entry?.path();
            // What a link leads to, if that is there.
            if path.is_file() {
                self.file(&path)?;
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The shared libraries that files need, and the loader that finds them.
fn libraries(files: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    listed(&capture(Command::new("ldd").args(files))?)
}

/// The files in what ldd(1) prints: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the loader.
fn listed(printed: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in printed.lines().map(str::trim) {
        if line.ends_with("=> not found") {
            bail!("a library of this machine's Postgres is missing: {line}");
        }
        let file = line.split_once(" => ").map_or(line, |(_, file)| file);
        if let Some((path, _)) = file.split_once(" (0x")
            && path.starts_with('/')
        {
            found.push(PathBuf::from(path));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_those_with_a_path_each_once() {
        let printed = "/usr/lib/postgresql/15/bin/postgres:
\tlinux-vdso.so.1 (0x00007f7915e0e000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f7914b20000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f7915e10000)
/bin/sh:
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f2b84b20000)
";
        let files = listed(printed).unwrap();
        let expected = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(files, expected.map(PathBuf::from));
    }

    #[test]
    fn folders_are_those_of_debian_or_an_error_names_what_is_there() {
        let (share, modules) = folders(Path::new("/usr/lib/postgresql/15/bin")).unwrap();
        assert_eq!(share, Path::new("/usr/share/postgresql/15"));
        assert_eq!(modules, Path::new("/usr/lib/postgresql/15/lib"));
        let error = folders(Path::new("/opt/pg/bin")).unwrap_err().to_string();
        assert!(error.ends_with("this machine's is in /opt/pg/bin"), "{error}");
    }

    #[test]
    fn a_library_that_is_missing_is_an_error_that_names_it() {
        let error = listed("postgres:\n\tlibicu.so.72 => not found\n").unwrap_err().to_string();
        assert!(error.contains("libicu.so.72"), "{error}");
    }
}
