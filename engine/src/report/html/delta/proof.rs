//! The runtime proof: the same requests, before and after.

use maud::{Markup, html};
use model::Posture;

use crate::report::html::components::{badge, evidence_link, heads};
use crate::report::proof::Proof;
use crate::report::text;
use crate::report::words::number;

/// The section; none where neither run asked.
pub fn section(proofs: &[Proof]) -> Markup {
    if proofs.is_empty() {
        return html! {};
    }
    let met = proofs.iter().filter(|proof| proof.met == Some(true)).count();
    html! {
        section id="proof" aria-labelledby="h-proof" {
            h2 id="h-proof" {
                "Runtime proof " span.count { (number(met)) " of " (number(proofs.len())) " met" }
            }
            table.stack {
                caption { "The same requests against the same path." }
                (heads(&["Request", "Before", "After", "Required", "Result", "Evidence"]))
                tbody { @for proof in proofs { (proof_row(proof)) } }
            }
        }
    }
}

fn proof_row(proof: &Proof) -> Markup {
    html! {
        tr {
            th scope="row" {
                code { (text::hostile(&proof.request).plain()) }
                span.sub { (proof.with) }
            }
            td data-l="Before" { (proof.before.as_deref().unwrap_or("no such evidence")) }
            td data-l="After" { b { (proof.after) } }
            td data-l="Required" { (proof.required) }
            td data-l="Result" {
                @match proof.met {
                    Some(true) => (badge(Posture::Green, "met")),
                    Some(false) => (badge(Posture::Red, "not met")),
                    None => (badge(Posture::Unknown, "not observed")),
                }
            }
            td data-l="Evidence" { (evidence_link(&proof.evidence)) }
        }
    }
}
