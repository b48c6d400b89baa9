//! The canonical report of one run.

use maud::{Markup, html};
use model::assessment::DomainPosture;
use model::document::AuditTarget;
use model::{Posture, Verdict};

use super::components::{Figure, command, empty, figures, no_score, posture_badge, prose};
use super::frame::{self, Carried, Page, counted, section};
use super::svg::Icon;
use super::{coverage, evidence, finding, path, verdict};
use crate::report::group::{Group, group};
use crate::report::opinion;
use crate::report::path::hops;
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{count, number, per_severity, severities};

/// The page.
pub fn audit(view: &View<'_>) -> String {
    let assessment = view.assessment;
    let hops = hops(view);
    let summary = opinion::summary(view, &hops);
    let open = view.open_groups();
    let waived = group(view.waived());
    let cited = view.cited_by_run();
    let observed = assessment.coverage;
    let carried = frame::carried(view.bundle);
    Page {
        title: format!(
            "{}, {}: {}, audit report, Plumbline",
            assessment.status, assessment.posture, view.record.target
        ),
        mark: frame::print_mark(view),
        generator: frame::generator(view),
        sections: vec![
            section("summary", "Summary"),
            section("path", "Path"),
            section("domains", "Domains"),
            counted("findings", "Findings", number(view.open().len())),
            counted("remediation", "Remediation", number(open.len())),
            counted(
                "coverage",
                "Coverage",
                format!("{}/{}", observed.evaluated, observed.selected),
            ),
            counted("evidence", "Evidence", number(cited.len())),
            section("integrity", "Integrity"),
        ],
        main: html! {
            (frame::document_head(
                "Audit report", "Run", Some(&view.record.id.0), view.record.started_at,
                &view.record.target.0, lede(&view.record.document),
            ))
            (verdict::of_run(view, &summary))
            (run_figures(view, &open))
            (verdict::recommendation(view, &summary))
            (path::path_map(view, &hops))
            (domains(view))
            (findings(view, &open, &waived))
            (remediation(view, &open))
            (coverage::section(view))
            (evidence::section(view, &cited))
            (integrity(view, &carried))
        },
        embedded: carried.into_markup(),
    }
    .render()
}

/// What the path is, how much depends on it, and who owns it.
pub fn lede(document: &AuditTarget) -> Markup {
    let spec = &document.spec;
    html! {
        @if let Some(description) = &spec.description { (prose(&ended(description))) " " }
        @if let Some(criticality) = spec.criticality {
            "Criticality " (criticality_word(criticality)) ". "
        }
        @if let Some(owner) = &spec.owner { "Owner: " (text::sentence(owner)) "." }
    }
}

const fn criticality_word(criticality: model::document::Criticality) -> &'static str {
    use model::document::Criticality;
    match criticality {
        Criticality::Low => "low",
        Criticality::Medium => "medium",
        Criticality::High => "high",
        Criticality::Critical => "critical",
    }
}

fn ended(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn run_figures(view: &View<'_>, open: &[Group<'_>]) -> Markup {
    let assessment = view.assessment;
    let coverage = assessment.coverage;
    let findings = view.open();
    let owners: std::collections::BTreeSet<_> =
        open.iter().map(|group| finding::owner(view, group.first)).collect();
    figures(&[
        Figure {
            label: "Risk score",
            name: "risk-score",
            href: "#score",
            value: assessment.risk_score.map(number),
            of: None,
            note: "0 is best".to_owned(),
        },
        Figure {
            label: "Findings",
            name: "findings",
            href: "#findings",
            value: Some(number(findings.len())),
            of: None,
            note: match (findings.len(), view.waived().len()) {
                (0, 0) => "none open, none accepted".to_owned(),
                (0, waived) => format!("none open, {} accepted", number(waived)),
                (_, 0) => severities(findings.iter().copied()),
                (_, waived) => {
                    format!("{}; {} accepted", severities(findings.iter().copied()), number(waived))
                }
            },
        },
        Figure {
            label: "Controls observed",
            name: "coverage",
            href: "#coverage",
            value: Some(number(coverage.evaluated)),
            of: Some(format!("of {}", number(coverage.selected))),
            note: if coverage.inconclusive == 0 {
                "none inconclusive".to_owned()
            } else {
                format!(
                    "{} inconclusive, {}",
                    number(coverage.inconclusive),
                    opinion::not_mandatory(coverage.inconclusive, coverage.mandatory_inconclusive)
                )
            },
        },
        Figure {
            label: "Backlog",
            name: "backlog",
            href: "#remediation",
            value: Some(number(open.len())),
            of: None,
            note: if coverage.evaluated == 0 {
                "nothing to write it from".to_owned()
            } else if open.is_empty() {
                "0 items required".to_owned()
            } else {
                format!(
                    "{}, {}",
                    count(open.len(), "row", "rows"),
                    count(owners.len(), "owner", "owners")
                )
            },
        },
    ])
}

