//! TOML, with the place of every key.

use toml_edit::{Document, Item, Key, TableLike, Value as TomlValue};

use super::{Fill, Places, unfilled, written};
use crate::gateway_config_guardrails::tree::{Entry, MAX_NODES, Node, Unreadable, Value};

/// Reads a document. TOML itself refuses a key that is set twice.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &unfilled)
}

/// Reads a document and leaves variables in it as they are written, for programs that have a way
/// of their own to fill them in.
pub fn read_written(text: &str) -> Result<Node, Unreadable> {
    read_with(text, &written)
}

/// Reads a document whose texts are what `fill` makes of them.
pub fn read_with(text: &str, fill: Fill<'_>) -> Result<Node, Unreadable> {
    // The parser keeps every value in memory before we can count: what cannot be within the limit
    // is not given to it.
    let marks = text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'['));
    if marks.count() > 2 * MAX_NODES {
        return Err(Unreadable::Limit("100,000 values"));
    }
    let places = Places::of(text);
    let document = Document::parse(text)
        .map_err(|error| places.broken("TOML", error.span().map_or(0, |span| span.start)))?;
    let mut reader = Reader { places, nodes: 0, fill };
    reader.table(document.as_table(), (1, 1))
}

struct Reader<'a> {
    places: Places<'a>,
    nodes: usize,
    fill: Fill<'a>,
}

impl Reader<'_> {
    fn node(&mut self, (line, column): (u32, u32), value: Value) -> Result<Node, Unreadable> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        Ok(Node { line, column, value })
    }

    fn table(&mut self, table: &dyn TableLike, at: (u32, u32)) -> Result<Node, Unreadable> {
        let mut entries = Vec::new();
        for (name, item) in table.iter() {
            let key = table.get_key_value(name).and_then(|(key, _)| Key::span(key));
            let (line, column) = key.map_or(at, |span| self.places.at(span.start));
            let node = self.item(item, (line, column))?;
            entries.push(Entry { key: name.to_owned(), line, column, node });
        }
        self.node(at, Value::Table(entries))
    }

    fn item(&mut self, item: &Item, key: (u32, u32)) -> Result<Node, Unreadable> {
        let at = item.span().map_or(key, |span| self.places.at(span.start));
        match item {
            Item::None => self.node(at, Value::Null),
            Item::Value(value) => self.value(value, key),
            Item::Table(table) => self.table(table, at),
            Item::ArrayOfTables(tables) => {
                let items = tables.iter().map(|table| {
                    let at = table.span().map_or(key, |span| self.places.at(span.start));
                    self.table(table, at)
                });
                let items = items.collect::<Result<_, _>>()?;
                self.node(at, Value::List(items))
            }
        }
    }

    fn value(&mut self, value: &TomlValue, key: (u32, u32)) -> Result<Node, Unreadable> {
        let at = value.span().map_or(key, |span| self.places.at(span.start));
        let read = match value {
            TomlValue::String(text) => (self.fill)(text.value()),
            TomlValue::Integer(number) => Value::Scalar(number.value().to_string()),
            TomlValue::Float(number) => Value::Scalar(number.value().to_string()),
            TomlValue::Boolean(truth) => Value::Scalar(truth.value().to_string()),
            TomlValue::Datetime(time) => Value::Scalar(time.value().to_string()),
            TomlValue::Array(items) => {
                let items = items.iter().map(|item| self.value(item, at));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            TomlValue::InlineTable(table) => return self.table(table, at),
        };
        self.node(at, read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    #[test]
    fn every_way_to_write_a_key_has_its_place() {
        let text = "# é\n[a]\nb.c = 1\n  d = { e = \"x\" }\n[[l]]\nn = 1\n[[l]]\nn = 2\n";
        let tree = read(text).unwrap();
        let at = |path: &str| {
            let found = tree.find(&steps(path));
            found.iter().map(|f| (f.path.clone(), f.line, f.column)).collect::<Vec<_>>()
        };
        assert_eq!(at("a.b.c"), [("a.b.c".to_owned(), 3, 3)]);
        assert_eq!(at("a.d.e"), [("a.d.e".to_owned(), 4, 9)]);
        assert_eq!(at("l.*.n"), [("l[0].n".to_owned(), 6, 1), ("l[1].n".to_owned(), 8, 1)]);
    }

    #[test]
    fn a_variable_outside_of_quotes_is_told_as_what_it_is() {
        for (text, line, column) in [
            ("a = 1\nport = ${PORT}\n", 2, 8),
            ("port = $PORT\n", 1, 8),
            ("port = ${PORT:-1883}\n", 1, 8),
            ("ports = [1, ${PORT}]\n", 1, 13),
            ("t = { port = ${PORT} }\n", 1, 14),
            ("[${NAME}]\na = 1\n", 1, 2),
            ("port = {{ port }}\n", 1, 8),
            ("port = <%= port %>\n", 1, 8),
            ("${EVERYTHING}\n", 1, 1),
        ] {
            let expected = Unreadable::Unfilled { format: "TOML", line, column };
            assert_eq!(read(text), Err(expected), "{text}");
        }
        let told = read("port = ${hunter2}\n").unwrap_err().to_string();
        assert!(told.contains("line 1, column 8; put it into quotes"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert!(read("port = \"${PORT}\"\n").is_ok());
    }

    #[test]
    fn broken_toml_says_where_and_not_what() {
        let error = read("a = 1\nb = hunter2hunter2\n").unwrap_err().to_string();
        assert!(error.contains("line 2, column 5"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert!(read("a = 1\na = 2\n").is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
