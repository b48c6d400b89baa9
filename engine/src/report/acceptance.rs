//! What an acceptance criterion met in the rerun.
//!
//! A criterion is a sentence. Where it names pointers and says what each "is", one value or "a, b
//! or c", the sentence is compared with the evidence; where it says more than that, the values are
//! shown and nothing is ticked. A tick is never taken from the verdict alone.

use model::evidence::{Evidence, Item};
use serde_json::Value;

use super::text::{self, Span};
use super::words::count;

/// Most entries of a list that are read in the middle of a sentence.
const PASSING: usize = 3;

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
        now.push(in_passing(item));
        let expected = expectation(&spans[index + 1..]).zip(item.value());
        decided.push(
            expected
                .is_some_and(|(words, value)| words.into_iter().any(|word| matches(word, value))),
        );
    }
    let met = !decided.is_empty() && decided.into_iter().all(|met| met);
    Criterion { text: criterion.to_owned(), met, now }
}

/// A value in the middle of a sentence: a list that nobody would read there is counted.
fn in_passing(item: &Item<Value>) -> String {
    match item.value() {
        Some(Value::Array(list)) if list.len() > PASSING => count(list.len(), "entry", "entries"),
        _ => text::item(item).plain(),
    }
}

/// What a sentence expects behind "is", "is observed as" or "is observed and": the alternatives of
/// "a", "a or b", "a, b or c", if it ends with them.
fn expectation<'a>(rest: &[Span<'a>]) -> Option<Vec<&'a str>> {
    let (Span::Text(text), others) = rest.split_first()? else { return None };
    let said = text.trim_start().strip_prefix("is")?;
    let said = said.strip_prefix(' ').or_else(|| said.is_empty().then_some(said))?;
    let said = said.trim_start();
    let observed = ["observed as", "observed and"];
    let said = observed.iter().find_map(|form| said.strip_prefix(form)).unwrap_or(said);
    let tokens: Vec<_> =
        std::iter::once(&Span::Text(said)).chain(others).flat_map(tokens).collect();
    // What begins with a slash is the next pointer, and no value.
    alternatives(&tokens).filter(|values| !values.iter().any(|value| value.starts_with('/')))
}

/// A piece of "a, b or c".
enum Token<'a> {
    Value(&'a str),
    Comma,
    Or,
}

fn tokens<'a>(span: &Span<'a>) -> Vec<Token<'a>> {
    match *span {
        Span::Code(value) => vec![Token::Value(value)],
        Span::Text(text) => text.split_whitespace().flat_map(words).collect(),
    }
}

/// A word, and the comma behind it. A full stop ends the sentence and says nothing.
fn words(word: &str) -> impl Iterator<Item = Token<'_>> {
    let bare = word.trim_end_matches(['.', ',']);
    let value = match bare {
        "" => None,
        "or" => Some(Token::Or),
        bare => Some(Token::Value(bare)),
    };
    value.into_iter().chain(word.ends_with(',').then_some(Token::Comma))
}

/// The values of a list whose last two stand on either side of "or"; none where it says more.
fn alternatives<'a>(tokens: &[Token<'a>]) -> Option<Vec<&'a str>> {
    match tokens {
        [Token::Value(only)] => Some(vec![only]),
        [Token::Value(one), Token::Or, Token::Value(other)]
        | [Token::Value(one), Token::Comma, Token::Or, Token::Value(other)] => {
            Some(vec![one, other])
        }
        [Token::Value(first), Token::Comma, rest @ ..] => {
            let rest = alternatives(rest).filter(|rest| rest.len() > 1)?;
            Some([&[*first][..], &rest].concat())
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

    fn after(sentence: &str) -> Option<Vec<String>> {
        let words = expectation(&text::spans(sentence)[1..])?;
        Some(words.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn only_a_plain_statement_is_compared() {
        let one = |sentence| after(sentence).filter(|words| words.len() == 1).map(|w| w.concat());
        assert_eq!(one("`/a` is 401").as_deref(), Some("401"));
        assert_eq!(one("`/a` is 401.").as_deref(), Some("401"));
        assert_eq!(one("`/a` is observed as `denied`").as_deref(), Some("denied"));
        assert_eq!(one("`/a` is observed and empty").as_deref(), Some("empty"));
        assert_eq!(after("`/a` is observed and lists nothing beyond loopback"), None);
        assert_eq!(after("`/a` holds one entry"), None);
        assert_eq!(after("`/a` is not `no_names`"), None);
        assert_eq!(after("`/a` is at most 398"), None);
        assert_eq!(after("`/a` is"), None);
    }

    #[test]
    fn one_of_several_values_is_enough() {
        let words = |words: [&str; 3]| Some(words.map(str::to_owned).to_vec());
        assert_eq!(after("`/a` is 401 or 403"), Some(vec!["401".to_owned(), "403".to_owned()]));
        let mixed = "`/a` is `dns_match`, `wildcard_match` or `ip_match`";
        assert_eq!(after(mixed), words(["dns_match", "wildcard_match", "ip_match"]));
        assert_eq!(after("`/a` is a, b, or c."), words(["a", "b", "c"]));
    }

    #[test]
    fn a_list_that_says_more_is_no_list_of_values() {
        assert_eq!(after("`/a` is false, or `/b` is at least 2048"), None);
        assert_eq!(after("`/a` is 401, always"), None);
        assert_eq!(after("`/a` is 401 or 403 once the token is set"), None);
        assert_eq!(after("`/a` is a or b, c"), None);
        assert_eq!(after("`/a` is `x` or `/b`"), None);
    }

    #[test]
    fn a_criterion_is_met_by_what_was_observed_and_by_nothing_else() {
        let criterion = "`/names/outcome` is `dns_match`, `wildcard_match` or `ip_match`";
        let met = |item: Item<Value>| {
            let mut body = document();
            body.stable.insert("/names/outcome".to_owned(), item);
            compare(criterion, Some(&body)).met
        };
        assert!(met(Item::observed(json!("ip_match"))));
        assert!(!met(Item::observed(json!("mismatch"))));
        assert!(!met(Item::not_attempted("ip_match")), "a reason is no value");
        assert!(!compare(criterion, Some(&document())).met);
        assert!(!compare(criterion, None).met);
    }

    #[test]
    fn a_long_list_is_counted_and_a_short_one_is_shown() {
        let now = |value: Value| {
            let mut body = document();
            body.stable.insert("/names/outcome".to_owned(), Item::observed(value));
            compare("no entry of `/names/outcome` is old", Some(&body)).now
        };
        assert_eq!(now(json!([1, 2, 3])), ["[1, 2, 3]"]);
        assert_eq!(now(json!([1, 2, 3, 4])), ["4 entries"]);
    }

    fn document() -> Evidence {
        serde_json::from_value(json!({
            "schema": "broker_cert_identity.v1",
            "check": "broker_cert_identity",
            "target": "t",
            "subject": "endpoint/broker",
            "run": "20261104-081241-3f9c0a12",
            "probe": { "name": "plumb", "version": "0.1.0" },
            "started_at": "2026-11-04T08:12:41Z",
            "duration_ms": 1,
            "attempts": 1,
            "stable": {},
            "volatile": {},
        }))
        .unwrap()
    }
}
