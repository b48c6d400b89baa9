//! What holds of every history of runs and of people.

use proptest::prelude::*;

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
}

const FINDINGS: usize = 4;

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

fn any_step() -> impl Strategy<Value = Step> {
    let reason =
        prop_oneof![Just(Reason::Completed), Just(Reason::NotPlanned), Just(Reason::Duplicate)];
    prop_oneof![
        6 => prop::collection::vec(any_seen(), FINDINGS).prop_map(Step::Run),
        1 => (1..=4_u64, reason).prop_map(|(number, reason)| Step::Close(number, reason)),
        1 => (1..=4_u64).prop_map(Step::Open),
    ]
}

fn observations(seen_: &[Seen]) -> Vec<Observation> {
    seen_.iter().enumerate().map(|(at, what)| seen(&format!("e{at}"), what.clone())).collect()
}

proptest! {
    #[test]
    fn every_history_keeps_the_rules(
        steps in prop::collection::vec(any_step(), 1..24),
        resolve_after in 1..4_u32,
    ) {
        let mut repository = Repository::default();
        for step in steps {
            match step {
                Step::Close(number, reason) => {
                    if repository.issues.contains_key(&number) {
                        repository.close(number, reason);
                    }
                }
                Step::Open(number) => {
                    if let Some(issue) = repository.issues.get_mut(&number) {
                        issue.state = State::Open;
                    }
                }
                Step::Run(seen_) => {
                    let all = observations(&seen_);
                    let terms = Terms { resolve_after, ..repository.next() };
                    let before = repository.clone();
                    let plan = repository.plan(&all, terms);
                    // In any order the same.
                    let reversed: Vec<_> = all.iter().rev().cloned().collect();
                    prop_assert_eq!(&repository.plan(&reversed, terms), &plan);
                    repository.apply(&plan);
                    // Done twice, nothing is done the second time.
                    prop_assert!(repository.plan(&all, terms).is_empty());
                    // At most one open issue of each finding.
                    prop_assert!(repository.open_by_id().values().all(|open| *open == 1));
                    for (at, what) in seen_.iter().enumerate() {
                        let id = id(&Subject::endpoint(&format!("e{at}")));
                        let of = |repository: &Repository| -> Vec<State> {
                            let issues = repository.issues.values();
                            let own = issues.filter(|issue| Marker::of(&issue.body).unwrap().id == id);
                            own.map(|issue| issue.state).collect()
                        };
                        match what {
                            // What is not known changes no state.
                            Seen::Unknown | Seen::NotRun => {
                                prop_assert_eq!(of(&before), of(&repository));
                            }
                            // What passes opens nothing.
                            Seen::Pass { .. } | Seen::Waived { .. } | Seen::Retired => {
                                let open = |states: Vec<State>| {
                                    states.iter().filter(|state| **state == State::Open).count()
                                };
                                prop_assert!(open(of(&repository)) <= open(of(&before)));
                            }
                            // What fails closes nothing.
                            Seen::Fail(_) => {
                                for (old, new) in of(&before).iter().zip(of(&repository)) {
                                    prop_assert!(*old != State::Open || new == State::Open);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
