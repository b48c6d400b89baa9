//! Whose turn it is: pure. Caps hold in the cluster and in each namespace, and no namespace waits
//! for another one's backlog.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use jiff::Timestamp;

/// How many runs may be at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// In the cluster.
    pub total: usize,
    /// In one namespace.
    pub per_namespace: usize,
}

/// A run that is at work or waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting<'a> {
    /// Since when it could start.
    pub since: Timestamp,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The target that it probes.
    pub target: &'a str,
}

/// Whether a run of this target could start at all; most of those that wait cannot, and need not
/// be put in order to know.
pub fn has_room(active: &[Waiting<'_>], namespace: &str, target: &str, caps: Caps) -> bool {
    let beside = || active.iter().filter(|run| run.namespace == namespace);
    active.len() < caps.total
        && beside().count() < caps.per_namespace
        && !beside().any(|run| run.target == target)
}

/// The runs that may start now. `active` are those at work. A target is probed by one run at a
/// time; the namespace with the fewest runs at work goes first, and in it who waited longest.
/// Gives namespace and name, in the order of admission.
pub fn admit<'a>(
    active: &[Waiting<'a>],
    waiting: &[Waiting<'a>],
    caps: Caps,
) -> Vec<(&'a str, &'a str)> {
    let mut at_work: BTreeMap<&str, usize> = BTreeMap::new();
    let mut busy: BTreeSet<(&str, &str)> = BTreeSet::new();
    for run in active {
        *at_work.entry(run.namespace).or_default() += 1;
        busy.insert((run.namespace, run.target));
    }
    let mut total = active.len();
    let mut left: Vec<&Waiting<'a>> = waiting.iter().collect();
    left.sort();
    let mut queues: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (index, run) in left.iter().enumerate() {
        queues.entry(run.namespace).or_default().push_back(index);
    }
    // One entry per namespace: its runs at work, and who is first in it.
    let mut turns: BinaryHeap<Reverse<(usize, usize)>> = queues
        .iter()
        .map(|(namespace, queue)| Reverse((at_work.get(namespace).copied().unwrap_or(0), queue[0])))
        .collect();
    let mut admitted = Vec::new();
    while total < caps.total {
        let Some(Reverse((running, index))) = turns.pop() else { break };
        if running >= caps.per_namespace {
            break;
        }
        let run = left[index];
        let mut running = running;
        if busy.insert((run.namespace, run.target)) {
            admitted.push((run.namespace, run.name));
            running += 1;
            total += 1;
        }
        let queue = queues.entry(run.namespace).or_default();
        queue.pop_front();
        turns.extend(queue.front().map(|next| Reverse((running, *next))));
    }
    admitted
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn run<'a>(second: i64, namespace: &'a str, name: &'a str) -> Waiting<'a> {
        let since = Timestamp::from_second(second).unwrap();
        Waiting { since, namespace, name, target: name }
    }

    const CAPS: Caps = Caps { total: 3, per_namespace: 2 };

    #[test]
    fn caps_hold_in_the_cluster_and_in_each_namespace() {
        let waiting = [run(1, "a", "a1"), run(2, "a", "a2"), run(3, "a", "a3"), run(4, "b", "b1")];
        assert_eq!(admit(&[], &waiting, CAPS), [("a", "a1"), ("b", "b1"), ("a", "a2")]);
        let active = [run(0, "a", "x"), run(0, "a", "y")];
        assert_eq!(admit(&active, &waiting, CAPS), [("b", "b1")]);
        let active = [run(0, "a", "x"), run(0, "b", "y"), run(0, "c", "z")];
        assert!(admit(&active, &waiting, CAPS).is_empty());
    }

    #[test]
    fn a_backlog_of_one_namespace_does_not_hold_up_another() {
        let backlog: Vec<String> = (0..50).map(|n| format!("a{n:02}")).collect();
        let mut waiting: Vec<_> = backlog.iter().map(|name| run(1, "a", name)).collect();
        waiting.push(run(100, "b", "b1"));
        assert!(admit(&[], &waiting, CAPS).contains(&("b", "b1")));
    }

    #[test]
    fn who_has_no_room_is_not_admitted() {
        let full = [run(0, "a", "x"), run(0, "a", "y")];
        assert!(!has_room(&full, "a", "a1", CAPS));
        assert!(has_room(&full, "b", "b1", CAPS));
        assert!(!has_room(&full[..1], "a", "x", CAPS), "its target is at work");
        assert!(has_room(&full[..1], "b", "x", CAPS), "another target of that name");
        let all = [run(0, "a", "x"), run(0, "b", "y"), run(0, "c", "z")];
        assert!(!has_room(&all, "d", "d1", CAPS));
    }

    #[test]
    fn who_waited_longest_goes_first() {
        let waiting = [run(9, "a", "late"), run(1, "a", "early")];
        assert_eq!(admit(&[], &waiting, Caps { total: 1, per_namespace: 1 }), [("a", "early")]);
    }

    #[test]
    fn a_target_is_probed_by_one_run_at_a_time() {
        let first = Waiting { target: "gw", ..run(1, "a", "one") };
        let second = Waiting { target: "gw", ..run(2, "a", "two") };
        assert_eq!(admit(&[], &[first.clone(), second.clone()], CAPS), [("a", "one")]);
        assert!(admit(&[first], &[second], CAPS).is_empty());
    }
}
