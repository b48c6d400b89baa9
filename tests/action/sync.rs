//! Issues by what a store holds, and a store as the memory of the Action.

use std::process::{Command, Stdio};

use testkit::postgres::{Database, PASSWORD};
use tests::github::{AUTHOR, GitHub, REPOSITORY, writes};
use tests::plumb::{Bench, Ended, built};

use crate::fixture::{HARDENED, TARGET, anonymous, change, open_pull, pull, repository};

/// A cluster's place: somebody audits into a store.
struct Cluster {
    bench: Bench,
    store: String,
}

impl Cluster {
    fn new() -> Self {
        let bench = Bench::new();
        let store = format!("sqlite:{}", bench.path("runs.db").display());
        Self::with(bench, store)
    }

    fn with(bench: Bench, store: String) -> Self {
        bench.write("plumbline.yaml", TARGET);
        Self { bench, store }
    }

    fn store(&self) -> String {
        self.store.clone()
    }

    /// Runs that the store has.
    fn runs(&self) -> usize {
        let listed = self.bench.plumb(&["runs", "list", "--store", &self.store, "--json"]);
        listed.expect(0).stdout.lines().count()
    }

    fn audit(&self, config: &str) {
        self.bench.write("conf/mosquitto.conf", config);
        let store = self.store();
        let args = ["run", "-f", "plumbline.yaml", "--store", &store, "--fail-on", "never"];
        self.bench.plumb(&args).expect(0);
    }

    fn sync(&self, github: &GitHub, args: &[&str]) -> Ended {
        let output = Command::new(built("plumbline-action"))
            .args(["sync", "--store", &self.store(), "--repository", REPOSITORY])
            .args(["--api", &github.api, "--write-interval", "0"])
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.bench.dir())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended::from(output)
    }
}

#[test]
fn the_operators_findings_become_issues_by_an_app_and_are_closed_by_its_next_runs() {
    let github = GitHub::start();
    let cluster = Cluster::new();
    let app = github.look("/app?slug=plumbline-app");
    let key = cluster.bench.write("app.pem", app["private_key"].as_str().unwrap());
    let id = app["id"].to_string();
    let key = key.display().to_string();
    let as_app = ["--app-id", id.as_str(), "--app-key-file", key.as_str()];
    cluster.audit(&anonymous());
    cluster.sync(&github, &as_app).expect(0);
    let issues = github.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    assert_eq!(issues[0]["user"], "plumbline-app[bot]");
    assert!(issues[0]["title"].as_str().unwrap().contains("] edge: "));

    // The same runs again: nothing.
    github.requests();
    cluster.sync(&github, &as_app).expect(0);
    let requests = github.requests();
    let tokens = requests.iter().filter(|r| r["path"].as_str().unwrap().contains("access_tokens"));
    assert_eq!(writes(&requests), tokens.count(), "{requests:#?}");

    cluster.audit(HARDENED);
    let planned = cluster.sync(&github, &[&as_app[..], &["--plan"]].concat()).expect(0).json();
    assert_eq!(planned["plan"]["updates"][0]["why"], "resolved", "{planned:#}");
    assert_eq!(github.issues()[0]["state"], "open", "a plan touches nothing");
    cluster.sync(&github, &as_app).expect(0);
    let closed = &github.issues()[0];
    assert_eq!(closed["state"], "closed");
    let body = closed["body"].as_str().unwrap();
    assert!(body.contains("**Last change:** seen to pass, 20"), "{body}");
    assert!(body.contains("Report: `plumb report "), "{body}");

    cluster.audit(&anonymous());
    let pages = ["--report-url", "https://reports.example/{run}.html"];
    cluster.sync(&github, &[&as_app[..], &pages].concat()).expect(0);
    let body = github.issues()[0]["body"].to_string();
    assert!(body.contains("[Report](<https://reports.example/2"), "{body}");
    assert!(body.contains(".html>)"), "{body}");
    github.assert_by_the_contract();
}

#[test]
fn ten_new_findings_of_the_cluster_take_ten_writes() {
    let github = GitHub::start();
    let token = github.writing();
    let cluster = Cluster::new();
    let config =
        |at| format!("  - {{name: g{at}, format: mosquitto, path: conf/mosquitto.conf}}\n");
    let configs: String = (0..10).map(config).collect();
    let (head, _) = TARGET.split_once("  gatewayConfig:\n").unwrap();
    cluster.bench.write("plumbline.yaml", format!("{head}  gatewayConfig:\n{configs}"));
    cluster.audit(&anonymous());
    github.requests();
    cluster.sync(&github, &["--token", &token, "--author", AUTHOR]).expect(0);
    let requests = github.requests();
    assert_eq!(github.findings().len(), 10);
    let writes = writes(&requests);
    assert_eq!((writes, requests.len() - writes), (10, 3), "{requests:#?}");
}

#[test]
fn a_finding_of_the_cluster_and_of_the_repository_is_one_issue() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    checkout.branch(&github.api, &token).run().expect(0);
    let cluster = Cluster::new();
    cluster.audit(&anonymous());
    cluster.sync(&github, &["--token", &token, "--author", AUTHOR]).expect(0);
    assert_eq!(github.findings().len(), 1);
}

