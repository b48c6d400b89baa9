//! `.env`: `KEY=value` lines as shells and most loaders read them.
//!
//! There is no standard. `export` before the key, `#` after a space, single quotes (literal) and
//! double quotes (escapes) are read; a key that is set twice is kept twice, because readers
//! differ in which one counts.

use super::{Fill, number, unfilled};
use crate::gateway_config_guardrails::tree::{Entry, MAX_NODES, Node, Unreadable, Value};

/// Reads a file. A line that is no assignment breaks the syntax.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &unfilled)
}

/// Reads a file whose values are what `fill` makes of them, those in single quotes left out.
pub fn read_with(text: &str, fill: Fill<'_>) -> Result<Node, Unreadable> {
    let mut entries = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        let (line_number, indent) = (number(index + 1), line.len() - start.len());
        let broken = Unreadable::Syntax {
            format: "KEY=value",
            line: line_number,
            column: number(indent + 1),
        };
        let assignment = start.strip_prefix("export ").map_or(start, str::trim_start);
        let (key, rest) = assignment.split_once('=').ok_or_else(|| broken.clone())?;
        let key = key.trim_end();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if key.is_empty() || !key.chars().all(named) {
            return Err(broken);
        }
        let column = number(line.len() - assignment.len() + 1);
        let (text, expands) = value(rest, &mut lines).ok_or(broken)?;
        let value = if expands { fill(&text) } else { Value::Scalar(text) };
        let node = Node { line: line_number, column: column + number(key.len() + 1), value };
        entries.push(Entry { key: key.to_owned(), line: line_number, column, node });
        if entries.len() > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
    }
    Ok(Node { line: 1, column: 1, value: Value::Table(entries) })
}

/// The value behind `=`, and whether variables in it count; a quoted one may go on over the next
/// lines. None if a quote stays open.
fn value<'a>(
    rest: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Option<(String, bool)> {
    let trimmed = rest.trim_start();
    let Some(quote) = trimmed.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = rest.find(" #").or_else(|| rest.find("\t#")).unwrap_or(rest.len());
        let plain = rest[..end].trim();
        return Some((if trimmed.starts_with('#') { "" } else { plain }.to_owned(), true));
    };
    let mut text = String::new();
    let mut line = &trimmed[1..];
    while !up_to(line, quote, &mut text) {
        line = lines.next()?.1;
        text.push('\n');
    }
    Some((text, quote == '"'))
}

/// Takes the text of a line up to the closing quote, escapes undone in double quotes; false if it
/// goes on over the next line.
fn up_to(line: &str, quote: char, text: &mut String) -> bool {
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return true,
            // In front of the end of a line it is the escape of that.
            '\\' if quote == '"' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                other => text.extend(other),
            },
            c => text.push(c),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    fn one(text: &str) -> Value {
        read(text).unwrap().find(&steps("K"))[0].node.value.clone()
    }

    #[test]
    fn values_are_read_as_loaders_read_them() {
        let cases = [
            ("K=a", "a"),
            ("export K=a", "a"),
            ("  K = a b  ", "a b"),
            ("K=a # note", "a"),
            ("K=a#b", "a#b"),
            ("K=# note", ""),
            ("K='a # b $X'", "a # b $X"),
            ("K=\"a\\nb\" # note", "a\nb"),
            ("K=\"a\nb\"", "a\nb"),
            ("K=", ""),
            ("# c\r\nK=a\r\n", "a"),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text), Value::Scalar(expected.to_owned()), "{text:?}");
        }
        assert!(matches!(one("K=${X}"), Value::Unresolved(_)));
        assert!(matches!(one("K=\"$X\""), Value::Unresolved(_)));
    }

    #[test]
    fn a_key_set_twice_is_kept_twice_with_its_places() {
        let tree = read("A=1\n export K=1\nK=2\n").unwrap();
        let found = tree.repeated();
        assert_eq!(found.iter().map(|f| (f.line, f.column)).collect::<Vec<_>>(), [(2, 9), (3, 1)]);
    }

    #[test]
    fn a_line_that_is_no_assignment_is_refused_without_its_text() {
        for text in ["A=1\nhunter2\n", "A=1\n=x\n", "A=1\na b=c\n", "A=1\nB=\"open\n"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{error}");
            assert!(!error.contains("hunter2"));
        }
    }
}
