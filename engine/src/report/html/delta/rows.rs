//! One row per control that moved: what it was, what it is, and on which evidence.

use maud::{Markup, html};
use model::delta::{ControlDelta, ControlSide, DeltaClass, PointerChange};
use model::{Posture, Verdict};

use super::DeltaPage;
use crate::report::acceptance;
use crate::report::html::components::{
    Column, breaking, class_badge, command, empty, evidence_link, facts, key, permalink, prose,
    shown,
};
use crate::report::html::svg::Icon;
use crate::report::view::of_class;
use crate::report::words::{count, number};

/// Changes of a control that stand beside each other; more go into a table.
const FACTS: usize = 4;

/// A class with a section of rows: id, heading and introduction of the section.
pub type Rows = (DeltaClass, &'static str, &'static str, &'static str);

/// Classes with a section of rows, in the order of the page, with heading and introduction.
pub const ROWS: [Rows; 8] = [
    (DeltaClass::Regressed, "regressions", "Regressions", ""),
    (
        DeltaClass::CoverageLost,
        "coverage-lost",
        "Coverage lost",
        "Observed before, not observed now. Neither a regression nor compliance: no finding closes on it.",
    ),
    (DeltaClass::Improved, "improved", "Improved", ""),
    (
        DeltaClass::RuleChanged,
        "rule-changed",
        "Rule changed",
        "The verdict differs, and so does the rule. The cause may be the rule and not the target.",
    ),
    (DeltaClass::New, "new", "New", "Not in the earlier run, or not applicable there."),
    (
        DeltaClass::CoverageGained,
        "coverage-gained",
        "Coverage gained",
        "Not observed before, observed now.",
    ),
    (
        DeltaClass::Withdrawn,
        "withdrawn",
        "Withdrawn",
        "In the earlier run, and not selected or not applicable any more.",
    ),
    (
        DeltaClass::Drift,
        "drift",
        "Evidence drift",
        "The verdict is the same, but what it rests on is not. Drift opens no finding. It says what to look at before the baseline moves.",
    ),
];

impl DeltaPage<'_> {
    /// The section of one class; none where it is empty, but for regressions.
    pub fn rows(&self, rows: &Rows) -> Markup {
        let (class, id, heading, intro) = *rows;
        let controls = of_class(self.delta, class);
        if controls.is_empty() && class != DeltaClass::Regressed {
            return html! {};
        }
        let heading_id = format!("h-{id}");
        html! {
            section id=(id) aria-labelledby=(heading_id) {
                h2 id=(heading_id) { (heading) " " span.count { (number(controls.len())) } }
                @if !intro.is_empty() { p.intro { (intro) } }
                @if controls.is_empty() { (self.no_regression()) }
                @for control in controls { (self.row(control)) }
            }
        }
    }

    fn no_regression(&self) -> Markup {
        let held = self.delta.controls.iter().filter(|c| is(c.before.as_ref(), &Verdict::Pass));
        let (held, still): (Vec<_>, Vec<_>) =
            held.partition(|control| !is(control.after.as_ref(), &Verdict::Pass));
        let before = held.len() + still.len();
        let known = if before == 0 {
            "No control passed in the earlier run, so none could give way.".to_owned()
        } else if held.is_empty() {
            format!(
                "All {} that passed before were observed again and pass.",
                count(before, "control", "controls")
            )
        } else {
            format!(
                "Of {} that passed before, {} observed again and pass; the rest was not compared as a pass.",
                count(before, "control", "controls"),
                count(still.len(), "was", "were")
            )
        };
        let (colour, mark) = if before == 0 || !held.is_empty() {
            (Posture::Unknown, Icon::Same)
        } else {
            (Posture::Green, Icon::Pass)
        };
        empty(colour, mark, "No control went from pass to fail.", &known)
    }

    fn row(&self, control: &ControlDelta) -> Markup {
        let id = self.id(control);
        let heading = format!("h-{id}");
        html! {
            article.arow id=(id) aria-labelledby=(heading) {
                div { (class_badge(control.class)) }
                div {
                    h3 id=(heading) { (prose(&self.title(control))) " " (permalink(&id, &id[2..])) }
                    (keyline(control))
                    (self.body(control))
                }
            }
        }
    }

    /// The title as a finding where it fails now, else as a control.
    fn title(&self, control: &ControlDelta) -> String {
        let failing = self.view.finding_of(&control.rule, &control.subject);
        failing.map_or_else(|| control.title.clone(), |finding| finding.title.clone())
    }

    fn body(&self, control: &ControlDelta) -> Markup {
        let failing = self.view.finding_of(&control.rule, &control.subject);
        html! {
            @if let Some(finding) = failing {
                p { (prose(&finding.what)) }
                p.muted { (prose(&finding.why)) }
            }
            @if let Some(reason) = control.after.as_ref().and_then(|side| side.verdict.reason()) {
                p { (prose(reason)) }
            }
            @if control.class == DeltaClass::Drift || control.changes.len() > FACTS {
                (self.changes(control))
            } @else if !control.changes.is_empty() {
                (facts(&[
                    self.column(true, control),
                    self.column(false, control),
                ]))
            }
            @if control.class == DeltaClass::Improved { (self.criteria(control)) }
            @if let Some(finding) = failing {
                div.block { h4 { "Remediation" } p { (prose(&finding.remediation.text)) } }
                div.block { h4 { "Verify with" } (command(&finding.verify)) }
            }
        }
    }

    /// The acceptance criteria of the finding that is gone, beside what was observed.
    fn criteria(&self, control: &ControlDelta) -> Markup {
        let earlier = self.view.baseline();
        let finding = earlier.and_then(|view| view.finding_of(&control.rule, &control.subject));
        let Some(finding) = finding else { return html! {} };
        let digest = control.after.as_ref().and_then(|side| side.evidence.as_ref());
        let body = digest.and_then(|digest| self.view.body(digest));
        html! {
            div.block {
                ul.ticks {
                    @for criterion in &finding.acceptance {
                        @let met = acceptance::compare(criterion, body);
                        li class=[met.met.then_some("met")] {
                            @if met.met { span.vh { "Met: " } }
                            (prose(&met.text))
                            @if !met.now.is_empty() { " " span.flag { "now " (met.now.join(", ")) } }
                        }
                    }
                }
            }
        }
    }

    fn column(&self, before: bool, control: &ControlDelta) -> Column {
        let side = if before { &control.before } else { &control.after }.as_ref();
        Column {
            heading: format!("{}: {}", if before { "Before" } else { "After" }, verdict_word(side)),
            posture: match side.map(|side| &side.verdict) {
                Some(Verdict::Pass) => Posture::Green,
                Some(Verdict::Fail) => Posture::Red,
                _ => Posture::Unknown,
            },
            facts: html! {
                @for change in &control.changes {
                    li {
                        (breaking(&change.pointer)) ": "
                        b { (self.value(before, control, change)) }
                    }
                }
            },
        }
    }

    fn value(&self, before: bool, control: &ControlDelta, change: &PointerChange) -> Markup {
        match self.view.side_of_change(before, control, change) {
            Some(value) => shown(&value),
            None => html! { "absent" },
        }
    }

    fn changes(&self, control: &ControlDelta) -> Markup {
        html! {
            table.evd.stack {
                caption.vh { "Changed pointers: " (control.rule.as_str()) }
                thead {
                    tr {
                        th.p scope="col" { "Pointer" }
                        th scope="col" { "Before" }
                        th scope="col" { "After" }
                    }
                }
                tbody {
                    @for change in &control.changes {
                        tr {
                            th scope="row" { (breaking(&change.pointer)) }
                            td data-l="Before" { del { (self.value(true, control, change)) } }
                            td data-l="After" { ins { (self.value(false, control, change)) } }
                        }
                    }
                }
            }
        }
    }
}

