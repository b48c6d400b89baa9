//! A session that stays open between statements.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;

/// A `psql` that takes statements one after another; its transaction is undone with this value. A
/// session hands statements over, or asks for lines, and does not mix the two.
#[derive(Debug)]
pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub(super) fn start(mut psql: Command) -> anyhow::Result<Self> {
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = psql.spawn()?;
        let input = child.stdin.take().context("psql has an input")?;
        let output = BufReader::new(child.stdout.take().context("psql has an output")?);
        Ok(Self { child, input, output })
    }

    /// The one line that a query gives, also where a new connection would be refused.
    ///
    /// # Errors
    /// If the query fails, which ends the session, or if the session has ended.
    pub fn ask(&mut self, query: &str) -> anyhow::Result<String> {
        self.send(&format!("{query};"))?;
        let mut line = String::new();
        let read = self.output.read_line(&mut line)?;
        anyhow::ensure!(read > 0, "the session ended at `{query}`");
        Ok(line.trim_end().to_owned())
    }

    /// Hands statements over and does not wait for them.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn send(&mut self, sql: &str) -> io::Result<()> {
        writeln!(self.input, "{sql}")?;
        self.input.flush()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only if it has already ended, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
