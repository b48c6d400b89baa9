//! The syntax of HOCON, with the place of every field: objects, lists, dotted and quoted keys,
//! `=`, `:`, `+=`, comments, values that stand side by side, `include` and `${...}`.
//!
//! Unquoted text is read as brokers read it, which is wider than the language allows: `0.0.0.0:1883`
//! is one value.

use super::scan::{Reader, is_plain};
use crate::gateway_config_guardrails::tree::{MAX_DEPTH, MAX_SCALAR_BYTES, Unreadable};

/// Line and column in characters, both from 1.
pub type At = (u32, u32);

/// One statement of an object, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A field.
    Field {
        /// Steps of its key.
        path: Vec<String>,
        /// Place of the key.
        at: At,
        /// `+=`: the value joins the list that is there.
        adds: bool,
        /// Values side by side.
        value: Vec<Piece>,
    },
    /// `include`.
    Include {
        /// The file; none where it is fetched from somewhere else.
        named: Option<String>,
        /// Place of the word.
        at: At,
    },
}

/// One of the values that stand side by side; mostly there is only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text, quoted or not, with the blanks between it and its neighbours.
    Text(String),
    /// `null`.
    Null,
    /// `${path}`, or `${?path}` where it may be absent.
    Filled {
        /// Steps of the path.
        path: Vec<String>,
        /// `?`.
        optional: bool,
    },
    /// An object.
    Object(Vec<Item>),
    /// A list; every item has a place and its own pieces.
    List(Vec<(At, Vec<Piece>)>),
}

/// Reads a file, whose outer braces may be left out.
pub fn parse(text: &str) -> Result<Vec<Item>, Unreadable> {
    let mut reader = Reader::new(text);
    reader.blank(true);
    let braced = reader.take("{");
    let items = reader.items(braced, 1)?;
    reader.blank(true);
    if reader.rest.is_empty() { Ok(items) } else { Err(reader.broken()) }
}

/// Reads one value, as an environment variable holds it.
pub fn parse_value(text: &str) -> Result<Vec<Piece>, Unreadable> {
    let mut reader = Reader::new(text);
    reader.blank(true);
    let pieces = reader.pieces(1)?;
    reader.blank(true);
    if reader.rest.is_empty() && !pieces.is_empty() { Ok(pieces) } else { Err(reader.broken()) }
}

impl<'a> Reader<'a> {
    /// Skips what may stand between two fields or items; true if there was anything of it.
    fn separator(&mut self) -> bool {
        self.blank(false);
        let before = self.line;
        let comma = self.take(",");
        self.blank(true);
        // Some writers put the comma on the next line.
        let late = !comma && self.take(",");
        self.blank(true);
        comma || late || self.line != before
    }

