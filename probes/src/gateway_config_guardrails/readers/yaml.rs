//! YAML 1.2 with the place of every key: one document, or the many of a manifest.
//!
//! Scalars are kept as they are written: whether `off` is a truth value is for the mapping to
//! say. Aliases are followed and counted, so that a few lines cannot stand for millions of
//! values; a tag that is not part of YAML itself means that another program fills the value in.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{Fill, number, unfilled, written};
use crate::gateway_config_guardrails::tree::{
    Entry, MAX_DEPTH, MAX_NODES, MAX_SCALAR_BYTES, MAX_TEXT_BYTES, Node, Unreadable, Value,
};

/// Reads one document.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &unfilled)
}

/// Reads every document of a stream. The limits hold for all of them together.
pub fn read_all(text: &str) -> Result<Vec<Node>, Unreadable> {
    documents(text, Reader::new(true, &unfilled))
}

/// Reads one document and leaves variables in it as they are written, for programs that have a
/// way of their own to fill them in.
pub fn read_written(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &written)
}

/// Reads one document whose texts are what `fill` makes of them.
pub fn read_with(text: &str, fill: Fill<'_>) -> Result<Node, Unreadable> {
    Ok(first(documents(text, Reader::new(false, fill))?))
}

/// Where a value with a tag of the program itself begins, line and column, with the tag.
pub type Tagged = HashMap<(u32, u32), &'static str>;

/// Reads one document as [`read_written`] does. What these tags stand before is kept, and told.
pub fn read_tagged(
    text: &str,
    tags: &'static [&'static str],
) -> Result<(Node, Tagged), Unreadable> {
    let mut reader = Reader { tags, ..Reader::new(false, &written) };
    reader.read(text)?;
    Ok((first(reader.roots), reader.tagged))
}

fn first(documents: Vec<Node>) -> Node {
    let empty = Node { line: 1, column: 1, value: Value::Null };
    documents.into_iter().next().unwrap_or(empty)
}

fn documents(text: &str, mut reader: Reader<'_>) -> Result<Vec<Node>, Unreadable> {
    reader.read(text)?;
    Ok(reader.roots)
}
/// A table or list that is not closed yet.
struct Open {
    line: u32,
    column: u32,
    anchor: usize,
    unresolved: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// Entries so far, and the key that waits for its value.
    Table(Vec<Entry>, Option<Node>),
}

struct Reader<'a> {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    roots: Vec<Node>,
    nodes: usize,
    /// Bytes that are there once more, behind aliases and kept for them.
    repeated: usize,
    /// More than one document is fine.
    many: bool,
    fill: Fill<'a>,
    /// Tags of the program itself, after the exclamation mark.
    tags: &'static [&'static str],
    tagged: Tagged,
}

impl<'a> Reader<'a> {
    fn new(many: bool, fill: Fill<'a>) -> Self {
        Self {
            open: Vec::new(),
            anchors: HashMap::new(),
            roots: Vec::new(),
            nodes: 0,
            repeated: 0,
            many,
            fill,
            tags: &[],
            tagged: HashMap::new(),
        }
    }

    fn read(&mut self, text: &str) -> Result<(), Unreadable> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let marker = error.marker();
                let (line, column) = (number(marker.line().max(1)), number(marker.col() + 1));
                Unreadable::Syntax { format: "YAML", line, column }
            })?;
            self.take(event, span)?;
        }
        Ok(())
    }

    /// Whether another program fills in what a tag stands before. A tag of the program itself is
    /// kept in mind.
    fn is_filled_in(&mut self, tag: Option<&Tag>, line: u32, column: u32) -> bool {
        let own = tag.filter(|tag| tag.handle == "!");
        let own = own.and_then(|tag| self.tags.iter().find(|known| **known == tag.suffix));
        match own {
            Some(own) => {
                self.tagged.insert((line, column), own);
                false
            }
            None => is_foreign(tag),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let (line, column) = (number(span.start.line().max(1)), number(span.start.col() + 1));
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if text.len() > MAX_SCALAR_BYTES {
                    return Err(Unreadable::Limit("1 MiB for one value"));
                }
                let plain = style == ScalarStyle::Plain;
                let filled_in = self.is_filled_in(tag.as_deref(), line, column);
                let value = scalar(&text, plain, filled_in, self.fill);
                self.close(Node { line, column, value }, anchor)
            }
            Event::Alias(anchor) => {
                let (nodes, bytes) =
                    self.anchors.get(&anchor).map_or((1, 0), |node| (node.count(), node.bytes()));
                self.repeat(nodes, bytes)?;
                let value = self.anchors.get(&anchor).map(|node| node.value.clone());
                self.close(Node { line, column, value: value.unwrap_or(Value::Null) }, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(line, column, anchor, tag.as_deref(), Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Table(Vec::new(), None);
                self.start(line, column, anchor, tag.as_deref(), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::DocumentStart(_) if !self.roots.is_empty() && !self.many => {
                Err(Unreadable::Documents(line))
            }
            _ => Ok(()),
        }
    }

    fn start(
        &mut self,
        line: u32,
        column: u32,
        anchor: usize,
        tag: Option<&Tag>,
        content: Content,
    ) -> Result<(), Unreadable> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        let unresolved = self.is_filled_in(tag, line, column);
        self.open.push(Open { line, column, anchor, unresolved, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            _ if open.unresolved => Value::Unresolved("another program fills it in"),
            Content::List(items) => Value::List(items),
            Content::Table(entries, _) => Value::Table(merged(entries)),
        };
        self.close(Node { line: open.line, column: open.column, value }, open.anchor)
    }

    /// A whole value goes to where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.charge(1)?;
        if anchor > 0 {
            self.repeat(node.count(), node.bytes())?;
            self.anchors.insert(anchor, node.clone());
        }
        if self.open.len() + node.depth() > MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.roots.push(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Table(entries, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => {
                    let Node { line, column, value } = key;
                    let key = match value {
                        Value::Scalar(text) => text,
                        Value::Variable(variable) => variable.written,
                        _ => String::new(),
                    };
                    entries.push(Entry { key, line, column, node });
                }
            },
        }
        Ok(())
    }

    /// Counts what is there once more.
    fn repeat(&mut self, nodes: usize, bytes: usize) -> Result<(), Unreadable> {
        self.repeated += bytes;
        if self.repeated > MAX_TEXT_BYTES {
            return Err(Unreadable::Limit("32 MiB of values, aliases counted"));
        }
        self.charge(nodes)
    }

    fn charge(&mut self, nodes: usize) -> Result<(), Unreadable> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values, aliases counted"));
        }
        Ok(())
    }
}

