//! Issues whose marker somebody took away.

use super::silence::silent;
use super::*;

fn other() -> IssueKey {
    "ingest_auth.tls_untrusted".parse().unwrap()
}

/// A repository with an open issue of each of these endpoints, by the same rule.
fn failing(names: &[&str]) -> (Repository, Vec<Observation>) {
    let all: Vec<_> = names.iter().map(|name| seen(name, fails("one", Severity::High))).collect();
    let mut repository = Repository::default();
    assert_eq!(repository.run(&all).creates.len(), names.len());
    (repository, all)
}

#[test]
fn the_only_control_that_it_can_be_gets_its_issue_back_by_one_request() {
    let (mut repository, all) = failing(&["a"]);
    let before = repository.issues[&1].clone();
    repository.lose(1);
    let plan = repository.run(&all);
    assert_eq!((why(&plan), plan.creates.len()), (vec![Why::Recovered], 0));
    assert_eq!((&plan.unreadable, &plan.blocked), (&vec![], &vec![]));
    assert_eq!(unmarked(&repository.issues[&1].body), unmarked(&before.body));
    assert_eq!(repository.marker(1).id, all[0].id);
    assert!(repository.run(&all).is_empty(), "and from then on it is silent");
    assert_eq!(why(&repository.run(&[seen("a", passes())])), [Why::Resolved]);
}

#[test]
fn what_people_wrote_stays_and_what_was_left_of_markers_goes() {
    let (mut repository, all) = failing(&["a"]);
    let line = repository.marker(1).line();
    let issue = repository.issues.get_mut(&1).unwrap();
    issue.body =
        format!("Seen in Leipzig, too.\r\n{}\r\n  {line}\r\n{line}\r\nThanks", &line[..40]);
    assert_eq!(why(&repository.run(&all)), [Why::Recovered]);
    let body = &repository.issues[&1].body;
    assert_eq!(unmarked(body), "Seen in Leipzig, too.\nThanks");
    assert!(Marker::of(body).is_some(), "{body}");
}

#[test]
fn an_issue_that_is_closed_and_lost_its_marker_was_closed_by_somebody() {
    for reason in [Reason::Completed, Reason::NotPlanned] {
        let (mut repository, all) = failing(&["a"]);
        repository.close(1, reason);
        repository.lose(1);
        for _ in 0..3 {
            let plan = repository.run(&all);
            assert_eq!((plan.creates.len(), &plan.respected[..]), (0, &[1][..]));
            assert_eq!(repository.state(1), State::Closed(Some(reason)));
        }
        let worse = [seen("a", fails("one", Severity::Critical))];
        assert_eq!(why(&repository.clone().run(&worse)), [Why::StillFailing]);
        repository.run(&[seen("a", passes())]);
        assert_eq!(why(&repository.run(&all)), [Why::Regressed]);
    }
}

#[test]
fn nothing_looks_worse_because_its_severity_was_lost() {
    let (mut repository, _) = failing(&["a"]);
    repository.close(1, Reason::NotPlanned);
    repository.lose(1);
    assert_eq!(why(&repository.run(&[seen("a", Seen::Unknown)])), [Why::Recovered]);
    let plan = repository.run(&[seen("a", fails("one", Severity::Critical))]);
    assert_eq!((plan.is_empty(), &plan.respected[..]), (true, &[1][..]));
}

#[test]
fn of_several_that_it_could_be_none_is_guessed_and_no_issue_is_opened_beside_it() {
    let (mut repository, all) = failing(&["a", "b"]);
    repository.lose(1);
    repository.lose(2);
    let plan = repository.run(&all);
    assert!(plan.is_empty());
    assert_eq!((&plan.unreadable[..], plan.blocked.len()), (&[1, 2][..], 2));
    // One that has never had an issue is one that it could be.
    let (mut repository, mut all) = failing(&["a"]);
    all.push(seen("b", passes()));
    repository.lose(1);
    let plan = repository.run(&all);
    assert!(plan.is_empty());
    assert_eq!((&plan.unreadable[..], &plan.blocked), (&[1][..], &vec![all[0].id.clone()]));
    // Without its label it is not listed, and the finding gets its issue.
    repository.issues.remove(&1);
    assert_eq!(repository.run(&all).creates.len(), 1);
}

