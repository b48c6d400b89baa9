//! GitHub-flavoured Markdown: the full report, the delta, the alerts, and a short comment.
//!
//! Text from targets stands in code spans or is escaped, so that evidence can neither ping
//! people nor link, nor end a table cell.

mod alerts;
mod audit;
mod comment;
mod delta;

pub use alerts::alerts;
pub use audit::audit;
pub use comment::comment;
pub use delta::delta;

use std::fmt::Write as _;

use super::text::{markdown, markdown_code};
use model::evidence::{Evidence, Item};
use model::{Digest, Posture};
use serde_json::Value;

use super::text;
use super::view::View;
use super::words::count;

/// A sign before a posture word, for readers who skim; the word decides.
pub const fn sign(posture: Posture) -> &'static str {
    match posture {
        Posture::Red => "\u{25c6}",
        Posture::Amber => "\u{25b2}",
        Posture::Green => "\u{25cf}",
        Posture::Unknown => "\u{25cb}",
    }
}

/// A table. Cells are Markdown already.
pub fn table(out: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(head.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

/// What an item says, as a code span with its note.
pub fn shown(shown: &text::Shown) -> String {
    match shown.note() {
        Some(note) => format!("{} ({note})", markdown_code(&shown.text)),
        None => markdown_code(&shown.text),
    }
}

/// The pointers of a finding as they were observed.
pub fn decisive(out: &mut String, view: &View<'_>, digest: &Digest, pointers: &[String]) {
    let Some(body) = view.body(digest) else { return };
    let rows = pointers.iter().map(|pointer| {
        let item = body.item(pointer).or_else(|| body.volatile.get(pointer));
        vec![
            markdown_code(pointer),
            item.map_or("absent", Item::status).to_owned(),
            item.map_or_else(String::new, value),
        ]
    });
    table(out, &["Pointer", "Status", "Value"], rows);
}

/// A value in a cell: of a list that does not fit beside others its length and how it begins.
fn value(item: &Item<Value>) -> String {
    match item.value() {
        Some(list @ Value::Array(entries)) if text::brief(list).cut.is_some() => {
            let begins = text::brief(list);
            format!("{}: {}", count(entries.len(), "entry", "entries"), shown(&begins))
        }
        _ => shown(&text::item(item)),
    }
}

/// Addresses of documents, and what each is.
pub fn documents(out: &mut String, view: &View<'_>, cited: &[Digest]) {
    let rows = cited.iter().map(|digest| {
        let body: Option<&Evidence> = view.body(digest);
        vec![
            markdown_code(digest.as_str()),
            body.map_or_else(|| "body absent".to_owned(), |body| markdown(body.check.title())),
            body.map_or_else(String::new, |body| markdown_code(&body.subject.0)),
            body.map_or_else(String::new, |body| super::words::iso(body.started_at)),
        ]
    });
    table(out, &["Evidence", "Check", "Subject", "Collected"], rows);
}
