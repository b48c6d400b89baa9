//! The environment of the program, as far as the target declares it. Ours is never asked.

use std::collections::BTreeMap;

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::env;
use crate::gateway_config_guardrails::tree::{Unreadable, Value};

/// Names with their values.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, (Value, Place)>,
    declared: bool,
}

impl Environment {
    /// Reads `KEY=value` lines; the last line of a name counts.
    pub fn read(text: &Text) -> Result<Self, Unreadable> {
        let tree = env::read(&text.content)?;
        let Value::Table(entries) = tree.value else { return Ok(Self::default()) };
        let values = entries.into_iter().map(|entry| {
            let place = Place { file: text.name.clone(), line: entry.line, column: entry.column };
            (entry.key, (entry.node.value, place))
        });
        Ok(Self { values: values.collect(), declared: true })
    }

    /// True if the target declares it, so that what is not in it is not set.
    pub const fn is_declared(&self) -> bool {
        self.declared
    }

    /// The value of a name and its place.
    pub fn get(&self, name: &str) -> Option<&(Value, Place)> {
        self.values.get(name)
    }

    /// The text of a name, where it is set to a plain one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some((Value::Scalar(text), _)) => Some(text),
            _ => None,
        }
    }

    /// Every name with its value and place, sorted.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Value, &Place)> {
        self.values.iter().map(|(name, (value, place))| (name.as_str(), value, place))
    }
}
