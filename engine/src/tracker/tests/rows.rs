//! Each row of the state machine.

use std::collections::BTreeSet;

use super::super::brake::evaluated;
use super::super::{REGRESSED, RETIRED, WAIVED};
use super::*;

/// A repository whose issue 1 is open since a run.
fn failing() -> Repository {
    let mut repository = Repository::default();
    let plan = repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!((plan.creates.len(), plan.updates.len()), (1, 0));
    repository
}

/// The same, closed since it passed.
fn resolved() -> Repository {
    let mut repository = failing();
    assert_eq!(why(&repository.run(&[seen("ingest", passes())])), [Why::Resolved]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::Completed)));
    repository
}

#[test]
fn what_persists_is_silent_and_what_changed_is_one_request() {
    let mut repository = failing();
    assert!(repository.run(&[seen("ingest", fails("one", Severity::High))]).is_empty());
    let changed = repository.run(&[seen("ingest", fails("two", Severity::High))]);
    assert_eq!(why(&changed), [Why::Changed]);
    assert!(repository.comments.is_empty());
    let worse = repository.run(&[seen("ingest", fails("two", Severity::Critical))]);
    assert_eq!(why(&worse), [Why::Changed]);
    assert_eq!(repository.comments.len(), 1, "people hear that it is worse");
}

#[test]
fn only_enough_passes_in_a_row_close() {
    let mut repository = failing();
    let mut run = |seen_: Seen| {
        let terms = Terms { resolve_after: 2, ..repository.next() };
        let plan = repository.plan(&[seen("ingest", seen_)], terms);
        repository.apply(&plan);
        (why(&plan), repository.state(1))
    };
    assert_eq!(run(passes()), (vec![Why::Passing], State::Open));
    // A failure in between begins the count anew.
    assert_eq!(run(fails("one", Severity::High)), (vec![Why::Changed], State::Open));
    assert_eq!(run(passes()), (vec![Why::Passing], State::Open));
    // What could not be observed neither counts nor begins anew.
    assert_eq!(run(Seen::Unknown), (vec![], State::Open));
    let done = State::Closed(Some(Reason::Completed));
    assert_eq!(run(passes()), (vec![Why::Resolved], done));
    assert_eq!(run(passes()), (vec![], done));
}

#[test]
fn what_comes_again_reopens_the_same_issue_with_its_evidence() {
    let mut repository = resolved();
    let plan = repository.run(&[seen("ingest", fails("two", Severity::High))]);
    assert_eq!(why(&plan), [Why::Regressed]);
    assert_eq!(repository.state(1), State::Open);
    assert_eq!(repository.marker(1).episode, 2);
    assert!(repository.issues[&1].labels.contains(REGRESSED));
    let (_, comment) = &repository.comments[0];
    assert!(comment.contains(evidence("two").short()), "{comment}");
    assert!(repository.run(&[seen("ingest", fails("two", Severity::High))]).is_empty());
}

#[test]
fn what_was_not_observed_or_not_run_changes_nothing() {
    for seen_ in [Seen::Unknown, Seen::NotRun] {
        for mut repository in [failing(), resolved()] {
            assert!(repository.run(&[seen("ingest", seen_.clone())]).is_empty());
        }
    }
    let mut repository = failing();
    assert!(repository.run(&[]).is_empty(), "an empty report closes nothing");
}

#[test]
fn a_waiver_closes_and_its_end_opens_again() {
    let mut repository = failing();
    let until = at("2026-12-01T00:00:00Z");
    let waived = Seen::Waived { by: "plain-until-december".to_owned(), until };
    assert_eq!(why(&repository.run(&[seen("ingest", waived.clone())])), [Why::Waived]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::NotPlanned)));
    assert!(repository.issues[&1].labels.contains(WAIVED));
    assert!(repository.run(&[seen("ingest", waived)]).is_empty());
    let ended = repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!(why(&ended), [Why::WaiverEnded]);
    assert_eq!((repository.state(1), repository.marker(1).episode), (State::Open, 1));
}

