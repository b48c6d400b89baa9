//! The issues of the repository as they are, and the plan for them.

use std::collections::BTreeSet;

use engine::tracker::decide::Terms;
use engine::tracker::plan::{Limits, Plan, Scope, plan};
use engine::tracker::{Issue, Marker, Observation, State};
use jiff::Timestamp;
use model::TargetKey;

use super::Desk;
use crate::audit::{Audit, Judged, Standing};
use crate::dashboard::{Record, Seen, is_dashboard};
use crate::github::{Fate, GitHub};
use crate::show::dashboard as page;
use crate::track::{Done, Identity};

/// Pull requests that are asked about in one run: whether they were merged.
const MOST_PULLS: usize = 20;

/// The issues of the repository.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Those with the label.
    pub issues: Vec<Issue>,
    /// They are all there.
    pub complete: bool,
    /// What the dashboard remembers.
    pub record: Record,
    /// The dashboard.
    dashboard: Option<Issue>,
    /// Dashboards that another run made at the same time.
    spare: Vec<u64>,
}

/// Pull requests whose issues are the default branch's now, and those that came to nothing.
#[derive(Debug, Default)]
pub struct Fates {
    /// Merged.
    pub merged: BTreeSet<u64>,
    /// Closed without being merged.
    pub closed: BTreeSet<u64>,
}

impl Backlog {
    /// Lists the issues. What cannot be listed is noted: the verdict does not hang on it.
    pub async fn read(
        github: Option<&mut GitHub>,
        identity: &Identity,
        notes: &mut Vec<String>,
    ) -> Self {
        let Some(github) = github else { return Self::default() };
        match github.issues(&identity.label).await {
            Ok(issues) => Self::of(issues, identity),
            Err(fault) => {
                notes.push(format!("the issues could not be listed: {fault}"));
                Self::default()
            }
        }
    }

    fn of(issues: Vec<Issue>, identity: &Identity) -> Self {
        let ours = |issue: &&Issue| issue.author == identity.author && is_dashboard(&issue.body);
        // Of several the first is the dashboard.
        let dashboard = issues.iter().filter(ours).min_by_key(|issue| issue.number).cloned();
        let first = dashboard.as_ref().map(|issue| issue.number);
        let spare = issues
            .iter()
            .filter(ours)
            .filter(|issue| Some(issue.number) != first && issue.state == State::Open)
            .map(|issue| issue.number)
            .collect();
        let record = dashboard.as_ref().and_then(|issue| Record::of(&issue.body));
        let issues = issues.into_iter().filter(|issue| !is_dashboard(&issue.body)).collect();
        Self { issues, complete: true, record: record.unwrap_or_default(), dashboard, spare }
    }

    /// The plan for what was observed.
    pub fn plan(
        &self,
        desk: &Desk<'_>,
        observations: &[Observation],
        scope: &Scope,
        audit: &Audit,
    ) -> Plan {
        let settings = desk.settings;
        let limits = Limits {
            new: settings.max_new_issues.0.unwrap_or(10),
            bulk: settings.confirm_bulk_close.value(),
            ..Limits::default()
        };
        let terms = Terms {
            observed_at: audit.observed_at,
            resolve_after: settings.resolve_after.0.filter(|passes| *passes > 0).unwrap_or(1),
        };
        plan(observations, &self.issues, &desk.identity.author, scope, terms, &limits, None)
    }

    /// The plan for a pull request that came to nothing.
    pub fn withdrawn(&self, desk: &Desk<'_>, number: u64) -> Plan {
        let terms = Terms { observed_at: Timestamp::now(), resolve_after: 1 };
        let scope = Scope::Withdrawn { number };
        plan(&[], &self.issues, &desk.identity.author, &scope, terms, &Limits::default(), None)
    }

    /// Asks what became of the pull requests that opened issues.
    pub async fn merged(&self, github: Option<&mut GitHub>, identity: &Identity) -> Fates {
        let mut fates = Fates::default();
        let Some(github) = github else { return fates };
        let pulls: BTreeSet<u64> = self
            .issues
            .iter()
            .filter(|issue| issue.author == identity.author && issue.state == State::Open)
            .filter_map(|issue| Marker::of(&issue.body)?.pull)
            .collect();
        for number in pulls.into_iter().take(MOST_PULLS) {
            match github.fate(number).await {
                Ok(Fate::Merged) => {
                    fates.merged.insert(number);
                }
                Ok(Fate::Closed) => {
                    fates.closed.insert(number);
                }
                // Nobody knows: the next run asks again.
                Ok(Fate::Open) | Err(_) => {}
            }
        }
        fates
    }

    /// Writes the dashboard, if it says something else now.
    pub async fn remember(
        &self,
        github: &mut GitHub,
        desk: &Desk<'_>,
        audit: &Audit,
        plan: &Plan,
        done: &mut Done,
    ) {
        for number in &self.spare {
            if let Err(fault) = github.close_duplicate(*number).await {
                done.give_up(&format!("#{number}"), &fault);
            }
        }
        if self.record.observed_at.is_some_and(|at| at >= audit.observed_at) {
            return;
        }
        let record = self.next(audit);
        let (line, left_out) = record.clone().line();
        let left_out: Vec<_> = left_out.iter().map(TargetKey::to_string).collect();
        let text = page::text(audit, plan, &left_out);
        let body = format!("{}\n\n{line}", text.trim_end());
        let outcome = match &self.dashboard {
            Some(issue) => {
                let was = issue.body.rsplit_once('\n').map_or("", |(text, _)| text.trim_end());
                if was == text.trim_end() && self.record.content() == record.content() {
                    return;
                }
                github.write_body(issue.number, page::TITLE, &body).await
            }
            None => github
                .open_issue(page::TITLE, &body, &desk.identity.label, |issue| {
                    issue.author == desk.identity.author && is_dashboard(&issue.body)
                })
                .await
                .map(drop),
        };
        if let Err(fault) = outcome {
            done.give_up("the dashboard", &fault);
        }
    }

    /// What is remembered after this run. Where nothing at all was observed, what was known stays.
    fn next(&self, audit: &Audit) -> Record {
        let targets = audit
            .targets
            .iter()
            .map(|judged| {
                let record = &judged.bundle.record;
                let known = self.record.targets.get(&record.target);
                let coverage = judged.assessment().coverage;
                let blind = coverage.selected > 0 && coverage.evaluated == 0;
                let seen = match known {
                    Some(known) if blind => {
                        let since = known.unobserved_since.unwrap_or(record.started_at);
                        let mut known = known.clone();
                        known.unobserved_since = Some(since);
                        known
                    }
                    _ => Seen::of(&standing(judged), blind.then_some(record.started_at)),
                };
                (record.target.clone(), seen)
            })
            .collect();
        Record {
            observed_at: Some(audit.observed_at),
            targets,
            adopted: self.record.adopted.clone(),
        }
    }
}

fn standing(judged: &Judged) -> Standing {
    let record = &judged.bundle.record;
    Standing {
        run: record.id.clone(),
        started_at: record.started_at,
        document: record.document.clone(),
        plan: record.plan.clone(),
        evidence: judged.bundle.evidence.clone(),
    }
}
