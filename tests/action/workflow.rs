//! The workflow of the documentation, as it stands there, run by act: what users do first.
//!
//! act brings steps, expressions, inputs and outputs. What it leaves out is done here from the same
//! document: the types of pull requests that start it, how deep it checks out, and what its
//! permissions let a token do.

mod runner;

use serde_json::{Value, json};
use tests::git::{GitServer, pushes};
use tests::github::{AUTHOR, Checkout, GitHub, Pull, REPOSITORY, writes};

use crate::fixture::{
    HARDENED, TARGET, anonymous, anonymous_without_acl, change, exception, in_seconds, open_pull,
    pull, repository, wait_until_after,
};
use runner::{Ran, Runner};

/// A repository with this configuration and the workflow.
fn with_workflow(runner: &Runner, config: &str) -> Checkout {
    let checkout = repository(config);
    checkout.write(".github/workflows/plumbline.yml", &runner.workflow);
    checkout.commit();
    checkout
}

/// A configuration without a list of who may do what: one finding, `acl_missing`.
fn without_acl() -> String {
    HARDENED.replace("acl_file /etc/mosquitto/acl\n", "")
}

fn push(runner: &Runner, github: &GitHub, checkout: &Checkout) -> Ran {
    let repository = json!({ "full_name": REPOSITORY, "default_branch": "main" });
    let payload = json!({ "ref": "refs/heads/main", "repository": repository });
    runner.run(github, &runner.token(github), checkout, "push", &payload)
}

fn pull_request(runner: &Runner, github: &GitHub, token: &str, at: &Checkout, is: &Pull) -> Ran {
    runner.run(github, token, at, "pull_request", &is.payload())
}

