//! Evidence through the ingest, against plain INSERT of the same rows into the same Postgres.
//!
//! Real documents of real probes go over HTTPS with the tokens of real pods of runs at work, one
//! connection per run. The rows that this stored are then inserted into a second database of the
//! same server, by as many connections, with prepared statements, one transaction per document.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use crds::{AuditRun, AuditTarget};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use model::CheckId;
use model::evidence::Evidence;
use model::request::Plan;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::gateway::Posture;

use super::peer::Peer;
use super::runtime;
use super::site::{OWN, Operator, Site, make_namespace, token};
use super::upload::Connection;
use crate::bench::{Row, grouped, median};
use crate::plumb::Bench;
use crate::site::Running;

/// Rounds; in each, runs upload first and are inserted then.
const ROUNDS: usize = 5;
/// Runs that upload at the same time, and connections that insert. The chart lets 20 Jobs be at
/// work, and the pod of each uploads what several probes found.
const PARALLEL: [usize; 2] = [16, 32];
/// Endpoints of each target; the most that a target may have.
const ENDPOINTS: usize = 50;
/// Where the targets stand.
const NAMESPACE: &str = "fleet-ingest";
/// How long the cluster is left alone before the first round.
const SETTLE: Duration = Duration::from_secs(10);
/// How long a run may take to have a pod.
const PATIENCE: Duration = Duration::from_secs(180);

/// Measures.
pub(crate) fn measure() -> anyhow::Result<Vec<Row>> {
    let templates = templates()?;
    runtime()?.block_on(async {
        let site = Site::open().await?;
        let operator = site.start(10_000);
        let peer = Peer::open(&site.database).await?;
        let mut rows = Vec::new();
        for parallel in PARALLEL {
            clear(&site.client).await?;
            let visitors = visitors(&site.client, &operator, ROUNDS * parallel).await?;
            // The API server has made some hundred objects, and tidies up for a while. The operator
            // looks at runs that are at work every half a minute; it is not made to do that for
            // all of these at once in the middle of a round.
            tokio::time::sleep(SETTLE).await;
            let mut tally = Tally::default();
            for round in visitors.chunks(parallel) {
                tally.round(&operator, &peer, &templates, round).await?;
            }
            rows.extend(tally.rows(parallel));
        }
        Ok(rows)
    })
}

/// What the rounds of as many uploads at a time took.
#[derive(Default)]
struct Tally {
    ratios: Vec<f64>,
    sizes: usize,
    documents: usize,
    /// Time of the ingest, and of plain INSERT.
    taken: Duration,
    plain: Duration,
    /// Processor time of the operator.
    used: Duration,
}

impl Tally {
    async fn round(
        &mut self,
        operator: &Operator,
        peer: &Peer,
        templates: &BTreeMap<CheckId, Evidence>,
        round: &[Visitor],
    ) -> anyhow::Result<()> {
        let uploads = try_join_all(round.iter().map(|visitor| visitor.prepare(templates))).await?;
        let count: usize = uploads.iter().map(|upload| upload.requests.len()).sum();
        self.sizes += uploads.iter().map(|upload| upload.size).sum::<usize>();
        self.documents += count;
        let before = operator.processor_time();
        let clock = Instant::now();
        let sent = uploads.into_iter().map(|upload| tokio::spawn(upload.send()));
        for outcome in try_join_all(sent).await? {
            outcome?;
        }
        let ingest = clock.elapsed();
        self.used += operator.processor_time() - before;
        let runs: Vec<String> = round.iter().map(|visitor| visitor.run.clone()).collect();
        let insert = peer.insert(&runs, count).await?;
        self.ratios.push(insert.as_secs_f64() / ingest.as_secs_f64());
        self.taken += ingest;
        self.plain += insert;
        Ok(())
    }

    fn rows(&self, parallel: usize) -> [Row; 3] {
        #[allow(clippy::cast_precision_loss, reason = "some thousands")]
        let documents = self.documents as f64;
        [
            Row::new(
                format!(
                    "ingest of {} documents of {} bytes on average, {parallel} at a time, as a ratio to \
                     plain INSERT of the same rows by {parallel} connections, median of {ROUNDS} rounds",
                    grouped(self.documents as u64),
                    grouped((self.sizes / self.documents.max(1)) as u64)
                ),
                format!("{:.2}", median(&self.ratios)),
                ">= 0.8",
            ),
            Row::aside(
                "documents a second through the ingest, and by plain INSERT",
                format!(
                    "{:.0}, {:.0}",
                    documents / self.taken.as_secs_f64(),
                    documents / self.plain.as_secs_f64()
                ),
            ),
            Row::aside(
                "processor time of the operator for a document",
                format!("{:.2} ms", self.used.as_secs_f64() * 1e3 / documents.max(1.0)),
            ),
        ]
    }
}

/// A document of each check, as real probes made them of the reference gateway.
fn templates() -> anyhow::Result<BTreeMap<CheckId, Evidence>> {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    let target = gateway.target();
    let target = target.to_string_lossy();
    let arguments = ["run", "-f", &target, "--bundle", "audit-baseline", "--fail-on", "never"];
    bench.plumb(&[&arguments[..], &["-o", "json=bundle.json"]].concat()).expect(0);
    let bundle: Value = serde_json::from_str(&bench.read("bundle.json"))?;
    let evidence: Vec<Evidence> = serde_json::from_value(bundle["evidence"].clone())?;
    Ok(evidence.into_iter().map(|document| (document.check, document)).collect())
}

