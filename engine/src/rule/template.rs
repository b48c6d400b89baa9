//! Sentences with places for what was observed.
//!
//! `{/pointer}` is the value of an item, `{params.name}` a parameter, `{=expression}` the answer of
//! a CEL expression, `{days:/pointer}` whole days until a timestamp. `{{` and `}}` are braces.
//! What is put in comes from targets: it is cut, and made harmless for the markup of our texts. Of a
//! list the first elements are shown whole, and the others counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::evidence::{Item, Items};

use crate::expression::{Answer, Expression, ExpressionError, Params, Scope};

/// Longest value that is put into a sentence, in bytes.
const MAX_VALUE: usize = 160;
/// Most elements of a list that stand one by one beside what was expected.
const MAX_ELEMENTS: usize = 12;
/// Most elements of a list in a sentence that says what was found: more are counted, not read.
const SPOKEN_ELEMENTS: usize = 4;

/// Why a sentence is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other half.
    #[error("`{{` and `}}` must come in pairs; write `{{{{` and `}}}}` for the characters")]
    Unbalanced,
    /// The text between braces is none of the four kinds.
    #[error(
        "`{{{0}}}` is none of {{/pointer}}, {{params.name}}, {{=expression}}, {{days:/pointer}}"
    )]
    Unknown(String),
    /// The expression between braces is not accepted.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
}

/// A parsed sentence.
#[derive(Debug)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Pointer(String),
    Param(String),
    Days(String),
    Expression(Expression),
}

/// What sentences are filled from.
pub struct Filling<'a> {
    /// The stable items.
    pub items: &'a Items,
    /// The same items, for expressions.
    pub scope: &'a Scope<'a>,
    /// Parameters of the rule on this target.
    pub params: &'a BTreeMap<String, serde_json::Value>,
    /// The same parameters, for expressions.
    pub compiled: &'a Params,
    /// The time of the judgement.
    pub now: Timestamp,
}

impl Template {
    /// Parses a sentence.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Unbalanced);
            }
            let end = rest.find('}').ok_or(TemplateError::Unbalanced)?;
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::parse(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The sentence with its places unfilled.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Every pointer and evidence path that the sentence reads.
    pub fn pointers(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| match part {
            Part::Pointer(pointer) | Part::Days(pointer) => vec![pointer.as_str()],
            Part::Expression(inner) => inner.pointers().iter().map(String::as_str).collect(),
            Part::Text(_) | Part::Param(_) => Vec::new(),
        })
    }

    /// Every parameter that the sentence reads.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| match part {
            Part::Param(name) => vec![name.as_str()],
            Part::Expression(inner) => inner.params().iter().map(String::as_str).collect(),
            _ => Vec::new(),
        })
    }

    /// Every field and part of the named profile that the sentence reads.
    pub fn profile(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| match part {
            Part::Expression(inner) => inner.profile().iter().map(String::as_str).collect(),
            _ => Vec::new(),
        })
    }

    /// The sentence, filled. A value that was not observed reads as its status word.
    pub fn fill(&self, with: &Filling<'_>) -> String {
        self.fill_up_to(MAX_ELEMENTS, with)
    }

    /// The same, with lists that are short enough to be read aloud.
    pub fn say(&self, with: &Filling<'_>) -> String {
        self.fill_up_to(SPOKEN_ELEMENTS, with)
    }

    fn fill_up_to(&self, elements: usize, with: &Filling<'_>) -> String {
        self.parts.iter().map(|part| part.fill(elements, with)).collect()
    }
}

impl Part {
    fn parse(inner: &str) -> Result<Self, TemplateError> {
        if inner.starts_with('/') {
            return Ok(Self::Pointer(inner.to_owned()));
        }
        if let Some(name) = inner.strip_prefix("params.") {
            return Ok(Self::Param(name.to_owned()));
        }
        if let Some(pointer) = inner.strip_prefix("days:").filter(|p| p.starts_with('/')) {
            return Ok(Self::Days(pointer.to_owned()));
        }
        if let Some(source) = inner.strip_prefix('=') {
            return Ok(Self::Expression(Expression::compile(source.trim())?));
        }
        Err(TemplateError::Unknown(inner.chars().take(80).collect()))
    }

    fn fill(&self, elements: usize, with: &Filling<'_>) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Pointer(pointer) => match with.items.get(pointer) {
                Some(Item::Observed { value: serde_json::Value::Array(list) })
                    if are_words(list) =>
                {
                    some_of(elements, &list.iter().map(plain).collect::<Vec<_>>())
                }
                Some(Item::Observed { value }) => tame(&plain(value)),
                Some(other) => format!("({})", other.status()),
                None => "(not in the evidence)".to_owned(),
            },
            Self::Param(name) => with.params.get(name).map_or_else(String::new, plain),
            Self::Days(pointer) => days(with.items.get(pointer), with.now),
            Self::Expression(inner) => match inner.answer(with.scope, with.compiled) {
                Ok(Answer::One(text)) => tame(&text),
                Ok(Answer::List(texts)) => some_of(elements, &texts),
                Err(_) => "(not observed)".to_owned(),
            },
        }
    }
}

