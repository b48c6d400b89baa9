//! A real Kubernetes, by its own `kubectl`: apply, look, wait, and say why when it does not come.
//!
//! Everything stops its test with a panic that shows kubectl's own words. Waiting asks again and
//! again until a limit; nothing here counts on time having passed.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::plumb::Ended;

/// How long anything may take that is waited for.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(150);

/// Reference of one of the project's images, as `cargo xtask image` names it.
pub fn image(name: &str) -> String {
    format!("ghcr.io/plumbline/{name}:{}", env!("CARGO_PKG_VERSION"))
}

/// Asks until there is an answer; a panic that says `what` was waited for if none comes.
#[track_caller]
pub fn eventually<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let Some(answer) = within(LIMIT, &mut answer) else {
        panic!("waited {} s in vain for: {what}", LIMIT.as_secs());
    };
    answer
}

/// Asks until there is an answer, or the time is over.
pub fn within<T>(limit: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        match answer() {
            None if begin.elapsed() < limit => std::thread::sleep(LOOK),
            answer => return answer,
        }
    }
}

/// `kubectl` on the cluster under test, in one namespace or none, as its administrator or another.
#[derive(Debug, Clone, Default)]
pub struct Kubectl {
    flags: Vec<String>,
}

impl Kubectl {
    /// As the administrator, in no namespace.
    pub fn new() -> Self {
        // Never the KUBECONFIG that happens to be set: tests make and delete things.
        let kubeconfig = std::env::var("PLUMBLINE_TEST_KUBECONFIG").expect(
            "PLUMBLINE_TEST_KUBECONFIG names the cluster: run `cargo xtask test --tier cluster`",
        );
        Self { flags: vec![format!("--kubeconfig={kubeconfig}"), "--request-timeout=60s".into()] }
    }

    fn with(&self, flag: String) -> Self {
        let mut flags = self.flags.clone();
        flags.push(flag);
        Self { flags }
    }

    /// The same, in a namespace.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        self.with(format!("--namespace={namespace}"))
    }

    /// The same, as another user: `system:serviceaccount:NAMESPACE:NAME`, or any name.
    pub fn impersonating(&self, user: &str) -> Self {
        self.with(format!("--as={user}"))
    }

    /// `kubectl` with arguments, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(arguments).args(&self.flags);
        command
    }

    /// Runs `kubectl` to its end, with something to read.
    pub fn feed<S: AsRef<OsStr>>(&self, arguments: &[S], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl is on the PATH");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        // Fails if kubectl ended without reading: what it said is worth more than that.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Runs `kubectl` to its end.
    pub fn try_run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        self.feed(arguments, "")
    }

    /// Runs `kubectl`, which must succeed, and gives what it printed.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        self.try_run(arguments).expect(0).stdout
    }

    /// Applies documents, which must be taken.
    #[track_caller]
    pub fn apply(&self, yaml: &str) {
        self.feed(&["apply", "--filename=-"], yaml).expect(0);
    }

    /// Applies documents, which must be refused, and gives the reason.
    #[track_caller]
    pub fn apply_refused(&self, yaml: &str) -> String {
        self.feed(&["apply", "--filename=-"], yaml).expect(1).stderr
    }

    /// A field of an object (`job/collect`) by its JSONPath (`.status.phase`); none if the object or
    /// the field is not there.
    #[track_caller]
    pub fn field(&self, object: &str, path: &str) -> Option<String> {
        let output = format!("--output=jsonpath={{{path}}}");
        let text = self.run(&["get", object, "--ignore-not-found", &output]);
        Some(text).filter(|text| !text.is_empty())
    }

    /// An object or a list of objects (`pods`), whole; it must be there.
    #[track_caller]
    pub fn json(&self, object: &str) -> Value {
        self.try_run(&["get", object, "--output=json"]).expect(0).json()
    }

    /// Waits until a field has a value.
    #[track_caller]
    pub fn wait_for(&self, object: &str, path: &str, wanted: &str) {
        let begin = Instant::now();
        loop {
            let seen = self.field(object, path).unwrap_or_default();
            if seen == wanted {
                return;
            }
            assert!(
                begin.elapsed() < LIMIT,
                "waited {} s in vain for {path} of {object} to be {wanted:?}; it is {seen:?}",
                LIMIT.as_secs()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until a condition of an object is `True`.
    #[track_caller]
    pub fn wait_for_condition(&self, object: &str, condition: &str) {
        self.wait_for(
            object,
            &format!(".status.conditions[?(@.type==\"{condition}\")].status"),
            "True",
        );
    }

    /// Waits until an object is gone.
    #[track_caller]
    pub fn wait_until_gone(&self, object: &str) {
        eventually(&format!("{object} to be gone"), || {
            self.field(object, ".metadata.name").is_none().then_some(())
        });
    }

    /// Waits until a Job has ended, and says how: `Complete`, or `Failed` and the reason.
    #[track_caller]
    pub fn wait_for_job(&self, name: &str) -> Result<(), String> {
        let object = format!("job/{name}");
        let ended = |condition: &str, field: &str| {
            let path = format!(".status.conditions[?(@.type==\"{condition}\")].{field}");
            self.field(&object, &path)
        };
        eventually(&format!("{object} to end"), || {
            if ended("Complete", "status").is_some() {
                return Some(Ok(()));
            }
            ended("Failed", "reason").map(Err)
        })
    }

    /// What an object's containers have printed.
    #[track_caller]
    pub fn logs(&self, object: &str) -> String {
        self.run(&["logs", object, "--all-containers"])
    }
}

/// A namespace of one test's own, under Pod Security `restricted`. It is deleted with this value;
/// if the test fails, what was in it is shown first.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    kubectl: Kubectl,
}

impl Namespace {
    /// Makes one, `plumbline-PURPOSE-` and a few letters of the API server's choice.
    #[track_caller]
    pub fn new(purpose: &str) -> Self {
        let cluster = Kubectl::new();
        let document = format!(
            "apiVersion: v1
kind: Namespace
metadata:
  generateName: plumbline-{purpose}-
  labels:
    pod-security.kubernetes.io/enforce: restricted
"
        );
        let create = ["create", "--filename=-", "--output=jsonpath={.metadata.name}"];
        let name = cluster.feed(&create, &document).expect(0).stdout;
        let namespace = Self { kubectl: cluster.in_namespace(&name), name };
        // Pods are refused until it is there.
        namespace.wait_for("serviceaccount/default", ".metadata.name", "default");
        namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is in it: objects, what happened to them, what the pods printed.
    fn describe(&self) -> String {
        let mut text = format!("--- namespace {} ---\n", self.name);
        let ask = |text: &mut String, arguments: &[&str]| {
            let ended = self.try_run(arguments);
            writeln!(text, "$ kubectl {}\n{}{}", arguments.join(" "), ended.stdout, ended.stderr)
                .expect("text can be written to");
        };
        ask(&mut text, &["get", "all", "--output=wide"]);
        ask(&mut text, &["events"]);
        let pods = self.try_run(&["get", "pods", "--output=name"]).stdout;
        for pod in pods.lines() {
            ask(&mut text, &["logs", pod, "--all-containers", "--prefix", "--tail=200"]);
        }
        text
    }
}

impl std::ops::Deref for Namespace {
    type Target = Kubectl;

    fn deref(&self) -> &Kubectl {
        &self.kubectl
    }
}

impl Drop for Namespace {
    #[allow(clippy::print_stderr, reason = "the test that fails shows why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.describe());
        }
        self.try_run(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}
