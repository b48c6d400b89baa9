//! The operator as a process of the test's own, beside the cluster instead of in it: it can be
//! told where to die, be killed between two looks, and be measured.
//!
//! It works against the real API server (`PLUMBLINE_TEST_KUBECONFIG`), and pods reach its ingest
//! at the node's address. Definitions must be installed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::process::free_address;

use crate::plumb::built;

/// Number of the signal by which a process ends itself (`abort`).
pub const SIGABRT: i32 = 6;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// How an operator is started. The same value starts the next one in its place: same Lease, same
/// certificate, same addresses, which the Jobs of the one before know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where its Lease and the Secret of its ingest are; it must exist.
    pub namespace: String,
    /// The name by which it holds the Lease. Who comes back under the same name need not wait.
    pub pod_name: String,
    /// Namespaces that it watches; all of them if there is none.
    pub watch_namespaces: Vec<String>,
    /// `postgres://...`.
    pub store: String,
    /// Image of `plumb`, which the nodes must have.
    pub probe_image: String,
    /// Where the ingest listens, and where pods call.
    pub ingest: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are.
    pub health: SocketAddr,
    /// Name of the Lease.
    pub lease: String,
    /// Name of the Secret with the certificate of the ingest.
    pub ingest_secret: String,
    /// Probe Jobs at the same time.
    pub max_jobs: u32,
    /// Probe Jobs at the same time in one namespace.
    pub max_jobs_per_namespace: u32,
    /// The user that it acts as, by impersonation; the kubeconfig's own if there is none.
    pub acts_as: Option<String>,
    /// What is logged.
    pub log: String,
    /// Further arguments of `plumbline-operator run`.
    pub more: Vec<String>,
    /// Further variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Who it is at the API server; the administrator where nothing is said.
    pub kubeconfig: Option<PathBuf>,
}

impl Settings {
    /// An operator of one namespace, which also holds its Lease and its Secret. `node` is the
    /// node's address; the ports are free ones.
    pub fn new(namespace: &str, store: &str, node: IpAddr) -> Self {
        Self {
            namespace: namespace.to_owned(),
            pod_name: "local-operator".to_owned(),
            watch_namespaces: vec![namespace.to_owned()],
            store: store.to_owned(),
            probe_image: format!("ghcr.io/plumbline/plumb:{}", env!("CARGO_PKG_VERSION")),
            ingest: free_address(node),
            health: free_address(node),
            lease: "local-operator".to_owned(),
            ingest_secret: "local-ingest".to_owned(),
            max_jobs: 20,
            max_jobs_per_namespace: 20,
            acts_as: None,
            log: "info".to_owned(),
            more: Vec::new(),
            environment: Vec::new(),
            kubeconfig: None,
        }
    }

    fn arguments(&self) -> Vec<String> {
        let pairs = [
            ("--namespace", self.namespace.clone()),
            ("--pod-name", self.pod_name.clone()),
            ("--probe-image", self.probe_image.clone()),
            ("--probe-image-pull-policy", "Never".to_owned()),
            ("--ingest-address", self.ingest.to_string()),
            ("--ingest-url", format!("https://{}", self.ingest)),
            ("--ingest-secret", self.ingest_secret.clone()),
            ("--health-address", self.health.to_string()),
            ("--lease", self.lease.clone()),
            ("--max-jobs", self.max_jobs.to_string()),
            ("--max-jobs-per-namespace", self.max_jobs_per_namespace.to_string()),
            ("--log", self.log.clone()),
            ("--log-format", "text".to_owned()),
        ];
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        if !self.watch_namespaces.is_empty() {
            arguments.extend(["--watch-namespaces".to_owned(), self.watch_namespaces.join(",")]);
        }
        arguments.extend(self.more.clone());
        arguments
    }
}

/// An operator at work. It is killed with this value; what it logged is shown if a test fails.
#[derive(Debug)]
pub struct LocalOperator {
    child: Child,
    health: SocketAddr,
    folder: TempDir,
}

impl LocalOperator {
    /// Starts one, and does not wait for it.
    pub fn start(settings: &Settings) -> Self {
        Self::spawn(settings, None)
    }

    /// Starts one that dies at a point of `operator/src/crash.rs`, such as `run-begun`.
    pub fn start_to_die_at(settings: &Settings, point: &str) -> Self {
        Self::spawn(settings, Some(point))
    }

