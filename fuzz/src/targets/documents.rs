//! Words that people and programs hand in: documents, rules, evidence, bodies of issues.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use engine::contract;
use engine::expression::{Expression, Params, Scope};
use engine::rule;
use engine::tracker::marker::{self, Marker, TargetMarker};
use jiff::Timestamp;
use model::document::{Address, Place, read_files, without_secrets};
use model::evidence::{Evidence, Items};

/// The pack that a fuzzed rule stands in.
const PACK: &str = "id: fuzzed\nversion: 0.1.0\ntitle: Fuzzed\n";

/// A document that was seen once, for expressions to look at.
static SEEN: LazyLock<Items> = LazyLock::new(|| {
    let seen: Evidence =
        serde_json::from_str(include_str!("evidence.json")).expect("evidence is JSON");
    seen.stable
});

/// An upload: what is admitted is admitted again.
pub(super) fn evidence(bytes: &[u8]) {
    if let Ok(evidence) = contract::admit(bytes) {
        let again = serde_json::to_vec(&evidence).expect("evidence is JSON");
        assert_eq!(contract::admit(&again).as_ref(), Ok(&evidence));
    }
}

/// Documents of targets, schedules and exceptions.
pub(super) fn document(bytes: &[u8]) {
    for place in [Place::Outside, Place::Inside] {
        if let Err(problems) = read_files(&[("fuzzed.yaml", bytes)], place) {
            assert!(!problems.is_empty());
            let text = String::from_utf8_lossy(bytes);
            for problem in problems {
                problem.snippet(&text);
                problem.to_string();
            }
        }
    }
}

/// An address, as a source names one.
pub(super) fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for address in [Address::parse(&text), Address::of_source(&text)].into_iter().flatten() {
        let path = address.request_path();
        assert!(path.starts_with('/') && !path.contains(['\r', '\n', ' ']), "{path:?}");
        address.is_loopback();
    }
    without_secrets(&text);
}

/// An expression of a rule, evaluated over evidence.
pub(super) fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(expression) = Expression::compile(text) else { return };
    let params = Params::new(&BTreeMap::new());
    let scope = Scope::new(&SEEN, Timestamp::UNIX_EPOCH);
    expression.is_true(&scope, &params).ok();
    expression.answer(&scope, &params).ok();
}

/// A rule of a pack that somebody wrote: loaded with its vectors, or refused with reasons.
pub(super) fn rule(bytes: &[u8]) {
    loaded("broker_transport_posture/fuzzed.yaml", bytes);
}

/// A profile of such a pack.
pub(super) fn profile(bytes: &[u8]) {
    loaded("profiles/fuzzed.yaml", bytes);
}

fn loaded(name: &str, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match rule::load(&[vec![("pack.yaml", PACK), (name, text)]]) {
        Ok(rules) => {
            rule::run_vectors(&rules);
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

/// The body of an issue: what it says to us, and that it can be written again.
pub(super) fn marker(bytes: &[u8]) {
    let body = String::from_utf8_lossy(bytes);
    let words = marker::unmarked(&body);
    if let Some(marker) = Marker::of(&body) {
        let again = marker::with_line(&words, &marker.line());
        assert_eq!(Marker::of(&again), Some(marker));
    }
    if let Some(marker) = TargetMarker::of(&body) {
        let again = marker::with_line(&words, &marker.line());
        assert_eq!(TargetMarker::of(&again), Some(marker));
    }
}
