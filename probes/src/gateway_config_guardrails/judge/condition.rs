//! Conditions of a mapping: they hold, they do not, or nobody can tell.

use model::evidence::{Origin, Reach};

use super::reading::{is, read, read_default};
use super::{At, Judge};
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::mapping::Asks;
use crate::gateway_config_guardrails::mapping::{Condition, Derived, Expected, Kind};
use crate::gateway_config_guardrails::tree::Value;

/// Most paths that an observation of a derived setting names.
const MAX_NAMED: usize = 8;

/// How a condition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Holds,
    Fails,
    /// Nobody can tell, for this reason.
    Open(String),
}

impl Truth {
    const fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    fn not(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            open @ Self::Open(_) => open,
        }
    }

    /// What all of these are together: one that is `decisive` decides, else one that is open.
    fn all(each: impl Iterator<Item = Self>, decisive: &Self, otherwise: Self) -> Self {
        let mut together = otherwise;
        for one in each {
            if one == *decisive {
                return one;
            }
            if matches!(one, Self::Open(_)) && !matches!(together, Self::Open(_)) {
                together = one;
            }
        }
        together
    }

    /// What several values of one key say: the same, or nothing.
    fn same(path: &str, mut each: impl Iterator<Item = Self>) -> Option<Self> {
        let first = each.next()?;
        let differs = each.any(|one| one != first);
        Some(if differs {
            Self::Open(format!("`{path}` is set more than once with different values"))
        } else {
            first
        })
    }
}

impl Judge<'_> {
    /// How a condition stands.
    pub(super) fn truth(&self, condition: &Condition) -> Truth {
        match condition.asks() {
            Some(Asks::Is(path, expected)) => self.has(path, expected),
            Some(Asks::Present(path, wanted)) => {
                self.about(path, wanted, |value| *value != Value::Null)
            }
            Some(Asks::Empty(path, wanted)) => self.about(path, !wanted, |value| match value {
                Value::Scalar(text) => !text.is_empty(),
                Value::List(items) => !items.is_empty(),
                Value::Table(entries) => !entries.is_empty(),
                Value::Variable(variable) => variable.filled.as_ref().is_ok_and(|t| !t.is_empty()),
                Value::Null | Value::Unresolved(_) => false,
            }),
            Some(Asks::Any(parts)) => {
                let each = parts.iter().map(|part| self.truth(part));
                Truth::all(each, &Truth::Holds, Truth::Fails)
            }
            Some(Asks::All(parts)) => {
                let each = parts.iter().map(|part| self.truth(part));
                Truth::all(each, &Truth::Fails, Truth::Holds)
            }
            Some(Asks::Not(part)) => self.truth(part).not(),
            None => Truth::Open("it asks nothing".to_owned()),
        }
    }

    /// Whether a key is one of these values; where it is absent, whether its default is.
    fn has(&self, path: &str, expected: &[Expected]) -> Truth {
        let setting = self.mapping.settings.iter().find(|setting| setting.path == path);
        let words = setting.and_then(|setting| setting.words.as_ref());
        let one = |at: &At<'_>| {
            let mut reason = None;
            for value in expected {
                // A key that the mapping does not type is read as what it is compared with.
                let kind = setting.map_or_else(|| natural(value), |setting| setting.kind);
                match read(kind, at.found.node, words) {
                    Ok(read) if is(&read, value) => return Truth::Holds,
                    Ok(_) => {}
                    Err(why) => reason = Some(format!("`{path}`: {why}")),
                }
            }
            reason.map_or(Truth::Fails, Truth::Open)
        };
        let found = self.present(path);
        let among = |value: &Expected| {
            let value = read_default(value);
            Truth::of(expected.iter().any(|expected| is(&value, expected)))
        };
        Truth::same(path, found.iter().map(one)).unwrap_or_else(|| {
            let defaults = setting.map(|setting| self.defaults(setting)).unwrap_or_default();
            let mut each = defaults.iter().map(|default| among(&default.value));
            match each.next() {
                None => Truth::Fails,
                Some(first) if each.all(|other| other == first) => first,
                Some(_) => Truth::Open(format!(
                    "`{path}` is absent, and its default differs between versions"
                )),
            }
        })
    }

    /// Whether what a key holds is so; what is filled in from elsewhere may be anything.
    fn about(&self, path: &str, wanted: bool, so: impl Fn(&Value) -> bool) -> Truth {
        let found = self.present(path);
        let one = |at: &At<'_>| match at.found.node.value.told() {
            Some(Err(how)) => Truth::Open(format!("`{path}`: {how}")),
            _ => Truth::of(so(&at.found.node.value) == wanted),
        };
        Truth::same(path, found.iter().map(one)).unwrap_or_else(|| Truth::of(!wanted))
    }

    /// What follows from several settings together.
    pub(super) fn derived(&mut self, derived: &Derived) {
        let guardrail = derived.guardrail;
        self.review.cover(&[guardrail]);
        let Some((condition, keeps)) = derived.condition() else { return };
        let place = self.anchor(condition);
        match derived.when.as_ref().map_or(Truth::Holds, |when| self.truth(when)) {
            Truth::Holds => {}
            Truth::Fails => return,
            Truth::Open(reason) => {
                let reason = format!("whether it counts cannot be told: {reason}");
                return self.review.undetermined(&place, &derived.name, &[guardrail], reason);
            }
        }
        let names = condition.paths();
        let more = if names.len() > MAX_NAMED { ", .." } else { "" };
        let names = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let holds = match self.truth(condition) {
            Truth::Open(reason) => {
                return self.review.undetermined(&place, &derived.name, &[guardrail], reason);
            }
            truth => truth == Truth::Holds,
        };
        let shown = format!("{} by {names}{more}", if holds { "met" } else { "not met" });
        self.review.setting(&place, &derived.name, &shown, Origin::Explicit);
        if holds != keeps {
            let off = place.observe(&derived.name, shown, Reach::Unstated);
            self.review.off(guardrail, off);
        }
    }

    /// Where a condition is told to be: at the first of its keys that is there, else where the first
    /// would stand.
    fn anchor(&self, condition: &Condition) -> Place {
        let paths = condition.paths();
        let first = paths.iter().find_map(|path| self.present(path).last().map(At::place));
        first.unwrap_or_else(|| self.nearest(paths.first().copied().unwrap_or_default()))
    }
}

/// The type of a value that stands in a condition on a key without one.
const fn natural(expected: &Expected) -> Kind {
    match expected {
        Expected::Bool(_) => Kind::Bool,
        Expected::Int(_) | Expected::Range { .. } => Kind::Int,
        Expected::Text(_) => Kind::Text,
    }
}
