//! The dashboard on a branch: what is pushed and when, and what the checkout keeps of it, which is
//! nothing.

mod hostile;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tests::git::{GitServer, Repository, pushes};
use tests::github::{Checkout, GitHub, Pull, Ran, Workflow, writes};

use crate::fixture::{HARDENED, anonymous, change, open_pull, pull, repository};
use crate::limits::gateways;

/// The branch where none is named.
const DATA: &str = "plumbline-data";

/// GitHub, its git, and a token of both.
struct Forge {
    github: GitHub,
    git: GitServer,
    token: String,
}

impl Forge {
    fn start() -> Self {
        let (github, git) = (GitHub::start(), GitServer::start());
        let token = github.writing();
        git.allow(&token, true);
        Self { github, git, token }
    }

    fn on<'a>(&self, workflow: Workflow<'a>) -> Workflow<'a> {
        workflow.with("GITHUB_SERVER_URL", &self.git.url).with("PLUMBLINE_DASHBOARD", "branch")
    }

    /// A run on the default branch, not started yet.
    fn branch<'a>(&self, checkout: &'a Checkout) -> Workflow<'a> {
        self.on(checkout.branch(&self.github.api, &self.token))
    }

    fn run(&self, checkout: &Checkout) -> Ran {
        self.branch(checkout).run().expect(0)
    }

    fn data(&self) -> &Repository {
        self.git.repository()
    }

    /// Writes on the API, reads on the API, and pushes, since this was asked last.
    fn counts(&self) -> (usize, usize, usize) {
        let requests = self.github.requests();
        let writes = writes(&requests);
        (writes, requests.len() - writes, pushes(&self.git.requests()))
    }

    fn dashboards(&self) -> Vec<Value> {
        let issues = self.github.issues().into_iter();
        issues.filter(|issue| issue["title"] == "Plumbline dashboard").collect()
    }
}

/// What actions/checkout leaves: one commit, and no remote that a token is kept for.
fn shallow(of: &Checkout) -> Checkout {
    let checkout = Checkout::new();
    let address = format!("file://{}", of.root().display());
    checkout.git(&["fetch", "--quiet", "--depth=1", &address, "HEAD:refs/remotes/origin/main"]);
    checkout.git(&["checkout", "--quiet", "-B", "main", "origin/main"]);
    checkout
}

/// Every file of a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn ten_new_findings_take_ten_writes_and_a_push_and_the_next_run_none_at_all() {
    let forge = Forge::start();
    let checkout = shallow(&gateways(10));
    let before = files(&checkout.root());
    let ran = forge.run(&checkout);
    assert_eq!(ran.output("issues-opened"), "10");
    // The list, the look whether the label was renamed, and the list afterwards.
    assert_eq!(forge.counts(), (10, 3, 1));
    assert_eq!(forge.dashboards(), Vec::<Value>::new());

    let data = forge.data();
    assert_eq!(data.commits(DATA), 1, "a history of its own");
    assert_eq!(data.git(&["ls-tree", "--name-only", DATA]), "README.md\nrecord.json");
    let page = data.file(DATA, "README.md");
    assert!(
        page.starts_with("# Plumbline dashboard\n") && page.contains("| `fleet` | red |"),
        "{page}"
    );
    let record = data.file(DATA, "record.json");
    assert!(record.lines().count() > 100, "lines that can be compared: {record}");
    let record: Value = serde_json::from_str(&record).unwrap();
    assert!(record["targets"]["fleet"]["evaluated"].as_u64().unwrap() >= 10, "{record:#}");
    let said = data.git(&["log", "-1", "--format=%an <%ae>%n%B", DATA]);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    assert!(said.contains(&head) && said.contains("10 open findings"), "{said}");
    assert!(said.starts_with("github-actions[bot] <41898282+github-actions[bot]@"), "{said}");
    assert!(said.contains("[skip ci]"), "{said}");

    forge.run(&checkout);
    assert_eq!(forge.counts(), (0, 1, 0));
    assert_eq!(data.commits(DATA), 1);
    assert!(files(&checkout.root()) == before, "nothing of it touches the checkout");
    forge.github.assert_by_the_contract();
}

#[test]
fn what_changes_is_a_commit_on_top_of_what_was_there() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    forge.run(&checkout);
    let first = forge.data().tip(DATA).unwrap();
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    let ran = forge.run(&checkout);
    assert_eq!((ran.output("findings-resolved"), ran.output("issues-closed")), ("1", "1"));
    assert_eq!(forge.data().git(&["rev-parse", &format!("{DATA}^")]), first);
    assert!(forge.data().file(DATA, "README.md").contains("| `edge` | green |"));
    let changed = forge.data().git(&["diff", "--numstat", &first, DATA, "--", "record.json"]);
    let added: u32 = changed.split('\t').next().unwrap().parse().unwrap();
    let all = u32::try_from(forge.data().file(DATA, "record.json").lines().count()).unwrap();
    assert!(added > 0 && added < all / 2, "{added} of {all} lines differ");
}

