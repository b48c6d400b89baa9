//! Admission: JSON becomes evidence only by the schema of its check and version.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use model::evidence::Evidence;
use serde_json::Value;

/// Largest evidence document that is looked at, in bytes.
pub const MAX_DOCUMENT: usize = 8 * 1024 * 1024;
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
    let json = serde_json::from_slice(bytes).map_err(|e| Rejection::NotJson(e.to_string()))?;
    admit_value(&json)
}

/// Admits one document from JSON.
pub fn admit_value(json: &Value) -> Result<Evidence, Rejection> {
    let schema = json["schema"].as_str().unwrap_or_default();
    let Some(validator) = VALIDATORS.get(schema) else {
        let found = schema.chars().take(80).flat_map(char::escape_debug).collect();
        let known = VALIDATORS.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(Rejection::UnknownSchema { found, known });
    };
    let violations: Vec<_> =
        validator.iter_errors(json).take(MAX_VIOLATIONS).map(|error| violation(&error)).collect();
    let rejected = |violations| Rejection::Violations { schema: schema.to_owned(), violations };
    if !violations.is_empty() {
        return Err(rejected(violations));
    }
    serde_json::from_value(json.clone()).map_err(|error| rejected(vec![error.to_string()]))
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
