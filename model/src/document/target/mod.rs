//! `AuditTarget`: one path, and how it may be looked at.

mod certificates;
mod config;
mod credential;
mod endpoint;
mod policy;
mod trust;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metadata, Source};
use crate::key::TargetKey;

pub use certificates::*;
pub use config::*;
pub use credential::*;
pub use endpoint::*;
pub use policy::*;
pub use trust::*;

/// What is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditTarget {
    /// `plumbline.dev/v1alpha1`.
    pub api_version: String,
    /// Name and labels.
    pub metadata: Metadata,
    /// The path.
    pub spec: AuditTargetSpec,
}

impl AuditTarget {
    /// The key that findings of this target are told apart by: `namespace/name` where a namespace
    /// is declared, so that every namespace of a cluster has its own, and the name elsewhere.
    pub fn key(&self) -> TargetKey {
        let Metadata { namespace, name, .. } = &self.metadata;
        match namespace {
            Some(namespace) => TargetKey(format!("{namespace}/{name}")),
            None => TargetKey(name.clone()),
        }
    }
}

/// The path: its endpoints, its files, and what is trusted on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditTargetSpec {
    /// The part of the platform that this target stands for.
    pub path: PathKind,
    /// Team that owns what is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How much depends on this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// One or two sentences for the head of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is probed over the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Whom the path's clients trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// What probes may present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Credential>,
    /// Configuration files of the gateway and the broker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway_config: Vec<GatewayConfig>,
    /// Certificates of the devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_certificates: Vec<DeviceCertificates>,
    /// The checks to run; without it every check whose inputs are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSelection>,
    /// How gently probes must behave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_policy: Option<ProbePolicySpec>,
}

impl AuditTargetSpec {
    /// Everything that the target reads from, in the order of the document.
    pub fn sources(&self) -> Vec<Source> {
        let trust = self.trust.iter().flat_map(|trust| trust.ca_bundle.iter().chain(&trust.crls));
        let configs = self.gateway_config.iter().flat_map(GatewayConfig::sources);
        let certificates = self.device_certificates.iter().flat_map(|set| {
            std::iter::once(set.source()).chain(set.password.clone()).chain(set.inventory.clone())
        });
        trust
            .cloned()
            .chain(self.credentials.iter().map(Credential::source))
            .chain(configs)
            .chain(certificates)
            .collect()
    }
}

/// The part of the platform that a target stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathKind {
    /// A gateway with the broker and ingest edge beside it.
    Gateway,
    /// An MQTT broker.
    Mqtt,
    /// An ingest edge.
    Ingest,
    /// Device identity.
    Identity,
    /// Observability of the path.
    Observability,
}

/// How much depends on a path.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Criticality {
    /// Little.
    Low,
    /// Something.
    Medium,
    /// Much.
    High,
    /// Everything.
    Critical,
}
