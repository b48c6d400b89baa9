//! Ctrl-C and a request to end, for steps that leave something behind to be taken away.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::shell;

static ASKED: AtomicBool = AtomicBool::new(false);

/// How long a child's end stays unnoticed at most.
const POLL: Duration = Duration::from_millis(50);

/// From here on SIGINT, SIGTERM and SIGHUP do not end this program: [`run`] ends its child and
/// gives an error, so that what has been started is taken down on the way out.
pub fn defer() -> anyhow::Result<()> {
    ctrlc::set_handler(|| ASKED.store(true, Ordering::Relaxed)).context("cannot take signals")
}

/// [`shell::run`], until it ends or this program is asked to.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = shell::shown(command);
    println!("\n$ {shown}");
    let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return match status.success() {
                true => Ok(()),
                false => bail!("`{shown}` failed: {status}"),
            };
        }
        if ASKED.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            bail!("interrupted during `{shown}`");
        }
        std::thread::sleep(POLL);
    }
}