#[test]
fn a_waiver_that_ends_on_what_passes_leaves_it_closed() {
    let mut repository = failing();
    let until = at("2026-12-01T00:00:00Z");
    repository.run(&[seen("ingest", Seen::Waived { by: "w".to_owned(), until })]);
    repository.run(&[seen("ingest", passes())]);
    assert_eq!(repository.marker(1).left, Left::Resolved);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::NotPlanned)));
    let again = repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!(why(&again), [Why::Regressed]);
}

#[test]
fn what_somebody_does_not_plan_to_do_stays_closed_until_it_passed_or_is_worse() {
    for reason in [Reason::NotPlanned, Reason::Duplicate] {
        let mut repository = failing();
        repository.close(1, reason);
        let plan = repository.run(&[seen("ingest", fails("two", Severity::High))]);
        assert!(plan.is_empty());
        assert_eq!(plan.respected, [1]);
        let mut worse = repository.clone();
        let plan = worse.run(&[seen("ingest", fails("two", Severity::Critical))]);
        assert_eq!((why(&plan), worse.state(1)), (vec![Why::StillFailing], State::Open));
        repository.run(&[seen("ingest", passes())]);
        let plan = repository.run(&[seen("ingest", fails("two", Severity::High))]);
        assert_eq!(why(&plan), [Why::Regressed]);
    }
}

#[test]
fn what_somebody_closed_as_done_is_shown_once_that_it_is_not() {
    let mut repository = failing();
    repository.close(1, Reason::Completed);
    let failing = [seen("ingest", fails("one", Severity::High))];
    assert_eq!(why(&repository.run(&failing)), [Why::StillFailing]);
    assert_eq!((repository.state(1), repository.comments.len()), (State::Open, 1));
    repository.close(1, Reason::Completed);
    let plan = repository.run(&failing);
    assert!(plan.is_empty(), "nobody is fought with");
    assert_eq!(plan.respected, [1]);
}

#[test]
fn what_somebody_opened_again_although_it_passes_stays_open() {
    let mut repository = resolved();
    repository.issues.get_mut(&1).unwrap().state = State::Open;
    assert!(repository.run(&[seen("ingest", passes())]).is_empty());
    repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!(repository.marker(1).left, Left::Open);
}

#[test]
fn another_name_of_the_rule_keeps_the_issue() {
    let mut repository = failing();
    let old = seen("ingest", fails("one", Severity::High));
    let renamed: IssueKey = "ingest_auth.plaintext".parse().unwrap();
    let new = formerly(control(&renamed, "ingest", old.seen.clone()), &[old.rule]);
    let plan = repository.run(std::slice::from_ref(&new));
    assert_eq!((why(&plan), plan.creates.len()), (vec![Why::Changed], 0));
    assert_eq!((repository.marker(1).rule, repository.marker(1).id), (renamed, new.id.clone()));
    assert!(repository.run(&[new]).is_empty());
}

#[test]
fn a_retired_rule_closes_and_one_that_is_missing_does_not() {
    let mut repository = failing();
    assert_eq!(why(&repository.run(&[seen("ingest", Seen::Retired)])), [Why::Retired]);
    assert_eq!(repository.state(1), State::Closed(Some(Reason::NotPlanned)));
    assert!(repository.issues[&1].labels.contains(RETIRED));
    repository.issues.get_mut(&1).unwrap().state = State::Open;
    let again = repository.run(&[seen("ingest", Seen::Retired)]);
    assert!(again.is_empty(), "whoever opens it again wants it open");
}

#[test]
fn a_run_that_was_overtaken_changes_nothing() {
    let mut repository = failing();
    let early = repository.next();
    repository.run(&[seen("ingest", fails("two", Severity::High))]);
    let late = repository.plan(&[seen("ingest", passes())], early);
    assert!(late.is_empty(), "{late:#?}");
}

#[test]
fn a_marker_in_somebody_elses_issue_is_not_ours() {
    let mut repository = failing();
    let forged = repository.issues[&1].body.clone();
    repository.issues.clear();
    repository.open("[ingest_auth.insecure_transport] gateway", &forged, "mallory");
    let plan = repository.run(&[seen("ingest", passes())]);
    assert!(plan.is_empty());
    let plan = repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!(plan.creates.len(), 1);
}

