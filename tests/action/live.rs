//! What the workflow starts beside itself, against what the default branch saw: the reference
//! gateway, exposed and hardened.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use testkit::gateway::{Gateway, Ports, Posture, Site};
use testkit::process::free_address;
use tests::git::{GitServer, pushes};
use tests::github::{Checkout, GitHub, Ran, Workflow};
use tokio::runtime::Runtime;

use crate::fixture::{change, open_pull, pull};

/// A repository of the reference gateway, whose workflow starts what is checked out.
struct Repository {
    checkout: Checkout,
    site: Site,
    runtime: Runtime,
    /// Inputs beside the targets.
    inputs: Vec<(&'static str, String)>,
}

impl Repository {
    fn new(posture: Posture) -> Self {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let checkout = Checkout::new();
        let site = Site::create(&checkout.root().join("gateway"), Ports::free()).unwrap();
        // Secrets are no part of a repository: an earlier step of the workflow brings them.
        checkout.write(".gitignore", "token\n*.key\npasswords\ndevice-password\n");
        site.write(posture).unwrap();
        checkout.commit();
        Self { checkout, site, runtime: Runtime::new().unwrap(), inputs: Vec::new() }
    }

    /// Runs a workflow that starts the gateway first.
    fn with_gateway(&self, run: impl FnOnce() -> Ran) -> Ran {
        let gateway = self.runtime.block_on(Gateway::start(self.site.dir())).unwrap();
        let ran = run();
        self.runtime.block_on(gateway.stop());
        self.assert_no_secret(&ran);
        ran
    }

    fn branch(&self, github: &GitHub, token: &str) -> Ran {
        self.with_gateway(|| self.with_inputs(self.checkout.branch(&github.api, token)).run())
    }

    fn with_inputs<'a>(&self, run: Workflow<'a>) -> Workflow<'a> {
        let run = run.with("PLUMBLINE_TARGETS", "gateway/target.yaml");
        self.inputs.iter().fold(run, |run, (name, value)| run.with(name, value))
    }

    fn pull(&self, github: &GitHub, token: &str, number: u64, commits: &(String, String)) -> Ran {
        let event = pull(number, "synchronize", &commits.0, &commits.1);
        let run = self.checkout.pull(&github.api, token, &event);
        self.with_gateway(|| self.with_inputs(run).run())
    }

    fn change(&self, posture: Posture) -> (String, String) {
        change(&self.checkout, |_| {
            self.site.write(posture).unwrap();
        })
    }

    fn merge(&self) {
        self.checkout.git(&["checkout", "--quiet", "main"]);
        self.checkout.git(&["merge", "--quiet", "--no-edit", "topic"]);
    }

    fn assert_no_secret(&self, ran: &Ran) {
        let secrets = [self.site.token().unwrap(), self.site.device_login().unwrap().1];
        let shown = format!("{ran:?}");
        assert!(secrets.iter().all(|secret| !shown.contains(secret.as_str())), "{shown}");
    }
}

/// The one comment of a pull request.
fn the_comment(github: &GitHub, number: u64) -> String {
    let comments = github.upstream("GET", &format!("/issues/{number}/comments"), Value::Null);
    let comments = comments.as_array().unwrap();
    assert_eq!(comments.len(), 1, "{comments:#?}");
    comments[0]["body"].as_str().unwrap().to_owned()
}

