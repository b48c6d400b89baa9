//! Flows: the brokers that they connect to, and the nodes that run commands.

use std::collections::HashMap;

use model::evidence::{Guardrail, Origin, Reach};

use super::judge::{Held, held};
use super::settings::Js;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Unread};
use crate::gateway_config_guardrails::readers::tables::{entry, items, text};
use crate::gateway_config_guardrails::readers::{Places, containers, json};
use crate::gateway_config_guardrails::tree::{Node, Value};
use crate::gateway_config_guardrails::values::{Bound, bound, scheme, truth};

/// What a flow decides.
const DECIDES: [Guardrail; 2] = [Guardrail::Tls, Guardrail::PeerVerification];

/// Why what is filled in decides nothing.
const ELSEWHERE: &str = "something outside the flow fills it in, and that is not in evidence";

/// Reads the flows that the settings name, or `flows.json`, where they lie beside them.
pub(super) fn review(
    review: &mut Review,
    file: &str,
    places: &Places<'_>,
    export: &Js,
    files: &mut Files,
) {
    let named = match held(export, "flowFile") {
        Held::Is(Js::Text(name), at) => Some((name.as_str(), at)),
        _ => None,
    };
    let (name, at) = named.unwrap_or(("flows.json", 0));
    let (line, column) = places.at(at);
    let place = Place { file: file.to_owned(), line, column };
    match files.read(name) {
        Ok(text) => match json::read(&text.content) {
            Ok(flows) => Flows::of(review, &text.name, &flows).judge(),
            Err(error) => {
                review.undetermined(&Place::top(&text.name), "flows", &DECIDES, error.to_string());
            }
        },
        // The flows are another file than the settings: what the settings say stands without them.
        Err(Unread::NotInEvidence) => {
            if named.is_some() {
                let reason = Unread::NotInEvidence.to_string();
                review.undetermined(&place, "flowFile", &[], reason);
            }
        }
        Err(error) => review.undetermined(&place, "flowFile", &DECIDES, error.to_string()),
    }
}

struct Flows<'a> {
    review: &'a mut Review,
    file: &'a str,
    nodes: &'a Node,
    /// Nodes by their ids; of several with one id the first.
    by_id: HashMap<&'a str, &'a Node>,
}

impl<'a> Flows<'a> {
    fn of(review: &'a mut Review, file: &'a str, nodes: &'a Node) -> Self {
        let id = |node: &'a Node| entry(node, "id").and_then(|id| text(&id.node));
        let named = items(nodes).iter().rev().filter_map(|node| Some((id(node)?, node)));
        Self { review, file, nodes, by_id: named.collect() }
    }

    fn judge(&mut self) {
        let nodes = items(self.nodes);
        for node in nodes {
            match entry(node, "type").and_then(|kind| text(&kind.node)) {
                Some("mqtt-broker") => self.broker(node),
                Some("exec") => {
                    let place = self.place(node, "command");
                    self.review.setting(&place, "exec", "runs commands", Origin::Explicit);
                }
                _ => {}
            }
        }
        for leaf in self.nodes.leaves() {
            let name = leaf.path.rsplit('.').next().unwrap_or("");
            if let Some(value) = text(leaf.node) {
                containers::secret(self.review, &leaf.place(self.file), &leaf.path, name, value);
            }
        }
    }

    /// The place of a key, or of the node that should have it.
    fn place(&self, node: &Node, key: &str) -> Place {
        let (line, column) =
            entry(node, key).map_or((node.line, node.column), |one| (one.line, one.column));
        Place { file: self.file.to_owned(), line, column }
    }

    /// The scheme of an address beats the switch; without either a link is in clear.
    fn broker(&mut self, node: &Node) {
        self.review.cover(&DECIDES);
        let address = entry(node, "broker").map(|broker| &broker.node.value);
        let (encrypted, key) = match address {
            Some(Value::Scalar(address)) if address.contains("://") => (
                scheme(address).map(|word| matches!(word, "mqtts" | "wss" | "ssl" | "tls")),
                "broker",
            ),
            Some(Value::Unresolved(_)) => (None, "broker"),
            _ => (flag(node, "usetls"), "usetls"),
        };
        let local = matches!(address, Some(Value::Scalar(host)) if bound(host) == Bound::Loopback);
        let reach = if local { Reach::Loopback } else { Reach::Network };
        let place = self.place(node, key);
        let setting = format!("mqtt-broker.{key}");
        match encrypted {
            Some(true) => {
                self.review.setting(&place, setting, "with TLS", Origin::Explicit);
                self.verified(node, reach);
            }
            Some(false) => {
                self.review.off(Guardrail::Tls, place.observe(setting, "without TLS", reach));
            }
            None => self.review.undetermined(&place, setting, &DECIDES, ELSEWHERE),
        }
    }

    /// Whether the certificate of a broker is checked: as its `tls-config` says, and not at all
    /// without one (`10-mqtt.js` of Node-RED, `rejectUnauthorized`).
    fn verified(&mut self, node: &Node, reach: Reach) {
        let named = entry(node, "tls").and_then(|tls| text(&tls.node)).unwrap_or_default();
        let uses = flag(node, "usetls") == Some(true) && !named.is_empty();
        let config = self.by_id.get(named).filter(|_| uses).copied();
        let (holder, setting) = match config {
            Some(config) => (config, "tls-config.verifyservercert"),
            None => (node, "mqtt-broker.verifyservercert"),
        };
        let place = self.place(holder, "verifyservercert");
        match flag(holder, "verifyservercert") {
            Some(true) => self.review.setting(&place, setting, "true", Origin::Explicit),
            Some(false) => {
                let value = "the broker's certificate is not checked";
                let off = place.observe(setting, value, reach);
                self.review.off(Guardrail::PeerVerification, off);
            }
            None => {
                let bears = &[Guardrail::PeerVerification];
                self.review.undetermined(&place, setting, bears, ELSEWHERE);
            }
        }
    }
}

/// A switch: off where it is absent, none where it is filled in from elsewhere.
fn flag(node: &Node, key: &str) -> Option<bool> {
    match entry(node, key).map(|entry| &entry.node.value) {
        None | Some(Value::Null) => Some(false),
        Some(Value::Scalar(text)) => Some(truth(text, None) == Some(true)),
        Some(_) => None,
    }
}