#[test]
fn a_branch_may_have_another_name_and_numbers_of_issues_are_links_on_it() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let run = || {
        let name = "branch:audit/gateway.v1";
        forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", name).run().expect(0)
    };
    run();
    let renamed = crate::fixture::TARGET.replace("{name: edge}", "{name: gw}");
    checkout.write("plumbline.yaml", &renamed);
    checkout.commit();
    run();
    let number = &forge.github.findings()[0]["number"];
    let page = forge.data().file("audit/gateway.v1", "README.md");
    let link = format!("[#{number}](<{}/acme/gateway/issues/{number}>)", forge.git.url);
    assert!(page.contains(&link), "{page}");
    assert_eq!(forge.data().tip(DATA), None);
}

#[test]
fn a_run_that_was_overtaken_leaves_the_other_ones_record_and_says_so() {
    // Before the server says what it has, and between that and the push itself.
    for moment in ["service=git-receive-pack", "/acme/gateway/git-receive-pack"] {
        for there in [false, true] {
            let forge = Forge::start();
            let checkout = repository(HARDENED);
            if there {
                forge.run(&checkout);
            }
            checkout.write("conf/mosquitto.conf", &anonymous());
            checkout.commit();
            forge.git.before(moment, |data| {
                data.put(DATA, &[("README.md", "The other run.\n"), ("record.json", "{}")]);
            });
            let ran = forge.run(&checkout);
            assert_eq!(ran.output("issues-opened"), "1", "{moment}");
            assert!(ran.summary.contains("another run has written the branch"), "{}", ran.summary);
            assert_eq!(forge.data().file(DATA, "README.md"), "The other run.", "{moment}");
        }
    }
}

#[test]
fn runs_at_the_same_time_leave_one_history_and_one_issue() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let runs: Vec<_> = (0..3).map(|_| forge.branch(&checkout).start()).collect();
    for run in runs {
        run.end().expect(0);
    }
    let data = forge.data();
    let merges = data.git(&["rev-list", "--min-parents=2", "--count", DATA]);
    assert_eq!(merges, "0");
    forge.run(&checkout);
    let open = forge.github.findings().into_iter().filter(|issue| issue["state"] == "open");
    assert_eq!(open.count(), 1);
    forge.counts();
    forge.run(&checkout);
    assert_eq!(forge.counts(), (0, 1, 0));
}

#[test]
fn a_push_whose_answer_was_lost_is_found_to_have_arrived() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    forge.git.lose_answer("/acme/gateway/git-receive-pack");
    let ran = forge.run(&checkout);
    assert!(!ran.summary.contains("the dashboard"), "{}", ran.summary);
    assert_eq!((ran.output("issues-opened"), forge.data().commits(DATA)), ("1", 1));
}

#[test]
fn without_the_right_to_push_nothing_is_written_the_verdict_stands_and_the_permission_is_named() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let reads = forge.github.writing();
    forge.git.allow(&reads, false);
    let run = |token: &str, code| {
        let run = forge.branch(&checkout).with("PLUMBLINE_TOKEN", token);
        let ran = run.with("PLUMBLINE_FAIL_ON", "high").run().expect(code);
        assert!(!format!("{ran:?}").contains(token), "{ran:?}");
        ran
    };
    let ran = run(&reads, 1);
    for said in ["contents: write", "Permission to acme/gateway.git denied"] {
        assert!(ran.summary.contains(said), "{}", ran.summary);
    }
    // What is not remembered is not begun: the next run could not know what waited.
    assert_eq!((forge.counts().0, forge.data().tip(DATA)), (0, None));

    // A rule of the repository that declines it.
    forge.data().hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2\nexit 1");
    let ran = run(&forge.token, 1);
    for said in ["contents: write", "pre-receive hook declined", "GH006: Protected branch"] {
        assert!(ran.summary.contains(said), "{}", ran.summary);
    }
    assert_eq!((forge.counts().0, forge.data().tip(DATA)), (0, None));

    // One that may not even read.
    let stranger = forge.github.writing();
    let ran = run(&stranger, 1);
    assert!(ran.summary.contains("contents: read"), "{}", ran.summary);
    assert!(ran.summary.contains("the dashboard could not be read"), "{}", ran.summary);
    assert_eq!(forge.counts().0, 0);
}

#[test]
fn a_push_that_fails_lets_nothing_be_begun_that_the_next_run_could_not_know() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    for moment in ["service=git-receive-pack", "/acme/gateway/git-receive-pack"] {
        forge.git.fail(moment);
        let ran = forge.run(&checkout);
        assert!(ran.summary.contains("the dashboard: no answer"), "{}", ran.summary);
        assert_eq!((forge.counts().0, forge.data().tip(DATA)), (0, None), "{moment}");
    }
    assert_eq!(forge.run(&checkout).output("issues-opened"), "1");
}

