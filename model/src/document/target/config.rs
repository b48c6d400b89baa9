//! Configuration files of the gateway and the broker.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::source::with_source;
use super::super::{KeyRef, Source, limits};

with_source! {
/// A configuration file.
///
/// Where the file is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayConfig {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// How it is read; told from the file's name and content where it is `auto`.
    #[serde(default)]
    pub format: ConfigFormat,
    /// Version of the program that reads it; defaults depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_version: Option<String>,
    /// Mapping file that says which key stands for which guardrail, for the generic formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Source>,
    /// What the environment of the program sets, as `KEY=value` lines, for the formats in which it
    /// fills values in or overrules the file. Nothing is ever taken from another environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Source>,
}
}

impl GatewayConfig {
    /// The configuration, and everything that is read with it, in the order of the document.
    pub fn sources(&self) -> Vec<Source> {
        let more = self.mapping.iter().chain(&self.environment).cloned();
        std::iter::once(self.source()).chain(more).collect()
    }
}

/// How a configuration file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigFormat {
    /// Told from the file's name and content.
    #[default]
    Auto,
    /// The reference gateway's own TOML.
    PlumblineGateway,
    /// mosquitto.conf.
    Mosquitto,
    /// HOCON of EMQX 5 and 6, with `cluster.hocon` beside it.
    Emqx,
    /// HOCON of NanoMQ.
    Nanomq,
    /// config.xml of HiveMQ.
    Hivemq,
    /// rabbitmq.conf with the MQTT plugin, with `conf.d` and `advanced.config` beside it.
    Rabbitmq,
    /// vernemq.conf, with `conf.d` beside it.
    Vernemq,
    /// `KEY=value` lines.
    Env,
    /// TOML through a mapping.
    Toml,
    /// YAML through a mapping.
    Yaml,
    /// JSON through a mapping.
    Json,
    /// A Docker Compose file, with its override and what it includes.
    Compose,
    /// Kubernetes manifests, as they are sent to the API server.
    Kubernetes,
    /// nginx.conf, with what it includes.
    Nginx,
    /// haproxy.cfg.
    Haproxy,
    /// telegraf.conf, with the `telegraf.d` beside it.
    Telegraf,
    /// settings.js of Node-RED, which is never run.
    NodeRed,
    /// A systemd unit, with its drop-ins beside it.
    Systemd,
    /// `tb_gateway.json` of the ThingsBoard IoT gateway, with the files of its connectors.
    ThingsboardGateway,
    /// INI through a mapping.
    Ini,
}