#[test]
fn a_postgres_gives_the_operator_and_the_action_one_history_and_a_finding_one_issue() {
    let github = GitHub::start();
    let token = github.writing();
    let database = Database::create().unwrap();
    let cluster = Cluster::with(Bench::new(), database.url());
    let as_us = ["--token", token.as_str(), "--author", AUTHOR];
    cluster.audit(&anonymous());
    cluster.sync(&github, &as_us).expect(0);
    let first = github.findings();
    assert_eq!(first.len(), 1, "{first:#?}");

    // The repository has mended it: its baseline is what the cluster saw.
    let checkout = repository(HARDENED);
    let run = || checkout.branch(&github.api, &token).with("PLUMBLINE_STORE", &cluster.store);
    let ran = run().run().expect(0);
    assert_eq!((ran.output("findings-resolved"), ran.output("issues-closed")), ("1", "1"));
    assert_eq!(github.findings()[0]["number"], first[0]["number"]);
    assert_eq!(cluster.runs(), 2);
    assert!(!format!("{ran:?}").contains(PASSWORD), "{ran:?}");

    // The cluster goes on from there: nothing is left to do, and what comes again is that issue.
    github.requests();
    cluster.sync(&github, &as_us).expect(0);
    assert_eq!(writes(&github.requests()), 0);
    cluster.audit(&anonymous());
    cluster.sync(&github, &as_us).expect(0);
    let again = github.findings();
    assert_eq!((again.len(), &again[0]["number"]), (1, &first[0]["number"]));
    assert_eq!(again[0]["state"], "open");
    assert!(again[0]["labels"].to_string().contains("regressed"), "{again:#?}");
    assert_eq!(cluster.runs(), 3);

    // A pull request reads, and adds nothing.
    let number = open_pull(&github, "postgres");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let event = pull(number, "opened", &base, &head);
    let run = checkout.pull(&github.api, &token, &event);
    run.with("PLUMBLINE_STORE", &cluster.store).run().expect(1);
    assert_eq!(cluster.runs(), 3);
}

#[test]
fn what_is_missing_is_said_before_anything_is_asked() {
    let github = GitHub::start();
    let cluster = Cluster::new();
    cluster.audit(HARDENED);
    let token = github.writing();
    for (args, said) in [
        (vec![], "there is no token"),
        (vec!["--token", &token], "author: expected the login"),
        (
            vec!["--token", &token, "--author", AUTHOR, "--target", "nope"],
            "no complete run of `nope`",
        ),
        (vec!["--app-id", "1", "--app-key-file", "plumbline.yaml"], "cannot read plumbline.yaml"),
    ] {
        let ended = cluster.sync(&github, &args).expect(2);
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains(&token));
    }
    let key = cluster.bench.write("key.pem", "no key at all").display().to_string();
    let ended = cluster.sync(&github, &["--app-id", "1", "--app-key-file", &key]).expect(2);
    assert!(ended.stderr.contains("no RSA private key"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("no key at all"), "{}", ended.stderr);
    let denied = cluster.sync(&github, &["--token", "tok_nobody", "--author", AUTHOR]).expect(2);
    assert!(denied.stderr.contains("could not be listed"), "{}", denied.stderr);
}

#[test]
fn a_store_remembers_for_the_action_what_the_dashboard_would() {
    let github = GitHub::start();
    let token = github.writing();
    let checkout = repository(&anonymous());
    let bench = Bench::new();
    let store = format!("sqlite:{}", bench.path("runs.db").display());
    let run = || checkout.branch(&github.api, &token).with("PLUMBLINE_STORE", &store).run();
    run().expect(0);
    checkout.write("conf/mosquitto.conf", HARDENED);
    checkout.commit();
    let ran = run().expect(0);
    assert_eq!(ran.output("findings-resolved"), "1");
    let runs = || {
        let listed = bench.plumb(&["runs", "list", "--store", &store, "--json"]).expect(0);
        listed.stdout.lines().count()
    };
    assert_eq!(runs(), 2);
    let verified = bench.plumb(&["verify", "last", "--store", &store]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    // A pull request reads it and adds nothing to it.
    let number = open_pull(&github, "store");
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let event = pull(number, "opened", &base, &head);
    checkout.pull(&github.api, &token, &event).with("PLUMBLINE_STORE", &store).run().expect(1);
    assert_eq!(runs(), 2);
    let gone = checkout
        .branch(&github.api, &token)
        .with("PLUMBLINE_STORE", "postgres://user:hunter2@127.0.0.1:9/none")
        .run()
        .expect(2);
    assert!(!format!("{gone:?}").contains("hunter2"), "{gone:?}");
}

#[test]
fn a_target_of_which_the_cluster_sees_nothing_has_an_issue_that_says_so() {
    let github = GitHub::start();
    let token = github.writing();
    let cluster = Cluster::new();
    let as_us = ["--token", token.as_str(), "--author", AUTHOR, "--unobserved-after", "0"];
    cluster.audit(&anonymous());
    cluster.sync(&github, &as_us).expect(0);
    std::fs::remove_file(cluster.bench.path("conf/mosquitto.conf")).unwrap();
    let store = cluster.store();
    let args = ["run", "-f", "plumbline.yaml", "--store", &store, "--fail-on", "never"];
    cluster.bench.plumb(&args).expect(0);
    cluster.sync(&github, &as_us).expect(0);
    let open: Vec<_> = github.issues().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 2, "{open:#?}");
    assert!(open[1]["title"].as_str().unwrap().contains("not observed"), "{open:#?}");
    cluster.audit(&anonymous());
    cluster.sync(&github, &as_us).expect(0);
    let open: Vec<_> = github.issues().into_iter().filter(|i| i["state"] == "open").collect();
    assert_eq!(open.len(), 1, "{open:#?}");
}
