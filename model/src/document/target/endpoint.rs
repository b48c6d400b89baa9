//! Places where a path can be reached, and what is spoken there.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::limits;

/// A place where the path can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// Name, unique in the target; findings are told apart by it.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// DNS name or IP address, an IPv6 address without brackets.
    #[schemars(length(min = 1, max = limits::HOST_LENGTH))]
    pub host: String,
    /// TCP port, 1 to 65535.
    #[serde(deserialize_with = "port")]
    #[schemars(range(min = limits::PORT.0, max = limits::PORT.1))]
    pub port: u16,
    /// Path of the request, for `http`, `https`, `ws` and `wss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = limits::REQUEST_PATH))]
    pub path: Option<String>,
    /// Path of the health request on this endpoint, for `http` and `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = limits::REQUEST_PATH))]
    pub health_path: Option<String>,
    /// Name that the certificate must carry, where it is not `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Names of the credentials to present; without it the one whose name equals the endpoint's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(max = limits::LABEL_LENGTH)))]
    pub credentials: Option<Vec<String>>,
}

/// Reads a port like any other number, and refuses what is none in words that name the range of
/// ports. Validation refuses 0, also in an object that was read elsewhere.
fn port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    struct Port;

    impl Visitor<'_> for Port {
        type Value = u16;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let (min, max) = limits::PORT;
            write!(f, "a whole number from {min} to {max}")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u16, E> {
            let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
            u16::try_from(number).map_err(wrong)
        }
    }

    from.deserialize_u16(Port)
}

impl Endpoint {
    /// An endpoint of which nothing but the place is declared.
    pub fn new(name: &str, protocol: Protocol, host: &str, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            host: host.to_owned(),
            port,
            path: None,
            health_path: None,
            server_name: None,
            credentials: None,
        }
    }

    /// `host:port`, with an IPv6 address in brackets.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The identity that the certificate must carry: `serverName`, else `host`.
    pub fn reference_identity(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.host)
    }
}

/// What is spoken at an endpoint.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// MQTT over TCP.
    Mqtt,
    /// MQTT over TLS.
    Mqtts,
    /// MQTT over WebSocket.
    Ws,
    /// MQTT over WebSocket over TLS.
    Wss,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// TLS, whatever is inside.
    Tls,
}

impl Protocol {
    /// The word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
        }
    }

    /// True where a TLS handshake comes first.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss | Self::Https | Self::Tls)
    }

    /// True where MQTT is spoken inside.
    pub const fn is_mqtt(self) -> bool {
        matches!(self, Self::Mqtt | Self::Mqtts | Self::Ws | Self::Wss)
    }

    /// True where HTTP requests are answered.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}
