//! What keeps a backlog readable: adoption, targets that are not observed, markers that somebody
//! edited, and the dashboard itself.

use serde_json::{Value, json};
use tests::github::{GitHub, writes};

use crate::fixture::{HARDENED, anonymous, repository};

/// One finding of medium severity.
fn unbounded() -> String {
    HARDENED.replace("max_connections 200\n", "")
}

fn dashboard(github: &GitHub) -> Value {
    let issues = github.issues();
    let mut found = issues.iter().filter(|issue| issue["title"] == "Plumbline dashboard");
    let dashboard = found.next().expect("a dashboard").clone();
    assert!(found.next().is_none(), "{issues:#?}");
    dashboard
}

#[test]
fn what_was_there_at_the_adoption_waits_until_it_comes_again() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&unbounded());
    let run = || checkout.branch(&github.api, &token).run().expect(0);
    for time in 1..=3 {
        let ran = run();
        assert_eq!(ran.output("findings-total"), "1");
        assert_eq!(github.findings(), Vec::<Value>::new(), "run {time}");
        let text = dashboard(&github)["body"].to_string();
        assert!(text.contains("they were there when the repository was adopted"), "{text}");
        assert!(text.contains("queue_or_packet_unbounded"), "{text}");
        assert_eq!(writes(&github.requests()), usize::from(time == 1), "run {time}");
    }
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    run();
    checkout.write("conf/mosquitto.conf", &unbounded());
    checkout.commit();
    assert_eq!(run().output("issues-opened"), "1", "it is a new matter now");
}

#[test]
fn a_repository_may_want_an_issue_for_everything_at_once() {
    let github = GitHub::start();
    let checkout = repository(&unbounded());
    let ran = checkout
        .branch(&github.api, &github.writing())
        .with("PLUMBLINE_ADOPT", "all")
        .run()
        .expect(0);
    assert_eq!(ran.output("issues-opened"), "1");
}

#[test]
fn a_target_of_which_nothing_is_observed_has_one_issue_until_something_is() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    let run = |code| {
        let run = checkout.branch(&github.api, &token).with("PLUMBLINE_UNOBSERVED_AFTER", "0");
        run.run().expect(code)
    };
    run(0);
    std::fs::remove_file(checkout.root().join("conf/mosquitto.conf")).unwrap();
    checkout.commit();
    let ran = run(3);
    assert_eq!(ran.output("failed-reason"), "nothing could be observed");
    run(3);
    let issues = github.findings();
    assert_eq!(issues.len(), 2, "{issues:#?}");
    assert!(issues.iter().all(|issue| issue["state"] == "open"), "unknown closes nothing");
    let title = issues[1]["title"].as_str().unwrap();
    assert!(title.contains("edge") && title.contains("not observed"), "{title}");
    github.requests();
    run(3);
    assert_eq!(writes(&github.requests()), 0);
    checkout.write("conf/mosquitto.conf", &anonymous());
    checkout.commit();
    run(0);
    let open: Vec<_> = github.findings().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["number"], issues[0]["number"]);
    github.assert_by_the_contract();
}

#[test]
fn an_issue_whose_marker_somebody_took_away_gets_it_back_and_no_second_one_beside_it() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let before = github.findings()[0].clone();
    let route = format!("/issues/{}", before["number"]);
    github.by_hand("maintainer", "PATCH", &route, json!({ "body": "I know about this one." }));
    checkout.branch(&github.api, &token).run().expect(0);
    let after = github.findings();
    assert_eq!(after.len(), 1);
    assert!(after[0]["body"].as_str().unwrap().contains("<!-- plumbline:1 "), "{after:#?}");
}

#[test]
fn a_dashboard_that_was_spoiled_or_deleted_is_made_again() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    let run = || checkout.branch(&github.api, &token).run().expect(0);
    run();
    let first = dashboard(&github);
    let route = format!("/issues/{}", first["number"]);
    let spoiled = "<!-- plumbline-dashboard:1 AAAA -->";
    github.by_hand("maintainer", "PATCH", &route, json!({ "body": spoiled }));
    run();
    let text = |dashboard: &Value| {
        let body = dashboard["body"].as_str().unwrap().to_owned();
        let (text, record) = body.rsplit_once("\n\n").unwrap();
        assert!(record.starts_with("<!-- plumbline-dashboard:1 H4s"), "{record}");
        text.to_owned()
    };
    assert_eq!(text(&dashboard(&github)), text(&first), "the same is said again");
    let number = first["number"].as_u64().unwrap();
    github.tell("/delete", json!({ "repo": "acme/gateway", "number": number }));
    run();
    let made = github.issues().into_iter().filter(|issue| {
        issue["title"] == "Plumbline dashboard" && issue["number"].as_u64() != Some(number)
    });
    assert_eq!(made.count(), 1);
}

#[test]
fn a_label_that_was_renamed_is_noticed_before_anything_is_opened_again() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let before = github.issues();
    for issue in &before {
        let route = format!("/issues/{}", issue["number"]);
        let renamed = json!({ "labels": ["compliance"] });
        github.by_hand("maintainer", "PATCH", &route, renamed);
    }
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert!(ran.summary.contains("was the label renamed?"), "{}", ran.summary);
    assert_eq!(github.issues().len(), before.len());
    checkout.branch(&github.api, &token).with("PLUMBLINE_LABEL", "compliance").run().expect(0);
    assert_eq!(github.issues().len(), before.len());
}

#[test]
fn a_target_with_another_name_keeps_its_issues_if_it_says_so_and_else_they_are_listed() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let first = github.findings()[0]["number"].clone();
    let said = "metadata: {name: gateway, annotations: {plumbline.dev/formerly: edge}}";
    let renamed = crate::fixture::TARGET.replace("metadata: {name: edge}", said);
    checkout.write("plumbline.yaml", &renamed);
    checkout.commit();
    checkout.branch(&github.api, &token).run().expect(0);
    let issues = github.findings();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    assert_eq!(issues[0]["number"], first);
    assert!(issues[0]["title"].as_str().unwrap().contains("] gateway: "), "{issues:#?}");
    // Another name, and nothing said.
    checkout.write("plumbline.yaml", &crate::fixture::TARGET.replace("{name: edge}", "{name: gw}"));
    checkout.commit();
    checkout.branch(&github.api, &token).run().expect(0);
    let text = dashboard(&github)["body"].to_string();
    assert!(
        text.contains("not declared any more") && text.contains(&format!("#{first}")),
        "{text}"
    );
    assert_eq!(github.findings()[0]["state"], "open");
}
