//! Evidence through the ingest, against plain INSERT of the same rows into the same Postgres.
//!
//! Real documents of real probes go over HTTPS with the tokens of real pods of runs at work, one
//! connection per run. The rows that this stored are then inserted into a second database of the
//! same server, by as many connections, with prepared statements, one transaction per document.

use std::collections::BTreeMap;
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
use sqlx::{Connection as _, PgConnection, Row as _};
use testkit::gateway::Posture;
use testkit::postgres::Database;

use super::runtime;
use super::site::{OWN, Operator, Site, make_namespace, token};
use crate::bench::{Row, grouped, median};
use crate::plumb::Bench;
use crate::site::Running;

/// Rounds; in each, runs upload first and are inserted then.
const ROUNDS: usize = 5;
/// Runs that upload at the same time, and connections that insert; the chart lets 20 Jobs be at
/// work.
const PARALLEL: usize = 16;
/// Endpoints of each target; the most that a target may have.
const ENDPOINTS: usize = 50;
/// Where the targets stand.
const NAMESPACE: &str = "fleet-ingest";
/// How long a run may take to have a pod.
const PATIENCE: Duration = Duration::from_secs(180);

/// Measures.
pub(crate) fn measure() -> anyhow::Result<Vec<Row>> {
    let templates = templates()?;
    runtime()?.block_on(async {
        let site = Site::open().await?;
        let operator = site.start(10_000);
        clear(&site.client).await?;
        let visitors = visitors(&site.client, &operator).await?;
        let peer = Peer::open(&site.database).await?;
        let (mut ratios, mut sizes, mut documents) = (Vec::new(), 0, 0);
        let (mut taken, mut plain, mut used) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for round in visitors.chunks(PARALLEL) {
            let bodies: Vec<Upload> =
                try_join_all(round.iter().map(|visitor| visitor.prepare(&templates))).await?;
            let count: usize = bodies.iter().map(|upload| upload.bodies.len()).sum();
            sizes += bodies.iter().flat_map(|u| &u.bodies).map(|(body, _)| body.len()).sum::<usize>();
            documents += count;
            let before = operator.processor_time();
            let clock = Instant::now();
            let sent = bodies.into_iter().map(|upload| tokio::spawn(upload.send()));
            for outcome in try_join_all(sent).await? {
                outcome?;
            }
            let ingest = clock.elapsed();
            used += operator.processor_time() - before;
            let runs: Vec<String> = round.iter().map(|visitor| visitor.run.clone()).collect();
            let insert = peer.insert(&runs, count).await?;
            ratios.push(insert.as_secs_f64() / ingest.as_secs_f64());
            taken += ingest;
            plain += insert;
        }
        let rate = |time: Duration| {
            #[allow(clippy::cast_precision_loss, reason = "some thousands")]
            let rate = documents as f64 / time.as_secs_f64();
            rate
        };
        Ok(vec![
            Row::new(
                format!(
                    "ingest of {} documents of {} bytes on average, as a ratio to plain INSERT of the \
                     same rows, median of {ROUNDS} rounds",
                    grouped(documents as u64),
                    grouped((sizes / documents.max(1)) as u64)
                ),
                format!("{:.2}", median(&ratios)),
                ">= 0.8",
            ),
            Row::aside(
                "documents a second through the ingest, and by plain INSERT",
                format!("{:.0}, {:.0}", rate(taken), rate(plain)),
            ),
            Row::aside(
                "processor time of the operator for a document",
                format!("{:.2} ms", used.as_secs_f64() * 1e3 / documents.max(1) as f64),
            ),
        ])
    })
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
    client: reqwest::Client,
    base: String,
    token: String,
    run: String,
}

/// What one pod sends.
struct Upload {
    client: reqwest::Client,
    url: String,
    token: String,
    bodies: Vec<(Vec<u8>, String)>,
}

impl Visitor {
    /// Asks for the plan, by which the token gets known, and answers it.
    async fn prepare(&self, templates: &BTreeMap<CheckId, Evidence>) -> anyhow::Result<Upload> {
        let asked = self.client.get(format!("{}/v1/plan", self.base)).bearer_auth(&self.token);
        let answer: Value = asked.send().await?.error_for_status()?.json().await?;
        let plan: Plan = serde_json::from_value(answer["plan"].clone())?;
        ensure!(answer["run"] == json!(self.run), "the token is of run {}", self.run);
        let mut bodies = Vec::new();
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
            bodies.push((body, format!("sha-256=:{digest}:")));
        }
        Ok(Upload {
            client: self.client.clone(),
            url: format!("{}/v1/evidence", self.base),
            token: self.token.clone(),
            bodies,
        })
    }
}

