//! JSON (RFC 8259) with the place of every key, and with keys that are set twice kept twice.

use super::{Fill, Places, unfilled};
use crate::gateway_config_guardrails::tree::{
    Entry, MAX_DEPTH, MAX_NODES, Node, Unreadable, Value,
};

/// Reads one value.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &unfilled)
}

/// Reads one value whose texts are what `fill` makes of them.
pub fn read_with(text: &str, fill: Fill<'_>) -> Result<Node, Unreadable> {
    let mut reader = Reader { text, places: Places::of(text), at: 0, nodes: 0, fill };
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() { Err(reader.broken()) } else { Ok(node) }
}

struct Reader<'a> {
    text: &'a str,
    places: Places<'a>,
    at: usize,
    nodes: usize,
    fill: Fill<'a>,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Unreadable> {
        self.nodes += 1;
        if depth >= MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        if self.nodes > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        self.blank();
        let (line, column) = self.places.at(self.at);
        let value = match self.peek() {
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => (self.fill)(&self.string()?),
            _ => self.word()?,
        };
        Ok(Node { line, column, value })
    }

    fn table(&mut self, depth: usize) -> Result<Value, Unreadable> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.closes(b'}') {
            return Ok(Value::Table(entries));
        }
        loop {
            self.blank();
            let (line, column) = self.places.at(self.at);
            let key = self.string()?;
            self.expect(b':')?;
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, line, column, node });
            if self.closes(b'}') {
                return Ok(Value::Table(entries));
            }
            self.expect(b',')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Unreadable> {
        self.at += 1;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.closes(b']') {
                return Ok(Value::List(items));
            }
            self.expect(b',')?;
        }
    }

    /// A string with its escapes; `serde_json` knows how to undo them.
    fn string(&mut self) -> Result<String, Unreadable> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.broken());
        }
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'"' => {
                    self.at = end + 1;
                    return serde_json::from_str(&self.text[start..=end])
                        .map_err(|_| self.broken_at(start));
                }
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        Err(self.broken())
    }

    /// A number, `true`, `false` or `null`, kept as written.
    fn word(&mut self) -> Result<Value, Unreadable> {
        let rest = &self.text[self.at..];
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let end = rest.find(|c| !plain(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let known = matches!(word, "true" | "false" | "null")
            || serde_json::from_str::<serde_json::Number>(word).is_ok();
        if !known {
            return Err(self.broken());
        }
        self.at += end;
        Ok(if word == "null" { Value::Null } else { Value::Scalar(word.to_owned()) })
    }

    fn closes(&mut self, bracket: u8) -> bool {
        self.blank();
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.closes(byte) { Ok(()) } else { Err(self.broken()) }
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn broken(&self) -> Unreadable {
        self.broken_at(self.at)
    }

    fn broken_at(&self, offset: usize) -> Unreadable {
        self.places.broken("JSON", offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    #[test]
    fn keys_values_and_places_are_read() {
        let tree =
            read("{\n\t\"a\": [1, {\"b\\u00e9\": \"\\ud83d\\ude00\"}], \"a\": null}").unwrap();
        let found = tree.find(&steps("a.*.bé"));
        assert_eq!(found[0].node.value, Value::Scalar("😀".to_owned()));
        let repeated: Vec<_> = tree.repeated().iter().map(|f| (f.line, f.column)).collect();
        assert_eq!(repeated, [(2, 2), (2, 41)]);
    }

    #[test]
    fn a_variable_outside_of_quotes_is_told_as_what_it_is() {
        for (text, line, column) in [
            ("{\n \"port\": ${PORT}}", 2, 10),
            ("[1, $PORT]", 1, 5),
            ("{${REST}}", 1, 2),
            ("{\"a\": {{ a }}}", 1, 7),
            ("[<% a %>]", 1, 2),
            ("{\"a\": 1} $X", 1, 10),
        ] {
            let expected = Unreadable::Unfilled { format: "JSON", line, column };
            assert_eq!(read(text), Err(expected), "{text}");
        }
        assert!(read("{\"port\": \"${PORT}\"}").is_ok());
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        let cases = ["", "{", "[1,]", "{\"a\" 1}", "nul", "\"\\x\"", "1 2", "{'a':1}", "\"a", "01"];
        for text in cases {
            assert!(matches!(read(text), Err(Unreadable::Syntax { .. })), "{text}");
        }
        assert_eq!(read(&"[".repeat(5_000)), Err(Unreadable::Limit("64 levels")));
        let many = format!("[{}1]", "1,".repeat(MAX_NODES));
        assert_eq!(read(&many), Err(Unreadable::Limit("100,000 values")));
    }
}