/// The pod of a run at work, as the ingest sees it.
struct Visitor {
    tls: Arc<rustls::ClientConfig>,
    ingest: SocketAddr,
    token: String,
    run: String,
}

/// What one pod sends.
struct Upload {
    connection: Connection,
    requests: Vec<Vec<u8>>,
    /// Bytes of the documents.
    size: usize,
}

impl Visitor {
    /// Asks for the plan, by which the token gets known, and answers it.
    async fn prepare(&self, templates: &BTreeMap<CheckId, Evidence>) -> anyhow::Result<Upload> {
        let mut connection = Connection::open(self.ingest, &self.tls, &self.token).await?;
        let answer: Value = serde_json::from_slice(&connection.get("/v1/plan").await?)?;
        let plan: Plan = serde_json::from_value(answer["plan"].clone())?;
        ensure!(answer["run"] == json!(self.run), "the token is of run {}", self.run);
        let (mut requests, mut size) = (Vec::new(), 0);
        for request in plan.requests {
            let template = templates.get(&request.check).context("a document of each check")?;
            let document = Evidence {
                run: serde_json::from_value(answer["run"].clone())?,
                target: request.target,
                subject: request.subject,
                ..template.clone()
            };
            let body = serde_json::to_vec(&document)?;
            let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&body));
            requests.push(connection.upload(&body, &format!("sha-256=:{digest}:")));
            size += body.len();
        }
        Ok(Upload { connection, requests, size })
    }
}

impl Upload {
    async fn send(mut self) -> anyhow::Result<()> {
        for request in &self.requests {
            self.connection.exchange(request).await?;
        }
        Ok(())
    }
}

/// Runs at work, each with a pod, and the way of each to the ingest.
async fn visitors(
    client: &Client,
    operator: &Operator,
    count: usize,
) -> anyhow::Result<Vec<Visitor>> {
    let names: Vec<String> = (0..count).map(|index| format!("edge-{count}-{index:03}")).collect();
    let targets: Api<AuditTarget> = Api::namespaced(client.clone(), NAMESPACE);
    let runs: Api<AuditRun> = Api::namespaced(client.clone(), NAMESPACE);
    for name in &names {
        targets.create(&PostParams::default(), &target(name)?).await?;
        let run = json!({
            "apiVersion": "plumbline.dev/v1alpha1",
            "kind": "AuditRun",
            "metadata": { "name": name },
            "spec": { "targetRef": { "name": name } },
        });
        runs.create(&PostParams::default(), &serde_json::from_value(run)?).await?;
    }
    let tls = trusting(client).await?;
    let begin = Instant::now();
    let mut visitors = Vec::new();
    for name in &names {
        let (run, pod) = loop {
            ensure!(begin.elapsed() < PATIENCE, "no pod of {name}:\n{}", operator.said());
            if let Some(found) = at_work(client, name).await? {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let bound = (pod.name_any(), pod.uid().context("a pod has a uid")?);
        let token = token(client, NAMESPACE, "default", Some((&bound.0, &bound.1))).await?;
        let (tls, ingest) = (Arc::clone(&tls), operator.ingest);
        visitors.push(Visitor { tls, ingest, token, run });
    }
    Ok(visitors)
}

/// A run's name in the store and its pod, once it has both.
async fn at_work(client: &Client, name: &str) -> anyhow::Result<Option<(String, Pod)>> {
    let runs: Api<AuditRun> = Api::namespaced(client.clone(), NAMESPACE);
    let run = runs.get(name).await?.status.and_then(|status| status.run_id);
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let of_job = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={name}"));
    let pod = pods.list(&of_job).await?.items.into_iter().next();
    Ok(run.zip(pod))
}

/// A client's side of TLS that takes the operator's own authority.
async fn trusting(client: &Client) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), OWN);
    let secret = secrets.get("plumbline-ingest").await?;
    let pem = secret.data.as_ref().and_then(|data| data.get("ca.crt")).context("ca.crt")?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem.0) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Half of the endpoints are brokers, with two documents each, half are ingests with one.
fn target(name: &str) -> anyhow::Result<AuditTarget> {
    let host = format!("{name}.example");
    let endpoint = |index: usize| match index % 2 {
        0 => json!({ "name": format!("broker-{index}"), "protocol": "mqtts", "host": host,
                     "port": 8883 + index }),
        _ => json!({ "name": format!("ingest-{index}"), "protocol": "https", "host": host,
                     "port": 8443 + index, "path": "/v1/ingest" }),
    };
    let document = json!({
        "apiVersion": "plumbline.dev/v1alpha1",
        "kind": "AuditTarget",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "path": "gateway",
            "endpoints": (0..ENDPOINTS).map(endpoint).collect::<Vec<_>>(),
        },
    });
    Ok(serde_json::from_value(document)?)
}

async fn clear(client: &Client) -> anyhow::Result<()> {
    make_namespace(client, NAMESPACE).await?;
    let targets: Api<AuditTarget> = Api::namespaced(client.clone(), NAMESPACE);
    let runs: Api<AuditRun> = Api::namespaced(client.clone(), NAMESPACE);
    let (by, all) = (DeleteParams::background(), ListParams::default());
    targets.delete_collection(&by, &all).await?;
    runs.delete_collection(&by, &all).await?;
    let first = ListParams::default().limit(1);
    let begin = Instant::now();
    while !runs.list_metadata(&first).await?.items.is_empty()
        || !targets.list_metadata(&first).await?.items.is_empty()
    {
        ensure!(begin.elapsed() < PATIENCE, "what an earlier measurement left does not go");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
