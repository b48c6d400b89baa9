//! Pull requests: what they bring is said, and nothing else is held against them.

use serde_json::{Value, json};
use testkit::pki::{self, Authority, Leaf};
use tests::github::{AUTHOR, Checkout, GitHub, Pull, writes};

use crate::fixture::{
    HARDENED, anonymous, anonymous_without_acl, change, open_pull, pull, repository,
};

fn comments(github: &GitHub, number: u64) -> Vec<Value> {
    let route = format!("/issues/{number}/comments");
    let comments = github.upstream("GET", &route, Value::Null);
    comments.as_array().unwrap().clone()
}

fn body(comment: &Value) -> &str {
    comment["body"].as_str().unwrap()
}

#[test]
fn a_change_that_weakens_the_configuration_fails_and_says_by_what() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let number = open_pull(&github, "weaken");
    let (base, head) =
        change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous_without_acl()));
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &token, &event).run().expect(1);
    assert_eq!(ran.output("findings-new"), "1");
    assert!(ran.output("failed-reason").contains("brings 1 finding"), "{:?}", ran.outputs);
    let said = comments(&github, number);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0]["user"]["login"], AUTHOR);
    let text = body(&said[0]);
    assert!(text.contains("`gateway_config_guardrails.acl_missing`"), "{text}");
    assert!(!text.contains("| `gateway_config_guardrails.anonymous_allowed`"), "{text}");
    assert!(text.contains("1 open finding is not from this change"), "{text}");
    // Its own issue, told from the default branch's.
    assert_eq!(ran.output("issues-opened"), "1");
    let open: Vec<_> = github.findings().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 2);

    // The same again says nothing twice.
    github.requests();
    checkout.pull(&github.api, &token, &pull(number, "synchronize", &base, &head)).run().expect(1);
    let requests = github.requests();
    let checks = requests.iter().filter(|r| r["path"].as_str().unwrap().contains("check-runs"));
    assert_eq!(writes(&requests), checks.count(), "{requests:#?}");

    // Mended: the comment is cleared, and the issue closed.
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    checkout.pull(&github.api, &token, &pull(number, "synchronize", &base, &head)).run().expect(0);
    let said = comments(&github, number);
    assert_eq!(said.len(), 1);
    assert!(body(&said[0]).contains("brings no findings"), "{}", body(&said[0]));
    let open: Vec<_> = github.findings().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 1, "the default branch's own");
    github.assert_by_the_contract();
}

#[test]
fn a_change_that_mends_the_default_branch_names_what_a_merge_closes_and_the_merge_closes_it() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let issue = github.findings()[0]["number"].as_u64().unwrap();
    let number = open_pull(&github, "mend");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", HARDENED));
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &token, &event).run().expect(0);
    assert_eq!(ran.output("findings-resolved"), "1");
    let said = comments(&github, number);
    assert!(body(&said[0]).contains(&format!("closes #{issue}")), "{}", body(&said[0]));
    assert_eq!(github.findings()[0]["state"], "open", "a pull request closes nothing of main's");
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-edit", "topic"]);
    checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(github.findings()[0]["state"], "closed");
}

#[test]
fn what_github_checks_out_is_judged_the_merge_of_both() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "merge");
    let (_, head) = change(&checkout, |c| {
        c.write("conf/mosquitto.conf", &HARDENED.replace("acl_file /etc/mosquitto/acl\n", ""));
    });
    // Meanwhile the default branch lets everybody in; that is not this change's doing.
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.write("conf/mosquitto.conf", &anonymous());
    let base = checkout.commit();
    checkout.git(&["checkout", "--quiet", "--detach", "main"]);
    checkout.git(&["merge", "--quiet", "--no-edit", &head]);
    let ran =
        checkout.pull(&github.api, &token, &pull(number, "opened", &base, &head)).run().expect(1);
    assert_eq!(ran.output("findings-new"), "1");
    assert!(ran.summary.contains("acl_missing"));
}

