//! The parts that a health answer says fail.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::text::cut;

/// Bytes of a health answer that are read as JSON.
const MAX_JSON: usize = 64 * 1024;

/// Parts that are named.
const MAX_PARTS: usize = 16;

/// Levels of objects that are looked into.
const MAX_DEPTH: usize = 6;

/// Words by which health answers say that something fails, in lower case: Spring Boot's `DOWN` and
/// `OUT_OF_SERVICE`, `fail` of draft-inadarei-api-health-check, and what people write by hand.
const FAILING: [&str; 12] = [
    "critical",
    "dead",
    "disconnected",
    "down",
    "error",
    "fail",
    "failed",
    "failing",
    "offline",
    "out_of_service",
    "unavailable",
    "unhealthy",
];

/// Pointers to the fields that hold such a word, sorted; none where the answer is no JSON.
pub fn failing(content: &[u8]) -> Vec<String> {
    let mut found = BTreeSet::new();
    if content.len() <= MAX_JSON
        && let Ok(value) = serde_json::from_slice::<Value>(content)
    {
        walk(&value, "", 0, &mut found);
    }
    found.into_iter().take(MAX_PARTS).collect()
}

fn walk(value: &Value, pointer: &str, depth: usize, found: &mut BTreeSet<String>) {
    if depth > MAX_DEPTH || found.len() > MAX_JSON / 64 {
        return;
    }
    match value {
        Value::String(word) if FAILING.contains(&word.trim().to_ascii_lowercase().as_str()) => {
            found.insert(cut(pointer.as_bytes()));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = cut(name.replace('~', "~0").replace('/', "~1").as_bytes());
                walk(field, &format!("{pointer}/{name}"), depth + 1, found);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                walk(entry, &format!("{pointer}/{index}"), depth + 1, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_says_it_is_named() {
        for (content, parts) in [
            (r#"{"status":"ok","uplink":"up"}"#, vec![]),
            (r#"{"status":"ok","uplink":"down"}"#, vec!["/uplink"]),
            (
                r#"{"status":"UP","components":{"db":{"status":"DOWN"}}}"#,
                vec!["/components/db/status"],
            ),
            (r#"{"checks":{"a/b":[{"status":"fail"}]}}"#, vec!["/checks/a~1b/0/status"]),
            (r#""fail""#, vec![""]),
            ("OK", vec![]),
            ("{\"uplink\":\"down\"", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(failing(content.as_bytes()), parts, "{content}");
        }
    }

    #[test]
    fn an_answer_that_is_hostile_stays_small() {
        let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(10));
        assert!(failing(deep.as_bytes()).is_empty());
        let many: Vec<_> = (0..3_000).map(|n| format!("\"{n}\":\"down\"")).collect();
        assert_eq!(failing(format!("{{{}}}", many.join(",")).as_bytes()).len(), MAX_PARTS);
        let long = format!("{{\"{}\":\"down\"}}", "\u{e9}".repeat(5_000));
        let named = failing(long.as_bytes());
        assert!(named.len() == 1 && named[0].len() < 250, "{named:?}");
        assert!(failing(&[0xff; 100]).is_empty());
    }
}
