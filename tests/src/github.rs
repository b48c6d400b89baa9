//! A GitHub to test against (`tests/github`), and checkouts whose workflow runs reach it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::plumb::{Ended, built};

/// The repository of the seed.
pub const REPOSITORY: &str = "acme/gateway";
/// The next workflow run: each has a page of its own.
static RUN: AtomicU64 = AtomicU64::new(1);
/// Who the Action writes as.
pub const AUTHOR: &str = "github-actions[bot]";

/// A server of its own; it ends with this value.
pub struct GitHub {
    child: Child,
    // The server ends when its input does.
    _input: ChildStdin,
    runtime: Runtime,
    client: reqwest::Client,
    /// Where clients ask.
    pub api: String,
    upstream: String,
    control: String,
}

impl GitHub {
    /// Starts one.
    pub fn start() -> Self {
        let folder = std::env::var_os("PLUMBLINE_GITHUB")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("github"), PathBuf::from);
        assert!(
            folder.join("node_modules").is_dir(),
            "{} has no packages: run `cargo xtask test --tier action`",
            folder.display()
        );
        let mut child = Command::new("node")
            .arg(folder.join("serve.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node can be run");
        let input = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let places: Value = serde_json::from_str(&line).expect("the server says where it is");
        let place = |name: &str| places[name].as_str().unwrap().to_owned();
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        Self {
            child,
            _input: input,
            runtime: Runtime::new().unwrap(),
            client: reqwest::Client::builder().no_proxy().user_agent("tests").build().unwrap(),
            api: place("api"),
            upstream: place("upstream"),
            control: place("control"),
        }
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{status}: {text}");
            serde_json::from_str(&text).unwrap_or(Value::Null)
        })
    }

    /// What the other side of the server says.
    pub fn look(&self, what: &str) -> Value {
        self.ask(self.client.get(format!("{}{what}", self.control)))
    }

    /// Tells the other side of the server something.
    #[allow(clippy::needless_pass_by_value, reason = "a literal reads better without `&`")]
    pub fn tell(&self, what: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{what}", self.control));
        self.ask(request.header("content-type", "application/json").body(body.to_string()))
    }

    /// A token of the app that workflows are, with these permissions.
    #[allow(clippy::needless_pass_by_value, reason = "a literal reads better without `&`")]
    pub fn token(&self, permissions: Value) -> String {
        let token = self.tell("/token", json!({ "permissions": permissions }));
        token["token"].as_str().unwrap().to_owned()
    }

    /// A token that may do what the documentation asks for.
    pub fn writing(&self) -> String {
        self.token(json!({
            "contents": "read", "issues": "write", "pull_requests": "write", "checks": "write",
        }))
    }

    /// A token as a fork's.
    pub fn reading(&self) -> String {
        self.token(json!({ "contents": "read", "issues": "read", "pull_requests": "read" }))
    }

    /// Somebody does something by hand.
    pub fn by_hand(&self, who: &str, method: &str, route: &str, body: Value) -> Value {
        self.somebody(&self.api, who, method, route, body)
    }

    /// The same by the owner at the emulator itself, for what no client may do.
    pub fn upstream(&self, method: &str, route: &str, body: Value) -> Value {
        self.upstream_as("acme", method, route, body)
    }

    /// The same by somebody else: a token may ask 5,000 times.
    pub fn upstream_as(&self, who: &str, method: &str, route: &str, body: Value) -> Value {
        self.somebody(&self.upstream, who, method, route, body)
    }

    #[allow(clippy::needless_pass_by_value, reason = "a literal reads better without `&`")]
    fn somebody(&self, place: &str, who: &str, method: &str, route: &str, body: Value) -> Value {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{place}/repos/{REPOSITORY}{route}"))
            .bearer_auth(format!("tok_{who}"))
            .header("content-type", "application/json")
            .body(body.to_string());
        self.ask(request)
    }

    /// All issues with their comments.
    pub fn issues(&self) -> Vec<Value> {
        let state = self.look(&format!("/state?repo={REPOSITORY}"));
        let issues = state.as_array().or_else(|| state["issues"].as_array());
        issues.unwrap().clone()
    }

    /// Issues of findings: not the dashboard.
    pub fn findings(&self) -> Vec<Value> {
        let dashboard = |issue: &Value| issue["title"] == "Plumbline dashboard";
        self.issues().into_iter().filter(|issue| !dashboard(issue)).collect()
    }

    /// Requests since the last time that this was asked.
    pub fn requests(&self) -> Vec<Value> {
        let requests = self.look("/requests").as_array().unwrap().clone();
        self.tell("/requests/clear", json!({}));
        requests
    }

    /// Fails if a request or an answer was not what GitHub's description says.
    #[track_caller]
    pub fn assert_by_the_contract(&self) {
        let violations = self.look("/violations");
        assert_eq!(violations, json!([]), "{violations:#}");
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How many of these requests write.
pub fn writes(requests: &[Value]) -> usize {
    requests.iter().filter(|request| request["method"] != "GET").count()
}

/// A checkout with a workflow run in it.
pub struct Checkout {
    folder: TempDir,
}

/// What a workflow run left behind.
#[derive(Debug)]
pub struct Ran {
    /// The program.
    pub ended: Ended,
    /// Outputs, by name.
    pub outputs: std::collections::BTreeMap<String, String>,
    /// The job summary.
    pub summary: String,
    /// `plan.json`.
    pub plan: Value,
}

impl Checkout {
    /// An empty repository on `main`.
    pub fn new() -> Self {
        let checkout = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(checkout.root()).unwrap();
        checkout.git(&["init", "--quiet", "--initial-branch=main"]);
        checkout
    }

    /// The folder of the repository.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// Runs git.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.root())
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.invalid"])
            .args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything that is there; the commit.
    pub fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A workflow run on the default branch.
    pub fn branch(&self, api: &str, token: &str) -> Workflow<'_> {
        let payload = json!({ "repository": { "default_branch": "main" } });
        Workflow::new(self, api, token, "push", "refs/heads/main", &payload)
    }

    /// A workflow run of a pull request: `action` is `opened`, `synchronize` or `closed`.
    pub fn pull(&self, api: &str, token: &str, pull: &Pull<'_>) -> Workflow<'_> {
        let git_ref = format!("refs/pull/{}/merge", pull.number);
        Workflow::new(self, api, token, "pull_request", &git_ref, &pull.payload())
    }
}

impl Default for Checkout {
    fn default() -> Self {
        Self::new()
    }
}

/// A pull request, as an event has it.
pub struct Pull<'a> {
    /// Its number.
    pub number: u64,
    /// `opened`, `synchronize` or `closed`.
    pub action: &'a str,
    /// Its changes are in.
    pub merged: bool,
    /// The commit that it goes onto.
    pub base: &'a str,
    /// Its own commit.
    pub head: &'a str,
    /// Its repository.
    pub from: &'a str,
    /// Who opened it.
    pub by: &'a str,
}

