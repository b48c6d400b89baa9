//! The values: every one explained, held to a schema, and in the guide.

use serde_json::Value;

use crate::helm::{chart, root};

/// A key of values.yaml.
struct Key {
    path: String,
    comment: String,
    indent: usize,
}

/// Every key of values.yaml, in order, with the comment above it.
fn keys(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut comment = Vec::new();
    let mut list = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.is_empty() {
            comment.clear();
        } else if let Some(words) = trimmed.strip_prefix('#') {
            comment.push(words.trim());
        } else if trimmed.starts_with('-') {
            list = list.or(Some(indent));
        } else if list.is_none_or(|list| indent < list) {
            list = None;
            let name = trimmed.split(':').next().unwrap().to_owned();
            above.retain(|(depth, _)| *depth < indent);
            let path: Vec<_> =
                above.iter().map(|(_, name)| name.as_str()).chain([&*name]).collect();
            keys.push(Key { path: path.join("."), comment: comment.join(" "), indent });
            above.push((indent, name));
            comment.clear();
        }
    }
    keys
}

fn file(name: &str) -> String {
    std::fs::read_to_string(chart().join(name)).unwrap()
}

/// True for what is below `resources`, which is explained as a whole.
fn is_detail(path: &str) -> bool {
    path.contains("resources.")
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

#[test]
fn every_value_is_explained() {
    let keys = keys(&file("values.yaml"));
    assert!(keys.len() > 80, "only {} values were found", keys.len());
    for key in keys.iter().filter(|key| !is_detail(&key.path)) {
        assert!(!key.comment.is_empty(), "{} has no comment", key.path);
        assert!(key.comment.ends_with('.'), "{}: {}", key.path, key.comment);
    }
}

/// The table of the guide: one line per value, with its default and what values.yaml says of it.
fn table() -> String {
    let text = file("values.yaml");
    let defaults: Value = serde_saphyr::from_str(&text).unwrap();
    let keys = keys(&text);
    let mut table = String::from("| value | default | meaning |\n|---|---|---|\n");
    for (place, key) in keys.iter().enumerate().filter(|(_, key)| !is_detail(&key.path)) {
        let below = keys.get(place + 1);
        let is_group = below.is_some_and(|next| next.indent > key.indent && !is_detail(&next.path));
        let default = match defaults.pointer(&pointer(&key.path)).unwrap() {
            _ if is_group => String::new(),
            Value::String(text) if text.is_empty() => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        table += &format!("| `{}` | {default} | {} |\n", key.path, key.comment);
    }
    table
}

#[test]
fn the_guide_lists_every_value_with_its_default() {
    let guide = std::fs::read_to_string(root().join("docs/operator/install.md")).unwrap();
    let (_, listed) = guide.split_once("## Values\n\n").expect("the guide has a section Values");
    let table = table();
    assert!(
        listed == table,
        "docs/operator/install.md does not list the values as they are. Put this under `## Values`:\n\n{table}"
    );
}

/// Every schema of an object must say what may be in it.
fn strict(schema: &Value, place: &str, loose: &mut Vec<String>) {
    if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        loose.push(place.to_owned());
    }
    if schema["type"] == "array" && schema.get("items").is_none() {
        loose.push(place.to_owned());
    }
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                strict(value, &format!("{place}/{name}"), loose);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                strict(value, &format!("{place}/{index}"), loose);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_is_strict_everywhere_but_in_what_kubernetes_checks() {
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();
    let mut loose = Vec::new();
    strict(&schema, "", &mut loose);
    // A parent chart hands `global` down; affinity is a deep schema that the API server has.
    assert_eq!(
        loose,
        [
            "/definitions/affinity/properties/nodeAffinity",
            "/definitions/affinity/properties/podAffinity",
            "/definitions/affinity/properties/podAntiAffinity",
            "/properties/global",
        ]
    );
}

/// The values that a schema names, in dots.
fn named(schema: &Value, path: &str, found: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push(path.clone());
        named(property, &path, found);
    }
}

#[test]
fn schema_and_values_name_the_same() {
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();
    let mut in_schema = Vec::new();
    named(&schema, "", &mut in_schema);
    in_schema.retain(|path| path != "global");
    let mut in_values: Vec<_> =
        keys(&file("values.yaml")).into_iter().map(|key| key.path).collect();
    // What a definition describes is named there once, for all who refer to it.
    in_values.retain(|path| {
        let part = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        !is_detail(path)
            && !["image", "probeImage", "postgres.image", "issues.image"].contains(&part)
    });
    in_schema.sort();
    in_values.sort();
    assert_eq!(in_schema, in_values);
}
