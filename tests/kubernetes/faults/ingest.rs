//! Everything that a client of the ingest can get wrong, or do on purpose. The client is a test
//! with the token of a pod that is at work.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use model::RunId;
use model::evidence::Evidence;
use model::request::{CheckRequest, Plan};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::{AtWork, NEVER, rows};
use crate::cluster::{Kubectl, Namespace, image};
use crate::operator::{Installation, OWN, alone, in_peace};

/// The audience that the ingest asks of a token.
pub(crate) const AUDIENCE: &str = "ingest.plumbline.dev";
/// The name in the certificate.
const HOST: &str = "plumbline-ingest.plumbline-system.svc";
const PORT: u16 = 8443;

/// The ingest, as a probe pod calls it.
pub(crate) struct Ingest {
    runtime: Runtime,
    tls: Arc<ClientConfig>,
    pods: Vec<SocketAddr>,
}

impl Ingest {
    pub(crate) fn new() -> Self {
        let own = Kubectl::new().in_namespace(OWN);
        let pods = own.json("pods")["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .filter_map(|pod| pod["status"]["podIP"].as_str()?.parse().ok())
            .map(|address| SocketAddr::new(address, PORT))
            .collect();
        let pem = own.field("secret/plumbline-ingest", ".data.ca\\.crt").unwrap();
        let pem = base64::engine::general_purpose::STANDARD.decode(pem).unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { runtime: Runtime::new().unwrap(), tls: Arc::new(tls), pods }
    }

    /// A client of one replica.
    fn client(&self, replica: usize) -> reqwest::Client {
        reqwest::Client::builder()
            .tls_backend_preconfigured((*self.tls).clone())
            .resolve(HOST, self.pods[replica % self.pods.len()])
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap()
    }

    pub(crate) fn plan_request(&self, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.client(0).get(format!("https://{HOST}:{PORT}/v1/plan"));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(super) fn upload(&self, token: &str, body: &[u8]) -> reqwest::RequestBuilder {
        self.client(0)
            .post(format!("https://{HOST}:{PORT}/v1/evidence"))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .header("content-digest", digest(body))
            .body(body.to_vec())
    }

    /// Status and reason of an answer, and the answer.
    pub(crate) fn send(&self, request: reqwest::RequestBuilder) -> (u16, String, Value) {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            (status, body["reason"].as_str().unwrap_or_default().to_owned(), body)
        })
    }

    /// What requests that are sent at the same time are answered; 0 for one whose connection was
    /// closed while its body was still being sent.
    pub(super) fn statuses(&self, requests: Vec<reqwest::RequestBuilder>) -> Vec<u16> {
        self.runtime.block_on(async {
            let sent: Vec<_> =
                requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
            let mut statuses = Vec::new();
            for answer in sent {
                statuses.push(answer.await.unwrap().map_or(0, |answer| answer.status().as_u16()));
            }
            statuses
        })
    }

    #[track_caller]
    pub(super) fn assert_refused(
        &self,
        request: reqwest::RequestBuilder,
        status: u16,
        reason: &str,
    ) {
        let (found, why, body) = self.send(request);
        assert_eq!((found, why.as_str()), (status, reason), "{body}");
    }

    /// What the pod of this token is asked for.
    fn plan(&self, token: &str) -> (RunId, Plan) {
        let (status, _, body) = self.send(self.plan_request(Some(token)));
        assert_eq!(status, 200, "{body}");
        let part = |name: &str| body[name].clone();
        (
            serde_json::from_value(part("run")).unwrap(),
            serde_json::from_value(part("plan")).unwrap(),
        )
    }

    /// A document that a pod would send of the endpoint that says nothing.
    pub(super) fn document(&self, token: &str) -> Evidence {
        let (run, plan) = self.plan(token);
        let mut request: CheckRequest = plan
            .requests
            .into_iter()
            .find(|request| request.check == model::CheckId::IngestAuth)
            .unwrap();
        request.policy.deadline_seconds = 1;
        let context = probes::Context::new(run, std::env::temp_dir());
        self.runtime.block_on(probes::collect(&context, &request))
    }

    /// A connection to a replica over which so much of an upload was sent that the rest is
    /// waited for.
    fn half_an_upload(
        &self,
        token: &str,
        replica: usize,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(self.pods[replica]).unwrap();
        let name = HOST.try_into().unwrap();
        let session = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        let head = format!(
            "POST /v1/evidence HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-digest: {}\r\ncontent-length: 1000\r\n\r\n{{",
            digest(b"{")
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.flush().unwrap();
        stream
    }
}

/// `Content-Digest` (RFC 9530, section 2).
fn digest(bytes: &[u8]) -> String {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes));
    format!("sha-256=:{digest}:")
}