impl Pull<'_> {
    /// The event's payload.
    pub fn payload(&self) -> Value {
        let repository = |name: &str| json!({ "full_name": name, "default_branch": "main" });
        json!({
            "action": self.action,
            "pull_request": {
                "number": self.number,
                "merged": self.merged,
                "user": { "login": self.by },
                "base": { "sha": self.base, "ref": "main", "repo": repository(REPOSITORY) },
                "head": { "sha": self.head, "ref": "topic", "repo": repository(self.from) },
            },
            "repository": repository(REPOSITORY),
        })
    }
}

/// A workflow run, not started yet.
pub struct Workflow<'a> {
    command: Command,
    checkout: &'a Checkout,
    temporary: PathBuf,
}

impl<'a> Workflow<'a> {
    fn new(
        checkout: &'a Checkout,
        api: &str,
        token: &str,
        event: &str,
        git_ref: &str,
        payload: &Value,
    ) -> Self {
        let temporary = tempfile::tempdir_in(checkout.folder.path()).unwrap().keep();
        std::fs::write(temporary.join("event.json"), payload.to_string()).unwrap();
        let mut command = Command::new(built("plumbline-action"));
        command
            .arg("run")
            .current_dir(checkout.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &temporary)
            .env("RUNNER_TEMP", &temporary)
            .env("GITHUB_API_URL", api)
            .env("GITHUB_SERVER_URL", "https://github.example")
            .env("GITHUB_REPOSITORY", REPOSITORY)
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_EVENT_PATH", temporary.join("event.json"))
            .env("GITHUB_REF", git_ref)
            .env("GITHUB_RUN_ID", RUN.fetch_add(1, Ordering::Relaxed).to_string())
            .env("GITHUB_ACTOR", "alice")
            .env("GITHUB_OUTPUT", temporary.join("output"))
            .env("GITHUB_STEP_SUMMARY", temporary.join("summary"))
            .env("PLUMBLINE_TOKEN", token)
            // A server on loopback needs no second of rest.
            .env("PLUMBLINE_WRITE_INTERVAL_MS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command, checkout, temporary }
    }

    /// Gives an input, by the variable that the Action fills.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Started<'a> {
        let child = self.command.spawn().unwrap();
        Started { child, temporary: self.temporary, _checkout: self.checkout }
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.start().end()
    }
}

/// A workflow run on its way.
pub struct Started<'a> {
    /// The program.
    pub child: Child,
    temporary: PathBuf,
    _checkout: &'a Checkout,
}

impl Started<'_> {
    /// Waits for its end.
    pub fn end(self) -> Ran {
        let ended = Ended::from(self.child.wait_with_output().unwrap());
        let read =
            |name: &str| std::fs::read_to_string(self.temporary.join(name)).unwrap_or_default();
        let plan = read("plumbline/plan.json");
        Ran {
            ended,
            outputs: outputs(&read("output")),
            summary: read("summary"),
            plan: serde_json::from_str(&plan).unwrap_or(Value::Null),
        }
    }
}

impl Ran {
    /// The same, if it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.ended.code,
            Some(code),
            "stderr:\n{}\nsummary:\n{}",
            self.ended.stderr,
            self.summary
        );
        self
    }

    /// An output.
    #[track_caller]
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no output {name}: {:?}", self.outputs))
    }
}

/// Reads what the runner reads: `name<<word`, the value, `word`.
fn outputs(text: &str) -> std::collections::BTreeMap<String, String> {
    let mut outputs = std::collections::BTreeMap::new();
    let mut lines = text.lines();
    while let Some(head) = lines.next() {
        let (name, word) = head.split_once("<<").expect("an output begins with its name");
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != word).collect();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}
