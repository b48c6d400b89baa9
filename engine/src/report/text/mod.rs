//! Text from targets in reports: made visible, cut, and escaped for each format.
//!
//! Whatever a target sent may hold markup, control characters, direction marks or a megabyte of
//! `A`. Every renderer passes such text through this module, and through nothing else. HTML has
//! no function here: maud escapes every splice by itself.

mod markdown;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::evidence::Item;
use serde_json::Value;

pub use markdown::{markdown, markdown_block, markdown_code, markdown_prose};

/// Bytes of one text from a target that a report shows; the evidence holds what was kept.
pub const SHOWN_BYTES: usize = 160;

/// Bytes of one structured value (a list, an object) or one sentence that a report shows.
pub const VALUE_BYTES: usize = 4_096;

/// Bytes of one structured value that stands beside another one.
const BRIEF_BYTES: usize = 480;

/// A text as a reader may see it: no control characters, and honest about what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The visible part.
    pub text: String,
    /// Bytes shown and bytes in all, where something was left out.
    pub cut: Option<(usize, usize)>,
}

impl Shown {
    fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), cut: None }
    }

    /// "first 160 of 4,096 bytes", where something was left out.
    pub fn note(&self) -> Option<String> {
        self.cut.map(|(first, of)| {
            format!("first {} of {} bytes", super::words::number(first), super::words::number(of))
        })
    }

    /// The text with its note in parentheses, for formats without markup.
    pub fn plain(&self) -> String {
        match self.note() {
            Some(note) => format!("{} ({note})", self.text),
            None => self.text.clone(),
        }
    }
}

/// True for characters that a reader cannot see or that change the order of what is read:
/// controls, directions, joiners, byte order marks, tags.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every invisible character as `\uXXXX`, the way JSON writes it.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    Cow::Owned(out)
}

fn push_visible(out: &mut String, c: char) {
    if is_invisible(c) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
        }
    } else {
        out.push(c);
    }
}

/// Whole output with its last line of defence: whatever a renderer let through is made visible
/// here, but for the line feeds that the format itself is written in.
pub fn seal(output: String) -> String {
    if output.chars().all(|c| c == '\n' || !is_invisible(c)) {
        return output;
    }
    let mut out = String::with_capacity(output.len() + 64);
    for c in output.chars() {
        match c {
            '\n' => out.push('\n'),
            c => push_visible(&mut out, c),
        }
    }
    out
}

/// A sentence of a rule or a document: white space joined, the rest made visible.
/// Cut at [`VALUE_BYTES`], with a note of what was left out.
pub fn sentence(text: &str) -> String {
    let end = boundary(text, VALUE_BYTES);
    let joined = text[..end].split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    if end == text.len() {
        return visible(&joined).into_owned();
    }
    Shown { text: visible(&joined).into_owned(), cut: Some((end, text.len())) }.plain()
}

/// Text from a target: cut to [`SHOWN_BYTES`] and made visible. A text that its probe has cut
/// already ends in `[first N of M bytes]`; that note becomes the note of what is shown.
pub fn hostile(text: &str) -> Shown {
    let (body, of) = match kept_by_probe(text) {
        Some((body, of)) => (body, of),
        None => (text, text.len()),
    };
    let first = boundary(body, SHOWN_BYTES);
    let cut = (first < of).then_some((first, of));
    Shown { text: visible(&body[..first]).into_owned(), cut }
}

/// Takes the note that `probes` appends off a text: the body, and the bytes that there were.
fn kept_by_probe(text: &str) -> Option<(&str, usize)> {
    let (body, note) = text.strip_suffix(" bytes]")?.rsplit_once(" [first ")?;
    let (first, of) = note.split_once(" of ")?;
    let (first, of) = (first.parse::<usize>().ok()?, of.parse::<usize>().ok()?);
    (first < of && body.len() <= SHOWN_BYTES + 1).then_some((body, of))
}

