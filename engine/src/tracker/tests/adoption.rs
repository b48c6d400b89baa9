//! A repository that has findings when it gets its first run.

use super::silence::silent;
use super::*;

fn grave() -> Repository {
    let limits = Limits { adopt: Adopt::Grave, ..Limits::default() };
    Repository { limits, ..Repository::default() }
}

fn low(name: &str) -> Observation {
    seen(name, fails("one", Severity::Medium))
}

fn high(name: &str) -> Observation {
    seen(name, fails("one", Severity::High))
}

/// Titles are the same: whose they are is told by identity.
fn opened(plan: &Plan) -> Vec<FindingId> {
    plan.creates.iter().map(|create| create.id.clone()).collect()
}

fn ids(observations: &[Observation]) -> Option<BTreeSet<FindingId>> {
    Some(observations.iter().map(|observation| observation.id.clone()).collect())
}

#[test]
fn only_what_is_grave_is_opened_and_the_rest_waits() {
    let mut repository = grave();
    let all = [low("a"), high("b"), low("c")];
    let plan = repository.run(&all);
    assert_eq!(opened(&plan), [all[1].id.clone()]);
    assert_eq!(plan.adopted, ids(&[low("a"), low("c")]));
    assert_eq!(plan.held, [], "nothing that the limit holds");
    for _ in 0..3 {
        let plan = repository.run(&all);
        assert_eq!((plan.is_empty(), plan.adopted), (true, ids(&[low("a"), low("c")])));
    }
}

#[test]
fn what_fails_for_the_first_time_afterwards_is_opened() {
    // There is nothing grave, so that no issue tells of the first run.
    let mut repository = grave();
    assert!(repository.run(&[low("a"), seen("b", passes())]).is_empty());
    let plan = repository.run(&[low("a"), low("b")]);
    assert_eq!(opened(&plan), [low("b").id]);
    assert_eq!(plan.adopted, ids(&[low("a")]));
}

#[test]
fn what_passed_or_became_grave_waits_no_more() {
    let mut repository = grave();
    repository.run(&[low("a"), low("b")]);
    let plan = repository.run(&[seen("a", passes()), high("b")]);
    assert_eq!((opened(&plan), plan.adopted), (vec![high("b").id], ids(&[])));
    assert_eq!(opened(&repository.run(&[low("a"), low("b")])), [low("a").id]);
}

#[test]
fn what_was_not_observed_or_accepted_in_between_still_waits() {
    let until = at("2026-12-01T00:00:00Z");
    for seen_ in [Seen::Unknown, Seen::NotRun, Seen::Waived { by: "w".to_owned(), until }] {
        let mut repository = grave();
        repository.run(&[low("a"), low("b")]);
        assert_eq!(repository.run(&[seen("a", seen_)]).adopted, ids(&[low("a"), low("b")]));
        assert!(repository.run(&[low("a"), low("b")]).is_empty());
    }
}

#[test]
fn another_name_of_the_rule_opens_nothing() {
    let mut repository = grave();
    repository.run(&[low("a"), low("b")]);
    let renamed: IssueKey = "ingest_auth.plaintext".parse().unwrap();
    let new = |name: &str, seen: Seen| formerly(control(&renamed, name, seen), &[rule()]);
    let now = [new("a", fails("one", Severity::Low)), new("b", Seen::Unknown)];
    for _ in 0..2 {
        let plan = repository.run(&now);
        assert_eq!((plan.is_empty(), plan.adopted), (true, ids(&now)));
    }
}

#[test]
fn adoption_begins_with_the_first_run_that_observes_anything() {
    let mut repository = grave();
    let plan = repository.run(&[seen("a", Seen::Unknown), seen("b", Seen::NotRun)]);
    assert_eq!(plan.adopted, None);
    assert!(repository.run(&[low("a"), low("b")]).is_empty());
}

#[test]
fn an_issue_that_says_that_nothing_was_observed_adopts_nothing() {
    let mut repository = grave();
    repository.run(&[seen("a", Seen::Unknown)]);
    let long = silent("2026-11-01T10:00:00Z", &["timeout"]);
    assert_eq!(repository.look(&long, at("2026-11-21T12:00:00Z")), [Why::New]);
    let plan = repository.run(&[low("a")]);
    assert_eq!((plan.is_empty(), plan.adopted), (true, ids(&[low("a")])));
}

#[test]
fn a_repository_with_issues_of_the_default_branch_was_adopted_before() {
    let mut repository = grave();
    repository.run(&[high("a")]);
    repository.adopted = None;
    assert_eq!(opened(&repository.run(&[high("a"), low("b")])), [low("b").id]);
    // A pull request's issue adopts nothing, and what it brought is new.
    let mut repository = grave();
    let scope = Scope::Pull { number: 7, brought: ids(&[low("a")]).unwrap() };
    let terms = repository.next();
    let plan = repository.plan_in(&[low("a"), low("b")], terms, &scope);
    assert_eq!((opened(&plan), &plan.adopted), (vec![low("a").id], &None));
    repository.apply(&plan);
    assert!(repository.run(&[low("b")]).is_empty());
    // Nor does a pull request forget what waits.
    let terms = repository.next();
    assert_eq!(repository.plan_in(&[], terms, &scope).adopted, ids(&[low("b")]));
}

#[test]
fn whoever_wants_everything_gets_what_waited() {
    let mut repository = grave();
    repository.run(&[low("a")]);
    repository.limits.adopt = Adopt::Everything;
    let plan = repository.run(&[low("a")]);
    assert_eq!((plan.creates.len(), plan.adopted), (1, ids(&[])));
}

#[test]
fn what_the_limit_holds_does_not_wait_for_a_pass() {
    let mut repository = grave();
    repository.limits.new = 1;
    let all = [high("a"), high("b"), low("c")];
    let plan = repository.run(&all);
    assert_eq!((plan.creates.len(), plan.held.len()), (1, 1));
    assert_eq!((plan.adopted), ids(&[low("c")]));
    assert_eq!(repository.run(&all).creates.len(), 1);
}
