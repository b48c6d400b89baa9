//! `plumb collect`: what a probe Job of the operator runs. It asks the ingest what its run wants,
//! probes, and hands every document over until it has a receipt.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use model::evidence::Evidence;
use model::request::{CheckRequest, Plan};
use model::{CheckId, Digest, RunId, Subject};
use probes::Context;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::args::CollectArgs;
use crate::command::run::stopped;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first wait before a request is tried again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait before a request is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Answers that say the token is not good, before that is believed: the kubelet may be renewing
/// it.
const TOKEN_TRIES: u32 = 3;
/// Longest termination message that Kubernetes keeps, in bytes.
const LAST_WORDS: usize = 4_096;

/// What the ingest wants of this pod.
#[derive(Debug, Deserialize)]
struct Assignment {
    run: RunId,
    plan: Plan,
    /// What an earlier pod of the same Job handed over.
    #[serde(default)]
    delivered: Vec<Receipt>,
    /// Seconds that are left of the Job's own deadline, which an earlier pod may have used up.
    #[serde(default)]
    seconds_left: Option<u64>,
}

/// What the ingest says when it refuses.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

/// What is left in the pod's status, so that a document that was lost can be named.
#[derive(Debug, Serialize)]
struct LastWords<'a> {
    run: Option<&'a RunId>,
    delivered: Vec<&'a Receipt>,
    undelivered: Vec<&'a Undelivered>,
}

/// A document that was stored.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    check: CheckId,
    subject: Subject,
    document: Digest,
}

/// A document that was not.
#[derive(Debug, Serialize)]
struct Undelivered {
    check: CheckId,
    subject: Subject,
    reason: String,
    #[serde(skip)]
    for_good: bool,
}

/// Probes and delivers.
pub async fn run(args: CollectArgs, output: &Output) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(args.deadline_seconds);
    let mut post = Post::new(&args, deadline)?;
    let assignment = match post.assignment().await {
        Ok(assignment) => assignment,
        Err(undelivered) => {
            output.note(&format!("there is no plan: {}", undelivered.reason));
            last_words(&args, None, &[], &[undelivered]);
            return Ok(Exit::Refused);
        }
    };
    let Assignment { run, mut plan, mut delivered, seconds_left } = assignment;
    if let Some(seconds) = seconds_left {
        post.deadline = deadline.min(Instant::now() + Duration::from_secs(seconds));
    }
    let (deadline, post) = (post.deadline, Arc::new(post));
    // The target answers each question once, however many pods it takes.
    plan.requests.retain(|request| {
        !delivered.iter().any(|d| (d.check, &d.subject) == (request.check, &request.subject))
    });
    let plan = mounted(plan, &args.mounts);
    output.note(&format!("run {run}: {} probes", plan.requests.len()));
    let context =
        Context::new(run.clone(), args.mounts.clone()).with_tables(Arc::new(tables::Postgres));
    let mut left: Vec<(CheckId, Subject)> =
        plan.requests.iter().map(|request| (request.check, request.subject.clone())).collect();
    let turns = Arc::new(Semaphore::new(plan.at_once()));
    let mut work = JoinSet::new();
    for request in plan.requests {
        let (context, post, turns) = (context.clone(), Arc::clone(&post), Arc::clone(&turns));
        work.spawn(async move {
            let turn = turns.acquire_owned().await;
            let evidence = probes::collect(&context, &request).await;
            // Who waits for the ingest keeps no other probe from the target.
            drop(turn);
            post.deliver(&request, &evidence).await
        });
    }
    let mut undelivered = Vec::new();
    // The first process of a container that does not listen to SIGTERM is killed half a minute
    // later, without a last word.
    let end = async {
        tokio::select! {
            () = stopped() => "the pod was told to stop",
            () = tokio::time::sleep_until(deadline.into()) => "no time was left for its probe",
        }
    };
    tokio::pin!(end);
    loop {
        let outcome = tokio::select! {
            outcome = work.join_next() => outcome,
            why = &mut end => {
                output.note(why);
                undelivered.extend(left.drain(..).map(|(check, subject)| {
                    Undelivered { check, subject, reason: why.to_owned(), for_good: false }
                }));
                break;
            }
        };
        let Some(outcome) = outcome else { break };
        let outcome =
            outcome.map_err(|error| Failure::usage(format!("a probe ended early: {error}")))?;
        let (check, subject) = match &outcome {
            Ok(receipt) => (receipt.check, &receipt.subject),
            Err(lost) => (lost.check, &lost.subject),
        };
        left.retain(|(planned, of)| (*planned, of) != (check, subject));
        match outcome {
            Ok(receipt) => {
                output.note(&format!("{} of {}: stored", receipt.check, receipt.subject));
                delivered.push(receipt);
            }
            Err(lost) => {
                output.note(&format!("{} of {}: {}", lost.check, lost.subject, lost.reason));
                undelivered.push(lost);
            }
        }
    }
    last_words(&args, Some(&run), &delivered, &undelivered);
    Ok(match undelivered.as_slice() {
        [] => Exit::Passed,
        lost if lost.iter().all(|lost| lost.for_good) => Exit::Refused,
        _ => Exit::Failed,
    })
}