/// The findings of a comment's table, in the order of their names.
fn named(comment: &str) -> Vec<&str> {
    let rows = comment.lines().filter(|line| line.starts_with("| ") && line.contains(" | `"));
    let mut names: Vec<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_reference_story_is_told_on_a_pull_request() {
    let github = GitHub::start();
    let token = github.writing();
    let repository = Repository::new(Posture::Exposed);
    let ran = repository.branch(&github, &token).expect(0);
    assert_eq!((ran.output("posture"), ran.output("risk-score")), ("red", "69"));
    assert_eq!(ran.output("findings-total"), "4");
    assert!(ran.summary.contains("(3 high, 1 medium)"), "{}", ran.summary);

    // The change that hardens it.
    let number = open_pull(&github, "harden");
    let commits = repository.change(Posture::Hardened);
    let ran = repository.pull(&github, &token, number, &commits).expect(0);
    assert_eq!((ran.output("posture"), ran.output("findings-total")), ("green", "0"));
    // What a merge closes is named, by the numbers that the issues have.
    let issues = github.findings();
    let high = issues.iter().map(|issue| issue["number"].as_u64().unwrap());
    let closes: Vec<_> = high.map(|number| format!("#{number}")).collect();
    assert_eq!(closes.len(), 3, "the one of medium severity waits: {issues:#?}");
    let said = the_comment(&github, number);
    let line = format!("On merge, as things stand: closes {}.", closes.join(", "));
    assert!(said.contains(&line), "{said}");
    assert_eq!(named(&said), [""; 0], "it introduces nothing: {said}");
    assert_eq!((ran.output("findings-new"), ran.output("findings-resolved")), ("0", "4"));
    assert!(ran.summary.contains("risk score 69 \u{2192} 0"), "{}", ran.summary);
    repository.merge();
    let ran = repository.branch(&github, &token).expect(0);
    assert_eq!((ran.output("posture"), ran.output("findings-resolved")), ("green", "4"));
    // Files close with the first pass, endpoints with the second.
    repository.branch(&github, &token).expect(0);
    let open = github.findings().into_iter().filter(|issue| issue["state"] == "open");
    assert_eq!(open.count(), 0);

    // The change that undoes it.
    let number = open_pull(&github, "expose");
    let commits = repository.change(Posture::Exposed);
    let ran = repository.pull(&github, &token, number, &commits).expect(1);
    assert_eq!((ran.output("findings-new"), ran.output("findings-resolved")), ("4", "0"));
    assert_eq!(ran.output("failed-reason"), "the change brings 3 findings of high or above");
    let said = the_comment(&github, number);
    // These four, and no other.
    assert_eq!(
        named(&said),
        [
            "gateway_config_guardrails.auth_enforcement_disabled",
            "gateway_config_guardrails.unsafe_defaults_not_observable",
            "ingest_auth.insecure_transport",
            "ingest_auth.unauthenticated_ingest_allowed",
        ],
        "{said}"
    );
    for issue in github.issues() {
        let text = issue.to_string();
        assert!(!text.contains(&repository.site.token().unwrap()), "{text}");
    }
    github.assert_by_the_contract();
}

#[test]
fn a_pull_request_is_compared_with_what_a_branch_remembers_and_leaves_it_as_it_is() {
    let (github, git) = (GitHub::start(), GitServer::start());
    let (token, reading) = (github.writing(), github.reading());
    git.allow(&token, true);
    git.allow(&reading, false);
    let mut repository = Repository::new(Posture::Exposed);
    repository.inputs =
        vec![("GITHUB_SERVER_URL", git.url.clone()), ("PLUMBLINE_DASHBOARD", "branch".to_owned())];
    repository.branch(&github, &token).expect(0);
    let tip = git.repository().tip("plumbline-data");
    let number = open_pull(&github, "harden");
    let commits = repository.change(Posture::Hardened);
    git.requests();
    // The token of a fork reads, and that is all that it takes.
    for token in [&token, &reading] {
        let ran = repository.pull(&github, token, number, &commits).expect(0);
        assert_eq!((ran.output("posture"), ran.output("findings-resolved")), ("green", "4"));
        assert!(ran.summary.contains("risk score 69 \u{2192} 0"), "{}", ran.summary);
    }
    let requests = git.requests();
    assert!(!requests.is_empty() && pushes(&requests) == 0, "{requests:#?}");
    assert_eq!(git.repository().tip("plumbline-data"), tip);
    // A record that is none leaves what is live without a baseline, and the files with theirs.
    git.repository().put("plumbline-data", &[("README.md", "?"), ("record.json", "[]")]);
    let ran = repository.pull(&github, &token, number, &commits).expect(0);
    assert!(ran.summary.contains("no record that can be read"), "{}", ran.summary);
    assert_ne!(ran.output("findings-resolved"), "4");
    github.assert_by_the_contract();
}

#[test]
fn an_endpoint_is_closed_by_two_passes_and_a_file_by_one() {
    let github = GitHub::start();
    let token = github.writing();
    let repository = Repository::new(Posture::Exposed);
    let all = |ran: Ran| ran.expect(0);
    all(repository.branch(&github, &token));
    let open = || github.findings().iter().filter(|issue| issue["state"] == "open").count();
    let (files, endpoints): (Vec<_>, Vec<_>) = github
        .findings()
        .into_iter()
        .partition(|issue| issue["title"].as_str().unwrap().starts_with("[gateway_config"));
    assert!(!files.is_empty() && !endpoints.is_empty());
    repository.site.write(Posture::Hardened).unwrap();
    repository.checkout.commit();
    all(repository.branch(&github, &token));
    assert_eq!(open(), endpoints.len());
    all(repository.branch(&github, &token));
    assert_eq!(open(), 0);
}

#[test]
fn an_endpoint_that_is_down_closes_nothing_and_says_that_nothing_was_seen() {
    let github = GitHub::start();
    let token = github.writing();
    let repository = Repository::new(Posture::Exposed);
    repository.branch(&github, &token).expect(0);
    let before = github.findings();
    let run = || {
        repository
            .checkout
            .branch(&github.api, &token)
            .with("PLUMBLINE_TARGETS", "gateway/target.yaml")
            .run()
    };
    // Its file is still there, and says what it said.
    let ran = run().expect(0);
    assert_ne!(ran.output("findings-unknown"), "0");
    assert_eq!(github.findings(), before);
    run().expect(0);
    assert_eq!(github.findings(), before);
}

/// A server that keeps what it is sent.
struct Listening {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Listening {
    fn start() -> Self {
        let address = free_address([127, 0, 0, 1].into());
        let listener = TcpListener::bind(address).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&heard);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                stream.set_read_timeout(Some(Duration::from_millis(200))).ok();
                let mut said = [0; 4_096];
                while let Ok(count @ 1..) = stream.read(&mut said) {
                    keeps.lock().unwrap().extend_from_slice(&said[..count]);
                }
                stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok();
            }
        });
        Self { port: address.port(), heard }
    }
}

#[test]
fn a_credential_never_follows_an_endpoint_that_a_pull_request_moves() {
    let github = GitHub::start();
    let token = github.writing();
    let repository = Repository::new(Posture::Hardened);
    repository.branch(&github, &token).expect(0);
    let number = open_pull(&github, "move");
    let thief = Listening::start();
    let commits = change(&repository.checkout, |c| {
        let path = c.root().join("gateway/target.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let https = format!("port: {}", repository.site.ports().https);
        assert!(text.contains(&https), "{text}");
        let moved = text
            .replace(&https, &format!("port: {}", thief.port))
            .replace("protocol: https", "protocol: http");
        std::fs::write(&path, moved).unwrap();
    });
    let ran = repository.pull(&github, &token, number, &commits);
    assert!(ran.summary.contains("is probed without credentials"), "{}", ran.summary);
    let heard = String::from_utf8_lossy(&thief.heard.lock().unwrap()).into_owned();
    assert!(!heard.is_empty(), "it was probed");
    assert!(!heard.contains(&repository.site.token().unwrap()), "{heard}");
    assert_ne!(ran.ended.code, Some(0), "an open ingest edge is no improvement");
}