    fn spawn(settings: &Settings, point: Option<&str>) -> Self {
        let kubeconfig = settings.kubeconfig.clone().unwrap_or_else(|| {
            let given = std::env::var_os("PLUMBLINE_TEST_KUBECONFIG");
            given.expect("PLUMBLINE_TEST_KUBECONFIG names the cluster").into()
        });
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let kubeconfig = match &settings.acts_as {
            Some(user) => impersonating(user, &kubeconfig, folder.path()),
            None => kubeconfig,
        };
        let mut command = Command::new(program());
        command
            .args(settings.arguments())
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            // A password does not belong on a command line.
            .env("PLUMBLINE_STORE", &settings.store)
            .envs(settings.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(point) = point {
            command.args(["--crash-at", point]);
        }
        let child = command.spawn().unwrap();
        Self { child, health: settings.health, folder }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, and waits until it has; how it ended.
    #[track_caller]
    pub fn stop(mut self, limit: Duration) -> ExitStatus {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.wait_for_death(limit)
    }

    /// Waits until it has ended by itself; how it ended.
    #[track_caller]
    pub fn wait_for_death(&mut self, limit: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < limit, "the operator has not ended after {limit:?}");
            std::thread::sleep(LOOK);
        }
    }

    /// True once it has ended itself, as at a point that it was told to die at; false while it is
    /// at work. Any other end is a panic.
    #[track_caller]
    pub fn has_aborted(&mut self) -> bool {
        match self.child.try_wait().unwrap() {
            Some(status) => {
                assert_eq!(status.signal(), Some(SIGABRT), "{status}\n{}", self.log());
                true
            }
            None => false,
        }
    }

    /// Whether it says that evidence can be kept.
    pub fn ready(&self) -> bool {
        self.ask("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// Waits until it is ready; a panic with its log if it ends or is not in time.
    #[track_caller]
    pub fn wait_until_ready(&mut self, limit: Duration) {
        let begin = Instant::now();
        while !self.ready() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the operator ended: {ended:?}\n{}", self.log());
            assert!(begin.elapsed() < limit, "not ready after {limit:?}\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// What `/metrics` says.
    pub fn metrics(&self) -> Option<String> {
        self.ask("/metrics").filter(|(status, _)| *status == 200).map(|(_, body)| body)
    }

    /// The value of a sample of `/metrics` by its name with labels, as it is written there.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.metrics()?;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        line.split(' ').next()?.parse().ok()
    }

    /// Its resident memory in KiB.
    pub fn rss_kib(&self) -> u64 {
        self.memory_kib("VmRSS")
    }

    /// The most that its resident memory ever was, in KiB.
    pub fn peak_rss_kib(&self) -> u64 {
        self.memory_kib("VmHWM")
    }

    /// Its resident memory that is its own, not pages of the program's file, in KiB.
    pub fn anonymous_kib(&self) -> u64 {
        self.memory_kib("RssAnon")
    }

    /// Processor time that it has used.
    pub fn processor_time(&self) -> Duration {
        // Fields 14 and 15 of `/proc/PID/stat` (proc(5)), in ticks of 10 ms; the name in brackets
        // may have spaces.
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let (_, fields) = text.rsplit_once(") ").expect("a process has a name");
        let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// A field of `/proc/PID/status` (proc(5)), in KiB.
    fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .expect("a process that is alive has memory");
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Status and body of an answer of the health listener; none if there is none.
    fn ask(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.health).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        // HTTP/1.0: the body ends with the connection, and is not sent in pieces.
        write!(stream, "GET {path} HTTP/1.0\r\nhost: operator\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }
}

impl Drop for LocalOperator {
    #[allow(clippy::print_stderr, reason = "the test that fails shows why")]
    fn drop(&mut self) {
        // Both fail only if it has already ended, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- local operator ---\n{}", self.log());
        }
    }
}

/// Writes the kubeconfig anew with a user to impersonate, and gives its file.
fn impersonating(user: &str, kubeconfig: &Path, folder: &Path) -> PathBuf {
    let view = ["config", "view", "--raw", "--flatten", "--minify", "--output=json"];
    let mut kubectl = Command::new("kubectl");
    let view = kubectl.args(view).env("KUBECONFIG", kubeconfig).output().unwrap();
    assert!(view.status.success(), "{}", String::from_utf8_lossy(&view.stderr));
    let mut config: serde_json::Value = serde_json::from_slice(&view.stdout).unwrap();
    config["users"][0]["user"]["as"] = user.into();
    let file = folder.join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

/// The program: `PLUMBLINE_OPERATOR_PROGRAM`, or the one that was built beside the test.
fn program() -> PathBuf {
    let given = std::env::var_os("PLUMBLINE_OPERATOR_PROGRAM").map(PathBuf::from);
    given.unwrap_or_else(|| built("plumbline-operator"))
}
