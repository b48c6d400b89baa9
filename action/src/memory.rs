//! What is remembered from one run of the default branch to the next: where it is read, and where it
//! is written. An issue has it, or a branch.

use engine::tracker::brake::evaluated;
use engine::tracker::plan::Plan;
use engine::tracker::unobserved::Sight;
use engine::tracker::{Issue, Observation, Reason, State};
use model::TargetKey;

use crate::audit::{Audit, Judged, Standing};
use crate::branch::{Branch, BranchName, Kept, Outcome, Wanted};
use crate::dashboard::{Formed, Record, Seen, is_dashboard, moved, moved_to};
use crate::event::Event;
use crate::failure::Failure;
use crate::github::{Fault, GitHub};
use crate::settings::Dashboard;
use crate::show::dashboard::{self as page, On};
use crate::track::{Done, Identity};

/// What is remembered, and where.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the last run of the default branch left.
    pub record: Record,
    /// Nobody knows what it left: nothing may be written by that.
    pub unread: bool,
    /// The dashboard as an issue.
    issue: Option<Issue>,
    /// Dashboards that another run made at the same time.
    spare: Vec<u64>,
    /// The branch that the dashboard is to be on, and what it has.
    branch: Option<(Branch, Option<Kept>)>,
}

/// A run of the default branch, to be remembered.
pub struct Run<'a> {
    /// What it saw.
    pub audit: &'a Audit,
    /// What it says of every control.
    pub observations: &'a [Observation],
    /// What is done about issues.
    pub plan: &'a Plan,
    /// Open issues about targets that are not declared any more.
    pub forsaken: &'a [u64],
}

/// Refuses a branch for the dashboard that has another use.
pub fn check(wanted: &Dashboard, event: &Event) -> Result<(), Failure> {
    let Dashboard::Branch(name) = wanted else { return Ok(()) };
    let name = name.to_string();
    match event.branches.iter().find(|(used, _)| *used == name) {
        Some((_, is)) => Err(Failure::new(format!(
            "dashboard: `{name}` is {is}; name one that nothing else uses, such as `{}`",
            BranchName::default()
        ))),
        None => Ok(()),
    }
}

impl Memory {
    /// What the dashboard remembers that is an issue.
    pub fn of_issue(issue: Option<Issue>, spare: Vec<u64>) -> Self {
        let record = issue.as_ref().and_then(|issue| Record::of(&issue.body));
        Self { record: record.unwrap_or_default(), issue, spare, ..Self::default() }
    }

    /// Reads what branches remember: the one that is wanted, or else the one that the issue names.
    pub async fn recall(
        &mut self,
        wanted: &Dashboard,
        event: &Event,
        token: Option<&str>,
        notes: &mut Vec<String>,
    ) {
        let own = match wanted {
            Dashboard::Branch(name) => Some(name.clone()),
            Dashboard::Issue => None,
        };
        let former = self.issue.as_ref().and_then(|issue| moved_to(&issue.body));
        let former = former.filter(|name| Some(name) != own.as_ref());
        let names = own.iter().chain(&former);
        for name in names {
            let read = async {
                let branch = Branch::new(event.address.clone(), token, name.clone()).await?;
                let kept = branch.read().await?;
                Ok::<_, Fault>((branch, kept))
            };
            let (branch, kept) = match read.await {
                Ok(read) => read,
                Err(fault) => {
                    notes.push(format!("the dashboard: {fault}"));
                    // A line that somebody edited may name any branch, and is no reason to stop.
                    let edited = matches!(fault, Fault::Invalid(_)) && Some(name) != own.as_ref();
                    if edited {
                        continue;
                    }
                    self.unread = true;
                    return;
                }
            };
            let record = kept.as_ref().map(|kept| kept.record.clone());
            if Some(name) == own.as_ref() {
                self.branch = Some((branch, kept));
            }
            match record {
                Some(Some(record)) => {
                    self.record = record;
                    return;
                }
                Some(None) => notes.push(format!(
                    "the branch `{name}` has no record that can be read, so there is nothing of it to \
                     compare with"
                )),
                None => {}
            }
        }
    }

    /// Writes the dashboard, if it says something else now. Before anything else is written: what
    /// waits since the adoption must be known before the first issue is there. False if nothing else
    /// should be written in this run.
    pub async fn remember(
        &self,
        github: &mut GitHub,
        identity: &Identity,
        run: &Run<'_>,
        done: &mut Done,
    ) -> bool {
        for number in &self.spare {
            if let Err(fault) = github.close_duplicate(*number).await {
                done.give_up(&format!("#{number}"), &fault);
            }
        }
        if self.record.observed_at.is_some_and(|at| at >= run.audit.observed_at) {
            return !done.denied;
        }
        let record = self.next(run);
        match &self.branch {
            Some((branch, kept)) => {
                match commit(branch, kept.as_ref(), identity, record, run).await {
                    Ok(Outcome::Written) => {}
                    // It has seen the default branch as well, and says so there.
                    Ok(Outcome::Overtaken) => done.undone.push(format!(
                        "the dashboard was left as it is: another run has written the branch `{}` \
                         meanwhile",
                        branch.name()
                    )),
                    Err(fault) => {
                        done.give_up("the dashboard", &fault);
                        done.hold(run.plan);
                        return false;
                    }
                }
                self.leave_issue(github, branch, done).await;
            }
            None => {
                if let Err(fault) = self.write_issue(github, identity, record, run).await {
                    done.give_up("the dashboard", &fault);
                    done.hold(run.plan);
                    return false;
                }
            }
        }
        !done.denied
    }

