//! The controls that did not fail: not observed, passed, not applicable.

use maud::{Markup, html};
use model::assessment::ControlResult;
use model::evidence::Item;
use model::{Posture, Verdict};

use super::subjects::Subjects;
use crate::report::group::{Group, fold};
use crate::report::html::components::{badge, breaking, heads, key, prose};
use crate::report::html::svg::{Icon, icon};
use crate::report::view::View;
use crate::report::words::{count, number};

type Row<'a> = Group<'a, ControlResult>;

/// Rows of controls, each of one rule; a row stands for several subjects where it reads the same
/// of all of them.
pub struct Controls<'a> {
    view: &'a View<'a>,
    unobserved: Vec<Row<'a>>,
    passed: Vec<Row<'a>>,
    not_applicable: Vec<Row<'a>>,
    subjects: Subjects<'a>,
}

impl<'a> Controls<'a> {
    /// The controls of a run.
    pub fn new(view: &'a View<'a>) -> Self {
        let verdict = |a: &ControlResult, b: &ControlResult| a.verdict == b.verdict;
        let rows = |controls| fold(controls, |control: &ControlResult| &control.rule, verdict);
        let unobserved = fold(
            view.unobserved(),
            |control| &control.rule,
            |a, b| {
                let row = |c: &ControlResult| (c.severity, c.mandatory, how_to_observe(view, c));
                verdict(a, b) && row(a) == row(b)
            },
        );
        let passed = rows(view.controls_that(|verdict| *verdict == Verdict::Pass));
        let not_applicable =
            rows(view.controls_that(|verdict| matches!(verdict, Verdict::NotApplicable { .. })));
        let all = unobserved.iter().chain(&passed).chain(&not_applicable);
        let subjects = Subjects::new(all);
        Self { view, unobserved, passed, not_applicable, subjects }
    }

    /// All of them, what was not observed first.
    pub fn tables(&self) -> Markup {
        html! {
            (self.unobserved())
            (self.passed())
            (self.not_applicable())
            (self.subjects.lists())
        }
    }

    fn unobserved(&self) -> Markup {
        html! {
            @if !self.unobserved.is_empty() {
                table.stack id="unobserved" {
                    caption { "Not observed, and why. Inconclusive is neither a pass nor a finding." }
                    (heads(&["Control", "Verdict", "Reason", "To observe it"]))
                    tbody { @for row in &self.unobserved { (self.unobserved_row(row)) } }
                }
            }
        }
    }

    fn unobserved_row(&self, row: &Row<'_>) -> Markup {
        let control = row.first;
        let weight = if control.mandatory { "mandatory" } else { "optional" };
        html! {
            tr id=(self.view.control_id(control)) {
                th scope="row" {
                    (key(control.rule.as_str()))
                    span.sub.muted { (self.subjects.of(row)) }
                    span.sub { (control.severity) ", " (weight) }
                }
                td data-l="Verdict" {
                    (badge(Posture::Unknown, &control.verdict.as_str().replace('_', " ")))
                }
                td data-l="Reason" { (prose(control.verdict.reason().unwrap_or_default())) }
                td data-l="To observe" { (prose(how_to_observe(self.view, control))) }
            }
        }
    }

    fn passed(&self) -> Markup {
        html! {
            @if !self.passed.is_empty() {
                details id="passed" {
                    summary {
                        b { (count(controls(&self.passed), "control", "controls")) " passed" }
                        span.muted { "on observed evidence" }
                    }
                    div {
                        ul.list {
                            @for check in self.view.checks().iter().filter(|check| check.pass > 0) {
                                li.grp { (icon(Icon::Pass)) (check.check) ": " (number(check.pass)) " pass" }
                                @for row in self.passed.iter().filter(|row| row.first.rule.check() == check.check) {
                                    li id=(self.view.control_id(row.first)) {
                                        span {
                                            (breaking(row.first.rule.name()))
                                            span.sub.muted { (self.subjects.of(row)) }
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

    fn not_applicable(&self) -> Markup {
        let selected = self.view.assessment.coverage.selected;
        html! {
            @if !self.not_applicable.is_empty() {
                details id="not-applicable" {
                    summary {
                        b { (count(controls(&self.not_applicable), "control", "controls")) " not applicable" }
                        span.muted { "outside the " (number(selected)) }
                    }
                    div {
                        ul {
                            @for row in &self.not_applicable {
                                li id=(self.view.control_id(row.first)) {
                                    (key(row.first.rule.as_str())) ", "
                                    (self.subjects.of(row)) ": "
                                    (prose(row.first.verdict.reason().unwrap_or_default()))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Controls behind some rows.
fn controls(rows: &[Row<'_>]) -> usize {
    rows.iter().map(Group::len).sum()
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
