//! Checks, the bundles that group them, and the stage a run belongs to.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One question that is asked of a target; the name of its probe, its evidence and its rules.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// Does the broker speak plaintext, and which TLS does it accept?
    BrokerTransportPosture,
    /// Is the broker's certificate the one a device may trust?
    BrokerCertIdentity,
    /// Whom does the broker let in, and what may they read and write?
    MqttAccessControl,
    /// Does the ingest edge ask for a credential, and does it accept plaintext?
    IngestAuth,
    /// Is the gateway healthy and ready, and can that be seen?
    GatewayRuntimeHealth,
    /// Which guardrails does the gateway's configuration set, and which cannot be told?
    GatewayConfigGuardrails,
    /// Are the device certificates of this fleet in order?
    DeviceCertHygiene,
}

impl CheckId {
    /// Every check, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::BrokerTransportPosture,
        Self::BrokerCertIdentity,
        Self::MqttAccessControl,
        Self::IngestAuth,
        Self::GatewayRuntimeHealth,
        Self::GatewayConfigGuardrails,
        Self::DeviceCertHygiene,
    ];

    /// The id as users type it and as issue keys begin.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrokerTransportPosture => "broker_transport_posture",
            Self::BrokerCertIdentity => "broker_cert_identity",
            Self::MqttAccessControl => "mqtt_access_control",
            Self::IngestAuth => "ingest_auth",
            Self::GatewayRuntimeHealth => "gateway_runtime_health",
            Self::GatewayConfigGuardrails => "gateway_config_guardrails",
            Self::DeviceCertHygiene => "device_cert_hygiene",
        }
    }

    /// The check as a short noun phrase, for headings.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BrokerTransportPosture => "Broker transport posture",
            Self::BrokerCertIdentity => "Broker certificate identity",
            Self::MqttAccessControl => "MQTT access control",
            Self::IngestAuth => "Ingest authentication",
            Self::GatewayRuntimeHealth => "Gateway runtime health",
            Self::GatewayConfigGuardrails => "Gateway guardrail review",
            Self::DeviceCertHygiene => "Device certificate hygiene",
        }
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no check id; holds the text and lists what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a check; known checks: broker_transport_posture, broker_cert_identity, mqtt_access_control, ingest_auth, gateway_runtime_health, gateway_config_guardrails, device_cert_hygiene"
)]
pub struct UnknownCheck(pub String);

impl FromStr for CheckId {
    type Err = UnknownCheck;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|check| check.as_str() == text)
            .ok_or_else(|| UnknownCheck(text.to_owned()))
    }
}

/// A named set of checks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Bundle {
    /// The first audit: transport, identity, ingest and gateway controls in one starting run.
    AuditBaseline,
    /// The rerun after fixes: did it hold on the same path?
    HardeningVerification,
    /// Recurring endpoint hygiene: rollout and renewal readiness.
    CertificateHygiene,
}

impl Bundle {
    /// Every bundle, in the order of the stages they serve.
    pub const ALL: [Self; 3] =
        [Self::AuditBaseline, Self::HardeningVerification, Self::CertificateHygiene];

    /// The name as users type it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditBaseline => "audit-baseline",
            Self::HardeningVerification => "hardening-verification",
            Self::CertificateHygiene => "certificate-hygiene",
        }
    }

    /// The checks of this bundle.
    pub const fn checks(self) -> &'static [CheckId] {
        match self {
            Self::AuditBaseline => &[
                CheckId::BrokerTransportPosture,
                CheckId::BrokerCertIdentity,
                CheckId::IngestAuth,
                CheckId::GatewayConfigGuardrails,
            ],
            Self::HardeningVerification => &[
                CheckId::BrokerTransportPosture,
                CheckId::IngestAuth,
                CheckId::GatewayConfigGuardrails,
            ],
            Self::CertificateHygiene => &[CheckId::DeviceCertHygiene],
        }
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The stage that a run belongs to.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sets a baseline.
    #[default]
    Audit,
    /// Reruns exactly what should now be stronger, and shows before and after.
    Sprint,
    /// Keeps the smallest set that still catches drift, on a schedule or per release.
    Retainer,
}

impl Mode {
    /// The name as users type it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Sprint => "sprint",
            Self::Retainer => "retainer",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
