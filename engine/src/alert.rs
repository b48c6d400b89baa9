//! What somebody must hear of: controls that gave way, and certificates that end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::alert::{Alert, CertificateAlert, ExpiryState, RegressionAlert};
use model::assessment::Assessment;
use model::delta::{Delta, DeltaClass};
use model::evidence::Evidence;
use model::{Digest, Severity, Subject};
use serde::Deserialize;

/// Days left at which an expiry is critical.
pub const CRITICAL_DAYS: i64 = 7;
/// Days left at which an expiry is worth a warning.
pub const WARNING_DAYS: i64 = 30;

/// The item that both certificate checks list what they saw under.
const CERTIFICATES: &str = "/certificates";

/// A certificate as the evidence lists it. Other fields of the list are not needed here.
#[derive(Debug, Deserialize)]
struct Seen {
    spki: Digest,
    subject: String,
    issuer: String,
    not_after: Option<Timestamp>,
    #[serde(default = "one")]
    count: u64,
}

const fn one() -> u64 {
    1
}

/// The alerts of one run, most urgent first. `next_run` is the next slot of the schedule, where
/// there is one. The same run gives the same alerts; none of them is known by its text or time.
pub fn alerts(
    assessment: &Assessment,
    delta: Option<&Delta>,
    evidence: &[Evidence],
    next_run: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Alert> {
    let regressions = delta.into_iter().flat_map(|delta| regressions(assessment, delta));
    regressions.map(Alert::Regression).chain(expiries(evidence, next_run, now)).collect()
}

/// Controls of high or critical severity that went from pass to fail, and are not waived.
fn regressions(assessment: &Assessment, delta: &Delta) -> Vec<RegressionAlert> {
    let mut alerts: Vec<_> = delta
        .controls
        .iter()
        .filter(|control| control.class == DeltaClass::Regressed)
        .filter(|control| control.severity >= Severity::High)
        .filter(|control| control.after.as_ref().is_some_and(|after| after.waived_by.is_none()))
        .map(|control| {
            let of = |side: &Option<model::delta::ControlSide>| {
                side.as_ref().and_then(|side| side.evidence.clone())
            };
            let finding = assessment
                .findings
                .iter()
                .find(|finding| finding.key == control.rule && finding.subject == control.subject);
            RegressionAlert {
                target: assessment.target.clone(),
                rule: control.rule.clone(),
                subject: control.subject.clone(),
                severity: control.severity,
                title: finding.map_or_else(|| control.title.clone(), |f| f.title.clone()),
                before: of(&control.before),
                after: of(&control.after),
            }
        })
        .collect();
    alerts
        .sort_by(|a, b| (b.severity, &a.rule, &a.subject).cmp(&(a.severity, &b.rule, &b.subject)));
    alerts
}

/// Certificates that have ended, or end soon, or end before anybody looks again. One alert per key
/// and place: a certificate that is seen twice at one subject is one certificate.
fn expiries(evidence: &[Evidence], next_run: Option<Timestamp>, now: Timestamp) -> Vec<Alert> {
    let mut alerts: BTreeMap<(ExpiryState, Timestamp, Subject, Digest), CertificateAlert> =
        BTreeMap::new();
    for document in evidence {
        let listed = document.item(CERTIFICATES).and_then(|item| item.value());
        let Some(list) = listed.and_then(|value| value.as_array()) else { continue };
        let digest = document.digest();
        for seen in list.iter().filter_map(|entry| Seen::deserialize(entry).ok()) {
            let Some(not_after) = seen.not_after else { continue };
            let Some(state) = state(not_after, next_run, now) else { continue };
            let place = document.subject.clone();
            let alert = CertificateAlert {
                target: document.target.clone(),
                subject: place.clone(),
                spki: seen.spki.clone(),
                certificate: seen.subject,
                issuer: seen.issuer,
                not_after,
                days_left: (not_after.as_second() - now.as_second()).div_euclid(86_400),
                state,
                next_run: next_run.filter(|next| *next > not_after),
                count: seen.count,
                evidence: digest.clone(),
            };
            alerts.entry((state, not_after, place, seen.spki)).or_insert(alert);
        }
    }
    alerts.into_values().map(Alert::CertificateExpiry).collect()
}

fn state(not_after: Timestamp, next_run: Option<Timestamp>, now: Timestamp) -> Option<ExpiryState> {
    let left = not_after.as_second() - now.as_second();
    let days = |days: i64| days * 86_400;
    if left < 0 {
        Some(ExpiryState::Expired)
    } else if left <= days(CRITICAL_DAYS) {
        Some(ExpiryState::Critical)
    } else if next_run.is_some_and(|next| next > not_after) {
        Some(ExpiryState::BeforeNextRun)
    } else if left <= days(WARNING_DAYS) {
        Some(ExpiryState::Warning)
    } else {
        None
    }
}