/// Checks out what GitHub makes of a pull request: the merge of both sides. Its base and head.
fn merge(checkout: &Checkout, config: &str) -> (String, String) {
    let (base, head) = change(checkout, |c| c.write("conf/mosquitto.conf", config));
    checkout.git(&["checkout", "--quiet", "--detach", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--no-edit", &head]);
    (base, head)
}

fn set(checkout: &Checkout, config: &str) {
    checkout.write("conf/mosquitto.conf", config);
    checkout.commit();
}

fn the_issue(github: &GitHub) -> Value {
    let issues = github.findings();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    issues[0].clone()
}

/// A check run that was made, as [`written`] has it.
fn check_run() -> String {
    format!("POST /repos/{REPOSITORY}/check-runs 201")
}

/// Method, route and status of everything that was to be written since this was asked last.
fn written(github: &GitHub) -> Vec<String> {
    let requests = github.requests();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    requests
        .iter()
        .filter(|request| request["method"] != "GET")
        .map(|is| format!("{} {} {}", text(&is["method"]), text(&is["path"]), is["status"]))
        .collect()
}

/// The same state again: nothing is written.
#[track_caller]
fn assert_silent(runner: &Runner, github: &GitHub, checkout: &Checkout) {
    github.requests();
    let before = github.issues();
    push(runner, github, checkout).expect("success");
    assert_eq!(written(github), [""; 0]);
    assert_eq!(github.issues(), before);
}

/// Writes of the last run that are about issues.
fn about_issues(github: &GitHub) -> usize {
    written(github).iter().filter(|line| line.contains("/issues")).count()
}

#[test]
fn the_whole_life_of_an_issue_is_told_on_the_default_branch() {
    let github = GitHub::start();
    let runner = Runner::new();
    let checkout = with_workflow(&runner, &anonymous());

    // What each state costs is counted: requests about issues, the dashboard's among them.
    let run = |costs: usize| {
        github.requests();
        let ran = push(&runner, &github, &checkout).expect("success");
        assert_eq!(about_issues(&github), costs);
        ran
    };

    // Opens: the issue and the dashboard.
    let ran = run(2);
    assert_eq!(ran.output("issues-opened"), "1");
    let opened = the_issue(&github);
    assert_eq!((&opened["state"], &opened["user"]), (&json!("open"), &json!(AUTHOR)));
    let title = opened["title"].as_str().unwrap();
    assert!(title.starts_with("[gateway_config_guardrails.anonymous_allowed]"), "{title}");
    assert_eq!(github.issues().len(), 2, "the dashboard is the other one");

    // Persists, silently.
    assert_silent(&runner, &github, &checkout);

    // Is resolved: state and body in one request, and the dashboard.
    set(&checkout, HARDENED);
    let ran = run(2);
    assert_eq!((ran.output("findings-resolved"), ran.output("issues-closed")), ("1", "1"));
    let resolved = the_issue(&github);
    assert_eq!(
        (&resolved["state"], &resolved["state_reason"]),
        (&json!("closed"), &json!("completed"))
    );
    assert_silent(&runner, &github, &checkout);

    // Regresses: comment, state, label and dashboard.
    set(&checkout, &anonymous());
    let ran = run(4);
    assert_eq!(ran.output("findings-regressed"), "1");
    let regressed = the_issue(&github);
    assert_eq!((&regressed["state"], &regressed["number"]), (&json!("open"), &opened["number"]));
    assert!(regressed["labels"].to_string().contains("regressed"), "{regressed:#}");
    assert_eq!(regressed["comments"].as_array().unwrap().len(), 1, "{regressed:#}");
    assert_silent(&runner, &github, &checkout);

    // Is accepted for a while, and then not any more: one state each, and a comment that says why.
    let until = in_seconds(40);
    checkout.write("plumbline.yaml", &exception(TARGET, until));
    checkout.commit();
    let ran = run(4);
    assert!(ran.summary.contains("Exceptions that end within 14 days"), "{}", ran.summary);
    let waived = the_issue(&github);
    assert_eq!(
        (&waived["state"], &waived["state_reason"]),
        (&json!("closed"), &json!("not_planned"))
    );
    assert_silent(&runner, &github, &checkout);
    wait_until_after(until);
    run(3);
    assert_eq!(the_issue(&github)["state"], "open");
    assert_silent(&runner, &github, &checkout);

    // Another name of the target: the same issue, with another title.
    let said = "metadata: {name: gateway, annotations: {plumbline.dev/formerly: edge}}";
    checkout.write("plumbline.yaml", &TARGET.replace("metadata: {name: edge}", said));
    checkout.commit();
    run(2);
    let renamed = the_issue(&github);
    assert_eq!(renamed["number"], opened["number"]);
    assert!(renamed["title"].as_str().unwrap().contains("] gateway: "), "{renamed:#}");
    assert_silent(&runner, &github, &checkout);

    // A person closes it as not planned: it is left alone, and the dashboard says that it fails.
    let route = format!("/issues/{}", opened["number"]);
    let close = json!({ "state": "closed", "state_reason": "not_planned" });
    github.by_hand("maintainer", "PATCH", &route, close);
    run(1);
    assert_eq!(the_issue(&github)["state"], "closed");
    assert_silent(&runner, &github, &checkout);

    // Another finding, and two runs at the same time: one issue more.
    set(&checkout, &anonymous_without_acl());
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| push(&runner, &github, &checkout)));
        for run in both {
            run.join().unwrap().expect("success");
        }
    });
    push(&runner, &github, &checkout).expect("success");
    let open: Vec<_> = github.findings().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 1, "{open:#?}");
    assert!(open[0]["title"].as_str().unwrap().contains(".acl_missing]"), "{open:#?}");
    let ours = github.findings().len();
    assert!((2..=3).contains(&ours), "one more, and perhaps a duplicate of it: {ours}");
    assert_silent(&runner, &github, &checkout);
    github.assert_by_the_contract();
}

