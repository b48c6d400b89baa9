//! The operator as it is installed: the chart, two replicas, Postgres, and real probe Jobs.

use std::net::IpAddr;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use testkit::gateway::{Gateway, Ports, Posture, Site};
use testkit::postgres::Database;
use tests::local_operator::Settings;
use tokio::runtime::Runtime;

use crate::cluster::{Kubectl, Namespace, eventually};
use crate::reading;

/// The namespace that the operator is installed into.
pub const OWN: &str = "plumbline-system";

/// The operator, as the API server knows it.
pub const OPERATOR: &str = "system:serviceaccount:plumbline-system:plumbline";

/// Held by every test: they count on the cluster, the operator and its store; and alone by those
/// that break one of them.
static PEACE: RwLock<()> = RwLock::new(());

/// Nobody breaks the cluster, the operator or its store while this is held.
pub fn in_peace() -> RwLockReadGuard<'static, ()> {
    PEACE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody else counts on the cluster, the operator or its store while this is held.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    PEACE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The operator, installed once for all tests of this program.
pub struct Installation {
    database: Database,
    node: IpAddr,
}

impl Installation {
    /// Installs the chart, unless an earlier test did.
    pub fn get() -> &'static Self {
        static INSTALLATION: OnceLock<Installation> = OnceLock::new();
        INSTALLATION.get_or_init(Self::install)
    }

    fn install() -> Self {
        let cluster = Kubectl::new();
        let path = ".items[0].status.addresses[?(@.type==\"InternalIP\")].address";
        let node: IpAddr = cluster
            .run(&["get", "nodes", &format!("--output=jsonpath={{{path}}}")])
            .parse()
            .expect("a node has an address");
        testkit::postgres::listen_also_on(node);
        let database = Database::create().unwrap();
        // What was said to be stored must survive a server that is killed.
        database
            .sql(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = on', \
                 current_database()); END $$",
            )
            .unwrap();
        let installation = Self { database, node };
        if let Err(why) = installation.chart() {
            panic!("{why}");
        }
        installation
    }

    /// Installs the chart into a namespace that has nothing else.
    fn chart(&self) -> Result<(), String> {
        // One of an earlier program of tests waits for a database that ended with it.
        take_away();
        let cluster = Kubectl::new();
        let documents = format!(
            "apiVersion: v1
kind: Namespace
metadata:
  name: {OWN}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Secret
metadata: {{name: plumbline-database, namespace: {OWN}}}
stringData: {{url: '{}'}}
",
            self.database.url_from(self.node)
        );
        let applied = cluster.feed(&["apply", "--filename=-"], &documents);
        if applied.code != Some(0) {
            return Err(applied.stderr);
        }
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/plumbline");
        let set = "database.existingSecret=plumbline-database,image.pullPolicy=Never,\
                   probeImage.pullPolicy=Never,log.format=text,log.level=info";
        let install = ["install", "plumbline", chart, "--namespace", OWN];
        let ended = helm(&[&install[..], &["--set", set, "--wait", "--timeout", "120s"]].concat());
        if ended.status.success() {
            return Ok(());
        }
        let own = cluster.in_namespace(OWN);
        let pods = own.try_run(&["get", "pods,events", "--output=wide"]).stdout;
        let logs = own.try_run(&["logs", "--selector=app.kubernetes.io/name=plumbline"]).stdout;
        Err(format!("helm: {}\n{pods}\n{logs}", String::from_utf8_lossy(&ended.stderr)))
    }

    /// Takes the chart away with its namespace, until the value is dropped: for a test that installs
    /// it in another way. To be called [`alone`].
    pub fn set_aside(&self) -> Aside<'_> {
        take_away();
        Aside(self)
    }

    /// Where the operator keeps its runs.
    pub fn store(&self) -> String {
        self.database.url()
    }

    /// The database that the operator keeps its runs in.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The node's address: pods and tests reach each other's listeners by it.
    pub const fn node(&self) -> IpAddr {
        self.node
    }
}

/// See [`Installation::set_aside`].
pub struct Aside<'a>(&'a Installation);

impl Drop for Aside<'_> {
    #[allow(clippy::print_stderr, reason = "tests that follow fail, and this is why")]
    fn drop(&mut self) {
        if let Err(why) = self.0.chart() {
            eprintln!("the operator of the tests did not come back: {why}");
        }
    }
}

fn take_away() {
    helm(&["uninstall", "plumbline", "--namespace", OWN, "--ignore-not-found", "--wait"]);
    Kubectl::new().try_run(&["delete", "namespace", OWN, "--ignore-not-found"]);
}

