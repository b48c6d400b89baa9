//! The domains that posture is reported by.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The one primary domain of a rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Domain {
    /// Who is it, and does the cryptography that says so hold?
    #[serde(rename = "Identity & Cryptography")]
    IdentityCryptography,
    /// Who may do what?
    #[serde(rename = "Access Control")]
    AccessControl,
    /// Is data kept from others on its way and at rest?
    #[serde(rename = "Data Protection")]
    DataProtection,
    /// Does the path keep working, and lose nothing?
    #[serde(rename = "Reliability & Durability")]
    ReliabilityDurability,
    /// Can it be told what the path does and whether its data is true?
    #[serde(rename = "Observability & Telemetry Trust")]
    ObservabilityTelemetryTrust,
    /// What is the path built from?
    #[serde(rename = "Supply Chain")]
    SupplyChain,
    /// Are flaws received, fixed and published for as long as promised?
    #[serde(rename = "Disclosure & Lifecycle")]
    DisclosureLifecycle,
}

impl Domain {
    /// Every domain, in the order of the product's own list.
    pub const ALL: [Self; 7] = [
        Self::IdentityCryptography,
        Self::AccessControl,
        Self::DataProtection,
        Self::ReliabilityDurability,
        Self::ObservabilityTelemetryTrust,
        Self::SupplyChain,
        Self::DisclosureLifecycle,
    ];

    /// The name as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentityCryptography => "Identity & Cryptography",
            Self::AccessControl => "Access Control",
            Self::DataProtection => "Data Protection",
            Self::ReliabilityDurability => "Reliability & Durability",
            Self::ObservabilityTelemetryTrust => "Observability & Telemetry Trust",
            Self::SupplyChain => "Supply Chain",
            Self::DisclosureLifecycle => "Disclosure & Lifecycle",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
