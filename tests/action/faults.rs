//! What GitHub does when it does not do what it was asked. The verdict never hangs on it, nothing is
//! opened twice, and nothing is closed that should be open.

use serde_json::{Value, json};
use tests::github::{GitHub, writes};

use crate::fixture::{HARDENED, anonymous, repository};

/// Runs with a fault, then without; there is one issue in the end.
fn one_issue_in_spite_of(fault: Value) -> String {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    github.tell("/fault", fault.clone());
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    github.tell("/clear", json!({}));
    checkout.branch(&github.api, &token).run().expect(0);
    let issues = github.issues();
    assert_eq!(issues.len(), 2, "a finding and the dashboard; {fault}: {issues:#?}");
    ran.ended.stderr
}

#[test]
fn an_answer_that_is_lost_after_the_issue_was_made_makes_no_second_one() {
    for kind in ["502after", "dropafter", "502", "drop", "truncate"] {
        // The dashboard is written first, and then the issue.
        for skip in [0, 1] {
            one_issue_in_spite_of(
                json!({ "method": "POST", "path": "/issues$", "kind": kind, "skip": skip }),
            );
        }
    }
}

#[test]
fn limits_are_waited_for_as_long_as_github_asks() {
    for kind in ["403rate", "403secondary", "429"] {
        let said =
            one_issue_in_spite_of(json!({ "method": "POST", "path": "/issues$", "kind": kind }));
        assert!(said.contains("waits and asks again"), "{kind}: {said}");
    }
}

#[test]
fn a_list_that_fails_once_is_asked_for_again() {
    for kind in ["502", "drop", "429"] {
        one_issue_in_spite_of(json!({ "method": "GET", "path": "/issues$", "kind": kind }));
    }
}

#[test]
fn a_token_without_a_permission_costs_what_it_is_for_and_nothing_else() {
    let github = GitHub::start();
    let checkout = repository(&anonymous());
    let ran = checkout
        .branch(&github.api, &github.reading())
        .with("PLUMBLINE_FAIL_ON", "high")
        .run()
        .expect(1);
    assert!(ran.summary.contains("not allowed"), "{}", ran.summary);
    assert_eq!(ran.output("findings-total"), "1");
    assert_eq!(github.issues(), Vec::<Value>::new());
    github.requests();
    let ran = checkout.branch(&github.api, "").with("PLUMBLINE_FAIL_ON", "high").run().expect(1);
    assert!(ran.summary.contains("nothing was written: there is no token"), "{}", ran.summary);
    assert_eq!((ran.output("findings-total"), github.requests().len()), ("1", 0));
}

#[test]
fn a_repository_without_issues_still_gets_its_verdict() {
    let github = GitHub::start();
    github.tell("/settings", json!({ "issues_enabled": false }));
    let checkout = repository(&anonymous());
    let ran = checkout
        .branch(&github.api, &github.writing())
        .with("PLUMBLINE_FAIL_ON", "high")
        .run()
        .expect(1);
    let said = "the issues could not be listed: gone: Issues";
    assert!(ran.summary.contains(said), "{}", ran.summary);
    assert_eq!((ran.output("findings-total"), writes(&github.requests())), ("1", 0));
}

#[test]
fn a_list_that_breaks_off_closes_and_opens_nothing() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    for kind in ["404", "notjson", "410"] {
        github.tell(
            "/fault",
            json!({ "method": "GET", "path": "/issues$", "kind": kind, "times": 9 }),
        );
        github.requests();
        checkout.branch(&github.api, &token).run().expect(0);
        let requests = github.requests();
        let issues = requests
            .iter()
            .filter(|r| r["method"] != "GET" && r["path"].as_str().unwrap().contains("/issues"));
        assert_eq!(issues.count(), 0, "{kind}: {requests:#?}");
        github.tell("/clear", json!({}));
    }
    assert_eq!(github.findings()[0]["state"], "open");
}

#[test]
fn what_somebody_else_writes_is_not_ours_and_what_is_gone_is_made_anew() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let first = github.findings()[0].clone();
    // The very marker, by another author.
    let forged = json!({
        "title": first["title"], "body": first["body"], "labels": ["plumbline"],
    });
    github.by_hand("mallory", "POST", "/issues", forged);
    github.requests();
    checkout.branch(&github.api, &token).run().expect(0);
    let requests = github.requests();
    assert_eq!(writes(&requests), 0, "{requests:#?}");
    // Ours is deleted; there is another then, and the stranger's stays as it is.
    let number = first["number"].as_u64().unwrap();
    github.tell("/delete", json!({ "repo": "acme/gateway", "number": number }));
    checkout.branch(&github.api, &token).run().expect(0);
    let ours: Vec<_> = github
        .findings()
        .into_iter()
        .filter(|i| i["user"] == tests::github::AUTHOR && i["number"].as_u64() != Some(number))
        .collect();
    assert_eq!(ours.len(), 1, "{ours:#?}");
}

