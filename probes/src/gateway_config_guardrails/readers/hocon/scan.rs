//! The characters of HOCON: places, blanks, comments, quoted and unquoted text.

use super::syntax::At;
use crate::gateway_config_guardrails::tree::{MAX_NODES, MAX_SCALAR_BYTES, Unreadable};

/// A text and the place up to which it is read.
pub(super) struct Reader<'a> {
    pub rest: &'a str,
    pub line: u32,
    column: u32,
    nodes: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the top.
    pub const fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, column: 1, nodes: 0 }
    }

    pub const fn at(&self) -> At {
        (self.line, self.column)
    }

    pub const fn broken(&self) -> Unreadable {
        Unreadable::Syntax { format: "HOCON", line: self.line, column: self.column }
    }

    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    pub fn take(&mut self, word: &str) -> bool {
        let found = self.rest.starts_with(word);
        if found {
            for _ in word.chars() {
                self.next();
            }
        }
        found
    }

    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        &start[..start.len() - self.rest.len()]
    }

    /// Skips blanks and comments, with line ends if `lines`.
    pub fn blank(&mut self, lines: bool) {
        loop {
            self.take_while(|c| (c.is_whitespace() && c != '\n') || c == '\u{feff}');
            if self.is_comment() {
                self.take_while(|c| c != '\n');
            } else if !(lines && self.take("\n")) {
                return;
            }
        }
    }

    pub fn is_comment(&self) -> bool {
        self.rest.starts_with('#') || self.rest.starts_with("//")
    }

    /// Counts a value.
    pub fn charge(&mut self) -> Result<(), Unreadable> {
        self.nodes += 1;
        if self.nodes > MAX_NODES { Err(Unreadable::Limit("100,000 values")) } else { Ok(()) }
    }

    /// Unquoted text without the blanks behind it.
    pub fn plain(&mut self) -> &'a str {
        let start = self.rest;
        while let Some(c) = self.peek() {
            let comment =
                self.is_comment() && !start[..start.len() - self.rest.len()].ends_with(':');
            if comment || !(is_plain(c) || matches!(c, ':' | '=' | '+')) {
                break;
            }
            if c == '/' && self.rest.starts_with("//") {
                self.next();
            }
            self.next();
        }
        &start[..start.len() - self.rest.len()]
    }

    /// A quoted string, or one in three quotes, in which nothing is escaped.
    pub fn quoted(&mut self) -> Result<String, Unreadable> {
        let open = self.broken();
        if self.take("\"\"\"") {
            let end = self.rest.find("\"\"\"").ok_or_else(|| open.clone())?;
            // Quotes before the last three belong to the text.
            let more = self.rest[end + 3..].bytes().take_while(|byte| *byte == b'"').count();
            let text = self.rest[..end + more].to_owned();
            let stop = self.rest.len() - end - more - 3;
            while self.rest.len() > stop {
                self.next();
            }
            return Ok(text);
        }
        self.next();
        let mut text = String::new();
        loop {
            if text.len() > MAX_SCALAR_BYTES {
                return Err(Unreadable::Limit("1 MiB for one value"));
            }
            match self.next() {
                None | Some('\n') => return Err(open),
                Some('"') => return Ok(text),
                Some('\\') => match self.next().ok_or_else(|| open.clone())? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => text.push(self.escaped().ok_or_else(|| open.clone())?),
                    c @ ('"' | '\\' | '/') => text.push(c),
                    _ => return Err(open),
                },
                Some(c) => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let digits = self.rest.get(..4)?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.take(digits);
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// Characters of unquoted text.
pub(super) fn is_plain(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '$' | '"' | '{' | '}' | '[' | ']' | ',' | '#' | '=' | ':' | '+')
}
