//! `plumbline-action run`

mod publish;
mod terms;

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine::tracker::Observation;
use engine::tracker::footer::Report;
use engine::tracker::plan::{Plan, Scope};
use model::{FindingId, TargetKey};

use crate::audit::{self, Audit, Baselines, Order};
use crate::backlog::{Backlog, Made, Plans, all_observations};
use crate::checkout::Checkout;
use crate::event::{DEPENDABOT, Event, Happened};
use crate::failure::{Exit, Failure};
use crate::gate::Gate;
use crate::github::GitHub;
use crate::history::History;
use crate::memory;
use crate::settings::{Input, Issues, Mode, Run, Tracker};
use crate::show::{annotations, files};
use crate::track::{self, Done, Identity};
use publish::Page;
use terms::Terms;

/// Audits the checkout of a workflow run.
pub async fn run(settings: &Run) -> Result<Exit, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let event = Event::of(variable)?;
    let Terms { settings, waits } = terms::terms(settings, &event)?;
    let desk = Desk::new(&settings, &event, waits)?;
    let outcome = desk.work().await;
    if let Err(failure) = &outcome {
        // Whoever reads the outputs of a step that failed learns why.
        let said = [("failed-reason", failure.to_string())];
        files::outputs(desk.file("GITHUB_OUTPUT").as_deref(), &said).ok();
    }
    outcome
}

/// Who workflows write as.
const WORKFLOWS: &str = "github-actions[bot]";

/// What a run works with.
struct Desk<'a> {
    settings: &'a Run,
    event: &'a Event,
    identity: Identity,
    order: Order,
    /// What of the workflow waits until a pull request is merged, one sentence each.
    waits: Vec<String>,
}

impl<'a> Desk<'a> {
    fn new(settings: &'a Run, event: &'a Event, waits: Vec<String>) -> Result<Self, Failure> {
        let author = settings.tracker.author.0.clone().unwrap_or(WORKFLOWS.to_owned());
        memory::check(&settings.dashboard.value(), event)?;
        let documents = settings.targets.0.clone().unwrap_or(vec!["plumbline.yaml".to_owned()]);
        Ok(Self {
            settings,
            event,
            identity: Identity::of(&settings.tracker, author)?,
            order: Order {
                documents,
                rules: settings.rules.value(),
                trust_head: settings.trust_head.value(),
            },
            waits,
        })
    }

    /// A file that the runner names by a variable.
    fn file(&self, name: &str) -> Option<PathBuf> {
        std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn folder(&self) -> PathBuf {
        self.settings.output_dir.0.clone().unwrap_or_else(|| {
            let temporary = self.file("RUNNER_TEMP").unwrap_or_else(std::env::temp_dir);
            temporary.join("plumbline")
        })
    }

    /// Why nothing is written; none if it is.
    fn hands_off(&self) -> Option<&'static str> {
        let issues = self.settings.issues.value();
        match &self.event.happened {
            _ if self.settings.mode.value() == Mode::Plan => Some("mode is plan"),
            _ if issues == Issues::Off => Some("issues are off"),
            Happened::Pull(_) | Happened::PullClosed { .. } => {
                let only = "issues are the default branch's only";
                self.reads_only().or((issues == Issues::DefaultBranch).then_some(only))
            }
            Happened::DefaultBranch => None,
            Happened::Other => Some("this is neither the default branch nor a pull request"),
        }
    }

