//! Whole probes against a peer that says anything. Whatever it says, there is evidence, and the
//! evidence is admitted.

use std::collections::BTreeMap;

use model::document::{Credential, Endpoint, Protocol, Trust};
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use probes::Context;

use super::peer::{block_on, with_peer};

/// The name of the run; its length is that of real ones.
const RUN: &str = "20261128-021500-0a1b2c3d";

/// The posture of a port that speaks TLS, or MQTT in clear.
pub(super) fn transport(bytes: &[u8]) {
    against(CheckId::BrokerTransportPosture, Protocol::Mqtts, BTreeMap::new(), bytes);
}

/// The same, with everything that it accepts.
pub(super) fn transport_full(bytes: &[u8]) {
    let params = BTreeMap::from([("mode".to_owned(), "full".into())]);
    against(CheckId::BrokerTransportPosture, Protocol::Tls, params, bytes);
}

/// The same behind WebSocket.
pub(super) fn transport_ws(bytes: &[u8]) {
    against(CheckId::BrokerTransportPosture, Protocol::Ws, BTreeMap::new(), bytes);
}

/// The certificate of a port.
pub(super) fn identity(bytes: &[u8]) {
    against(CheckId::BrokerCertIdentity, Protocol::Mqtts, BTreeMap::new(), bytes);
}

/// What ingest answers, in clear.
pub(super) fn ingest(bytes: &[u8]) {
    against(CheckId::IngestAuth, Protocol::Http, BTreeMap::new(), bytes);
}

/// What health, readiness and metrics answer, in clear.
pub(super) fn health(bytes: &[u8]) {
    against(CheckId::GatewayRuntimeHealth, Protocol::Http, BTreeMap::new(), bytes);
}

/// Whom a broker lets in, in clear, without the pauses between connections.
pub(super) fn access(bytes: &[u8]) {
    let params = BTreeMap::from([
        ("connectIntervalMilliseconds".to_owned(), 0.into()),
        ("listenMilliseconds".to_owned(), 0.into()),
    ]);
    against(CheckId::MqttAccessControl, Protocol::Mqtt, params, bytes);
}

type Params = BTreeMap<String, serde_json::Value>;

fn against(check: CheckId, protocol: Protocol, params: Params, bytes: &[u8]) {
    let evidence = with_peer(bytes, async |port| {
        let endpoint = Endpoint::new("it", protocol, "127.0.0.1", port);
        let inputs =
            Inputs::Endpoint { endpoint, trust: Trust::default(), credentials: credentials() };
        let request = CheckRequest { params, ..request(check, inputs) };
        probes::collect(&context(std::env::temp_dir()), &request).await
    });
    admitted(&evidence);
}

/// No credential: a source of one would be the only thing here that is not the peer's.
const fn credentials() -> Vec<Credential> {
    Vec::new()
}

/// Collects what a request asks for, and holds it to its contract.
pub(super) fn collected(folder: &std::path::Path, check: CheckId, inputs: Inputs) {
    collected_by(&context(folder.to_owned()), check, inputs);
}

/// The same, in a context of one's own.
pub(super) fn collected_by(context: &Context, check: CheckId, inputs: Inputs) {
    admitted(&block_on(probes::collect(context, &request(check, inputs))));
}

pub(super) fn context(base: std::path::PathBuf) -> Context {
    Context::new(RunId(RUN.to_owned()), base)
}

fn request(check: CheckId, inputs: Inputs) -> CheckRequest {
    CheckRequest {
        check,
        target: TargetKey("default/fuzzed".to_owned()),
        subject: Subject("part/it".to_owned()),
        inputs,
        policy: ProbePolicy { max_connections: 8, ..ProbePolicy::default() },
        params: BTreeMap::new(),
    }
}

/// Holds evidence to what every probe promises.
fn admitted(evidence: &Evidence) {
    for (pointer, item) in evidence.stable.iter().chain(&evidence.volatile) {
        // The probe's own panic was caught, so that one probe ends no other; here it is the find.
        let reason = item.reason().unwrap_or_default();
        assert!(!reason.contains("the probe itself failed"), "{pointer}: {reason}");
    }
    let bytes = serde_json::to_vec(evidence).expect("evidence is JSON");
    if let Err(rejection) = engine::contract::admit(&bytes) {
        panic!("evidence is not admitted: {rejection}");
    }
}
