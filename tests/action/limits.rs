//! How much is asked of GitHub, and how little is written.

use std::fmt::Write as _;

use serde_json::json;
use tests::github::{Checkout, GitHub, writes};

use crate::fixture::anonymous;

/// A repository with as many gateways, each of which lets everybody in.
pub fn gateways(count: usize) -> Checkout {
    let checkout = Checkout::new();
    let mut target = String::from(
        "apiVersion: plumbline.dev/v1alpha1\nkind: AuditTarget\nmetadata: {name: fleet}\nspec:\n  \
         path: gateway\n  gatewayConfig:\n",
    );
    for at in 0..count {
        let _ = writeln!(target, "  - {{name: g{at}, format: mosquitto, path: conf/g{at}.conf}}");
        checkout.write(&format!("conf/g{at}.conf"), &anonymous());
    }
    checkout.write("plumbline.yaml", &target);
    checkout.commit();
    checkout
}

#[test]
fn ten_new_findings_take_a_request_each_and_four_more() {
    let github = GitHub::start();
    let checkout = gateways(10);
    let ran = checkout.branch(&github.api, &github.writing()).run().expect(0);
    let requests = github.requests();
    assert_eq!(ran.output("issues-opened"), "10");
    let writes = writes(&requests);
    // Ten issues and the dashboard; the list, the look whether the label was renamed, and the list
    // afterwards.
    assert_eq!((writes, requests.len() - writes), (11, 3), "{requests:#?}");
}

#[test]
fn a_record_that_finds_no_room_is_said_to_and_not_written_again_by_every_run() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(700);
    // Digests of files that differ are what does not compress.
    for at in 0..700 {
        let text = format!("{}# {at}\n", crate::fixture::HARDENED);
        checkout.write(&format!("conf/g{at}.conf"), &text);
    }
    checkout.commit();
    for wrote in [1, 0] {
        checkout.branch(&github.api, &token).run().expect(0);
        assert_eq!(writes(&github.requests()), wrote);
        let text = github.issues()[0]["body"].as_str().unwrap().to_owned();
        assert!(text.contains("Too large to be compared with"), "{text}");
    }
}

#[test]
fn fifty_open_findings_and_nothing_new_take_one_request() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(50);
    let all =
        |c: &Checkout| c.branch(&github.api, &token).with("PLUMBLINE_MAX_NEW_ISSUES", "60").run();
    assert_eq!(all(&checkout).expect(0).output("issues-opened"), "50");
    github.requests();
    all(&checkout).expect(0);
    let requests = github.requests();
    assert_eq!((requests.len(), writes(&requests)), (1, 0), "{requests:#?}");
}

#[test]
fn what_the_cap_holds_back_is_listed_and_comes_later() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(25);
    for (run, open) in [(1, 10), (2, 20), (3, 25), (4, 25)] {
        checkout.branch(&github.api, &token).run().expect(0);
        assert_eq!(github.findings().len(), open, "run {run}");
        let dashboard: Vec<_> = github
            .issues()
            .into_iter()
            .filter(|issue| issue["title"] == "Plumbline dashboard")
            .collect();
        assert_eq!(dashboard.len(), 1);
        let text = dashboard[0]["body"].as_str().unwrap();
        assert_eq!(text.contains("Without an issue of their own"), open < 25, "{text}");
    }
}

#[test]
fn a_run_that_would_close_most_of_what_is_open_closes_nothing_until_somebody_says_so() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(8);
    checkout.branch(&github.api, &token).run().expect(0);
    for at in 0..8 {
        checkout.write(&format!("conf/g{at}.conf"), crate::fixture::HARDENED);
    }
    checkout.commit();
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(ran.output("issues-closed"), "0");
    assert_eq!(ran.plan["plan"]["braked"].as_array().unwrap().len(), 8, "{:#}", ran.plan);
    let ran = checkout
        .branch(&github.api, &token)
        .with("PLUMBLINE_CONFIRM_BULK_CLOSE", "true")
        .run()
        .expect(0);
    assert_eq!(ran.output("issues-closed"), "8");
    github.assert_by_the_contract();
    let open = github.issues().into_iter().filter(|issue| issue["state"] == json!("open"));
    assert_eq!(open.count(), 1, "the dashboard");
}

#[test]
fn three_hundred_findings_are_told_within_what_github_takes() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(1);
    let number = crate::fixture::open_pull(&github, "many");
    let many = gateways(300);
    let (base, head) = crate::fixture::change(&checkout, |c| {
        let files = std::fs::read_dir(many.root().join("conf")).unwrap();
        for file in files {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            c.write(&format!("conf/{name}"), &std::fs::read_to_string(&path).unwrap());
        }
        let target = many.root().join("plumbline.yaml");
        c.write("plumbline.yaml", &std::fs::read_to_string(target).unwrap());
    });
    let event = crate::fixture::pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &token, &event).run().expect(1);
    assert_eq!(ran.output("findings-new"), "299");
    assert_eq!(ran.output("issues-opened"), "10");
    assert!(ran.summary.len() < 1024 * 1024);
    let requests = github.requests();
    let check = requests.iter().find(|r| r["path"].as_str().unwrap().ends_with("/check-runs"));
    let annotations = check.unwrap()["body"]["output"]["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), 50);
    github.assert_by_the_contract();
}

#[test]
fn three_hundred_findings_of_the_default_branch_are_ten_issues_and_a_list_of_the_rest() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(300);
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!((ran.output("findings-total"), ran.output("issues-opened")), ("300", "10"));
    assert_eq!(writes(&github.requests()), 11, "ten, and the dashboard");
    assert!(ran.summary.contains("holds back 290 issues"), "{}", ran.summary);
    assert!(ran.summary.len() < 1024 * 1024);
    let issues = github.issues();
    let dashboard = issues.iter().find(|issue| issue["title"] == "Plumbline dashboard").unwrap();
    let text = dashboard["body"].as_str().unwrap();
    assert!(text.contains("there are too many at once, and the next runs open them"), "{text}");
    assert!(text.contains("- and 230 others"), "sixty are named: {text}");
    assert!(text.chars().count() <= 65_536);
    github.assert_by_the_contract();
}

#[test]
fn issues_beyond_the_first_page_are_known() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = gateways(120);
    let all = || {
        checkout.branch(&github.api, &token).with("PLUMBLINE_MAX_NEW_ISSUES", "200").run().expect(0)
    };
    assert_eq!(all().output("issues-opened"), "120");
    github.requests();
    assert_eq!(all().output("issues-opened"), "0");
    let requests = github.requests();
    assert_eq!((requests.len(), writes(&requests)), (2, 0), "two pages: {requests:#?}");
    // A page that is announced and does not come is no reason to open twenty again.
    github.tell(
        "/fault",
        json!({ "method": "GET", "path": "/issues$", "kind": "page2missing", "times": 9 }),
    );
    let ran = all();
    assert_eq!(ran.output("issues-opened"), "0");
    assert!(ran.summary.contains("could not be listed"), "{}", ran.summary);
}

#[test]
fn a_repository_with_five_thousand_issues_of_others_is_no_burden() {
    let github = GitHub::start();
    let token = github.writing();
    for at in 0..5_000 {
        let who = ["acme", "maintainer"][at % 2];
        let other = json!({ "title": format!("something else {at}") });
        github.upstream_as(who, "POST", "/issues", other);
    }
    let checkout = gateways(1);
    github.requests();
    let run = || checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(run().output("issues-opened"), "1");
    github.requests();
    run();
    assert_eq!(github.requests().len(), 1, "only those with the label are listed");
}
