//! Where the operator is measured: a cluster that is there, the chart's definitions, rights and
//! admission policies, a Postgres, and the operator itself as a process on the node, under the
//! chart's own service account.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use testkit::postgres::Database;

use super::audit::Log;
use crate::local_operator::{LocalOperator, Settings};

/// The namespace of the operator.
pub const OWN: &str = "plumbline-system";
/// Its service account.
const ACCOUNT: &str = "plumbline";
/// How long the operator may take to start, and to stop.
const START: Duration = Duration::from_secs(60);

/// The cluster, ready for an operator.
pub struct Site {
    /// As its administrator.
    pub client: Client,
    /// What the operator stores into.
    pub database: Database,
    _folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Site {
    /// Makes the cluster ready.
    pub async fn open() -> anyhow::Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let own = std::env::var("PLUMBLINE_TEST_KUBECONFIG")
            .context("this needs a cluster: `cargo xtask bench operator`")?;
        let folder = tempfile::tempdir()?;
        let client = Client::try_from(client_config(&own).await?)?;
        make_namespace(&client, OWN).await?;
        install(&own)?;
        // Nothing that is measured here is what a node does: pods are made, and wait.
        let nodes: Api<Node> = Api::all(client.clone());
        for node in nodes.list(&Default::default()).await? {
            nodes.cordon(node.metadata.name.as_deref().unwrap_or_default()).await?;
        }
        let token = token(&client, OWN, ACCOUNT, None).await?;
        let kubeconfig = folder.path().join("operator.kubeconfig");
        std::fs::write(&kubeconfig, limited(&own, &token)?)?;
        testkit::postgres::durable();
        let database = Database::create()?;
        Ok(Self { client, database, _folder: folder, kubeconfig })
    }

    /// An operator of the whole cluster, with the caps of `jobs`; it leads when this comes back.
    pub fn start(&self, jobs: u32) -> Operator {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let settings = Settings {
            watch_namespaces: Vec::new(),
            probe_image: "plumbline.invalid/plumb".to_owned(),
            lease: "plumbline-operator".to_owned(),
            ingest_secret: "plumbline-ingest".to_owned(),
            max_jobs: jobs,
            max_jobs_per_namespace: jobs,
            kubeconfig: Some(self.kubeconfig.clone()),
            ..Settings::new(OWN, &self.database.url(), loopback)
        };
        let mut process = LocalOperator::start(&settings);
        process.wait_until_ready(START);
        let begin = Instant::now();
        while process.metric("audit_leader") != Some(1.0) {
            assert!(begin.elapsed() < START, "it does not lead:\n{}", process.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Operator { process: Some(process), ingest: settings.ingest }
    }
}

/// An operator at work.
pub struct Operator {
    process: Option<LocalOperator>,
    /// Where its ingest is.
    pub ingest: SocketAddr,
}

impl Operator {
    /// The end of its log.
    pub fn said(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl std::ops::Deref for Operator {
    type Target = LocalOperator;

    fn deref(&self) -> &LocalOperator {
        self.process.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // Told, not killed: it gives its Lease back, and the next one need not wait for it.
        if let Some(process) = self.process.take()
            && !std::thread::panicking()
        {
            process.stop(START);
        }
    }
}

/// A namespace, unless it is there.
pub async fn make_namespace(client: &Client, name: &str) -> anyhow::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    match namespaces.create(&PostParams::default(), &namespace).await {
        Err(kube::Error::Api(error)) if error.is_already_exists() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// A token of a service account; for the ingest if it is bound to a pod, for the API server if not.
pub async fn token(
    client: &Client,
    namespace: &str,
    account: &str,
    pod: Option<(&str, &str)>,
) -> anyhow::Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let bound = pod.map(|(name, uid)| k8s_openapi::api::authentication::v1::BoundObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
    });
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: pod.map(|_| "ingest.plumbline.dev".to_owned()).into_iter().collect(),
            bound_object_ref: bound,
            expiration_seconds: Some(7_200),
        },
        ..TokenRequest::default()
    };
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
    Ok(answer.status.context("a token was asked for")?.token)
}

/// The API server's log of what the operator asked, from now on.
pub fn listen() -> anyhow::Result<Log> {
    let path = std::env::var("PLUMBLINE_BENCH_AUDIT_LOG")
        .context("PLUMBLINE_BENCH_AUDIT_LOG names the API server's audit log")?;
    Log::from_now(Path::new(&path))
}

async fn client_config(kubeconfig: &str) -> anyhow::Result<kube::Config> {
    let file = kube::config::Kubeconfig::read_from(kubeconfig)?;
    Ok(kube::Config::from_custom_kubeconfig(file, &Default::default()).await?)
}

/// The same file with a token in place of the administrator's key.
fn limited(own: &str, token: &str) -> anyhow::Result<String> {
    let file = kube::config::Kubeconfig::read_from(own)?;
    // Secrets are hidden when such a file is written, so this one is written by hand.
    let clusters = serde_json::to_value(&file.clusters)?;
    let name = file.auth_infos.first().map(|user| user.name.clone()).unwrap_or_default();
    Ok(serde_json::to_string(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": [{ "name": name, "user": { "token": token } }],
        "contexts": serde_json::to_value(&file.contexts)?,
        "current-context": file.current_context,
    }))?)
}

/// Definitions, rights and admission policies, as the chart has them.
fn install(kubeconfig: &str) -> anyhow::Result<()> {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/plumbline");
    let parts = ["crds/definitions", "rbac/audit", "rbac/own-namespace", "rbac/service-account"];
    let parts = parts.into_iter().chain(["rbac/token-review", "admission/job-templates"]);
    let parts = parts.chain(["admission/runs", "admission/schedules", "admission/targets"]);
    let mut helm = Command::new("helm");
    helm.args(["template", "plumbline", chart, "--namespace", OWN, "--set"]);
    helm.arg("database.existingSecret=plumbline-database");
    for part in parts {
        helm.arg("--show-only").arg(format!("templates/{part}.yaml"));
    }
    let rendered = helm.stderr(Stdio::inherit()).output().context("helm")?;
    ensure!(rendered.status.success(), "helm template: {}", rendered.status);
    let mut kubectl = Command::new("kubectl")
        .args(["apply", "--server-side", "--force-conflicts", "--filename=-"])
        .args(["--kubeconfig", kubeconfig])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("kubectl")?;
    kubectl.stdin.take().context("kubectl has an input")?.write_all(&rendered.stdout)?;
    ensure!(kubectl.wait()?.success(), "kubectl apply");
    let wait = Command::new("kubectl")
        .args(["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"])
        .args(["--kubeconfig", kubeconfig])
        .stdout(Stdio::null())
        .status()?;
    ensure!(wait.success(), "the definitions are not established");
    Ok(())
}
