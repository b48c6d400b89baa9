//! How many controls are in each class, by check, and those that did not move.

use maud::{Markup, html};
use model::CheckId;
use model::delta::DeltaClass;

use super::DeltaPage;
use super::rows::{side_evidence, verdict_word};
use crate::report::html::components::{breaking, class_icon, class_word, heads, key};
use crate::report::html::coverage::evidence_of;
use crate::report::html::svg::icon;
use crate::report::view::of_class;
use crate::report::words::{capital, count, number};

impl DeltaPage<'_> {
    pub fn compared(&self) -> Markup {
        let counts = self.delta.counts;
        html! {
            section id="delta" aria-labelledby="h-delta" {
                h2 id="h-delta" {
                    "Compared controls "
                    span.count { (number(self.delta.controls.len())) " compared, each in one class" }
                }
                dl.tally {
                    @for class in DeltaClass::ALL {
                        @let n = counts.of(class);
                        div class=[(n == 0).then_some("zero")] id=(format!("n/{}", class.as_str().replace('_', "-"))) {
                            dt { (icon(class_icon(class))) (class_word(class)) }
                            dd { @if n == 0 { "0" } @else { a href=(class_href(class)) { (number(n)) } } }
                        }
                    }
                }
                (self.by_check())
                (self.unchanged())
            }
        }
    }

    fn by_check(&self) -> Markup {
        let of = |check: Option<CheckId>, class: Option<DeltaClass>| {
            let controls = self.delta.controls.iter();
            let matching = controls.filter(|c| check.is_none_or(|check| c.rule.check() == check));
            matching.filter(|c| class.is_none_or(|class| c.class == class)).count()
        };
        let present: Vec<_> =
            DeltaClass::ALL.into_iter().filter(|class| self.delta.counts.of(*class) > 0).collect();
        html! {
            div.scroll role="region" tabindex="0" aria-label="Compared controls by check" id="by-check" {
                table.cov {
                    caption { "By check; classes without a control are left out." }
                    thead {
                        tr {
                            th scope="col" { "Check" }
                            th.num scope="col" { "Compared" }
                            @for class in &present { th.num scope="col" { (capital(&class_word(*class))) } }
                            th scope="col" { "Evidence after" }
                        }
                    }
                    tbody {
                        @for check in CheckId::ALL {
                            @if of(Some(check), None) > 0 {
                                tr {
                                    th scope="row" { code { (check) } }
                                    td.num { (number(of(Some(check), None))) }
                                    @for class in &present { td.num { (number(of(Some(check), Some(*class)))) } }
                                    td {
                                        @for row in self.view.checks().iter().filter(|row| row.check == check) {
                                            (evidence_of(row))
                                        }
                                    }
                                }
                            }
                        }
                    }
                    tfoot {
                        tr {
                            th scope="row" { "All" }
                            td.num { (number(of(None, None))) }
                            @for class in &present { td.num { (number(of(None, Some(*class)))) } }
                            td {}
                        }
                    }
                }
            }
        }
    }

    /// Every unchanged control by name, folded: each compared control stands on this page once.
    fn unchanged(&self) -> Markup {
        let controls = of_class(self.delta, DeltaClass::Unchanged);
        html! {
            @if !controls.is_empty() {
                details id="unchanged" {
                    summary {
                        b { (count(controls.len(), "control", "controls")) " unchanged" }
                        span.muted { "same verdict, same evidence" }
                    }
                    div {
                        table.stack {
                            caption.vh { "Unchanged controls" }
                            (heads(&["Control", "Verdict, both runs", "Evidence"]))
                            tbody {
                                @for control in controls {
                                    tr id=(self.id(control)) {
                                        th scope="row" { (key(control.rule.as_str())) span.sub.muted { (breaking(&control.subject.0)) } }
                                        td data-l="Verdict" { (verdict_word(control.after.as_ref())) }
                                        td data-l="Evidence" { (side_evidence(control.after.as_ref())) }
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

const fn class_href(class: DeltaClass) -> &'static str {
    match class {
        DeltaClass::Regressed => "#regressions",
        DeltaClass::CoverageLost => "#coverage-lost",
        DeltaClass::RuleChanged => "#rule-changed",
        DeltaClass::New => "#new",
        DeltaClass::CoverageGained => "#coverage-gained",
        DeltaClass::Improved => "#improved",
        DeltaClass::Withdrawn => "#withdrawn",
        DeltaClass::Drift => "#drift",
        DeltaClass::Unchanged => "#unchanged",
    }
}
