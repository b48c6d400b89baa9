//! Test vectors: evidence with the verdict that it must give.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::Verdict;
use model::evidence::{Item, Items};
use serde::Deserialize;
use serde_json::Value;

use super::{Rule, RuleSet};
use crate::judge::judge;

/// The verdict that a vector expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// The control passes.
    Pass,
    /// The control fails.
    Fail,
    /// The control cannot be decided.
    Inconclusive,
    /// The rule does not speak about this.
    NotApplicable,
}

impl Expect {
    /// Every verdict that a rule must have a vector for.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::Inconclusive, Self::NotApplicable];
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not_applicable",
        })
    }
}

/// One vector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What the vector shows.
    pub name: String,
    /// The verdict that it must give.
    pub expect: Expect,
    /// Stable items: a plain value is an observed one, a map with `status` an item as it stands.
    #[serde(default)]
    pub evidence: BTreeMap<String, Value>,
    /// The target declares no input for this check, for this reason.
    #[serde(default)]
    pub skipped: Option<String>,
    /// The time of the judgement; the beginning of 2026 where it is absent.
    #[serde(default)]
    pub now: Option<Timestamp>,
    /// Parameters over the rule's defaults.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
}

impl Vector {
    /// The evidence as items.
    pub fn items(&self) -> Items {
        self.evidence.iter().map(|(pointer, value)| (pointer.clone(), item(value))).collect()
    }

    /// The verdict that the rule gives on this vector, with what the expression engine complained
    /// about. `items` may differ from the vector's own.
    pub fn judge(&self, rule: &Rule, items: &Items) -> (Verdict, Option<String>) {
        if let Some(reason) = &self.skipped {
            return (Verdict::NotApplicable { reason: reason.clone() }, None);
        }
        let mut params = rule.params.clone();
        params.extend(self.params.clone());
        let now = self.now.unwrap_or(DEFAULT_NOW);
        judge(rule, items, &params, now)
    }
}

/// 2026-01-01T00:00:00Z.
const DEFAULT_NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn item(value: &Value) -> Item<Value> {
    if value.get("status").is_some_and(Value::is_string)
        && let Ok(item) = serde_json::from_value(value.clone())
    {
        return item;
    }
    Item::observed(value.clone())
}

/// A vector that did not give what it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorFailure {
    /// The rule.
    pub rule: String,
    /// The vector.
    pub vector: String,
    /// What it must give.
    pub expect: Expect,
    /// What it gave.
    pub found: Verdict,
    /// What the expression engine complained about.
    pub error: Option<String>,
}

/// Runs every vector of every rule; the number of vectors, and those that failed. A vector whose
/// expression fails is a failure too, even where the verdict is the expected one.
pub fn run_vectors(rules: &RuleSet) -> (usize, Vec<VectorFailure>) {
    let mut count = 0;
    let mut failures = Vec::new();
    for rule in rules.rules() {
        for vector in &rule.vectors {
            count += 1;
            let (found, error) = vector.judge(rule, &vector.items());
            if found.as_str() != vector.expect.to_string() || error.is_some() {
                failures.push(VectorFailure {
                    rule: rule.key.to_string(),
                    vector: vector.name.clone(),
                    expect: vector.expect,
                    found,
                    error,
                });
            }
        }
    }
    (count, failures)
}
