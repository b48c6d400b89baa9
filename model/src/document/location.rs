//! Where something stands in a file: positions, field paths, and documents that remember both.

use std::fmt;
use std::sync::Arc;

use super::Problem;
use super::problem::{Fault, escape};
use super::tree::{Content, Node};

/// Longest part of a key that a field path shows, in characters.
const KEPT_KEY: usize = 60;

/// A place in a file. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A path of fields from the top of a document: `spec.endpoints[0].port`. The empty path is the
/// document itself. A name that is no plain word is shown as `["name"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Field {
    /// A field at the top of the document.
    pub fn of(name: &str) -> Self {
        Self::default().key(name)
    }

    /// The field `name` of this one.
    pub fn key(&self, name: &str) -> Self {
        self.with(Step::Key(name.to_owned()))
    }

    /// The item `index` of this list, counted from 0.
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if (1..=KEPT_KEY).contains(&key.len()) && key.chars().all(plain) => {
                    write!(f, "{}{key}", if depth == 0 { "" } else { "." })?;
                }
                Step::Key(key) => write!(f, "[\"{}\"]", escape(key, KEPT_KEY))?,
            }
        }
        Ok(())
    }
}

/// The way from the root of a tree to one of its nodes, on the stack of whoever walks there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'a> {
    Root,
    Key(&'a Way<'a>, &'a str),
    Index(&'a Way<'a>, usize),
}

impl Way<'_> {
    pub fn field(&self) -> Field {
        match self {
            Self::Root => Field::default(),
            Self::Key(parent, name) => parent.field().key(name),
            Self::Index(parent, index) => parent.field().index(*index),
        }
    }
}

/// Something that was read from a file and knows where each of its fields stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// The file's name, as the caller gave it.
    pub file: String,
    root: Arc<Node>,
}

impl<T> Located<T> {
    pub(super) fn new(value: T, file: &str, root: Node) -> Self {
        Self { value, file: file.to_owned(), root: Arc::new(root) }
    }

    /// The same place with another value, for taking a kind out of a
    /// [`Resource`](super::Resource).
    pub fn with<U>(&self, value: U) -> Located<U> {
        Located { value, file: self.file.clone(), root: Arc::clone(&self.root) }
    }

    /// Where the document begins.
    pub fn at(&self) -> Position {
        self.root.at
    }

    /// Where a field's value stands; where it is absent, the nearest field around it.
    pub fn locate(&self, field: &Field) -> Position {
        let mut node = &*self.root;
        for step in &field.0 {
            let child = match (step, &node.content) {
                (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
                (Step::Index(index), Content::List(items)) => items.get(*index),
                _ => None,
            };
            match child {
                Some(child) => node = child,
                None => break,
            }
        }
        node.at
    }

    /// A fault of this document, with its place.
    pub fn problem(&self, fault: Fault) -> Problem {
        Problem::new(&self.file, self.locate(&fault.field), &fault.field, fault.message)
    }
}
