//! Evidence in a page: the rows that decide a finding, and every document whole.

use std::collections::BTreeSet;

use maud::{Markup, html};
use model::Digest;
use model::evidence::{Evidence, Item, Items};
use serde_json::Value;

use super::components::{breaking, evidence_id, shown};
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{count, day, iso, number};

/// Head of a table of items.
fn head() -> Markup {
    html! {
        thead {
            tr {
                th.p scope="col" { "Pointer" }
                th.s scope="col" { "Status" }
                th scope="col" { "Value" }
                th.d scope="col" { "Digest" }
            }
        }
    }
}

/// One item: pointer, status, value or reason, and the digest of the item, by which a value that
/// is shown cut can still be told from another.
fn row(pointer: &str, item: &Item<Value>) -> Markup {
    html! {
        tr {
            th scope="row" { (breaking(pointer)) }
            td data-l="Status" { (item.status()) }
            td data-l="Value" { (shown(&text::item(item))) }
            td data-l="Digest" { (Digest::of(item).short()) }
        }
    }
}

/// The decisive pointers of a finding, as they were observed.
pub fn decisive(view: &View<'_>, digest: &Digest, pointers: &[String], of: &str) -> Markup {
    let Some(body) = view.body(digest) else {
        return html! { p.note { "This report does not hold the evidence itself, only its digest." } };
    };
    html! {
        table.evd.stack {
            caption.vh { "Observed values: " (of) }
            (head())
            tbody {
                @for pointer in pointers {
                    @match body.item(pointer).or_else(|| body.volatile.get(pointer)) {
                        Some(item) => (row(pointer, item)),
                        None => tr {
                            th scope="row" { (breaking(pointer)) }
                            td data-l="Status" { "absent" }
                            td data-l="Value" { "not part of this document" }
                            td data-l="Digest" { "\u{2013}" }
                        },
                    }
                }
            }
        }
    }
}

/// Address, subject and collection of a document.
pub fn envelope(digest: &Digest, body: Option<&Evidence>, link: bool) -> Markup {
    html! {
        dl.env {
            dt { "Evidence" }
            dd {
                @if link {
                    a href=(format!("#{}", evidence_id(digest))) { (digest.as_str()) }
                } @else { (digest.as_str()) }
            }
            @if let Some(body) = body {
                dt { "Subject" } dd { (text::visible(&body.subject.0)) }
                dt { "Collected" }
                dd {
                    (iso(body.started_at)) ", "
                    (count(body.attempts as usize, "attempt", "attempts")) ", "
                    (number(body.duration_ms)) " ms"
                }
                @if !link {
                    dt { "By" }
                    dd {
                        (shown(&text::hostile(&format!("{} {}", body.probe.name, body.probe.version))))
                        ", run " (text::visible(&body.run.0))
                    }
                }
            }
        }
    }
}

/// Every document that the page cites, whole, in the order of the record; then those of which
/// only the digest is known. Each has its id, so that every link to evidence resolves.
pub fn section(view: &View<'_>, cited: &[Digest]) -> Markup {
    documents(&[view], cited)
}

/// The same over several runs.
pub fn documents(views: &[&View<'_>], cited: &[Digest]) -> Markup {
    let cited: BTreeSet<_> = cited.iter().collect();
    let body = |digest: &Digest| views.iter().find_map(|view| view.body(digest));
    let mut known: Vec<(&Digest, Option<&Evidence>)> =
        cited.into_iter().map(|digest| (digest, body(digest))).collect();
    known.sort_by(|(a, a_body), (b, b_body)| {
        let order = |body: &Option<&Evidence>| {
            body.map(|body| (body.check, body.started_at, body.subject.clone()))
        };
        (a_body.is_none(), order(a_body), a).cmp(&(b_body.is_none(), order(b_body), b))
    });
    html! {
        section id="evidence" aria-labelledby="h-evi" {
            h2 id="h-evi" {
                "Evidence " span.count { (count(known.len(), "document", "documents")) }
            }
            p.intro {
                "What the probes saw, item by item. Digests, drift and rules read the stable items; "
                "the volatile ones are kept for the reader and never judged."
            }
            @for (digest, body) in known { (document(digest, body)) }
        }
    }
}

fn document(digest: &Digest, body: Option<&Evidence>) -> Markup {
    let id = evidence_id(digest);
    html! {
        article.evidence id=(id) aria-labelledby=(format!("h-{id}")) {
            h3 id=(format!("h-{id}")) {
                @match body {
                    Some(body) => { (body.check.title()) ", " (text::visible(&body.subject.0)) }
                    None => "Evidence body absent",
                }
                " " (super::components::permalink(&id, digest.short()))
            }
            @match body {
                Some(body) => details {
                    summary {
                        b { "Evidence " (digest.short()) }
                        span.muted {
                            (breaking(&body.schema)) ", "
                            (count(body.stable.len(), "stable item", "stable items")) ", "
                            (number(body.volatile.len())) " volatile, collected " (day(body.started_at))
                        }
                    }
                    div {
                        (envelope(digest, Some(body), false))
                        (items(&body.stable, "Stable items"))
                        (items(&body.volatile, "Volatile items"))
                    }
                },
                None => {
                    (envelope(digest, None, false))
                    p.note { "This report does not hold the document. The digest stands for it." }
                }
            }
        }
    }
}

fn items(items: &Items, caption: &str) -> Markup {
    html! {
        @if !items.is_empty() {
            table.evd.stack {
                caption { (caption) }
                (head())
                tbody { @for (pointer, item) in items { (row(pointer, item)) } }
            }
        }
    }
}
