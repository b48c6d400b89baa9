//! `plumbline-action run`

mod backlog;
mod publish;

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine::tracker::Observation;
use engine::tracker::observe::observations;
use engine::tracker::plan::{Plan, Scope};
use model::FindingId;

use crate::audit::{self, Audit, Baselines, Order};
use crate::checkout::Checkout;
use crate::event::{Event, Happened};
use crate::failure::{Exit, Failure};
use crate::gate::Gate;
use crate::github::GitHub;
use crate::settings::{Issues, Mode, Run};
use crate::show::{annotations, files};
use crate::track::{self, Done, Identity};
use backlog::Backlog;
use publish::Page;

/// Audits the checkout of a workflow run.
pub async fn run(settings: &Run) -> Result<Exit, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let event = Event::of(variable)?;
    let desk = Desk::new(settings, &event)?;
    let outcome = desk.work().await;
    if let Err(failure) = &outcome {
        // Whoever reads the outputs of a step that failed learns why.
        let said = [("failed-reason", failure.to_string())];
        files::outputs(desk.file("GITHUB_OUTPUT").as_deref(), &said).ok();
    }
    outcome
}

/// What a run works with.
struct Desk<'a> {
    settings: &'a Run,
    event: &'a Event,
    identity: Identity,
    order: Order,
}

impl<'a> Desk<'a> {
    fn new(settings: &'a Run, event: &'a Event) -> Result<Self, Failure> {
        let author = settings.author.0.clone().unwrap_or("github-actions[bot]".to_owned());
        let label = settings.label.0.clone().unwrap_or("plumbline".to_owned());
        if label.contains(',') || label.chars().count() > 50 {
            return Err(Failure::new(
                "label: expected at most 50 characters without a comma, which GitHub takes for two",
            ));
        }
        let documents = settings.targets.0.clone().unwrap_or(vec!["plumbline.yaml".to_owned()]);
        Ok(Self {
            settings,
            event,
            identity: Identity { author, label },
            order: Order {
                documents,
                rules: settings.rules.value(),
                trust_head: settings.trust_head.value(),
            },
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
            Happened::Pull(pull) | Happened::PullClosed { pull, .. } => {
                if pull.fork {
                    Some("the pull request comes from a fork, whose token only reads")
                } else if pull.dependabot || self.event.actor == "dependabot[bot]" {
                    Some("the pull request is Dependabot's, whose token only reads")
                } else if issues == Issues::DefaultBranch {
                    Some("issues are the default branch's only")
                } else {
                    None
                }
            }
            Happened::DefaultBranch => None,
            Happened::Other => Some("this is neither the default branch nor a pull request"),
        }
    }

    async fn work(&self) -> Result<Exit, Failure> {
        let mut github = match self.settings.token.0.as_deref() {
            Some(token) => Some(GitHub::new(
                &self.event.api,
                &self.event.repository,
                token,
                self.settings.write_interval.value(),
            )?),
            None => None,
        };
        let mut notes = Vec::new();
        let backlog = Backlog::read(github.as_mut(), &self.identity, &mut notes).await;
        if let Happened::PullClosed { pull, merged } = &self.event.happened {
            let number = pull.number;
            return self.closed(github.as_mut(), &backlog, number, *merged, notes).await;
        }
        let checkout = Checkout::find(&std::env::current_dir().unwrap_or_default())?;
        let baselines = backlog.record.baselines();
        let (audit, changed) = self.audit(&checkout, &baselines).await?;
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
        let (plan, on_merge) = self.plans(github.as_mut(), &audit, &observations, &backlog).await;
        let done = self.apply(github.as_mut(), &plan, &backlog, &audit, &mut notes).await;
        let page = Page {
            desk: self,
            audit: &audit,
            gate: &gate,
            plan: &plan,
            on_merge: on_merge.as_ref(),
            done: &done,
            remarks: &remarks,
            written: &written,
        };
        page.publish(github.as_mut(), notes).await?;
        Ok(gate.exit)
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
            let audit = audit::pull(checkout, &commits, &self.order, baselines).await?;
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
    ) -> (Plan, Option<Plan>) {
        match &self.event.happened {
            Happened::Pull(pull) => {
                let number = pull.number;
                let brought: BTreeSet<FindingId> =
                    audit.targets.iter().flat_map(|j| j.introduced.iter().cloned()).collect();
                let scope = Scope::Pull { number, brought };
                let own = backlog.plan(self, observations, &scope, audit);
                // A merge changes what is in the repository; what is deployed is another matter.
                let merged = Scope::Default { merged: BTreeSet::from([number]) };
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
                let mut on_merge = backlog.plan(self, &of_change, &merged, audit);
                if self.hands_off().is_none() {
                    // The pull request has issues for these, and a merge leaves them as they are.
                    let opened = |id: &FindingId| own.creates.iter().any(|create| create.id == *id);
                    on_merge.creates.retain(|create| !opened(&create.id));
                }
                (own, Some(on_merge))
            }
            _ => {
                let merged = backlog.merged(github, &self.identity).await;
                let scope = Scope::Default { merged: merged.merged };
                let mut plan = backlog.plan(self, observations, &scope, audit);
                for number in merged.closed {
                    let scope = Scope::Withdrawn { number };
                    plan.updates.extend(backlog.plan(self, &[], &scope, audit).updates);
                }
                (plan, None)
            }
        }
    }

    async fn apply(
        &self,
        github: Option<&mut GitHub>,
        plan: &Plan,
        backlog: &Backlog,
        audit: &Audit,
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
        if !backlog.complete {
            notes.push("nothing was written: the issues could not be listed".to_owned());
            return None;
        }
        let at = audit.observed_at;
        let mut done = track::apply(github, &self.identity, plan, &backlog.issues, at).await;
        if self.event.happened == Happened::DefaultBranch && !done.denied {
            backlog.remember(github, self, audit, plan, &mut done).await;
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
            plan = backlog.withdrawn(self, number);
            match (self.hands_off(), github) {
                (None, Some(github)) if backlog.complete => {
                    let at = jiff::Timestamp::now();
                    let applied = track::apply(github, &self.identity, &plan, &backlog.issues, at);
                    done = Some(applied.await);
                }
                (why, _) => notes
                    .push(format!("nothing was written: {}", why.unwrap_or("there is no token"))),
            }
        }
        publish::closed(self, &plan, done.as_ref(), &notes)?;
        Ok(Exit::Passed)
    }
}

fn all_observations(audit: &Audit) -> Vec<Observation> {
    audit
        .targets
        .iter()
        .flat_map(|judged| observations(judged.assessment(), &audit.rules))
        .collect()
}
