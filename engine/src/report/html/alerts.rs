//! The alerts summary: critical regressions and expiring certificates, over all targets.

use maud::{Markup, html};
use model::Posture;
use model::alert::RegressionAlert;
use serde_json::json;

use super::components::{
    Column, Figure, big_badge, breaking, command, empty, evidence_link, facts, figures, key,
    permalink, posture_badge, prose, sev, shown,
};
use super::frame::{self, Page, counted, section};
use super::svg::{self, Icon, icon};
use super::{certificates, evidence, verdict};
use crate::report::alerts::{AlertSet, Regression};
use crate::report::anchor::{Anchors, plain};
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{count, moment, number};

/// The page.
pub fn alerts(views: &[View<'_>]) -> String {
    let set = AlertSet::new(views);
    let keys: Vec<_> =
        set.critical.iter().chain(&set.other).map(|r| regression_key(r.alert)).collect();
    let anchors = Anchors::new("a", keys.iter().map(String::as_str));
    AlertsPage { set: &set, anchors }.render()
}

struct AlertsPage<'a> {
    set: &'a AlertSet<'a>,
    anchors: Anchors,
}

impl AlertsPage<'_> {
    fn render(&self) -> String {
        let set = self.set;
        let cited = set.cited();
        let (critical, certificates) = (set.critical.len(), set.certificates.len());
        let mut sections = vec![
            section("summary", "Summary"),
            counted("regressions", "Regressions", number(critical)),
            counted("certificates", "Certificates", number(certificates)),
        ];
        if !set.other.is_empty() {
            sections.push(counted("other", "Other regressions", number(set.other.len())));
        }
        sections.push(counted("unseen", "Not observed", number(set.unseen.len())));
        sections.push(counted("runs", "Runs", number(set.views.len())));
        sections.push(counted("evidence", "Evidence", number(cited.len())));
        sections.push(section("integrity", "Integrity"));
        let views: Vec<_> = set.views.iter().collect();
        Page {
            title: format!(
                "{}, {}, Plumbline",
                count(critical, "critical regression", "critical regressions"),
                count(certificates, "certificate alert", "certificate alerts")
            ),
            mark: format!("alerts  {}", &set.digest.as_str()[..39]),
            generator: set.views.first().map_or_else(|| "plumb".to_owned(), frame::generator),
            sections,
            main: html! {
                (self.head())
                (self.call())
                (self.figures())
                (self.regressions())
                (certificates::section(set))
                (self.other())
                (self.unseen())
                (self.runs())
                (evidence::documents(&views, &cited))
                (self.integrity())
            },
            embedded: frame::embedded(
                "plumbline-alerts",
                &json!({
                    "schema": "alerts.v1",
                    "digest": set.digest,
                    "runs": set.views.iter().map(|view| &view.record.id).collect::<Vec<_>>(),
                })
                .to_string(),
            ),
        }
        .render()
    }

    fn head(&self) -> Markup {
        let set = self.set;
        let title = match set.views {
            [one] => format!("Alerts, {}", one.record.target),
            _ => "Alerts, all targets".to_owned(),
        };
        let lede = html! {
            "The latest run of " (count(set.views.len(), "target", "targets"))
            ". Every \u{201c}left\u{201d} counts from the time at which its run was judged."
        };
        match set.now {
            Some(now) => frame::document_head(
                "Alerts summary",
                "Set",
                Some(set.digest.short()),
                now,
                &title,
                lede,
            ),
            None => html! {
                p.eyebrow { span { "Alerts summary" } }
                h1 { (title) }
                p.lede { (lede) }
            },
        }
    }

    fn call(&self) -> Markup {
        let set = self.set;
        let posture = set.posture();
        let colour = |n: usize, worst: Posture| if n == 0 { Posture::Green } else { worst };
        let seen = set.views.len() > set.unseen.len();
        let calls = html! {
            @if seen || !set.critical.is_empty() || !set.certificates.is_empty() {
                (big_badge(colour(set.critical.len(), Posture::Red),
                    &count(set.critical.len(), "critical regression", "critical regressions")))
                (big_badge(colour(set.certificates.len(), set.certificate_posture()),
                    &count(set.certificates.len(), "certificate alert", "certificate alerts")))
            } @else { (big_badge(Posture::Unknown, "nothing observed")) }
        };
        verdict::posture_call(
            svg::call(posture, None),
            calls,
            &set.opinion(),
            prose(&set.why().join(" ")),
        )
    }

    fn figures(&self) -> Markup {
        let set = self.set;
        let before_next = set.before_next_run();
        figures(&[
            Figure {
                label: "Critical regressions",
                name: "regressions",
                href: "#regressions",
                value: Some(number(set.critical.len())),
                of: None,
                note: "critical or high, held before".to_owned(),
            },
            Figure {
                label: "Certificate alerts",
                name: "certificates",
                href: "#certificates",
                value: Some(number(set.certificates.len())),
                of: None,
                note: format!("{} expired", number(set.expired())),
            },
            Figure {
                label: "Expire before next run",
                name: "before-next-run",
                href: "#certificates",
                value: Some(number(before_next)),
                of: None,
                note: "nobody would look in time".to_owned(),
            },
            Figure {
                label: "Not observed",
                name: "not-observed",
                href: "#unseen",
                value: Some(number(set.unseen.len())),
                of: Some(format!("of {}", number(set.views.len()))),
                note: "posture unknown or coverage lost".to_owned(),
            },
        ])
    }

    fn regressions(&self) -> Markup {
        let critical = &self.set.critical;
        html! {
            section id="regressions" aria-labelledby="h-reg" {
                h2 id="h-reg" {
                    "Critical regressions "
                    span.count { (number(critical.len())) ": a critical or high control passed before and fails now" }
                }
                @if critical.is_empty() { (self.no_regression()) }
                @for regression in critical { (self.regression(regression)) }
            }
        }
    }

    fn no_regression(&self) -> Markup {
        let compared = self.set.views.iter().filter(|view| view.record.delta.is_some()).count();
        if compared == 0 {
            return empty(
                Posture::Unknown,
                Icon::Unknown,
                "No run was compared with an earlier one.",
                "A regression needs a baseline: plumb runs baseline RUN.",
            );
        }
        empty(
            Posture::Green,
            Icon::Pass,
            "No critical or high control gave way.",
            &format!("{} compared with an earlier run.", count(compared, "run was", "runs were")),
        )
    }

    fn regression(&self, regression: &Regression<'_>) -> Markup {
        let alert = regression.alert;
        let id = self.id(alert);
        let heading = format!("h-{id}");
        html! {
            article.arow id=(id) aria-labelledby=(heading) {
                div {
                    (sev(alert.severity))
                    p.state.red { (icon(Icon::Bell)) "firing" }
                }
                div {
                    h3 id=(heading) { (prose(&alert.title)) " " (permalink(&id, &id[2..])) }
                    p.keyline {
                        b { (text::visible(&alert.target.0)) }
                        (key(alert.rule.as_str()))
                        span { (breaking(&alert.subject.0)) }
                    }
                    (facts(&[
                        Column { heading: "Held: pass".to_owned(), posture: Posture::Green, facts: self.side(regression, true) },
                        Column { heading: "Now: fail".to_owned(), posture: Posture::Red, facts: self.side(regression, false) },
                    ]))
                    dl.meta {
                        div { dt { "Seen" } dd { (moment(regression.view.assessment.assessed_at)) } }
                        div { dt { "Run" } dd { (text::visible(&regression.view.record.id.0)) } }
                        @if let Some(owner) = &regression.view.record.document.spec.owner {
                            div { dt { "Owner" } dd { (text::sentence(owner)) } }
                        }
                    }
                    @if let Some(finding) = regression.view.finding_of(&alert.rule, &alert.subject) {
                        div.block { (command(&finding.verify)) }
                    }
                }
            }
        }
    }

    /// Changed pointers of one side, and its evidence.
    fn side(&self, regression: &Regression<'_>, before: bool) -> Markup {
        let alert = regression.alert;
        let (digest, other) =
            if before { (&alert.before, &alert.after) } else { (&alert.after, &alert.before) };
        html! {
            @for change in regression.changes() {
                @let value = if before { &change.before } else { &change.after };
                li {
                    (breaking(&change.pointer)) ": "
                    @match regression.view.changed(digest.as_ref(), other.as_ref(), &change.pointer, value.as_deref()) {
                        Some(value) => (shown(&value)),
                        None => "absent",
                    }
                }
            }
            @if let Some(digest) = digest { li { span { "evidence " (evidence_link(digest)) } } }
        }
    }

    fn id(&self, alert: &RegressionAlert) -> String {
        self.anchors.of(&regression_key(alert), &alert.subject.0)
    }

    fn other(&self) -> Markup {
        let other = &self.set.other;
        html! {
            @if !other.is_empty() {
                section id="other" aria-labelledby="h-other" {
                    h2 id="h-other" { "Other regressions " span.count { (number(other.len())) ": medium and below" } }
                    @for regression in other { (self.regression(regression)) }
                }
            }
        }
    }

    fn unseen(&self) -> Markup {
        let set = self.set;
        html! {
            section id="unseen" aria-labelledby="h-un" {
                h2 id="h-un" { "Not observed " span.count { (count(set.unseen.len(), "target", "targets")) } }
                @if set.views.is_empty() {
                    (empty(Posture::Unknown, Icon::Unknown, "There is no run.", "Nothing was ever observed, so nothing can be alerted on."))
                } @else if set.unseen.is_empty() {
                    (empty(Posture::Green, Icon::Pass, "No coverage was lost.",
                        &format!("{} observed what the one before it observed.", count(set.views.len(), "run", "runs"))))
                }
                @for view in &set.unseen { (unseen_row(view)) }
            }
        }
    }

    fn runs(&self) -> Markup {
        html! {
            section id="runs" aria-labelledby="h-runs" {
                h2 id="h-runs" { "Runs " span.count { (number(self.set.views.len())) ", what this page is computed from" } }
                @if !self.set.views.is_empty() {
                    table.stack {
                        caption.vh { "Runs" }
                        thead {
                            tr {
                                th scope="col" { "Target" }
                                th scope="col" { "Posture" }
                                th scope="col" { "Run" }
                                th scope="col" { "Judged" }
                                th.num scope="col" { "Alerts" }
                            }
                        }
                        tbody {
                            @for view in self.set.views {
                                tr {
                                    th scope="row" { code { (text::visible(&view.record.target.0)) } }
                                    td data-l="Posture" { (posture_badge(view.assessment.posture)) }
                                    td.mono data-l="Run" { (text::visible(&view.record.id.0)) }
                                    td data-l="Judged" { (moment(view.assessment.assessed_at)) }
                                    td.num data-l="Alerts" { (number(view.record.alerts.len())) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn integrity(&self) -> Markup {
        let set = self.set;
        let packs: std::collections::BTreeSet<_> = set.views.iter().map(frame::packs).collect();
        let engines: std::collections::BTreeSet<_> =
            set.views.iter().map(frame::generator).collect();
        let join = |set: std::collections::BTreeSet<String>| {
            if set.is_empty() {
                "none".to_owned()
            } else {
                set.into_iter().collect::<Vec<_>>().join("; ")
            }
        };
        frame::footer(
            &[
                ("Alert set", set.digest.to_string()),
                (
                    "From",
                    format!(
                        "{}, {} of them without an observation",
                        count(set.views.len(), "run", "runs"),
                        set.unseen.len()
                    ),
                ),
                ("Rule pack", join(packs)),
                ("Engine", join(engines)),
                ("Signature", "unsigned".to_owned()),
                ("Time", "claimed by the runners, no time token".to_owned()),
            ],
            "An alert is known by its target and issue key, or by the key of its certificate, never \
             by text or time. The same runs give the same set, byte for byte. A resolved alert needs \
             an observation that resolves it.",
            "plumb alerts",
        )
    }
}

fn regression_key(alert: &RegressionAlert) -> String {
    format!("{}/{}", plain(&alert.target.0), alert.rule)
}

fn unseen_row(view: &View<'_>) -> Markup {
    let target = &view.record.target.0;
    let id = format!("a/{}/coverage_lost", plain(target));
    let coverage = view.assessment.coverage;
    let lost = view.record.delta.as_ref().map_or(0, |delta| delta.counts.coverage_lost);
    let reason = view.unobserved().first().and_then(|control| control.verdict.reason());
    html! {
        article.arow id=(id) aria-labelledby=(format!("h-{id}")) {
            div { (posture_badge(Posture::Unknown)) }
            div {
                h3 id=(format!("h-{id}")) {
                    (text::visible(target))
                    @if coverage.evaluated == 0 { " could not be observed" } @else { " lost coverage" }
                    " " (permalink(&id, target))
                }
                p.keyline {
                    span { (number(coverage.evaluated)) " of " (number(coverage.selected)) " controls observed" }
                    span { (moment(view.assessment.assessed_at)) }
                }
                p {
                    @if lost > 0 {
                        (count(lost as usize, "control was", "controls were"))
                        " observed before and not now. "
                    }
                    "That is not a regression and not compliance. No alert of this target resolves until it is observed again."
                }
                @if let Some(reason) = reason { p.muted { (prose(reason)) } }
            }
        }
    }
}
