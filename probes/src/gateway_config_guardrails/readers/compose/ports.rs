//! Published ports: on which address of the host does a service answer?

use model::evidence::{Guardrail, Origin, Reach};

use super::layers::Service;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::tables::{entry, items, text};
use crate::gateway_config_guardrails::readers::variables::{Filled, fill};
use crate::gateway_config_guardrails::tree::{Node, Value};
use crate::gateway_config_guardrails::values::{Bound, bound};

/// What one entry of `ports` says.
enum Published {
    /// The address, none where it is left out, and the ports as they are written.
    At(Option<String>, String),
    /// Something outside the file decides; what.
    Elsewhere(&'static str),
}

/// Reviews everything that a service publishes.
pub fn review(review: &mut Review, service: &Service) {
    for (place, entry) in service.all("ports") {
        let Value::List(_) = &entry.node.value else {
            let reason = "its value has another shape than a list of ports";
            review.undetermined(&place, service.setting("ports"), &[Guardrail::Bind], reason);
            continue;
        };
        for (index, item) in items(&entry.node).iter().enumerate() {
            let at = Place { file: place.file.clone(), line: item.line, column: item.column };
            let setting = format!("{}[{index}]", service.setting("ports"));
            port(review, &at, &setting, item);
        }
    }
}

fn port(review: &mut Review, place: &Place, setting: &str, item: &Node) {
    let published = match &item.value {
        Value::Table(_) => long(item),
        Value::Scalar(text) => short(text),
        _ => Published::Elsewhere("its value has another shape than a port"),
    };
    match published {
        Published::Elsewhere(reason) => {
            review.undetermined(place, setting, &[Guardrail::Bind], reason);
        }
        Published::At(host, ports) => match host.as_deref().map_or(Bound::Wildcard, bound) {
            Bound::Wildcard => {
                let value = format!("port {ports} on every interface");
                review.off(Guardrail::Bind, place.observe(setting, value, Reach::Network));
            }
            other => {
                let value = format!("port {ports} on a {} address", other.as_str());
                review.setting(place, setting, value, Origin::Explicit);
            }
        },
    }
}

/// `[address:][host:]container[/protocol]`.
fn short(written: &str) -> Published {
    let Filled::Text(written) = fill(written) else {
        return Published::Elsewhere("a variable fills it in, and that is not in evidence");
    };
    let plain = written.split('/').next().unwrap_or("");
    // An IPv6 address stands in brackets; without them its colons cannot be told from ours.
    let (host, ports) = match plain.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some((address, ports)) => (Some(address.to_owned()), ports),
        None => match plain.match_indices(':').count() {
            0 | 1 => (None, plain),
            _ => match plain.rmatch_indices(':').nth(1) {
                Some((at, _)) => (Some(plain[..at].to_owned()), &plain[at + 1..]),
                None => (None, plain),
            },
        },
    };
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':');
    if ports.is_empty() || !ports.chars().all(digits) {
        return Published::Elsewhere("its value cannot be read as a port");
    }
    // Docker takes an empty address for every interface.
    let host = host.filter(|host| !host.is_empty());
    let shown =
        ports.split(':').next().filter(|host| !host.is_empty()).unwrap_or("chosen at start");
    Published::At(host, crate::text::cut(shown.as_bytes()))
}

/// `target`, `published`, `host_ip`.
fn long(item: &Node) -> Published {
    let mut fields = [None, None];
    for (field, key) in fields.iter_mut().zip(["host_ip", "published"]) {
        match entry(item, key).map(|entry| &entry.node) {
            None => {}
            Some(node) => match text(node).map(fill) {
                Some(Filled::Text(text)) => *field = Some(text),
                _ => {
                    return Published::Elsewhere(
                        "a variable fills it in, and that is not in evidence",
                    );
                }
            },
        }
    }
    let [host, published] = fields;
    let digits = |text: &String| text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let port = published.filter(digits).unwrap_or_else(|| "chosen at start".to_owned());
    Published::At(host.filter(|host| !host.is_empty()), port)
}
