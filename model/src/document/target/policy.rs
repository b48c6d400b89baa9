//! What is checked, and how gently.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::limits;
use crate::check::CheckId;
use crate::key::IssueKey;
use crate::severity::Severity;

/// One selected check with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckSelection {
    /// The check.
    pub id: CheckId,
    /// Parameters that rules of this check read, over their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Severities that this target gives to rules of this check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    // Without this the keys' pattern becomes `patternProperties`, which CRDs refuse.
    #[schemars(with = "BTreeMap<String, Severity>")]
    pub severity_overrides: BTreeMap<IssueKey, Severity>,
}

/// How gently probes must behave, as far as the document says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbePolicySpec {
    /// Connections open at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::CONNECTIONS.0, max = limits::CONNECTIONS.1))]
    pub max_connections: Option<u16>,
    /// Probes of one run at work at the same time; all of them where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::CONCURRENT_PROBES.0, max = limits::CONCURRENT_PROBES.1))]
    pub max_concurrent_probes: Option<u16>,
    /// Seconds until a connection attempt is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(
        min = limits::CONNECT_TIMEOUT_SECONDS.0,
        max = limits::CONNECT_TIMEOUT_SECONDS.1
    ))]
    pub connect_timeout_seconds: Option<u16>,
    /// Seconds until a whole check is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = limits::DEADLINE_SECONDS.0, max = limits::DEADLINE_SECONDS.1))]
    pub deadline_seconds: Option<u16>,
    /// Seconds between two runs of this target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(
        min = limits::MIN_INTERVAL_SECONDS.0,
        max = limits::MIN_INTERVAL_SECONDS.1
    ))]
    pub min_interval_seconds: Option<u32>,
    /// What goes beyond looking, and is allowed here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allowance>,
}

/// Something that goes beyond looking.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Allowance {
    /// Write one canary record that the owner can tell from real data.
    CanaryWrite,
    /// Ask the OCSP responder and the CRL distribution point that the certificate of an endpoint
    /// names, once its path is trusted.
    OnlineRevocation,
}
