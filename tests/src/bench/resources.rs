//! What a process used, by the kernel's own count (Linux, proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Time that the calling thread has spent on a processor: the first field of
/// `/proc/thread-self/schedstat`, in nanoseconds.
pub fn processor_time() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().context("schedstat is empty")?;
    Ok(Duration::from_nanos(first.parse()?))
}

/// Memory of this process that is resident now, in bytes.
pub fn resident() -> anyhow::Result<u64> {
    status("VmRSS:")
}

/// The most memory of this process that was ever resident, in bytes.
pub fn peak_resident() -> anyhow::Result<u64> {
    status("VmHWM:")
}

/// Forgets the peak so far, so that [`peak_resident`] tells what comes from here on.
pub fn forget_peak() -> anyhow::Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of resident memory")
}

/// Bytes as MiB.
pub fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes / (1024 * 1024))
}

fn status(field: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let value = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = value.and_then(|value| value.split_whitespace().next());
    let kib: u64 = kib.with_context(|| format!("no {field} in /proc/self/status"))?.parse()?;
    Ok(kib * 1024)
}

/// Processors and their model.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name))
        .unwrap_or("unknown processor");
    format!("{cores} cores, {model}")
}
