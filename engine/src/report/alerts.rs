//! The alerts of several runs, grouped and ordered; what the summary says of them.

use model::alert::{Alert, CertificateAlert, ExpiryState, RegressionAlert};
use model::delta::PointerChange;
use model::{Digest, Posture, Severity};
use serde::Serialize;

use super::view::View;
use super::words::{capital, spelled};

/// A regression beside the run that raised it.
#[derive(Debug, Clone, Copy)]
pub struct Regression<'a> {
    /// The run.
    pub view: &'a View<'a>,
    /// The alert.
    pub alert: &'a RegressionAlert,
}

impl<'a> Regression<'a> {
    /// The stable items that changed with the verdict.
    pub fn changes(&self) -> &'a [PointerChange] {
        let deltas = self.view.record.delta.iter().flat_map(|delta| &delta.controls);
        let mut here =
            deltas.filter(|c| c.rule == self.alert.rule && c.subject == self.alert.subject);
        here.next().map_or(&[], |control| &control.changes)
    }
}

/// Every alert of some runs.
#[derive(Debug)]
pub struct AlertSet<'a> {
    /// The runs, in the order given.
    pub views: &'a [View<'a>],
    /// Regressions of critical and high controls, worst first, then target and key.
    pub critical: Vec<Regression<'a>>,
    /// Regressions of other severities.
    pub other: Vec<Regression<'a>>,
    /// Certificates: by severity, those that end unseen first, then by their end.
    pub certificates: Vec<(&'a View<'a>, &'a CertificateAlert)>,
    /// Runs that observed nothing, or less than the run before.
    pub unseen: Vec<&'a View<'a>>,
    /// The latest time at which one of the runs was judged.
    pub now: Option<jiff::Timestamp>,
    /// Address of the set: the digest over the runs' names and alerts.
    pub digest: Digest,
}

