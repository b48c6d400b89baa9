//! Documents that differ in little: what most of them hold once, and of each what it has of its own.
//!
//! Nothing is lost: a document holds what is common, but for the pointers that its own row names.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use model::Digest;
use model::evidence::{Evidence, Item, Items};
use serde_json::Value;

use super::{ABSENT, by, collected, extent, table};
use crate::report::html::components::{breaking, evidence_id, shown};
use crate::report::text;
use crate::report::words::{count, number};

/// From this many documents of one check in one run on, they are written together.
pub const FROM: usize = 10;

type Common<'a> = BTreeMap<&'a str, &'a Item<Value>>;

/// All documents of one series; `number` tells it from the other series of the page.
pub fn documents(number_of_series: usize, series: &[(&Digest, &Evidence)]) -> Markup {
    let (_, first) = series[0];
    let stable = common(series, |body| &body.stable);
    let volatile = common(series, |body| &body.volatile);
    let id = format!("h-evidence-{number_of_series}");
    html! {
        article.evidence aria-labelledby=(id) {
            h3 id=(id) { (first.check.title()) ", " (number(series.len())) " documents" }
            details {
                summary {
                    b { "What most of them hold" }
                    span.muted { (extent(&first.schema, stable.len(), volatile.len())) }
                }
                div {
                    dl.env { (by(first)) }
                    (table(stable.iter().map(|(pointer, item)| (*pointer, *item)), "Stable items"))
                    (table(volatile.iter().map(|(pointer, item)| (*pointer, *item)), "Volatile items"))
                }
            }
            details {
                summary {
                    b { (count(series.len(), "document", "documents")) }
                    span.muted { "each with what it has of its own" }
                }
                div {
                    table.docs.stack {
                        caption {
                            "A document holds what most of them hold, but for the items that stand in its row."
                        }
                        thead {
                            tr {
                                th.c-sub scope="col" { "Subject" }
                                th.c-evi scope="col" { "Evidence" }
                                th.c-col scope="col" { "Collected" }
                                th scope="col" { "Of its own" }
                            }
                        }
                        tbody {
                            @for (digest, body) in series {
                                tr id=(evidence_id(digest)) {
                                    th scope="row" { code { (breaking(&body.subject.0)) } }
                                    td.mono data-l="Evidence" { (digest.as_str()) }
                                    td data-l="Collected" { (collected(body)) }
                                    td data-l="Of its own" { (own(body, &stable, &volatile)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The item of each pointer that more than half of the documents hold, exactly so.
fn common<'a>(
    series: &[(&Digest, &'a Evidence)],
    half: impl Fn(&'a Evidence) -> &'a Items,
) -> Common<'a> {
    let halves: Vec<_> = series.iter().map(|(_, body)| half(body)).collect();
    let pointers: BTreeSet<&str> =
        halves.iter().flat_map(|items| items.keys().map(String::as_str)).collect();
    let of = |pointer| {
        let items = halves.iter().filter_map(|items| items.get(pointer));
        let item = candidate(items.clone())?;
        let holding = items.filter(|other| *other == item).count();
        (2 * holding > halves.len()).then_some((pointer, item))
    };
    pointers.into_iter().filter_map(of).collect()
}

/// The only item that can be more than half of these (the vote of Boyer and Moore).
fn candidate<'a>(items: impl Iterator<Item = &'a Item<Value>>) -> Option<&'a Item<Value>> {
    let mut leading = None;
    let mut votes = 0_usize;
    for item in items {
        if votes == 0 {
            leading = Some(item);
        }
        if leading == Some(item) { votes += 1 } else { votes -= 1 }
    }
    leading
}

/// The items of a document that are not the common ones, and the common ones that it lacks.
fn own(body: &Evidence, stable: &Common<'_>, volatile: &Common<'_>) -> Markup {
    let (stable, volatile) = (apart(&body.stable, stable), apart(&body.volatile, volatile));
    html! {
        @if stable.is_empty() && volatile.is_empty() { span.muted { "nothing" } }
        @else {
            ul {
                @for (pointer, item) in &stable { li { (line(pointer, *item)) } }
                @for (pointer, item) in &volatile { li { (line(pointer, *item)) " (volatile)" } }
            }
        }
    }
}

fn apart<'a>(items: &'a Items, common: &Common<'a>) -> BTreeMap<&'a str, Option<&'a Item<Value>>> {
    let lacking = common.keys().filter(|pointer| !items.contains_key(**pointer));
    let differing = items.iter().map(|(pointer, item)| (pointer.as_str(), item));
    let differing = differing.filter(|(pointer, item)| common.get(pointer) != Some(item));
    lacking
        .map(|pointer| (*pointer, None))
        .chain(differing.map(|(pointer, item)| (pointer, Some(item))))
        .collect()
}

fn line(pointer: &str, item: Option<&Item<Value>>) -> Markup {
    html! {
        code { (breaking(pointer)) } " "
        @match item {
            Some(item) => {
                (item.status()) ": " span.mono { (shown(&text::item(item))) } " "
                span.mono.muted { (Digest::of(item).short()) }
            }
            None => { (ABSENT.0) ": " (ABSENT.1) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn observed(values: &[&str]) -> Vec<Item<Value>> {
        values.iter().map(|value| Item::observed(json!(value))).collect()
    }

    #[test]
    fn the_vote_finds_what_most_hold_wherever_it_stands() {
        for values in
            [["a", "b", "a", "c", "a"], ["b", "c", "a", "a", "a"], ["a", "a", "a", "b", "c"]]
        {
            let items = observed(&values);
            assert_eq!(candidate(items.iter()), Some(&Item::observed(json!("a"))), "{values:?}");
        }
        assert_eq!(candidate(std::iter::empty()), None);
    }

    #[test]
    fn a_document_has_of_its_own_what_differs_and_what_it_lacks() {
        let items: Items = [("/a", "1"), ("/b", "2"), ("/d", "4")]
            .map(|(pointer, value)| (pointer.to_owned(), Item::observed(json!(value))))
            .into();
        let (one, other, three) =
            (Item::observed(json!("1")), Item::observed(json!("9")), Item::observed(json!("3")));
        let common = Common::from([("/a", &one), ("/b", &other), ("/c", &three)]);
        let own: Vec<_> = apart(&items, &common).into_iter().collect();
        assert_eq!(own, [("/b", items.get("/b")), ("/c", None), ("/d", items.get("/d"))]);
    }
}
