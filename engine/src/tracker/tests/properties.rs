//! What holds of every history of runs and of people.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::TargetMarker;
use super::super::brake::evaluated;
use super::super::unobserved::Sight;
use super::silence::silent;
use super::*;

/// What happens to a repository.
#[derive(Debug, Clone)]
enum Step {
    /// A run sees this of each of the findings.
    Run(Vec<Seen>),
    /// Somebody closes an issue, if there is one of that number.
    Close(u64, Reason),
    /// Somebody opens it again.
    Open(u64),
    /// Somebody takes or spoils its marker.
    Lose(u64, Spoilt),
    /// Somebody opens an issue with the title and the body of that one.
    Forge(u64),
    /// A rule gets another name.
    Rename(usize),
}

/// What is left of a marker.
#[derive(Debug, Clone, Copy)]
enum Spoilt {
    Nothing,
    Half,
    Twice,
}

/// The controls: rule and endpoint. Two of one rule are not told apart by a title.
const CONTROLS: [(usize, &str); 4] = [(0, "e0"), (0, "e1"), (1, "e2"), (2, "e3")];
/// Names that a rule may have, one after the other.
const NAMES: usize = 3;

fn name(rule: usize, names: usize) -> IssueKey {
    format!("ingest_auth.rule_{rule}_{names}").parse().unwrap()
}

/// How often each rule has been renamed.
type Names = [usize; 3];

fn observations(seen: &[Seen], names: Names) -> Vec<Observation> {
    let observation = |((rule, endpoint), seen): (&(usize, &str), &Seen)| {
        let earlier: Vec<_> = (0..names[*rule]).map(|at| name(*rule, at)).collect();
        formerly(control(&name(*rule, names[*rule]), endpoint, seen.clone()), &earlier)
    };
    CONTROLS.iter().zip(seen).map(observation).collect()
}

/// The control that has or had an identity.
fn control_of(id: &FindingId) -> usize {
    static CONTROL: LazyLock<BTreeMap<FindingId, usize>> = LazyLock::new(|| {
        let named = |at: usize, names: usize| {
            let (rule, endpoint) = CONTROLS[at];
            (control(&name(rule, names), endpoint, Seen::NotRun).id, at)
        };
        (0..CONTROLS.len()).flat_map(|at| (0..NAMES).map(move |names| named(at, names))).collect()
    });
    CONTROL[id]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let severity = prop_oneof![Just(Severity::Low), Just(Severity::High), Just(Severity::Critical)];
    let until = at("2026-12-01T00:00:00Z");
    prop_oneof![
        3 => (prop_oneof![Just("one"), Just("two")], severity).prop_map(|(e, s)| fails(e, s)),
        3 => Just(passes()),
        2 => Just(Seen::Unknown),
        1 => Just(Seen::NotRun),
        1 => Just(Seen::Waived { by: "w".to_owned(), until }),
        1 => Just(Seen::Retired),
    ]
}

fn any_run() -> impl Strategy<Value = Vec<Seen>> {
    prop::collection::vec(any_seen(), CONTROLS.len())
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![Just(Reason::Completed), Just(Reason::NotPlanned), Just(Reason::Duplicate)]
}

