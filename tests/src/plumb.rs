//! The `plumb` program in a folder of its own, with an environment of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run `plumb` in. It is also the home directory, so that nothing of the user's is
/// read or written.
pub struct Bench {
    dir: TempDir,
}

impl Bench {
    /// An empty folder.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The text of a file in the folder.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `plumb` with arguments, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.dir())
            .env_clear()
            .env("HOME", self.dir())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `plumb` to its end.
    pub fn plumb<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Starts `plumb` and lets it run.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Child {
        self.command(arguments).spawn().unwrap()
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Ended {
    /// The same, if it ended with this code; else a panic that shows everything.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Its output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("plumb prints text"),
            stderr: String::from_utf8(output.stderr).expect("plumb speaks text"),
        }
    }
}

/// The program, beside the program that asks, or beside the folder that a test was built into.
pub fn program() -> PathBuf {
    built("plumb")
}

/// A program of the workspace, likewise.
pub fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    let built: Vec<_> = built.collect();
    built.iter().find(|path| path.is_file()).cloned().unwrap_or_else(|| {
        panic!(
            "{} is not there: build it with `cargo build --workspace --bins`, or run `cargo xtask \
             test`",
            built[built.len() - 1].display()
        )
    })
}
