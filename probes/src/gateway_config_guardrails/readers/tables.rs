//! What readers of nested formats ask of a tree.

use crate::gateway_config_guardrails::tree::{Entry, Node, Value};

/// The entry of a key; of several the last, which is the one that counts in most programs.
pub fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Entry> {
    entries(node).iter().rev().find(|entry| entry.key == key)
}

/// The value at some keys, one below the other.
pub fn at<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Node> {
    keys.iter().try_fold(node, |node, key| entry(node, key).map(|entry| &entry.node))
}

/// Entries of a table; none where the value is no table.
pub fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Table(entries) => entries,
        _ => &[],
    }
}

/// Items of a list; none where the value is no list.
pub fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The text of a scalar.
pub fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(text) => Some(text),
        _ => None,
    }
}
