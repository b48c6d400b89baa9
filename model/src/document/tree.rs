//! A YAML file as trees in which every node and key knows its place.
//!
//! Invariants: a tree is at most [`MAX_DEPTH`] deep; all trees of a file together weigh at most
//! [`BUDGET`], aliases expanded; the keys of a mapping are unique. A document that cannot be
//! parsed costs its own tree only: reading goes on at the next `---`.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use super::location::{Field, Position, Way};
use super::problem::{Problem, quote};
use super::scalar::{self, Plain};
use super::{syntax, text};

/// Deepest nesting. A pod template inside a schedule needs about 20 levels.
const MAX_DEPTH: usize = 64;
/// Weight of all trees of a file: 1 per node and key, and 1 per [`WEIGHED_BYTES`] of text. A file
/// of full size without aliases stays below it; an alias bomb does not.
const BUDGET: usize = 1 << 20;
/// Bytes of text that weigh as much as a node.
const WEIGHED_BYTES: usize = 32;
/// Problems of one file that are listed; a file with more is of another kind altogether.
pub(super) const MAX_PROBLEMS: usize = 50;

/// A value and the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: Position,
    pub content: Content,
}

/// What stands at a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A scalar without quotes; what it means is told by [`scalar::read`].
    Plain(String),
    /// A scalar in quotes, or a block: text.
    Quoted(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something was wrong here and has been reported; readers act as if it were absent.
    Broken,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub at: Position,
    pub key: String,
    pub value: Node,
}