#[test]
fn of_two_issues_of_one_finding_the_first_stays() {
    let mut repository = failing();
    let body = repository.issues[&1].body.clone();
    repository.open("the same", &body, US);
    let plan = repository.run(&[seen("ingest", fails("one", Severity::High))]);
    assert_eq!(why(&plan), [Why::Duplicate]);
    assert_eq!(repository.state(1), State::Open);
    assert_eq!(repository.state(2), State::Closed(Some(Reason::Duplicate)));
}

#[test]
fn more_than_somebody_reads_is_held_and_the_worst_go_first() {
    let mut repository = Repository::default();
    let many: Vec<_> = (0..30)
        .map(|at| {
            let severity = if at % 10 == 0 { Severity::Critical } else { Severity::Low };
            seen(&format!("e{at}"), fails("one", severity))
        })
        .collect();
    let plan = repository.run(&many);
    assert_eq!((plan.creates.len(), plan.held.len()), (10, 20));
    let critical = many
        .iter()
        .filter(|o| matches!(&o.seen, Seen::Fail(f) if f.severity == Severity::Critical));
    let created: BTreeSet<_> = plan.creates.iter().map(|create| &create.id).collect();
    assert!(critical.clone().all(|observation| created.contains(&observation.id)));
    assert_eq!(repository.run(&many).creates.len(), 10, "the next run goes on");
}

#[test]
fn most_of_what_is_open_is_not_closed_at_once_unless_it_is_asked_for() {
    let mut repository = Repository::default();
    let names: Vec<_> = (0..8).map(|at| format!("e{at}")).collect();
    let all = |what: fn() -> Seen| names.iter().map(|name| seen(name, what())).collect::<Vec<_>>();
    repository.run(&all(|| fails("one", Severity::High)));
    let plan = repository.run(&all(passes));
    assert!(plan.is_empty());
    assert_eq!(plan.braked.len(), 8);
    let terms = repository.next();
    let issues: Vec<Issue> = repository.issues.values().cloned().collect();
    let scope = Scope::Default { merged: BTreeSet::new() };
    let limits = Limits { bulk: true, ..Limits::default() };
    assert_eq!(plan_of(&all(passes), &issues, &scope, terms, &limits).updates.len(), 8);
}

#[test]
fn a_target_of_which_less_was_evaluated_than_before_keeps_its_issues_open() {
    let mut repository = failing();
    let passing = [seen("ingest", passes()), seen("broker", Seen::Unknown)];
    assert_eq!(evaluated(&passing), BTreeMap::from([(target(), 1)]));
    repository.limits.evaluated_before = BTreeMap::from([(target(), 2)]);
    let plan = repository.run(&passing);
    assert!(plan.is_empty());
    assert_eq!(plan.braked, [1]);
    let mut bulk = repository.clone();
    bulk.limits.bulk = true;
    assert_eq!(why(&bulk.run(&passing)), [Why::Resolved]);
    // As many as before, and whatever was evaluated of another target.
    let other = TargetKey("plant/other".to_owned());
    repository.limits.evaluated_before = BTreeMap::from([(target(), 1), (other, 9)]);
    assert_eq!(why(&repository.run(&passing)), [Why::Resolved]);
}

fn plan_of(
    observations: &[Observation],
    issues: &[Issue],
    scope: &Scope,
    terms: Terms,
    limits: &Limits,
) -> Plan {
    super::super::plan::plan(observations, issues, US, scope, |_| terms, limits, None)
}

#[test]
fn a_pull_request_opens_what_it_brought_and_closes_nothing_but_its_own() {
    let mut repository = failing();
    let brought = seen("broker", fails("one", Severity::High));
    let scope =
        |ids: &[FindingId]| Scope::Pull { number: 7, brought: ids.iter().cloned().collect() };
    let mut run = |observations: &[Observation], scope: &Scope| {
        let terms = repository.next();
        let plan = repository.plan_in(observations, terms, scope);
        repository.apply(&plan);
        (plan.creates.len(), why(&plan), repository.clone())
    };
    // The first passes in the head: that is said on merge, not before.
    let both = [seen("ingest", passes()), brought.clone()];
    let (created, changed, after) = run(&both, &scope(std::slice::from_ref(&brought.id)));
    assert_eq!((created, changed), (1, vec![]));
    assert_eq!(after.marker(2).pull, Some(7));
    // Another pull request does not see it, nor does the default branch.
    let other = Scope::Pull { number: 8, brought: BTreeSet::new() };
    let fixed = [seen("ingest", passes()), seen("broker", passes())];
    assert_eq!(run(&fixed, &other).1, []);
    // Its own fix closes it.
    let (_, changed, after) = run(&fixed, &scope(&[]));
    assert_eq!((changed, after.state(1)), (vec![Why::Resolved], State::Open));
}

