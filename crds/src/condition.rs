//! Conditions as `metav1.Condition` means them: one of each type, and a transition time that
//! moves only when the status does.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The object can do its work.
pub const READY: &str = "Ready";
/// The schedule has a next slot.
pub const SCHEDULED: &str = "Scheduled";
/// Every planned document of the last run is stored, and judged.
pub const EVIDENCE_STORED: &str = "EvidenceStored";
/// Something works, but not as it should.
pub const DEGRADED: &str = "Degraded";
/// The evidence is older than allowed.
pub const STALE: &str = "Stale";
/// The exception waives findings.
pub const APPLIED: &str = "Applied";

/// Longest message of a condition, in characters, so that a status stays below 4 KiB.
const MAX_MESSAGE: usize = 400;

/// What a condition says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'a> {
    /// One of the constants of this module.
    pub kind: &'static str,
    /// True, false, or unknown.
    pub holds: Option<bool>,
    /// One word in camel case, for programs.
    pub reason: &'static str,
    /// One sentence, for people.
    pub message: &'a str,
}

/// Sets a condition. Its transition time stays where the status stays.
pub fn set(
    conditions: &mut Vec<Condition>,
    said: &Said<'_>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let status = match said.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let old = conditions.iter().position(|condition| condition.type_ == said.kind);
    let since = old
        .map(|index| &conditions[index])
        .filter(|condition| condition.status == status)
        .map_or(Time(whole_second(now)), |condition| condition.last_transition_time.clone());
    let condition = Condition {
        type_: said.kind.to_owned(),
        status: status.to_owned(),
        reason: said.reason.to_owned(),
        message: said.message.chars().take(MAX_MESSAGE).collect(),
        observed_generation: generation,
        last_transition_time: since,
    };
    match old {
        Some(index) => conditions[index] = condition,
        None => conditions.push(condition),
    }
}

/// The condition of a type, if it was set.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// True if the condition of a type is there and holds.
pub fn holds(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// Times in a status have whole seconds, as the API server writes them.
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        let said = |holds, message| Said { kind: READY, holds, reason: "Accepted", message };
        set(&mut conditions, &said(Some(true), "a"), Some(1), at("2026-11-21T00:00:00Z"));
        set(&mut conditions, &said(Some(true), "b"), Some(2), at("2026-11-21T01:00:00Z"));
        assert_eq!(conditions.len(), 1);
        assert_eq!(conditions[0].message, "b");
        assert_eq!(conditions[0].observed_generation, Some(2));
        assert_eq!(conditions[0].last_transition_time.0, at("2026-11-21T00:00:00Z"));
        set(&mut conditions, &said(Some(false), "c"), Some(2), at("2026-11-21T02:00:00.9Z"));
        assert_eq!(conditions[0].last_transition_time.0, at("2026-11-21T02:00:00Z"));
        assert!(!holds(&conditions, READY));
    }

    #[test]
    fn a_message_is_cut() {
        let mut conditions = Vec::new();
        let message = "x".repeat(5_000);
        let said = Said { kind: READY, holds: None, reason: "Long", message: &message };
        set(&mut conditions, &said, None, at("2026-11-21T00:00:00Z"));
        assert_eq!(conditions[0].message.len(), MAX_MESSAGE);
        assert_eq!(conditions[0].status, "Unknown");
    }
}