#[test]
fn a_pull_request_that_weakens_the_configuration_fails_its_job_and_is_told_by_what() {
    let github = GitHub::start();
    let runner = Runner::new();
    let checkout = with_workflow(&runner, &without_acl());
    push(&runner, &github, &checkout).expect("success");
    let number = open_pull(&github, "weaken");
    let (base, head) = merge(&checkout, &anonymous_without_acl());
    let event = pull(number, "opened", &base, &head);
    github.requests();
    let ran = pull_request(&runner, &github, &runner.token(&github), &checkout, &event);
    let ran = ran.expect("failure");

    let comments = github.upstream("GET", &format!("/issues/{number}/comments"), Value::Null);
    let comments = comments.as_array().unwrap();
    assert_eq!(comments.len(), 1, "{comments:#?}");
    let said = comments[0]["body"].as_str().unwrap();
    assert!(said.contains("| `gateway_config_guardrails.anonymous_allowed`"), "{said}");
    assert!(!said.contains("| `gateway_config_guardrails.acl_missing`"), "{said}");
    let written = written(&github);
    assert!(written.contains(&check_run()), "{written:#?}");

    // Every output has a value, and the step's failure is one of them.
    for name in runner.outputs() {
        assert_ne!(ran.output(&name), "", "{name}");
    }
    assert_eq!((ran.output("findings-new"), ran.output("findings-total")), ("1", "2"));
    assert!(ran.output("failed-reason").contains("brings 1 finding"), "{:?}", ran.outputs);
    assert!(ran.summary.contains("anonymous_allowed"), "{}", ran.summary);

    // The artifact is uploaded in spite of the failure, with the files that the outputs name. act
    // goes on with an action's steps after one that failed, whatever they say; GitHub does not.
    let when = runner.upload()["if"].to_string();
    assert!(when.contains("always() &&"), "{when}");
    let named = ["report-html", "evidence-bundle", "plan-json"].map(|name| ran.output(name));
    let named = named.map(|path| path.rsplit('/').next().unwrap());
    let artifact = runner.artifact("plumbline");
    assert_eq!(artifact.len(), named.len(), "{:?}", artifact.keys());
    assert!(artifact[named[0]].contains("<html"), "{}", artifact[named[0]]);
    let plan: Value = serde_json::from_str(&artifact[named[2]]).unwrap();
    assert_eq!(plan["plan"]["creates"].as_array().unwrap().len(), 1, "{plan:#}");
    github.assert_by_the_contract();
}

#[test]
fn a_token_that_only_reads_gives_the_same_verdict_and_writes_nothing() {
    let github = GitHub::start();
    let runner = Runner::new();
    let checkout = with_workflow(&runner, HARDENED);
    let number = open_pull(&github, "stranger");
    let before = github.issues();
    let (base, head) = merge(&checkout, &anonymous());
    // Of a fork, whose token never writes, and where the repository's settings say so.
    for from in ["mallory/gateway", REPOSITORY] {
        let event = Pull { from, ..pull(number, "opened", &base, &head) };
        github.requests();
        let ran = pull_request(&runner, &github, &github.reading(), &checkout, &event);
        let ran = ran.expect("failure");
        assert_eq!(ran.output("findings-new"), "1");
        assert!(ran.output("failed-reason").contains("brings 1 finding"), "{:?}", ran.outputs);
        assert!(ran.summary.contains("anonymous_allowed"), "{}", ran.summary);
        // There is no check run to hold the remark, so the runner shows it on the changed line.
        let line = 1 + HARDENED.lines().position(|l| l.starts_with("allow_anonymous")).unwrap();
        let line = line.to_string();
        let there = |remark: &Value| {
            remark["file"] == "conf/mosquitto.conf" && remark["line"] == line.as_str()
        };
        assert!(ran.remarks.iter().any(there), "{:#?}", ran.remarks);
        let requests = github.requests();
        let refused = requests.iter().filter(|r| r["method"] != "GET" && r["status"] == 403);
        assert_eq!(writes(&requests), refused.count(), "{requests:#?}");
        assert!(from == REPOSITORY || writes(&requests) == 0, "{requests:#?}");
        assert_eq!(github.issues(), before);
    }
    github.assert_by_the_contract();
}

#[test]
fn a_pull_request_that_is_closed_without_being_merged_takes_its_issue_along() {
    let github = GitHub::start();
    let runner = Runner::new();
    let token = runner.token(&github);
    let checkout = with_workflow(&runner, HARDENED);
    let number = open_pull(&github, "given-up");
    let (base, head) = merge(&checkout, &anonymous());
    let event = pull(number, "opened", &base, &head);
    pull_request(&runner, &github, &token, &checkout, &event).expect("failure");
    assert_eq!(the_issue(&github)["state"], "open");
    let event = pull(number, "closed", &base, &head);
    let ran = pull_request(&runner, &github, &token, &checkout, &event).expect("success");
    assert_eq!(ran.output("issues-closed"), "1");
    let issue = the_issue(&github);
    assert_eq!(
        (&issue["state"], &issue["state_reason"]),
        (&json!("closed"), &json!("not_planned"))
    );
    github.assert_by_the_contract();
}