#[test]
fn what_a_merged_pull_request_brought_is_the_default_branchs_and_what_was_withdrawn_is_closed() {
    let brought = seen("broker", fails("one", Severity::High));
    let mut repository = Repository::default();
    let scope = Scope::Pull { number: 7, brought: BTreeSet::from([brought.id.clone()]) };
    let terms = repository.next();
    let plan = repository.plan_in(std::slice::from_ref(&brought), terms, &scope);
    repository.apply(&plan);

    let mut withdrawn = repository.clone();
    let terms = withdrawn.next();
    let plan = withdrawn.plan_in(&[], terms, &Scope::Withdrawn { number: 7 });
    withdrawn.apply(&plan);
    assert_eq!(withdrawn.state(1), State::Closed(Some(Reason::NotPlanned)));

    let merged = Scope::Default { merged: BTreeSet::from([7]) };
    let terms = repository.next();
    let plan = repository.plan_in(std::slice::from_ref(&brought), terms, &merged);
    repository.apply(&plan);
    assert_eq!((why(&plan), plan.creates.len()), (vec![Why::Merged], 0));
    assert_eq!(repository.marker(1).pull, None);
    assert!(repository.run(&[brought]).is_empty());
}

#[test]
fn what_two_pull_requests_bring_has_one_issue_and_the_default_branch_takes_it_over() {
    let brought = seen("broker", fails("one", Severity::High));
    let all = std::slice::from_ref(&brought);
    let scope = |number| Scope::Pull { number, brought: BTreeSet::from([brought.id.clone()]) };
    let mut repository = Repository::default();
    let mut run = |observations: &[Observation], scope: &Scope| {
        let terms = repository.next();
        let plan = repository.plan_in(observations, terms, scope);
        repository.apply(&plan);
        (plan.creates.len(), why(&plan), repository.clone())
    };
    assert_eq!(run(all, &scope(7)).0, 1);
    let (created, changed, _) = run(all, &scope(8));
    assert_eq!((created, changed), (0, vec![]), "the other one has it");
    // The second is merged, and the first is not: its issue is the default branch's all the same.
    let mut branch = run(&[], &Scope::Pull { number: 9, brought: BTreeSet::new() }).2;
    let plan = branch.run(all);
    assert_eq!((plan.creates.len(), why(&plan)), (0, vec![Why::Merged]));
    assert_eq!((branch.state(1), branch.marker(1).pull), (State::Open, None));
    assert!(branch.run(all).is_empty());
    let terms = branch.next();
    assert!(branch.plan_in(&[], terms, &Scope::Withdrawn { number: 7 }).is_empty());
    // Where the first is given up before that, the second opens its own.
    assert_eq!(run(&[], &Scope::Withdrawn { number: 7 }).1, [Why::Withdrawn]);
    let (created, _, after) = run(all, &scope(8));
    assert_eq!((created, after.marker(2).pull), (1, Some(8)));
}

#[test]
fn a_pull_requests_issue_that_the_default_branch_does_not_fail_is_left_alone() {
    let brought = seen("broker", fails("one", Severity::High));
    let mut repository = Repository::default();
    let scope = Scope::Pull { number: 7, brought: BTreeSet::from([brought.id.clone()]) };
    let terms = repository.next();
    let plan = repository.plan_in(std::slice::from_ref(&brought), terms, &scope);
    repository.apply(&plan);
    for seen_ in [passes(), Seen::Unknown, Seen::NotRun, Seen::Retired] {
        assert!(repository.run(&[seen("broker", seen_)]).is_empty());
    }
    assert_eq!((repository.state(1), repository.marker(1).pull), (State::Open, Some(7)));
}