fn domains(view: &View<'_>) -> Markup {
    let assessment = view.assessment;
    let mut domains: Vec<&DomainPosture> = assessment.domains.iter().collect();
    domains.sort_by_key(|domain| match domain.posture {
        Posture::Red => 0,
        Posture::Amber => 1,
        Posture::Green => 2,
        Posture::Unknown => 3,
    });
    let coverage = assessment.coverage;
    html! {
        section id="domains" aria-labelledby="h-dom" {
            h2 id="h-dom" { "Posture by domain " span.count { "worst first" } }
            ul.tiles {
                @for domain in domains { (tile(view, domain)) }
                li.tile {
                    h3 { "Overall" }
                    p { "The worst domain decides." }
                    p { (number(coverage.evaluated)) " of " (number(coverage.selected)) " observed" }
                    (tile_row(assessment.posture, assessment.risk_score))
                }
            }
            (score(view))
        }
    }
}

fn tile(view: &View<'_>, domain: &DomainPosture) -> Markup {
    let open = view.open().into_iter().filter(|finding| finding.domain == domain.domain);
    let open = per_severity(open);
    let accepted = view.waived().iter().filter(|finding| finding.domain == domain.domain).count();
    html! {
        li.tile {
            h3 { (domain.domain) }
            p {
                @for (index, (severity, of)) in open.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href=(format!("#{}", view.finding_id(of[0]))) { (number(of.len())) " " (severity) }
                }
                @if open.is_empty() {
                    @match (domain.coverage.selected, domain.coverage.evaluated, accepted) {
                        (0, _, _) => "Not in this run",
                        (_, 0, _) => "Nothing observed",
                        (_, _, 0) => "No open findings",
                        (_, _, accepted) => { (number(accepted)) " accepted by exception" }
                    }
                }
            }
            p {
                @match domain.coverage.selected {
                    0 => "0 controls selected",
                    selected => { (number(domain.coverage.evaluated)) " of " (number(selected)) " observed" }
                }
            }
            (tile_row(domain.posture, domain.risk_score))
        }
    }
}

fn tile_row(posture: Posture, score: Option<u32>) -> Markup {
    html! {
        div.row {
            (posture_badge(posture))
            span.score { @match score { Some(score) => (score), None => (no_score()) } }
        }
    }
}

/// How the score comes about, from the findings that it counts.
fn score(view: &View<'_>) -> Markup {
    let assessment = view.assessment;
    let terms: Vec<_> = per_severity(view.open())
        .into_iter()
        .map(|(severity, of)| format!("{} \u{d7} {}", of.len(), severity.points()))
        .collect();
    html! {
        details id="score" {
            summary {
                b {
                    @match assessment.risk_score {
                        Some(score) => { "How " (score) " comes about" }
                        None => "Why there is no score",
                    }
                }
            }
            div {
                p {
                    "Points per open finding: critical 40, high 20, medium 8, low 2. "
                    @match assessment.risk_score {
                        Some(score) => {
                            @if terms.is_empty() { "Here nothing is open, so the sum is 0. " }
                            @else { "Here " (terms.join(" + ")) " = " (number(assessment.points)) ". " }
                            "The score is floor(100 \u{d7} " (number(assessment.points)) " / ("
                            (number(assessment.points)) " + 30)) = " (score) ". "
                        }
                        None => "Nothing was evaluated, so there is nothing to add up. ",
                    }
                    "Each domain uses the same formula. Colour never comes from the score: one open "
                    "high finding makes a domain red."
                }
            }
        }
    }
}

