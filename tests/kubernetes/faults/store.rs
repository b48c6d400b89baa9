//! A store that goes away. Nobody else counts on it meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::cluster::{Kubectl, eventually};
use crate::operator::{Installation, OWN, alone};

use super::{AtWork, GIVES_UP};

/// The health listeners of the replicas that there are.
pub(super) struct Replicas(Vec<SocketAddr>);

impl Replicas {
    pub(super) fn get() -> Self {
        let pods = Kubectl::new().in_namespace(OWN).json("pods");
        let address = |pod: &serde_json::Value| {
            Some(SocketAddr::new(pod["status"]["podIP"].as_str()?.parse().ok()?, 8080))
        };
        Self(pods["items"].as_array().unwrap().iter().filter_map(address).collect())
    }

    /// Status of `/readyz` or `/livez` of every one that answers.
    pub(super) fn answers(&self, path: &str) -> Vec<u16> {
        let ask = |address: &SocketAddr| {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n")
                .ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            text.split(' ').nth(1)?.parse().ok()
        };
        self.0.iter().filter_map(ask).collect()
    }
}

/// Status of `/readyz` or `/livez` of every replica.
fn answers(path: &str) -> Vec<u16> {
    Replicas::get().answers(path)
}

/// How often the operator's containers were restarted, all together.
pub(super) fn restarts() -> u64 {
    let pods = Kubectl::new().in_namespace(OWN).json("pods");
    let of =
        |pod: &serde_json::Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
    pods["items"].as_array().unwrap().iter().filter_map(of).sum()
}

/// The run ends with every document that was planned, each of them stored once.
pub(super) fn assert_whole(at_work: &AtWork) {
    let status = at_work.over();
    assert_eq!(status["phase"], "Complete", "{status:#}");
    assert_eq!(status["evidence"]["stored"], status["evidence"]["planned"], "{status:#}");
    assert_eq!(u64::from(at_work.stored()), status["evidence"]["planned"].as_u64().unwrap());
    at_work.assert_stored_once();
}

#[test]
fn a_store_that_is_down_while_evidence_is_uploaded_loses_none_of_it() {
    let installation = Installation::get();
    let _alone = alone();
    let before = restarts();
    // The probes give up, and upload, while the store is down.
    let at_work = AtWork::new("outage", 5, "{}");
    let outage = installation.database().outage().unwrap();
    let down = Instant::now();
    eventually("both replicas to say that they are not ready", || {
        (answers("/readyz") == [503, 503]).then_some(())
    });
    assert_eq!(answers("/livez"), [200, 200], "an outage of the store is no reason to restart");
    eventually("an upload that was refused, and the outage to have lasted", || {
        let log = at_work.namespace.logs("job/slow");
        (down.elapsed() > Duration::from_secs(60) && log.contains("probes")).then_some(())
    });
    assert_eq!(at_work.namespace.field("auditrun/slow", ".status.phase").unwrap(), "Running");
    drop(outage);
    assert_whole(&at_work);
    eventually("both replicas to be ready", || (answers("/readyz") == [200, 200]).then_some(()));
    assert_eq!(restarts(), before);
}

#[test]
fn connections_that_are_cut_again_and_again_lose_nothing() {
    let installation = Installation::get();
    let _alone = alone();
    let at_work = AtWork::new("cut", GIVES_UP, "{}");
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'plumbline' AND datname = current_database()";
    let mut connections = 0;
    eventually("the run to be over", || {
        connections += installation.database().sql(cut).unwrap().parse::<u32>().unwrap();
        let phase = at_work.namespace.field("auditrun/slow", ".status.phase")?;
        (phase != "Running").then_some(())
    });
    assert!(connections > 0, "there was nothing to cut");
    assert_whole(&at_work);
}
