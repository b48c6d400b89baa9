//! A target of which nothing was observed for long: one issue says so, and closes as soon as
//! anything is. The issues of its findings stay as they are, whatever happens here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use model::TargetKey;
use model::assessment::Assessment;
use serde::Serialize;

use super::marker::{unmarked, with_line};
use super::plan::Scope;
use super::words::{cut, plain, short};
use super::{Issue, Marker, Reason, State, TargetMarker, Why};
use crate::report::text::{hostile, markdown_code};

/// Reasons that an issue shows: more say nothing new.
const REASONS: usize = 10;

/// What a run saw of a target as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// A control of it passes or fails.
    Observed,
    /// Controls were selected, and none of them was seen to pass or to fail.
    Unobserved {
        /// Since when that is so.
        since: Timestamp,
        /// Why, as probes and rules say it: hostile.
        reasons: BTreeSet<String>,
    },
    /// Nothing was selected.
    NotRun,
}

impl Sight {
    /// What a run saw. `unobserved_since` is [`Sight::since`] of the run before.
    pub fn of(assessment: &Assessment, unobserved_since: Option<Timestamp>) -> Self {
        if assessment.controls.iter().any(|control| control.verdict.is_conclusive()) {
            return Self::Observed;
        }
        if assessment.coverage.selected == 0 {
            return Self::NotRun;
        }
        let since = unobserved_since.unwrap_or(assessment.assessed_at);
        let selected = assessment
            .controls
            .iter()
            .filter(|control| !matches!(control.verdict, model::Verdict::NotApplicable { .. }));
        let reasons = selected.filter_map(|control| control.verdict.reason()).map(str::to_owned);
        Self::Unobserved { since, reasons: reasons.collect() }
    }

    /// What the caller keeps for the next run, given what it kept for this one.
    pub const fn since(&self, before: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Self::Observed => None,
            Self::Unobserved { since, .. } => Some(*since),
            Self::NotRun => before,
        }
    }
}

/// What is to be done about the issue of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One is opened.
    Create {
        /// Its title.
        title: String,
        /// Its body, with the marker.
        body: String,
    },
    /// One is changed by one request, and a comment where people must hear of it.
    Update {
        /// The issue.
        number: u64,
        /// Why.
        why: Why,
        /// Another body, with its marker.
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Another state.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        /// What people are told.
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
}

/// What is to be done about a target: most often nothing, and one step unless there are several
/// issues of it. `issues` are those with the managed label, `us` is who we write as, `now` is when
/// the run observed what `sight` says, and `after` is how long nothing may be observed.
pub fn unobserved(
    target: &TargetKey,
    sight: &Sight,
    issues: &[Issue],
    us: &str,
    scope: &Scope,
    now: Timestamp,
    after: SignedDuration,
) -> Vec<Step> {
    if !matches!(scope, Scope::Default { .. }) || *sight == Sight::NotRun {
        return Vec::new();
    }
    let ours = || issues.iter().filter(|issue| issue.author == us);
    let mut known: Vec<(&Issue, TargetMarker)> = ours()
        .filter_map(|issue| Some((issue, TargetMarker::of(&issue.body)?)))
        .filter(|(_, marker)| marker.target == *target)
        .collect();
    known.sort_by_key(|(issue, _)| (issue.state != State::Open, issue.number));
    let Some(((issue, marker), others)) = known.split_first() else {
        let lost = ours().filter(|issue| is_lost(issue, target));
        return match (lost.min_by_key(|issue| (issue.state != State::Open, issue.number)), sight) {
            (Some(issue), _) => vec![recovered(target, sight, issue, now)],
            (None, Sight::Unobserved { since, reasons }) if is_long(*since, now, after) => {
                vec![create(target, *since, reasons, now)]
            }
            (None, _) => Vec::new(),
        };
    };
    let others = others.iter().filter(|(other, _)| other.state == State::Open);
    let mut steps: Vec<Step> = others.map(|(other, _)| duplicate(other)).collect();
    // A run that was overtaken by a later one changes nothing.
    if now > marker.observed_at {
        steps.extend(decide(sight, issue, marker, now, after));
    }
    steps
}

fn is_long(since: Timestamp, now: Timestamp, after: SignedDuration) -> bool {
    now.duration_since(since) > after
}

/// A time as people read it: parts of a second say nothing here.
fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