fn is(side: Option<&ControlSide>, verdict: &Verdict) -> bool {
    side.is_some_and(|side| side.verdict == *verdict)
}

/// The verdict of one side as people say it.
pub fn verdict_word(side: Option<&ControlSide>) -> String {
    match side {
        None => "not in the run".to_owned(),
        Some(side) => {
            let waived = if side.waived_by.is_some() { ", accepted" } else { "" };
            format!("{}{waived}", side.verdict.as_str().replace('_', " "))
        }
    }
}

/// The evidence of one side, or a dash.
pub fn side_evidence(side: Option<&ControlSide>) -> Markup {
    match side.and_then(|side| side.evidence.as_ref()) {
        Some(digest) => evidence_link(digest),
        None => html! { "\u{2013}" },
    }
}

fn keyline(control: &ControlDelta) -> Markup {
    html! {
        p.keyline {
            (key(control.rule.as_str()))
            span { (control.domain) }
            span { (breaking(&control.subject.0)) }
            span { (control.severity) }
            span {
                (verdict_word(control.before.as_ref())) " before, "
                (verdict_word(control.after.as_ref())) " after"
            }
            span {
                "evidence " (side_evidence(control.before.as_ref()))
                span.arrow aria-hidden="true" { "\u{2192}" }
                span.vh { ", now " }
                (side_evidence(control.after.as_ref()))
            }
        }
    }
}