fn findings(view: &View<'_>, open: &[Group<'_>], waived: &[Group<'_>]) -> Markup {
    let (open_count, waived_count) = (view.open().len(), view.waived().len());
    let passing = view.controls_that(|verdict| *verdict == Verdict::Pass).len();
    html! {
        section id="findings" aria-labelledby="h-find" {
            h2 id="h-find" {
                "Findings "
                span.count { (number(open_count)) " open, by severity, then key" }
            }
            @if open.is_empty() {
                @match passing {
                    0 => (empty(Posture::Unknown, Icon::Unknown, "No finding, and nothing observed.",
                        "No control was evaluated, so the absence of findings says nothing.")),
                    _ => (empty(Posture::Green, Icon::Pass, "No finding is open.",
                        &format!("{} observed and passed.", count(passing, "control was", "controls were")))),
                }
            }
            (finding::cards(view, open))
            @if !waived.is_empty() {
                details id="waived" open {
                    summary {
                        b { (count(waived_count, "finding", "findings")) " accepted by exception" }
                        span.muted { "not part of score and backlog" }
                    }
                    div { (finding::cards(view, waived)) }
                }
            }
        }
    }
}

fn remediation(view: &View<'_>, open: &[Group<'_>]) -> Markup {
    html! {
        section id="remediation" aria-labelledby="h-rem" {
            h2 id="h-rem" {
                "Remediation "
                span.count {
                    @match open.len() {
                        0 if view.assessment.coverage.evaluated == 0 => "nothing to write it from",
                        0 => "0 items required",
                        rows => { (count(rows, "row", "rows")) ", ready to file" }
                    }
                }
            }
            @if open.is_empty() {
                (nothing_to_do(view))
            } @else {
                (finding::backlog(view, open))
                div.block {
                    p.note { "When the rows are done, prove it on the same path:" }
                    (command(&rerun(view)))
                }
            }
        }
    }
}

fn nothing_to_do(view: &View<'_>) -> Markup {
    let unobserved = view.unobserved().len();
    if view.assessment.coverage.evaluated == 0 {
        return empty(
            Posture::Unknown,
            Icon::Unknown,
            "No backlog can be written.",
            "Nothing was evaluated. Make the path observable first; the reasons stand under coverage.",
        );
    }
    let known = match unobserved {
        0 => "Every control that applies was observed.".to_owned(),
        n => format!("{} not observed; see coverage.", count(n, "control was", "controls were")),
    };
    empty(Posture::Green, Icon::Pass, "0 items required.", &known)
}

/// The run that proves the fix.
fn rerun(view: &View<'_>) -> String {
    let checks = match view.record.bundle {
        Some(bundle) => format!(" --bundle {bundle}"),
        None => view.record.checks.iter().map(|check| format!(" --check {check}")).collect(),
    };
    format!(
        "plumb run -f {}{checks} --mode sprint --baseline {} -o html=delta.html",
        view.file(),
        view.record.id
    )
}

fn integrity(view: &View<'_>, carried: &Carried) -> Markup {
    let record = view.record;
    let bundle = record.bundle.map_or_else(String::new, |bundle| format!(", bundle {bundle}"));
    let digest = |of: fn(&model::run::Integrity) -> &model::Digest| {
        record.integrity.as_ref().map_or("none".to_owned(), |i| of(i).to_string())
    };
    frame::footer(
        &[
            ("Run", format!("{}, mode {}{bundle}", record.id, record.mode)),
            ("Manifest", digest(|integrity| &integrity.manifest)),
            ("Assessment", digest(|integrity| &integrity.assessment)),
            ("Rule pack", frame::packs(view)),
            ("Engine", format!("{} {}", record.engine.name, record.engine.version)),
            ("Chain", frame::chain(view)),
            ("Signature", "unsigned".to_owned()),
            ("Time", "claimed by the runner, no time token".to_owned()),
        ],
        &format!(
            "The manifest shows that evidence and findings have not changed since the run, and \
             anyone can evaluate the stored evidence again. It does not show that a probe saw the \
             truth or that the runner was honest. This is not a penetration test.{}",
            carried.note()
        ),
        &match carried {
            Carried::Record(_) => "plumb verify report.html".to_owned(),
            Carried::Digests(_) => format!("plumb verify {}", record.id),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_ends_with_a_full_stop() {
        assert_eq!(ended("a path"), "a path.");
        assert_eq!(ended("a path."), "a path.");
    }
}