/// The largest index of at most `limit` that is a character boundary of the text.
fn boundary(text: &str, limit: usize) -> usize {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// A value of evidence: text as it is, everything else as JSON in one line with a space after
/// each comma. Every text in it is cut by itself, and the whole at [`VALUE_BYTES`].
pub fn value(value: &Value) -> Shown {
    value_within(value, VALUE_BYTES)
}

/// The same, cut sooner, for a value beside another one.
pub fn brief(value: &Value) -> Shown {
    value_within(value, BRIEF_BYTES)
}

/// From this many entries on, a list beside another one is reduced to what the other does not have.
const COMPARED_FROM: usize = 4;

/// A list beside another state of it: what this one has alone, and how long it is. None for lists
/// that are as quickly read.
pub fn only_here(list: &[Value], other: &[Value]) -> Option<Shown> {
    if list.len().max(other.len()) < COMPARED_FROM {
        return None;
    }
    let there: BTreeSet<_> = other.iter().map(Value::to_string).collect();
    let alone = list.iter().filter(|entry| !there.contains(&entry.to_string())).cloned();
    let alone: Vec<_> = alone.collect();
    let all = super::words::count(list.len(), "entry", "entries");
    Some(match alone.len() {
        0 => Shown::whole(format!("{all}, none of them only here")),
        n => {
            let Shown { text, cut } = brief(&Value::Array(alone));
            Shown { text: format!("{all}, {} only here: {text}", super::words::number(n)), cut }
        }
    })
}

fn value_within(value: &Value, limit: usize) -> Shown {
    match value {
        Value::String(text) if text.is_empty() => Shown::whole("\"\""),
        Value::String(text) => hostile(text),
        other => {
            let mut out = String::new();
            write_value(&mut out, other);
            let end = boundary(&out, limit);
            let cut = (end < out.len()).then_some((end, out.len()));
            out.truncate(end);
            Shown { text: out, cut }
        }
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, &hostile(text).plain()),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) if write_place(out, fields) => {}
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_text(out, &hostile(name).plain());
                out.push_str(": ");
                write_value(out, field);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Writes what a configuration file says in one place, `setting = value (file:line:column)`, with
/// the reason where there is one. False, and nothing written, if the object is no place.
fn write_place(out: &mut String, fields: &serde_json::Map<String, Value>) -> bool {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let (Some(file), Some(line)) = (word("file"), number("line")) else { return false };
    if let Some(setting) = word("setting") {
        out.push_str(&hostile(setting).plain());
        if let Some(value) = word("value") {
            out.push_str(" = ");
            out.push_str(&hostile(value).plain());
        }
        out.push(' ');
    }
    out.push('(');
    out.push_str(&hostile(file).plain());
    out.push_str(&format!(":{line}"));
    if let Some(column) = number("column") {
        out.push_str(&format!(":{column}"));
    }
    out.push(')');
    if let Some(reason) = word("reason") {
        out.push_str(": ");
        out.push_str(&hostile(reason).plain());
    }
    true
}

/// A text between quotation marks. It is visible already, so its backslashes stay as they are.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(&text.replace('"', "\\\""));
    out.push('"');
}

/// An item of evidence as a reader sees it: its value, or the reason why there is none.
pub fn item(item: &Item<Value>) -> Shown {
    match item {
        Item::Observed { value: seen } => value(seen),
        Item::Truncated { reason, value: Some(part) } => {
            let part = value(part);
            Shown::whole(format!("{} ({})", part.plain(), hostile(reason).plain()))
        }
        other => hostile(other.reason().unwrap_or_default()),
    }
}

/// JSON text that may stand inside `<script type="application/json">`, and that shows no
/// invisible character: `<` and those are escaped. Line feeds between members stay.
pub fn inert_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '\n' => out.push('\n'),
            c => push_visible(&mut out, c),
        }
    }
    out
}

