//! The page around a report: head, rail, main, footer, and the record inside.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use model::run::RunBundle;
use serde_json::json;

use super::components::command;
use super::style;
use super::svg;
use crate::report::text;
use crate::report::view::View;

/// Bytes of canonical JSON up to which a page carries its record; above it, only the digests.
const EMBEDDED_BYTES: usize = 2 * 1024 * 1024;

/// A whole page.
pub struct Page {
    /// Title of the window.
    pub title: String,
    /// What is printed at the foot of each sheet: run and digest.
    pub mark: String,
    /// Version of the program that judged.
    pub generator: String,
    /// Sections of the rail: id, label, count.
    pub sections: Vec<Section>,
    /// Everything inside `main`.
    pub main: Markup,
    /// The machine-readable record.
    pub embedded: Markup,
}

/// An entry of the rail.
pub struct Section {
    id: &'static str,
    label: &'static str,
    count: Option<String>,
}

/// A section without a count.
pub fn section(id: &'static str, label: &'static str) -> Section {
    Section { id, label, count: None }
}

/// A section with what it holds.
pub fn counted(id: &'static str, label: &'static str, count: impl ToString) -> Section {
    Section { id, label, count: Some(count.to_string()) }
}

impl Page {
    /// The page as text.
    pub fn render(self) -> String {
        let sheet = style::sheet(&self.mark);
        let policy =
            format!("default-src 'none'; img-src data:; style-src {}", style::source(&sheet));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content=(self.generator);
                    title { (text::visible(&self.title)) }
                    style { (PreEscaped(sheet)) }
                }
                body {
                    a.skip href="#main" { "Skip to the document" }
                    (svg::definitions())
                    div.frame {
                        header.rail {
                            a.mark href="#main" { (svg::bob()) "Plumbline" }
                            nav aria-label="Sections" {
                                ol {
                                    @for section in &self.sections {
                                        li {
                                            a href=(format!("#{}", section.id)) {
                                                (section.label)
                                                @if let Some(count) = &section.count { " " b { (count) } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        main id="main" tabindex="-1" { (self.main) }
                    }
                    (self.embedded)
                }
            }
        };
        in_lines(&page.into_string())
    }
}

/// Elements that begin a line of their own. White space before them means nothing, and a page in
/// lines can be compared and read.
const LINES: [&str; 21] = [
    "<head", "<meta", "<title", "<style", "<body", "<header", "<main", "<section", "<article",
    "<footer", "<details", "<table", "<thead", "<tbody", "<tfoot", "<tr", "<li", "<dl", "<dt",
    "<h2", "<script",
];

/// The page with a line feed before each of [`LINES`]. Text cannot hold any of them: its `<` is
/// escaped in HTML and in the embedded JSON alike.
fn in_lines(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 32);
    let mut rest = page;
    while let Some(at) = rest[1.min(rest.len())..].find('<').map(|at| at + 1) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if LINES.iter().any(|tag| rest.starts_with(tag) && ends_name(&rest[tag.len()..])) {
            out.push('\n');
        }
    }
    out.push_str(rest);
    out.push('\n');
    out
}

fn ends_name(rest: &str) -> bool {
    rest.starts_with([' ', '>'])
}

/// What a page carries of its record.
pub enum Carried {
    /// All of it: the file alone can be verified.
    Record(Markup),
    /// Its digests, because it is larger than [`EMBEDDED_BYTES`].
    Digests(Markup),
}

impl Carried {
    /// What the foot of a page says of it; nothing where the page is whole.
    pub fn note(&self) -> String {
        match self {
            Self::Record(_) => String::new(),
            Self::Digests(_) => format!(
                " This page carries the digests of its record and not the record, which is larger \
                 than {} MiB: the page alone proves nothing, so verify the run in its store.",
                EMBEDDED_BYTES / 1024 / 1024
            ),
        }
    }

    /// The element at the end of the page.
    pub fn into_markup(self) -> Markup {
        match self {
            Self::Record(markup) | Self::Digests(markup) => markup,
        }
    }
}

/// The record of a page, or its digests.
pub fn carried(bundle: &RunBundle) -> Carried {
    let canonical = model::digest::canonical(bundle);
    if canonical.len() <= EMBEDDED_BYTES {
        let json = String::from_utf8_lossy(&canonical);
        return Carried::Record(embedded("plumbline-bundle", &json));
    }
    let record = &bundle.record;
    let digests = json!({
        "schema": "digests.v1",
        "run": record.id,
        "target": record.target,
        "integrity": record.integrity,
        "evidence": record.evidence,
    });
    Carried::Digests(embedded("plumbline-digests", &digests.to_string()))
}

/// Data inside a page: never executed, and nothing in it can end the element.
pub fn embedded(id: &str, json: &str) -> Markup {
    html! {
        script type="application/json" id=(id) { (PreEscaped(text::inert_json(json))) }
    }
}

/// The eyebrow, the one `h1` and the line under it.
pub fn document_head(
    kind: &str,
    name: &str,
    run: Option<&str>,
    at: jiff::Timestamp,
    title: &str,
    lede: Markup,
) -> Markup {
    html! {
        p.eyebrow {
            span { (kind) }
            @if let Some(run) = run { span { (name) " " code { (text::visible(run)) } } }
            time datetime=(crate::report::words::iso(at)) { (crate::report::words::moment(at)) }
        }
        h1 { (text::visible(title)) }
        p.lede { (lede) }
    }
}

/// The digest footer: what holds the record together, what that proves, and how to check it.
pub fn footer(rows: &[(&str, String)], says: &str, verify: &str) -> Markup {
    html! {
        footer.digest id="integrity" {
            (svg::truth())
            div {
                h2 id="h-int" { "Integrity" }
                dl.env {
                    @for (term, value) in rows {
                        dt { (term) } dd { (text::visible(value)) }
                    }
                }
                p { (says) }
                (command(verify))
            }
        }
    }
}

/// What the foot of a printed sheet says of a run.
pub fn print_mark(view: &View<'_>) -> String {
    let id: String =
        view.record.id.0.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    match &view.record.integrity {
        Some(integrity) => format!("{id}  sha256:{}", &integrity.manifest.hex()[..32]),
        None => id,
    }
}

/// "plumb 0.1.0".
pub fn generator(view: &View<'_>) -> String {
    let engine = &view.record.engine;
    text::hostile(&format!("{} {}", engine.name, engine.version)).text
}

/// Rule packs as "id version, digest".
pub fn packs(view: &View<'_>) -> String {
    let packs: Vec<_> = view
        .assessment
        .packs
        .iter()
        .map(|pack| format!("{} {}, {}", pack.id, pack.version, pack.digest))
        .collect();
    if packs.is_empty() { "none".to_owned() } else { packs.join("; ") }
}

/// Where a run stands in the chain of its target.
pub fn chain(view: &View<'_>) -> String {
    match &view.record.integrity {
        None => "none: the record carries no digests".to_owned(),
        Some(integrity) => match &integrity.previous {
            None => format!("run {} of this target, no earlier manifest", integrity.chain_length),
            Some(previous) => format!(
                "run {} of this target, follows manifest {previous}",
                integrity.chain_length
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_at_block_elements_only() {
        assert_eq!(in_lines("<a><tr><td>x</td><track></tr>"), "<a>\n<tr><td>x</td><track></tr>\n");
    }
}
