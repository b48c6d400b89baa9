//! One connection at a time to a host, and a pause between two, whoever asks in this process: an
//! audit of several listeners of one broker must not look like a flood to it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When the next connection to a host may be opened.
static NEXT: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());

/// Waits for a turn at a host, so that turns are `interval` apart.
pub(super) async fn turn(host: &str, interval: Duration) {
    if interval.is_zero() {
        return;
    }
    sleep_until(reserve(host, interval, Instant::now())).await;
}

fn reserve(host: &str, interval: Duration, now: Instant) -> Instant {
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    // What lies behind us binds nobody; only hosts that are being asked stay in the map.
    next.retain(|_, at| *at > now);
    let turn = next.get(host).copied().unwrap_or(now).max(now);
    next.insert(host.to_owned(), turn + interval);
    turn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_at_one_host_are_an_interval_apart_and_hosts_do_not_wait_for_each_other() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(reserve("one.test", second, now), now);
        assert_eq!(reserve("one.test", second, now), now + second);
        assert_eq!(reserve("other.test", second, now), now);
        assert_eq!(reserve("one.test", second, now), now + 2 * second);
        let later = now + 10 * second;
        assert_eq!(reserve("one.test", second, later), later);
    }
}
