//! The delta report as Markdown.

use std::fmt::Write as _;

use model::delta::{ControlDelta, ControlSide, Delta, DeltaClass, PointerChange};

use super::{documents, sign, table};
use crate::report::text::{self, markdown, markdown_code, markdown_prose};
use crate::report::view::{View, of_class};
use crate::report::words::{capital, day, number};
use crate::report::{comparison, proof};

/// The report.
pub fn delta(view: &View<'_>, delta: &Delta) -> String {
    let proofs = proof::rows(view);
    let mut out = String::new();
    let _ = writeln!(out, "# Delta report: {}\n", markdown(&delta.target.0));
    let _ = writeln!(out, "**{}**\n", markdown_prose(&comparison::opinion(view, delta)));
    let _ = writeln!(out, "{}\n", markdown_prose(&comparison::why(delta, &proofs).join(" ")));
    swing(&mut out, delta);
    let rows = DeltaClass::ALL.map(|class| vec![word(class), number(delta.counts.of(class))]);
    table(&mut out, &["Class", "Controls"], rows);
    for class in DeltaClass::ALL {
        controls(&mut out, view, delta, class);
    }
    runtime_proof(&mut out, &proofs);
    let advice = comparison::next(delta);
    let _ = writeln!(out, "## What follows\n");
    for line in [advice.baseline, advice.cadence, advice.sprint] {
        let _ = writeln!(out, "- {}", markdown_prose(line));
    }
    let _ = writeln!(out, "\n## Integrity\n");
    documents(&mut out, view, &view.cited());
    out
}

fn word(class: DeltaClass) -> String {
    class.as_str().replace('_', " ")
}

fn swing(out: &mut String, delta: &Delta) {
    let (before, after) = (&delta.before, &delta.after);
    let score = |score: Option<u32>| score.map_or("no score".to_owned(), number);
    let rows = [
        vec!["Run".to_owned(), markdown_code(&before.run.0), markdown_code(&after.run.0)],
        vec!["Started".to_owned(), day(before.started_at), day(after.started_at)],
        vec!["Status".to_owned(), before.status.to_string(), after.status.to_string()],
        vec![
            "Posture".to_owned(),
            format!("{} {}", sign(before.posture), before.posture),
            format!("{} {}", sign(after.posture), after.posture),
        ],
        vec!["Risk score".to_owned(), score(before.risk_score), score(after.risk_score)],
        vec!["Open findings".to_owned(), number(before.findings), number(after.findings)],
    ];
    table(out, &["", "Before", "After"], rows);
}

fn controls(out: &mut String, view: &View<'_>, delta: &Delta, class: DeltaClass) {
    let controls = of_class(delta, class);
    if controls.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {}: {}\n", capital(&word(class)), number(controls.len()));
    let verdict = |side: Option<&ControlSide>| {
        side.map_or("not in the run".to_owned(), |side| side.verdict.as_str().replace('_', " "))
    };
    let rows = controls.iter().map(|control| {
        let failing = view.finding_of(&control.rule, &control.subject);
        let title = failing.map_or(&control.title, |finding| &finding.title);
        vec![
            control.severity.to_string(),
            markdown_code(control.rule.as_str()),
            markdown_code(&control.subject.0),
            markdown_prose(title),
            verdict(control.before.as_ref()),
            verdict(control.after.as_ref()),
        ]
    });
    table(out, &["Severity", "Control", "Subject", "Title", "Before", "After"], rows);
    let changes: Vec<_> = controls
        .iter()
        .flat_map(|control| control.changes.iter().map(move |change| (control, change)))
        .map(|(control, change)| {
            vec![
                markdown_code(control.rule.as_str()),
                markdown_code(&change.pointer),
                value(view, true, control, change),
                value(view, false, control, change),
            ]
        })
        .collect();
    if !changes.is_empty() {
        table(out, &["Control", "Pointer", "Before", "After"], changes);
    }
}

fn value(view: &View<'_>, before: bool, control: &ControlDelta, change: &PointerChange) -> String {
    let value = view.side_of_change(before, control, change);
    value.map_or_else(|| "absent".to_owned(), |value| super::shown(&value))
}

fn runtime_proof(out: &mut String, proofs: &[proof::Proof]) {
    if proofs.is_empty() {
        return;
    }
    let met = proofs.iter().filter(|proof| proof.met == Some(true)).count();
    let _ = writeln!(out, "## Runtime proof: {met} of {} met\n", proofs.len());
    let rows = proofs.iter().map(|proof| {
        vec![
            markdown_code(&text::hostile(&proof.request).plain()),
            proof.with.clone(),
            markdown(proof.before.as_deref().unwrap_or("no such evidence")),
            markdown(&proof.after),
            proof.required.to_owned(),
            match proof.met {
                Some(true) => "met",
                Some(false) => "not met",
                None => "not observed",
            }
            .to_owned(),
        ]
    });
    table(out, &["Request", "With", "Before", "After", "Required", "Result"], rows);
}
