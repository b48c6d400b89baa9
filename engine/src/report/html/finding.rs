//! Finding cards and the backlog.

use maud::{Markup, html};
use model::Posture;
use model::assessment::Finding;

use super::components::{
    Column, breaking, command, evidence_link, facts, heads, key, permalink, plain_prose, prose,
    sev, snippet,
};
use super::evidence;
use crate::report::group::Group;
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{clauses, count, day, number};

/// From this many cards on, a card shows what was found and folds the rest.
const DENSE_FROM: usize = 25;

/// The cards of some groups.
pub fn cards(view: &View<'_>, groups: &[Group<'_>]) -> Markup {
    let dense = groups.len() >= DENSE_FROM;
    html! { @for group in groups { (card(view, group, dense)) } }
}

/// One finding, or one that stands for several subjects.
fn card(view: &View<'_>, group: &Group<'_>, dense: bool) -> Markup {
    let finding = group.first;
    let id = view.finding_id(finding);
    html! {
        article.finding.dense[dense] id=(id) {
            header {
                div { (sev(finding.severity)) }
                div {
                    h3 { (prose(&finding.title)) " " (permalink(&id, &id[2..])) }
                    (keyline(view, finding))
                }
            }
            div.body {
                p { (prose(&finding.what)) }
                @if dense {
                    details {
                        summary {
                            b { "Details" }
                            span.muted { "why, evidence, remediation, how to verify" }
                        }
                        div { (detail(view, finding)) }
                    }
                } @else { (detail(view, finding)) }
                @if !group.rest.is_empty() { (others(view, group)) }
            }
        }
    }
}

fn keyline(view: &View<'_>, finding: &Finding) -> Markup {
    html! {
        p.keyline {
            (key(finding.key.as_str()))
            span { (finding.domain) }
            span { (breaking(&finding.subject.0)) }
            span { "finding " span.mono { (text::visible(&finding.id.0)) } }
            @if let Some(class) = view.class_of(finding) {
                span { (super::components::class_word(class)) }
            }
        }
    }
}

fn detail(view: &View<'_>, finding: &Finding) -> Markup {
    html! {
        p.muted { (prose(&finding.why)) }
        (waiver(finding))
        (facts(&[
            Column { heading: "Observed".to_owned(), posture: Posture::Red, facts: lines(&finding.observed) },
            Column { heading: "Expected".to_owned(), posture: Posture::Green, facts: lines(&finding.expected) },
        ]))
        (evidence_block(view, finding))
        (fix(finding))
        div.block { h4 { "Verify with" } (command(&finding.verify)) }
        (standards(finding))
        (references(finding))
    }
}

fn waiver(finding: &Finding) -> Markup {
    html! {
        @match (&finding.waiver, &finding.waived_by) {
            (Some(waiver), _) => div.block {
                h4 { "Accepted by exception" }
                p {
                    code { (text::visible(&waiver.name)) } ", until " (day(waiver.expires_at))
                    ", approved by " (text::sentence(&waiver.approved_by)) ": "
                    (prose(&waiver.reason))
                }
            },
            (None, Some(name)) => div.block {
                h4 { "Accepted by exception" }
                p { code { (text::visible(name)) } }
            },
            (None, None) => {}
        }
    }
}

fn lines(lines: &[String]) -> Markup {
    html! { @for line in lines { li { (plain_prose(line)) } } }
}

fn evidence_block(view: &View<'_>, finding: &Finding) -> Markup {
    let body = view.body(&finding.evidence);
    html! {
        details {
            summary {
                b { "Evidence" }
                span.muted {
                    (count(finding.pointers.len(), "pointer", "pointers"))
                    @if let Some(body) = body { ", " (breaking(&body.schema)) }
                }
            }
            div {
                (evidence::envelope(&finding.evidence, body, true))
                (evidence::decisive(view, &finding.evidence, &finding.pointers, finding.key.as_str()))
            }
        }
    }
}

fn fix(finding: &Finding) -> Markup {
    let remediation = &finding.remediation;
    html! {
        div.fix {
            div {
                h4 { "Remediation" }
                p { (prose(&remediation.text)) }
                @if let Some(lines) = &remediation.snippet { (snippet(lines)) }
            }
            div { h4 { "Accepted when" } (ticks(&finding.acceptance)) }
        }
    }
}

fn ticks(criteria: &[String]) -> Markup {
    html! { ul.ticks { @for criterion in criteria { li { (prose(criterion)) } } } }
}

fn standards(finding: &Finding) -> Markup {
    html! {
        @if !finding.standards.is_empty() {
            div.block {
                h4 { "Standards" }
                ul.clauses {
                    @for (framework, edition, clauses) in clauses(&finding.standards) {
                        li { b { (text::visible(&framework)) } " " (text::visible(edition_word(&edition))) ", "
                            (text::sentence(&clauses)) }
                    }
                }
            }
        }
    }
}

