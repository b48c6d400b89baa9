//! The tokens of JavaScript, as far as an object of settings needs them.

use crate::gateway_config_guardrails::tree::{MAX_NODES, Unreadable};

/// One token and the byte at which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub at: usize,
}

/// A kind of token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Name(String),
    /// A text, escapes undone.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// A template with something in it, or a regular expression: no value that we take.
    Other,
    /// One sign, or one of `=>`, `||`, `??`, `...`.
    Sign(&'static str),
    /// A sign that means nothing here.
    Strange,
}

const SIGNS: [&str; 17] =
    ["...", "=>", "||", "??", "==", "{", "}", "[", "]", "(", ")", ",", ":", ";", "=", ".", "!"];

/// Reads a text. What stays open breaks the syntax; the error has the byte at which it begins.
pub fn read(text: &str) -> Result<Vec<Token>, Broken> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    // A line for the shell that runs the file.
    if text.starts_with("#!") {
        at = text.find('\n').unwrap_or(text.len());
    }
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if tokens.len() > MAX_NODES {
            return Err(Broken::Limit);
        }
        let run = |part: fn(char) -> bool| rest.find(|c| !part(c)).unwrap_or(rest.len());
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").ok_or(Broken::At(at))? + 2)
        } else if matches!(first, '"' | '\'') {
            let (text, length) = string(rest, first).ok_or(Broken::At(at))?;
            (Some(Kind::Text(text)), length)
        } else if first == '`' {
            let (text, length) = template(rest).ok_or(Broken::At(at))?;
            (Some(text.map_or(Kind::Other, Kind::Text)), length)
        } else if first == '/' && begins_expression(tokens.last()) {
            (Some(Kind::Other), regular(rest).ok_or(Broken::At(at))?)
        } else if first.is_ascii_digit() {
            let length = run(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
            (Some(Kind::Number(rest[..length].to_owned())), length)
        } else if first.is_alphabetic() || matches!(first, '_' | '$') {
            let length = run(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
            (Some(Kind::Name(rest[..length].to_owned())), length)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Some(Kind::Sign(sign)), sign.len())
        } else {
            (Some(Kind::Strange), first.len_utf8())
        };
        tokens.extend(kind.map(|kind| Token { kind, at }));
        at += length;
    }
    Ok(tokens)
}

/// Why a text could not be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Something that begins at this byte stays open.
    At(usize),
    /// More tokens than are read.
    Limit,
}

impl Broken {
    /// The same for the reader; `place` finds a line and a column.
    pub fn told(self, place: impl Fn(usize) -> (u32, u32)) -> Unreadable {
        match self {
            Self::Limit => Unreadable::Limit("100,000 values"),
            Self::At(at) => {
                let (line, column) = place(at);
                Unreadable::Syntax { format: "JavaScript", line, column }
            }
        }
    }
}

/// Whether a `/` begins a regular expression: behind anything that no value ends with.
fn begins_expression(before: Option<&Token>) -> bool {
    !before.is_some_and(|token| {
        matches!(
            token.kind,
            Kind::Text(_) | Kind::Number(_) | Kind::Other | Kind::Sign(")" | "]" | "}")
        ) || matches!(&token.kind, Kind::Name(name) if name != "return")
    })
}

/// A text in quotes and its length; none if it stays open.
fn string(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                '\n' => {}
                other => out.push(other),
            },
            '\n' => return None,
            c if c == quote => return Some((out, at + 1)),
            c => out.push(c),
        }
    }
    None
}

/// A template and its length. Its text, if nothing is filled in.
fn template(rest: &str) -> Option<(Option<String>, usize)> {
    let mut out = String::new();
    let mut plain = true;
    let mut open = 0_usize;
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            '$' if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                plain = false;
                open += 1;
            }
            '{' if open > 0 => open += 1,
            '}' if open > 0 => open -= 1,
            '`' if open == 0 => return Some((plain.then_some(out), at + 1)),
            c => out.push(c),
        }
    }
    None
}

/// Length of a regular expression, its flags counted.
fn regular(rest: &str) -> Option<usize> {
    let mut class = false;
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next()?;
            }
            '\n' => return None,
            '[' => class = true,
            ']' => class = false,
            '/' if !class => {
                let flags = rest[at + 1..].find(|c: char| !c.is_ascii_alphabetic());
                return Some(at + 1 + flags.unwrap_or(rest.len() - at - 1));
            }
            _ => {}
        }
    }
    None
}
