//! One finding and its issue: what is to be done, if anything.

use jiff::Timestamp;

use super::footer;
use super::marker::with_line;
use super::words::retitled;
use super::{Failing, Issue, Left, Marker, Observation, REGRESSED, RETIRED, Reason, Seen, State};
use super::{Update, WAIVED, Why};

/// What decides beside the finding and its issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// When the run observed what it says.
    pub observed_at: Timestamp,
    /// Passes in a row after which an issue is closed: one is enough for what a file says, an
    /// endpoint may answer well by chance.
    pub resolve_after: u32,
}

/// The issue of a finding, as it was listed, and what its marker says.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its marker.
    pub marker: &'a Marker,
}

/// What is to be done about the issue of a finding.
pub fn decide(observation: &Observation, known: Known<'_>, terms: Terms) -> Option<Update> {
    // A run that was overtaken by a later one changes nothing.
    if terms.observed_at <= known.marker.observed_at {
        return None;
    }
    seen(observation, known, terms).or_else(|| called(observation, known))
}

/// What is to be done for what was seen.
fn seen(observation: &Observation, known: Known<'_>, terms: Terms) -> Option<Update> {
    let Known { issue, marker } = known;
    let open = issue.state == State::Open;
    match &observation.seen {
        Seen::Unknown | Seen::NotRun => None,
        Seen::Fail(failing) => match (open, marker.left) {
            (true, _) => still_open(observation, failing, known, terms),
            (false, Left::Open) => closed_by_somebody(observation, failing, known, terms),
            (false, Left::Waived) => {
                let comment = "The exception that accepted this has ended, and it still fails.";
                Some(reopened(observation, failing, known, terms, Why::WaiverEnded, comment))
            }
            (false, Left::Resolved | Left::Retired) => {
                let comment = "This was resolved, and fails again.";
                Some(reopened(observation, failing, known, terms, Why::Regressed, comment))
            }
        },
        Seen::Pass { evidence } => {
            let passes = marker.passes + 1;
            let mut next = Marker { evidence: Some(evidence.clone()), passes, ..marker.clone() };
            match (open, marker.left) {
                // Somebody wants it open although it passes, or it is told already.
                (_, Left::Resolved) | (_, Left::Retired) => None,
                (true, _) if passes < terms.resolve_after => {
                    Some(said(observation, known, next, terms, Why::Passing))
                }
                (true, _) => {
                    next.left = Left::Resolved;
                    let mut update = said(observation, known, next, terms, Why::Resolved);
                    update.state = Some(State::Closed(Some(Reason::Completed)));
                    Some(update)
                }
                // Closed by somebody, or waived: from now on a failure is a new one.
                (false, _) => {
                    next.left = Left::Resolved;
                    Some(said(observation, known, next, terms, Why::Resolved))
                }
            }
        }
        Seen::Waived { by, until } => open.then(|| {
            let next = Marker { left: Left::Waived, passes: 0, ..marker.clone() };
            let mut update = said(observation, known, next, terms, Why::Waived);
            update.state = Some(State::Closed(Some(Reason::NotPlanned)));
            update.label = missing(issue, WAIVED);
            update.comment = Some(format!("Accepted by the exception `{by}` until {until}."));
            update
        }),
        // Whoever opens it again wants it open.
        Seen::Retired if marker.left == Left::Retired => None,
        Seen::Retired => open.then(|| {
            let next = Marker { left: Left::Retired, passes: 0, ..marker.clone() };
            let mut update = said(observation, known, next, terms, Why::Retired);
            update.state = Some(State::Closed(Some(Reason::NotPlanned)));
            update.label = missing(issue, RETIRED);
            update
        }),
    }
}

/// Open and failing: silent, unless something that people read has changed.
fn still_open(
    observation: &Observation,
    failing: &Failing,
    known: Known<'_>,
    terms: Terms,
) -> Option<Update> {
    let Known { issue, marker } = known;
    let same = issue.title == failing.title
        && without_marker(&issue.body) == failing.body.trim_end()
        && marker.severity == failing.severity
        && marker.evidence.as_ref() == Some(&failing.evidence)
        && marker.id == observation.id
        && marker.left == Left::Open
        && marker.passes == 0;
    if same {
        return None;
    }
    let mut update = failed(observation, failing, known, terms, Why::Changed);
    if failing.severity > marker.severity {
        update.comment = Some(format!("The severity is now {}.", failing.severity.as_str()));
    }
    Some(update)
}

