//! The life of an issue, from the run that first sees the finding to two runs at the same time.

use serde_json::{Value, json};
use tests::github::{AUTHOR, Checkout, GitHub, Ran, writes};

use crate::fixture::{
    HARDENED, TARGET, anonymous, exception, in_seconds, repository, wait_until_after,
};

/// A run on the default branch, and what it asked.
fn run(github: &GitHub, checkout: &Checkout, token: &str) -> (Ran, Vec<Value>) {
    github.requests();
    let ran = checkout.branch(&github.api, token).run().expect(0);
    (ran, github.requests())
}

/// The same again: whatever there was to do is done.
#[track_caller]
fn assert_silent(github: &GitHub, checkout: &Checkout, token: &str) {
    let (ran, requests) = run(github, checkout, token);
    assert_eq!(writes(&requests), 0, "{requests:#?}\n{}", ran.ended.stderr);
}

fn the_issue(github: &GitHub) -> Value {
    let issues = github.findings();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    issues[0].clone()
}

/// What the issue says of its last change: why, and that it names evidence and the run.
#[track_caller]
fn assert_told(issue: &Value, why: &str) {
    let body = issue["body"].as_str().unwrap();
    let last: Vec<_> = body.lines().filter(|line| line.starts_with("**Last change:**")).collect();
    assert_eq!(last.len(), 1, "{body}");
    assert!(last[0].starts_with(&format!("**Last change:** {why}, 20")), "{}", last[0]);
    assert!(last[0].contains(" Evidence: `sha256:"), "{}", last[0]);
    let page = "[Report](<https://github.example/acme/gateway/actions/runs/";
    assert!(last[0].contains(page), "{}", last[0]);
}

/// The same of its last comment.
#[track_caller]
fn assert_comment_linked(issue: &Value) {
    let last = issue["comments"].as_array().unwrap().last().unwrap()["body"].as_str().unwrap();
    assert!(last.contains("[Report](<https://github.example/"), "{last}");
}

fn set(checkout: &Checkout, config: &str) {
    checkout.write("conf/mosquitto.conf", config);
    checkout.commit();
}

#[test]
fn an_issue_opens_stays_silent_closes_regresses_is_waived_expires_and_is_closed_by_hand() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());

    // Opens.
    let (ran, requests) = run(&github, &checkout, &token);
    assert_eq!(ran.output("issues-opened"), "1");
    let issue = the_issue(&github);
    assert_eq!(issue["state"], "open");
    assert_eq!(issue["user"], AUTHOR);
    let title = issue["title"].as_str().unwrap();
    assert!(title.starts_with("[gateway_config_guardrails.anonymous_allowed] edge: "), "{title}");
    assert_eq!(writes(&requests), 2, "issue and dashboard: {requests:#?}");
    assert_told(&issue, "seen to fail");

    // Persists, silently.
    assert_silent(&github, &checkout, &token);
    assert_eq!(the_issue(&github), issue);

    // Is resolved.
    set(&checkout, HARDENED);
    let (ran, requests) = run(&github, &checkout, &token);
    assert_eq!(ran.output("issues-closed"), "1");
    assert_eq!(ran.output("findings-resolved"), "1");
    assert_eq!(writes(&requests), 2, "issue and dashboard: {requests:#?}");
    let resolved = the_issue(&github);
    assert_eq!(
        (&resolved["state"], &resolved["state_reason"]),
        (&json!("closed"), &json!("completed"))
    );
    assert_told(&resolved, "seen to pass");
    assert_silent(&github, &checkout, &token);

    // Regresses: the same issue, with a comment and a label.
    set(&checkout, &anonymous());
    let (ran, _) = run(&github, &checkout, &token);
    assert_eq!(ran.output("findings-regressed"), "1");
    let regressed = the_issue(&github);
    assert_eq!(regressed["state"], "open");
    assert_eq!(regressed["number"], issue["number"]);
    assert_eq!(regressed["comments"].as_array().unwrap().len(), 1, "{regressed:#}");
    assert!(regressed["labels"].to_string().contains("regressed"), "{regressed:#}");
    assert_told(&regressed, "seen to fail again");
    assert_comment_linked(&regressed);
    assert_silent(&github, &checkout, &token);

    // Is waived.
    let until = in_seconds(6);
    checkout.write("plumbline.yaml", &exception(TARGET, until));
    checkout.commit();
    run(&github, &checkout, &token);
    let waived = the_issue(&github);
    assert_eq!(
        (&waived["state"], &waived["state_reason"]),
        (&json!("closed"), &json!("not_planned")),
        "{waived:#}"
    );
    assert!(waived["labels"].to_string().contains("waived"));
    assert_told(&waived, "accepted by an exception");
    assert_comment_linked(&waived);
    // The waiver ends: the same document, and a later time.
    wait_until_after(until);
    run(&github, &checkout, &token);
    let expired = the_issue(&github);
    assert_eq!(expired["state"], "open", "{expired:#}");
    let last = expired["comments"].as_array().unwrap().last().unwrap()["body"].to_string();
    assert!(last.contains("has ended"), "{last}");
    assert_told(&expired, "the exception that accepted it has ended");
    assert_silent(&github, &checkout, &token);

    // A person closes it as done: it is shown again once, and then left alone.
    let route = format!("/issues/{}", issue["number"]);
    let close = json!({ "state": "closed", "state_reason": "completed" });
    github.by_hand("maintainer", "PATCH", &route, close.clone());
    run(&github, &checkout, &token);
    assert_eq!(the_issue(&github)["state"], "open");
    assert_told(&the_issue(&github), "closed by somebody, and seen to fail");
    github.by_hand("maintainer", "PATCH", &route, close);
    run(&github, &checkout, &token);
    assert_eq!(the_issue(&github)["state"], "closed");
    assert_silent(&github, &checkout, &token);
    github.assert_by_the_contract();
}

#[test]
fn two_runs_at_the_same_time_leave_one_issue_for_each_finding() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    // Both list the issues before either has opened one.
    let slow =
        json!({ "method": "POST", "path": "/issues$", "kind": "slow", "ms": 600, "times": 9 });
    github.tell("/fault", slow);
    let both = [0, 1].map(|_| checkout.branch(&github.api, &token).start());
    for run in both {
        run.end().expect(0);
    }
    github.tell("/clear", json!({}));
    // Whatever is left over of the race is put right by the next run.
    checkout.branch(&github.api, &token).run().expect(0);
    let issues = github.issues();
    let open: Vec<_> = issues.iter().filter(|issue| issue["state"] == "open").collect();
    assert_eq!(open.len(), 2, "a finding and the dashboard: {issues:#?}");
    assert_silent(&github, &checkout, &token);
}
