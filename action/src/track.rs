//! The one writer of issues: a plan in, requests out.
//!
//! Every issue is read once more before it is changed. What somebody did meanwhile stands, and the
//! next run sees it; so does what this run could not do.

use std::collections::{BTreeMap, BTreeSet};

use engine::tracker::plan::{Create, Plan};
use engine::tracker::unobserved::Step;
use engine::tracker::{Issue, Marker, State, TargetMarker, Update, Why};
use jiff::Timestamp;
use model::FindingId;

use crate::failure::Failure;
use crate::github::{Fault, GitHub};
use crate::settings::Tracker;

/// Characters of a label's name (GitHub, "Create a label").
const LABEL: usize = 50;

/// Who writes, and by which label its issues are found.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The login.
    pub author: String,
    /// The label.
    pub label: String,
}

impl Identity {
    /// Who writes, and the label that the inputs name.
    pub fn of(tracker: &Tracker, author: String) -> Result<Self, Failure> {
        let label = tracker.label.0.clone().unwrap_or("plumbline".to_owned());
        if label.contains(',') || label.chars().count() > LABEL {
            return Err(Failure::new(format!(
                "label: expected at most {LABEL} characters without a comma, which GitHub takes \
                 for two labels"
            )));
        }
        Ok(Self { author, label })
    }
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Done {
    /// Issues that were opened.
    pub opened: Vec<u64>,
    /// Issues that were closed.
    pub closed: Vec<u64>,
    /// Issues that were opened again.
    pub reopened: Vec<u64>,
    /// What was left undone, one sentence each.
    pub undone: Vec<String>,
    /// The token may not write: nothing more was tried.
    pub denied: bool,
}

impl Done {
    /// Applies what is to be done about targets of which nothing is observed.
    pub async fn steps(
        &mut self,
        github: &mut GitHub,
        identity: &Identity,
        steps: &[Step],
        observed_at: Timestamp,
    ) {
        for step in steps {
            let outcome = match step {
                Step::Create { title, body } => {
                    let same = |issue: &Issue| {
                        issue.author == identity.author && issue.body.trim() == body.trim()
                    };
                    let opened = github.open_issue(title, body, &identity.label, same).await;
                    opened.map(|number| self.opened.push(number))
                }
                Step::Update { number, body, state, comment, .. } => {
                    let changed = async {
                        let now = github.issue(*number).await?;
                        let marker = TargetMarker::of(&now.body);
                        if marker.is_some_and(|marker| marker.observed_at >= observed_at) {
                            return Ok(());
                        }
                        if let Some(comment) = comment
                            && !github.has_comment(*number, &identity.author, comment).await?
                        {
                            github.comment(*number, &identity.author, comment).await?;
                        }
                        github.change_issue(*number, None, body.as_deref(), *state).await
                    };
                    changed.await.map(|()| self.moved(*number, *state))
                }
            };
            if let Err(fault) = outcome
                && self.give_up("a target of which nothing is observed", &fault)
            {
                return;
            }
        }
    }

    fn moved(&mut self, number: u64, state: Option<State>) {
        match state {
            Some(State::Closed(_)) => self.closed.push(number),
            Some(State::Open) => self.reopened.push(number),
            None => {}
        }
    }
}

/// Applies a plan. `listed` is what it was made from.
pub async fn apply(
    github: &mut GitHub,
    identity: &Identity,
    plan: &Plan,
    listed: &[Issue],
    observed_at: Timestamp,
    mut done: Done,
) -> Done {
    let listed: BTreeMap<u64, &Issue> = listed.iter().map(|issue| (issue.number, issue)).collect();
    for update in &plan.updates {
        match change(github, identity, update, &listed, observed_at).await {
            Ok(Changed::Written) => done.moved(update.number, update.state),
            Ok(Changed::Unsaid(fault)) => {
                done.undone.push(format!("#{} has no comment about it: {fault}", update.number));
                done.moved(update.number, update.state);
            }
            Ok(Changed::Overtaken(why)) => {
                done.undone.push(format!("#{} was left as it is: {why}", update.number));
            }
            Err(fault) => {
                if done.give_up(&format!("#{}", update.number), &fault) {
                    return done;
                }
            }
        }
    }
    for create in &plan.creates {
        match open(github, identity, create).await {
            Ok(number) => done.opened.push(number),
            Err(fault) => {
                if done.give_up(&format!("`{}`", create.title), &fault) {
                    return done;
                }
            }
        }
    }
    if !done.opened.is_empty() {
        match github.newest_issues(&identity.label).await {
            Ok(newest) => converge(github, identity, &newest, &mut done).await,
            Err(fault) => {
                done.give_up("the list of issues", &fault);
            }
        }
    }
    done
}

impl Done {
    /// Says that a plan waits for a run that can keep what it must remember.
    pub fn hold(&mut self, plan: &Plan) {
        if !plan.is_empty() {
            let why = "no issue was opened or changed: the next run could not know what waits";
            self.undone.push(why.to_owned());
        }
    }

