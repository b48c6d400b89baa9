//! What a run will do, before it does it: one request per (check, subject).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::CheckId;
use crate::document::{
    Allowance, Credential, DeviceCertificates, Endpoint, GatewayConfig, ProbePolicySpec, Trust,
};
use crate::key::{Subject, TargetKey};

/// One question to one part of a target. Printing it is the dry run: nothing else is contacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The check.
    pub check: CheckId,
    /// The target's key.
    pub target: TargetKey,
    /// The part of the target.
    pub subject: Subject,
    /// What the probe looks at.
    pub inputs: Inputs,
    /// How gently.
    pub policy: ProbePolicy,
    /// The target's own parameters for this check.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
}

/// What a probe looks at. Sources are named, never read here: only the probe opens them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "a plan holds a handful of them")]
pub enum Inputs {
    /// An endpoint, for the transport, identity and ingest checks.
    Endpoint {
        /// Where.
        endpoint: Endpoint,
        /// Whom its clients trust.
        trust: Trust,
        /// What may be presented to it, in the order of the document.
        credentials: Vec<Credential>,
    },
    /// A configuration file.
    Config {
        /// Which.
        config: GatewayConfig,
    },
    /// A set of device certificates.
    DeviceCertificates {
        /// Which.
        certificates: DeviceCertificates,
        /// Who may have issued them, and the revocation lists.
        trust: Trust,
    },
}

/// How gently a probe must behave, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbePolicy {
    /// Connections open at the same time.
    pub max_connections: u16,
    /// Seconds until a connection attempt is given up.
    pub connect_timeout_seconds: u16,
    /// Seconds until the whole check is given up.
    pub deadline_seconds: u16,
    /// What goes beyond looking, and is allowed here.
    pub allow: Vec<Allowance>,
}

impl Default for ProbePolicy {
    fn default() -> Self {
        Self {
            max_connections: 4,
            connect_timeout_seconds: 5,
            deadline_seconds: 60,
            allow: Vec::new(),
        }
    }
}

impl From<&ProbePolicySpec> for ProbePolicy {
    fn from(spec: &ProbePolicySpec) -> Self {
        let default = Self::default();
        Self {
            max_connections: spec.max_connections.unwrap_or(default.max_connections),
            connect_timeout_seconds: spec
                .connect_timeout_seconds
                .unwrap_or(default.connect_timeout_seconds),
            deadline_seconds: spec.deadline_seconds.unwrap_or(default.deadline_seconds),
            allow: spec.allow.clone(),
        }
    }
}

/// What a run will do: the requests, and the selected checks that the target has no inputs for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// In the order of checks, then of the document.
    pub requests: Vec<CheckRequest>,
    /// Selected checks without inputs.
    pub skipped: Vec<SkippedCheck>,
}

/// A selected check that the target has no inputs for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkippedCheck {
    /// The check.
    pub check: CheckId,
    /// Which input is not declared, in one sentence.
    pub reason: String,
}