impl Node {
    /// The entry of a mapping with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The child at a position of a list or mapping.
    pub fn child_mut(&mut self, index: usize) -> Option<&mut Self> {
        match &mut self.content {
            Content::List(items) => items.get_mut(index),
            Content::Map(entries) => entries.get_mut(index).map(|entry| &mut entry.value),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(&self.content, Content::Plain(text) if scalar::read(text) == Plain::Null)
    }
}

/// The documents of a file in their order, empty ones left out. What could not be read is added
/// to `problems`.
pub(super) fn documents(file: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Node> {
    let starts: Vec<usize> = text::starts(text).collect();
    let mut roots = Vec::new();
    let mut budget = BUDGET;
    let mut begin = 0;
    let end = text::end_of(text);
    loop {
        let mut stretch = Stretch {
            parser: Parser::new_from_str(&text[starts[begin]..]),
            lines_before: begin,
            document_begin: begin,
            end,
            anchors: HashMap::new(),
            file,
            budget: &mut budget,
            problems,
        };
        match stretch.read(&mut roots) {
            Ok(()) | Err(Stop::File) => return roots,
            Err(Stop::Document) => {}
        }
        let lost = stretch.document_begin;
        let next = (lost + 1..starts.len()).find(|line| is_document_mark(&text[starts[*line]..]));
        let Some(next) = next else { return roots };
        let mark = position(next, 0);
        if let Some(last) = problems.last_mut().filter(|last| last.line > mark.line) {
            // The parser runs past the end of a document inside an open bracket.
            let message = "not valid YAML: a bracket is opened and not closed before the \
                           document ends";
            *last = Problem::new(file, mark, &Field::default(), message);
        }
        if problems.len() >= MAX_PROBLEMS {
            return roots;
        }
        begin = next;
    }
}

/// True before a line that begins a document: `---` there is never content (YAML 1.2.2 section
/// 9.1.2).
fn is_document_mark(rest: &str) -> bool {
    rest.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// A position from a line and a column that count from 0.
fn position(line: usize, column: usize) -> Position {
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    Position { line: count(line), column: count(column) }
}

/// Why reading cannot go on. The reason has been reported.
enum Stop {
    /// The rest of this document is lost.
    Document,
    /// The rest of the file is lost.
    File,
}

/// A stretch of a file from the beginning of a document until the end or the first error.
struct Stretch<'t, 'a> {
    parser: Parser<'t, StrInput<'t>>,
    lines_before: usize,
    document_begin: usize,
    /// The end of the file; the parser places what is missing there a line further.
    end: Position,
    /// Anchored nodes of this document with their weight, by the parser's number.
    anchors: HashMap<usize, (Node, usize)>,
    file: &'a str,
    budget: &'a mut usize,
    problems: &'a mut Vec<Problem>,
}

impl<'t> Stretch<'t, '_> {
    fn read(&mut self, roots: &mut Vec<Node>) -> Result<(), Stop> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), mark) => {
                    self.document_begin = self.line(mark);
                    self.anchors.clear();
                    let root = self.node(&Way::Root, 0)?;
                    if !root.is_nothing() {
                        roots.push(root);
                    }
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Marker), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start)),
            None => Ok((Event::StreamEnd, Marker::default())),
            Some(Err(error)) => {
                let mark = *error.marker();
                self.report(self.at(mark), &Way::Root, syntax::explain(error.info()));
                Err(Stop::Document)
            }
        }
    }

    fn node(&mut self, way: &Way<'_>, depth: usize) -> Result<Node, Stop> {
        let (event, mark) = self.next()?;
        self.node_from(event, mark, way, depth)
    }

    fn node_from(
        &mut self,
        event: Event<'t>,
        mark: Marker,
        way: &Way<'_>,
        depth: usize,
    ) -> Result<Node, Stop> {
        let at = self.at(mark);
        if depth > MAX_DEPTH {
            let message =
                format!("expected at most {MAX_DEPTH} levels of nesting, found more; flatten it");
            self.report(at, way, message);
            return Err(Stop::Document);
        }
        let before = *self.budget;
        let (content, anchor, tag) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, way),
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1 + text.len() / WEIGHED_BYTES, at, way)?;
                let content = match style {
                    ScalarStyle::Plain => Content::Plain(text.into_owned()),
                    _ => Content::Quoted(text.into_owned()),
                };
                (content, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                self.spend(1, at, way)?;
                (Content::List(self.items(way, depth)?), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => {
                self.spend(1, at, way)?;
                (Content::Map(self.entries(way, depth)?), anchor, tag)
            }
            // The parser never starts a node with another event.
            _ => (Content::Broken, 0, None),
        };
        if let Some(tag) = tag {
            let tag = match tag.is_yaml_core_schema() {
                true => quote(&format!("!!{}", tag.suffix)),
                false => quote(&tag.to_string()),
            };
            self.report(at, way, format!("found the YAML tag {tag}; tags are not read, remove it"));
        }
        let node = Node { at, content };
        if anchor > 0 {
            let weight = before - *self.budget;
            self.spend(weight, at, way)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, at: Position, way: &Way<'_>) -> Result<Node, Stop> {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            self.report(at, way, "found an alias inside its own anchor; write the value out");
            return Ok(Node { at, content: Content::Broken });
        };
        let weight = *weight;
        let content = node.content.clone();
        self.spend(weight, at, way)?;
        Ok(Node { at, content })
    }

    fn items(&mut self, way: &Way<'_>, depth: usize) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, mark) => {
                    let way = Way::Index(way, items.len());
                    items.push(self.node_from(event, mark, &way, depth + 1)?);
                }
            }
        }
    }

    fn entries(&mut self, way: &Way<'_>, depth: usize) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = HashMap::new();
        loop {
            let (event, mark) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let key = self.node_from(event, mark, way, depth + 1)?;
            let at = key.at;
            let Some(key) = self.key(key, way) else {
                self.node(way, depth + 1)?;
                continue;
            };
            let way = Way::Key(way, &key);
            let mut value = self.node(&way, depth + 1)?;
            if value.content == Content::Plain(String::new()) {
                // The parser places what is not there at the next token, lines below.
                value.at = at;
            }
            match lines.get(&key) {
                Some(line) => self.report(
                    at,
                    &way,
                    format!("found this field twice, first in line {line}; remove one"),
                ),
                None => {
                    lines.insert(key.clone(), at.line);
                    entries.push(Entry { at, key, value });
                }
            }
        }
    }

    /// A key as text. Numbers and words that YAML 1.1 takes for booleans are no keys of ours.
    fn key(&mut self, key: Node, way: &Way<'_>) -> Option<String> {
        let found = match key.content {
            Content::Quoted(text) => return Some(text),
            Content::Plain(text) if text == "<<" => {
                let message = "found the merge key `<<`; merge keys are not read, write the \
                               fields out";
                self.report(key.at, way, message);
                return None;
            }
            Content::Plain(text) if scalar::read(&text) == Plain::Text => return Some(text),
            Content::Plain(text) if text.is_empty() => "nothing".to_owned(),
            Content::Plain(text) => format!("{}; put it in quotes", quote(&text)),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a mapping".to_owned(),
            Content::Broken => return None,
        };
        self.report(key.at, way, format!("expected a name as the key, found {found}"));
        None
    }

    fn spend(&mut self, weight: usize, at: Position, way: &Way<'_>) -> Result<(), Stop> {
        match self.budget.checked_sub(weight) {
            Some(rest) => {
                *self.budget = rest;
                Ok(())
            }
            None => {
                self.report(
                    at,
                    way,
                    "expected a file of ordinary size, found too many values, aliases written \
                     out; split the file or use fewer aliases",
                );
                Err(Stop::File)
            }
        }
    }

    fn report(&mut self, at: Position, way: &Way<'_>, message: impl AsRef<str>) {
        // One more than are listed, so that the reader can say that there are more.
        if self.problems.len() <= MAX_PROBLEMS {
            self.problems.push(Problem::new(self.file, at, &way.field(), message));
        }
    }

    fn at(&self, mark: Marker) -> Position {
        position(self.line(mark), mark.col()).min(self.end)
    }

    /// The line of a mark in the file, from 0.
    fn line(&self, mark: Marker) -> usize {
        self.lines_before + mark.line().saturating_sub(1)
    }
}