#[test]
fn a_server_that_is_away_keeps_the_verdict_and_lets_nothing_be_written() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let run = forge.branch(&checkout).with("GITHUB_SERVER_URL", "http://127.0.0.1:9");
    let ran = run.with("PLUMBLINE_FAIL_ON", "high").run().expect(1);
    assert!(ran.summary.contains("the dashboard could not be read"), "{}", ran.summary);
    assert_eq!(forge.counts().0, 0);
}

#[test]
fn an_issue_that_was_the_dashboard_hands_over_what_it_remembers_and_gets_it_back() {
    let forge = Forge::start();
    // One finding of high severity, and one of medium, which waits since the adoption. Whoever had
    // forgotten that would open an issue for it.
    let checkout = repository(&anonymous().replace("max_connections 200\n", ""));
    let findings = || forge.github.findings().len();
    let on_issue = || forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", "issue").run().expect(0);
    on_issue();
    assert_eq!(forge.git.requests(), [""; 0], "an issue takes no git");
    assert_eq!((forge.dashboards().len(), findings()), (1, 1));
    let number = forge.dashboards()[0]["number"].clone();
    forge.counts();

    forge.run(&checkout);
    assert_eq!(forge.counts(), (1, 1, 1));
    let left = &forge.dashboards()[0];
    assert_eq!((&left["state"], &left["state_reason"]), (&json!("closed"), &json!("completed")));
    let page = format!("<{}/acme/gateway/tree/{DATA}>", forge.git.url);
    assert!(left["body"].as_str().unwrap().contains(&page), "{left:#}");
    assert_eq!(findings(), 1, "what waited waits");
    assert!(forge.data().file(DATA, "README.md").contains("when the repository was adopted"));
    forge.run(&checkout);
    assert_eq!(forge.counts(), (0, 1, 0));

    on_issue();
    assert_eq!(forge.counts(), (1, 1, 0));
    let back = &forge.dashboards()[0];
    assert_eq!((&back["state"], &back["number"]), (&json!("open"), &number));
    assert!(back["body"].as_str().unwrap().contains("<!-- plumbline-dashboard:1 H4s"), "{back:#}");
    assert_eq!(findings(), 1, "what waited waits");
    on_issue();
    assert_eq!(forge.counts(), (0, 1, 0));
    assert_eq!(forge.git.requests(), [""; 0]);
    forge.github.assert_by_the_contract();
}

#[test]
fn an_issue_is_left_only_when_the_branch_has_what_it_remembers() {
    let forge = Forge::start();
    let checkout = repository(&HARDENED.replace("max_connections 200\n", ""));
    forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", "issue").run().expect(0);
    let before = forge.dashboards();
    let reads = forge.github.writing();
    forge.git.allow(&reads, false);
    forge.branch(&checkout).with("PLUMBLINE_TOKEN", &reads).run().expect(0);
    assert_eq!(forge.dashboards(), before);
    // Killed between the push and the issue: the next run does the rest.
    let path = format!("/issues/{}$", before[0]["number"]);
    let fault = json!({ "method": "PATCH", "path": path, "kind": "404", "times": 9 });
    forge.github.tell("/fault", fault);
    forge.run(&checkout);
    assert_eq!((forge.data().commits(DATA), forge.dashboards()), (1, before));
    forge.github.tell("/clear", json!({}));
    forge.run(&checkout);
    assert_eq!(
        (forge.data().commits(DATA), &forge.dashboards()[0]["state"]),
        (1, &json!("closed"))
    );
}

#[test]
fn only_a_run_that_may_write_pushes() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let dry = [("PLUMBLINE_MODE", "plan"), ("PLUMBLINE_ISSUES", "off"), ("PLUMBLINE_TOKEN", "")];
    for (name, value) in dry {
        forge.branch(&checkout).with(name, value).run().expect(0);
        assert_eq!((forge.counts().0, forge.data().tip(DATA)), (0, None), "{name}");
    }
    forge.run(&checkout);
    let tip = forge.data().tip(DATA);
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    let number = open_pull(&forge.github, "weaken");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    forge.counts();
    for from in ["mallory/gateway", "acme/gateway"] {
        let event = Pull { from, ..pull(number, "opened", &base, &head) };
        forge.on(checkout.pull(&forge.github.api, &forge.token, &event)).run().expect(1);
        let (wrote, _, pushed) = forge.counts();
        assert_eq!((wrote > 0, pushed), (from == "acme/gateway", 0), "{from}");
    }
    let event = Pull { action: "closed", ..pull(number, "closed", &base, &head) };
    forge.on(checkout.pull(&forge.github.api, &forge.token, &event)).run().expect(0);
    let other = forge.branch(&checkout).with("GITHUB_REF", "refs/heads/topic").run().expect(0);
    assert!(other.summary.contains("neither the default branch"), "{}", other.summary);
    assert_eq!((forge.data().tip(DATA), forge.counts().2), (tip, 0));
}
