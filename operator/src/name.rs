//! Names that follow from what they name, so that nothing is ever created twice.

use jiff::Timestamp;
use model::{Digest, RunId};

/// Longest name of a run. Its Job has the same name, and Kubernetes adds six characters for the
/// pod, whose name is a label value of at most 63 (RFC 1123, section 2.1).
pub const MAX_RUN: usize = 57;

/// The run of a target in a slot: `<schedule>-<target>-<slot>`, in seconds since 1970. A name
/// that would be too long ends in a digest over the whole instead.
pub fn of_slot(schedule: &str, target: &str, slot: Timestamp) -> String {
    bounded(&format!("{schedule}-{target}"), &slot.as_second().to_string())
}

/// The run that a target asks for: by a label's value, or because its spec changed.
pub fn of_request(target: &str, why: &str, what: &str) -> String {
    let salt = Digest::of_bytes(format!("{why} {what}").as_bytes());
    bounded(target, &format!("{why}-{}", &salt.id()[..8]))
}

fn bounded(stem: &str, end: &str) -> String {
    let whole = format!("{stem}-{end}");
    if whole.len() <= MAX_RUN {
        return whole;
    }
    let digest = Digest::of_bytes(stem.as_bytes());
    let end = format!("{}-{end}", &digest.id()[..8]);
    let kept: String = stem.chars().take(MAX_RUN - end.len() - 1).collect();
    format!("{}-{end}", kept.trim_end_matches(['-', '.']))
}

/// The name of a run in the store: from the AuditRun's own identity, so that whoever computes it
/// again gets the same.
pub fn of_run(uid: &str, created: Timestamp) -> RunId {
    let digest = Digest::of_bytes(uid.as_bytes());
    let salt = u32::from_str_radix(&digest.id()[..8], 16).unwrap_or(0);
    RunId::new(created, salt)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn slot() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_short_name_says_schedule_target_and_slot() {
        assert_eq!(of_slot("nightly", "plant-7", slot()), "nightly-plant-7-1795255200");
    }

    #[test]
    fn a_long_name_is_cut_and_still_its_own() {
        let long = "a".repeat(63);
        let one = of_slot(&long, "one", slot());
        let two = of_slot(&long, "two", slot());
        assert_ne!(one, two);
        assert!(one.len() <= MAX_RUN && two.len() <= MAX_RUN);
        assert!(one.ends_with("-1795255200"));
    }

    #[test]
    fn the_same_request_has_the_same_name() {
        assert_eq!(of_request("plant-7", "now", "x"), of_request("plant-7", "now", "x"));
        assert_ne!(of_request("plant-7", "now", "x"), of_request("plant-7", "now", "y"));
    }

    #[test]
    fn a_run_keeps_its_name_in_the_store() {
        let run = of_run("0b5f", slot());
        assert_eq!(run, of_run("0b5f", slot()));
        assert!(run.0.starts_with("20261121-100000-"));
    }
}