    fn items(&mut self, braced: bool, depth: usize) -> Result<Vec<Item>, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        let mut items = Vec::new();
        let mut apart = true;
        self.blank(true);
        loop {
            match self.peek() {
                None if !braced => return Ok(items),
                Some('}') if braced => {
                    self.next();
                    return Ok(items);
                }
                Some(_) if apart => items.push(self.item(depth)?),
                _ => return Err(self.broken()),
            }
            self.charge()?;
            apart = self.separator();
        }
    }

    fn item(&mut self, depth: usize) -> Result<Item, Unreadable> {
        let at = self.at();
        if let Some(behind) = self.rest.strip_prefix("include") {
            let behind = behind.trim_start_matches([' ', '\t']);
            let calls = ["\"", "file(", "url(", "classpath(", "required("];
            if calls.iter().any(|call| behind.starts_with(call)) {
                self.take("include");
                return Ok(Item::Include { named: self.included()?, at });
            }
        }
        let path = self.key()?;
        self.blank(true);
        let adds = self.take("+=");
        if !adds && !self.take("=") && !self.take(":") && self.peek() != Some('{') {
            return Err(self.broken());
        }
        self.blank(true);
        let value = self.pieces(depth)?;
        if value.is_empty() {
            return Err(self.broken());
        }
        Ok(Item::Field { path, at, adds, value })
    }

    /// What stands behind `include`: a name, or one in `file(...)`, `required(...)` and the like.
    fn included(&mut self) -> Result<Option<String>, Unreadable> {
        let (mut open, mut fetched) = (0, false);
        loop {
            self.blank(false);
            if self.take("file(") || self.take("required(") {
                open += 1;
            } else if self.take("url(") || self.take("classpath(") {
                open += 1;
                fetched = true;
            } else {
                break;
            }
        }
        let name =
            if self.peek() == Some('"') { self.quoted()? } else { return Err(self.broken()) };
        for _ in 0..open {
            self.blank(false);
            if !self.take(")") {
                return Err(self.broken());
            }
        }
        Ok((!fetched).then_some(name))
    }

    /// A key: steps with dots between, each of them quoted or not.
    fn key(&mut self) -> Result<Vec<String>, Unreadable> {
        let mut steps = Vec::new();
        let mut step = String::new();
        let mut written = false;
        loop {
            match self.peek() {
                Some('"') => {
                    step.push_str(&self.quoted()?);
                    written = true;
                }
                Some('.') if written => {
                    self.next();
                    steps.push(std::mem::take(&mut step));
                    written = false;
                }
                Some(c) if is_plain(c) && c != '.' && !matches!(c, ':' | '=' | '+') => {
                    step.push_str(
                        self.take_while(|c| {
                            is_plain(c) && c != '.' && !matches!(c, ':' | '=' | '+')
                        }),
                    );
                    written = true;
                }
                Some(' ' | '\t') => {
                    // Blanks inside a key belong to it, those at its end do not.
                    let blanks = self.take_while(|c| matches!(c, ' ' | '\t'));
                    let goes_on = self.peek().is_some_and(|c| {
                        c == '"' || (is_plain(c) && !matches!(c, ':' | '=' | '+' | '.'))
                    });
                    if !goes_on {
                        break;
                    }
                    step.push_str(blanks);
                }
                _ => break,
            }
            if steps.len() >= MAX_DEPTH {
                return Err(Unreadable::Limit("64 levels"));
            }
        }
        if !written {
            return Err(self.broken());
        }
        steps.push(step);
        Ok(steps)
    }

    /// Values side by side, up to the end of the line, a comma or a bracket.
    fn pieces(&mut self, depth: usize) -> Result<Vec<Piece>, Unreadable> {
        let mut pieces = Vec::new();
        let mut blanks = "";
        loop {
            match self.peek() {
                None | Some(',' | '}' | ']' | '\n') => break,
                _ if self.is_comment() => break,
                Some('{') => {
                    self.next();
                    pieces.push(Piece::Object(self.items(true, depth + 1)?));
                }
                Some('[') => {
                    self.next();
                    pieces.push(Piece::List(self.list(depth + 1)?));
                }
                Some('"') => {
                    let text = self.quoted()?;
                    add_text(&mut pieces, blanks, &text, true)?;
                }
                Some('$') => {
                    if !pieces.is_empty() && !blanks.is_empty() {
                        add_text(&mut pieces, blanks, "", true)?;
                    }
                    pieces.push(self.filled()?);
                }
                Some(c) if is_plain(c) || matches!(c, ':' | '=' | '+') => {
                    let text = self.plain();
                    add_text(&mut pieces, blanks, text, false)?;
                }
                _ => return Err(self.broken()),
            }
            self.charge()?;
            blanks = self.take_while(|c| c.is_whitespace() && c != '\n');
        }
        Ok(pieces)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<(At, Vec<Piece>)>, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::Limit("64 levels"));
        }
        let mut items = Vec::new();
        let mut apart = true;
        self.blank(true);
        loop {
            match self.peek() {
                Some(']') => {
                    self.next();
                    return Ok(items);
                }
                Some(_) if apart => {
                    let at = self.at();
                    let item = self.pieces(depth)?;
                    if item.is_empty() {
                        return Err(self.broken());
                    }
                    items.push((at, item));
                }
                _ => return Err(self.broken()),
            }
            apart = self.separator();
        }
    }

    /// `${path}` or `${?path}`.
    fn filled(&mut self) -> Result<Piece, Unreadable> {
        if !self.take("${") {
            return Err(self.broken());
        }
        let optional = self.take("?");
        self.blank(false);
        let path = self.key()?;
        self.blank(false);
        if self.take("}") { Ok(Piece::Filled { path, optional }) } else { Err(self.broken()) }
    }
}

/// Joins text to what stands before it.
fn add_text(
    pieces: &mut Vec<Piece>,
    blanks: &str,
    text: &str,
    quoted: bool,
) -> Result<(), Unreadable> {
    if pieces.is_empty() && text == "null" && !quoted {
        pieces.push(Piece::Null);
        return Ok(());
    }
    match pieces.last_mut() {
        Some(Piece::Text(before)) => {
            before.push_str(blanks);
            before.push_str(text);
            if before.len() > MAX_SCALAR_BYTES {
                return Err(Unreadable::Limit("1 MiB for one value"));
            }
        }
        Some(Piece::Filled { .. }) => pieces.push(Piece::Text(format!("{blanks}{text}"))),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
    Ok(())
}
