//! INI: sections of `key = value` lines.
//!
//! There is no standard. `=` or `:` ends a key, `#` and `;` begin a comment at the start of a line
//! or behind a space, quotes around a whole value are taken off, and case is kept. A line
//! that begins with a space and has neither goes on with the value before it. A key that is set twice is kept twice,
//! because readers differ in which one counts; no section takes anything over from another.

use super::{Fill, number, unfilled, written};
use crate::gateway_config_guardrails::tree::{Entry, MAX_NODES, Node, Unreadable, Value};

/// Reads a file: a table of sections, and of the keys that stand before the first one. A line that
/// is neither breaks the syntax.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &unfilled)
}

/// Reads a file whose values are what `fill` makes of them, each with all of its lines.
pub fn read_with(text: &str, fill: Fill<'_>) -> Result<Node, Unreadable> {
    let mut root = Vec::new();
    let mut open: Option<Entry> = None;
    let mut count = 0;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim();
        if start.is_empty() || start.starts_with(['#', ';']) {
            continue;
        }
        count += 1;
        if count > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let (line_number, column) = (number(index + 1), number(indent + 1));
        if let Some(name) = start.strip_prefix('[') {
            let broken = Unreadable::Syntax { format: "INI", line: line_number, column };
            let (name, _) = name.rsplit_once(']').ok_or(broken)?;
            root.extend(open.take());
            let node = Node { line: line_number, column, value: Value::Table(Vec::new()) };
            let key = name.trim().to_owned();
            open = Some(Entry { key, line: line_number, column, node });
            continue;
        }
        let entries = match &mut open {
            Some(Entry { node: Node { value: Value::Table(entries), .. }, .. }) => entries,
            _ => &mut root,
        };
        let Some(at) = start.find(['=', ':']).filter(|at| *at > 0) else {
            // More of the value above, which then has several lines.
            let before = entries.last_mut().filter(|_| indent > 0);
            match before.map(|entry| &mut entry.node.value) {
                Some(Value::Scalar(text)) => {
                    text.push('\n');
                    text.push_str(start);
                    continue;
                }
                _ => {
                    return Err(Unreadable::Syntax { format: "INI", line: line_number, column });
                }
            }
        };
        let (key, value) = (start[..at].trim_end(), bare(&start[at + 1..]));
        let place = column + number(start[..=at].chars().count());
        let node = Node { line: line_number, column: place, value: written(value) };
        entries.push(Entry { key: key.to_owned(), line: line_number, column, node });
    }
    root.extend(open);
    filled(&mut root, fill);
    Ok(Node { line: 1, column: 1, value: Value::Table(root) })
}

/// A value without its comment and its quotes.
fn bare(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some((text, rest)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote))
            && (rest.trim().is_empty() || rest.trim_start().starts_with(['#', ';']))
        {
            return text;
        }
    }
    if value.starts_with(['#', ';']) {
        return "";
    }
    let comments = [" #", " ;", "\t#", "\t;"].into_iter().filter_map(|mark| value.find(mark));
    value[..comments.min().unwrap_or(value.len())].trim_end()
}

/// Every value of a section, and of the sections in it, as `fill` makes it.
fn filled(entries: &mut [Entry], fill: Fill<'_>) {
    for entry in entries {
        match &mut entry.node.value {
            Value::Table(inner) => filled(inner, fill),
            Value::Scalar(text) => entry.node.value = fill(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    #[test]
    fn sections_keys_and_values_are_read_with_their_places() {
        let text = "top = 1\n[mqtt]\n; tls = off\n  tls : on ; why\nname = \"a ; b\" # c\nurl=${URL}\nlist = a\n  b\nempty =\n[a.b]\nk=x#y\n";
        let tree = read(text).unwrap();
        let at = |path: &str| {
            let found = tree.find(&steps(path));
            (found[0].node.value.clone(), found[0].line, found[0].column)
        };
        let text = |text: &str| Value::Scalar(text.to_owned());
        assert_eq!(at("top"), (text("1"), 1, 1));
        assert_eq!(at("mqtt.tls"), (text("on"), 4, 3));
        assert_eq!(at("mqtt.name").0, text("a ; b"));
        assert!(matches!(at("mqtt.url").0, Value::Unresolved(_)));
        assert_eq!(at("mqtt.list").0, text("a\nb"));
        assert_eq!(at("mqtt.empty").0, text(""));
        assert_eq!(at("/a.b/k").0, text("x#y"));
    }

    #[test]
    fn a_key_set_twice_is_kept_twice() {
        let tree = read("[a]\nk=1\nk=2\n").unwrap();
        assert_eq!(tree.repeated().len(), 2);
    }

    #[test]
    fn what_is_no_ini_is_refused_with_its_place_and_without_its_text() {
        for text in ["hunter2\n", "[hunter2\n", "[a]\n  hunter2\n", "=hunter2\n"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("line") && !error.contains("hunter2"), "{error}");
        }
        let many = "a=1\n".repeat(MAX_NODES + 1);
        assert_eq!(read(&many), Err(Unreadable::Limit("100,000 values")));
    }
}
