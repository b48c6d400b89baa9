//! The delta report: two runs of one target, control by control.

mod compared;
mod proof;
mod rows;

use maud::{Markup, html};
use model::delta::{ControlDelta, Delta, Side};

use super::components::{badge, command, no_score, posture_badge, prose, status_colour};
use super::frame::{self, Carried, Page, counted, section};
use super::{evidence, path, svg, verdict};
use crate::report::anchor::Anchors;
use crate::report::path::hops;
use crate::report::proof::rows as proof_rows;
use crate::report::view::View;
use crate::report::words::{capital, count, day, number, severities};
use crate::report::{comparison, text};
use rows::ROWS;

/// The page.
pub fn delta(view: &View<'_>, delta: &Delta) -> String {
    let anchors = Anchors::new("d", delta.controls.iter().map(|c| c.rule.as_str()));
    DeltaPage { view, delta, anchors }.render()
}

struct DeltaPage<'a> {
    view: &'a View<'a>,
    delta: &'a Delta,
    anchors: Anchors,
}

impl DeltaPage<'_> {
    fn render(&self) -> String {
        let (view, delta) = (self.view, self.delta);
        let hops = hops(view);
        let proofs = proof_rows(view);
        let cited = view.cited();
        let counts = delta.counts;
        let carried = frame::carried(view.bundle);
        let mut sections = vec![
            section("summary", "Summary"),
            counted("delta", "Compared", number(delta.controls.len())),
            counted("regressions", "Regressions", number(counts.regressed)),
            section("path", "Path"),
        ];
        if !proofs.is_empty() {
            let met = proofs.iter().filter(|proof| proof.met == Some(true)).count();
            sections.push(counted("proof", "Proof", format!("{met}/{}", proofs.len())));
        }
        for (class, id, heading, _) in ROWS.iter().skip(1) {
            if counts.of(*class) > 0 {
                sections.push(counted(id, heading, number(counts.of(*class))));
            }
        }
        sections.push(section("next", "What follows"));
        sections.push(counted("evidence", "Evidence", number(cited.len())));
        sections.push(section("integrity", "Integrity"));
        Page {
            title: format!(
                "{} improved, {} regressed: {}, delta report, Plumbline",
                counts.improved, counts.regressed, delta.target
            ),
            mark: frame::print_mark(view),
            generator: frame::generator(view),
            sections,
            main: html! {
                (frame::document_head(
                    "Delta report", "Run", Some(&delta.after.run.0), delta.after.started_at,
                    &delta.target.0, self.lede(),
                ))
                (verdict::posture_call(
                    svg::call(delta.after.posture, Some(delta.before.posture)),
                    verdict::calls(delta.after.status, delta.after.posture),
                    &comparison::opinion(view, delta),
                    prose(&comparison::why(delta, &proofs).join(" ")),
                ))
                (self.swing())
                (self.compared())
                (self.rows(&ROWS[0]))
                (self.rows(&ROWS[1]))
                (path::path_swing(&hops))
                (proof::section(&proofs))
                @for rows in &ROWS[2..] { (self.rows(rows)) }
                (self.next())
                (evidence::section(view, &cited))
                (self.integrity(&carried))
            },
            embedded: carried.into_markup(),
        }
        .render()
    }

    fn lede(&self) -> Markup {
        let (before, record) = (&self.delta.before, self.view.record);
        html! {
            (capital(record.mode.as_str())) " run, compared with run "
            code { (text::visible(&before.run.0)) } " of " (day(before.started_at)) ": "
            (count(self.delta.controls.len(), "control", "controls")) " of the same path."
        }
    }

    fn swing(&self) -> Markup {
        let (before, after) = (&self.delta.before, &self.delta.after);
        let earlier = self.view.baseline();
        let coverage = |view: Option<&View<'_>>| match view {
            Some(view) => {
                let coverage = view.assessment.coverage;
                format!("{} of {}", number(coverage.evaluated), number(coverage.selected))
            }
            None => "not in this report".to_owned(),
        };
        let findings = |side: &Side, view: Option<&View<'_>>| match view {
            Some(view) if side.findings > 0 => {
                format!("{}: {}", number(side.findings), severities(view.open()))
            }
            _ => number(side.findings),
        };
        let backlog = |view: Option<&View<'_>>| match view.map(|view| view.open_groups().len()) {
            None => html! { "not in this report" },
            Some(0) => html! { "0 items required" },
            Some(rows) => html! { (count(rows, "row", "rows")) },
        };
        let row = |name: &str, label: &str, before: Markup, after: Markup| {
            html! {
                tr id=(format!("n/{name}")) {
                    th scope="row" { (label) }
                    td { (before) }
                    td { (after) }
                }
            }
        };
        let status =
            |side: &Side| badge(status_colour(side.status, side.posture), side.status.as_str());
        let score = |side: &Side| match side.risk_score {
            Some(score) => html! { (score) },
            None => no_score(),
        };
        let was = |inner: Markup| html! { span.was { (inner) } };
        html! {
            table.swing {
                caption.vh { "Before and after" }
                thead {
                    tr {
                        td {}
                        th scope="col" { "Before, " (day(before.started_at)) }
                        th scope="col" { "After, " (day(after.started_at)) }
                    }
                }
                tbody {
                    (row("status", "Status", status(before), status(after)))
                    (row("posture", "Posture", posture_badge(before.posture), posture_badge(after.posture)))
                    (row("risk-score", "Risk score", was(score(before)), score(after)))
                    (row("findings", "Open findings",
                        was(html! { (findings(before, earlier)) }),
                        html! { (findings(after, Some(self.view))) }))
                    (row("backlog", "Backlog", was(backlog(earlier)), backlog(Some(self.view))))
                    (row("coverage", "Controls observed",
                        was(html! { (coverage(earlier)) }),
                        html! { (coverage(Some(self.view))) }))
                }
            }
        }
    }

    fn next(&self) -> Markup {
        let (delta, run) = (self.delta, &self.delta.after.run);
        let advice = comparison::next(delta);
        html! {
            section id="next" aria-labelledby="h-next" {
                h2 id="h-next" { "What follows" }
                div.three.flat {
                    div { h3 { "Baseline" } p.note { (advice.baseline) } }
                    div { h3 { "Cadence" } p.note { (advice.cadence) } }
                    div { h3 { "Another sprint" } p.note { (advice.sprint) } }
                }
                @if advice.adopt {
                    div.block { (command(&format!("plumb runs baseline {run}"))) }
                }
            }
        }
    }

    fn integrity(&self, carried: &Carried) -> Markup {
        let (view, delta) = (self.view, self.delta);
        let manifest = |view: Option<&View<'_>>| {
            let integrity = view.and_then(|view| view.record.integrity.as_ref());
            integrity.map_or("not in this report".to_owned(), |i| i.manifest.to_string())
        };
        let earlier = view.baseline();
        frame::footer(
            &[
                ("Before", delta.before.run.0.clone()),
                ("Manifest", manifest(earlier)),
                ("After", delta.after.run.0.clone()),
                ("Manifest", manifest(Some(view))),
                ("Rule pack", frame::packs(view)),
                ("Engine", format!("{} {}", view.record.engine.name, view.record.engine.version)),
                ("Chain", frame::chain(view)),
                ("Signature", "unsigned".to_owned()),
                ("Time", "claimed by the runner, no time token".to_owned()),
            ],
            &format!(
                "Both runs can be evaluated again from stored evidence. Volatile values are \
                 outside digests, drift and delta. The comparison proves what changed in the \
                 evidence; it does not prove that a probe saw the truth.{}",
                carried.note()
            ),
            &format!("plumb diff {} {}", delta.before.run, delta.after.run),
        )
    }

    fn id(&self, control: &ControlDelta) -> String {
        self.anchors.of(control.rule.as_str(), &control.subject.0)
    }
}
