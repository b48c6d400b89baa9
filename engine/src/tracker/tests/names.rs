//! Rules that have another name now, and rules that are gone.

use model::assessment::Assessment;
use serde_json::json;

use super::super::RETIRED;
use super::super::observe::{observations, retired};
use super::*;
use crate::rule::{BUILT_IN, RuleSet, load};

fn key(name: &str) -> IssueKey {
    format!("ingest_auth.{name}").parse().unwrap()
}

/// A pack of one rule, with these aliases and retired keys.
fn rules(name: &str, aliases: &str, retired: &str) -> RuleSet {
    let file = "ingest_auth/insecure_transport.yaml";
    let (_, text) = BUILT_IN.iter().find(|(name, _)| *name == file).unwrap();
    let text = text.replacen("ingest_auth.insecure_transport", key(name).as_str(), 1);
    let head = format!("id: mine\nversion: 1.0.0\ntitle: Mine\nretired: [{retired}]\n");
    let rule = format!("{text}\naliases: [{aliases}]\n");
    load(&[vec![("pack.yaml", head), (&format!("ingest_auth/{name}.yaml"), rule)]]).unwrap()
}

/// What a run says of the endpoints, by a rule of that name.
fn assessment(name: &str, verdicts: &[(&str, &str)]) -> Assessment {
    let mut findings = Vec::new();
    let mut controls = Vec::new();
    for (endpoint, verdict) in verdicts {
        let subject = Subject::endpoint(endpoint);
        controls.push(json!({
            "rule": key(name), "rule_version": 1, "subject": subject, "title": "It is over TLS",
            "domain": "Data Protection", "severity": "high", "mandatory": true,
            "verdict": verdict, "reason": "no answer", "evidence": evidence("one"),
        }));
        if *verdict == "fail" {
            let mut finding = finding();
            finding.id = FindingId::new(&target(), &key(name), &subject);
            (finding.key, finding.subject) = (key(name), subject);
            findings.push(finding);
        }
    }
    serde_json::from_value(json!({
        "target": target(), "assessed_at": "2026-11-21T10:00:00Z", "packs": [], "rules": [],
        "status": "FAIL", "posture": "red", "risk_score": null, "points": 0,
        "coverage": { "selected": 0, "evaluated": 0, "inconclusive": 0,
                      "mandatory_inconclusive": 0, "not_applicable": 0 },
        "domains": [], "controls": controls, "findings": findings, "exceptions": [],
        "defects": [],
    }))
    .unwrap()
}

#[test]
fn observations_know_the_names_that_their_rules_had() {
    let rules = rules("plaintext", "ingest_auth.insecure_transport, ingest_auth.clear", "");
    let seen = observations(&assessment("plaintext", &[("ingest", "fail")]), &rules);
    let subject = Subject::endpoint("ingest");
    let earlier = |rule: IssueKey| Earlier { id: FindingId::new(&target(), &rule, &subject), rule };
    assert_eq!(seen[0].id, FindingId::new(&target(), &key("plaintext"), &subject));
    assert_eq!(seen[0].earlier, [earlier(key("insecure_transport")), earlier(key("clear"))]);
    let unknown = observations(&assessment("unheard_of", &[("ingest", "fail")]), &rules);
    assert_eq!(unknown[0].earlier, []);
}

#[test]
fn a_rename_is_one_request_whatever_was_seen() {
    let before = rules("clear", "", "");
    let after = rules("plaintext", "ingest_auth.clear", "");
    let words = ["fail", "inconclusive", "not_run", "not_applicable", "pass"];
    for verdict in words {
        let mut repository = Repository::default();
        repository.run(&observations(&assessment("clear", &[("ingest", "fail")]), &before));
        let now = observations(&assessment("plaintext", &[("ingest", verdict)]), &after);
        let plan = repository.run(&now);
        assert_eq!((plan.creates.len(), plan.updates.len()), (0, 1), "{verdict}");
        let is_open = repository.state(1) == State::Open;
        assert_eq!(is_open, verdict != "pass", "it is the pass that closes");
        let marker = repository.marker(1);
        assert_eq!((marker.rule, &marker.id), (key("plaintext"), &now[0].id), "{verdict}");
        let title = &repository.issues[&1].title;
        assert!(title.starts_with("[ingest_auth.plaintext] plant/gateway: Tele"), "{title}");
        assert!(repository.run(&now).is_empty(), "{verdict}");
    }
}

