//! Erlang terms, as files of configuration hold them: lists, tuples, maps, atoms, strings,
//! binaries, numbers. What would have to be run, as `fun`, is there without a value.

use super::Places;
use crate::gateway_config_guardrails::tree::{
    Entry, MAX_DEPTH, MAX_NODES, Node, Unreadable, Value,
};

/// A term and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The term.
    pub kind: Kind,
}

/// A term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An atom, a string, a binary or a number, as text.
    Text(String),
    /// `{...}`.
    Tuple(Vec<Term>),
    /// `[...]`.
    List(Vec<Term>),
    /// Something that is no plain data.
    Unresolved,
}

impl Term {
    /// The text of an atom, string, binary or number.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The term as a tree: a list of pairs is a table, another tuple a list.
    pub fn node(&self) -> Node {
        let value = match &self.kind {
            Kind::Text(text) => Value::Scalar(text.clone()),
            Kind::Unresolved => Value::Unresolved("the program would have to run it"),
            Kind::List(items) if items.is_empty() => Value::List(Vec::new()),
            Kind::List(items) => match items.iter().map(Self::entry).collect::<Option<Vec<_>>>() {
                Some(entries) => Value::Table(entries),
                None => Value::List(items.iter().map(Self::node).collect()),
            },
            Kind::Tuple(items) => Value::List(items.iter().map(Self::node).collect()),
        };
        Node { line: self.line, column: self.column, value }
    }

    /// A pair as an entry of a table.
    fn entry(&self) -> Option<Entry> {
        let Kind::Tuple(items) = &self.kind else { return None };
        let [key, value] = items.as_slice() else { return None };
        let named = key.text()?;
        Some(Entry {
            key: named.to_owned(),
            line: self.line,
            column: self.column,
            node: value.node(),
        })
    }
}

