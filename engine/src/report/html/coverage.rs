//! What was looked at, what was not and why, and what passed.

use maud::{Markup, html};
use model::assessment::{ControlResult, ExceptionState};
use model::evidence::Item;
use model::{Posture, Verdict};

use super::components::{badge, breaking, evidence_link, key, prose};
use super::svg::{Icon, icon};
use crate::report::text;
use crate::report::view::{CheckRow, View};
use crate::report::words::{count, number};

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
            (unobserved(view))
            (passed(view))
            (not_applicable(view))
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

fn unobserved(view: &View<'_>) -> Markup {
    let controls = view.unobserved();
    html! {
        @if !controls.is_empty() {
            table.stack id="unobserved" {
                caption { "Not observed, and why. Inconclusive is neither a pass nor a finding." }
                thead {
                    tr {
                        th scope="col" { "Control" }
                        th scope="col" { "Verdict" }
                        th scope="col" { "Reason" }
                        th scope="col" { "To observe it" }
                    }
                }
                tbody { @for control in &controls { (unobserved_row(view, control)) } }
            }
        }
    }
}

fn unobserved_row(view: &View<'_>, control: &ControlResult) -> Markup {
    let weight = if control.mandatory { "mandatory" } else { "optional" };
    html! {
        tr id=(view.control_id(control)) {
            th scope="row" {
                (key(control.rule.as_str()))
                span.sub.muted { (breaking(&control.subject.0)) }
                span.sub { (control.severity) ", " (weight) }
            }
            td data-l="Verdict" {
                (badge(Posture::Unknown, &control.verdict.as_str().replace('_', " ")))
            }
            td data-l="Reason" { (prose(control.verdict.reason().unwrap_or_default())) }
            td data-l="To observe" { (prose(how_to_observe(view, control))) }
        }
    }
}

/// What lets a control be observed, told from the first item that its reason names.
fn how_to_observe(view: &View<'_>, control: &ControlResult) -> &'static str {
    let reason = control.verdict.reason().unwrap_or_default();
    let body = control.evidence.as_ref().and_then(|digest| view.body(digest));
    let named = body.into_iter().flat_map(|body| &body.stable).find(|(pointer, item)| {
        reason.contains(pointer.as_str()) && !matches!(item, Item::Observed { .. })
    });
    match (&control.verdict, named.map(|(_, item)| item)) {
        (Verdict::NotRun { .. }, _) => "Run the check again; no evidence of it ever arrived.",
        (_, Some(Item::Timeout { .. })) => {
            "Check that the address answers from where the probe runs, or raise `probePolicy.connectTimeoutSeconds`."
        }
        (_, Some(Item::Refused { .. })) => "Let the probe reach it, then run the check again.",
        (_, Some(Item::Truncated { .. })) => {
            "A limit was reached first: run this check alone, or raise `probePolicy`."
        }
        (_, Some(Item::NotAttempted { .. })) => {
            "Declare what is missing, or allow it in `probePolicy.allow`."
        }
        (_, Some(Item::Error { .. })) => "Remove what failed, then run the check again.",
        _ => "Read the evidence, remove the reason, and run the check again.",
    }
}

fn passed(view: &View<'_>) -> Markup {
    let passing = view.controls_that(|verdict| *verdict == Verdict::Pass);
    html! {
        @if !passing.is_empty() {
            details id="passed" {
                summary {
                    b { (count(passing.len(), "control", "controls")) " passed" }
                    span.muted { "on observed evidence" }
                }
                div {
                    ul.list {
                        @for row in view.checks().iter().filter(|row| row.pass > 0) {
                            li.grp { (icon(Icon::Pass)) (row.check) ": " (number(row.pass)) " pass" }
                            @for control in passing.iter().filter(|c| c.rule.check() == row.check) {
                                li id=(view.control_id(control)) {
                                    span {
                                        (breaking(control.rule.name()))
                                        span.sub.muted { (breaking(&control.subject.0)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn not_applicable(view: &View<'_>) -> Markup {
    let outside = view.controls_that(|verdict| matches!(verdict, Verdict::NotApplicable { .. }));
    html! {
        @if !outside.is_empty() {
            details id="not-applicable" {
                summary {
                    b { (count(outside.len(), "control", "controls")) " not applicable" }
                    span.muted { "outside the " (number(view.assessment.coverage.selected)) }
                }
                div {
                    ul {
                        @for control in outside {
                            li id=(view.control_id(control)) {
                                (key(control.rule.as_str())) ", "
                                (breaking(&control.subject.0)) ": "
                                (prose(control.verdict.reason().unwrap_or_default()))
                            }
                        }
                    }
                }
            }
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
                thead {
                    tr {
                        th scope="col" { "Rule" }
                        th scope="col" { "Subject" }
                        th scope="col" { "Error" }
                    }
                }
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