/// The plan with every Secret and ConfigMap as the file or folder that it is mounted as, relative
/// to the folder of the mounts.
fn mounted(plan: Plan, mounts: &Path) -> Plan {
    fn walk(value: &mut Value, mounts: &Path) {
        match value {
            Value::Object(fields) => {
                for (field, folder) in [("secretRef", "secrets"), ("configMapRef", "configmaps")] {
                    if let Some(reference) = fields.remove(field) {
                        fields.insert("path".to_owned(), place(&reference, folder, mounts).into());
                    }
                }
                fields.values_mut().for_each(|value| walk(value, mounts));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, mounts)),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(&plan).expect("a plan has string keys");
    walk(&mut json, mounts);
    serde_json::from_value(json).unwrap_or(plan)
}

/// Where a reference is mounted: its key, else the only key that there is, else all of them.
fn place(reference: &Value, folder: &str, mounts: &Path) -> String {
    let whole = format!("{folder}/{}", reference["name"].as_str().unwrap_or_default());
    if let Some(key) = reference["key"].as_str() {
        return format!("{whole}/{key}");
    }
    // The kubelet keeps its own links in there; their names begin with two dots.
    let keys: Vec<String> = std::fs::read_dir(mounts.join(&whole))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with(".."))
        .collect();
    match keys.as_slice() {
        [only] => format!("{whole}/{only}"),
        _ => whole,
    }
}

/// Writes what came of it where the kubelet looks; without a kubelet there is no such file.
fn last_words(
    args: &CollectArgs,
    run: Option<&RunId>,
    delivered: &[Receipt],
    undelivered: &[Undelivered],
) {
    let mut words = LastWords {
        run,
        delivered: delivered.iter().collect(),
        undelivered: undelivered.iter().collect(),
    };
    let text = loop {
        let text = serde_json::to_string(&words).unwrap_or_default();
        if text.len() <= LAST_WORDS {
            break text;
        }
        // What was lost matters more than what was not.
        if words.delivered.pop().is_none() && words.undelivered.pop().is_none() {
            break String::new();
        }
    };
    std::fs::write(&args.last_words, text).ok();
}

/// The way to the ingest.
struct Post {
    client: reqwest::Client,
    url: String,
    token_file: PathBuf,
    deadline: Instant,
}

