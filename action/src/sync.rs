//! `plumbline-action sync`: a repository's issues by what a store holds, for teams whose probes run
//! in a cluster.

use std::collections::BTreeMap;
use std::path::Path;

use engine::rule::{RuleSet, built_in};
use engine::tracker::Observation;
use engine::tracker::footer::Report;
use engine::tracker::observe::{observations, retired};
use engine::tracker::plan::{Plan, Scope};
use engine::tracker::unobserved::{Sight, Step};
use jiff::Timestamp;
use model::{RunId, TargetKey};
use serde_json::json;

use crate::backlog::{Backlog, Made, Plans};
use crate::event::Repository;
use crate::failure::{Exit, Failure};
use crate::github::{GitHub, Installed, installed};
use crate::history::History;
use crate::settings::Sync;
use crate::track::{self, Done, Identity};

/// Largest file of a token or a key that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Keeps a repository's issues by the last run of each target in a store.
pub async fn sync(settings: &Sync) -> Result<Exit, Failure> {
    let repository = Repository::parse(&settings.repository)?;
    let Installed { token, author } = sign_in(settings, &repository).await?;
    let identity = Identity::of(&settings.tracker, author)?;
    let history = History::open(&settings.store, false).await?;
    let seen = Seen::read(&history, &settings.targets.value()).await;
    history.close().await;
    let seen = seen?;
    let interval = settings.tracker.write_interval.value();
    let mut github =
        GitHub::new(settings.api.trim_end_matches('/'), &repository, &token, interval)?;
    let mut notes = Vec::new();
    let backlog = Backlog::read(Some(&mut github), &identity, &mut notes).await;
    if !backlog.complete {
        return Err(Failure::new(notes.join("\n")));
    }
    let mut plans = Plans {
        plan: plan(settings, &mut github, &backlog, &identity, &seen).await,
        steps: steps(settings, &backlog, &identity, &seen),
    };
    plans.tell(|target| seen.report(target, settings.report_url.0.as_deref()));
    let Plans { plan, steps } = plans;
    if settings.plan {
        return print(&plan, &steps);
    }
    // Each issue says when its own target was observed; a later run than all of these may write.
    let at = seen.times.values().max().copied().unwrap_or(Timestamp::MIN);
    let done = Done::default();
    let mut done = track::apply(&mut github, &identity, &plan, &backlog.issues, at, done).await;
    if !done.denied {
        done.steps(&mut github, &identity, &steps, Timestamp::now()).await;
    }
    say(&seen, &plan, &done)
}

/// What is to be done about targets of which nothing is observed.
fn steps(settings: &Sync, backlog: &Backlog, identity: &Identity, seen: &Seen) -> Vec<Step> {
    let us = identity.author.as_str();
    let sights = seen.sights.iter();
    let of = |(target, sight): (&TargetKey, &Sight)| {
        backlog.unobserved(&settings.tracker, us, target, sight, Timestamp::now())
    };
    sights.flat_map(of).collect()
}

/// What the last runs of the targets say.
struct Seen {
    observations: Vec<Observation>,
    times: BTreeMap<TargetKey, Timestamp>,
    runs: BTreeMap<TargetKey, RunId>,
    sights: BTreeMap<TargetKey, Sight>,
    rules: RuleSet,
}

impl Seen {
    async fn read(history: &History, named: &[String]) -> Result<Self, Failure> {
        let all = history.targets().await?;
        let unknown: Vec<_> =
            named.iter().filter(|name| !all.iter().any(|target| target.0 == **name)).collect();
        if let Some(name) = unknown.first() {
            return Err(Failure::new(format!(
                "target: the store has no complete run of `{}`; it has {} targets",
                name.escape_debug(),
                all.len()
            )));
        }
        let mut seen = Self {
            observations: Vec::new(),
            times: BTreeMap::new(),
            runs: BTreeMap::new(),
            sights: BTreeMap::new(),
            rules: built_in(),
        };
        for target in all {
            if !named.is_empty() && !named.contains(&target.0) {
                continue;
            }
            let Some(bundle) = history.last(&target).await? else { continue };
            let record = bundle.record;
            let (Some(assessment), Some(ended)) = (record.assessment, record.ended_at) else {
                continue;
            };
            seen.observations.extend(observations(&assessment, &seen.rules));
            let since = history.unobserved_since(&target).await?;
            seen.sights.insert(target.clone(), Sight::of(&assessment, since));
            seen.runs.insert(target.clone(), record.id);
            seen.times.insert(target, ended);
        }
        Ok(seen)
    }