#[test]
fn a_fork_is_shown_everything_and_writes_nothing() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "fork");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let event = Pull { from: "mallory/gateway", ..pull(number, "opened", &base, &head) };
    github.requests();
    let ran = checkout.pull(&github.api, &github.reading(), &event).run().expect(1);
    assert_eq!(writes(&github.requests()), 0);
    assert!(ran.summary.contains("anonymous_allowed"), "{}", ran.summary);
    assert!(ran.summary.contains("`config/main` `conf/mosquitto.conf:7`"), "{}", ran.summary);
    assert!(ran.summary.contains("comes from a fork"), "{}", ran.summary);
    assert_eq!(ran.plan["plan"]["creates"].as_array().unwrap().len(), 1, "{:#}", ran.plan);
    // The remark stands on the changed line, by way of the runner.
    let line = 1 + HARDENED.lines().position(|l| l.starts_with("allow_anonymous")).unwrap();
    let remark = format!("::error file=conf/mosquitto.conf,line={line},");
    assert!(ran.ended.stdout.contains(&remark), "{}", ran.ended.stdout);
}

#[test]
fn what_a_pull_request_opened_is_closed_when_it_comes_to_nothing() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "given-up");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    checkout.pull(&github.api, &token, &pull(number, "opened", &base, &head)).run().expect(1);
    assert_eq!(github.findings()[0]["state"], "open");
    let ran =
        checkout.pull(&github.api, &token, &pull(number, "closed", &base, &head)).run().expect(0);
    assert_eq!(ran.output("issues-closed"), "1");
    let issue = &github.findings()[0];
    assert_eq!(
        (&issue["state"], &issue["state_reason"]),
        (&json!("closed"), &json!("not_planned"))
    );
}

#[test]
fn pull_requests_leave_each_others_issues_alone_and_the_same_finding_is_one_issue() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    checkout.branch(&github.api, &token).run().expect(0);
    let change_to = |branch: &str, config: &str| {
        let number = open_pull(&github, branch);
        let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", config));
        (number, base, head)
    };
    let without_acl = HARDENED.replace("acl_file /etc/mosquitto/acl\n", "");
    let first = change_to("first", &anonymous());
    let run = |(number, base, head): &(u64, String, String), action, code| {
        checkout.git(&["checkout", "--quiet", head]);
        let event = pull(*number, action, base, head);
        checkout.pull(&github.api, &token, &event).run().expect(code)
    };
    assert_eq!(run(&first, "opened", 1).output("issues-opened"), "1");
    let of_first = github.findings()[0].clone();
    // Another finding: an issue of its own, and the first one's is as it was.
    let other = change_to("other", &without_acl);
    assert_eq!(run(&other, "opened", 1).output("issues-opened"), "1");
    assert_eq!(github.findings()[0], of_first);
    // The same finding: no second issue.
    let same = change_to("same", &anonymous());
    let ran = run(&same, "opened", 1);
    assert_eq!((ran.output("findings-new"), ran.output("issues-opened")), ("1", "0"));
    assert_eq!(github.findings().len(), 2);
    // One that is given up takes its own along, and no other.
    assert_eq!(run(&other, "closed", 0).output("issues-closed"), "1");
    assert_eq!(run(&same, "closed", 0).output("issues-closed"), "0");
    assert_eq!(github.findings()[0], of_first);

    // The default branch comes to fail the same: it takes the issue over, whatever becomes of the
    // pull request that opened it.
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.write("conf/mosquitto.conf", &anonymous());
    checkout.commit();
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!((ran.output("findings-total"), ran.output("issues-opened")), ("1", "0"));
    assert_eq!(run(&first, "closed", 0).output("issues-closed"), "0");
    let taken = github.findings()[0].clone();
    assert_eq!((&taken["number"], &taken["state"]), (&of_first["number"], &json!("open")));
    let said = taken["body"].as_str().unwrap();
    assert!(said.contains("**Last change:** it is on the default branch now, 20"), "{said}");
    checkout.git(&["checkout", "--quiet", "main"]);
    github.requests();
    checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(writes(&github.requests()), 0);
    github.assert_by_the_contract();
}

