//! Variables in values, filled in from the environment that the target declares, in the style that
//! a mapping names.
//!
//! Ours is never asked. What a variable holds is not looked through for further variables, as no
//! program does. A variable that the target does not declare leaves its value undecided; its
//! default counts only where the environment is declared, because only then it is known to be
//! unset.

use std::cell::Cell;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{VARIABLE, elsewhere, placeholder};
use super::settings::Environment;
use super::tree::{Value, Variable};

/// Longest text that variables may make of a value, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// Most bytes that variables may make of all values of one configuration.
const MAX_FILLED: usize = 16 * 1024 * 1024;

/// Deepest nesting of a variable in the default of another.
const MAX_DEPTH: usize = 8;

/// What is said of a value that goes beyond these limits.
const LONG: &str = "variables make it longer than is read";

/// How variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`,
    /// `${NAME+other}`, `${NAME:?reason}` and `${NAME?reason}`; two dollars are one.
    Shell,
    /// `${NAME}` and `${NAME:default}`, as Spring and ThingsBoard have them. A name that is not in
    /// capitals may be another key of the file, and is undecided.
    Spring,
}

/// Fills values in.
pub struct Filler<'a> {
    style: Style,
    environment: &'a Environment,
    left: Cell<usize>,
}

/// What a text is, as far as it was walked through.
struct Walked {
    /// A variable is in it.
    varies: bool,
    filled: Result<String, &'static str>,
    fallback: Option<String>,
}

/// What is known of a variable.
enum Known<'a> {
    Set(&'a str),
    /// The environment is declared, and it is not in it.
    Unset,
    Open,
}

/// What stands behind the name of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks<'a> {
    /// Nothing.
    Value,
    /// Another text where it is not set.
    Else(&'a str),
    /// Another text where it is set.
    Then(&'a str),
    /// That it is set.
    Demand,
}

/// A variable as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named<'a> {
    name: &'a str,
    asks: Asks<'a>,
    /// An empty one counts as one that is not set.
    empty_is_unset: bool,
}

impl<'a> Filler<'a> {
    /// Fills in from an environment.
    pub const fn new(style: Style, environment: &'a Environment) -> Self {
        Self { style, environment, left: Cell::new(MAX_FILLED) }
    }

    /// What a text of the file is.
    pub fn value(&self, text: &str) -> Value {
        if let Some(how) = elsewhere(text) {
            return Value::Unresolved(how);
        }
        if !text.contains('$') {
            return Value::Scalar(text.to_owned());
        }
        let Walked { varies, filled, fallback } = self.walk(text, 0);
        if !varies {
            return match filled {
                Ok(text) => Value::Scalar(text),
                Err(how) => Value::Unresolved(how),
            };
        }
        let filled = filled.and_then(|text| match self.left.get().checked_sub(text.len()) {
            Some(left) => {
                self.left.set(left);
                Ok(text)
            }
            None => Err(LONG),
        });
        // A variable may hold what yet another program fills in.
        let filled = filled.and_then(|text| elsewhere(&text).map_or(Ok(text), Err));
        Value::Variable(Variable { written: text.to_owned(), filled, fallback })
    }

    fn walk(&self, text: &str, depth: usize) -> Walked {
        let mut walked =
            Walked { varies: false, filled: Ok(String::new()), fallback: Some(String::new()) };
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let escaped = self.style == Style::Spring && rest[..at].ends_with('\\');
            walked.both(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(body) = rest.strip_prefix('{') {
                walked.varies = true;
                let Some(end) = closing(body).filter(|_| !escaped) else {
                    walked.open();
                    break;
                };
                self.variable(&body[..end], depth, &mut walked);
                rest = &body[end + 1..];
            } else if self.style == Style::Spring {
                walked.both("$");
            } else if let Some(after) = rest.strip_prefix('$') {
                walked.both("$");
                rest = after;
            } else if rest.starts_with('(') {
                // A command, or a variable of Kubernetes: neither is one of this style.
                walked.varies = true;
                walked.open();
            } else {
                let name = name(rest);
                if name.is_empty() {
                    walked.both("$");
                } else {
                    self.variable(name, depth, &mut walked);
                    rest = &rest[name.len()..];
                }
            }
        }
        walked.both(rest);
        walked
    }