fn scalar(text: &str, plain: bool, filled_in: bool, fill: Fill<'_>) -> Value {
    if filled_in {
        return Value::Unresolved("another program fills it in");
    }
    if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Value::Null;
    }
    fill(text)
}

/// A tag like `!vault` or `!Ref`: neither one of YAML's own nor the bare `!`, which means text.
fn is_foreign(tag: Option<&Tag>) -> bool {
    let own = |tag: &Tag| tag.is_yaml_core_schema() || (tag.handle == "!" && tag.suffix.is_empty());
    tag.is_some_and(|tag| !own(tag))
}

/// Entries with those behind `<<` taken over where they do not set the key themselves.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().all(|entry| entry.key != "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.key == "<<");
    let mut keys: HashSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
    for merge in merges {
        let tables = match merge.node.value {
            Value::List(items) => items.into_iter().map(|item| item.value).collect(),
            value => vec![value],
        };
        for table in tables {
            let Value::Table(entries) = table else { continue };
            own.extend(entries.into_iter().filter(|entry| keys.insert(entry.key.clone())));
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    fn at(tree: &Node, path: &str) -> Vec<(Value, u32, u32)> {
        let found = tree.find(&steps(path));
        found.iter().map(|f| (f.node.value.clone(), f.line, f.column)).collect()
    }

    fn text(text: &str) -> Value {
        Value::Scalar(text.to_owned())
    }

    #[test]
    fn words_stay_as_they_are_written_and_keys_have_places() {
        let tree = read("# c\na:\n  b: off\n  c: 0o17\nl:\n  - n: '1_000'\n  - n: ~\n").unwrap();
        assert_eq!(at(&tree, "a.b"), [(text("off"), 3, 3)]);
        assert_eq!(at(&tree, "a.c"), [(text("0o17"), 4, 3)]);
        assert_eq!(at(&tree, "l.*.n"), [(text("1_000"), 6, 5), (Value::Null, 7, 5)]);
    }

    #[test]
    fn aliases_and_merge_keys_are_followed() {
        let tree = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\ncopy: *b\n").unwrap();
        assert_eq!(at(&tree, "use.x")[0].0, text("1"));
        assert_eq!(at(&tree, "use.y"), [(text("3"), 4, 3)]);
        assert_eq!(at(&tree, "copy.y")[0].0, text("2"));
    }

    #[test]
    fn a_key_set_twice_is_kept_twice() {
        let tree = read("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(tree.repeated().len(), 2);
    }

    #[test]
    fn tags_of_other_programs_leave_a_value_open() {
        let tree = read("a: !vault x\nb: !Ref {c: d}\nc: !!str 1\nd: ${X}\n").unwrap();
        for path in ["a", "b", "d"] {
            assert!(matches!(at(&tree, path)[0].0, Value::Unresolved(_)), "{path}");
        }
        assert_eq!(at(&tree, "c")[0].0, text("1"));
    }

    #[test]
    fn bombs_and_deep_nesting_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{below}x]\n"));
        }
        assert!(matches!(read(&bomb), Err(Unreadable::Limit(_))));
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(read(&nested(100)), Err(Unreadable::Limit("64 levels")));
        assert!(read(&nested(3_000)).is_err() && read(&nested(60)).is_ok());
        assert_eq!(read("a: 1\n---\nb: 2\n"), Err(Unreadable::Documents(2)));
    }

    #[test]
    fn a_long_value_behind_many_aliases_is_refused() {
        let long = "x".repeat(100_000);
        let list = format!("a: &a {long}\nb: [{}]\n", "*a,".repeat(1_000));
        let tables = format!("a: &a {{x: {long}}}\n{}", "b: {<<: *a}\n".repeat(1_000));
        for text in [list, tables] {
            assert_eq!(read(&text), Err(Unreadable::Limit("32 MiB of values, aliases counted")));
        }
        assert!(read(&format!("a: &a {long}\nb: [{}]\n", "*a,".repeat(100))).is_ok());
    }

    #[test]
    fn broken_yaml_says_where_and_not_what() {
        let error = read("a: 1\nb: [hunter2\n").unwrap_err().to_string();
        assert!(error.contains("line") && !error.contains("hunter2"), "{error}");
    }
}