/// An operator beside the installed one, of one namespace: the same user with the same rights, and
/// those in the namespace that the installed one has in its own.
pub fn beside(namespace: &Namespace, store: &str) -> Settings {
    let node = Installation::get().node();
    let verbs = "--verb=get,list,create,update,patch";
    let resources = "--resource=secrets,leases.coordination.k8s.io";
    namespace.run(&["create", "role", "local-operator", verbs, resources]);
    let account: Vec<&str> = OPERATOR.split(':').skip(2).collect();
    let account = format!("--serviceaccount={}", account.join(":"));
    let bind = ["create", "rolebinding", "local-operator", "--role=local-operator", &account];
    namespace.run(&bind);
    Settings { acts_as: Some(OPERATOR.to_owned()), ..Settings::new(namespace.name(), store, node) }
}

fn helm(arguments: &[&str]) -> std::process::Output {
    let kubeconfig = std::env::var("PLUMBLINE_TEST_KUBECONFIG").unwrap();
    std::process::Command::new("helm")
        .args(arguments)
        .args(["--kubeconfig", &kubeconfig])
        .output()
        .expect("helm is on the PATH")
}

/// A reference gateway that pods can reach, and the folder that it lives in.
struct Edge {
    runtime: Runtime,
    folder: tempfile::TempDir,
    site: Site,
    gateway: Option<Gateway>,
}

impl Edge {
    fn start(node: IpAddr, posture: Posture) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::create_at(folder.path(), node, Ports::free()).unwrap();
        let mut edge = Self { runtime: Runtime::new().unwrap(), folder, site, gateway: None };
        edge.set(posture);
        edge
    }

    /// Stops the gateway, and starts it again as `posture` says.
    fn set(&mut self, posture: Posture) {
        self.site.write(posture).unwrap();
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
        self.gateway = Some(self.runtime.block_on(Gateway::start(self.folder.path())).unwrap());
    }

    fn manifests(&self, posture: Posture) -> String {
        self.site.manifests(posture).unwrap()
    }
}

const EVERY_MINUTE: &str = "apiVersion: plumbline.dev/v1alpha1
kind: AuditSchedule
metadata: {name: every-minute}
spec:
  targetRefs: [{name: reference-gateway}]
  bundle: audit-baseline
  schedule: '* * * * *'
  runOnCreate: true
";

/// The newest complete run of a posture.
fn complete(namespace: &Namespace, posture: &str) -> Option<serde_json::Value> {
    let runs = namespace.json("auditruns");
    let mut found: Vec<_> = runs["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["status"]["phase"] == "Complete" && run["status"]["posture"] == posture)
        .cloned()
        .collect();
    found.sort_by_key(|run| run["status"]["endedAt"].as_str().unwrap_or_default().to_owned());
    found.pop()
}

#[test]
fn a_target_goes_from_red_to_green_and_its_runs_are_in_postgres() {
    let installation = Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("story");
    let mut edge = Edge::start(installation.node, Posture::Exposed);
    namespace.apply(&edge.manifests(Posture::Exposed));
    namespace.apply(EVERY_MINUTE);

    let red = eventually("a red run", || complete(&namespace, "red"));
    assert_eq!(red["status"]["riskScore"], 69, "{red:#}");
    assert_eq!(red["status"]["summary"]["open"], 4);
    assert_eq!(red["status"]["summary"]["high"], 3);
    assert_eq!(red["status"]["evidence"]["planned"], red["status"]["evidence"]["stored"]);
    namespace.wait_for("audittarget/reference-gateway", ".status.posture", "red");

    edge.set(Posture::Hardened);
    namespace.apply(&edge.manifests(Posture::Hardened));
    let green = eventually("a green run", || complete(&namespace, "green"));
    assert_eq!(green["status"]["riskScore"], 0);
    assert_eq!(green["status"]["summary"]["open"], 0);
    assert_eq!(green["status"]["delta"]["improved"], 4, "{green:#}");
    assert_eq!(green["status"]["delta"]["regressed"], 0);
    namespace.wait_for("audittarget/reference-gateway", ".status.posture", "green");
    let status = serde_json::to_string(&green["status"]).unwrap();
    assert!(status.len() <= 4_096, "a status of {} bytes", status.len());

    let table = namespace.run(&["get", "auditruns,audittargets"]);
    assert!(table.contains("red") && table.contains("green"), "{table}");

    // What the operator stored is what `plumb` reads, and holds.
    let run = |run: &serde_json::Value| run["status"]["runId"].as_str().unwrap().to_owned();
    reading::read_back(installation, &run(&red), &run(&green));
}
