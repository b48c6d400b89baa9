//! The small parts that every page is put together from.

use maud::{Markup, PreEscaped, html};
use model::delta::DeltaClass;
use model::{Digest, Posture, Severity, Status};

use super::svg::{self, Icon, icon};
use crate::report::text::{self, Shown, Span};

/// A posture or another call as word, shape and colour.
pub fn badge(posture: Posture, word: &str) -> Markup {
    html! { span class=(format!("badge {posture}")) { (icon(Icon::of(posture))) (word) } }
}

/// A posture as its own word.
pub fn posture_badge(posture: Posture) -> Markup {
    badge(posture, posture.as_str())
}

/// The same, for the top of a page.
pub fn big_badge(posture: Posture, word: &str) -> Markup {
    html! { span class=(format!("badge {posture} big")) { (icon(Icon::of(posture))) (word) } }
}

/// The colour that a status is shown in. PASS stays amber or green with its posture.
pub fn status_colour(status: Status, posture: Posture) -> Posture {
    match status {
        Status::Fail if posture == Posture::Amber => Posture::Amber,
        Status::Fail => Posture::Red,
        Status::Incomplete => Posture::Unknown,
        Status::Pass => posture,
    }
}

/// The class of a delta row as mark and word.
pub fn class_badge(class: DeltaClass) -> Markup {
    html! {
        span class=(format!("badge {}", class_colour(class))) {
            (icon(class_icon(class))) (class_word(class))
        }
    }
}

/// The colour of a delta class.
pub const fn class_colour(class: DeltaClass) -> Posture {
    match class {
        DeltaClass::Regressed => Posture::Red,
        DeltaClass::Improved => Posture::Green,
        DeltaClass::CoverageLost | DeltaClass::RuleChanged => Posture::Amber,
        _ => Posture::Unknown,
    }
}

/// The mark of a delta class.
pub const fn class_icon(class: DeltaClass) -> Icon {
    match class {
        DeltaClass::Regressed => Icon::Down,
        DeltaClass::CoverageLost | DeltaClass::Withdrawn => Icon::Lost,
        DeltaClass::RuleChanged => Icon::Rule,
        DeltaClass::New | DeltaClass::CoverageGained => Icon::New,
        DeltaClass::Improved => Icon::Up,
        DeltaClass::Drift => Icon::Drift,
        DeltaClass::Unchanged => Icon::Same,
    }
}

/// The word of a delta class with spaces.
pub fn class_word(class: DeltaClass) -> String {
    class.as_str().replace('_', " ")
}

/// The colour that a severity is shown in.
pub const fn severity_colour(severity: Severity) -> Posture {
    match severity {
        Severity::Critical | Severity::High => Posture::Red,
        Severity::Medium => Posture::Amber,
        Severity::Low | Severity::Info => Posture::Unknown,
    }
}

/// A severity as bars and word.
pub fn sev(severity: Severity) -> Markup {
    html! {
        span class=(format!("sev {}", severity_colour(severity))) {
            (svg::bars(severity)) (severity)
        }
    }
}

/// A key that breaks after `.` and `_`.
pub fn key(key: &str) -> Markup {
    html! { code { (breaking(key)) } }
}

/// Text that may break after `.`, `_`, `/` and `:`.
pub fn breaking(text: &str) -> Markup {
    html! {
        @for piece in text::visible(text).split_inclusive(['.', '_', '/', ':']) {
            (piece) @if piece.ends_with(['.', '_', '/', ':']) { wbr; }
        }
    }
}

/// A sentence of ours: what stands between backticks is code, everything else is text.
pub fn prose(sentence: &str) -> Markup {
    let sentence = text::sentence(sentence);
    html! {
        @for span in text::spans(&sentence) {
            @match span {
                Span::Text(text) => (text),
                Span::Code(code) => code { (code) },
            }
        }
    }
}

/// A sentence of ours where code is set already: backticks are dropped.
pub fn plain_prose(sentence: &str) -> Markup {
    html! { (text::sentence(sentence).replace('`', "")) }
}

