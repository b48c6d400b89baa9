//! What tests ask of evidence.

use model::evidence::{Evidence, Item};
use serde_json::Value;

/// The observed value of an item; a panic that shows the item where there is none.
#[track_caller]
pub fn value(evidence: &Evidence, pointer: &str) -> Value {
    let item = item(evidence, pointer);
    item.value().unwrap_or_else(|| panic!("{pointer}: {item:?}, {:?}", evidence.volatile)).clone()
}

/// The status of an item.
#[track_caller]
pub fn status(evidence: &Evidence, pointer: &str) -> &'static str {
    item(evidence, pointer).status()
}

/// Holds evidence to observed values.
#[track_caller]
pub fn expect(evidence: &Evidence, facts: &[(&str, Value)]) {
    for (pointer, expected) in facts {
        assert_eq!(value(evidence, pointer), *expected, "{pointer}, {:?}", evidence.volatile);
    }
}

#[track_caller]
fn item<'e>(evidence: &'e Evidence, pointer: &str) -> &'e Item<Value> {
    evidence.item(pointer).unwrap_or_else(|| panic!("no {pointer}"))
}