impl Upload {
    async fn send(self) -> anyhow::Result<()> {
        for (body, digest) in self.bodies {
            let answer = self
                .client
                .post(&self.url)
                .bearer_auth(&self.token)
                .header("content-type", "application/json")
                .header("content-digest", digest)
                .body(body)
                .send()
                .await?;
            ensure!(answer.status() == 200, "{}", answer.text().await?);
            answer.bytes().await?;
        }
        Ok(())
    }
}

/// Runs at work, each with a pod, and the way of each to the ingest.
async fn visitors(client: &Client, operator: &Operator) -> anyhow::Result<Vec<Visitor>> {
    let names: Vec<String> =
        (0..ROUNDS * PARALLEL).map(|index| format!("edge-{index:03}")).collect();
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
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()?;
        let base = format!("https://{}", operator.ingest);
        visitors.push(Visitor { client, base, token, run });
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

/// A second database of the same server, with the same tables.
struct Peer {
    // Dropped with its database.
    _database: Database,
    source: String,
    url: String,
}

/// A document as it is stored: a row of `evidence`, and one of `run_evidence`.
type Stored = [String; 9];

impl Peer {
    async fn open(source: &Database) -> anyhow::Result<Self> {
        let database = Database::create()?;
        let url = database.url();
        // The same tables, indexes, keys and triggers.
        store::Store::open(&url.parse()?, store::OpenMode::ReadWrite).await?.close().await;
        Ok(Self { _database: database, source: source.url(), url })
    }

    /// Inserts what is stored of these runs, and says how long that took.
    async fn insert(&self, runs: &[String], expected: usize) -> anyhow::Result<Duration> {
        let mut source = PgConnection::connect(&self.source).await?;
        let mut connections = Vec::new();
        let mut count = 0;
        for run in runs {
            let rows = stored(&mut source, run).await?;
            count += rows.len();
            let mut connection = PgConnection::connect(&self.url).await?;
            copy_run(&mut source, &mut connection, run).await?;
            // Prepared, as the operator's are after its first upload.
            insert(&mut connection, &rows[..1]).await?;
            connections.push((connection, rows));
        }
        ensure!(count == expected, "{count} of {expected} documents are stored");
        let clock = Instant::now();
        let work = connections.into_iter().map(|(mut connection, rows)| {
            tokio::spawn(async move { insert(&mut connection, &rows[1..]).await })
        });
        for outcome in try_join_all(work).await? {
            outcome?;
        }
        let taken = clock.elapsed();
        // One of each run was inserted before: the time is that of the others.
        #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
        let whole = taken.mul_f64(count as f64 / (count - runs.len()) as f64);
        Ok(whole)
    }
}

async fn stored(source: &mut PgConnection, run: &str) -> anyhow::Result<Vec<Stored>> {
    let rows = sqlx::query(
        "SELECT e.digest, e.schema, e.target, e.subject, e.body, r.run, r.check_id, r.document, \
         r.envelope FROM run_evidence r JOIN evidence e ON e.digest = r.digest WHERE r.run = $1 \
         ORDER BY r.seq",
    )
    .bind(run)
    .fetch_all(source)
    .await?;
    let mut all = Vec::new();
    for row in rows {
        let mut one = Stored::default();
        for (index, field) in one.iter_mut().enumerate() {
            *field = row.try_get(index)?;
        }
        all.push(one);
    }
    Ok(all)
}

/// The rows that evidence refers to.
async fn copy_run(
    source: &mut PgConnection,
    peer: &mut PgConnection,
    run: &str,
) -> anyhow::Result<()> {
    for (select, insert) in [
        (
            "SELECT row_to_json(t)::text FROM targets t JOIN runs r ON r.target = t.key WHERE r.id = $1",
            "INSERT INTO targets SELECT * FROM json_populate_record(null::targets, $1::json)",
        ),
        (
            "SELECT row_to_json(r)::text FROM runs r WHERE r.id = $1",
            "INSERT INTO runs SELECT * FROM json_populate_record(null::runs, $1::json)",
        ),
    ] {
        let row: String = sqlx::query_scalar(select).bind(run).fetch_one(&mut *source).await?;
        sqlx::query(insert).bind(row).execute(&mut *peer).await?;
    }
    Ok(())
}

/// One transaction per document.
async fn insert(connection: &mut PgConnection, rows: &[Stored]) -> anyhow::Result<()> {
    for [digest, schema, target, subject, body, run, check, document, envelope] in rows {
        let mut transaction = connection.begin().await?;
        sqlx::query(
            "INSERT INTO evidence (digest, schema, target, subject, body) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(digest)
        .bind(schema)
        .bind(target)
        .bind(subject)
        .bind(body)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO run_evidence (run, check_id, subject, digest, document, envelope) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(run)
        .bind(check)
        .bind(subject)
        .bind(digest)
        .bind(document)
        .bind(envelope)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    }
    Ok(())
}
