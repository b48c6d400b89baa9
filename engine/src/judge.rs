//! One rule on one document: the only way to a verdict.
//!
//! A profile is asked for and none is named, or it is silent -> not applicable;
//! `applies_when` false -> not applicable; a profile that nobody holds -> inconclusive; any `requires` not observed -> inconclusive;
//! `fail_when` in error -> inconclusive, and a defect; true -> fail; false -> pass.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Verdict;
use model::evidence::Items;
use serde_json::Value;

use crate::expression::{Params, Scope};
use crate::profile::Named;
use crate::rule::Rule;

/// The verdict of `rule` on `items`, with the complaint of the expression engine if it had one.
pub fn judge(
    rule: &Rule,
    items: &Items,
    params: &BTreeMap<String, Value>,
    now: Timestamp,
) -> (Verdict, Option<String>) {
    judge_in(rule, items, &Scope::under(items, &rule.profiles, now), &Params::new(params))
}

/// The same with scope and parameters that were built before, for many rules on one document.
pub fn judge_in(
    rule: &Rule,
    items: &Items,
    scope: &Scope<'_>,
    params: &Params,
) -> (Verdict, Option<String>) {
    let unprofiled = unprofiled(rule, scope.named());
    if let Some(verdict @ Verdict::NotApplicable { .. }) = unprofiled {
        return (verdict, None);
    }
    let missing = rule.requires.iter().find(|pointer| !observed(items, pointer));
    match rule.applies_when.as_ref().map(|expression| expression.is_true(scope, params)) {
        Some(Ok(false)) => {
            let reason = format!("the rule applies when {}", rule.applies_when_source());
            return (Verdict::NotApplicable { reason }, None);
        }
        // Whether the rule applies hangs on an item that is missing: that is no defect.
        Some(Err(error)) if missing.is_none() && unprofiled.is_none() => {
            let reason = "whether the rule applies could not be evaluated".to_owned();
            return (Verdict::Inconclusive { reason }, Some(error.to_string()));
        }
        None | Some(_) => {}
    }
    if let Some(verdict) = unprofiled {
        return (verdict, None);
    }
    if let Some(pointer) = missing {
        return (Verdict::Inconclusive { reason: why_missing(items, pointer) }, None);
    }
    match rule.fail_when.is_true(scope, params) {
        Ok(true) => (Verdict::Fail, None),
        Ok(false) => (Verdict::Pass, None),
        Err(error) => {
            let reason = "the rule could not be evaluated on this evidence".to_owned();
            (Verdict::Inconclusive { reason }, Some(error.to_string()))
        }
    }
}

/// The verdict of a rule that holds an endpoint to a profile, where there is nothing to hold it to.
/// Which profile counts is declared and not observed: without one there is no demand, which is no
/// compliance either.
fn unprofiled(rule: &Rule, named: Named<'_>) -> Option<Verdict> {
    let not_applicable = |reason: String| Some(Verdict::NotApplicable { reason });
    if rule.profile.is_empty() {
        return None;
    }
    match named {
        Named::None => not_applicable("the target names no TLS profile".to_owned()),
        Named::Unclear(why) => Some(Verdict::Inconclusive { reason: why.to_owned() }),
        Named::Unknown(name) => Some(Verdict::Inconclusive {
            reason: format!(
                "the target names the profile `{name}`, which no rule pack of this run has"
            ),
        }),
        Named::Held(profile) => {
            rule.profile.iter().find(|part| !profile.states(**part)).and_then(|part| {
                let (id, part) = (&profile.id, part.as_str());
                not_applicable(format!("the profile `{id}` says nothing about {part}"))
            })
        }
    }
}

fn observed(items: &Items, pointer: &str) -> bool {
    items.get(pointer).is_some_and(|item| item.value().is_some())
}

fn why_missing(items: &Items, pointer: &str) -> String {
    match items.get(pointer) {
        Some(item) => {
            let reason = item.reason().unwrap_or("no reason given");
            format!("{pointer} was not observed ({}): {reason}", item.status())
        }
        None => format!("{pointer} is not in the evidence"),
    }
}
