//! What TOML, YAML, JSON and `.env` have in common: values with a name and a place.

use super::guardrail::Place;

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// Most values that are read, those behind YAML aliases counted each time.
pub const MAX_NODES: usize = 100_000;

/// Longest single value, in bytes.
pub const MAX_SCALAR_BYTES: usize = 1024 * 1024;

/// Most bytes of all values together, those that an alias or a variable repeats counted each time:
/// two files of the largest size.
pub const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;

/// Why a file could not be read as its format. Says where, never what: the text may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It breaks the syntax.
    #[error("expected {format}, found something else at line {line}, column {column}")]
    Syntax {
        /// Name of the format.
        format: &'static str,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// It breaks the syntax by something that is filled in before the program reads it.
    #[error(
        "expected {format}, found a variable or a template outside of quotes at line {line}, column \
         {column}; put it into quotes, or declare the file with everything filled in, as the program \
         reads it"
    )]
    Unfilled {
        /// Name of the format.
        format: &'static str,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// A limit is reached.
    #[error("it goes beyond the limit of {0}")]
    Limit(&'static str),
    /// There is more than one document in it.
    #[error("it holds more than one document (line {0}); give every document a file of its own")]
    Documents(u32),
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, number or truth value, as it is written.
    Scalar(String),
    /// Written as nothing.
    Null,
    /// Filled in from elsewhere; how.
    Unresolved(&'static str),
    /// Text that variables are part of, where a mapping says how they are written.
    Variable(Variable),
    /// A list.
    List(Vec<Node>),
    /// A table; a key may be in it more than once.
    Table(Vec<Entry>),
}

/// Text with variables in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// As it stands in the file.
    pub written: String,
    /// With its variables filled in; how it is filled in, where that cannot be told.
    pub filled: Result<String, &'static str>,
    /// What it is where no variable is set, if every one of them has a default.
    pub fallback: Option<String>,
}

impl Value {
    /// The text that it is for the program; how it is filled in, where that cannot be told. None for
    /// what is no text.
    pub fn told(&self) -> Option<Result<&str, &'static str>> {
        match self {
            Self::Scalar(text) => Some(Ok(text)),
            Self::Unresolved(how) => Some(Err(how)),
            Self::Variable(Variable { filled, .. }) => Some(filled.as_deref().map_err(|how| *how)),
            Self::Null | Self::List(_) | Self::Table(_) => None,
        }
    }
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Line of the key, from 1.
    pub line: u32,
    /// Column of the key in characters, from 1.
    pub column: u32,
    /// Its value.
    pub node: Node,
}

/// A value that was asked for, or met on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its path, `ingest.auth.enabled` or `listeners[0].bind`.
    pub path: String,
    /// Place of its key, of itself in a list.
    pub line: u32,
    /// Column of that place.
    pub column: u32,
    /// The value.
    pub node: &'a Node,
}

impl Found<'_> {
    /// Its place in a file.
    pub fn place(&self, file: &str) -> Place {
        Place { file: file.to_owned(), line: self.line, column: self.column }
    }
}

/// The steps of a path: `a.b.*.c`, or a JSON Pointer `/a/b/*/c` where keys hold dots.
pub fn steps(path: &str) -> Vec<String> {
    match path.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
        }
        None => path.split('.').map(str::to_owned).collect(),
    }
}

impl Node {
    /// Every value at a path; `*` stands for every item of a list and every key of a table.
    pub fn find(&self, steps: &[String]) -> Vec<Found<'_>> {
        let start = Found { path: String::new(), line: self.line, column: self.column, node: self };
        steps.iter().fold(vec![start], |found, step| {
            found
                .iter()
                .flat_map(|at| at.children())
                .filter(|(key, _)| step == "*" || key.as_deref() == Some(step))
                .map(|(_, child)| child)
                .collect()
        })
    }

    /// Every value that is no table and no list, with the keys that lead to it.
    pub fn leaves(&self) -> Vec<Found<'_>> {
        let mut leaves = Vec::new();
        let mut open =
            vec![Found { path: String::new(), line: self.line, column: self.column, node: self }];
        while let Some(at) = open.pop() {
            if matches!(at.node.value, Value::List(_) | Value::Table(_)) {
                open.extend(at.children().map(|(_, child)| child));
            } else {
                leaves.push(at);
            }
        }
        leaves.sort_by_key(|leaf| (leaf.line, leaf.column));
        leaves
    }

    /// Keys that are in one table more than once: every one of their entries.
    pub fn repeated(&self) -> Vec<Found<'_>> {
        let mut repeated = Vec::new();
        let mut open =
            vec![Found { path: String::new(), line: self.line, column: self.column, node: self }];
        while let Some(at) = open.pop() {
            let mut keys: Vec<_> = at.children().filter_map(|(key, _)| key).collect();
            keys.sort();
            for (key, child) in at.children() {
                let count = key.as_ref().map_or(0, |key| {
                    keys.partition_point(|other| other <= key)
                        - keys.partition_point(|other| other < key)
                });
                if count > 1 {
                    repeated.push(child.clone());
                }
                open.push(child);
            }
        }
        repeated.sort_by_key(|entry| (entry.line, entry.column));
        repeated
    }

    /// Levels of tables and lists in it; a scalar has one.
    pub fn depth(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Value::Table(entries) => entries.iter().map(|e| e.node.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Values in it, itself counted.
    pub fn count(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::count).sum(),
            Value::Table(entries) => entries.iter().map(|entry| entry.node.count()).sum(),
            _ => 0,
        }
    }

    /// Bytes of the keys and texts in it.
    pub fn bytes(&self) -> usize {
        match &self.value {
            Value::Scalar(text) => text.len(),
            Value::Variable(Variable { written, filled, fallback }) => {
                let filled = filled.as_ref().map_or(0, String::len);
                written.len() + filled + fallback.as_ref().map_or(0, String::len)
            }
            Value::List(items) => items.iter().map(Self::bytes).sum(),
            Value::Table(entries) => {
                entries.iter().map(|entry| entry.key.len() + entry.node.bytes()).sum()
            }
            Value::Null | Value::Unresolved(_) => 0,
        }
    }
}

impl<'a> Found<'a> {
    /// Keys and items below, with the key where there is one.
    fn children(&self) -> impl Iterator<Item = (Option<String>, Found<'a>)> + use<'a> {
        let path = self.path.clone();
        let (items, entries): (&'a [Node], &'a [Entry]) = match &self.node.value {
            Value::List(items) => (items, &[]),
            Value::Table(entries) => (&[], entries),
            _ => (&[], &[]),
        };
        let parent = path.clone();
        let items = items.iter().enumerate().map(move |(index, node)| {
            let path = format!("{parent}[{index}]");
            (None, Found { path, line: node.line, column: node.column, node })
        });
        let entries = entries.iter().map(move |entry| {
            let key = shown(&entry.key);
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            let (line, column) = (entry.line, entry.column);
            (Some(entry.key.clone()), Found { path, line, column, node: &entry.node })
        });
        items.chain(entries)
    }
}

/// A key as evidence shows it. What is too long or too odd to be a name may be something that
/// was pasted into the wrong place.
pub fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !key.is_empty() && key.len() <= 48 && key.chars().all(plain) {
        key.to_owned()
    } else {
        "(a name that is not shown)".to_owned()
    }
}
