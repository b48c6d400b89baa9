//! Answers that do not come, come late or are refused, at each of the places where that matters: what
//! could not be done is said, nothing is begun that the next run could not know, and in the end there
//! is one issue for each finding.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::github::{Checkout, GitHub, Ran, writes};

use crate::fixture::{HARDENED, anonymous, repository};

/// A GitHub, a token that may write, and a repository.
struct Place {
    github: GitHub,
    token: String,
    checkout: Checkout,
}

impl Place {
    fn new(config: &str) -> Self {
        let github = GitHub::start();
        Self { token: github.writing(), checkout: repository(config), github }
    }

    /// A run whose gate fails by any finding of high severity.
    fn run(&self, code: i32) -> Ran {
        let run = self.checkout.branch(&self.github.api, &self.token);
        run.with("PLUMBLINE_FAIL_ON", "high").run().expect(code)
    }

    fn fault(&self, fault: Value) {
        self.github.tell("/fault", fault);
    }

    /// Open issues: findings, and dashboards.
    fn open(&self) -> (usize, usize) {
        let issues = self.github.issues();
        let open = issues.iter().filter(|issue| issue["state"] == "open");
        let (dashboards, findings): (Vec<_>, Vec<_>) =
            open.partition(|issue| issue["title"] == "Plumbline dashboard");
        (findings.len(), dashboards.len())
    }

    #[track_caller]
    fn assert_silent(&self, code: i32) {
        self.github.requests();
        self.run(code);
        let requests = self.github.requests();
        assert_eq!(writes(&requests), 0, "{requests:#?}");
    }
}

/// One finding of high severity, and one of medium, which waits since the adoption. Whoever had
/// forgotten that would open an issue for it.
fn waiting() -> String {
    anonymous().replace("max_connections 200\n", "")
}

const LATER: &str = "no issue was opened or changed: the next run could not know what waits";

#[test]
fn a_dashboard_that_cannot_be_written_lets_nothing_be_begun_that_the_next_run_could_not_know() {
    for (kind, times, said) in [
        // The second time is after it was looked whether the first one has arrived.
        ("502", 2, "no answer: GitHub answered 502"),
        ("drop", 2, "no answer"),
        ("422", 1, "refused: Validation Failed"),
        ("404", 1, "not found"),
        ("403", 1, "not allowed: Resource not accessible"),
        ("403rate", 1, "rate limited"),
    ] {
        let place = Place::new(&waiting());
        let mut fault =
            json!({ "method": "POST", "path": "/issues$", "kind": kind, "times": times });
        if kind == "403rate" {
            // Longer than a run waits.
            fault["seconds"] = json!(3_600);
        }
        place.fault(fault);
        let ran = place.run(1);
        for said in [format!("the dashboard: {said}"), LATER.to_owned()] {
            assert!(ran.summary.replace('\\', "").contains(&said), "{kind}: {}", ran.summary);
        }
        assert_eq!((ran.output("issues-opened"), place.open()), ("0", (0, 0)), "{kind}");
        place.github.tell("/clear", json!({}));
        assert_eq!(place.run(1).output("issues-opened"), "1", "{kind}: what waited waits");
        assert_eq!(place.open(), (1, 1), "{kind}");
        place.assert_silent(1);
    }
}

#[test]
fn a_dashboard_of_which_nobody_knows_whether_it_is_there_is_found_by_the_next_run() {
    let place = Place::new(&waiting());
    place.fault(json!({ "method": "POST", "path": "/issues$", "kind": "dropafter" }));
    // The list, the look whether the label was renamed, and the look whether it has arrived.
    place.fault(json!({ "method": "GET", "path": "/issues$", "kind": "404", "skip": 2 }));
    let ran = place.run(1);
    assert!(ran.summary.contains(LATER), "{}", ran.summary);
    assert_eq!((ran.output("issues-opened"), place.open()), ("0", (0, 1)));
    assert_eq!(place.run(1).output("issues-opened"), "1");
    assert_eq!(place.open(), (1, 1));
    place.assert_silent(1);
}

#[test]
fn a_dashboard_that_is_not_rewritten_keeps_the_issues_as_they_are() {
    let place = Place::new(&anonymous());
    place.run(1);
    place.checkout.write("conf/mosquitto.conf", HARDENED);
    place.checkout.commit();
    place.fault(json!({ "method": "PATCH", "path": "/issues/1$", "kind": "422" }));
    let before = place.github.issues();
    let ran = place.run(0);
    assert!(ran.summary.contains("the dashboard: refused"), "{}", ran.summary);
    assert!(ran.summary.contains(LATER), "{}", ran.summary);
    assert_eq!((ran.output("issues-closed"), place.github.issues()), ("0", before));
    assert_eq!(place.run(0).output("issues-closed"), "1");
    place.assert_silent(0);
}