/// Reads the terms of a file, each of which ends with a dot.
pub fn read(text: &str) -> Result<Vec<Term>, Unreadable> {
    let mut reader = Reader { text, at: 0, places: Places::of(text), nodes: 0, has_ends: true };
    let mut terms = Vec::new();
    loop {
        reader.blank();
        if reader.rest().is_empty() {
            return Ok(terms);
        }
        terms.push(reader.term(1)?);
        reader.blank();
        if !reader.take(".") {
            return Err(reader.broken(reader.at));
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    places: Places<'a>,
    nodes: usize,
    /// Functions that are left may end with `end`.
    has_ends: bool,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn broken(&self, at: usize) -> Unreadable {
        let (line, column) = self.places.at(at);
        Unreadable::Syntax { format: "Erlang terms", line, column }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Skips blanks and comments.
    fn blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest().starts_with('%') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn term(&mut self, depth: usize) -> Result<Term, Unreadable> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        if depth > MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        let start = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') => Kind::Tuple(self.items("{", "}", depth)?),
            Some('[') => Kind::List(self.items("[", "]", depth)?),
            Some('#') => {
                self.take("#");
                self.items("{", "}", depth)?;
                Kind::Unresolved
            }
            Some('"') => {
                let mut whole = self.quoted('"')?;
                // Strings side by side are one.
                loop {
                    self.blank();
                    if !self.rest().starts_with('"') {
                        break;
                    }
                    whole.push_str(&self.quoted('"')?);
                }
                Kind::Text(whole)
            }
            Some('\'') => Kind::Text(self.quoted('\'')?),
            Some('<') if self.take("<<") => {
                self.blank();
                let text =
                    if self.rest().starts_with('"') { Some(self.quoted('"')?) } else { None };
                let more = self.take_while(|c| c != '>');
                if !self.take(">>") {
                    return Err(self.broken(start));
                }
                match text {
                    Some(text) if more.trim().is_empty() || more.trim() == "/utf8" => {
                        Kind::Text(text)
                    }
                    _ => Kind::Unresolved,
                }
            }
            Some(c) if c.is_ascii_digit() || c == '-' => Kind::Text(self.number()),
            Some(c) if c.is_lowercase() => self.atom(start)?,
            Some(c) if c.is_uppercase() || c == '_' => {
                self.take_while(|c| c.is_alphanumeric() || c == '_');
                Kind::Unresolved
            }
            _ => return Err(self.broken(start)),
        };
        let (line, column) = self.places.at(start);
        Ok(Term { line, column, kind })
    }

    fn items(&mut self, open: &str, close: &str, depth: usize) -> Result<Vec<Term>, Unreadable> {
        let start = self.at;
        if !self.take(open) {
            return Err(self.broken(start));
        }
        let mut items = Vec::new();
        self.blank();
        while !self.take(close) {
            items.push(self.term(depth + 1)?);
            self.blank();
            let more = self.take(",") || self.take("|") || self.take("=>") || self.take(":=");
            self.blank();
            if more == self.rest().starts_with(close) {
                return Err(self.broken(self.at));
            }
        }
        Ok(items)
    }

    fn number(&mut self) -> String {
        let start = self.at;
        self.take("-");
        self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '#' | '_'));
        // A dot inside a number is followed by a digit; the dot that ends a term is not.
        let rest = self.rest();
        if rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.take(".");
            self.take_while(|c| c.is_ascii_alphanumeric());
        }
        self.text[start..self.at].to_owned()
    }

    fn atom(&mut self, start: usize) -> Result<Kind, Unreadable> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@');
        let mut word = self.take_while(plain).to_owned();
        // A dot may stand inside an atom, as in the name of a protocol version.
        while self.rest().starts_with('.') && self.rest()[1..].starts_with(char::is_alphanumeric) {
            self.take(".");
            word.push('.');
            word.push_str(self.take_while(plain));
        }
        if word != "fun" {
            return Ok(Kind::Text(word));
        }
        // Each that is looked for in vain costs the rest of the file.
        let behind = if self.has_ends { self.rest().find("end") } else { None };
        self.has_ends = behind.is_some();
        let end = behind.or_else(|| self.rest().find([',', '}', ']']));
        let end = end.ok_or_else(|| self.broken(start))?;
        self.at += end;
        self.take("end");
        Ok(Kind::Unresolved)
    }

    fn quoted(&mut self, quote: char) -> Result<String, Unreadable> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + at + c.len_utf8();
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(self.broken(start))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway_config_guardrails::tree::steps;

    #[test]
    fn pairs_are_tables_with_the_places_of_their_keys() {
        let text = "%% c\n[\n {rabbit, [{tcp_listeners, []}, {max, -1}, {f, 0.5}, {p, <<\"a\">>},\n  {s, \"b\" \"c\"}, {v, ['tlsv1.2', tlsv1.3]}, {l, [{\"::\", 1}, 2]}]}\n].\n";
        let tree = read(text).unwrap()[0].node();
        let at = |path: &str| {
            let found = tree.find(&steps(path));
            (found[0].line, found[0].column, found[0].node.value.clone())
        };
        let scalar = |text: &str| Value::Scalar(text.to_owned());
        assert_eq!(at("rabbit.max"), (3, 33, scalar("-1")));
        assert_eq!(at("rabbit.f").2, scalar("0.5"));
        assert_eq!(at("rabbit.p").2, scalar("a"));
        assert_eq!(at("rabbit.s"), (4, 3, scalar("bc")));
        assert_eq!(at("rabbit.tcp_listeners").2, Value::List(Vec::new()));
        assert!(
            matches!(at("rabbit.v").2, Value::List(items) if items[1].value == scalar("tlsv1.3"))
        );
    }

    #[test]
    fn what_would_have_to_run_is_there_without_a_value() {
        for text in [
            "[{a, fun(X) -> X end}].",
            "[{a, fun m:f/1}].",
            "[{a, X}].",
            "[{a, #{b => 1}}].",
            "[{a, <<1,2>>}].",
        ] {
            let tree = read(text).unwrap()[0].node();
            assert!(matches!(tree.find(&steps("a"))[0].node.value, Value::Unresolved(_)), "{text}");
        }
    }

    #[test]
    fn broken_terms_are_errors_with_their_place() {
        for text in [
            "[\n{a, 1}",
            "[\n{a, 1}]",
            "[\n\"hunter2",
            "[\n{a 1}].",
            "[\n,].",
            "[\n1,].",
            "x.\n<<\"a\".",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("line 1") || error.contains("line 2"), "{text:?} {error}");
            assert!(!error.contains("hunter2"));
        }
        assert!(matches!(read(&"[".repeat(100_000)), Err(Unreadable::Limit(_))));
        assert!(matches!(
            read(&format!("[{}1].", "1,".repeat(200_000))),
            Err(Unreadable::Limit(_))
        ));
    }

    proptest! {
        #[test]
        fn nothing_panics_on_text(text in "\\PC{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn nothing_panics_on_what_looks_like_terms(
            text in "([a-cA]{0,2}(\\{|\\}|\\[|\\]|,|\\.|\"|'|<<|>>|%|#|=>|fun |end|-|1|é| |\\n|\\\\){0,3}){0,40}"
        ) {
            for term in read(&text).unwrap_or_default() {
                let _ = term.node();
            }
        }
    }
}
