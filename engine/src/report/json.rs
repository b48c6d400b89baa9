//! JSON: the record itself, indented, and never with a character that a reader cannot see.

use model::delta::Delta;
use model::run::RunBundle;
use serde::Serialize;
use serde_json::json;

use super::alerts::AlertSet;
use super::text::inert_json;
use super::view::View;

/// A bundle (`bundle.v1`): record, evidence, exceptions and baseline. Nothing is left out, so any
/// other report can be rendered from it again.
pub fn pretty(bundle: &RunBundle) -> String {
    render(bundle)
}

/// A delta with its version, `delta.v1`.
pub fn delta(delta: &Delta) -> String {
    render(&json!({ "schema": "delta.v1", "delta": delta }))
}

/// The alerts of some runs with their version, `alerts.v1`.
pub fn alerts(views: &[View<'_>]) -> String {
    let set = AlertSet::new(views);
    let runs: Vec<_> = views
        .iter()
        .map(|view| {
            json!({
                "run": view.record.id,
                "target": view.record.target,
                "assessed_at": view.assessment.assessed_at,
                "posture": view.assessment.posture,
                "alerts": view.record.alerts,
            })
        })
        .collect();
    render(&json!({ "schema": "alerts.v1", "digest": set.digest, "runs": runs }))
}

/// Indented JSON with a line feed at the end. Escapes stay JSON: reading it back gives the same
/// value.
pub fn render(value: &impl Serialize) -> String {
    let json =
        serde_json::to_string_pretty(value).expect("our types have string keys and finite numbers");
    let mut out = inert_json(&json);
    out.push('\n');
    out
}
