//! What a leader reads of two runs: one sentence, its reasons, and what follows.

use model::delta::{Delta, DeltaClass};
use model::{Posture, Status};

use super::proof::Proof;
use super::view::{View, of_class};
use super::words::{capital, count, spelled};

/// The one sentence on a delta. What gave way comes first, then what was lost from view, then
/// what improved.
pub fn opinion(view: &View<'_>, delta: &Delta) -> String {
    let counts = delta.counts;
    if counts.regressed > 0 {
        return regressed(view, delta);
    }
    if delta.after.posture == Posture::Unknown {
        return "Nothing on this path could be observed, so nothing can be compared.".to_owned();
    }
    if counts.coverage_lost > 0 {
        return format!(
            "{} observed before and could not be observed now.",
            capital(&controls(counts.coverage_lost, "was", "were"))
        );
    }
    match (counts.improved, delta.after.status) {
        (0, _) if delta.after.findings > delta.before.findings => format!(
            "Nothing that held has given way, but {} now open.",
            findings(delta.after.findings)
        ),
        (0, _) => "Every compared control has the verdict that it had before.".to_owned(),
        (improved, Status::Pass) if delta.after.findings == 0 => {
            let weak = match improved {
                1 => "The one weak control now passes".to_owned(),
                n => format!("All {} weak controls now pass", spelled(n as usize)),
            };
            format!(
                "The fix holds. {weak} on the same path, and nothing that held before has given way."
            )
        }
        (improved, _) => format!(
            "{} improved and nothing gave way, but {} still open.",
            capital(&controls(improved, "has", "have")),
            findings(delta.after.findings)
        ),
    }
}

fn controls(n: u32, one: &str, many: &str) -> String {
    let (noun, verb) = if n == 1 { ("control", one) } else { ("controls", many) };
    format!("{} {noun} {verb}", spelled(n as usize))
}

fn findings(n: u32) -> String {
    let (noun, verb) = if n == 1 { ("finding", "is") } else { ("findings", "are") };
    format!("{} {noun} {verb}", spelled(n as usize))
}

fn regressed(view: &View<'_>, delta: &Delta) -> String {
    let lead = match delta.counts.regressed {
        1 => "One control that held now fails".to_owned(),
        n => format!("{} controls that held now fail", capital(&spelled(n as usize))),
    };
    let worst = of_class(delta, DeltaClass::Regressed).first().copied();
    let clause = worst
        .and_then(|control| view.finding_of(&control.rule, &control.subject))
        .map(|finding| finding.says.opinion.as_str())
        .filter(|clause| !clause.is_empty());
    match clause {
        Some(clause) => format!("{lead}: {clause}."),
        None => format!("{lead}."),
    }
}

/// The sentences that explain it.
pub fn why(delta: &Delta, proofs: &[Proof]) -> Vec<String> {
    let counts = delta.counts;
    let mut why = Vec::new();
    let met = proofs.iter().filter(|proof| proof.met == Some(true)).count();
    if !proofs.is_empty() {
        why.push(match met {
            met if met == proofs.len() => {
                format!(
                    "All {} requests of the runtime proof were answered as required.",
                    spelled(met)
                )
            }
            met => format!(
                "{} of {} requests of the runtime proof were answered as required.",
                capital(&spelled(met)),
                spelled(proofs.len())
            ),
        });
    }
    if counts.coverage_lost > 0 && counts.regressed > 0 {
        why.push(format!(
            "{} lost from view; that is neither a regression nor compliance.",
            capital(&controls(counts.coverage_lost, "was", "were"))
        ));
    }
    if counts.rule_changed > 0 {
        why.push(format!(
            "{} another verdict under another rule version.",
            capital(&controls(counts.rule_changed, "has", "have"))
        ));
    }
    match counts.drift {
        0 => {}
        1 => why.push(
            "One control rests on evidence that has changed; read it before calling the path settled."
                .to_owned(),
        ),
        n => why.push(format!(
            "{} controls rest on evidence that has changed; read those before calling the path settled.",
            capital(&spelled(n as usize))
        )),
    }
    why.push(format!(
        "{} compared: {} improved, {} regressed, {} unchanged.",
        capital(&count(delta.controls.len(), "control", "controls")),
        counts.improved,
        counts.regressed,
        counts.unchanged
    ));
    why
}

/// What follows from a delta.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// Whether this run can become the reference.
    pub adopt: bool,
    /// On the baseline.
    pub baseline: &'static str,
    /// On when to look again.
    pub cadence: &'static str,
    /// On another sprint.
    pub sprint: &'static str,
}

/// What follows: this run becomes the reference where it passes and nothing gave way or was lost.
pub fn next(delta: &Delta) -> Advice {
    let counts = delta.counts;
    let steady = counts.regressed == 0 && counts.coverage_lost == 0;
    let adopt = steady && delta.after.status == Status::Pass;
    Advice {
        adopt,
        baseline: if adopt {
            "Make this run the reference of later reviews. The decision and its reason are recorded."
        } else {
            "Keep the earlier run as the reference until this path passes with nothing lost."
        },
        cadence: if adopt {
            "Repeat in retainer mode, on a schedule or per release, with certificate hygiene."
        } else {
            "Rerun the same checks after each fix; a schedule comes once the path passes."
        },
        sprint: if steady && delta.after.posture != Posture::Red {
            "Not called for. Warranted by any regression, lost coverage on a fixed control, or a new high finding."
        } else {
            "Called for: something gave way, was lost from view, or a high finding is still open."
        },
    }
}