    /// Notes a fault; true if the rest would fail by it, too.
    pub fn give_up(&mut self, what: &str, fault: &Fault) -> bool {
        self.undone.push(format!("{what}: {fault}"));
        let hopeless = matches!(fault, Fault::Denied(_) | Fault::Gone(_) | Fault::Limited { .. });
        self.denied |= matches!(fault, Fault::Denied(_) | Fault::Gone(_));
        hopeless
    }
}

enum Changed {
    Written,
    /// Written, without the comment.
    Unsaid(Fault),
    Overtaken(&'static str),
}

async fn change(
    github: &mut GitHub,
    identity: &Identity,
    update: &Update,
    listed: &BTreeMap<u64, &Issue>,
    observed_at: Timestamp,
) -> Result<Changed, Fault> {
    let now = match github.issue(update.number).await {
        Ok(issue) => issue,
        Err(Fault::Missing | Fault::Gone(_)) => return Ok(Changed::Overtaken("it is gone")),
        Err(fault) => return Err(fault),
    };
    let marker = Marker::of(&now.body);
    if marker.as_ref().is_some_and(|m| m.observed_at >= observed_at) && update.why != Why::Duplicate
    {
        return Ok(Changed::Overtaken("a later run has written it"));
    }
    let was = listed.get(&update.number);
    if was.is_some_and(|was| was.state != now.state || was.body != now.body) {
        return Ok(Changed::Overtaken("it was changed meanwhile"));
    }
    // Said first: if it ends here, the next run finds it said, and does the rest.
    let mut unsaid = None;
    if let Some(comment) = &update.comment
        && !github.has_comment(update.number, &identity.author, comment).await?
    {
        match github.comment(update.number, &identity.author, comment).await {
            Ok(()) => {}
            // A conversation that is locked is no reason to leave the state wrong.
            Err(fault @ Fault::Denied(_)) => unsaid = Some(fault),
            Err(fault) => return Err(fault),
        }
    }
    let (title, body) = (update.title.as_deref(), update.body.as_deref());
    github.change_issue(update.number, title, body, update.state).await?;
    if let Some(label) = update.label {
        github.add_label(update.number, label).await?;
    }
    Ok(unsaid.map_or(Changed::Written, Changed::Unsaid))
}

async fn open(github: &mut GitHub, identity: &Identity, create: &Create) -> Result<u64, Fault> {
    let Identity { author, label } = identity;
    let ours = |issue: &Issue| issue.author == *author && issue.body.trim() == create.body.trim();
    github.open_issue(&create.title, &create.body, label, ours).await
}

/// Two runs at once may have opened an issue each: of those of one finding the first stays. What a
/// pull request opened is told from what another one did: each is closed by its own end.
async fn converge(github: &mut GitHub, identity: &Identity, newest: &[Issue], done: &mut Done) {
    let mut by_id: BTreeMap<(FindingId, Option<u64>), BTreeSet<u64>> = BTreeMap::new();
    let open =
        newest.iter().filter(|issue| issue.author == identity.author && issue.state == State::Open);
    for issue in open {
        if let Some(marker) = Marker::of(&issue.body) {
            by_id.entry((marker.id, marker.pull)).or_default().insert(issue.number);
        }
    }
    for number in by_id.into_values().flat_map(|numbers| numbers.into_iter().skip(1)) {
        match github.close_duplicate(number).await {
            Ok(()) => {
                done.opened.retain(|opened| *opened != number);
                done.closed.push(number);
            }
            Err(fault) => {
                done.give_up(&format!("#{number}"), &fault);
            }
        }
    }
}