/// The part of an edition that people say: what stands before the first comma.
fn edition_word(edition: &str) -> &str {
    edition.split_once(',').map_or(edition, |(said, _)| said)
}

fn references(finding: &Finding) -> Markup {
    html! {
        @if !finding.references.is_empty() {
            div.block {
                h4 { "Further reading" }
                ul.refs { @for reference in &finding.references { li { (reference_link(reference)) } } }
            }
        }
    }
}

/// A link where the text is a plain `https` address and nothing else, else the text.
fn reference_link(reference: &str) -> Markup {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?#=&%+:,;()".contains(&byte);
    if reference.starts_with("https://") && reference.bytes().all(plain) {
        html! { a href=(reference) rel="noreferrer" { (breaking(reference)) } }
    } else {
        html! { (prose(reference)) }
    }
}

/// The other subjects of a group: what differs between them, each under its own id. What reads on
/// every subject as it does on the card has no column.
fn others(view: &View<'_>, group: &Group<'_>) -> Markup {
    let columns: Vec<_> = DIFFERING
        .into_iter()
        .filter(|column| {
            group.rest.iter().any(|other| (column.of)(other) != (column.of)(group.first))
        })
        .collect();
    let differing = columns.iter().map(|column| column.heading);
    let names: Vec<_> =
        ["Subject", "Finding"].into_iter().chain(differing).chain(["Evidence"]).collect();
    html! {
        details {
            summary {
                b { "The same on " (count(group.rest.len(), "other subject", "other subjects")) }
                span.muted { "each is a finding of its own" }
            }
            div {
                table.stack {
                    caption.vh { "Other subjects: " (group.first.key.as_str()) }
                    (heads(&names))
                    tbody {
                        @for finding in &group.rest {
                            tr id=(view.finding_id(finding)) {
                                th scope="row" { code { (breaking(&finding.subject.0)) } }
                                td.mono data-l="Finding" { (text::visible(&finding.id.0)) }
                                @for column in &columns {
                                    td.mono[column.mono] data-l=(column.heading) {
                                        @if (column.of)(finding) == (column.of)(group.first) {
                                            span.muted { "as above" }
                                        } @else { (column.cell(finding)) }
                                    }
                                }
                                td data-l="Evidence" { (evidence_link(&finding.evidence)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What may differ between the subjects of a group.
struct Differing {
    heading: &'static str,
    mono: bool,
    of: for<'a> fn(&'a Finding) -> &'a [String],
}

const DIFFERING: [Differing; 3] = [
    Differing { heading: "What", mono: false, of: |finding| std::slice::from_ref(&finding.what) },
    Differing { heading: "Observed", mono: true, of: |finding| &finding.observed },
    Differing { heading: "Expected", mono: true, of: |finding| &finding.expected },
];

impl Differing {
    fn cell(&self, finding: &Finding) -> Markup {
        html! {
            @for (index, line) in (self.of)(finding).iter().enumerate() {
                @if index > 0 { "; " }
                @if self.mono { (plain_prose(line)) } @else { (prose(line)) }
            }
        }
    }
}

/// The backlog: one row per card, in order of work.
pub fn backlog(view: &View<'_>, groups: &[Group<'_>]) -> Markup {
    html! {
        table.backlog.stack {
            caption { "In order of work. A row closes only when the same control is observed again and passes." }
            thead {
                tr {
                    th.num.c-rank scope="col" { "#" }
                    th.c-key scope="col" { "Finding" }
                    th.c-action scope="col" { "Action" }
                    th.c-owner scope="col" { "Owner" }
                    th.c-acc scope="col" { "Accepted when" }
                    th scope="col" { "Verify" }
                }
            }
            tbody {
                @for (index, group) in groups.iter().enumerate() { (backlog_row(view, index + 1, group)) }
            }
        }
    }
}

fn backlog_row(view: &View<'_>, rank: usize, group: &Group<'_>) -> Markup {
    let finding = group.first;
    html! {
        tr id=(view.backlog_id(finding)) {
            td.num data-l="Rank" { (number(rank)) }
            th scope="row" {
                a href=(format!("#{}", view.finding_id(finding))) { (key(finding.key.as_str())) }
                span.sub { (sev(finding.severity)) }
                span.sub.muted {
                    (breaking(&finding.subject.0))
                    @if !group.rest.is_empty() { " and " (number(group.rest.len())) " more" }
                }
            }
            td data-l="Action" { (prose(&finding.remediation.action)) }
            td data-l="Owner" { (owner(view, finding)) }
            td data-l="Accepted when" { (ticks(&finding.acceptance)) }
            td data-l="Verify" { (command(&finding.verify)) }
        }
    }
}

/// Who owns a finding: the rule's own word, else the target's.
pub fn owner(view: &View<'_>, finding: &Finding) -> String {
    let declared = view.record.document.spec.owner.as_deref();
    let owner = finding.remediation.owner.as_deref().or(declared).unwrap_or("unassigned");
    text::sentence(owner)
}