impl<'a> AlertSet<'a> {
    /// Groups the alerts of some runs.
    pub fn new(views: &'a [View<'a>]) -> Self {
        let (mut regressions, mut certificates) = (Vec::new(), Vec::new());
        for view in views {
            for alert in &view.record.alerts {
                match alert {
                    Alert::Regression(alert) => regressions.push(Regression { view, alert }),
                    Alert::CertificateExpiry(alert) => certificates.push((view, alert)),
                }
            }
        }
        regressions.sort_by(|a, b| {
            let key = |r: &Regression<'a>| {
                (r.alert.target.clone(), r.alert.rule.clone(), r.alert.subject.clone())
            };
            (b.alert.severity).cmp(&a.alert.severity).then_with(|| key(a).cmp(&key(b)))
        });
        certificates.sort_by_key(|(_, alert)| {
            let seen = alert.state != ExpiryState::BeforeNextRun;
            let severity = std::cmp::Reverse(severity_of(alert.state));
            (severity, seen, alert.not_after, alert.target.clone(), alert.spki.clone())
        });
        let (critical, other) = regressions
            .into_iter()
            .partition(|r: &Regression<'_>| r.alert.severity >= Severity::High);
        let lost = |view: &&View<'_>| {
            let delta = view.record.delta.as_ref();
            view.assessment.coverage.evaluated == 0
                || delta.is_some_and(|delta| delta.counts.coverage_lost > 0)
        };
        Self {
            views,
            critical,
            other,
            certificates,
            unseen: views.iter().filter(lost).collect(),
            now: views.iter().map(|view| view.assessment.assessed_at).max(),
            digest: digest(views),
        }
    }

    /// Addresses that the alerts name, sorted, each once.
    pub fn cited(&self) -> Vec<Digest> {
        let regressions = self.critical.iter().chain(&self.other);
        let sides = regressions.flat_map(|r| [&r.alert.before, &r.alert.after]).flatten();
        let certificates = self.certificates.iter().map(|(_, alert)| &alert.evidence);
        let mut cited: Vec<_> = sides.chain(certificates).cloned().collect();
        cited.sort();
        cited.dedup();
        cited
    }

    /// Certificates that end before anybody is due to look.
    pub fn before_next_run(&self) -> usize {
        let states = self.certificates.iter().map(|(_, alert)| alert.state);
        states.filter(|state| *state == ExpiryState::BeforeNextRun).count()
    }

    /// Certificates that have ended.
    pub fn expired(&self) -> usize {
        let states = self.certificates.iter().map(|(_, alert)| alert.state);
        states.filter(|state| *state == ExpiryState::Expired).count()
    }

    /// The colour of the certificate group.
    pub fn certificate_posture(&self) -> Posture {
        match self.certificates.iter().map(|(_, alert)| severity_of(alert.state)).max() {
            None => Posture::Green,
            Some(Severity::Critical | Severity::High) => Posture::Red,
            Some(_) => Posture::Amber,
        }
    }

    /// The colour of the page: what has to be heard first. Never green while something was not
    /// observed.
    pub fn posture(&self) -> Posture {
        let regressions = match (self.critical.is_empty(), self.other.is_empty()) {
            (false, _) => Posture::Red,
            (true, false) => Posture::Amber,
            (true, true) => Posture::Green,
        };
        let unseen = if self.views.is_empty() || !self.unseen.is_empty() {
            Posture::Unknown
        } else {
            Posture::Green
        };
        regressions.max(self.certificate_posture()).max(unseen)
    }

    /// The one sentence.
    pub fn opinion(&self) -> String {
        let mut parts = Vec::new();
        match self.critical.len() {
            0 => {}
            1 => parts.push("one control that held now fails".to_owned()),
            n => parts.push(format!("{} controls that held now fail", spelled(n))),
        }
        let (expired, unseen) = (self.expired(), self.before_next_run());
        match expired {
            0 => {}
            1 => parts.push("one certificate has expired".to_owned()),
            n => parts.push(format!("{} certificates have expired", spelled(n))),
        }
        match unseen {
            0 => {}
            1 => parts.push(
                "one certificate will expire before anyone is due to look at it again".to_owned(),
            ),
            n => parts.push(format!(
                "{} certificates will expire before anyone is due to look at them again",
                spelled(n)
            )),
        }
        let soon = self.certificates.len() - expired - unseen;
        if parts.len() < 2 && soon > 0 {
            parts.push(match soon {
                1 => "one certificate will expire soon".to_owned(),
                n => format!("{} certificates will expire soon", spelled(n)),
            });
        }
        match parts.as_slice() {
            [] => self.quiet(),
            [one] => format!("{}.", capital(one)),
            [head @ .., last] => format!("{}, and {last}.", capital(&head.join(", "))),
        }
    }

    fn quiet(&self) -> String {
        match (self.views.len(), self.unseen.len(), self.other.len()) {
            (0, _, _) => "No run has been recorded, so nothing can be said.".to_owned(),
            (_, 0, 0) => {
                "Nothing that held has given way, and no certificate ends soon.".to_owned()
            }
            (_, 0, _) => "No critical or high control has given way, and no certificate ends soon."
                .to_owned(),
            (_, _, _) => "No alert is firing, but not every target could be observed.".to_owned(),
        }
    }

    /// The sentences that explain it.
    pub fn why(&self) -> Vec<String> {
        let mut why = Vec::new();
        if let Some(first) = self.critical.first() {
            why.push(format!("Start with {}: {}.", first.alert.target, lower(&first.alert.title)));
        } else if let Some((_, first)) = self.certificates.first() {
            let words = lower(state_words(first.state));
            why.push(format!("Start with {}: a certificate there {words}.", first.target));
        }
        match self.unseen.len() {
            0 => {}
            1 => why.push("One target lost coverage; its alerts stay as they were.".to_owned()),
            n => why.push(format!(
                "{} targets lost coverage; their alerts stay as they were.",
                capital(&spelled(n))
            )),
        }
        match self.views.len() {
            0 => {}
            1 => why.push("Computed from one run.".to_owned()),
            n => {
                why.push(format!("Computed from the latest run of each of {} targets.", spelled(n)))
            }
        }
        why
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The severity that an expiry is shown with: expired is critical; within 7 days or before the
/// next scheduled run, high; within 30 days, medium.
pub const fn severity_of(state: ExpiryState) -> Severity {
    match state {
        ExpiryState::Expired => Severity::Critical,
        ExpiryState::Critical | ExpiryState::BeforeNextRun => Severity::High,
        ExpiryState::Warning => Severity::Medium,
    }
}

/// An expiry in words.
pub const fn state_words(state: ExpiryState) -> &'static str {
    match state {
        ExpiryState::Expired => "Has expired",
        ExpiryState::Critical => "Expires within 7 days",
        ExpiryState::BeforeNextRun => "Expires before the next scheduled run",
        ExpiryState::Warning => "Expires within 30 days",
    }
}

fn digest(views: &[View<'_>]) -> Digest {
    #[derive(Serialize)]
    struct Entry<'a> {
        run: &'a model::RunId,
        alerts: &'a [Alert],
    }
    let entries: Vec<_> = views
        .iter()
        .map(|view| Entry { run: &view.record.id, alerts: &view.record.alerts })
        .collect();
    Digest::of(&entries)
}