/// A piece of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span<'a> {
    /// Plain text.
    Text(&'a str),
    /// What stood between backticks.
    Code(&'a str),
}

/// A sentence split at its backticks. A backtick without a partner is text.
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('`') {
        let Some((code, after)) = behind.split_once('`') else { break };
        if !before.is_empty() {
            spans.push(Span::Text(before));
        }
        if !code.is_empty() {
            spans.push(Span::Code(code));
        }
        rest = after;
    }
    if !rest.is_empty() {
        spans.push(Span::Text(rest));
    }
    spans
}

/// A spreadsheet cell: visible, and with an apostrophe before anything that a spreadsheet would
/// take for a formula.
pub fn csv_cell(text: &str) -> String {
    let shown = visible(text);
    let formula = text.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{shown}") } else { shown.into_owned() }
}

/// A SARIF plain-text message: visible, and with brackets escaped, because `[text](target)` would
/// become a link there (SARIF 2.1.0, section 3.11.6).
pub fn sarif_message(text: &str) -> String {
    let mut out = String::new();
    for c in sentence(text).chars() {
        if matches!(c, '\\' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_in_a_file_reads_as_people_write_it_and_stays_escaped() {
        let places = serde_json::json!([
            {"file": "gateway.toml", "line": 27, "column": 1, "setting": "auth.on", "value": "false"},
            {"file": "a\u{1b}.env", "line": 3, "setting": "X", "reason": "not declared"},
        ]);
        assert_eq!(
            value(&places).plain(),
            "[auth.on = false (gateway.toml:27:1), X (a\\u001b.env:3): not declared]"
        );
        assert_eq!(value(&serde_json::json!({"file": "x"})).plain(), "{\"file\": \"x\"}");
    }

    #[test]
    fn invisible_characters_are_written_out() {
        assert_eq!(visible("a\u{202e}b\0\u{1b}[31m"), "a\\u202eb\\u0000\\u001b[31m");
        assert_eq!(visible("\u{e0041}"), "\\udb40\\udc41");
        assert!(matches!(visible("plain é"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_so() {
        let shown = hostile(&"é".repeat(100));
        assert_eq!(shown.cut, Some((160, 200)));
        assert_eq!(shown.note().as_deref(), Some("first 160 of 200 bytes"));
    }

    #[test]
    fn a_note_of_the_probe_becomes_the_note_of_the_report() {
        let shown = hostile(&format!("{} [first 160 of 4096 bytes]", "a".repeat(160)));
        assert_eq!(shown.text, "a".repeat(160));
        assert_eq!(shown.note().as_deref(), Some("first 160 of 4,096 bytes"));
    }

    #[test]
    fn a_note_that_cannot_be_true_stays_text() {
        let text = "x [first 9 of 2 bytes]";
        assert_eq!(hostile(text), Shown::whole(text));
    }

    #[test]
    fn values_are_one_line_and_cut_leaf_by_leaf() {
        let shown = value(&json!([{"name": "a".repeat(300), "on": true}, null]));
        assert!(shown.text.contains("(first 160 of 300 bytes)"), "{}", shown.text);
        assert!(shown.text.ends_with("\"on\": true}, null]"), "{}", shown.text);
        let long: Vec<_> = (0..5_000).collect();
        assert_eq!(value(&json!(long)).cut.map(|(first, _)| first), Some(VALUE_BYTES));
        assert_eq!(brief(&json!(long)).cut.map(|(first, _)| first), Some(BRIEF_BYTES));
    }

    #[test]
    fn a_lonely_backtick_is_text() {
        assert_eq!(spans("a `b` c ` d"), [Span::Text("a "), Span::Code("b"), Span::Text(" c ` d")]);
    }

    #[test]
    fn formulas_get_an_apostrophe() {
        for start in ["=", "+", "-", "@", "\t", "\r", " ="] {
            assert!(csv_cell(&format!("{start}1")).starts_with('\''), "{start:?}");
        }
        assert_eq!(csv_cell("plain"), "plain");
    }

    #[test]
    fn sarif_messages_hold_no_links() {
        assert_eq!(sarif_message("[a](b)"), "\\[a\\](b)");
    }
}
