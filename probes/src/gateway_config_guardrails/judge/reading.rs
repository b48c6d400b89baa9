//! What a value is by the type of its setting, what it does to its guardrail, and what evidence may
//! show of it.

use model::evidence::Origin;

use super::HIDDEN;
use crate::gateway_config_guardrails::mapping::{Expected, Kind, MappedSetting, TruthWords};
use crate::gateway_config_guardrails::tree::{Node, Value};
use crate::gateway_config_guardrails::values;

/// A value as its kind reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    Bool(bool),
    Int(i64),
    Word(String),
}

/// What one value does to its guardrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    Keeps,
    LeavesOff,
    Unclear(String),
}

pub(super) fn judge(setting: &MappedSetting, node: &Node) -> Judgement {
    match read(setting.kind, node, setting.words.as_ref()) {
        Ok(value) => judgement(setting, &value),
        Err(reason) => Judgement::Unclear(reason),
    }
}

pub(super) fn judgement(setting: &MappedSetting, value: &Read) -> Judgement {
    let among = |expected: &[Expected]| expected.iter().any(|expected| is(value, expected));
    if among(&setting.unsafe_) {
        Judgement::LeavesOff
    } else if among(&setting.safe) || setting.safe.is_empty() {
        Judgement::Keeps
    } else if setting.unsafe_.is_empty() {
        Judgement::LeavesOff
    } else {
        Judgement::Unclear(
            "its value is neither one that keeps the guardrail nor one that does not".to_owned(),
        )
    }
}

pub(super) fn is(value: &Read, expected: &Expected) -> bool {
    match (value, expected) {
        (Read::Bool(value), Expected::Bool(expected)) => value == expected,
        (Read::Int(value), Expected::Int(expected)) => value == expected,
        (Read::Int(value), Expected::Range { min, max }) => {
            min.is_none_or(|min| *value >= min) && max.is_none_or(|max| *value <= max)
        }
        (Read::Word(value), expected) => *value == expected_text(expected),
        _ => false,
    }
}

pub(super) fn read(kind: Kind, node: &Node, words: Option<&TruthWords>) -> Result<Read, String> {
    let text = match (&node.value, node.value.told()) {
        (Value::List(items), _) if kind == Kind::Count => {
            return Ok(Read::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)));
        }
        (_, Some(Err(how))) => return Err(format!("{how}, and that is not in evidence")),
        (_, Some(Ok(text))) if kind != Kind::Count => text,
        _ => return Err("its value has another shape than the setting takes".to_owned()),
    };
    let number = |value: Option<i64>| value.map(Read::Int);
    let read = match kind {
        Kind::Bool => {
            let words = words.map(|words| values::Words { on: &words.on, off: &words.off });
            values::truth(text, words).map(Read::Bool)
        }
        Kind::Int => number(values::integer(text)),
        Kind::Size => number(values::size(text)),
        Kind::Duration => number(values::duration(text)),
        Kind::Address => Some(Read::Word(values::bound(text).as_str().to_owned())),
        Kind::Url => values::scheme(text).map(|scheme| Read::Word(scheme.to_owned())),
        Kind::TlsVersion => values::tls_version(text).map(|version| Read::Word(version.to_owned())),
        Kind::Text | Kind::File | Kind::KeyFile | Kind::Secret | Kind::Count => {
            Some(Read::Word(text.to_owned()))
        }
    };
    read.ok_or_else(|| "its value cannot be read as what the setting takes".to_owned())
}

pub(super) fn read_default(default: &Expected) -> Read {
    match default {
        Expected::Bool(value) => Read::Bool(*value),
        Expected::Int(value) => Read::Int(*value),
        other => Read::Word(expected_text(other)),
    }
}

pub(super) fn expected_text(expected: &Expected) -> String {
    match expected {
        Expected::Bool(value) => value.to_string(),
        Expected::Int(value) => value.to_string(),
        Expected::Text(text) => text.clone(),
        Expected::Range { min, max } => format!("{min:?} to {max:?}"),
    }
}

/// What a reader sees of a value, and where it comes from.
pub(super) fn show(setting: &MappedSetting, node: &Node) -> (String, Origin) {
    let told = node.value.told();
    if let Some(Err(how)) = told {
        return (how.to_owned(), Origin::Unresolved);
    }
    let listed =
        |word: &str| setting.safe.iter().chain(&setting.unsafe_).any(|e| expected_text(e) == word);
    let shown = match (read(setting.kind, node, setting.words.as_ref()), told) {
        (Ok(Read::Bool(value)), _) => value.to_string(),
        (Ok(Read::Int(count)), _) if setting.kind == Kind::Count => format!("{count} items"),
        (Ok(Read::Int(value)), _) if setting.guardrail.is_some() => value.to_string(),
        (Ok(_), Some(Ok(text))) if setting.kind == Kind::Address => values::shown_address(text),
        (Ok(Read::Word(word)), _) if setting.kind == Kind::Url => format!("{word} address"),
        (Ok(Read::Word(word)), _) if setting.kind == Kind::TlsVersion || listed(&word) => word,
        _ => HIDDEN.to_owned(),
    };
    (shown, Origin::Explicit)
}
