//! The issues of the repository as they are, and the plan for them.

use std::collections::{BTreeMap, BTreeSet};

use engine::tracker::adopt::Adopt;
use engine::tracker::decide::Terms;
use engine::tracker::footer::{self, Report};
use engine::tracker::observe::{observations, retired};
use engine::tracker::plan::{Limits, Plan, Scope, plan};
use engine::tracker::unobserved::{Sight, Step, unobserved};
use engine::tracker::{Earlier, Issue, Marker, Observation, State};
use jiff::{SignedDuration, Timestamp};
use model::{FindingId, TargetKey};

use crate::audit::{Audit, Judged};
use crate::dashboard::is_dashboard;
use crate::github::{Fate, GitHub};
use crate::memory::Memory;
use crate::settings;
use crate::track::Identity;

/// Pull requests that are asked about in one run: whether they were merged.
const MOST_PULLS: usize = 20;
/// Passes in a row after which an issue is closed: what a file says it says, and an endpoint may
/// answer well by chance.
const PASSES: [u32; 2] = [1, 2];
/// Hours for which nothing may be observed of a target.
const UNOBSERVED_AFTER: u32 = 24;

/// The issues of the repository.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Those with the label.
    pub issues: Vec<Issue>,
    /// They are all there.
    pub complete: bool,
    /// What is remembered, and where.
    pub memory: Memory,
}

