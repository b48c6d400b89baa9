//! Certificates that end soon, have ended, or end before anybody looks again.

use maud::{Markup, html};
use model::alert::CertificateAlert;
use model::{Posture, Severity};

use super::components::{breaking, empty, evidence_link, sev, severity_colour, shown};
use super::svg::{self, Icon, icon};
use crate::report::alerts::{AlertSet, severity_of, state_words};
use crate::report::anchor::Anchors;
use crate::report::text;
use crate::report::view::View;
use crate::report::words::{brief, count, days_hours, moment, number};

/// The section.
pub fn section(set: &AlertSet<'_>) -> Markup {
    let certificates = &set.certificates;
    let keys: Vec<_> = certificates.iter().map(|(_, alert)| spki_key(alert)).collect();
    let anchors = Anchors::new("k", keys.iter().map(String::as_str));
    html! {
        section id="certificates" aria-labelledby="h-cert" {
            h2 id="h-cert" {
                "Certificates " span.count { (count(certificates.len(), "alert", "alerts")) ", by severity, unseen expiries first" }
            }
            @if certificates.is_empty() {
                (empty(Posture::Green, Icon::Pass, "No certificate ends within 30 days or before the next run.",
                    &format!("Judged over {}.", count(set.views.len(), "run", "runs"))))
            } @else {
                table.certs.stack {
                    caption {
                        "Expired is critical; within 7 days or before the next scheduled run, high; "
                        "within 30 days, medium. In the timeline the upright stroke is now, the "
                        "diamond is expiry, the triangle is the next run. A diamond left of the "
                        "triangle expires unseen."
                    }
                    thead {
                        tr {
                            th.c-sev scope="col" { "Severity, state" }
                            th.c-cert scope="col" { "Certificate" }
                            th scope="col" { "Seen at" }
                            th.c-when scope="col" { "7 days ago to 45 days ahead" }
                            th.c-left scope="col" { "Left" }
                        }
                    }
                    tbody {
                        @for (view, alert) in certificates {
                            (certificate(view, alert, &anchors.of(&spki_key(alert), &format!("{}/{}", alert.target, alert.subject))))
                        }
                    }
                }
            }
        }
    }
}

fn spki_key(alert: &CertificateAlert) -> String {
    format!("spki-{}", alert.spki.id())
}

fn certificate(view: &View<'_>, alert: &CertificateAlert, id: &str) -> Markup {
    let severity = severity_of(alert.state);
    let now = view.assessment.assessed_at.as_second();
    let left = alert.not_after.as_second() - now;
    let next = alert.next_run.map(|run| run.as_second() - now);
    html! {
        tr id=(id) {
            td data-l="Severity" {
                (sev(severity))
                span.state.red { (icon(Icon::Bell)) "firing" }
            }
            th scope="row" {
                b.call { (state_words(alert.state)) }
                span.sub { (shown(&text::hostile(&alert.certificate))) }
                span.sub {
                    "issuer " (shown(&text::hostile(&alert.issuer)))
                    @if alert.count > 1 { ", stands for " (number(alert.count)) " certificates" }
                }
            }
            td data-l="Seen at" {
                code { (breaking(&alert.target.0)) }
                span.sub { (breaking(&alert.subject.0)) }
                span.sub { (evidence_link(&alert.evidence)) }
            }
            td.when data-l="Timeline" {
                (svg::timeline(timeline_colour(severity), left, next))
                @if let Some(run) = alert.next_run { span.sub { "next run " (brief(run)) } }
            }
            td data-l="Left" {
                b { (days_hours(left)) }
                span.sub { (moment(alert.not_after)) }
            }
        }
    }
}

fn timeline_colour(severity: Severity) -> &'static str {
    severity_colour(severity).as_str()
}