/// Closed by somebody, and failing. As done: shown once that it is not. Otherwise their word holds,
/// until it has passed in between, or has become worse.
fn closed_by_somebody(
    observation: &Observation,
    failing: &Failing,
    known: Known<'_>,
    terms: Terms,
) -> Option<Update> {
    let Known { issue, marker } = known;
    let done = issue.state == State::Closed(Some(Reason::Completed)) && marker.reopened == 0;
    let worse = failing.severity > marker.severity;
    if !done && !worse {
        return None;
    }
    let comment = if worse {
        "This was closed, and has become worse."
    } else {
        "This was closed as done, and still fails. If it is closed again, it stays closed."
    };
    let mut update = failed(observation, failing, known, terms, Why::StillFailing);
    update.state = Some(State::Open);
    update.comment = Some(comment.to_owned());
    let next =
        Marker { reopened: marker.reopened + 1, ..failing_marker(observation, failing, known) };
    update.body = Some(body(failing, &next, terms));
    Some(update)
}

fn reopened(
    observation: &Observation,
    failing: &Failing,
    known: Known<'_>,
    terms: Terms,
    why: Why,
    comment: &str,
) -> Update {
    let mut next = failing_marker(observation, failing, known);
    if why == Why::Regressed {
        next.episode += 1;
        // Whoever closes it now has seen this failure, not the one before.
        next.reopened = 0;
    }
    let before = known.marker.evidence.as_ref().map_or("none", model::Digest::short);
    let evidence = failing.evidence.short();
    Update {
        state: Some(State::Open),
        label: (why == Why::Regressed).then(|| missing(known.issue, REGRESSED)).flatten(),
        comment: Some(format!("{comment} Evidence before: `{before}`; now: `{evidence}`.")),
        body: Some(body(failing, &next, terms)),
        ..failed(observation, failing, known, terms, why)
    }
}

/// A failure, as title, body and marker say it.
fn failed(
    observation: &Observation,
    failing: &Failing,
    known: Known<'_>,
    terms: Terms,
    why: Why,
) -> Update {
    let next = failing_marker(observation, failing, known);
    Update {
        number: known.issue.number,
        id: observation.id.clone(),
        why,
        title: (known.issue.title != failing.title).then(|| failing.title.clone()),
        body: Some(body(failing, &next, terms)),
        state: None,
        label: None,
        comment: None,
    }
}

fn failing_marker(observation: &Observation, failing: &Failing, known: Known<'_>) -> Marker {
    Marker {
        left: Left::Open,
        severity: failing.severity,
        evidence: Some(failing.evidence.clone()),
        passes: 0,
        ..renamed(observation, known.marker)
    }
}

/// The marker under the names that the finding has now.
fn renamed(observation: &Observation, marker: &Marker) -> Marker {
    Marker {
        id: observation.id.clone(),
        target: observation.target.clone(),
        rule: observation.rule.clone(),
        subject: observation.subject.clone(),
        ..marker.clone()
    }
}

fn body(failing: &Failing, marker: &Marker, terms: Terms) -> String {
    let marker = Marker { observed_at: terms.observed_at, ..marker.clone() };
    with_marker(&failing.body, &marker)
}

/// An open issue under the name that its rule has now. Nothing was observed of it, so what its
/// marker says of that stays.
fn called(observation: &Observation, known: Known<'_>) -> Option<Update> {
    let Known { issue, marker } = known;
    if issue.state != State::Open || marker.id == observation.id {
        return None;
    }
    let terms = Terms { observed_at: marker.observed_at, resolve_after: 1 };
    Some(said(observation, known, marker.clone(), terms, Why::Renamed))
}

/// The same words with another marker, under the name that the rule has now.
fn said(
    observation: &Observation,
    known: Known<'_>,
    next: Marker,
    terms: Terms,
    why: Why,
) -> Update {
    let next = Marker { observed_at: terms.observed_at, ..renamed(observation, &next) };
    Update {
        number: known.issue.number,
        id: observation.id.clone(),
        why,
        title: (next.id != known.marker.id)
            .then(|| retitled(&known.issue.title, &next.target, &known.marker.rule, &next.rule))
            .flatten(),
        body: Some(with_marker(without_marker(&known.issue.body), &next)),
        state: None,
        label: None,
        comment: None,
    }
}

/// A body with its marker on the last line.
pub fn with_marker(body: &str, marker: &Marker) -> String {
    with_line(body, &marker.line())
}

/// What people read of a body, without what it says of its last change.
pub fn without_marker(body: &str) -> &str {
    footer::without(body.rsplit_once("<!-- plumbline:1 ").map_or(body, |(words, _)| words))
        .trim_end()
}

fn missing(issue: &Issue, label: &'static str) -> Option<&'static str> {
    (!issue.labels.contains(label)).then_some(label)
}
