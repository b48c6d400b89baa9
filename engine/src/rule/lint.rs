//! What a rule must be beyond well-formed, so that it can never pass without evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use model::CheckId;
use serde_json::Value;

use super::{Expect, Problem, Rule};
use crate::profile;

/// The stable items of every contract: pointer to its schema, by check.
static POINTERS: LazyLock<BTreeMap<CheckId, BTreeMap<String, Value>>> = LazyLock::new(|| {
    let mut checks: BTreeMap<CheckId, BTreeMap<String, Value>> = BTreeMap::new();
    let schemas = model::schema::evidence();
    for (check, named) in CheckId::ALL.into_iter().filter_map(|check| {
        let own = format!("{check}.");
        let newest = schemas.iter().rfind(|named| named.name.starts_with(&own));
        newest.map(|named| (check, named))
    }) {
        let stable = resolve(&named.schema, &named.schema["properties"]["stable"]);
        if let Some(properties) = stable["properties"].as_object() {
            let items = properties.iter().map(|(name, item)| (name.clone(), item.clone()));
            checks.insert(check, items.collect());
        }
    }
    checks
});

/// The pointers that evidence of a check has.
pub(super) fn pointers_of(check: CheckId) -> impl Iterator<Item = &'static str> {
    POINTERS.get(&check).into_iter().flat_map(|items| items.keys().map(String::as_str))
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        Some(pointer) => root.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

/// Every problem of one rule.
pub fn lint(rule: &Rule, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: String| {
        problems.push(Problem::at_field(&rule.file, text, field, message));
    };
    let check = rule.key.check();
    let known: BTreeSet<&str> = pointers_of(check).collect();
    let requires: BTreeSet<&str> = rule.requires.iter().map(String::as_str).collect();

    let folder = rule.file.rsplit_once('/').map(|(folder, name)| (folder, name.to_owned()));
    let expected = format!("{}.yaml", rule.key.name());
    if folder.is_some_and(|(folder, name)| folder != check.as_str() || name != expected) {
        problem("id", format!("this rule belongs into {check}/{expected}"));
    }
    if requires.is_empty() {
        problem("requires", "a rule needs at least one pointer; none can pass on nothing".into());
    }
    for (field, pointers) in [("requires", &rule.requires), ("evidence", &rule.evidence)] {
        for pointer in pointers.iter().filter(|pointer| !known.contains(pointer.as_str())) {
            problem(field, format!("`{pointer}` is no item of {check}{}", near(pointer, &known)));
        }
    }
    let expressions =
        [("applies_when", rule.applies_when.as_ref()), ("fail_when", Some(&rule.fail_when))];
    for (field, expression) in expressions {
        let Some(expression) = expression else { continue };
        if expression.pointers().is_empty() {
            problem(field, "the expression reads no evidence".into());
        }
        for path in expression.pointers() {
            match owner(path, &known) {
                None => {
                    problem(field, format!("`{path}` is no item of {check}{}", near(path, &known)))
                }
                Some(pointer) if !requires.contains(pointer) => {
                    problem(field, format!("reads `{pointer}`, which `requires` does not list"));
                }
                Some(_) => {}
            }
        }
        for name in expression.profile().iter().filter(|name| !may_read(rule, name)) {
            problem(field, format!("reads `profile.{name}`, which `profile` does not list"));
        }
        for name in expression.params().iter().filter(|name| !rule.params.contains_key(*name)) {
            problem(field, format!("reads `params.{name}`, which `params` does not define"));
        }
    }
    if !rule.profile.is_empty() && !known.contains(profile::POINTER) {
        problem("profile", format!("evidence of {check} does not say which profile counts"));
    }
    let texts = &rule.texts;
    let lists = [
        ("observed", &texts.observed),
        ("expected", &texts.expected),
        ("acceptance", &texts.acceptance),
    ];
    let single = [("message", &texts.message), ("why", &texts.why)];
    let templates = single
        .into_iter()
        .chain(lists.into_iter().flat_map(|(field, list)| list.iter().map(move |t| (field, t))));
    for (field, template) in templates {
        for path in template.pointers().filter(|path| owner(path, &known).is_none()) {
            problem(field, format!("`{path}` is no item of {check}{}", near(path, &known)));
        }
        for name in template.profile().filter(|name| !may_read(rule, name)) {
            problem(field, format!("shows `profile.{name}`, which `profile` does not list"));
        }
        for name in template.params().filter(|name| !rule.params.contains_key(*name)) {
            problem(field, format!("shows `params.{name}`, which `params` does not define"));
        }
    }
    for (field, list) in lists {
        if list.is_empty() {
            problem(field, "at least one line is needed".into());
        }
    }
    for (field, line) in [("title", &rule.title), ("control", &rule.control)] {
        if line.is_empty() || line.contains('\n') || line.len() > 120 {
            problem(field, "one line of 1 to 120 characters is needed".into());
        }
    }
    if rule.standards.is_empty() {
        problem("standards", "at least one clause is needed".into());
    }
    for expect in Expect::ALL {
        if !rule.vectors.iter().any(|vector| vector.expect == expect) {
            problem("test_vectors", format!("there is no vector that expects `{expect}`"));
        }
    }
    for vector in &rule.vectors {
        for pointer in vector.evidence.keys().filter(|pointer| !known.contains(pointer.as_str())) {
            let near = near(pointer, &known);
            problem(
                "test_vectors",
                format!("{}: `{pointer}` is no item of {check}{near}", vector.name),
            );
        }
    }
    problems
}

/// Whether a rule may read that field or part of the profile: a part that it lists is there whenever
/// the rule is judged, and so are the head and the versions.
fn may_read(rule: &Rule, name: &str) -> bool {
    const ALWAYS: [&str; 5] = ["id", "title", "framework", "edition", "versions"];
    let listed = rule.profile.iter().any(|part| part.as_str() == name);
    listed || !rule.profile.is_empty() && ALWAYS.contains(&name)
}

/// The pointer whose value a path reaches into: the path itself or a prefix of it.
fn owner<'a>(path: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let mut end = path.len();
    loop {
        if let Some(pointer) = known.get(&path[..end]) {
            return Some(pointer);
        }
        end = path[..end].rfind('/').filter(|end| *end > 0)?;
    }
}

/// A hint at the known pointer that shares the longest beginning.
fn near(pointer: &str, known: &BTreeSet<&str>) -> String {
    let shared =
        |other: &str| pointer.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    known
        .iter()
        .max_by_key(|other| shared(other))
        .filter(|other| shared(other) > 2)
        .map_or_else(String::new, |other| format!("; did you mean `{other}`?"))
}