    /// One variable, without its brackets.
    fn variable(&self, body: &str, depth: usize, walked: &mut Walked) {
        walked.varies = true;
        let Some(named) = self.named(body).filter(|_| depth < MAX_DEPTH) else {
            return walked.open();
        };
        let word = match named.asks {
            Asks::Else(word) | Asks::Then(word) => Some(self.walk(word, depth + 1)),
            Asks::Value | Asks::Demand => None,
        };
        let known = match self.known(named.name) {
            Known::Set("") if named.empty_is_unset => Known::Unset,
            known => known,
        };
        let word = word.as_ref().map(|word| (&word.filled, &word.fallback));
        let filled = match (known, named.asks, word) {
            (Known::Set(text), Asks::Value | Asks::Demand | Asks::Else(_), _) => Ok(text),
            (Known::Unset, Asks::Then(_), _) => Ok(""),
            (Known::Set(_), Asks::Then(_), Some((word, _)))
            | (Known::Unset, Asks::Else(_), Some((word, _))) => word.as_deref().map_err(|how| *how),
            _ => Err(VARIABLE),
        };
        walked.fill(filled);
        walked.fall_back(match (named.asks, word) {
            (Asks::Then(_), _) => Some(""),
            (Asks::Else(_), Some((_, fallback))) => fallback.as_deref(),
            _ => None,
        });
    }

    fn known(&self, name: &str) -> Known<'_> {
        match self.environment.get(name) {
            Some((Value::Scalar(text), _)) => Known::Set(text),
            None if self.environment.is_declared() => Known::Unset,
            _ => Known::Open,
        }
    }

    /// A variable as it is written; none where its style has no such thing.
    fn named<'b>(&self, body: &'b str) -> Option<Named<'b>> {
        let name = name(body);
        let behind = &body[name.len()..];
        if name.is_empty() {
            return None;
        }
        if self.style == Style::Spring {
            let asks = match behind.strip_prefix(':') {
                Some(word) => Asks::Else(word),
                None if behind.is_empty() => Asks::Value,
                None => return None,
            };
            let capitals = !name.contains(|c: char| c.is_ascii_lowercase());
            return capitals.then_some(Named { name, asks, empty_is_unset: false });
        }
        let (empty_is_unset, behind) = match behind.strip_prefix(':') {
            Some(behind) => (true, behind),
            None => (false, behind),
        };
        let asks = match behind.chars().next() {
            None if !empty_is_unset => Asks::Value,
            Some('-') => Asks::Else(&behind[1..]),
            Some('+') => Asks::Then(&behind[1..]),
            Some('?') => Asks::Demand,
            _ => return None,
        };
        Some(Named { name, asks, empty_is_unset })
    }
}

impl Walked {
    /// Text that is what it is.
    fn both(&mut self, text: &str) {
        self.fill(Ok(text));
        self.fall_back(Some(text));
    }

    /// What cannot be told, whatever is set.
    fn open(&mut self) {
        self.fill(Err(VARIABLE));
        self.fall_back(None);
    }

    fn fill(&mut self, text: Result<&str, &'static str>) {
        if let Ok(filled) = &mut self.filled {
            match text {
                // A text without variables is as long as the file has it.
                Ok(text) if !self.varies || filled.len() + text.len() <= MAX_VALUE => {
                    filled.push_str(text);
                }
                Ok(_) => self.filled = Err(LONG),
                Err(how) => self.filled = Err(how),
            }
        }
    }

    fn fall_back(&mut self, text: Option<&str>) {
        match (&mut self.fallback, text) {
            (Some(fallback), Some(text)) if fallback.len() + text.len() <= MAX_VALUE => {
                fallback.push_str(text);
            }
            (fallback, _) => *fallback = None,
        }
    }
}

/// The name at the start of a text; empty where there is none.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}

/// The bracket that closes a variable, those inside its default counted.
pub fn closing(body: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The password that stands in an address in the file, whatever its variables are.
pub fn written_in_address(variable: &Variable) -> Option<&str> {
    let inside = |text| super::secrets::in_address(text);
    let literal = inside(&variable.written).filter(|password| placeholder(password).is_none());
    literal.or_else(|| inside(variable.fallback.as_deref()?))
}

#[cfg(test)]
mod tests;