#[test]
fn the_recipe_of_a_branch_gives_its_job_what_that_takes_and_is_silent_the_second_time() {
    let (github, git) = (GitHub::start(), GitServer::start());
    let mut runner = Runner::of_recipe("dashboard: branch");
    runner.variables.push(("GITHUB_SERVER_URL", git.url.clone()));
    let token = runner.token(&github);
    git.allow(&token, runner.permissions()["contents"] == "write");
    let checkout = with_workflow(&runner, &anonymous());
    let repository = json!({ "full_name": REPOSITORY, "default_branch": "main" });
    let payload = json!({ "ref": "refs/heads/main", "repository": repository });
    for (opened, wrote, pushed) in [("1", 1, 1), ("0", 0, 0)] {
        let ran = runner.run(&github, &token, &checkout, "push", &payload).expect("success");
        assert_eq!(ran.output("issues-opened"), opened);
        assert_eq!((written(&github).len(), pushes(&git.requests())), (wrote, pushed));
        assert_eq!(git.repository().commits("plumbline-data"), 1);
    }
    github.assert_by_the_contract();
}

#[test]
fn every_input_of_the_action_comes_where_it_is_read() {
    let github = GitHub::start();
    let mut runner = Runner::new();
    // A program in place of the real one: it keeps what it is given.
    let program = runner.keeps_its_environment();
    let value = |input: &str| match input {
        "binary" => program.display().to_string(),
        _ => format!("value of {input}"),
    };
    let inputs = runner.inputs();
    runner.workflow.push_str("        with:\n");
    for input in &inputs {
        runner.workflow.push_str(&format!("          {input}: {}\n", value(input)));
    }
    let checkout = with_workflow(&runner, HARDENED);
    push(&runner, &github, &checkout).expect("success");
    let given = runner.environment();
    let artifact = runner.artifact(&value("artifact"));
    assert_eq!(artifact["retention-days"], value("retention-days"));
    // What start.sh reads, and the real upload-artifact.
    let elsewhere = ["binary", "version", "artifact", "retention-days"];
    for input in inputs.iter().filter(|input| !elsewhere.contains(&input.as_str())) {
        let variable = format!("PLUMBLINE_{}", input.to_uppercase().replace('-', "_"));
        assert_eq!(given.get(&variable), Some(&value(input)), "{input}: {given:#?}");
    }
}

/// The job of our own release that everything else waits for: it needs nothing but a shell.
#[test]
fn a_release_begins_only_by_the_tag_of_the_version_that_is_in_the_tree() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkout = Checkout::new();
    for file in [".github/workflows/release.yml", "Cargo.toml", "charts/plumbline/Chart.yaml"] {
        checkout.write(file, &std::fs::read_to_string(root.join(file)).unwrap());
    }
    checkout.commit();
    let version = env!("CARGO_PKG_VERSION");
    for (tag, result) in [(format!("v{version}"), "success"), ("v99.0.0".to_owned(), "failure")] {
        let payload = json!({ "ref": format!("refs/tags/{tag}") });
        let ran = Runner::new().job(&checkout, "release.yml", "version", &tag, &payload);
        ran.expect(result);
    }
}

/// The workflow of every change, with programs that only say what they were asked.
#[test]
fn every_tier_that_needs_no_cluster_is_run_for_every_change() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkout = Checkout::new();
    let file = ".github/workflows/ci.yml";
    checkout.write(file, &std::fs::read_to_string(root.join(file)).unwrap());
    checkout.commit();
    let runner = Runner::new();
    for program in ["cargo", "rustup", "sudo"] {
        runner.stands_in_for(program);
    }
    let payload = json!({ "ref": "refs/heads/main" });
    runner.job(&checkout, "ci.yml", "test", "main", &payload).expect("success");
    let asked = runner.asked();
    let tiers: Vec<_> = asked.iter().filter_map(|line| line.strip_prefix("cargo ")).collect();
    let tier = |name| format!("xtask test --tier {name}");
    assert_eq!(tiers, ["action", "browser", "chart", "policy", "services", "unit"].map(tier));
    let compilers = asked.iter().filter(|line| line.starts_with("rustup toolchain install "));
    assert_eq!(compilers.count(), tiers.len(), "{asked:#?}");
}
