//! Evidence in a page: the rows that decide a finding, and every document whole; of many documents
//! that are alike, what most of them hold is written once.

mod accepted;
mod alike;
mod expiry;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use model::evidence::{Evidence, Item, Items};
use model::{CheckId, Digest};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::components::{breaking, evidence_id, permalink, shown};
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{count, day, iso, number};

/// Status and value of a pointer that a document does not have.
const ABSENT: (&str, &str) = ("absent", "not part of this document");

/// Head of a table of items. The stylesheet names the cells of `.items` once for all of them.
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
            td { (item.status()) }
            td { (value::cell(item)) }
            td { (Digest::of(item).short()) }
        }
    }
}

/// The decisive pointers of a finding, as they were observed.
pub fn decisive(view: &View<'_>, digest: &Digest, pointers: &[String], of: &str) -> Markup {
    let Some(body) = view.body(digest) else {
        return html! { p.note { "This report does not hold the evidence itself, only its digest." } };
    };
    html! {
        table.evd.items.stack {
            caption.vh { "Observed values: " (of) }
            (head())
            tbody {
                @for pointer in pointers {
                    @match body.item(pointer).or_else(|| body.volatile.get(pointer)) {
                        Some(item) => (row(pointer, item)),
                        None => tr {
                            th scope="row" { (breaking(pointer)) }
                            td { (ABSENT.0) }
                            td { (ABSENT.1) }
                            td { "\u{2013}" }
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
                dt { "Collected" } dd { (collected(body)) }
                @if !link { (by(body)) }
            }
        }
    }
}

fn collected(body: &Evidence) -> Markup {
    html! {
        time { (iso(body.started_at)) } ", "
        (count(body.attempts as usize, "attempt", "attempts")) ", "
        (number(body.duration_ms)) " ms"
    }
}

/// The probe and the run behind a document, as a row of its envelope.
fn by(body: &Evidence) -> Markup {
    html! {
        dt { "By" }
        dd {
            (shown(&text::hostile(&format!("{} {}", body.probe.name, body.probe.version))))
            ", run " (text::visible(&body.run.0))
        }
    }
}

/// Schema and number of items of a document.
fn extent(schema: &str, stable: usize, volatile: usize) -> Markup {
    html! {
        (breaking(schema)) ", " (count(stable, "stable item", "stable items")) ", "
        (number(volatile)) " volatile"
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
    let mut known: Vec<(&Digest, &Evidence)> = Vec::new();
    let mut absent = Vec::new();
    for digest in &cited {
        match body(digest) {
            Some(body) => known.push((digest, body)),
            None => absent.push(*digest),
        }
    }
    known.sort_by_key(|(digest, body)| (body.check, body.started_at, &body.subject, *digest));
    html! {
        section id="evidence" aria-labelledby="h-evi" {
            h2 id="h-evi" {
                "Evidence " span.count { (count(cited.len(), "document", "documents")) }
            }
            p.intro {
                @if cited.is_empty() { "Nothing on this page rests on a document." }
                @else {
                    "What the probes saw, item by item. Digests, drift and rules read the stable "
                    "items; the volatile ones are kept for the reader and never judged."
                }
            }
            @for (index, series) in in_series(known).into_iter().enumerate() {
                @if series.len() >= alike::FROM {
                    (alike::documents(index + 1, &series))
                } @else {
                    @for (digest, body) in series { (document(digest, body)) }
                }
            }
            @for digest in absent { (without_body(digest)) }
        }
    }
}

/// Documents of one check, one version and one run, together and in their order.
fn in_series<'a>(known: Vec<(&'a Digest, &'a Evidence)>) -> Vec<Vec<(&'a Digest, &'a Evidence)>> {
    let mut places = BTreeMap::new();
    let mut series: Vec<Vec<_>> = Vec::new();
    for (digest, body) in known {
        let (probe, version) = (&body.probe.name, &body.probe.version);
        let next = series.len();
        let place =
            *places.entry((body.check, &body.schema, probe, version, &body.run)).or_insert(next);
        if place == next {
            series.push(Vec::new());
        }
        series[place].push((digest, body));
    }
    series
}

fn document(digest: &Digest, body: &Evidence) -> Markup {
    let title = html! { (body.check.title()) ", " (text::visible(&body.subject.0)) };
    let whole = html! {
        details {
            summary {
                b { "Evidence " (digest.short()) }
                span.muted {
                    (extent(&body.schema, body.stable.len(), body.volatile.len()))
                    ", collected " (day(body.started_at))
                }
            }
            div {
                (envelope(digest, Some(body), false))
                (items(&body.stable, "Stable items"))
                (items(&body.volatile, "Volatile items"))
            }
        }
    };
    article(digest, title, html! { (summary(body)) (whole) })
}

/// What a reader would rather look at than read, before the items.
fn summary(body: &Evidence) -> Markup {
    let summary = match body.check {
        CheckId::BrokerTransportPosture => accepted::section(body),
        CheckId::DeviceCertHygiene => expiry::section(body),
        _ => None,
    };
    summary.unwrap_or_default()
}

/// The entries of a list that was observed.
fn list<T: DeserializeOwned>(body: &Evidence, pointer: &str) -> Option<Vec<T>> {
    Vec::deserialize(body.item(pointer)?.value()?).ok()
}

fn without_body(digest: &Digest) -> Markup {
    let rest = html! {
        (envelope(digest, None, false))
        p.note { "This report does not hold the document. The digest stands for it." }
    };
    article(digest, html! { "Evidence body absent" }, rest)
}

fn article(digest: &Digest, title: Markup, rest: Markup) -> Markup {
    let id = evidence_id(digest);
    html! {
        article.evidence id=(id) aria-labelledby=(format!("h-{id}")) {
            h3 id=(format!("h-{id}")) { (title) " " (permalink(&id, digest.short())) }
            (rest)
        }
    }
}

fn items(items: &Items, caption: &str) -> Markup {
    table(items.iter().map(|(pointer, item)| (pointer.as_str(), item)), caption)
}

fn table<'a>(
    items: impl ExactSizeIterator<Item = (&'a str, &'a Item<Value>)>,
    caption: &str,
) -> Markup {
    html! {
        @if items.len() > 0 {
            table.evd.items.stack {
                caption { (caption) }
                (head())
                tbody { @for (pointer, item) in items { (row(pointer, item)) } }
            }
        }
    }
}