#[test]
fn a_text_that_github_does_not_take_costs_that_issue_and_no_other() {
    let place = Place::new(&crate::fixture::anonymous_without_acl());
    let message = "body is too long (maximum is 65536 characters)";
    // The dashboard is written first.
    let fault = json!({ "method": "POST", "path": "/issues$", "skip": 1, "kind": "422" });
    let mut long = fault.clone();
    long["message"] = json!(message);
    place.fault(long);
    let ran = place.run(1);
    assert!(ran.summary.contains("refused: body is too long"), "{}", ran.summary);
    assert_eq!((ran.output("issues-opened"), place.open()), ("1", (1, 1)));
    assert_eq!(place.run(1).output("issues-opened"), "1");
    assert_eq!(place.open(), (2, 1));
    // The same of a change.
    place.checkout.write("conf/mosquitto.conf", HARDENED);
    place.checkout.commit();
    place.fault(
        json!({ "method": "PATCH", "path": "/issues/2$", "kind": "422", "message": message }),
    );
    let ran = place.run(0);
    assert!(
        ran.summary.replace('\\', "").contains("2: refused: body is too long"),
        "{}",
        ran.summary
    );
    assert_eq!((ran.output("issues-closed"), place.open()), ("1", (1, 1)));
    assert_eq!(place.run(0).output("issues-closed"), "1");
    place.assert_silent(0);
}

#[test]
fn a_limit_that_names_no_time_is_waited_for_by_the_minute() {
    let place = Place::new(&anonymous());
    place.fault(json!({ "method": "POST", "path": "/issues$", "kind": "403bare-secondary" }));
    let ran = place.run(1);
    assert!(ran.ended.stderr.contains("waits and asks again"), "{}", ran.ended.stderr);
    let requests = place.github.requests();
    let posts: Vec<_> = requests.iter().filter(|request| request["method"] == "POST").collect();
    let status: Vec<_> = posts.iter().map(|post| post["status"].as_u64().unwrap()).collect();
    assert_eq!(status, [403, 201, 201]);
    let at = |post: &Value| post["at"].as_f64().unwrap();
    assert!(at(posts[1]) - at(posts[0]) >= 60_000.0, "{posts:#?}");
    assert_eq!(place.open(), (1, 1));
}

#[test]
fn an_answer_that_is_slower_than_anybody_waits_leaves_one_issue_in_the_end() {
    // The dashboard, and the finding: GitHub does what it was asked, after nobody listens any more.
    std::thread::scope(|scope| {
        for skip in [0, 1] {
            scope.spawn(move || {
                let place = Place::new(&anonymous());
                let slow = json!({ "kind": "slow", "ms": 33_000, "skip": skip });
                let mut fault = json!({ "method": "POST", "path": "/issues$" });
                fault.as_object_mut().unwrap().extend(slow.as_object().unwrap().clone());
                place.fault(fault);
                assert_eq!(place.run(1).output("issues-opened"), "1");
                let begin = Instant::now();
                while place.github.issues().len() < 3 {
                    assert!(begin.elapsed() < Duration::from_secs(20), "the slow one never came");
                    std::thread::sleep(Duration::from_millis(50));
                }
                place.run(1);
                assert_eq!(place.open(), (1, 1), "{:#?}", place.github.issues());
                place.assert_silent(1);
            });
        }
    });
}

#[test]
fn a_list_that_lags_behind_a_lost_answer_leaves_one_issue_in_the_end() {
    for skip in [0, 1] {
        let place = Place::new(&anonymous());
        place.fault(json!({ "method": "GET", "path": "/issues$", "kind": "stale", "times": 9 }));
        place.fault(
            json!({ "method": "POST", "path": "/issues$", "kind": "dropafter", "skip": skip }),
        );
        assert_eq!(place.run(1).output("issues-opened"), "1");
        assert_eq!(place.github.issues().len(), 3, "it was sent again");
        place.github.tell("/clear", json!({}));
        place.run(1);
        assert_eq!(place.open(), (1, 1), "{:#?}", place.github.issues());
        place.assert_silent(1);
    }
}