fn decide(
    sight: &Sight,
    issue: &Issue,
    marker: &TargetMarker,
    now: Timestamp,
    after: SignedDuration,
) -> Option<Step> {
    let open = issue.state == State::Open;
    match sight {
        Sight::NotRun => None,
        Sight::Observed => (!marker.observed).then(|| {
            let next = TargetMarker { observed: true, observed_at: now, ..marker.clone() };
            // Where somebody closed it, from now on it is a new matter if nothing is observed.
            let state = open.then_some(State::Closed(Some(Reason::Completed)));
            update(issue, Why::Resolved, &unmarked(&issue.body), &next, state, None)
        }),
        Sight::Unobserved { since, reasons } => {
            // Since the first of the runs that could not: the caller may have forgotten it.
            let since = if marker.observed { *since } else { marker.since.min(*since) };
            let words = body(&marker.target, since, reasons);
            let next = TargetMarker { since, observed: false, observed_at: now, ..marker.clone() };
            match (open, marker.observed) {
                (true, false) if unmarked(&issue.body) == words.trim_end() => None,
                (true, false) => Some(update(issue, Why::Changed, &words, &next, None, None)),
                // Closed by somebody, whose word holds until it is observed.
                (false, false) => None,
                (_, true) if !is_long(since, now, after) => None,
                (true, true) => Some(update(issue, Why::Changed, &words, &next, None, None)),
                (false, true) => {
                    let comment = format!("Nothing was observed again since {}.", seconds(since));
                    let state = Some(State::Open);
                    Some(update(issue, Why::Regressed, &words, &next, state, Some(comment)))
                }
            }
        }
    }
}

fn create(
    target: &TargetKey,
    since: Timestamp,
    reasons: &BTreeSet<String>,
    now: Timestamp,
) -> Step {
    let marker = TargetMarker { target: target.clone(), since, observed_at: now, observed: false };
    let body = with_line(&body(target, since, reasons), &marker.line());
    Step::Create { title: title(target), body }
}

/// An issue of this target without a marker of any kind: its title is all that is left.
fn is_lost(issue: &Issue, target: &TargetKey) -> bool {
    issue.title == title(target)
        && Marker::of(&issue.body).is_none()
        && TargetMarker::of(&issue.body).is_none()
}

/// The marker is put back, as if we had left the issue open while nothing was observed.
fn recovered(target: &TargetKey, sight: &Sight, issue: &Issue, now: Timestamp) -> Step {
    let since = sight.since(None).unwrap_or(now);
    let marker = TargetMarker { target: target.clone(), since, observed_at: now, observed: false };
    update(issue, Why::Recovered, &cut(unmarked(&issue.body)), &marker, None, None)
}

fn duplicate(other: &Issue) -> Step {
    Step::Update {
        number: other.number,
        why: Why::Duplicate,
        body: Some(other.body.clone()),
        state: Some(State::Closed(Some(Reason::Duplicate))),
        comment: None,
    }
}

fn update(
    issue: &Issue,
    why: Why,
    words: &str,
    marker: &TargetMarker,
    state: Option<State>,
    comment: Option<String>,
) -> Step {
    let body = Some(with_line(words, &marker.line()));
    Step::Update { number: issue.number, why, body, state, comment }
}

/// Without the brackets of a rule, so that it is never taken for the title of a finding.
fn title(target: &TargetKey) -> String {
    short(format!("Target not observed: {}", plain(&target.0)))
}

/// Nothing in it changes while the reasons do not.
fn body(target: &TargetKey, since: Timestamp, reasons: &BTreeSet<String>) -> String {
    let mut out = String::new();
    let name = markdown_code(&hostile(&target.0).plain());
    let _ = writeln!(
        out,
        "Nothing conclusive was observed of {name} since {}: no control of it was seen to pass or \
         to fail. The issues of its findings stay as they are until it is observed again.\n",
        seconds(since)
    );
    if !reasons.is_empty() {
        out.push_str("**Why**\n\n");
        for reason in reasons.iter().take(REASONS) {
            let _ = writeln!(out, "- {}", markdown_code(&hostile(reason).plain()));
        }
        if reasons.len() > REASONS {
            let _ = writeln!(out, "- and {} more", reasons.len() - REASONS);
        }
        out.push('\n');
    }
    out.push_str("### It closes when\n\n- a control of it is seen to pass or to fail\n");
    out
}
