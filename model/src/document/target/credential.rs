//! What probes may present.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::source::with_source;
use super::super::{KeyRef, Source, limits};

with_source! {
/// Something that probes may present.
///
/// Where it comes from. `bearer`: the token; `basic` and `mqtt`: `user:password`;
/// `clientCertificate`: PEM with chain and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// How it is presented.
    pub kind: CredentialKind,
}
}

/// How a credential is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// MQTT user name and password.
    Mqtt,
    /// TLS client certificate.
    ClientCertificate,
}

impl CredentialKind {
    /// The word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Mqtt => "mqtt",
            Self::ClientCertificate => "clientCertificate",
        }
    }
}