/// A token of a pod, for an audience.
pub(crate) fn token(namespace: &Namespace, pod: &str, uid: &str, audience: &str) -> String {
    namespace
        .run(&[
            "create",
            "token",
            "default",
            &format!("--audience={audience}"),
            "--bound-object-kind=Pod",
            &format!("--bound-object-name={pod}"),
            &format!("--bound-object-uid={uid}"),
        ])
        .trim()
        .to_owned()
}

pub(super) fn token_of(at_work: &AtWork) -> String {
    let pod = at_work.pod();
    token(&at_work.namespace, &pod.name, &pod.uid, AUDIENCE)
}

pub(super) fn bytes(document: &Evidence) -> Vec<u8> {
    serde_json::to_vec(document).unwrap()
}

#[test]
fn only_the_pod_of_a_run_at_work_is_let_in() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("tokens", NEVER, "{}");
    let pod = at_work.pod();
    let refused = |token: Option<&str>, status, reason| {
        ingest.assert_refused(ingest.plan_request(token), status, reason);
    };
    refused(None, 401, "token");
    refused(Some("garbage"), 401, "token");
    refused(Some(&"x".repeat(20_000)), 401, "token");
    let for_another =
        token(&at_work.namespace, &pod.name, &pod.uid, "https://kubernetes.default.svc");
    refused(Some(&for_another), 401, "token");
    let audience = format!("--audience={AUDIENCE}");
    let unbound = at_work.namespace.run(&["create", "token", "default", &audience]);
    refused(Some(unbound.trim()), 401, "token");

    // A pod that somebody made himself.
    at_work.namespace.apply(&format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: stranger
  labels: {{app.kubernetes.io/name: plumbline-probe}}
spec:
  nodeName: nowhere
  securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
  - name: c
    image: '{}'
    securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
",
        image("plumb")
    ));
    let uid = at_work.namespace.field("pod/stranger", ".metadata.uid").unwrap();
    let stranger = token(&at_work.namespace, "stranger", &uid, AUDIENCE);
    refused(Some(&stranger), 403, "not_a_probe");
    at_work.namespace.run(&["delete", "pod/stranger", "--grace-period=0", "--force"]);

    let good = token(&at_work.namespace, &pod.name, &pod.uid, AUDIENCE);
    assert_eq!(ingest.plan(&good).0.0, at_work.id);
    let document = bytes(&ingest.document(&good));
    // The API server may take its token for good a moment longer; the pod is looked for as well.
    let (status, _, body) = ingest.send(ingest.upload(&stranger, &document));
    assert!(matches!(status, 401 | 403), "{body}");
    assert_eq!(at_work.stored(), 1, "nothing of this was stored");
}

#[test]
fn a_pod_writes_its_own_run_and_only_what_was_planned() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let (one, other) = (AtWork::new("one", NEVER, "{}"), AtWork::new("other", NEVER, "{}"));
    let (mine, others) = (token_of(&one), token_of(&other));
    let document = ingest.document(&others);
    ingest.assert_refused(ingest.upload(&mine, &bytes(&document)), 422, "other_run");
    // Not even under one's own run's name, nor of a subject that nobody asked about.
    let own = ingest.document(&mine);
    let forged = Evidence { target: document.target.clone(), ..own.clone() };
    ingest.assert_refused(ingest.upload(&mine, &bytes(&forged)), 422, "other_run");
    let mut unasked = serde_json::to_value(&own).unwrap();
    unasked["subject"] = json!("endpoint/another");
    let unasked = serde_json::to_vec(&unasked).unwrap();
    ingest.assert_refused(ingest.upload(&mine, &unasked), 422, "not_planned");
    assert_eq!((one.stored(), other.stored()), (1, 1));
}