#[test]
fn whoever_has_an_issue_does_not_claim_another() {
    let (mut repository, all) = failing(&["a", "b"]);
    let lost = repository
        .issues
        .values()
        .find(|issue| Marker::of(&issue.body).is_some_and(|marker| marker.id == all[1].id));
    let number = lost.unwrap().number;
    repository.lose(number);
    assert_eq!(why(&repository.run(&all)), [Why::Recovered]);
    assert_eq!(repository.marker(number).id, all[1].id);
    // A third one, of nobody who is left.
    let stray = repository.open(&repository.issues[&1].title.clone(), "?", US);
    let plan = repository.run(&all);
    assert_eq!((plan.is_empty(), &plan.unreadable[..]), (true, &[stray][..]));
}

#[test]
fn of_two_issues_for_one_control_the_open_one_is_its() {
    let (mut repository, all) = failing(&["a"]);
    let title = repository.issues[&1].title.clone();
    repository.close(1, Reason::Duplicate);
    repository.lose(1);
    repository.open(&title, "two", US);
    let plan = repository.run(&all);
    assert_eq!((why(&plan), plan.updates[0].number), (vec![Why::Recovered], 2));
    assert_eq!(plan.unreadable, [1]);
    let again = repository.run(&all);
    assert_eq!((why(&again), again.creates.len()), (vec![Why::Changed], 0));
}

#[test]
fn titles_of_another_rule_or_target_or_author_tell_nothing() {
    let (mut repository, all) = failing(&["a"]);
    repository.issues.clear();
    let line = |rule: &IssueKey, target: &str| title(&TargetKey(target.to_owned()), rule, "x");
    repository.open(&line(&other(), "plant/gateway"), "", US);
    repository.open(&line(&rule(), "plant/gateway-2"), "", US);
    repository.open("Target not observed: plant/gateway", "", US);
    repository.open(&line(&rule(), "plant/gateway"), "", "mallory");
    let plan = repository.run(&all);
    assert_eq!((plan.creates.len(), plan.updates.len()), (1, 0));
    assert_eq!(plan.unreadable, [] as [u64; 0]);
}

#[test]
fn an_issue_of_a_target_is_never_taken_for_one_of_a_finding() {
    let (mut repository, all) = failing(&["a"]);
    let title = repository.issues[&1].title.clone();
    repository.issues.clear();
    repository.look(&silent("2026-11-01T10:00:00Z", &[]), at("2026-11-21T10:00:00Z"));
    repository.issues.get_mut(&1).unwrap().title = title;
    let plan = repository.run(&all);
    assert_eq!((plan.creates.len(), plan.updates.len()), (1, 0));
    assert_eq!(plan.unreadable, [] as [u64; 0]);
}

#[test]
fn a_title_under_an_earlier_name_of_the_rule_is_known_too() {
    let (mut repository, all) = failing(&["a"]);
    repository.lose(1);
    let renamed = formerly(control(&other(), "a", all[0].seen.clone()), &[rule()]);
    let plan = repository.run(std::slice::from_ref(&renamed));
    assert_eq!((why(&plan), plan.creates.len()), (vec![Why::Recovered], 0));
    assert_eq!(why(&repository.run(std::slice::from_ref(&renamed))), [Why::Changed]);
    assert!(repository.issues[&1].title.starts_with("[ingest_auth.tls_untrusted] "));
    assert!(repository.run(&[renamed]).is_empty());
}

#[test]
fn a_pull_request_recovers_nothing_and_opens_nothing_beside_it() {
    let (mut repository, all) = failing(&["a"]);
    repository.lose(1);
    let scope = Scope::Pull { number: 7, brought: BTreeSet::from([all[0].id.clone()]) };
    let terms = repository.next();
    let plan = repository.plan_in(&all, terms, &scope);
    assert!(plan.is_empty());
    assert_eq!((&plan.unreadable[..], plan.blocked.len()), (&[1][..], 1));
}

#[test]
fn a_body_of_any_length_is_recovered_to_one_that_github_takes() {
    let (mut repository, all) = failing(&["a"]);
    repository.issues.get_mut(&1).unwrap().body = "w ".repeat(32_700);
    repository.run(&all);
    assert!(repository.issues[&1].body.chars().count() < 65_536);
    assert_eq!(repository.marker(1).id, all[0].id);
}
