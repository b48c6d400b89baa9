//! What the operator asks of the API server when nothing has changed: counted on the wire.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::postgres::Database;
use tests::local_operator::{LocalOperator, Settings};

use crate::cluster::{Namespace, eventually};
use crate::operator::{Installation, in_peace};

/// Targets that nobody touches.
const TARGETS: usize = 20;

/// The API server over plain HTTP, by `kubectl proxy`, and a line in front of it that takes down
/// the first line of each request.
struct Line {
    kubectl: Child,
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Line {
    fn open(namespace: &Namespace) -> Self {
        let mut kubectl = namespace
            .command(&["proxy", "--port=0", "--accept-hosts=.*", "--reject-methods=^$"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl is on the PATH");
        let mut said = String::new();
        BufReader::new(kubectl.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let behind = said.trim().rsplit(' ').next().unwrap().to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&requests);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&behind) else { return };
                let (back, front) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || pass(near, far, |line| note(&taken, line)));
                std::thread::spawn(move || pass(back, front, |_| {}));
            }
        });
        Self { kubectl, address, requests }
    }

    /// What was asked so far and `wanted` holds for.
    fn asked(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| wanted(request)).cloned().collect()
    }

    /// Waits until the Lease was renewed so many times more: about three seconds each.
    fn wait_for_renewals(&self, times: usize) {
        let renewals =
            || self.asked(|request| request.starts_with("PUT ") && is_lease(request)).len();
        let wanted = renewals() + times;
        eventually("the Lease to be renewed", || (renewals() >= wanted).then_some(()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.kubectl.kill().ok();
        self.kubectl.wait().ok();
    }
}

/// Hands on what comes, and tells each line of it.
fn pass(mut from: TcpStream, mut to: TcpStream, told: impl Fn(&[u8])) {
    let (mut buffer, mut line) = ([0; 16 * 1024], Vec::new());
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        for byte in &buffer[..length] {
            match byte {
                b'\n' => told(&std::mem::take(&mut line)),
                byte => line.push(*byte),
            }
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}

/// Keeps the first line of a request (RFC 9112, section 3).
fn note(requests: &Mutex<Vec<String>>, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    if let Some(request) = line.strip_suffix(" HTTP/1.1\r") {
        // A body has no line of its own, but it may end where the next request begins.
        let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];
        let begin = methods.iter().filter_map(|method| request.rfind(method)).max();
        requests.lock().unwrap().push(request[begin.unwrap_or(0)..].to_owned());
    }
}

fn is_lease(request: &str) -> bool {
    request.contains("/leases")
}

/// True for a request that a watch begins with, or is.
fn is_watch(request: &str) -> bool {
    let path = request.split('?').next().unwrap_or_default();
    request.starts_with("GET ")
        && ["audittargets", "auditruns", "auditschedules", "auditexceptions", "jobs"]
            .iter()
            .any(|plural| path.ends_with(plural))
}

fn target(index: usize) -> String {
    format!(
        "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {{name: quiet-{index}}}
spec:
  path: gateway
  endpoints:
  - {{name: broker, protocol: mqtts, host: quiet-{index}.example, port: 8883}}
---
"
    )
}

#[test]
fn targets_that_did_not_change_cost_no_request_beyond_their_watch() {
    Installation::get();
    let _peace = in_peace();
    let namespace = Namespace::new("quiet");
    namespace.apply(&(0..TARGETS).map(target).collect::<String>());
    for index in 0..TARGETS {
        namespace.wait_for_condition(&format!("audittarget/quiet-{index}"), "Ready");
    }
    let line = Line::open(&namespace);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let document = format!(
        "{{apiVersion: v1, kind: Config, current-context: line, clusters: [{{name: line, cluster: \
         {{server: 'http://{}'}}}}], contexts: [{{name: line, context: {{cluster: line, user: line}}}}], \
         users: [{{name: line, user: {{}}}}]}}",
        line.address
    );
    std::fs::write(&kubeconfig, document).unwrap();
    let database = Database::create().unwrap();
    let node = Ipv4Addr::LOCALHOST.into();
    let settings = Settings {
        kubeconfig: Some(kubeconfig),
        ..Settings::new(namespace.name(), &database.url(), node)
    };
    let mut operator = LocalOperator::start(&settings);
    operator.wait_until_ready(Duration::from_secs(60));
    eventually("the targets to be watched", || {
        let watched = |request: &str| is_watch(request) && request.contains("watch=true");
        (line.asked(watched).iter().any(|r| r.contains("audittargets"))).then_some(())
    });
    line.wait_for_renewals(2);
    let else_asked = || line.asked(|r| !is_watch(r) && !is_lease(r) && !r.contains("/secrets"));
    assert_eq!(else_asked(), Vec::<String>::new(), "after its start");

    // The watch tells of it, and it is looked at.
    namespace.run(&["label", "audittarget/quiet-7", "shelf=3"]);
    line.wait_for_renewals(2);
    assert_eq!(else_asked(), Vec::<String>::new(), "after a label that means nothing");

    // It is awake: what means something is asked about.
    namespace.run(&["label", "audittarget/quiet-7", "plumbline.dev/run-now=1"]);
    eventually("a run to be made", || {
        let made = |r: &str| r.starts_with("POST ") && r.contains("/auditruns");
        (!line.asked(made).is_empty()).then_some(())
    });
}
