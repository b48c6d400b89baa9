//! What goes wrong in a cluster, done on purpose: after each fault every planned control has one
//! stored result or a stored reason, nothing is there twice, and the status tells the truth.

mod clock;
mod disk;
pub(crate) mod ingest;
mod large;
mod node;
mod points;
mod process;
mod queue;
mod scale;
mod schedule;
mod spread;
mod store;
mod target;
mod token;

use std::net::TcpListener;

use serde_json::Value;

use crate::cluster::{Namespace, eventually};
use crate::operator::Installation;

/// Seconds after which a probe of a [`Hanging`] target gives up.
const GIVES_UP: u32 = 20;
/// Longer than any test takes.
pub(crate) const NEVER: u32 = 600;

/// Two endpoints that take connections and say nothing, and a sound configuration, read at once:
/// a run of it stores one document early, and three when its probes give up.
pub(crate) struct Hanging {
    // Never accepted from: the kernel completes the handshake, and nobody answers.
    listener: TcpListener,
}

impl Hanging {
    pub(crate) fn new() -> Self {
        Self { listener: TcpListener::bind((Installation::get().node(), 0)).unwrap() }
    }

    /// The target and its files; its probes give up after so many seconds.
    pub(crate) fn target(&self, name: &str, gives_up: u32) -> String {
        let address = self.listener.local_addr().unwrap();
        let (host, port) = (address.ip(), address.port());
        format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data:
  mosquitto.conf: |
    allow_anonymous false
    password_file /etc/mosquitto/passwd
    acl_file /etc/mosquitto/acl
    listener 8883 192.0.2.1
    cafile /etc/mosquitto/ca.crt
    certfile /etc/mosquitto/server.crt
    keyfile /etc/mosquitto/server.key
    require_certificate true
    tls_version tlsv1.3
    max_packet_size 65536
    max_queued_messages 1000
    max_queued_bytes 1000000
    max_connections 1000
    message_size_limit 65536
    log_dest syslog
    log_type error
    log_type warning
    log_type notice
---
apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: {name}}}
spec:
  path: gateway
  probePolicy: {{connectTimeoutSeconds: 60, deadlineSeconds: {gives_up}}}
  endpoints:
  - {{name: broker, protocol: mqtts, host: {host}, port: {port}}}
  - {{name: ingest, protocol: http, host: {host}, port: {port}, path: /v1/ingest}}
  checks:
  - {{id: broker_transport_posture}}
  - {{id: broker_cert_identity}}
  - {{id: ingest_auth}}
  - {{id: gateway_config_guardrails}}
  gatewayConfig:
  - {{name: main, format: mosquitto, configMapRef: {{name: {name}, key: mosquitto.conf}}}}
"
        )
    }
}

/// A run made by hand, with a Job template in YAML's flow style.
pub(crate) fn run_of(target: &str, name: &str, job_template: &str) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditRun
metadata: {{name: {name}}}
spec: {{targetRef: {{name: {target}}}, jobTemplate: {job_template}}}
"
    )
}

/// A run that is at work on a [`Hanging`] target, with its first document stored.
pub(crate) struct AtWork {
    pub(crate) namespace: Namespace,
    id: String,
    _target: Hanging,
}

impl AtWork {
    /// The name of target, run and Job.
    pub(crate) const NAME: &str = "slow";

    pub(crate) fn new(purpose: &str, gives_up: u32, job_template: &str) -> Self {
        let target = Hanging::new();
        let namespace = Namespace::new(purpose);
        namespace.apply(&target.target(Self::NAME, gives_up));
        namespace.apply(&run_of(Self::NAME, Self::NAME, job_template));
        let id = eventually("the run to be at work", || {
            let running = namespace.field("auditrun/slow", ".status.phase")? == "Running";
            namespace.field("auditrun/slow", ".status.runId").filter(|_| running)
        });
        let at_work = Self { namespace, id, _target: target };
        eventually("the first document", || (at_work.stored() == 1).then_some(()));
        at_work
    }

    /// Documents of the run in the store.
    pub(crate) fn stored(&self) -> u32 {
        rows("run_evidence", "run", &self.id)
    }

    /// The pod that is at work.
    pub(crate) fn pod(&self) -> Pod {
        eventually("a pod at work", || {
            let pods = self.namespace.json("pods");
            pods["items"].as_array()?.iter().find_map(Pod::running)
        })
    }

    /// The pod that came after another, once it is at work.
    fn pod_after(&self, first: &Pod) -> Option<Pod> {
        let pods = self.namespace.json("pods");
        let mut running = pods["items"].as_array()?.iter().filter_map(Pod::running);
        running.find(|pod| pod.uid != first.uid)
    }

    /// The status of the run when it is over.
    fn over(&self) -> Value {
        over(&self.namespace, Self::NAME)
    }

    /// Holds for every run that ended, however it went: one row per document, one result per
    /// control, one run.
    fn assert_stored_once(&self) {
        let database = Installation::get().database();
        let of = |sql: &str| database.sql(&sql.replace("{run}", &self.id)).unwrap();
        let twice = "SELECT count(*) FROM (SELECT 1 FROM run_evidence WHERE run = '{run}' \
                     GROUP BY check_id, subject HAVING count(*) > 1) AS twice";
        assert_eq!(of(twice), "0");
        assert_eq!(of("SELECT state FROM runs WHERE id = '{run}'"), "complete");
        let target = format!("{}/{}", self.namespace.name(), Self::NAME);
        assert_eq!(rows("runs", "target", &target), 1, "one run was asked for");
        let results: u32 =
            of("SELECT count(*) FROM control_results WHERE run = '{run}'").parse().unwrap();
        let planned = "SELECT jsonb_array_length(record::jsonb #> '{assessment,controls}') \
                       FROM runs WHERE id = '{run}'";
        assert_eq!(of(planned), results.to_string());
        assert!(results > 0);
    }
}

/// The status of a run when it is over.
pub(crate) fn over(namespace: &Namespace, run: &str) -> Value {
    eventually("the run to be over", || {
        let status = namespace.json(&format!("auditrun/{run}"))["status"].clone();
        matches!(status["phase"].as_str(), Some("Complete" | "Failed")).then_some(status)
    })
}

/// Rows of a table of the store that have this value.
fn rows(table: &str, column: &str, value: &str) -> u32 {
    let sql = format!("SELECT count(*) FROM {table} WHERE {column} = '{value}'");
    Installation::get().database().sql(&sql).unwrap().parse().unwrap()
}

/// A pod of a probe Job.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Pod {
    fn running(object: &Value) -> Option<Self> {
        let metadata = &object["metadata"];
        let running = object["status"]["phase"] == "Running"
            && metadata["deletionTimestamp"].is_null()
            && metadata["labels"]["app.kubernetes.io/name"] == "plumbline-probe";
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        running.then(|| Self { name: text(&metadata["name"]), uid: text(&metadata["uid"]) })
    }

    /// Deletes the pod without waiting for it to end: as if it had died.
    fn kill(&self, namespace: &Namespace) {
        namespace.run(&["delete", "pod", &self.name, "--grace-period=0", "--force"]);
    }
}
