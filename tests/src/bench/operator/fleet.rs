//! 10,000 targets in 50 namespaces, as an operator finds them that has audited them all.

use anyhow::Context as _;
use crds::AuditTarget;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::site::make_namespace;

/// Targets of the fleet.
pub const TARGETS: usize = 10_000;
/// Namespaces that they stand in.
pub const NAMESPACES: usize = 50;
/// Targets of each wave: `wave=0` and on, as many in each namespace.
pub const WAVE: usize = 1_000;
/// Requests at the same time while the fleet is made.
const PARALLEL: usize = 24;

/// The name of a namespace.
pub fn namespace(index: usize) -> String {
    format!("fleet-{index:02}")
}

/// Makes what of the fleet is not there yet.
pub async fn make(client: &Client) -> anyhow::Result<()> {
    for index in 0..NAMESPACES {
        make_namespace(client, &namespace(index)).await?;
    }
    let all: Api<AuditTarget> = Api::all(client.clone());
    if size(&all).await? >= TARGETS {
        return Ok(());
    }
    each(|index| async move {
        let api: Api<AuditTarget> = Api::namespaced(client.clone(), &namespace(index % NAMESPACES));
        match api.create(&PostParams::default(), &target(index)?).await {
            Err(kube::Error::Api(error)) if error.is_already_exists() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    })
    .await
}

/// Writes into the status of every target what a run leaves there.
pub async fn audited(client: &Client) -> anyhow::Result<()> {
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    each(|index| async move {
        let api: Api<AuditTarget> = Api::namespaced(client.clone(), &namespace(index % NAMESPACES));
        let patch = Patch::Merge(json!({ "status": status(index, now) }));
        api.patch_status(&name(index), &PatchParams::default(), &patch).await?;
        Ok(())
    })
    .await
}

async fn each<F>(work: impl Fn(usize) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    stream::iter((0..TARGETS).map(work)).buffer_unordered(PARALLEL).try_collect::<()>().await
}

async fn size(api: &Api<AuditTarget>) -> anyhow::Result<usize> {
    let page = api.list_metadata(&ListParams::default().limit(1)).await?;
    let more = page.metadata.remaining_item_count.unwrap_or(0);
    Ok(page.items.len() + usize::try_from(more)?)
}

fn name(index: usize) -> String {
    format!("gateway-{index:05}")
}

/// A gateway with what such documents usually have: three endpoints, a configuration, the devices'
/// certificates, what is trusted, and two credentials; 1.5 KB of JSON.
pub fn target(index: usize) -> anyhow::Result<AuditTarget> {
    let name = name(index);
    let host = format!("{name}.plant-{:02}.example", index % NAMESPACES);
    let document = json!({
        "apiVersion": "plumbline.dev/v1alpha1",
        "kind": "AuditTarget",
        "metadata": {
            "name": name,
            "namespace": namespace(index % NAMESPACES),
            "labels": {
                "wave": (index / WAVE).to_string(),
                "site": format!("plant-{:02}", index % NAMESPACES),
                "app.kubernetes.io/part-of": "cold-chain",
            },
        },
        "spec": {
            "path": "gateway",
            "owner": "edge-platform",
            "description": "The gateway of a cold store: broker beside it, ingest behind it.",
            "endpoints": [
                { "name": "broker", "protocol": "mqtts", "host": host, "port": 8883 },
                { "name": "broker-plain", "protocol": "mqtt", "host": host, "port": 1883 },
                { "name": "ingest", "protocol": "https", "host": host, "port": 8443,
                  "path": "/v1/ingest", "healthPath": "/healthz" },
            ],
            "gatewayConfig": [
                { "name": "gateway-main", "format": "plumbline-gateway",
                  "configMapRef": { "name": format!("{name}-config"), "key": "gateway.toml" } },
            ],
            "deviceCertificates": [
                { "name": "devices",
                  "configMapRef": { "name": format!("{name}-devices"), "key": "devices.pem" } },
            ],
            "trust": { "caBundle": { "configMapRef": { "name": "plant-ca", "key": "ca.pem" } } },
            "credentials": [
                { "name": "ingest", "kind": "bearer",
                  "secretRef": { "name": format!("{name}-ingest"), "key": "token" } },
            ],
            "probePolicy": { "connectTimeoutSeconds": 5, "deadlineSeconds": 60 },
        },
    });
    serde_json::from_value(document).context("a target of the fleet")
}

fn status(index: usize, now: Timestamp) -> Value {
    let digest = |salt: &str| model::Digest::of_bytes(format!("{salt} {index}").as_bytes());
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        json!({ "type": kind, "status": if holds { "True" } else { "False" }, "reason": reason,
                "message": message, "observedGeneration": 1, "lastTransitionTime": now })
    };
    json!({
        "observedGeneration": 1,
        "conditions": [
            condition("Ready", true, "Accepted", &format!("{} probes are planned", 6)),
            condition("EvidenceStored", true, "Stored", "every planned document is stored and judged"),
            condition("Degraded", false, "AsExpected", "every rule could be evaluated"),
            condition("Stale", false, "EvidenceFresh", "the evidence is younger than allowed"),
        ],
        "posture": "red",
        "status": "FAIL",
        "riskScore": 42,
        "summary": { "open": 4, "critical": 1, "high": 2, "medium": 1, "low": 0, "info": 0,
                     "waived": 0, "pass": 31, "inconclusive": 0, "evaluated": 35, "selected": 40 },
        "delta": { "baseline": "20261120-021500-0a1b2c3d", "regressed": 0, "improved": 1, "new": 0,
                   "coverageLost": 0, "coverageGained": 0, "drift": 1, "ruleChanged": 0,
                   "withdrawn": 0, "unchanged": 33 },
        "evidenceTime": now,
        "lastRun": {
            "name": format!("nightly-{}-1795255200", name(index)),
            "runId": format!("20261121-021500-{:08x}", index),
            "manifest": digest("manifest").to_string(),
            "targetGeneration": 1,
        },
    })
}
