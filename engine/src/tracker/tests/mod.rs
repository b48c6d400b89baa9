//! A repository in memory, and what plans do to it.

mod adoption;
mod names;
mod properties;
mod recovery;
mod rows;
mod silence;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use model::{Digest, FindingId, IssueKey, Severity, Subject, TargetKey};

use super::adopt::Adopt;
use super::decide::Terms;
use super::footer::Report;
use super::marker::unmarked;
use super::plan::{Limits, Plan, Scope, plan};
use super::words::title;
use super::{Earlier, Failing, Issue, Left, Marker, Observation, Reason, Seen, State, Update, Why};

/// Who we write as.
pub(super) const US: &str = "plumbline[bot]";

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn target() -> TargetKey {
    TargetKey("plant/gateway".to_owned())
}

pub(super) fn rule() -> IssueKey {
    "ingest_auth.insecure_transport".parse().unwrap()
}

pub(super) fn evidence(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

pub(super) fn id(subject: &Subject) -> FindingId {
    FindingId::new(&target(), &rule(), subject)
}

pub(super) fn marker(observed_at: &str) -> Marker {
    let subject = Subject::endpoint("ingest");
    Marker {
        id: id(&subject),
        target: target(),
        rule: rule(),
        subject,
        left: Left::Open,
        severity: Severity::High,
        episode: 1,
        first_seen: at(observed_at),
        observed_at: at(observed_at),
        evidence: Some(evidence("one")),
        passes: 0,
        reopened: 0,
        pull: None,
    }
}

pub(super) fn seen(name: &str, seen: Seen) -> Observation {
    control(&rule(), name, seen)
}

/// What is seen of a rule on an endpoint; a failure gets the title that it has by that rule.
pub(super) fn control(rule: &IssueKey, name: &str, mut seen: Seen) -> Observation {
    let (target, subject) = (target(), Subject::endpoint(name));
    if let Seen::Fail(failing) = &mut seen {
        failing.title = title(&target, rule, "telemetry goes in the clear");
    }
    let id = FindingId::new(&target, rule, &subject);
    Observation { id, earlier: Vec::new(), target, rule: rule.clone(), subject, seen }
}

/// The same control, whose rule had these names before.
pub(super) fn formerly(observation: Observation, names: &[IssueKey]) -> Observation {
    let Observation { target, subject, .. } = &observation;
    let earlier = names
        .iter()
        .map(|rule| Earlier { rule: rule.clone(), id: FindingId::new(target, rule, subject) })
        .collect();
    Observation { earlier, ..observation }
}

pub(super) fn why(plan: &Plan) -> Vec<Why> {
    plan.updates.iter().map(|update| update.why).collect()
}

pub(super) fn fails(evidence_: &str, severity: Severity) -> Seen {
    Seen::Fail(Failing {
        severity,
        evidence: evidence(evidence_),
        title: String::new(),
        body: format!("Observed: {evidence_}"),
    })
}

pub(super) fn passes() -> Seen {
    Seen::Pass { evidence: evidence("pass") }
}

/// The issues of a repository, changed by plans and by people.
#[derive(Debug, Clone, Default)]
pub(super) struct Repository {
    pub issues: BTreeMap<u64, Issue>,
    /// Comments, by issue.
    pub comments: Vec<(u64, String)>,
    /// The finding that each issue was opened for.
    pub about: BTreeMap<u64, FindingId>,
    /// What bounds the plans.
    pub limits: Limits,
    /// What the caller of the plans keeps.
    pub adopted: Option<BTreeSet<FindingId>>,
    runs: i64,
}

impl Repository {
    /// The time of the next run.
    pub fn next(&mut self) -> Terms {
        self.runs += 1;
        let observed_at = at("2026-11-21T10:00:00Z") + SignedDuration::from_hours(self.runs);
        Terms { observed_at, resolve_after: 1 }
    }

    pub fn plan(&self, observations: &[Observation], terms: Terms) -> Plan {
        self.plan_in(observations, terms, &Scope::Default { merged: BTreeSet::new() })
    }

    pub fn plan_in(&self, observations: &[Observation], terms: Terms, scope: &Scope) -> Plan {
        let issues: Vec<Issue> = self.issues.values().cloned().collect();
        let before = self.adopted.as_ref();
        let mut plan = plan(observations, &issues, US, scope, |_| terms, &self.limits, before);
        // Each run has another report, and is as silent as if it had none.
        let page =
            format!("https://github.example/o/r/actions/runs/{}", terms.observed_at.as_second());
        plan.tell(|_| Report::page(&page));
        plan
    }

    /// A run of the default branch; what it planned and did.
    pub fn run(&mut self, observations: &[Observation]) -> Plan {
        let terms = self.next();
        let plan = self.plan(observations, terms);
        self.apply(&plan);
        plan
    }

    pub fn apply(&mut self, plan: &Plan) {
        self.adopted.clone_from(&plan.adopted);
        for create in &plan.creates {
            let number = self.open(&create.title, &create.body, US);
            self.about.insert(number, create.id.clone());
        }
        for update in &plan.updates {
            self.update(update);
        }
    }

    pub fn open(&mut self, title: &str, body: &str, author: &str) -> u64 {
        let number = self.issues.keys().last().map_or(1, |last| last + 1);
        let issue = Issue {
            number,
            state: State::Open,
            title: title.to_owned(),
            body: body.to_owned(),
            labels: BTreeSet::from(["plumbline".to_owned()]),
            author: author.to_owned(),
        };
        self.issues.insert(number, issue);
        number
    }

    fn update(&mut self, update: &Update) {
        let issue = self.issues.get_mut(&update.number).unwrap();
        if let Some(title) = &update.title {
            issue.title.clone_from(title);
        }
        if let Some(body) = &update.body {
            issue.body.clone_from(body);
        }
        if let Some(state) = update.state {
            issue.state = state;
        }
        issue.labels.extend(update.label.map(str::to_owned));
        if let Some(comment) = &update.comment {
            self.comments.push((update.number, comment.clone()));
        }
    }

    /// Somebody closes an issue.
    pub fn close(&mut self, number: u64, reason: Reason) {
        self.issues.get_mut(&number).unwrap().state = State::Closed(Some(reason));
    }

    /// Somebody takes the marker out of an issue.
    pub fn lose(&mut self, number: u64) {
        let issue = self.issues.get_mut(&number).unwrap();
        issue.body = unmarked(&issue.body);
    }

    pub fn state(&self, number: u64) -> State {
        self.issues[&number].state
    }

    pub fn marker(&self, number: u64) -> Marker {
        Marker::of(&self.issues[&number].body).unwrap()
    }

    /// Open issues of ours of each finding.
    pub fn open_by_id(&self) -> BTreeMap<FindingId, usize> {
        let mut open = BTreeMap::new();
        let ours = self.issues.values().filter(|issue| issue.author == US);
        for issue in ours.filter(|issue| issue.state == State::Open) {
            if let Some(marker) = Marker::of(&issue.body) {
                *open.entry(marker.id).or_default() += 1;
            }
        }
        open
    }
}

/// A finding as a run has it.
pub(super) fn finding() -> model::assessment::Finding {
    let subject = Subject::endpoint("ingest");
    serde_json::from_value(serde_json::json!({
        "id": id(&subject),
        "key": rule(),
        "rule_version": 1,
        "subject": subject,
        "severity": "high",
        "domain": "Data Protection",
        "title": "Telemetry goes in the clear",
        "what": "`endpoint/ingest` answers over plain HTTP.",
        "why": "Whoever is on the way reads and changes what is sent.",
        "observed": ["scheme is http"],
        "expected": ["scheme is https"],
        "evidence": evidence("one"),
        "pointers": ["/transport/tls"],
        "remediation": {
            "action": "Serve the ingest over HTTPS only",
            "text": "Put a certificate on the listener, and close the plain one.",
            "snippet": "listen 8443 ssl;",
            "owner": "ingest",
        },
        "acceptance": ["`/transport/tls` is `true`"],
        "verify": "plumb run -f target.yaml --check ingest_auth",
        "standards": [{ "framework": "RFC", "edition": "9325", "clause": "3.2" }],
        "references": [],
        "says": { "opinion": "o", "exposed": "e", "first": "f", "solid": "s" },
    }))
    .unwrap()
}