fn any_spoilt() -> impl Strategy<Value = Spoilt> {
    prop_oneof![Just(Spoilt::Nothing), Just(Spoilt::Half), Just(Spoilt::Twice)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let number = 1..=5_u64;
    prop_oneof![
        8 => any_run().prop_map(Step::Run),
        1 => (number.clone(), any_reason()).prop_map(|(number, reason)| Step::Close(number, reason)),
        1 => number.clone().prop_map(Step::Open),
        1 => (number.clone(), any_spoilt()).prop_map(|(number, how)| Step::Lose(number, how)),
        1 => number.prop_map(Step::Forge),
        1 => (0..3_usize).prop_map(Step::Rename),
    ]
}

fn any_adopt() -> impl Strategy<Value = Adopt> {
    prop_oneof![Just(Adopt::Everything), Just(Adopt::Grave)]
}

impl Repository {
    /// What somebody does, if there is an issue of that number.
    fn suffer(&mut self, step: &Step) {
        let (Step::Close(number, _)
        | Step::Open(number)
        | Step::Lose(number, _)
        | Step::Forge(number)) = step
        else {
            return;
        };
        let Some(issue) = self.issues.get(number).cloned() else { return };
        match step {
            Step::Close(_, reason) => self.close(*number, *reason),
            Step::Open(_) => self.issues.get_mut(number).unwrap().state = State::Open,
            Step::Lose(_, Spoilt::Nothing) => self.lose(*number),
            Step::Lose(_, how) => {
                let line = issue.body.lines().last().unwrap_or_default().to_owned();
                let body = &mut self.issues.get_mut(number).unwrap().body;
                *body = match how {
                    Spoilt::Twice => format!("{}\n{line}\n", issue.body),
                    Spoilt::Half | Spoilt::Nothing => {
                        issue.body.replace(&line[line.len() / 2..], "")
                    }
                };
            }
            Step::Forge(_) => {
                self.open(&issue.title, &issue.body, "mallory");
            }
            Step::Run(_) | Step::Rename(_) => {}
        }
    }

    fn without_forgeries(&self) -> Self {
        let mut honest = self.clone();
        honest.issues.retain(|_, issue| issue.author == US);
        honest
    }

    /// States of the issues that were opened for a control.
    fn states(&self, control: usize) -> Vec<State> {
        let own = self.about.iter().filter(|(_, id)| control_of(id) == control);
        own.map(|(number, _)| self.state(*number)).collect()
    }

    /// Whether a control has an issue with a marker.
    fn is_marked(&self, control: usize) -> bool {
        let markers = self.about.keys().filter_map(|number| Marker::of(&self.issues[number].body));
        markers.into_iter().any(|marker| control_of(&marker.id) == control)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_history_keeps_the_rules(
        steps in prop::collection::vec(any_step(), 1..32),
        resolve_after in 1..4_u32,
        adopt in any_adopt(),
        evaluated_before in 0..3_u32,
    ) {
        let evaluated_before = BTreeMap::from([(target(), evaluated_before)]);
        let limits = Limits { adopt, evaluated_before, ..Limits::default() };
        let mut repository = Repository { limits, ..Repository::default() };
        let mut names: Names = [0; 3];
        for step in steps {
            repository.suffer(&step);
            match step {
                Step::Rename(rule) => names[rule] = (names[rule] + 1).min(NAMES - 1),
                Step::Run(seen) => {
                    let all = observations(&seen, names);
                    let terms = Terms { resolve_after, ..repository.next() };
                    let before = repository.clone();
                    let plan = repository.plan(&all, terms);
                    // In any order the same, and whatever others have written.
                    let reversed: Vec<_> = all.iter().rev().cloned().collect();
                    prop_assert_eq!(&repository.plan(&reversed, terms), &plan);
                    prop_assert_eq!(&repository.without_forgeries().plan(&all, terms), &plan);
                    repository.apply(&plan);
                    // Done twice, nothing is done the second time.
                    let again = repository.plan(&all, terms);
                    prop_assert!(again.is_empty(), "{:#?}", again);
                    prop_assert_eq!(&again.adopted, &plan.adopted);
                    keeps_one_issue_of_each(&repository, &plan)?;
                    for (at, what) in seen.iter().enumerate() {
                        changes_what_it_may(what, &before.states(at), &repository.states(at))?;
                    }
                    let least = repository.limits.evaluated_before[&target()];
                    if evaluated(&all).get(&target()).unwrap_or(&0) < &least {
                        let closes = |u: &Update| u.why == Why::Resolved && u.state.is_some();
                        prop_assert!(!plan.updates.iter().any(closes));
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn what_waits_since_adoption_is_opened_when_it_passed_or_is_grave(
        steps in prop::collection::vec((any_run(), prop::option::weighted(0.2, 0..3_usize)), 1..16),
    ) {
        let limits = Limits { adopt: Adopt::Grave, ..Limits::default() };
        let mut repository = Repository { limits, ..Repository::default() };
        let mut names: Names = [0; 3];
        let mut waiting: Option<BTreeSet<usize>> = None;
        for (seen, renamed) in steps {
            if let Some(rule) = renamed {
                names[rule] = (names[rule] + 1).min(NAMES - 1);
            }
            let grave = |at: &usize| {
                matches!(&seen[*at], Seen::Fail(failing) if failing.severity >= Severity::High)
            };
            let fails = |at: &usize| matches!(&seen[*at], Seen::Fail(_));
            let ends = |at: &usize| matches!(&seen[*at], Seen::Pass { .. } | Seen::Retired);
            let all: BTreeSet<usize> = (0..CONTROLS.len()).collect();
            let next: Option<BTreeSet<usize>> = match &waiting {
                None if !seen.iter().any(Seen::is_conclusive) => None,
                None => Some(all.iter().copied().filter(|at| fails(at) && !grave(at)).collect()),
                Some(waiting) => {
                    Some(waiting.iter().copied().filter(|at| !ends(at) && !grave(at)).collect())
                }
            };
            let held = next.clone().unwrap_or_default();
            let expected: BTreeSet<usize> = all
                .into_iter()
                .filter(|at| fails(at) && !held.contains(at) && repository.states(*at).is_empty())
                .collect();
            let plan = repository.run(&observations(&seen, names));
            let opened: BTreeSet<usize> =
                plan.creates.iter().map(|create| control_of(&create.id)).collect();
            prop_assert_eq!(opened, expected);
            let adopted: Option<BTreeSet<usize>> =
                plan.adopted.map(|ids| ids.iter().map(control_of).collect());
            prop_assert_eq!(&adopted, &next);
            waiting = next;
        }
    }

    #[test]
    fn a_silent_target_has_one_issue_that_nobody_is_fought_over(
        steps in prop::collection::vec(any_look(), 1..32),
    ) {
        let mut repository = Repository::default();
        repository.run(&[seen("ingest", fails("one", Severity::High))]);
        let start = at("2026-11-21T10:00:00Z");
        let mut since = None;
        // Somebody closed it, and nothing was observed afterwards.
        let mut closed = false;
        for (at, step) in steps.into_iter().enumerate() {
            let now = start + SignedDuration::from_hours(24 * i64::try_from(at).unwrap());
            let step = match step {
                Look::Person(step) => {
                    repository.suffer(&step);
                    closed = match step {
                        Step::Close(number, _) => closed || repository.is_silent(number),
                        Step::Open(number) => closed && !repository.is_about_target(number),
                        _ => closed,
                    };
                    continue;
                }
                Look::Observed => Sight::Observed,
                Look::NotRun => Sight::NotRun,
                Look::Silent(why) => {
                    let since = since.unwrap_or(now);
                    let Sight::Unobserved { reasons, .. } = silent("2026-11-01T10:00:00Z", &[why])
                    else { unreachable!() };
                    Sight::Unobserved { since, reasons }
                }
            };
            since = step.since(since);
            let before = repository.clone();
            let steps = repository.sees(&step, now);
            prop_assert_eq!(&repository.without_forgeries().sees(&step, now), &steps);
            let done = repository.take(&steps);
            prop_assert_eq!(repository.sees(&step, now), []);
            prop_assert_eq!(repository.issues.get(&1), before.issues.get(&1));
            let ours: Vec<u64> = repository.issues.keys().copied()
                .filter(|number| repository.is_about_target(*number)).collect();
            prop_assert!(ours.len() <= 1, "{:?}", ours);
            let is_open = |repository: &Repository| ours.iter().any(|number| {
                repository.issues.get(number).is_some_and(|issue| issue.state == State::Open)
            });
            match step {
                Sight::NotRun => prop_assert_eq!(done, []),
                Sight::Observed => {
                    prop_assert!(!is_open(&repository) || is_open(&before));
                    // What was only recovered counts as left open still.
                    closed = closed && done == [Why::Recovered];
                }
                Sight::Unobserved { since, .. } => {
                    prop_assert!(is_open(&repository) || !is_open(&before));
                    prop_assert!(!closed || !is_open(&repository));
                    if is_open(&repository) && !is_open(&before) {
                        prop_assert!(now.duration_since(since) > SignedDuration::from_hours(72));
                    }
                }
            }
        }
    }
}

/// No finding ever gets a second issue, lost markers or not, and what can be recovered is.
fn keeps_one_issue_of_each(repository: &Repository, plan: &Plan) -> Result<(), TestCaseError> {
    prop_assert!(repository.open_by_id().values().all(|open| *open == 1));
    let about: Vec<usize> = repository.about.values().map(control_of).collect();
    let distinct: BTreeSet<&usize> = about.iter().collect();
    prop_assert_eq!(distinct.len(), about.len(), "{:?}", about);
    let mut unreadable = Vec::new();
    for (number, id) in &repository.about {
        match Marker::of(&repository.issues[number].body) {
            Some(marker) => prop_assert_eq!(control_of(&marker.id), control_of(id)),
            None => {
                unreadable.push(*number);
                let (rule, _) = CONTROLS[control_of(id)];
                let fits = (0..CONTROLS.len())
                    .filter(|at| CONTROLS[*at].0 == rule && !repository.is_marked(*at));
                prop_assert!(fits.count() > 1, "issue {} can be of one only", number);
            }
        }
    }
    prop_assert_eq!(&plan.unreadable, &unreadable);
    Ok(())
}

fn changes_what_it_may(
    seen: &Seen,
    before: &[State],
    after: &[State],
) -> Result<(), TestCaseError> {
    let open = |states: &[State]| states.iter().filter(|state| **state == State::Open).count();
    match seen {
        // What is not known changes no state.
        Seen::Unknown | Seen::NotRun => prop_assert_eq!(before, after),
        // What passes opens nothing.
        Seen::Pass { .. } | Seen::Waived { .. } | Seen::Retired => {
            prop_assert!(open(after) <= open(before));
        }
        // What fails closes nothing.
        Seen::Fail(_) => {
            for (old, new) in before.iter().zip(after) {
                prop_assert!(*old != State::Open || *new == State::Open);
            }
        }
    }
    Ok(())
}

/// What happens to a target and to its issue.
#[derive(Debug, Clone)]
enum Look {
    Observed,
    NotRun,
    Silent(&'static str),
    Person(Step),
}

fn any_look() -> impl Strategy<Value = Look> {
    let number = 1..=3_u64;
    let person = prop_oneof![
        2 => (number.clone(), any_reason()).prop_map(|(number, reason)| Step::Close(number, reason)),
        1 => number.clone().prop_map(Step::Open),
        1 => (2..=3_u64, any_spoilt()).prop_map(|(number, how)| Step::Lose(number, how)),
        1 => number.prop_map(Step::Forge),
    ];
    prop_oneof![
        1 => Just(Look::Observed),
        1 => Just(Look::NotRun),
        6 => prop_oneof![Just("timeout"), Just("refused")].prop_map(Look::Silent),
        2 => person.prop_map(Look::Person),
    ]
}

impl Repository {
    /// True for the issue of a target of which nothing was observed since it was opened.
    fn is_silent(&self, number: u64) -> bool {
        let marker = self.issues.get(&number).map(|issue| TargetMarker::of(&issue.body));
        let observed = marker.flatten().is_some_and(|marker| marker.observed);
        self.is_about_target(number) && !observed
    }

    fn is_about_target(&self, number: u64) -> bool {
        self.issues.get(&number).is_some_and(|issue| {
            issue.author == US && issue.title.starts_with("Target not observed")
        })
    }
}