#[test]
fn pull_requests_that_bring_the_same_at_the_same_time_each_end_their_own() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    checkout.branch(&github.api, &token).run().expect(0);
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let numbers = ["one", "two"].map(|branch| open_pull(&github, branch));
    // Both list the issues before either has opened one.
    let slow =
        json!({ "method": "POST", "path": "/issues$", "kind": "slow", "ms": 900, "times": 9 });
    github.tell("/fault", slow);
    let events = numbers.map(|number| pull(number, "opened", &base, &head));
    let both = [0, 1].map(|at| checkout.pull(&github.api, &token, &events[at]).start());
    for run in both {
        run.end().expect(1);
    }
    github.tell("/clear", json!({}));
    let open = || -> Vec<Value> {
        github.findings().into_iter().filter(|issue| issue["state"] == "open").collect()
    };
    assert_eq!(open().len(), 2, "{:#?}", open());
    let closed = pull(numbers[0], "closed", &base, &head);
    let ran = checkout.pull(&github.api, &token, &closed).run().expect(0);
    assert_eq!((ran.output("issues-closed"), open().len()), ("1", 1));
    // The other one is merged, and its issue goes on.
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-edit", "topic"]);
    let ran = checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!((ran.output("issues-opened"), open().len()), ("0", 1));
    github.requests();
    checkout.branch(&github.api, &token).run().expect(0);
    assert_eq!(writes(&github.requests()), 0);
}

#[test]
fn what_the_default_branch_fails_as_well_stays_open_although_its_pull_request_was_given_up() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    checkout.branch(&github.api, &token).run().expect(0);
    let number = open_pull(&github, "given-up");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    checkout.pull(&github.api, &token, &pull(number, "opened", &base, &head)).run().expect(1);
    // Nobody ran when it was closed.
    github.upstream("PATCH", &format!("/pulls/{number}"), json!({ "state": "closed" }));
    checkout.git(&["checkout", "--quiet", "main"]);
    let run = || checkout.branch(&github.api, &token).run().expect(0);
    checkout.write("conf/mosquitto.conf", &anonymous());
    checkout.commit();
    let ran = run();
    assert_eq!((ran.output("issues-opened"), ran.output("issues-closed")), ("0", "0"));
    // One change of it, and not another one that the first would hold off.
    assert_eq!(ran.plan["plan"]["updates"].as_array().unwrap().len(), 1, "{:#}", ran.plan);
    assert!(!ran.summary.contains("left as it is"), "{}", ran.summary);
    assert_eq!(github.findings()[0]["state"], "open");
    github.requests();
    run();
    assert_eq!(writes(&github.requests()), 0);
}

#[test]
fn a_checkout_without_the_base_says_what_to_fetch() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let (base, _) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let shallow = Checkout::new();
    let from = format!("file://{}", checkout.root().display());
    shallow.git(&["fetch", "--quiet", "--depth=1", &from, "topic"]);
    shallow.git(&["checkout", "--quiet", "FETCH_HEAD"]);
    let head = shallow.git(&["rev-parse", "HEAD"]);
    let ran = shallow
        .pull(&github.api, &github.writing(), &pull(1, "opened", &base, &head))
        .run()
        .expect(2);
    assert!(ran.ended.stderr.contains("`fetch-depth: 2`"), "{}", ran.ended.stderr);
    assert!(ran.output("failed-reason").contains("fetch-depth"));
}

#[test]
fn issues_of_the_default_branch_only_are_no_pull_requests() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(HARDENED);
    let number = open_pull(&github, "quiet");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let event = pull(number, "opened", &base, &head);
    let ran = checkout
        .pull(&github.api, &token, &event)
        .with("PLUMBLINE_ISSUES", "default-branch")
        .run()
        .expect(1);
    assert_eq!(github.findings(), Vec::<Value>::new());
    assert_eq!(comments(&github, number).len(), 1, "the comment is no issue: {}", ran.summary);
    let ran =
        checkout.pull(&github.api, &token, &event).with("PLUMBLINE_MODE", "plan").run().expect(1);
    assert_eq!(ran.plan["written"], false);
}

