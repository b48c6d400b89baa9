//! Who runs a run: how a run whose process was killed is told from one that is still going.
//!
//! On the owner's own host the process table decides. From anywhere else only the lease does.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

/// The process that owns a running run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Where process ids mean the same: one boot of one kernel, one pid namespace. Empty where
    /// the system does not tell, which is like no other host.
    pub host: String,
    /// Process id on that host.
    pub pid: u32,
    /// Start of that process in clock ticks since boot, so that a reused id is another process.
    pub pid_started: Option<u64>,
    /// Until when the owner need not be heard of again. [`Store::heartbeat`] moves it on.
    ///
    /// [`Store::heartbeat`]: crate::Store::heartbeat
    pub lease_until: Timestamp,
}

impl Owner {
    /// This process, with a lease until then.
    pub fn this_process(lease_until: Timestamp) -> Self {
        let pid = std::process::id();
        let pid_started = match process(pid) {
            Process::Started(ticks) => Some(ticks),
            Process::Gone | Process::Unknown => None,
        };
        Self { host: this_host(), pid, pid_started, lease_until }
    }

    /// True if nobody will finish this owner's run any more, as far as can be told at `now`.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        let here = !self.host.is_empty() && self.host == this_host();
        match (here, process(self.pid), self.pid_started) {
            (true, Process::Started(ticks), Some(started)) => ticks != started,
            (true, Process::Gone, Some(_)) => true,
            _ => self.lease_until < now,
        }
    }
}

/// Boot id and pid namespace: containers of one host share the first and not the second.
fn this_host() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid");
    match (boot, namespace) {
        (Ok(boot), Ok(namespace)) => format!("{} {}", boot.trim(), namespace.display()),
        _ => String::new(),
    }
}

enum Process {
    /// There is one, started at that tick.
    Started(u64),
    /// There is none, or only what its parent has not collected yet.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// Looks a process up in `/proc` (proc_pid_stat(5)).
fn process(pid: u32) -> Process {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        // Where other users' processes are hidden (`hidepid`), process 1 is hidden as well.
        return if Path::new("/proc/1/stat").exists() { Process::Gone } else { Process::Unknown };
    };
    // The name in parentheses may itself hold anything; fields are counted from behind it:
    // the state is the 3rd field of the line, the start time the 22nd.
    let Some((_, rest)) = stat.rsplit_once(')') else { return Process::Unknown };
    let mut fields = rest.split_whitespace();
    match (fields.next(), fields.nth(18).and_then(|ticks| ticks.parse().ok())) {
        (Some("Z" | "X"), _) => Process::Gone,
        (Some(_), Some(ticks)) => Process::Started(ticks),
        _ => Process::Unknown,
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn owner_of(pid: u32, lease: &str) -> Owner {
        let pid_started = match process(pid) {
            Process::Started(ticks) => Some(ticks),
            _ => None,
        };
        Owner { host: this_host(), pid, pid_started, lease_until: lease.parse().unwrap() }
    }

    const LONG_AGO: &str = "2000-01-01T00:00:00Z";
    const FAR_AWAY: &str = "2100-01-01T00:00:00Z";

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn this_process_is_not_gone_whatever_its_lease() {
        let owner = Owner::this_process(LONG_AGO.parse().unwrap());
        assert!(owner.pid_started.is_some() && !owner.host.is_empty());
        assert!(!owner.is_gone(now()));
    }

    #[test]
    fn a_killed_process_is_gone_before_and_after_its_parent_collects_it() {
        let mut child = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        let owner = owner_of(child.id(), FAR_AWAY);
        assert!(!owner.is_gone(now()));
        child.kill().unwrap();
        let stat = format!("/proc/{}/stat", owner.pid);
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert!(owner.is_gone(now()), "killed");
        child.wait().unwrap();
        assert!(owner.is_gone(now()), "collected");
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let mut owner = Owner::this_process(FAR_AWAY.parse().unwrap());
        owner.pid_started = owner.pid_started.map(|ticks| ticks + 1);
        assert!(owner.is_gone(now()));
    }

    #[test]
    fn elsewhere_only_the_lease_decides() {
        for host in ["another", ""] {
            let mut owner = Owner::this_process(FAR_AWAY.parse().unwrap());
            owner.host = host.to_owned();
            assert!(!owner.is_gone(now()), "{host}");
            owner.lease_until = LONG_AGO.parse().unwrap();
            assert!(owner.is_gone(now()), "{host}");
        }
    }
}
