//! What an acceptance criterion met in the rerun.
//!
//! A criterion is a sentence. Where it names pointers and says what each "is", the sentence is
//! compared with the evidence; where it says more than that, the values are shown and nothing is
//! ticked. A tick is never taken from the verdict alone.

use model::evidence::Evidence;
use serde_json::Value;

use super::text::{self, Span};

/// A criterion beside the evidence of the later run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// The sentence.
    pub text: String,
    /// True where the sentence could be compared and holds.
    pub met: bool,
    /// Values of the pointers that it names, as they are now.
    pub now: Vec<String>,
}

/// Compares a criterion with a document.
pub fn compare(criterion: &str, evidence: Option<&Evidence>) -> Criterion {
    let spans = text::spans(criterion);
    let mut now = Vec::new();
    let mut decided = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let Span::Code(pointer) = span else { continue };
        let Some(item) = evidence.and_then(|body| body.item(pointer)) else { continue };
        now.push(text::item(item).plain());
        let expected = expectation(&spans[index + 1..]);
        let value = item.value();
        decided.push(expected.zip(value).is_some_and(|(word, value)| matches(word, value)));
    }
    let met = !decided.is_empty() && decided.into_iter().all(|met| met);
    Criterion { text: criterion.to_owned(), met, now }
}

/// The word behind "is", "is observed as" or "is observed and", if a sentence ends with it.
fn expectation<'a>(rest: &[Span<'a>]) -> Option<&'a str> {
    let Some(Span::Text(text)) = rest.first() else { return None };
    let said = text.trim_start().strip_prefix("is")?;
    let said = said.strip_prefix(' ').or_else(|| said.is_empty().then_some(said))?;
    let said = said.trim_start();
    let observed = ["observed as", "observed and"];
    let said = observed.iter().find_map(|form| said.strip_prefix(form)).unwrap_or(said);
    let said = said.trim_start();
    match (said.is_empty(), rest.get(1)) {
        (true, Some(Span::Code(word))) => Some(word),
        (false, following) => {
            let (word, behind) = said.split_once(' ').unwrap_or((said, ""));
            let alone = behind.is_empty() && following.is_none();
            alone.then(|| word.trim_end_matches(['.', ',']))
        }
        _ => None,
    }
}

/// True where a value is what the word says; `2xx` stands for every status from 200 to 299.
fn matches(word: &str, value: &Value) -> bool {
    match (word.strip_suffix("xx"), value) {
        (Some(class), Value::Number(status)) => {
            status.as_u64().is_some_and(|status| (status / 100).to_string() == class)
        }
        (_, Value::Array(items)) if word == "empty" => items.is_empty(),
        (_, Value::String(text)) => text == word,
        (_, other) => other.to_string().as_str() == word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_compare_with_values() {
        assert!(matches("401", &json!(401)));
        assert!(matches("2xx", &json!(202)));
        assert!(!matches("2xx", &json!(401)));
        assert!(matches("denied", &json!("denied")));
        assert!(!matches("true", &json!("yes")));
        assert!(matches("empty", &json!([])) && !matches("empty", &json!([1])));
    }

    #[test]
    fn only_a_plain_statement_is_compared() {
        let after = |sentence| expectation(&text::spans(sentence)[1..]).map(str::to_owned);
        assert_eq!(after("`/a` is 401").as_deref(), Some("401"));
        assert_eq!(after("`/a` is observed as `denied`").as_deref(), Some("denied"));
        assert_eq!(after("`/a` is observed and empty").as_deref(), Some("empty"));
        assert_eq!(after("`/a` is 401 or 403"), None);
        assert_eq!(after("`/a` is observed and lists nothing beyond loopback"), None);
        assert_eq!(after("`/a` holds one entry"), None);
    }
}