#[test]
fn what_was_not_observed_when_it_was_renamed_does_not_become_newer() {
    let mut repository = Repository::default();
    repository.run(&[control(&key("clear"), "ingest", fails("one", Severity::High))]);
    let observed_at = repository.marker(1).observed_at;
    let renamed = |seen| {
        formerly(control(&key("plaintext"), "ingest", seen), std::slice::from_ref(&key("clear")))
    };
    assert_eq!(why(&repository.run(&[renamed(Seen::Unknown)])), [Why::Renamed]);
    assert_eq!(repository.marker(1).observed_at, observed_at);
}

#[test]
fn a_title_that_somebody_wrote_anew_stays_until_it_fails_again() {
    let mut repository = Repository::default();
    repository.run(&[control(&key("clear"), "ingest", fails("one", Severity::High))]);
    repository.issues.get_mut(&1).unwrap().title = "Fix TLS please".to_owned();
    let new = formerly(control(&key("plaintext"), "ingest", Seen::Unknown), &[key("clear")]);
    assert_eq!(why(&repository.run(&[new])), [Why::Renamed]);
    assert_eq!(repository.issues[&1].title, "Fix TLS please");
}

#[test]
fn an_earlier_name_that_another_control_has_is_that_ones() {
    let mut repository = Repository::default();
    repository.run(&[control(&key("clear"), "ingest", fails("one", Severity::High))]);
    let old = control(&key("clear"), "ingest", fails("one", Severity::High));
    let thief = formerly(
        control(&key("a"), "ingest", fails("one", Severity::High)),
        std::slice::from_ref(&old.rule),
    );
    let plan = repository.run(&[thief.clone(), old.clone()]);
    assert_eq!((why(&plan), plan.creates.len()), (vec![], 1));
    assert!(repository.run(&[old, thief]).is_empty());
}

#[test]
fn issues_of_retired_rules_are_closed_and_others_are_not() {
    let mut repository = Repository::default();
    let high = || fails("one", Severity::High);
    repository.run(&[
        control(&key("old"), "a", high()),
        control(&key("old"), "b", high()),
        control(&key("missing"), "a", high()),
    ]);
    let issues: Vec<Issue> = repository.issues.values().cloned().collect();
    let rules = rules("plaintext", "", "ingest_auth.old");
    let mut seen = observations(&assessment("plaintext", &[("ingest", "pass")]), &rules);
    seen.extend(retired(&rules, &seen, &issues, US));
    assert_eq!(seen.len(), 3);
    let plan = repository.run(&seen);
    assert_eq!(why(&plan), [Why::Retired, Why::Retired]);
    let by_rule = |name: &str| {
        let of = |(number, _): &(&u64, &Issue)| repository.marker(**number).rule == key(name);
        repository.issues.iter().filter(of).map(|(_, issue)| issue).collect::<Vec<_>>()
    };
    assert!(by_rule("missing").iter().all(|issue| issue.state == State::Open));
    for issue in by_rule("old") {
        assert_eq!(issue.state, State::Closed(Some(Reason::NotPlanned)));
        assert!(issue.labels.contains(RETIRED));
    }
    let issues: Vec<Issue> = repository.issues.values().cloned().collect();
    assert_eq!(retired(&rules, &seen, &issues, US), [], "done is done");
}

#[test]
fn what_is_retired_stays_open_on_a_target_that_was_not_observed_and_in_issues_of_others() {
    let mut repository = Repository::default();
    repository.run(&[control(&key("old"), "a", fails("one", Severity::High))]);
    let rules = rules("plaintext", "", "ingest_auth.old");
    let issues: Vec<Issue> = repository.issues.values().cloned().collect();
    for verdict in ["inconclusive", "not_run", "not_applicable"] {
        let seen = observations(&assessment("plaintext", &[("ingest", verdict)]), &rules);
        assert_eq!(retired(&rules, &seen, &issues, US), [], "{verdict}");
    }
    let mut elsewhere = assessment("plaintext", &[("ingest", "pass")]);
    elsewhere.target = TargetKey("plant/other".to_owned());
    let seen = observations(&elsewhere, &rules);
    assert_eq!(retired(&rules, &seen, &issues, US), []);
    let seen = observations(&assessment("plaintext", &[("ingest", "pass")]), &rules);
    assert_eq!(retired(&rules, &seen, &issues, "somebody"), []);
    // A marker of another finding that only claims the retired rule.
    let mut forged = issues.clone();
    let id = FindingId::new(&target(), &key("plaintext"), &Subject::endpoint("b"));
    forged[0].body = Marker { id, ..repository.marker(1) }.line();
    assert_eq!(retired(&rules, &seen, &forged, US), []);
    assert_eq!(retired(&rules, &seen, &issues, US).len(), 1);
}