    async fn write_issue(
        &self,
        github: &mut GitHub,
        identity: &Identity,
        record: Record,
        run: &Run<'_>,
    ) -> Result<(), Fault> {
        let Formed { text: line, record, left_out } = record.line();
        let text = text(run, &left_out, On::Issue);
        let body = format!("{}\n\n{line}", text.trim_end());
        match &self.issue {
            // It was on a branch meanwhile.
            Some(issue) if moved_to(&issue.body).is_some() => {
                let open = Some(State::Open);
                github.change_issue(issue.number, Some(page::TITLE), Some(&body), open).await
            }
            Some(issue) => {
                let was = issue.body.rsplit_once('\n').map_or("", |(text, _)| text.trim_end());
                if was == text.trim_end() && self.record.content() == record.content() {
                    return Ok(());
                }
                github.write_body(issue.number, page::TITLE, &body).await
            }
            None => github
                .open_issue(page::TITLE, &body, &identity.label, |issue| {
                    issue.author == identity.author && is_dashboard(&issue.body)
                })
                .await
                .map(drop),
        }
    }

    /// Closes the issue that was the dashboard before, once.
    async fn leave_issue(&self, github: &mut GitHub, to: &Branch, done: &mut Done) {
        let Some(issue) = &self.issue else { return };
        if moved_to(&issue.body).as_ref() == Some(to.name()) {
            return;
        }
        let body = format!("{}\n\n{}", page::moved(to), moved(to.name()));
        let closed = Some(State::Closed(Some(Reason::Completed)));
        let changed = github.change_issue(issue.number, Some(page::TITLE), Some(&body), closed);
        if let Err(fault) = changed.await {
            done.give_up(&format!("#{}", issue.number), &fault);
        }
    }

    /// What is seen of a target, with what was seen of it before.
    pub fn sight(&self, judged: &Judged) -> Sight {
        let known = self.record.targets.get(&judged.bundle.record.target);
        Sight::of(judged.assessment(), known.and_then(|seen| seen.unobserved_since))
    }

    /// What is remembered after a run. Where nothing at all was observed, what was known stays.
    fn next(&self, run: &Run<'_>) -> Record {
        let counts = evaluated(run.observations);
        let targets = run
            .audit
            .targets
            .iter()
            .map(|judged| {
                let key = &judged.bundle.record.target;
                let known = self.record.targets.get(key);
                let sight = self.sight(judged);
                let since = sight.since(known.and_then(|seen| seen.unobserved_since));
                let seen = match known {
                    Some(known) if sight != Sight::Observed => {
                        Seen { unobserved_since: since, ..known.clone() }
                    }
                    _ => {
                        let evaluated = counts.get(key).copied().unwrap_or(0);
                        Seen::of(standing(judged), since, evaluated)
                    }
                };
                (key.clone(), seen)
            })
            .collect();
        let adopted = run.plan.adopted.clone().or_else(|| self.record.adopted.clone());
        Record { observed_at: Some(run.audit.observed_at), targets, adopted }
    }
}

fn text(run: &Run<'_>, left_out: &[TargetKey], on: On<'_>) -> String {
    let left_out: Vec<_> = left_out.iter().map(TargetKey::to_string).collect();
    page::text(run.audit, run.plan, &left_out, run.forsaken, on)
}

/// Puts page and record on a branch, if they say something else than it has.
async fn commit(
    branch: &Branch,
    kept: Option<&Kept>,
    identity: &Identity,
    record: Record,
    run: &Run<'_>,
) -> Result<Outcome, Fault> {
    let Formed { text: file, record, left_out } = record.file();
    let text = text(run, &left_out, On::Branch(branch));
    let (page, content) = (format!("{}\n", text.trim_end()), record.content());
    let same = |kept: &Kept| {
        kept.page.as_ref() == Some(&page)
            && kept.record.as_ref().is_some_and(|record| record.content() == content)
    };
    if kept.is_some_and(same) {
        return Ok(Outcome::Written);
    }
    let open: usize =
        run.audit.targets.iter().map(|judged| judged.assessment().open_findings().count()).sum();
    let commit = &run.audit.commit;
    // Whoever pushes as an App starts workflows, and there is nothing here to run one on.
    let message = format!(
        "Audit {}: {open} open findings\n\nHow the default branch stands at {commit}.\n\n[skip ci]",
        &commit[..commit.len().min(12)]
    );
    let wanted = Wanted {
        page: &page,
        record: &file,
        message: &message,
        author: &identity.author,
        at: run.audit.observed_at,
    };
    branch.write(kept.map(|kept| kept.commit.as_str()), &wanted).await
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
