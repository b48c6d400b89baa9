//! The cluster itself fails: a node that loses its power, an API server that does not answer.
//! Nobody else counts on them meanwhile.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::store::{Replicas, assert_whole, restarts};
use super::{AtWork, GIVES_UP, process};
use crate::cluster::{Kubectl, eventually};
use crate::node::Node;
use crate::operator::{Installation, alone};

/// How long the API server is away.
const OUTAGE: Duration = Duration::from_secs(30);

#[test]
fn a_node_that_loses_its_power_with_probes_and_operator_on_it_loses_no_evidence() {
    let Some(node) = Node::ours() else { return };
    Installation::get();
    let _alone = alone();
    let at_work = AtWork::new("power", GIVES_UP, "{backoffLimit: 3}");
    let before = restarts();
    let kubelet = node.without("kubelet");
    let containerd = node.without("containerd");
    node.kill_containers();
    let name = Kubectl::new().json("nodes")["items"][0]["metadata"]["name"].clone();
    let name = name.as_str().unwrap();
    let cut = jiff::Timestamp::now();
    drop((containerd, kubelet));
    // Nobody but a kubelet that is at work renews the node's Lease.
    let leases = Kubectl::new().in_namespace("kube-node-lease");
    eventually("the kubelet to be heard of", || {
        node.revive("kubelet");
        let renewed = leases.field(&format!("lease/{name}"), ".spec.renewTime")?;
        (renewed.parse::<jiff::Timestamp>().unwrap() > cut).then_some(())
    });
    assert_whole(&at_work);
    Kubectl::new().wait_for_condition(&format!("node/{name}"), "Ready");
    process::restored();
    assert!(restarts() > before, "the operator's own containers were killed, too");
}

#[test]
fn an_api_server_that_is_away_while_evidence_is_uploaded_costs_none_of_it() {
    let Some(node) = Node::ours() else { return };
    Installation::get();
    let _alone = alone();
    let before = restarts();
    // The probes give up, and upload, while nobody can say whose token it is.
    let at_work = AtWork::new("api", 5, "{}");
    let replicas = Replicas::get();
    let away = node.without("kube-apiserver");
    let down = Instant::now();
    let answers = || TcpStream::connect(("127.0.0.1", 6443)).is_ok();
    eventually("the API server to be gone", || (!answers()).then_some(()));
    eventually("the outage to have lasted", || (down.elapsed() > OUTAGE).then_some(()));
    assert!(!answers(), "it came back by itself");
    assert_eq!(replicas.answers("/livez"), [200, 200], "no reason to restart");
    assert_eq!(replicas.answers("/readyz"), [200, 200], "the store is there");
    drop(away);
    let ready = ["get", "--raw", "/readyz"];
    eventually("the API server", || (Kubectl::new().try_run(&ready).code == Some(0)).then_some(()));
    let log = at_work.namespace.logs("job/slow");
    assert_whole(&at_work);
    assert_eq!(restarts(), before);
    let refused =
        process::own().run(&["logs", "--selector=app.kubernetes.io/name=plumbline", "--tail=-1"]);
    assert!(refused.contains("the API server could not be asked"), "{refused}\n{log}");
    // And what is made now is found.
    AtWork::new("api-after", GIVES_UP, "{}");
}