impl Post {
    fn new(args: &CollectArgs, deadline: Instant) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(args.ingest_ca.as_bytes()) {
            let certificate = certificate
                .map_err(|error| Failure::usage(format!("PLUMBLINE_INGEST_CA: {error}")))?;
            roots
                .add(certificate)
                .map_err(|error| Failure::usage(format!("PLUMBLINE_INGEST_CA: {error}")))?;
        }
        if roots.is_empty() {
            return Err(Failure::usage("PLUMBLINE_INGEST_CA holds no certificate in PEM"));
        }
        if !args.ingest_url.starts_with("https://") {
            return Err(Failure::usage("PLUMBLINE_INGEST_URL must begin with https://"));
        }
        let tls =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            // A token goes to the ingest and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| Failure::usage(format!("no client: {error}")))?;
        Ok(Self {
            client,
            url: args.ingest_url.trim_end_matches('/').to_owned(),
            token_file: args.token_file.clone(),
            deadline,
        })
    }

    async fn assignment(&self) -> Result<Assignment, Undelivered> {
        let lost = |reason: String, for_good| Undelivered {
            check: CheckId::ALL[0],
            subject: Subject::target(),
            reason,
            for_good,
        };
        let answer = self.retry(|| self.client.get(format!("{}/v1/plan", self.url))).await;
        let answer = answer.map_err(|(reason, for_good)| lost(reason, for_good))?;
        answer.json().await.map_err(|error| lost(format!("the plan cannot be read: {error}"), true))
    }

    /// Hands one document over, again and again until the deadline if need be: the ingest knows a
    /// document that it already has.
    async fn deliver(
        &self,
        request: &CheckRequest,
        evidence: &Evidence,
    ) -> Result<Receipt, Undelivered> {
        let body = serde_json::to_vec(evidence).expect("evidence has string keys");
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&body));
        let outcome = self
            .retry(|| {
                self.client
                    .post(format!("{}/v1/evidence", self.url))
                    .header("content-type", "application/json")
                    // RFC 9530, section 2.
                    .header("content-digest", format!("sha-256=:{digest}:"))
                    .body(body.clone())
            })
            .await;
        match outcome {
            Ok(_) => Ok(Receipt {
                check: request.check,
                subject: request.subject.clone(),
                document: Digest::of(evidence),
            }),
            Err((reason, for_good)) => Err(Undelivered {
                check: request.check,
                subject: request.subject.clone(),
                reason,
                for_good,
            }),
        }
    }

    /// Sends until there is an answer that another try would not change, or no time is left.
    /// Gives the reason, and whether it is for good.
    async fn retry(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, (String, bool)> {
        let mut wait = FIRST_WAIT;
        let mut refused_tokens = 0;
        loop {
            // Read each time: the kubelet renews it in place.
            let token = std::fs::read_to_string(&self.token_file)
                .map_err(|error| (format!("no token: {error}"), false));
            let outcome = match token {
                Ok(token) => request().bearer_auth(token.trim()).send().await.map_err(|error| {
                    // The address says nothing that the Job does not; the cause says everything.
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    (cause.unwrap_or_else(|| error.to_string()), false)
                }),
                Err(error) => Err(error),
            };
            let (reason, pause) = match outcome {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let status = answer.status();
                    let pause = retry_after(&answer);
                    let refusal: Refusal = answer.json().await.unwrap_or_default();
                    let message: String = refusal.message.chars().take(200).collect();
                    let reason = format!("the ingest says {}: {message}", status.as_u16());
                    refused_tokens += u32::from(status.as_u16() == 401);
                    let again = status.is_server_error()
                        || matches!(status.as_u16(), 408 | 429)
                        || (status.as_u16() == 401 && refused_tokens < TOKEN_TRIES);
                    if !again {
                        return Err((reason, true));
                    }
                    (reason, pause)
                }
                Err((reason, _)) => (reason, None),
            };
            // Pods of one run must not come back in step.
            let pause = pause.unwrap_or(wait).mul_f64(rand::random_range(0.75..1.25));
            if Instant::now() + pause >= self.deadline {
                return Err((format!("no time is left: {reason}"), false));
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3).
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds: u64 = answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_becomes_the_file_that_it_is_mounted_as() {
        let mounts = tempfile::tempdir().unwrap();
        let folder = mounts.path().join("secrets/token");
        std::fs::create_dir_all(folder.join("..data")).unwrap();
        std::fs::write(folder.join("bearer"), "t").unwrap();
        let one = |reference| place(&reference, "secrets", mounts.path());
        assert_eq!(one(json!({ "name": "token", "key": "bearer" })), "secrets/token/bearer");
        assert_eq!(one(json!({ "name": "token" })), "secrets/token/bearer");
        std::fs::write(folder.join("other"), "t").unwrap();
        assert_eq!(one(json!({ "name": "token" })), "secrets/token");
        assert_eq!(one(json!({ "name": "missing", "key": "k" })), "secrets/missing/k");
    }

    #[test]
    fn the_address_of_a_table_is_read_from_its_mounted_secret() {
        let plan: Plan = serde_json::from_value(json!({ "skipped": [], "requests": [{
            "check": "device_cert_hygiene",
            "target": "plant/fleet",
            "subject": "certificates/fleet",
            "policy": { "max_connections": 4, "connect_timeout_seconds": 5, "deadline_seconds": 60, "allow": [] },
            "inputs": { "kind": "device_certificates", "trust": {}, "certificates": {
                "name": "fleet",
                "secretRef": { "name": "fleet-database", "key": "url" },
                "table": { "name": "devices", "device": "id", "certificate": "pem" },
            } },
        }] }))
        .unwrap();
        let json = serde_json::to_value(mounted(plan, Path::new("/nowhere"))).unwrap();
        let set = &json["requests"][0]["inputs"]["certificates"];
        assert_eq!(set["path"], "secrets/fleet-database/url");
        assert_eq!(set["secretRef"], Value::Null);
        assert_eq!(set["table"]["name"], "devices");
    }

    #[test]
    fn every_reference_of_a_plan_is_found() {
        let plan: Plan = serde_json::from_value(json!({ "skipped": [], "requests": [{
            "check": "gateway_config_guardrails",
            "target": "plant/gw",
            "subject": "config/main",
            "policy": { "max_connections": 4, "connect_timeout_seconds": 5, "deadline_seconds": 60, "allow": [] },
            "inputs": { "kind": "config", "config": {
                "name": "main", "format": "auto",
                "configMapRef": { "name": "gw", "key": "gateway.toml" },
                "mapping": { "secretRef": { "name": "map", "key": "m.yaml" } },
            } },
        }] }))
        .unwrap();
        let json = serde_json::to_value(mounted(plan, Path::new("/nowhere"))).unwrap();
        let config = &json["requests"][0]["inputs"]["config"];
        assert_eq!(config["path"], "configmaps/gw/gateway.toml");
        assert_eq!(config["mapping"]["path"], "secrets/map/m.yaml");
        assert!(config.get("configMapRef").is_none());
    }
}