    /// Why the token of this run only reads; none if it may write.
    fn reads_only(&self) -> Option<&'static str> {
        match &self.event.happened {
            Happened::Pull(pull) | Happened::PullClosed { pull, .. } if pull.fork => {
                Some("the pull request comes from a fork, whose token only reads")
            }
            Happened::Pull(pull) | Happened::PullClosed { pull, .. }
                if pull.dependabot || self.event.actor == DEPENDABOT =>
            {
                Some("the pull request is Dependabot's, whose token only reads")
            }
            _ => None,
        }
    }

    async fn work(&self) -> Result<Exit, Failure> {
        let mut github = match self.settings.tracker.token.0.as_deref() {
            Some(token) => Some(GitHub::new(
                &self.event.api,
                &self.event.repository,
                token,
                self.settings.tracker.write_interval.value(),
            )?),
            None => None,
        };
        let mut notes = Vec::new();
        let mut backlog = Backlog::read(github.as_mut(), &self.identity, &mut notes).await;
        if let Happened::PullClosed { pull, merged } = &self.event.happened {
            let number = pull.number;
            return self.closed(github.as_mut(), &backlog, number, *merged, notes).await;
        }
        let checkout = Checkout::find(&std::env::current_dir().unwrap_or_default())?;
        let (wanted, token) = (self.settings.dashboard.value(), &self.settings.tracker.token.0);
        backlog.memory.recall(&wanted, self.event, token.as_deref(), &mut notes).await;
        let baselines = self.baselines(&backlog).await?;
        let (audit, changed) = self.audit(&checkout, &baselines).await?;
        if let Baselines::Store(history) = baselines {
            if self.event.happened == Happened::DefaultBranch {
                for judged in &audit.targets {
                    history.keep(judged).await?;
                }
            }
            history.close().await;
        }
        let fail_on = self.settings.fail_on.value();
        let gate = match &self.event.happened {
            Happened::Pull(_) => Gate::of_pull(&audit, fail_on),
            _ => Gate::of_branch(&audit, fail_on),
        };
        let written = files::reports(&audit, &self.folder(), self.writes_sarif())?;
        let remarks = match &changed {
            Some(changed) if self.settings.annotations.0.unwrap_or(true) => {
                annotations::annotations(&audit, &written.sarif_runs, changed)
            }
            _ => Vec::new(),
        };
        let observations = all_observations(&audit);
        let (plans, on_merge) = self.plans(github.as_mut(), &audit, &observations, &backlog).await;
        let work = Work { plans: &plans, backlog: &backlog, audit: &audit };
        let done = self.apply(github.as_mut(), &work, &observations, &mut notes).await;
        let page = Page {
            desk: self,
            audit: &audit,
            gate: &gate,
            plans: &plans,
            on_merge: on_merge.as_ref(),
            done: &done,
            remarks: &remarks,
            written: &written,
        };
        page.publish(github.as_mut(), notes).await?;
        Ok(gate.exit)
    }

    async fn baselines(&self, backlog: &Backlog) -> Result<Baselines, Failure> {
        let writes = self.event.happened == Happened::DefaultBranch;
        Ok(match &self.settings.store.0 {
            Some(url) => Baselines::Store(History::open(url, writes).await?),
            None => Baselines::Dashboard(backlog.memory.record.baselines()),
        })
    }

    fn writes_sarif(&self) -> bool {
        self.settings.sarif.value() != crate::settings::Sarif::Off
    }

    async fn audit(
        &self,
        checkout: &Checkout,
        baselines: &Baselines,
    ) -> Result<(Audit, Option<crate::checkout::Changed>), Failure> {
        if let Happened::Pull(pull) = &self.event.happened {
            let commits = checkout.commits(pull)?;
            let mut audit = audit::pull(checkout, &commits, &self.order, baselines).await?;
            audit.waits.splice(0..0, self.waits.iter().cloned());
            return Ok((audit, Some(checkout.changed(&commits)?)));
        }
        Ok((audit::branch(checkout, &self.order, baselines).await?, None))
    }

    /// What this run does to issues, and what a merge would do.
    async fn plans(
        &self,
        github: Option<&mut GitHub>,
        audit: &Audit,
        observations: &[Observation],
        backlog: &Backlog,
    ) -> (Plans, Option<Plan>) {
        let (tracker, us) = (&self.settings.tracker, self.identity.author.as_str());
        let Happened::Pull(pull) = &self.event.happened else {
            let fates = backlog.fates(github, us).await;
            let mut plans = backlog.of_branch(self.settings, us, audit, observations, fates);
            plans.tell(|_| self.report());
            return (plans, None);
        };
        let at = |_: &TargetKey| audit.observed_at;
        let number = pull.number;
        let brought: BTreeSet<FindingId> =
            audit.targets.iter().flat_map(|judged| judged.introduced.iter().cloned()).collect();
        let scope = Scope::Pull { number, brought };
        let own = backlog.plan(tracker, us, &Made { observations, at: &at }, &scope);
        // A merge changes what is in the repository; what is deployed is another matter.
        let of_change: Vec<Observation> = observations
            .iter()
            .filter(|observation| {
                audit.targets.iter().any(|judged| {
                    judged.introduced.contains(&observation.id)
                        || judged.resolved.contains(&observation.id)
                })
            })
            .cloned()
            .collect();
        let merged = Scope::Default { merged: BTreeSet::from([number]) };
        // Said as it will end: the second pass of an endpoint comes by itself.
        let once = Tracker { resolve_after: Input(Some(1)), ..tracker.clone() };
        let made = Made { observations: &of_change, at: &at };
        let mut on_merge = backlog.plan(&once, us, &made, &merged);
        if self.hands_off().is_none() {
            // The pull request has issues for these, and a merge leaves them as they are.
            let opened = |id: &FindingId| own.creates.iter().any(|create| create.id == *id);
            on_merge.creates.retain(|create| !opened(&create.id));
        }
        let mut plans = Plans { plan: own, steps: Vec::new() };
        plans.tell(|_| self.report());
        (plans, Some(on_merge))
    }

    /// The page of this run in the workflow, which has the report.
    fn report(&self) -> Option<Report> {
        self.event.run_page.as_deref().and_then(Report::page)
    }

    async fn apply(
        &self,
        github: Option<&mut GitHub>,
        work: &Work<'_>,
        observations: &[Observation],
        notes: &mut Vec<String>,
    ) -> Option<Done> {
        if let Some(why) = self.hands_off() {
            notes.push(format!("nothing was written: {why}"));
            return None;
        }
        let Some(github) = github else {
            notes.push("nothing was written: there is no token".to_owned());
            return None;
        };
        let Work { plans, backlog, audit } = work;
        if !backlog.complete {
            notes.push("nothing was written: the issues could not be listed".to_owned());
            return None;
        }
        if backlog.memory.unread {
            notes.push("nothing was written: the dashboard could not be read".to_owned());
            return None;
        }
        let (identity, at) = (&self.identity, audit.observed_at);
        let mut done = Done::default();
        let mut goes_on = true;
        if self.event.happened == Happened::DefaultBranch {
            let forsaken = backlog.forsaken(&identity.author, audit);
            let (plan, forsaken) = (&plans.plan, forsaken.as_slice());
            let run = memory::Run { audit, observations, plan, forsaken };
            goes_on = backlog.memory.remember(github, identity, &run, &mut done).await;
        }
        if goes_on {
            done = track::apply(github, identity, &plans.plan, &backlog.issues, at, done).await;
        }
        if goes_on && !done.denied {
            done.steps(github, identity, &plans.steps, at).await;
        }
        notes.append(&mut done.undone.clone());
        Some(done)
    }

    /// A pull request that was closed: what it opened is closed with it, unless it is in.
    async fn closed(
        &self,
        github: Option<&mut GitHub>,
        backlog: &Backlog,
        number: u64,
        merged: bool,
        mut notes: Vec<String>,
    ) -> Result<Exit, Failure> {
        let mut done = None;
        let mut plan = Plan::default();
        if merged {
            notes.push(
                "the pull request was merged: the default branch's next run takes over".into(),
            );
        } else {
            let us = self.identity.author.as_str();
            plan = backlog.withdrawn(&self.settings.tracker, us, number);
            plan.tell(|_| self.report());
            match (self.hands_off(), github) {
                (None, Some(github)) if backlog.complete => {
                    let (issues, at) = (&backlog.issues, jiff::Timestamp::now());
                    let fresh = Done::default();
                    let applied =
                        track::apply(github, &self.identity, &plan, issues, at, fresh).await;
                    done = Some(applied);
                }
                (why, github) => {
                    let why = why.unwrap_or(if github.is_none() {
                        "there is no token"
                    } else {
                        "the issues could not be listed"
                    });
                    notes.push(format!("nothing was written: {why}"));
                }
            }
        }
        let plans = Plans { plan, steps: Vec::new() };
        publish::closed(self, &plans, done.as_ref(), &notes)?;
        Ok(Exit::Passed)
    }
}

/// What is applied.
struct Work<'a> {
    plans: &'a Plans,
    backlog: &'a Backlog,
    audit: &'a Audit,
}
