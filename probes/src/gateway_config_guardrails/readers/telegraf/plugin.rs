//! One plugin: what it connects to, what it listens on, and how.

use model::evidence::{Guardrail, Origin, Reach};

use super::{flag, place, unresolved};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::tables::{entry, items, text};
use crate::gateway_config_guardrails::readers::variables::{Filled, fill};
use crate::gateway_config_guardrails::tree::{Entry, Node, Value};
use crate::gateway_config_guardrails::values::{self, Bound, bound};
use crate::gateway_config_guardrails::version::Version;

/// Keys with the addresses that a plugin connects to.
const CONNECTS: [&str; 7] =
    ["servers", "urls", "url", "brokers", "endpoint", "endpoints", "address"];

/// Keys with the address that a plugin listens on.
const LISTENS: [&str; 2] = ["service_address", "listen"];

/// Plugins that listen where no address is set, and where (their READMEs).
const DEFAULTS: [(&str, &str); 5] = [
    ("inputs.http_listener_v2", ":8080"),
    ("inputs.influxdb_listener", ":8186"),
    ("inputs.influxdb_v2_listener", ":8086"),
    ("inputs.webhooks", ":1619"),
    ("outputs.prometheus_client", ":9273"),
];

/// Keys that keep strangers from a plugin that listens.
const KEEPS_OUT: [&str; 6] =
    ["basic_username", "basic_password", "token", "tls_allowed_cacerts", "ip_range", "secret"];

/// Keys that configure TLS of a plugin that connects.
const CONFIGURES_TLS: [&str; 4] = ["tls_ca", "tls_cert", "tls_key", "tls_server_name"];

/// A plugin of a file.
pub struct Plugin<'a> {
    /// The file.
    pub file: &'a str,
    /// Its full name.
    pub name: &'a str,
    /// Its table.
    pub node: &'a Node,
    /// Version of Telegraf, where it is declared.
    pub version: Option<Version>,
}

