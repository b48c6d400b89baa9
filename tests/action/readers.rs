//! Pull requests of forks and of Dependabot: their token only reads. They get the same verdict and the
//! same words as anybody, and nothing is written, wherever the dashboard is kept.

use serde_json::Value;
use tests::git::{GitServer, pushes};
use tests::github::{Checkout, GitHub, Pull, REPOSITORY, Ran, writes};

use crate::fixture::{HARDENED, anonymous, change, open_pull, pull, repository};

const DEPENDABOT: &str = "dependabot[bot]";

/// A repository, where it is, and a pull request in it that lets everybody in.
struct Place {
    github: GitHub,
    git: GitServer,
    checkout: Checkout,
    dashboard: &'static str,
    number: u64,
    base: String,
    head: String,
}

impl Place {
    /// The default branch has run: its dashboard is there.
    fn new(dashboard: &'static str) -> Self {
        let (github, git) = (GitHub::start(), GitServer::start());
        let token = github.writing();
        git.allow(&token, true);
        let checkout = repository(HARDENED);
        let run = checkout.branch(&github.api, &token).with("PLUMBLINE_DASHBOARD", dashboard);
        run.with("GITHUB_SERVER_URL", &git.url).run().expect(0);
        let number = open_pull(&github, "stranger");
        let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
        Self { github, git, checkout, dashboard, number, base, head }
    }

    fn run(&self, event: &Pull<'_>, actor: &str, token: &str) -> Ran {
        let run = self.checkout.pull(&self.github.api, token, event);
        let run = run.with("GITHUB_SERVER_URL", &self.git.url).with("GITHUB_ACTOR", actor);
        run.with("PLUMBLINE_DASHBOARD", self.dashboard).run()
    }

    fn event(&self) -> Pull<'_> {
        pull(self.number, "opened", &self.base, &self.head)
    }
}

/// What does not hang on the token.
fn verdict(ran: &Ran) -> Vec<&str> {
    let names = [
        "posture",
        "risk-score",
        "findings-total",
        "findings-new",
        "findings-resolved",
        "findings-unknown",
        "failed-reason",
    ];
    names.map(|name| ran.output(name)).to_vec()
}

#[test]
fn whoever_may_only_read_gets_the_same_verdict_and_nothing_is_written_or_pushed() {
    for dashboard in ["issue", "branch"] {
        let place = Place::new(dashboard);
        let reading = place.github.reading();
        place.git.allow(&reading, false);
        // What they would have is looked at with one that may write, too: it is not even tried.
        let writing = place.github.writing();
        place.git.allow(&writing, true);
        let issues = place.github.issues();
        let tip = place.git.repository().tip("plumbline-data");
        assert_eq!(tip.is_some(), dashboard == "branch");
        let mut verdicts = Vec::new();
        for (from, by, actor, said) in [
            ("mallory/gateway", "mallory", "mallory", "comes from a fork"),
            (REPOSITORY, DEPENDABOT, DEPENDABOT, "is Dependabot's"),
            // Somebody runs it again, or Dependabot brings somebody's up to date.
            (REPOSITORY, DEPENDABOT, "alice", "is Dependabot's"),
            (REPOSITORY, "alice", DEPENDABOT, "is Dependabot's"),
        ] {
            for token in [&reading, &writing] {
                let event = Pull { from, by, ..place.event() };
                place.github.requests();
                place.git.requests();
                let ran = place.run(&event, actor, token).expect(1);
                assert!(ran.summary.contains(said), "{}", ran.summary);
                assert!(ran.summary.contains("anonymous_allowed"), "{}", ran.summary);
                let remark = "::error file=conf/mosquitto.conf,line=";
                assert!(ran.ended.stdout.contains(remark), "{}", ran.ended.stdout);
                assert_eq!(ran.plan["plan"]["creates"].as_array().unwrap().len(), 1);
                assert_eq!(ran.plan["written"], false);
                verdicts.push(verdict(&ran).join(" | "));

                assert_eq!(writes(&place.github.requests()), 0, "{from} {by} {actor}");
                let asked = place.git.requests();
                assert_eq!(pushes(&asked), 0, "{asked:#?}");
                assert_eq!(!asked.is_empty(), dashboard == "branch", "it is read: {asked:#?}");
            }
        }
        let closed = Pull { by: DEPENDABOT, action: "closed", ..place.event() };
        let ran = place.run(&closed, "alice", &writing).expect(0);
        assert!(ran.summary.contains("is Dependabot's"), "{}", ran.summary);
        assert_eq!(writes(&place.github.requests()), 0);
        assert_eq!(place.github.issues(), issues);
        assert_eq!(place.git.repository().tip("plumbline-data"), tip);

        let anybody = place.run(&place.event(), "alice", &writing).expect(1);
        assert_eq!(anybody.output("issues-opened"), "1");
        let anybody = verdict(&anybody).join(" | ");
        assert!(verdicts.iter().all(|verdict| *verdict == anybody), "{anybody}: {verdicts:#?}");
        assert_eq!(pushes(&place.git.requests()), 0);
        place.github.assert_by_the_contract();
    }
}

#[test]
fn a_plan_and_issues_that_are_off_write_nothing_about_issues() {
    let place = Place::new("issue");
    let token = place.github.writing();
    let before = place.github.issues();
    let run = |name: &str, value: &str| {
        place.github.requests();
        let run = place.checkout.pull(&place.github.api, &token, &place.event());
        let ran = run.with(name, value).run().expect(1);
        assert_eq!(ran.plan["written"], false);
        assert_eq!(ran.plan["plan"]["creates"].as_array().unwrap().len(), 1, "{:#}", ran.plan);
        assert_eq!(place.github.issues().len(), before.len(), "{name}");
        (ran, place.github.requests())
    };
    let (ran, requests) = run("PLUMBLINE_MODE", "plan");
    assert_eq!(writes(&requests), 0, "a plan touches nothing at all: {requests:#?}");
    assert!(ran.summary.contains("nothing was written: mode is plan"), "{}", ran.summary);
    let (ran, requests) = run("PLUMBLINE_ISSUES", "off");
    assert!(ran.summary.contains("nothing was written: issues are off"), "{}", ran.summary);
    // What is left is the pull request's own: its comment and its check run.
    let path = |request: &Value| request["path"].as_str().unwrap().to_owned();
    let written: Vec<_> = requests.iter().filter(|r| r["method"] != "GET").map(path).collect();
    let number = place.number;
    let comment = format!("/repos/{REPOSITORY}/issues/{number}/comments");
    assert_eq!(written, [comment, format!("/repos/{REPOSITORY}/check-runs")]);
}

#[test]
fn a_pull_request_that_was_closed_while_nothing_can_be_listed_says_so() {
    let place = Place::new("issue");
    let token = place.github.writing();
    let event = Pull { action: "closed", ..place.event() };
    let fault = serde_json::json!({ "method": "GET", "path": "/issues$", "kind": "404" });
    place.github.tell("/fault", fault);
    place.github.requests();
    let ran = place.run(&event, "alice", &token).expect(0);
    let said = "nothing was written: the issues could not be listed";
    assert!(ran.summary.contains(said), "{}", ran.summary);
    assert_eq!(writes(&place.github.requests()), 0);
    let ran = place.run(&event, "alice", "").expect(0);
    assert!(ran.summary.contains("nothing was written: there is no token"), "{}", ran.summary);
}