/// Text from a target with the note of what was left out.
pub fn shown(shown: &Shown) -> Markup {
    html! {
        (shown.text)
        @if let Some(note) = shown.note() { " " span.flag { "(" (note) ")" } }
    }
}

/// An evidence address in running text, linked to its document.
pub fn evidence_link(digest: &Digest) -> Markup {
    html! { a.ev href=(format!("#e/{}", digest.id())) { code { (digest.short()) } } }
}

/// The id of an evidence document in a page.
pub fn evidence_id(digest: &Digest) -> String {
    format!("e/{}", digest.id())
}

/// A link that stays, behind the heading that it names.
pub fn permalink(id: &str, what: &str) -> Markup {
    html! { a.pl href=(format!("#{id}")) aria-label=(format!("Permalink: {what}")) { "#" } }
}

/// A command that one click selects, broken between arguments only.
pub fn command(line: &str) -> Markup {
    let pieces = pieces(line);
    html! {
        code.cmd {
            @for (index, piece) in pieces.iter().enumerate() {
                @if index > 0 { " " }
                span { (text::visible(piece)) }
            }
        }
    }
}

/// A command in pieces: program and subcommand, then each flag with its value.
fn pieces(line: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut open = true;
    for (index, word) in line.split_ascii_whitespace().enumerate() {
        let flag = word.starts_with('-');
        match pieces.last_mut() {
            Some(last) if !flag && open => {
                last.push(' ');
                last.push_str(word);
                open = false;
            }
            _ => {
                pieces.push(word.to_owned());
                open = flag || index == 0;
            }
        }
    }
    pieces
}

/// The head of a table whose columns need nothing but their names.
pub fn heads(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

/// A configuration to copy.
pub fn snippet(lines: &str) -> Markup {
    let lines: Vec<_> = lines.trim_end().lines().map(text::visible).collect();
    html! { pre.cmd.conf { (lines.join("\n")) } }
}

/// What is absent, then what was observed to know it.
pub fn empty(colour: Posture, mark: Icon, absent: &str, known_by: &str) -> Markup {
    html! {
        div.empty {
            span class=(colour) { (icon(mark)) }
            p { b { (absent) } (known_by) }
        }
    }
}

/// A figure under a posture call: `id` is `n/<name>`, and the number links to its rows.
pub struct Figure<'a> {
    pub label: &'a str,
    pub name: &'a str,
    pub href: &'a str,
    /// The number; none is shown as a dash with "no score" for screen readers.
    pub value: Option<String>,
    /// What follows the number, smaller.
    pub of: Option<String>,
    pub note: String,
}

/// The row of figures.
pub fn figures(figures: &[Figure<'_>]) -> Markup {
    html! {
        dl.figures {
            @for figure in figures {
                div {
                    dt { (figure.label) }
                    dd.n id=(format!("n/{}", figure.name)) {
                        @match &figure.value {
                            Some(value) => a href=(figure.href) { (value) },
                            None => (no_score()),
                        }
                        @if let Some(of) = &figure.of { " " i { (of) } }
                    }
                    dd.s { (figure.note) }
                }
            }
        }
    }
}

/// A score that does not exist.
pub fn no_score() -> Markup {
    html! { span.vh { "no score" } span aria-hidden="true" { (PreEscaped("&ndash;")) } }
}

/// A column of facts, in the colour and with the mark of what they come to.
pub struct Column {
    pub heading: String,
    pub posture: Posture,
    pub facts: Markup,
}

/// Facts side by side.
pub fn facts(columns: &[Column]) -> Markup {
    html! {
        div.facts {
            @for column in columns {
                div {
                    h4 class=(column.posture) { (icon(Icon::of(column.posture))) (column.heading) }
                    ul { (column.facts) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_break_between_arguments_and_keep_their_text() {
        let line = "plumb run -f a.yaml --check ingest_auth x";
        assert_eq!(pieces(line), ["plumb run", "-f a.yaml", "--check ingest_auth", "x"]);
        assert_eq!(pieces("plumb diff a b"), ["plumb diff", "a", "b"]);
        assert_eq!(pieces(line).join(" "), line);
    }
}
