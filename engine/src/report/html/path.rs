//! The path map: hops that hang from one beam. The list is its own text twin.

use maud::{Markup, html};
use model::Posture;

use super::components::{class_word, posture_badge};
use super::svg::{self, Icon, icon};
use crate::report::path::{Hop, Link};
use crate::report::text::visible;
use crate::report::view::View;
use crate::report::words::{number, per_severity};

/// The path of one run.
pub fn path_map(view: &View<'_>, hops: &[Hop<'_>]) -> Markup {
    section(
        hops,
        "device to ingest, posture per hop",
        false,
        |hop| says(view, hop),
        "A weight that hangs straight is green; off the vertical, amber or red; without a weight, nothing was observed.",
    )
}

/// The path of two runs. A dash shows where the weight hung before.
pub fn path_swing(hops: &[Hop<'_>]) -> Markup {
    section(
        hops,
        "posture per hop, before and after",
        true,
        moved,
        "The dashed line shows where the weight hung before.",
    )
}

fn section(
    hops: &[Hop<'_>],
    about: &str,
    swing: bool,
    says: impl Fn(&Hop<'_>) -> Markup,
    key: &str,
) -> Markup {
    html! {
        section id="path" aria-labelledby="h-path" {
            h2 id="h-path" { "Path " span.count { (about) } }
            ol.path {
                @for (index, hop) in hops.iter().enumerate() {
                    @let before = if swing { hop.before } else { None };
                    li.hop {
                        span.name { (visible(&hop.name)) }
                        span.at { (visible(&hop.at)) }
                        div.beam { (svg::hop(hop.posture, before)) }
                        div.post { (post(hop.posture, before)) }
                        p.says { (says(hop)) }
                        @if let Some(next) = hops.get(index + 1) { (link(&next.link)) }
                    }
                }
            }
            p.key { (key) }
        }
    }
}

fn post(posture: Posture, before: Option<Posture>) -> Markup {
    html! {
        @if let Some(before) = before.filter(|before| *before != posture) {
            span.was { (before) }
            span.arrow aria-hidden="true" { "\u{2192}" }
            span.vh { ", now " }
        }
        (posture_badge(posture))
    }
}

fn link(link: &Link) -> Markup {
    let (colour, mark) = match link.tls {
        Some(true) if link.observed => (Posture::Green, Icon::Lock),
        Some(true) => (Posture::Unknown, Icon::Lock),
        Some(false) => (Posture::Red, Icon::Open),
        None => (Posture::Unknown, Icon::Unknown),
    };
    html! {
        p.link { b class=(colour) { (icon(mark)) (visible(&link.label)) } (link.note) }
    }
}

fn says(view: &View<'_>, hop: &Hop<'_>) -> Markup {
    if hop.selected == 0 {
        return html! { "No control of this run looks here. Unknown, not compliant." };
    }
    if hop.evaluated == 0 {
        return html! { "Nothing observed. " (observed(hop)) };
    }
    html! {
        @if hop.findings.is_empty() && hop.accepted > 0 {
            (number(hop.accepted)) " accepted by exception."
        } @else if hop.findings.is_empty() {
            "No open findings."
        } @else {
            @for (index, (severity, of)) in per_severity(hop.findings.iter().copied()).into_iter().enumerate() {
                @if index > 0 { ", " }
                a href=(format!("#{}", view.finding_id(of[0]))) { (number(of.len())) " " (severity) }
            }
            "."
        }
        " " (observed(hop))
    }
}

fn moved(hop: &Hop<'_>) -> Markup {
    if hop.selected == 0 {
        return html! { "No control of this run looks here." };
    }
    html! {
        @if hop.moved.is_empty() { "Nothing moved here." }
        @else { (moves(hop)) "." }
        " " (observed(hop))
    }
}

/// "2 improved, 1 drift".
fn moves(hop: &Hop<'_>) -> String {
    let moves: Vec<_> = hop
        .moved
        .iter()
        .map(|(class, n)| format!("{} {}", number(*n), class_word(*class)))
        .collect();
    moves.join(", ")
}

fn observed(hop: &Hop<'_>) -> String {
    format!("{} of {} observed.", number(hop.evaluated), number(hop.selected))
}