/// The first elements, and how many more there are: a name is shown whole or not at all.
fn some_of(elements: usize, texts: &[String]) -> String {
    let shown: Vec<_> = texts.iter().take(elements).map(|text| tame(text)).collect();
    match texts.len().saturating_sub(elements) {
        0 if shown.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whole days from `now` to the timestamp in an item; rounded down, so that "0" means today.
fn days(item: Option<&Item<serde_json::Value>>, now: Timestamp) -> String {
    let at = item.and_then(Item::value).and_then(|value| value.as_str());
    at.and_then(|text| text.parse::<Timestamp>().ok()).map_or_else(
        || "(not observed)".to_owned(),
        |at| (at.as_second() - now.as_second()).div_euclid(86_400).to_string(),
    )
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) if are_words(list) => {
            list.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// Whether the elements of a list can stand in a sentence.
fn are_words(list: &[serde_json::Value]) -> bool {
    list.iter().all(|value| value.is_string() || value.is_number())
}

/// Cuts a value, and takes from it what our own sentences use as markup. Control and direction
/// characters stay: each report format shows them in its own way.
fn tame(text: &str) -> String {
    let text = text.replace('`', "'");
    if text.len() <= MAX_VALUE {
        return text;
    }
    let mut end = MAX_VALUE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} (first {end} of {} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(source: &str) -> String {
        filled(source, Template::fill)
    }

    fn filled(source: &str, fill: impl Fn(&Template, &Filling<'_>) -> String) -> String {
        let items = Items::from([
            ("/a/status".to_owned(), Item::observed(json!(202))),
            ("/text".to_owned(), Item::observed(json!("x`y"))),
            ("/long".to_owned(), Item::observed(json!("é".repeat(200)))),
            ("/end".to_owned(), Item::observed(json!("2026-01-03T00:00:00Z"))),
            ("/list".to_owned(), Item::observed(json!(["a", "b"]))),
            ("/names".to_owned(), {
                let names: Vec<_> = (0..20).map(|n| format!("name-{n}")).collect();
                Item::observed(json!(names))
            }),
            ("/lost".to_owned(), Item::timeout("no answer")),
        ]);
        let params = BTreeMap::from([("limit".to_owned(), json!(30))]);
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        let filling = Filling {
            items: &items,
            scope: &Scope::new(&items, now),
            params: &params,
            compiled: &Params::new(&params),
            now,
        };
        fill(&Template::parse(source).unwrap(), &filling)
    }

    #[test]
    fn each_kind_of_place_is_filled() {
        assert_eq!(fill("status {/a/status}, {{as is}}"), "status 202, {as is}");
        assert_eq!(fill("{days:/end} of {params.limit} days"), "1 of 30 days");
        assert_eq!(fill("{=size(evidence.list)}: {/list}"), "2: a, b");
    }

    #[test]
    fn a_list_shows_whole_elements_and_counts_the_rest() {
        assert_eq!(fill("{=evidence.list}"), "a, b");
        assert_eq!(fill("{=evidence.list.filter(e, e == \"c\")}"), "none");
        assert_eq!(fill("{=evidence.text}"), "x'y");
        assert_eq!(fill("{=evidence.lost}"), "(not observed)");
        let long = fill("{=evidence.names}");
        assert!(long.starts_with("name-0, name-1, "), "{long}");
        assert!(long.ends_with(", name-11 and 8 more"), "{long}");
        assert_eq!(fill("{/names}"), long);
        let said = filled("{=evidence.names}", Template::say);
        assert_eq!(said, "name-0, name-1, name-2, name-3 and 16 more");
    }

    #[test]
    fn what_was_not_observed_is_said_and_not_made_up() {
        assert_eq!(
            fill("{/lost} {/none} {days:/lost}"),
            "(timeout) (not in the evidence) (not observed)"
        );
        assert_eq!(fill("{=evidence.lost}"), "(not observed)");
    }

    #[test]
    fn values_cannot_bring_markup_and_are_cut() {
        assert_eq!(fill("`{/text}`"), "`x'y`");
        assert!(fill("{/long}").ends_with("(first 160 of 400 bytes)"));
    }

    #[test]
    fn a_sentence_with_a_lone_brace_or_an_unknown_place_is_refused() {
        assert_eq!(Template::parse("a { b").unwrap_err(), TemplateError::Unbalanced);
        assert_eq!(Template::parse("a } b").unwrap_err(), TemplateError::Unbalanced);
        assert!(matches!(Template::parse("{x}"), Err(TemplateError::Unknown(_))));
        assert!(matches!(Template::parse("{=x}"), Err(TemplateError::Expression(_))));
    }
}
