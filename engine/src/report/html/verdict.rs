//! The posture call, the recommendation and the three lists.

use maud::{Markup, html};
use model::{Posture, Status};

use super::components::{big_badge, evidence_link, prose, status_colour};
use super::svg::{self, Icon, icon};
use crate::report::opinion::{EXPOSED_LINES, Recommendation, Summary};
use crate::report::view::View;
use crate::report::words::{capital, number};

/// One sentence that a leader can repeat; then those that explain it.
pub fn posture_call(call: Markup, calls: Markup, opinion: &str, why: Markup) -> Markup {
    html! {
        section.verdict id="summary" aria-label="Summary" {
            (call)
            div {
                p.calls { (calls) }
                p.opinion { (prose(opinion)) }
                p.why { (why) }
            }
        }
    }
}

/// The two calls of a run. Where nothing was evaluated there is no PASS to show.
pub fn calls(status: Status, posture: Posture) -> Markup {
    html! {
        @if posture != Posture::Unknown || status != Status::Pass {
            (big_badge(status_colour(status, posture), status.as_str()))
        }
        (big_badge(posture, &format!("posture {posture}")))
    }
}

/// The posture call of one run.
pub fn of_run(view: &View<'_>, summary: &Summary<'_>) -> Markup {
    let assessment = view.assessment;
    posture_call(
        svg::call(assessment.posture, None),
        calls(assessment.status, assessment.posture),
        &summary.opinion,
        prose(&summary.why.join(" ")),
    )
}

/// All three recommendations, the chosen one marked.
pub fn recommendation(view: &View<'_>, summary: &Summary<'_>) -> Markup {
    html! {
        section aria-labelledby="rec" {
            h2 id="rec" { "Recommendation" }
            ol.choice {
                @for choice in Recommendation::ALL {
                    @if choice == summary.recommendation {
                        li.on {
                            b { (svg::bob()) (choice.title()) span.vh { " (recommended)" } }
                            (prose(&summary.because))
                        }
                    } @else {
                        li { b { (choice.title()) } (choice.condition()) }
                    }
                }
            }
            (three(view, summary))
        }
    }
}

fn three(view: &View<'_>, summary: &Summary<'_>) -> Markup {
    html! {
        div.three {
            div {
                h3 { (solid_mark(summary)) "What is solid" }
                ul {
                    @for line in &summary.solid {
                        li {
                            (prose(&line.text))
                            @if let Some(digest) = line.evidence { " " (evidence_link(digest)) }
                        }
                    }
                    @if summary.solid.is_empty() { li { "Nothing was observed to hold." } }
                }
            }
            div {
                h3 { (exposed_mark(summary)) "What is exposed" }
                ul {
                    @for finding in summary.exposed.iter().take(EXPOSED_LINES) {
                        li {
                            a href=(format!("#{}", view.finding_id(finding))) {
                                (prose(&capital(&finding.says.exposed)))
                            }
                        }
                    }
                    @if summary.exposed.len() > EXPOSED_LINES {
                        li {
                            a href="#findings" {
                                (number(summary.exposed.len() - EXPOSED_LINES)) " more"
                            }
                        }
                    }
                    @if summary.exposed.is_empty() { li { (nothing_exposed(view)) } }
                }
            }
            div {
                h3 { (svg::bob()) "What must change first" }
                ol {
                    @for line in &summary.first { li { (prose(line)) } }
                    @if summary.first.is_empty() { li { (nothing_first(view)) } }
                }
            }
        }
    }
}

fn solid_mark(summary: &Summary<'_>) -> Markup {
    let (colour, mark) = if summary.solid.is_empty() {
        (Posture::Unknown, Icon::Unknown)
    } else {
        (Posture::Green, Icon::Pass)
    };
    html! { span class=(colour) { (icon(mark)) } }
}

fn exposed_mark(summary: &Summary<'_>) -> Markup {
    let mark = if summary.exposed.is_empty() { Posture::Unknown } else { Posture::Red };
    let drawn = if summary.exposed.is_empty() { Icon::Same } else { Icon::Fail };
    html! { span class=(mark) { (icon(drawn)) } }
}

fn nothing_exposed(view: &View<'_>) -> Markup {
    let accepted = view.waived().len();
    html! {
        @if view.assessment.coverage.evaluated == 0 {
            "Unknown: nothing was evaluated."
        } @else if accepted > 0 {
            "Nothing open. " a href="#waived" { (number(accepted)) " accepted by exception" } "."
        } @else {
            "No open finding."
        }
    }
}

fn nothing_first(view: &View<'_>) -> &'static str {
    let coverage = view.assessment.coverage;
    if coverage.evaluated == 0 || coverage.mandatory_inconclusive > 0 {
        "Make the path observable; the reasons stand under coverage."
    } else {
        "Nothing. Keep the path under review."
    }
}
