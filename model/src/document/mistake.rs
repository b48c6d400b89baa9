//! What serde stumbles over, in the words of somebody who writes documents.

use std::fmt;

use serde::de::{self, Unexpected};

use super::problem::quote;
use super::suggest;

/// What serde stumbled over, and the way to it.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Positions in lists and mappings from the mistaken node up to the root.
    pub trail: Vec<usize>,
    /// The mistake is in the key of the last position, not in its value.
    pub in_key: bool,
    pub kind: Kind,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Kind {
    /// In words.
    Said(String),
    /// A required field is not there.
    Missing(&'static str),
}

impl Mistake {
    /// A mistake in words, at the node that is being read.
    pub fn said(message: impl Into<String>) -> Self {
        Self { trail: Vec::new(), in_key: false, kind: Kind::Said(message.into()) }
    }

    /// The same mistake, seen from the list or mapping around it.
    pub fn inside(mut self, index: usize) -> Self {
        self.trail.push(index);
        self
    }

    /// The same mistake, with what to do about it.
    pub fn advise(mut self, advice: &str) -> Self {
        if let Kind::Said(message) = &mut self.kind {
            message.push_str("; ");
            message.push_str(advice);
        }
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Said(message) => f.write_str(message),
            Kind::Missing(field) => write!(f, "`{field}` is missing"),
        }
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::said(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::said(format!("expected {expected}, found {}", Found(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let advice = if CLUSTER_FIELDS.contains(&field) {
            "; the cluster writes it, remove it".to_owned()
        } else {
            match suggest::nearest(field, expected.iter().copied()) {
                Some(meant) => format!("; did you mean `{meant}`?"),
                None => format!("; the fields here are {}", suggest::list(expected, "and")),
            }
        };
        Self::said(format!("unknown field{advice}"))
    }

    fn unknown_variant(word: &str, expected: &'static [&'static str]) -> Self {
        let advice = suggest::clause(word, expected.iter().copied());
        let words = suggest::list(expected, "or");
        Self::said(format!("expected {words}, found {}{advice}", quote(word)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { trail: Vec::new(), in_key: false, kind: Kind::Missing(field) }
    }
}

/// Fields that `kubectl get -o yaml` prints and nobody writes.
const CLUSTER_FIELDS: [&str; 9] = [
    "status",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

struct Found<'a>(Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Str(text) => f.write_str(&quote(text)),
            Unexpected::Map => f.write_str("a mapping"),
            Unexpected::Seq => f.write_str("a list"),
            Unexpected::Unit | Unexpected::Option => f.write_str("nothing"),
            other => write!(f, "{other}"),
        }
    }
}