#[test]
fn remarks_stand_on_changed_lines_only_and_sarif_goes_to_code_scanning() {
    let github = GitHub::start();
    let token = github.token(json!({
        "contents": "read", "issues": "write", "pull_requests": "write", "checks": "write",
        "security_events": "write",
    }));
    // Under the prefix of an Enterprise Server.
    let api = format!("{}/api/v3", github.api);
    let checkout = repository(&anonymous());
    let number = open_pull(&github, "remarks");
    let (base, head) =
        change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous_without_acl()));
    let event = pull(number, "opened", &base, &head);
    checkout.pull(&api, &token, &event).with("PLUMBLINE_SARIF", "upload").run().expect(1);
    let requests = github.requests();
    assert!(requests.iter().all(|r| r["prefix"] == "/api/v3"), "{requests:#?}");
    let check = requests.iter().find(|r| r["path"].as_str().unwrap().ends_with("/check-runs"));
    let body = &check.unwrap()["body"];
    assert_eq!((&body["head_sha"], &body["conclusion"]), (&json!(head), &json!("failure")));
    // The line that is gone has no place; what was there before has no remark.
    assert_eq!(body["output"]["annotations"], json!([]));
    let sarifs = github.look("/sarifs");
    let results = sarifs[0]["sarif"]["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 2, "{sarifs:#}");
    assert!(
        results.iter().all(|r| r["partialFingerprints"]["primaryLocationLineHash"].is_string())
    );
    let rule = &sarifs[0]["sarif"]["runs"][0]["tool"]["driver"]["rules"][0];
    assert!(rule["properties"]["security-severity"].is_string(), "{rule:#}");
    github.assert_by_the_contract();
}

#[test]
fn a_base_that_was_pushed_over_is_no_base() {
    let github = GitHub::start();
    let checkout = repository(HARDENED);
    let (_, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let gone = "3333333333333333333333333333333333333333";
    let event = pull(1, "opened", gone, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(2);
    assert!(ran.ended.stderr.contains("does not hold the base"), "{}", ran.ended.stderr);
}

#[test]
fn a_certificate_that_a_change_adds_with_the_key_of_another_is_its_finding() {
    let github = GitHub::start();
    let authority = Authority::new("Fleet CA");
    let key = pki::key();
    let certificate = |name: &str, key: &_| authority.issue_for(&Leaf::device(name), key).cert_pem;
    let checkout = Checkout::new();
    let target = "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: fleet}
spec:
  path: identity
  deviceCertificates:
  - {name: fleet, path: fleet, inventory: {path: devices.csv}}
";
    checkout.write("plumbline.yaml", target);
    checkout.write("devices.csv", "device_id\ndevice-000001\ndevice-000002\n");
    checkout.write("fleet/device-000001.pem", &certificate("device-000001", &key));
    checkout.write("fleet/device-000002.pem", &certificate("device-000002", &pki::key()));
    checkout.commit();
    let number = open_pull(&github, "fleet");
    let (base, head) = change(&checkout, |c| {
        c.write("fleet/device-000002.pem", &certificate("device-000002", &key));
    });
    let event = pull(number, "opened", &base, &head);
    let ran = checkout.pull(&github.api, &github.writing(), &event).run().expect(1);
    // The factory makes a serial number of the key.
    assert_eq!(ran.output("findings-new"), "2", "{}", ran.summary);
    let said = comments(&github, number);
    for rule in ["shared_private_key", "duplicate_serial_per_issuer"] {
        let row = format!("| `device_cert_hygiene.{rule}` | `certificates/fleet` |");
        assert!(body(&said[0]).contains(&row), "{}", body(&said[0]));
    }
}
