//! Admission: JSON becomes evidence only by the schema of its check and version.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use model::evidence::Evidence;
use serde_json::Value;

/// Largest evidence document that is looked at, in bytes.
pub const MAX_DOCUMENT: usize = 8 * 1024 * 1024;
/// Most values in one document: numbers, texts, lists, objects. Lists in evidence are bounded and
/// stay far below; 8 MiB of `0,0,` would take thirty times as much memory once it is read.
pub const MAX_VALUES: usize = 200_000;
/// Most violations that one rejection lists.
const MAX_VIOLATIONS: usize = 10;

static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    model::schema::evidence()
        .into_iter()
        .map(|named| {
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .offline()
                .build(&named.schema)
                .expect("schemas generated from our types are valid");
            (named.name, validator)
        })
        .collect()
});

/// Why a document is not evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Larger than [`MAX_DOCUMENT`].
    #[error("the document has {0} bytes; at most {MAX_DOCUMENT} are admitted")]
    TooLarge(usize),
    /// More values than [`MAX_VALUES`].
    #[error("the document has more than {MAX_VALUES} values, which are not admitted")]
    TooManyValues,
    /// Not JSON.
    #[error("the document is no JSON: {0}")]
    NotJson(String),
    /// No `schema`, or one that this version does not know.
    #[error("`schema` is `{found}`; this version admits {known}")]
    UnknownSchema {
        /// What the document says.
        found: String,
        /// What would be admitted.
        known: String,
    },
    /// The document violates its schema.
    #[error("the document violates {schema}: {}", violations.join("; "))]
    Violations {
        /// The schema.
        schema: String,
        /// Place and reason, the first [`MAX_VIOLATIONS`].
        violations: Vec<String>,
    },
}

/// Admits one document from bytes.
pub fn admit(bytes: &[u8]) -> Result<Evidence, Rejection> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(Rejection::TooLarge(bytes.len()));
    }
    if values(bytes) > MAX_VALUES {
        return Err(Rejection::TooManyValues);
    }
    let json = serde_json::from_slice(bytes).map_err(|e| Rejection::NotJson(e.to_string()))?;
    let schema = validate(&json)?.to_owned();
    typed(json, &schema)
}

/// Admits one document from JSON.
pub fn admit_value(json: &Value) -> Result<Evidence, Rejection> {
    let schema = validate(json)?;
    typed(json.clone(), schema)
}

/// At least as many values as the text has, found without building any of them.
fn values(bytes: &[u8]) -> usize {
    let (mut quoted, mut escaped, mut values) = (false, false, 1);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values
}

fn typed(json: Value, schema: &str) -> Result<Evidence, Rejection> {
    serde_json::from_value(json).map_err(|error| Rejection::Violations {
        schema: schema.to_owned(),
        violations: vec![error.to_string()],
    })
}

/// Holds a document to the schema that it names; the schema's name.
fn validate(json: &Value) -> Result<&str, Rejection> {
    let schema = json["schema"].as_str().unwrap_or_default();
    let Some(validator) = VALIDATORS.get(schema) else {
        let found = schema.chars().take(80).flat_map(char::escape_debug).collect();
        let known = VALIDATORS.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(Rejection::UnknownSchema { found, known });
    };
    let violations: Vec<_> =
        validator.iter_errors(json).take(MAX_VIOLATIONS).map(|error| violation(&error)).collect();
    if !violations.is_empty() {
        return Err(Rejection::Violations { schema: schema.to_owned(), violations });
    }
    Ok(schema)
}

/// Place and reason of one violation. The offending value is cut: it is hostile and may be large.
fn violation(error: &jsonschema::ValidationError<'_>) -> String {
    let reason: String = error.to_string().chars().take(200).flat_map(printable).collect();
    let place = error.instance_path().to_string();
    if place.is_empty() { reason } else { format!("{place}: {reason}") }
}

fn printable(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_without_being_built() {
        for (text, least) in [
            ("0", 1),
            ("[]", 1),
            ("[0,0,0]", 3),
            (r#"{"a": [1, {"b": null}], "c": "d"}"#, 6),
            (r#""[,:{ \" [,:{ \\""#, 1),
        ] {
            let found = values(text.as_bytes());
            assert!((least..=2 * least + 2).contains(&found), "{text}: {found}");
        }
    }

    #[test]
    fn a_document_that_would_grow_in_memory_is_refused_before_it_does() {
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(admit(many.as_bytes()), Err(Rejection::TooManyValues));
        // The same characters inside a text are one value.
        let quoted = format!("\"{}\"", "0,".repeat(MAX_VALUES));
        assert!(matches!(admit(quoted.as_bytes()), Err(Rejection::UnknownSchema { .. })));
    }
}