impl Plugin<'_> {
    /// Reviews it.
    pub fn review(&self, review: &mut Review) {
        self.peers(review);
        self.versions(review);
        self.logging(review);
        for key in CONNECTS {
            if let Some(found) = entry(self.node, key) {
                let own = std::slice::from_ref(&found.node);
                let list = matches!(found.node.value, Value::List(_));
                for item in if list { items(&found.node) } else { own } {
                    let at = if list { self.at(item) } else { place(self.file, found) };
                    self.connects(review, &at, key, item);
                }
            }
        }
        let listens =
            LISTENS.iter().find_map(|key| entry(self.node, key).map(|found| (*key, found)));
        match listens {
            Some((key, found)) => {
                self.listens(review, &place(self.file, found), key, text(&found.node))
            }
            None => {
                if let Some((_, address)) = DEFAULTS.iter().find(|(name, _)| *name == self.name) {
                    self.listens(review, &self.at(self.node), "service_address", Some(address));
                }
            }
        }
    }

    fn at(&self, node: &Node) -> Place {
        Place { file: self.file.to_owned(), line: node.line, column: node.column }
    }

    fn setting(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn find(&self, key: &str) -> Option<(Place, &Entry)> {
        entry(self.node, key).map(|found| (place(self.file, found), found))
    }

    fn peers(&self, review: &mut Review) {
        let Some((place, found)) = self.find("insecure_skip_verify") else { return };
        let setting = self.setting("insecure_skip_verify");
        match flag(&found.node) {
            Some(true) => review
                .off(Guardrail::PeerVerification, place.observe(setting, "true", Reach::Unstated)),
            Some(false) => review.setting(&place, setting, "false", Origin::Explicit),
            None => unresolved(review, &place, &setting, &[Guardrail::PeerVerification]),
        }
    }

    fn versions(&self, review: &mut Review) {
        let setting = self.setting("tls_min_version");
        let Some((place, found)) = self.find("tls_min_version") else {
            // Servers took TLS 1.0 until 1.24.0 (Telegraf's list of changes).
            let serves = entry(self.node, "tls_cert").is_some()
                && LISTENS.iter().any(|key| entry(self.node, key).is_some());
            let old = |version: Version| version < Version { major: 1, minor: 24, patch: 0 };
            match self.version.map(old) {
                Some(true) if serves => {
                    let seen = "absent: TLS 1.0 and newer (default)";
                    let seen = self.at(self.node).observe(setting, seen, Reach::Unstated);
                    review.off(Guardrail::TlsVersion, seen);
                }
                None if serves => review.undetermined(
                    &self.at(self.node),
                    setting,
                    &[Guardrail::TlsVersion],
                    "it is absent, and its default differs between versions; declare `programVersion`",
                ),
                _ => {}
            }
            return;
        };
        let version = match text(&found.node).map(fill) {
            Some(Filled::Text(text)) => values::tls_version(&text),
            _ => None,
        };
        match version {
            Some(old @ ("ssl" | "1.0" | "1.1")) => {
                review.off(Guardrail::TlsVersion, place.observe(setting, old, Reach::Unstated));
            }
            Some(version) => review.setting(&place, setting, version, Origin::Explicit),
            None => unresolved(review, &place, &setting, &[Guardrail::TlsVersion]),
        }
    }

    fn logging(&self, review: &mut Review) {
        if let Some((place, found)) = self.find("log_level")
            && let Some(level @ ("debug" | "trace")) = text(&found.node)
        {
            let seen = place.observe(self.setting("log_level"), level, Reach::Unstated);
            review.off(Guardrail::Debug, seen);
        }
        if let Some((place, found)) = self.find("client_trace")
            && flag(&found.node) == Some(true)
        {
            let seen = place.observe(self.setting("client_trace"), "true", Reach::Unstated);
            review.off(Guardrail::Debug, seen);
        }
    }

    /// Whether TLS is configured: `tls_enable = false` beats everything else. None where a
    /// variable decides.
    fn has_tls(&self) -> Option<bool> {
        if let Some(enable) = entry(self.node, "tls_enable") {
            return flag(&enable.node);
        }
        if CONFIGURES_TLS.iter().any(|key| entry(self.node, key).is_some()) {
            return Some(true);
        }
        match entry(self.node, "insecure_skip_verify") {
            Some(skip) => flag(&skip.node),
            None => Some(false),
        }
    }

    fn connects(&self, review: &mut Review, at: &Place, key: &str, node: &Node) {
        let setting = self.setting(key);
        let Some(written) = text(node) else { return };
        let address = match fill(written) {
            Filled::Text(text) => text,
            Filled::Variable { .. } => {
                // The scheme often stands in front of the variable.
                let known = written.split_once("://").filter(|(scheme, _)| !scheme.contains('$'));
                match known {
                    Some(_) => written.to_owned(),
                    None => return unresolved(review, at, &setting, &[Guardrail::Tls]),
                }
            }
        };
        let kafka = matches!(self.name, "inputs.kafka_consumer" | "outputs.kafka");
        let scheme = match address.split_once("://") {
            Some((scheme, _)) => scheme.to_ascii_lowercase(),
            None if kafka => "tcp".to_owned(),
            None => return,
        };
        let plain = match scheme.as_str() {
            "http" | "ws" => Some(true),
            // The consumer keeps the scheme as it is written, whatever TLS is configured.
            "tcp" | "mqtt" if self.name == "inputs.mqtt_consumer" => Some(true),
            "tcp" | "mqtt" | "amqp" | "nats" | "redis" => self.has_tls().map(|tls| !tls),
            _ => Some(false),
        };
        let authority = address.split_once("://").map_or(&*address, |(_, rest)| rest);
        let authority = authority.split(['/', '?']).next().unwrap_or("");
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let reach = if bound(host) == Bound::Loopback { Reach::Loopback } else { Reach::Network };
        let shown = values::scheme(&address).unwrap_or("an");
        match plain {
            Some(true) => {
                let seen = at.observe(setting, format!("{shown} address without TLS"), reach);
                review.off(Guardrail::Tls, seen);
            }
            Some(false) => {
                review.setting(at, setting, format!("{shown} address"), Origin::Explicit);
            }
            None => unresolved(review, at, &setting, &[Guardrail::Tls]),
        }
    }

    fn listens(&self, review: &mut Review, at: &Place, key: &str, address: Option<&str>) {
        let setting = self.setting(key);
        let bears = [Guardrail::Bind, Guardrail::Tls, Guardrail::Authentication];
        let Some(Filled::Text(address)) = address.map(fill) else {
            return unresolved(review, at, &setting, &bears);
        };
        let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
        if scheme.starts_with("unix") {
            return review.setting(at, setting, "a Unix socket", Origin::Explicit);
        }
        let bound = bound(&address);
        let shown = values::shown_address(&address);
        if bound == Bound::Wildcard {
            let seen = at.observe(&setting, "listens on every interface", Reach::Network);
            review.off(Guardrail::Bind, seen);
        } else {
            review.setting(at, &setting, shown, Origin::Explicit);
        }
        if scheme.starts_with("udp") || scheme == "ip" {
            return;
        }
        if entry(self.node, "tls_cert").is_none() {
            let seen = at.observe(&setting, "listens without tls_cert", bound.reach());
            review.off(Guardrail::Tls, seen);
        }
        // Metrics that are handed out are no ingest.
        if self.name.starts_with("inputs.") {
            review.cover(&[Guardrail::Authentication]);
            if KEEPS_OUT.iter().all(|key| entry(self.node, key).is_none()) {
                let seen = at.observe(&setting, "takes data from everybody", bound.reach());
                review.off(Guardrail::Authentication, seen);
            }
        }
    }
}
