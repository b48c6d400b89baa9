//! What was looked at, what was not and why, and what passed.

mod controls;
mod subjects;

use maud::{Markup, html};
use model::assessment::ExceptionState;

use self::controls::Controls;
use super::components::{breaking, evidence_link, heads, key, prose};
use crate::report::text;
use crate::report::view::{CheckRow, View};
use crate::report::words::number;

/// The section.
pub fn section(view: &View<'_>) -> Markup {
    let coverage = view.assessment.coverage;
    html! {
        section id="coverage" aria-labelledby="h-cov" {
            h2 id="h-cov" {
                "Coverage "
                span.count {
                    (number(coverage.evaluated)) " of " (number(coverage.selected)) " controls observed"
                }
            }
            (by_check(view))
            (Controls::new(view).tables())
            (exceptions(view))
            (defects(view))
        }
    }
}

fn by_check(view: &View<'_>) -> Markup {
    let rows = view.checks();
    let sum = |of: fn(&CheckRow<'_>) -> usize| number(rows.iter().map(of).sum::<usize>());
    html! {
        div.scroll role="region" tabindex="0" aria-label="Coverage by check" {
            table.cov {
                caption { (caption(view)) }
                thead {
                    tr {
                        th scope="col" { "Check" }
                        th.num scope="col" { "Selected" }
                        th.num scope="col" { "Pass" }
                        th.num scope="col" { "Fail" }
                        th.num scope="col" { "Inconclusive" }
                        th scope="col" { "Evidence" }
                    }
                }
                tbody {
                    @for row in &rows {
                        tr {
                            th scope="row" { code { (row.check) } }
                            td.num { (number(row.selected)) }
                            td.num { (number(row.pass)) }
                            td.num { (number(row.fail)) }
                            td.num { (number(row.inconclusive)) }
                            td { (evidence_of(row)) }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "All" }
                        td.num { (sum(|row| row.selected)) }
                        td.num { (sum(|row| row.pass)) }
                        td.num { (sum(|row| row.fail)) }
                        td.num { (sum(|row| row.inconclusive)) }
                        td {}
                    }
                }
            }
        }
    }
}

fn caption(view: &View<'_>) -> String {
    let bundle = view.record.bundle.map_or_else(String::new, |bundle| format!(" Bundle {bundle}."));
    let packs: Vec<_> =
        view.assessment.packs.iter().map(|p| format!("{} {}", p.id, p.version)).collect();
    let packs = match packs.as_slice() {
        [] => String::new(),
        [one] => format!(" Rule pack {one}."),
        many => format!(" Rule packs {}.", many.join(", ")),
    };
    text::sentence(&format!("By check.{bundle}{packs}"))
}

/// Documents of a check; many are shown as a number that leads to the first.
pub fn evidence_of(row: &CheckRow<'_>) -> Markup {
    const SHOWN: usize = 3;
    html! {
        @for (index, digest) in row.evidence.iter().take(SHOWN).enumerate() {
            @if index > 0 { " " }
            (evidence_link(digest))
        }
        @if row.evidence.len() > SHOWN {
            " " a href="#evidence" { (number(row.evidence.len() - SHOWN)) " more" }
        }
        @if row.evidence.is_empty() {
            @match row.skipped { Some(reason) => span.muted { (prose(reason)) }, None => "none" }
        }
    }
}

fn exceptions(view: &View<'_>) -> Markup {
    let exceptions = &view.assessment.exceptions;
    html! {
        @if !exceptions.is_empty() {
            table.stack id="exceptions" {
                caption { "Exceptions in force, and what became of them." }
                thead {
                    tr {
                        th scope="col" { "Exception" }
                        th scope="col" { "State" }
                        th.num scope="col" { "Findings" }
                    }
                }
                tbody {
                    @for exception in exceptions {
                        tr {
                            th scope="row" { code { (text::visible(&exception.name)) } }
                            td data-l="State" { (state_word(exception.state)) }
                            td.num data-l="Findings" { (number(exception.findings.len())) }
                        }
                    }
                }
            }
        }
    }
}

/// What became of an exception, in words.
pub const fn state_word(state: ExceptionState) -> &'static str {
    match state {
        ExceptionState::Active => "active",
        ExceptionState::Unused => "unused: matches no failing control, can be removed",
        ExceptionState::Expired => "expired: what it accepted is open again",
        ExceptionState::Changed => "changed: the evidence is not the one that was accepted",
    }
}

fn defects(view: &View<'_>) -> Markup {
    let defects = &view.assessment.defects;
    html! {
        @if !defects.is_empty() {
            table.stack id="defects" {
                caption { "Rules that failed on admitted evidence. A defect of the rule pack or the engine, never of the target." }
                (heads(&["Rule", "Subject", "Error"]))
                tbody {
                    @for defect in defects {
                        tr {
                            th scope="row" { (key(defect.rule.as_str())) }
                            td data-l="Subject" { (breaking(&defect.subject.0)) }
                            td data-l="Error" { (text::hostile(&defect.error).plain()) }
                        }
                    }
                }
            }
        }
    }
}