#[test]
fn a_body_that_was_tampered_with_or_is_too_large_is_refused() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("bodies", NEVER, "{}");
    let token = token_of(&at_work);
    let document = bytes(&ingest.document(&token));
    let client = ingest.client(0);
    let post = |said: Option<String>, encoding: Option<&str>, body: Vec<u8>| {
        let mut request = client
            .post(format!("https://{HOST}:{PORT}/v1/evidence"))
            .bearer_auth(&token)
            .body(body);
        if let Some(said) = said {
            request = request.header("content-digest", said);
        }
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        request
    };
    let mut changed = document.clone();
    let last = changed.len() - 2;
    changed[last] ^= 1;
    ingest.assert_refused(post(Some(digest(&document)), None, changed), 400, "digest");
    ingest.assert_refused(post(None, None, document.clone()), 400, "digest");

    let large = vec![b' '; engine::contract::MAX_DOCUMENT + 1];
    ingest.assert_refused(post(Some(digest(&large)), None, large.clone()), 413, "too_large");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&large).unwrap();
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 64 * 1024);
    ingest.assert_refused(post(Some(digest(&bomb)), Some("gzip"), bomb), 413, "too_large");
    ingest.assert_refused(post(Some(digest(b"{}")), None, b"{}".to_vec()), 422, "contract");
    ingest.assert_refused(post(Some(digest(b"{}")), Some("br"), b"{}".to_vec()), 415, "encoding");
    assert_eq!(at_work.stored(), 1);

    let rejected = at_work.namespace.run(&["events", "--for=auditrun/slow"]);
    assert!(rejected.contains("EvidenceRejected"), "{rejected}");
}

#[test]
fn the_same_document_again_gets_the_same_receipt_and_another_one_gets_none() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("replay", NEVER, "{}");
    let token = token_of(&at_work);
    let document = ingest.document(&token);
    let (status, _, first) = ingest.send(ingest.upload(&token, &bytes(&document)));
    assert_eq!(status, 200, "{first}");
    assert!(first["digest"].is_string(), "{first}");
    let (status, _, again) = ingest.send(ingest.upload(&token, &bytes(&document)));
    assert_eq!((status, &again), (200, &first));
    let changed = Evidence { attempts: 2, ..document };
    ingest.assert_refused(ingest.upload(&token, &bytes(&changed)), 409, "conflict");
    assert_eq!(at_work.stored(), 2);

    // Once the run is over nothing can be added, by whoever still holds the token.
    at_work.namespace.run(&["delete", "job/slow", "--cascade=orphan", "--wait=false"]);
    at_work.over();
    let (status, reason, body) = ingest.send(ingest.upload(&token, &bytes(&changed)));
    assert!(matches!(status, 401 | 403 | 409), "{reason}: {body}");
    assert_eq!(at_work.stored(), 2);
}

#[test]
fn a_hundred_uploads_at_once_store_each_document_once() {
    Installation::get();
    let _peace = in_peace();
    let ingest = Ingest::new();
    let at_work = AtWork::new("hundred", NEVER, "{}");
    let token = token_of(&at_work);
    let body = bytes(&ingest.document(&token));
    let statuses = ingest.statuses((0..100).map(|_| ingest.upload(&token, &body)).collect());
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    assert_eq!(at_work.stored(), 2);
    let sql = format!("run = '{}' AND check_id", at_work.id);
    assert_eq!(rows("run_evidence", &sql, "ingest_auth"), 1);
}

#[test]
fn a_pod_that_sends_slowly_does_not_hold_up_the_others() {
    Installation::get();
    let _alone = alone();
    let ingest = Ingest::new();
    let (slow, other) = (AtWork::new("drip", NEVER, "{}"), AtWork::new("waits", NEVER, "{}"));
    let (token, others) = (token_of(&slow), token_of(&other));
    // More than may be worked on at the same time.
    let mut held: Vec<_> = (0..100).map(|_| ingest.half_an_upload(&token, 0)).collect();
    let mut start = [0; 12];
    held.last_mut().unwrap().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 429", "the last of a hundred is told to come back");
    let body = bytes(&ingest.document(&others));
    let (status, _, answer) = ingest.send(ingest.upload(&others, &body));
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn connections_that_say_nothing_do_not_hold_up_the_others() {
    Installation::get();
    let _alone = alone();
    let ingest = Ingest::new();
    // More than are open at the same time, to every replica.
    let held = ingest.runtime.block_on(async {
        let mut held = Vec::new();
        for _ in 0..600 {
            for replica in &ingest.pods {
                held.push(tokio::net::TcpStream::connect(replica).await.unwrap());
            }
        }
        held
    });
    // From its own address, a real probe pod gets its plan and delivers.
    let at_work = AtWork::new("silent", NEVER, "{}");
    assert_eq!(at_work.stored(), 1);
    assert_eq!(held.len(), 1_200);
}
