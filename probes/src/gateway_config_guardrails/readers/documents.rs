//! Formats that are no table of keys, and that are reviewed by what stands where in them.

use model::document::ConfigFormat;

use super::{compose, haproxy, kubernetes, nginx, node_red, systemd, telegraf, thingsboard};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::settings::Environment;
use crate::gateway_config_guardrails::version::Version;

/// A format.
pub struct Document {
    /// Its format as a target declares it.
    pub format: ConfigFormat,
    /// The same as a word; also the name of the program.
    pub name: &'static str,
    /// Whether a file looks like it; the name is in lower case, without folders.
    pub likely: fn(name: &str, content: &str) -> bool,
    /// Reviews a file with what it names. An error says where, never what.
    pub review: fn(&Text, Option<Version>, &mut Files, &Environment) -> Result<Review, String>,
}

/// The formats, in the order in which a file is held against them.
const DOCUMENTS: [Document; 8] = [
    Document {
        format: ConfigFormat::Compose,
        name: "compose",
        likely: compose::is_likely,
        review: |main, _, files, _| compose::review(main, files),
    },
    Document {
        format: ConfigFormat::Kubernetes,
        name: "kubernetes",
        likely: |name, content| is_yaml(name) && kubernetes::is_likely(content),
        review: |main, _, _, _| kubernetes::review(main),
    },
    Document {
        format: ConfigFormat::NodeRed,
        name: "node-red",
        likely: node_red::is_likely,
        review: |main, _, files, _| {
            node_red::review(main, files).map_err(|error| unreadable(main, &error))
        },
    },
    Document {
        format: ConfigFormat::Nginx,
        name: "nginx",
        likely: nginx::is_likely,
        review: |main, version, files, _| {
            nginx::review(main, version, files).map_err(|error| unreadable(main, &error))
        },
    },
    Document {
        format: ConfigFormat::Haproxy,
        name: "haproxy",
        likely: haproxy::is_likely,
        review: |main, version, files, _| {
            haproxy::review(main, version, files).map_err(|error| unreadable(main, &error))
        },
    },
    Document {
        format: ConfigFormat::Telegraf,
        name: "telegraf",
        likely: telegraf::is_likely,
        review: |main, version, files, _| {
            telegraf::review(main, version, files).map_err(|error| unreadable(main, &error))
        },
    },
    Document {
        format: ConfigFormat::Systemd,
        name: "systemd",
        likely: systemd::is_likely,
        review: |main, _, files, _| {
            systemd::review(main, files).map_err(|error| unreadable(main, &error))
        },
    },
    Document {
        format: ConfigFormat::ThingsboardGateway,
        name: "thingsboard-gateway",
        likely: thingsboard::is_likely,
        review: |main, _, files, environment| {
            thingsboard::review(main, files, environment).map_err(|error| unreadable(main, &error))
        },
    },
];

/// The document of a format.
pub fn of(format: ConfigFormat) -> Option<&'static Document> {
    DOCUMENTS.iter().find(|document| document.format == format)
}

/// The document that a file looks like; `name` is in lower case, without folders.
pub fn likely(name: &str, content: &str) -> Option<&'static Document> {
    DOCUMENTS.iter().find(|document| (document.likely)(name, content))
}

fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

fn unreadable(main: &Text, error: &impl std::fmt::Display) -> String {
    format!("`{}`: {error}", main.name)
}
