//! What a run will do, before it does it: one request per (check, subject).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::CheckId;
use crate::document::{
    Allowance, Credential, DeviceCertificates, Endpoint, GatewayConfig, ProbePolicySpec, Redact,
    Source, Trust,
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

impl CheckRequest {
    /// The sources that the probe of this request may read, in the order of the document.
    pub fn sources(&self) -> Vec<Source> {
        let declared = |trust: &Trust| -> Vec<Source> {
            trust.ca_bundle.iter().chain(&trust.crls).cloned().collect()
        };
        match (&self.inputs, self.check) {
            (Inputs::Endpoint { trust, .. }, CheckId::BrokerCertIdentity) => declared(trust),
            (Inputs::Endpoint { trust, credentials, .. }, CheckId::IngestAuth) => {
                let bundle = trust.ca_bundle.iter().cloned();
                bundle.chain(credentials.iter().map(Credential::source)).collect()
            }
            (Inputs::Endpoint { .. }, _) => Vec::new(),
            (Inputs::Config { config }, _) => config.sources(),
            (Inputs::DeviceCertificates { certificates, trust }, _) => {
                let DeviceCertificates { password, inventory, .. } = certificates;
                let own = [Some(certificates.source()), password.clone(), inventory.clone()];
                own.into_iter().flatten().chain(declared(trust)).collect()
            }
        }
    }
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

impl Redact for Inputs {
    fn redact(&mut self) {
        match self {
            Self::Endpoint { trust, credentials, .. } => {
                trust.redact();
                credentials.redact();
            }
            Self::Config { config } => config.redact(),
            Self::DeviceCertificates { certificates, trust } => {
                certificates.redact();
                trust.redact();
            }
        }
    }
}

/// How gently a probe must behave, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbePolicy {
    /// Connections open at the same time.
    pub max_connections: u16,
    /// Probes of one run at work at the same time; all of them where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_probes: Option<u16>,
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
            max_concurrent_probes: None,
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
            max_concurrent_probes: spec.max_concurrent_probes,
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

impl Plan {
    /// How many of the requests may be worked on at the same time.
    pub fn at_once(&self) -> usize {
        let limits =
            self.requests.iter().filter_map(|request| request.policy.max_concurrent_probes);
        limits.min().map_or(usize::MAX, usize::from).clamp(1, self.requests.len().max(1))
    }

    /// The checks that were selected, whether anything of the target is asked about or not, in
    /// their order.
    pub fn checks(&self) -> Vec<CheckId> {
        let asked = self.requests.iter().map(|request| request.check);
        let skipped = self.skipped.iter().map(|skipped| skipped.check);
        asked.chain(skipped).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// The plan as a record keeps it: addresses without what may be a secret.
    #[must_use]
    pub fn for_record(mut self) -> Self {
        self.requests.iter_mut().for_each(|request| request.inputs.redact());
        self
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{AuditTarget, Place, Resource, read};

    const TARGET: &str = "
apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: a}
spec:
  path: gateway
  trust: {caBundle: {url: 'https://h/ca?s3cr3t'}, crls: [{url: 'https://h/crl?s3cr3t'}]}
  endpoints: [{name: e, protocol: https, host: h, port: 443}]
  credentials: [{name: e, kind: bearer, url: 'https://h/token?s3cr3t'}]
  gatewayConfig: [{name: c, url: 'https://h/c?s3cr3t', mapping: {url: 'https://h/m?s3cr3t'}}]
  deviceCertificates:
    - name: d
      url: https://h/d?s3cr3t
      password: {url: 'https://h/p?s3cr3t'}
      inventory: {url: 'https://h/i?s3cr3t'}
";

    fn target() -> AuditTarget {
        let mut documents = read("t.yaml", TARGET, Place::Outside).expect("a good document");
        let Resource::AuditTarget(target) = documents.remove(0).value else { panic!("a target") };
        target
    }

    fn plan() -> Plan {
        let target = target();
        let mut spec = target.spec.clone();
        let trust = spec.trust.expect("trust");
        let endpoint = Inputs::Endpoint {
            endpoint: spec.endpoints.remove(0),
            trust: trust.clone(),
            credentials: spec.credentials,
        };
        let certificates = spec.device_certificates.remove(0);
        let requests = [
            (CheckId::BrokerTransportPosture, endpoint.clone()),
            (CheckId::BrokerCertIdentity, endpoint.clone()),
            (CheckId::IngestAuth, endpoint),
            (
                CheckId::GatewayConfigGuardrails,
                Inputs::Config { config: spec.gateway_config.remove(0) },
            ),
            (CheckId::DeviceCertHygiene, Inputs::DeviceCertificates { certificates, trust }),
        ];
        let request = |(check, inputs)| CheckRequest {
            check,
            target: target.key(),
            subject: Subject("target".to_owned()),
            inputs,
            policy: ProbePolicy::default(),
            params: BTreeMap::new(),
        };
        Plan { requests: requests.into_iter().map(request).collect(), skipped: Vec::new() }
    }

    #[test]
    fn a_record_holds_no_address_with_what_may_be_a_secret() {
        let plan = serde_json::to_string(&plan().for_record()).expect("JSON");
        let target = serde_json::to_string(&target().for_record()).expect("JSON");
        for kept in [plan, target] {
            assert!(!kept.contains("s3cr3t"), "{kept}");
            for name in ["ca", "crl", "token", "c", "m", "d", "p", "i"] {
                assert!(kept.contains(&format!("\"https://h/{name}\"")), "{name}: {kept}");
            }
        }
    }

    #[test]
    fn a_request_names_the_sources_that_its_probe_reads() {
        let named = |request: &CheckRequest| -> Vec<String> {
            let urls = request.sources().into_iter().filter_map(|source| source.url);
            urls.map(|url| url.replace("https://h/", "").replace("?s3cr3t", "")).collect()
        };
        let named: Vec<_> = plan().requests.iter().map(|r| named(r).join(" ")).collect();
        assert_eq!(named, ["", "ca crl", "ca token", "c m", "d p i ca crl"]);
    }
}
