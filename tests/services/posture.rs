//! Asking `broker_transport_posture` about a port of this machine, as `plumb probe` does, and what the
//! built-in rules say of the answer.

use std::collections::{BTreeMap, BTreeSet};

use engine::rule::built_in;
use model::document::{Endpoint, Protocol, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey, Verdict};
use probes::Context;
use probes::broker_transport_posture::MAX_CONNECTIONS;
use serde_json::{Value, json};
use testkit::evidence::value;
use testkit::openssl::{self, Server};
use testkit::pki::{Authority, Identity, Leaf};

/// Versions with suites, groups or whatever else there is one of for each.
pub type Pairs = BTreeSet<(String, String)>;

/// Decision mode, which keeps to its number of connections.
pub async fn decide(protocol: Protocol, port: u16) -> Evidence {
    let seen = ask(protocol, port, BTreeMap::new()).await;
    let connections = connections(&seen);
    assert!(connections <= u64::from(MAX_CONNECTIONS), "{connections} connections");
    seen
}

/// Full mode.
pub async fn enumerate(protocol: Protocol, port: u16) -> Evidence {
    ask(protocol, port, BTreeMap::from([("mode".to_owned(), json!("full"))])).await
}

/// The server is asked by the name `localhost`, with the patience of a document that sets none.
async fn ask(protocol: Protocol, port: u16, params: BTreeMap<String, Value>) -> Evidence {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let context = Context::new(RunId("run".to_owned()), ".".into());
    let endpoint = Endpoint {
        server_name: Some("localhost".to_owned()),
        ..Endpoint::new("broker", protocol, "127.0.0.1", port)
    };
    let request = CheckRequest {
        check: CheckId::BrokerTransportPosture,
        target: TargetKey("target".to_owned()),
        subject: Subject::endpoint("broker"),
        inputs: Inputs::Endpoint { endpoint, trust: Trust::default(), credentials: Vec::new() },
        policy: ProbePolicy::default(),
        params,
    };
    probes::collect(&context, &request).await
}

/// Connections that an answer cost, by its own word.
pub fn connections(seen: &Evidence) -> u64 {
    value(seen, "/connections").as_u64().expect("a number")
}

/// A list of full mode.
#[track_caller]
pub fn pairs(seen: &Evidence, pointer: &str, field: &str) -> Pairs {
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("text").to_owned();
    let list = value(seen, pointer);
    let list = list.as_array().unwrap_or_else(|| panic!("{pointer}: {:?}", seen.item(pointer)));
    list.iter().map(|entry| (text(entry, "version"), text(entry, field))).collect()
}

/// What a rule of the check says of an answer.
pub fn verdict(seen: &Evidence, name: &str) -> Verdict {
    let rules = built_in();
    let key = format!("broker_transport_posture.{name}");
    let mut of = rules.of(CheckId::BrokerTransportPosture);
    let rule = of.find(|rule| rule.key.as_str() == key).expect("a rule of the pack");
    let (verdict, defect) = engine::judge::judge(rule, &seen.stable, &rule.params, seen.started_at);
    assert_eq!(defect, None, "{key}");
    verdict
}

/// A certificate for `localhost` with a key on P-256.
pub fn ec_identity() -> Identity {
    Authority::new("Test").issue(&Leaf::default())
}

/// The same with an RSA key of 2048 bits.
pub fn rsa_identity() -> Identity {
    openssl::rsa_identity(&Authority::new("Test"))
}

/// A server of OpenSSL, whose flags are the truth to compare with.
pub fn s_server(identity: &Identity, flags: &[&str]) -> Server {
    Server::start(identity, flags).expect("openssl s_server")
}
