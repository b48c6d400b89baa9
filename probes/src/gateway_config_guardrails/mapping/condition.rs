//! Conditions on keys: a small closed set, so that a mapping stays data that anybody can read.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Expected;

/// Deepest nesting of a condition.
pub(super) const MAX_DEPTH: usize = 8;

/// A condition: either a `path` with one of `is`, `present` and `empty`, or one of `any`, `all` and
/// `not` over others.
///
/// It holds, it does not hold, or nobody can tell. An absent key has its default if that is the
/// same in every version that may run; a key that is set more than once with values that say
/// different things, or that is filled in from elsewhere, is one that nobody can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Path of a key, without `*`.
    #[serde(default)]
    pub path: Option<String>,
    /// Values of the key for which the condition holds, written as in `safe` of that key.
    #[serde(default)]
    pub is: Vec<Expected>,
    /// Whether the key is there.
    #[serde(default)]
    pub present: Option<bool>,
    /// Whether the key is absent, or has an empty text, list or table.
    #[serde(default)]
    pub empty: Option<bool>,
    /// One of these holds.
    #[serde(default)]
    pub any: Vec<Self>,
    /// All of these hold.
    #[serde(default)]
    pub all: Vec<Self>,
    /// This does not hold.
    #[serde(default)]
    pub not: Option<Box<Self>>,
}

/// What a condition asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks<'a> {
    /// Whether a key has one of these values.
    Is(&'a str, &'a [Expected]),
    /// Whether a key is there.
    Present(&'a str, bool),
    /// Whether there is nothing in a key.
    Empty(&'a str, bool),
    /// Whether one of these holds.
    Any(&'a [Condition]),
    /// Whether all of these hold.
    All(&'a [Condition]),
    /// Whether this does not hold.
    Not(&'a Condition),
}

impl Condition {
    /// What it asks; none where it asks nothing, or more than one thing.
    pub fn asks(&self) -> Option<Asks<'_>> {
        let Self { path, is, present, empty, any, all, not } = self;
        let path = path.as_deref();
        let mut asked = [
            path.filter(|_| !is.is_empty()).map(|path| Asks::Is(path, is)),
            path.and_then(|path| present.map(|present| Asks::Present(path, present))),
            path.and_then(|path| empty.map(|empty| Asks::Empty(path, empty))),
            (!any.is_empty()).then_some(Asks::Any(any)),
            (!all.is_empty()).then_some(Asks::All(all)),
            not.as_deref().map(Asks::Not),
        ]
        .into_iter()
        .flatten();
        let first = asked.next()?;
        let without_path = path.is_none() && is.is_empty() && present.is_none() && empty.is_none();
        let whole = match first {
            Asks::Is(..) | Asks::Present(..) | Asks::Empty(..) => true,
            Asks::Any(_) | Asks::All(_) | Asks::Not(_) => without_path,
        };
        (whole && asked.next().is_none()).then_some(first)
    }

    /// The conditions that it is made of.
    fn parts(&self) -> impl Iterator<Item = &Self> {
        self.any.iter().chain(&self.all).chain(self.not.as_deref())
    }

    /// Every path that it asks about, in the order in which they stand.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<_> = self.path.as_deref().into_iter().collect();
        paths.extend(self.parts().flat_map(Self::paths));
        paths
    }

    /// Every value that is asked for, with the path of its key.
    pub(super) fn values(&self) -> Vec<(&str, &Expected)> {
        let own = self.path.as_deref().unwrap_or_default();
        let mut values: Vec<_> = self.is.iter().map(|value| (own, value)).collect();
        values.extend(self.parts().flat_map(Self::values));
        values
    }

    /// What is wrong with it.
    pub(super) fn problem(&self, depth: usize) -> Option<&'static str> {
        if depth >= MAX_DEPTH {
            return Some("is nested deeper than 8 levels");
        }
        if self.asks().is_none() {
            return Some(
                "must be a `path` with one of `is`, `present` and `empty`, or one of `any`, `all` and `not`",
            );
        }
        if self.path.as_ref().is_some_and(String::is_empty) {
            return Some("has an empty `path`");
        }
        let star = |path: &String| super::super::tree::steps(path).iter().any(|step| step == "*");
        if self.path.as_ref().is_some_and(star) {
            return Some("has a `*` in its `path`, and must name one key");
        }
        self.parts().find_map(|part| part.problem(depth + 1))
    }
}