/// Pull requests whose issues are the default branch's now, and those that came to nothing.
#[derive(Debug, Default)]
pub struct Fates {
    /// Merged.
    pub merged: BTreeSet<u64>,
    /// Closed without being merged.
    pub closed: BTreeSet<u64>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plans {
    /// About findings.
    pub plan: Plan,
    /// About targets of which nothing is observed.
    pub steps: Vec<Step>,
}

impl Plans {
    /// Says at every change why, by which evidence, and where the report is.
    pub fn tell(&mut self, report: impl Fn(&TargetKey) -> Option<Report>) {
        self.plan.tell(&report);
        footer::tell(&mut self.steps, &report);
    }
}

/// An observation and when it was made.
pub struct Made<'a> {
    /// What was observed.
    pub observations: &'a [Observation],
    /// When, by target.
    pub at: &'a dyn Fn(&TargetKey) -> Timestamp,
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
            Ok(issues) if issues.is_empty() => Self::renamed(github, identity, notes).await,
            Ok(issues) => Self::of(issues, identity),
            Err(fault) => {
                notes.push(format!("the issues could not be listed: {fault}"));
                Self::default()
            }
        }
    }

    /// A label that nothing has is new, or was renamed: then ours have another one, and a run that
    /// did not know would open all of them again.
    async fn renamed(github: &mut GitHub, identity: &Identity, notes: &mut Vec<String>) -> Self {
        let issues = match github.newest_issues_by(&identity.author).await {
            Ok(issues) => issues,
            Err(fault) => {
                notes.push(format!("the issues could not be listed: {fault}"));
                return Self::default();
            }
        };
        let ours = issues.iter().find(|issue| {
            issue.author == identity.author
                && (is_dashboard(&issue.body) || Marker::of(&issue.body).is_some())
        });
        let Some(issue) = ours else { return Self::of(Vec::new(), identity) };
        let labels: Vec<_> = issue.labels.iter().map(String::as_str).collect();
        notes.push(format!(
            "no issue has the label `{}`, and #{} of ours has {}: was the label renamed? Give its \
             new name as `label`, or close ours by hand to begin anew",
            identity.label,
            issue.number,
            if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
        ));
        Self::default()
    }

    /// Open issues about targets that are not declared any more: nothing will close them.
    pub fn forsaken(&self, us: &str, audit: &Audit) -> Vec<u64> {
        let declared: BTreeSet<&TargetKey> =
            audit.targets.iter().map(|judged| &judged.bundle.record.target).collect();
        let former: BTreeSet<TargetKey> = audit.targets.iter().flat_map(formerly).collect();
        let open = self.issues.iter().filter(|i| i.author == us && i.state == State::Open);
        open.filter(|issue| {
            Marker::of(&issue.body).is_some_and(|marker| {
                !declared.contains(&marker.target) && !former.contains(&marker.target)
            })
        })
        .map(|issue| issue.number)
        .collect()
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
        let issues = issues.into_iter().filter(|issue| !ours(&issue)).collect();
        Self { issues, complete: true, memory: Memory::of_issue(dashboard, spare) }
    }

    /// The plan for what was observed.
    pub fn plan(
        &self,
        tracker: &settings::Tracker,
        us: &str,
        made: &Made<'_>,
        scope: &Scope,
    ) -> Plan {
        self.bounded(tracker, us, made, scope, Adopt::Everything, BTreeMap::new())
    }

    /// The same, bounded by what the dashboard remembers: what waits since the adoption, and how much
    /// of each target was evaluated.
    fn bounded(
        &self,
        tracker: &settings::Tracker,
        us: &str,
        made: &Made<'_>,
        scope: &Scope,
        adopt: Adopt,
        evaluated_before: BTreeMap<TargetKey, u32>,
    ) -> Plan {
        let limits = Limits {
            new: tracker.max_new_issues.0.unwrap_or(10),
            bulk: tracker.confirm_bulk_close.value(),
            adopt,
            evaluated_before,
        };
        let passes = tracker.resolve_after.0.filter(|passes| *passes > 0);
        let terms = |observation: &Observation| Terms {
            observed_at: (made.at)(&observation.target),
            resolve_after: passes
                .unwrap_or_else(|| PASSES[usize::from(observation.subject.kind() == "endpoint")]),
        };
        let before = self.memory.record.adopted.as_ref();
        plan(made.observations, &self.issues, us, scope, terms, &limits, before)
    }

    fn evaluated_before(&self) -> BTreeMap<TargetKey, u32> {
        let targets = self.memory.record.targets.iter();
        targets.map(|(key, seen)| (key.clone(), seen.evaluated)).collect()
    }

    /// The plan for a pull request that came to nothing.
    pub fn withdrawn(&self, tracker: &settings::Tracker, us: &str, number: u64) -> Plan {
        let made = Made { observations: &[], at: &|_| Timestamp::now() };
        self.plan(tracker, us, &made, &Scope::Withdrawn { number })
    }

    /// The plan for the default branch: findings, retired rules, pull requests that were merged or
    /// came to nothing, and targets of which nothing is observed.
    pub fn of_branch(
        &self,
        run: &settings::Run,
        us: &str,
        audit: &Audit,
        observations: &[Observation],
        fates: Fates,
    ) -> Plans {
        let mut all = observations.to_vec();
        all.extend(retired(&audit.rules, observations, &self.issues, us));
        let scope = Scope::Default { merged: fates.merged };
        let made = Made { observations: &all, at: &|_| audit.observed_at };
        let tracker = &run.tracker;
        let adopt = match run.adopt.value() {
            settings::Adopt::Baseline => Adopt::Grave,
            settings::Adopt::All => Adopt::Everything,
        };
        let before = self.evaluated_before();
        let mut plan = self.bounded(tracker, us, &made, &scope, adopt, before);
        // What the default branch is seen to fail as well stays open, whatever became of that.
        let taken: BTreeSet<u64> = plan.updates.iter().map(|update| update.number).collect();
        for number in fates.closed {
            let withdrawn = self.withdrawn(tracker, us, number).updates.into_iter();
            plan.updates.extend(withdrawn.filter(|update| !taken.contains(&update.number)));
        }
        let steps = audit.targets.iter().flat_map(|judged| {
            let (target, sight) = (&judged.bundle.record.target, self.memory.sight(judged));
            self.unobserved(tracker, us, target, &sight, audit.observed_at)
        });
        Plans { steps: steps.collect(), plan }
    }

    /// What is to be done about the issue of a target of which nothing is observed.
    pub fn unobserved(
        &self,
        tracker: &settings::Tracker,
        us: &str,
        target: &TargetKey,
        sight: &Sight,
        now: Timestamp,
    ) -> Vec<Step> {
        let hours = tracker.unobserved_after.0.unwrap_or(UNOBSERVED_AFTER);
        let after = SignedDuration::from_hours(i64::from(hours));
        let scope = Scope::Default { merged: BTreeSet::new() };
        unobserved(target, sight, &self.issues, us, &scope, now, after)
    }

    /// Asks what became of the pull requests that opened issues.
    pub async fn fates(&self, github: Option<&mut GitHub>, us: &str) -> Fates {
        let mut fates = Fates::default();
        let Some(github) = github else { return fates };
        let pulls: BTreeSet<u64> = self
            .issues
            .iter()
            .filter(|issue| issue.author == us && issue.state == State::Open)
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
}

/// Annotation of a target with the keys that it had before, separated by commas.
const FORMERLY: &str = "plumbline.dev/formerly";

/// Keys that a target had before.
fn formerly(judged: &Judged) -> impl Iterator<Item = TargetKey> {
    let annotations = &judged.bundle.record.document.metadata.annotations;
    let former = annotations.get(FORMERLY).map_or("", String::as_str);
    former
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(|key| TargetKey(key.to_owned()))
}

/// What a run says of every control, under the names that its target had before as well.
pub fn all_observations(audit: &Audit) -> Vec<Observation> {
    let of = |judged: &Judged| {
        let mut observations = observations(judged.assessment(), &audit.rules);
        for observation in &mut observations {
            let earlier = formerly(judged).map(|target| Earlier {
                rule: observation.rule.clone(),
                id: FindingId::new(&target, &observation.rule, &observation.subject),
            });
            observation.earlier.extend(earlier);
        }
        observations
    };
    audit.targets.iter().flat_map(of).collect()
}
