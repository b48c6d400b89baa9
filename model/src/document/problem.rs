//! What is wrong with a document, where, and what to do about it.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::location::{Field, Position};
use super::text;

/// Longest value that a message repeats, in characters.
const KEPT_VALUE: usize = 80;
/// Longest message, in characters: the rest could only be a document's own text.
const KEPT_MESSAGE: usize = 600;
/// Characters of a line that a snippet shows.
const SNIPPET_WIDTH: usize = 100;

/// One thing that is wrong in a file. Lines and columns count from 1, columns in characters.
///
/// Displays as `file:line:column: field: message`, in one line and without control characters,
/// whatever the document holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Path of the field, such as `spec.endpoints[0].port`; empty where it is the whole document.
    pub field: String,
    /// What was expected, what was found, and what to do.
    pub message: String,
}

impl Problem {
    pub(super) fn new(file: &str, at: Position, field: &Field, message: impl AsRef<str>) -> Self {
        Self {
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            field: field.to_string(),
            message: escape(message.as_ref(), KEPT_MESSAGE),
        }
    }

    /// The line that the problem stands in, with a caret under its column, for a terminal.
    ///
    /// `text` is the content of the file. Control characters are replaced, so that the caret
    /// stays in place; of a long line only the part around the column is shown. Empty if the
    /// file has no such line.
    pub fn snippet(&self, text: &str) -> String {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Some(line) = text::lines(text).nth(self.line.saturating_sub(1) as usize) else {
            return String::new();
        };
        let caret = self.column.saturating_sub(1) as usize;
        let from = (caret + SNIPPET_WIDTH / 4).saturating_sub(SNIPPET_WIDTH);
        let shown: String = line.chars().skip(from).take(SNIPPET_WIDTH).map(visible).collect();
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(caret - from);
        format!("{gutter} |\n{number} | {}\n{gutter} | {indent}^\n", shown.trim_end())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = escape(&self.file, KEPT_MESSAGE);
        write!(f, "{file}:{}:{}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Something that is wrong with a document's content, wherever the document came from.
///
/// [`Located::problem`](super::Located::problem) adds the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Fault {
    /// Path of the field.
    pub field: Field,
    /// What was expected, what was found, and what to do.
    pub message: String,
}

/// Text of a document between backticks, escaped and cut.
pub(super) fn quote(text: &str) -> String {
    format!("`{}`", escape(text, KEPT_VALUE))
}

/// Text without control characters: each is written as `\uXXXX`, and what follows the first
/// `kept` characters is replaced by `…`.
pub(super) fn escape(text: &str, kept: usize) -> String {
    let mut out = String::with_capacity(text.len().min(kept));
    for (count, c) in text.chars().enumerate() {
        if count == kept {
            out.push('…');
            break;
        }
        if is_hostile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A character that a terminal or a log would obey instead of showing: controls, line and
/// paragraph separators, and the marks that change the direction of text (Unicode UAX #9).
const fn is_hostile(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

const fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if is_hostile(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Problem {
        Problem::new("t.yaml", Position { line, column }, &Field::of("spec"), "wrong")
    }

    #[test]
    fn a_problem_is_one_line_whatever_the_document_holds() {
        let field = Field::of("spec").key("a\nb\u{1b}[31m");
        let problem = Problem::new("dir\n/t.yaml", Position::START, &field, "found `\u{202e}x\r`");
        insta::assert_snapshot!(problem, @r#"dir\u000a/t.yaml:1:1: spec["a\u000ab\u001b[31m"]: found `\u202ex\u000d`"#);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quote(&"é".repeat(500)), format!("`{}…`", "é".repeat(80)));
        assert_eq!(escape("short", 5), "short");
    }

    #[test]
    fn a_snippet_points_at_the_column() {
        insta::assert_snapshot!(at(2, 7).snippet("kind: X\nport:\t\"1\"\r\n"), @r#"
          |
        2 | port: "1"
          |       ^
        "#);
    }

    #[test]
    fn a_snippet_of_a_long_line_shows_the_part_around_the_column() {
        let text = format!("{}!{}", "a".repeat(5_000), "b".repeat(5_000));
        let snippet = at(1, 5_001).snippet(&text);
        let lines: Vec<_> = snippet.lines().collect();
        assert_eq!(lines[1].find('!'), lines[2].find('^'));
        assert!(lines[1].len() < 120, "{}", lines[1]);
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        assert_eq!(at(1, 1).snippet("\u{feff}kind: X"), at(1, 1).snippet("kind: X"));
    }

    #[test]
    fn a_line_that_is_not_there_has_no_snippet() {
        assert_eq!(at(9, 1).snippet("one\n"), "");
    }
}