#[test]
fn a_conversation_that_is_locked_keeps_no_issue_from_its_state() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    checkout.branch(&github.api, &token).run().expect(0);
    github.tell("/settings", json!({ "locked_forbids": true }));
    let number = github.findings()[0]["number"].as_u64().unwrap();
    github.upstream("PUT", &format!("/issues/{number}/lock"), json!({}));
    checkout.write("conf/mosquitto.conf", &anonymous());
    checkout.commit();
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    let issue = &github.findings()[0];
    assert_eq!((&issue["state"], issue["comments"].as_array().unwrap().len()), (&json!("open"), 0));
    let said = "has no comment about it: not allowed: Unable to create comment";
    assert!(ran.summary.contains(said), "{}", ran.summary);
}

#[test]
fn what_was_said_before_a_run_broke_off_is_not_said_again_by_the_next() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    let run = || checkout.branch(&github.api, &token).run().expect(0);
    for config in [&anonymous(), HARDENED] {
        checkout.write("conf/mosquitto.conf", config);
        checkout.commit();
        run();
    }
    checkout.write("conf/mosquitto.conf", &anonymous());
    checkout.commit();
    let path = format!("/issues/{}$", github.findings()[0]["number"]);
    let fault = json!({ "method": "PATCH", "path": path, "kind": "404", "times": 9 });
    github.tell("/fault", fault);
    run();
    let half = github.findings()[0].clone();
    assert_eq!(half["state"], "closed", "{half:#}");
    assert_eq!(half["comments"].as_array().unwrap().len(), 1, "{half:#}");
    github.tell("/clear", json!({}));
    // Another run has another page, and its comment would link that.
    run();
    let whole = github.findings()[0].clone();
    assert_eq!(whole["state"], "open", "{whole:#}");
    assert_eq!(whole["comments"].as_array().unwrap().len(), 1, "{whole:#}");
}

#[test]
fn what_somebody_does_between_the_list_and_the_change_stands() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let number = github.findings()[0]["number"].as_u64().unwrap();
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    github.tell("/fault", json!({ "method": "GET", "path": "/issues$", "kind": "stale" }));
    let body = format!("{}\n\nLook here.", github.findings()[0]["body"].as_str().unwrap());
    github.by_hand("maintainer", "PATCH", &format!("/issues/{number}"), json!({ "body": body }));
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert!(ran.summary.contains("it was changed meanwhile"), "{}", ran.summary);
    assert_eq!(github.findings()[0]["body"], body.as_str());
    checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(github.findings()[0]["state"], "closed", "the next run has seen it");
}

#[test]
fn github_has_its_rest_between_two_writes() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&crate::fixture::anonymous_without_acl());
    checkout.branch(&github.api, &token).with("PLUMBLINE_WRITE_INTERVAL_MS", "400").run().expect(0);
    let requests = github.requests();
    let writes = requests.iter().filter(|request| request["method"] != "GET");
    let at: Vec<f64> = writes.map(|request| request["at"].as_f64().unwrap()).collect();
    assert!(at.len() >= 3, "{requests:#?}");
    // What is counted is when they arrive; the wait is between when they are sent.
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] > 300.0), "{at:?}");
}

#[test]
fn an_issue_that_was_moved_to_another_repository_is_opened_here_once_more_and_only_once() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let number = github.findings()[0]["number"].as_u64().unwrap();
    github.tell("/transfer", json!({ "repo": "acme/gateway", "number": number }));
    for opened in ["1", "0"] {
        let ran = checkout.branch(&github.api, &token).run().expect(0);
        assert_eq!(ran.output("issues-opened"), opened);
    }
}

#[test]
fn a_repository_that_declares_nothing_is_told_how_and_nothing_is_touched() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let before = github.issues();
    let waived = crate::fixture::exception("", crate::fixture::in_seconds(3_600));
    for (text, said) in [
        (Some(waived.trim_start_matches("---\n")), "declares no AuditTarget"),
        (Some("# nothing yet\n"), "expected at least one document"),
        (Some("kind: AuditTarget\n"), "plumbline.yaml:1"),
        (None, "there is no plumbline.yaml"),
    ] {
        match text {
            Some(text) => checkout.write("plumbline.yaml", text),
            None => std::fs::remove_file(checkout.root().join("plumbline.yaml")).unwrap(),
        }
        checkout.commit();
        let ran = checkout.branch(&github.api, &token).run().expect(2);
        assert!(ran.output("failed-reason").contains(said), "{}", ran.ended.stderr);
        assert_eq!(github.issues(), before);
    }
}