    /// Where the report of a target's run is: on a page, if there are pages of runs.
    fn report(&self, target: &TargetKey, pages: Option<&str>) -> Option<Report> {
        let run = self.runs.get(target)?.to_string();
        let page = pages.and_then(|pages| Report::page(&pages.replace("{run}", &run)));
        Some(page.unwrap_or(Report::Stored(run)))
    }
}

async fn plan(
    settings: &Sync,
    github: &mut GitHub,
    backlog: &Backlog,
    identity: &Identity,
    seen: &Seen,
) -> Plan {
    let us = identity.author.as_str();
    let mut all = seen.observations.clone();
    all.extend(retired(&seen.rules, &seen.observations, &backlog.issues, us));
    let fates = backlog.fates(Some(github), us).await;
    let at = |target: &TargetKey| seen.times.get(target).copied().unwrap_or(Timestamp::MIN);
    let made = Made { observations: &all, at: &at };
    backlog.plan(&settings.tracker, us, &made, &Scope::Default { merged: fates.merged })
}

/// A token and the login that it writes as: an App's, or as it was given.
async fn sign_in(settings: &Sync, repository: &Repository) -> Result<Installed, Failure> {
    let given = settings.tracker.author.0.clone();
    if let (Some(app), Some(key)) = (settings.app_id, &settings.app_key_file) {
        let key = read(key)?;
        let api = settings.api.trim_end_matches('/');
        let installed = installed(api, repository, app, key.as_bytes()).await?;
        return Ok(Installed { author: given.unwrap_or(installed.author), ..installed });
    }
    let token = match (&settings.token_file, &settings.tracker.token.0) {
        (Some(file), _) => read(file)?.trim().to_owned(),
        (None, Some(token)) => token.clone(),
        (None, None) => {
            return Err(Failure::new(
                "there is no token: set PLUMBLINE_TOKEN or --token-file, or write as a GitHub App \
                 with --app-id and --app-key-file",
            ));
        }
    };
    let author = given.ok_or_else(|| {
        Failure::new(
            "author: expected the login that the token belongs to; the issues of others are not \
             touched, so it must be known",
        )
    })?;
    Ok(Installed { token, author })
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |what: &dyn std::fmt::Display| {
        Failure::new(format!("cannot read {}: {what}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if size > MAX_FILE {
        return Err(failed(&format!("larger than {MAX_FILE} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(&error))
}

#[allow(clippy::print_stdout, reason = "the plan is what was asked for")]
fn print(plan: &Plan, steps: &[Step]) -> Result<Exit, Failure> {
    println!("{:#}", json!({ "plan": plan, "targets": steps }));
    Ok(Exit::Passed)
}

fn say(seen: &Seen, plan: &Plan, done: &Done) -> Result<Exit, Failure> {
    tracing::info!(
        targets = seen.times.len(),
        opened = done.opened.len(),
        closed = done.closed.len(),
        reopened = done.reopened.len(),
        held = plan.held.len(),
        braked = plan.braked.len(),
        "issues are as the store says"
    );
    if !plan.braked.is_empty() {
        tracing::warn!(
            issues = ?plan.braked,
            "these pass and stay open: so many would be closed at once that somebody should look; \
             run once with --confirm-bulk-close true"
        );
    }
    if done.undone.is_empty() {
        Ok(Exit::Passed)
    } else {
        Err(Failure::new(done.undone.join("\n")))
    }
}
