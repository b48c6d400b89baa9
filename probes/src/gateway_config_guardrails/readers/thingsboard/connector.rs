//! Connectors: brokers that the gateway connects to, and servers that it opens.

use model::evidence::{Guardrail, Origin, Reach};

use super::{ELSEWHERE, Part, each, reach};
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::readers::tables::{at, entry, text};
use crate::gateway_config_guardrails::tree::{Entry, Node, Value};
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Reviews the file of a connector of that type.
pub(super) fn review(part: &mut Part<'_>, kind: &str, tree: &Node) {
    match kind {
        "mqtt" => mqtt(part, tree),
        "rest" => rest(part, tree),
        "opcua" | "opcua_asyncio" => opcua(part, tree),
        _ => {}
    }
}

fn word<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a str> {
    at(node, keys).and_then(text)
}

/// A broker: certificates switch TLS on, and without an authority nobody is checked.
fn mqtt(part: &mut Part<'_>, tree: &Node) {
    let Some(broker) = entry(tree, "broker") else { return };
    let top = part.place(broker);
    let reach = reach(entry(&broker.node, "host"));
    let security = entry(&broker.node, "security");
    let setting = "broker.security";
    let place = security.map_or_else(|| top, |security| part.place(security));
    let kind = security.and_then(|security| entry(&security.node, "type"));
    match kind.map(|kind| text(&kind.node)) {
        Some(None) => {
            let bears = &[Guardrail::Tls, Guardrail::PeerVerification];
            part.review.undetermined(&place, "broker.security.type", bears, ELSEWHERE);
        }
        Some(Some("certificates")) => {
            let anchored = security.is_some_and(|one| entry(&one.node, "pathToCACert").is_some());
            if !anchored {
                let value = "certificates without pathToCACert: the broker is not checked";
                part.off(Guardrail::PeerVerification, &place, setting, value, reach);
            }
            let insecure = security.and_then(|one| entry(&one.node, "insecure"));
            if let Some(insecure) = insecure {
                let setting = "broker.security.insecure";
                let bears = &[Guardrail::PeerVerification];
                if part.flag(insecure, setting, bears) == Some(true) {
                    let place = part.place(insecure);
                    part.off(Guardrail::PeerVerification, &place, setting, "true", reach);
                }
            }
        }
        _ => part.off(Guardrail::Tls, &place, setting, "without certificates: no TLS", reach),
    }
}

/// A server for HTTP: what it takes without a credential, and where it listens.
fn rest(part: &mut Part<'_>, tree: &Node) {
    part.review.cover(&[Guardrail::Bind, Guardrail::Authentication]);
    let server = entry(tree, "server").map_or(tree, |server| &server.node);
    let host = entry(server, "host");
    // Without a host it listens on 127.0.0.1, port 5000.
    let (reach, wildcard) = match host.map(|host| text(&host.node)) {
        Some(Some(host)) => (bound(host).reach(), bound(host) == Bound::Wildcard),
        Some(None) => {
            if let Some(host) = host {
                let place = part.place(host);
                let bears = &[Guardrail::Bind];
                part.review.undetermined(&place, "server.host", bears, ELSEWHERE);
            }
            (Reach::Unstated, false)
        }
        None => (Reach::Loopback, false),
    };
    let top = Place { file: part.file.to_owned(), line: server.line, column: server.column };
    let place = host.map_or_else(|| top, |host| part.place(host));
    if wildcard {
        part.off(Guardrail::Bind, &place, "server.host", "on every interface", reach);
    }
    let tls = entry(server, "SSL");
    match tls.map(|tls| (tls, part.flag(tls, "server.SSL", &[Guardrail::Tls]))) {
        Some((_, Some(true))) => {
            let own = at(server, &["security", "cert"]).is_some();
            let seen = if own { "true" } else { "true, with a certificate that it makes itself" };
            part.review.setting(&place, "server.SSL", seen, Origin::Explicit);
        }
        Some((found, Some(false))) => {
            let place = part.place(found);
            part.off(Guardrail::Tls, &place, "server.SSL", "false", reach);
        }
        Some((_, None)) => {}
        None => part.off(Guardrail::Tls, &place, "server.SSL", "absent: false (default)", reach),
    }
    for mapping in entry(tree, "mapping").map_or(&[][..], |mapping| each(&mapping.node)) {
        let place =
            Place { file: part.file.to_owned(), line: mapping.line, column: mapping.column };
        let security: Option<&Entry> = entry(mapping, "security");
        let at = security.map_or_else(|| place, |security| part.place(security));
        let kind = security.and_then(|security| entry(&security.node, "type"));
        match kind.map(|kind| &kind.node.value) {
            Some(Value::Scalar(kind)) if kind == "basic" => {}
            Some(Value::Unresolved(_)) => {
                let bears = &[Guardrail::Authentication];
                part.review.undetermined(&at, "mapping.security.type", bears, ELSEWHERE);
            }
            _ => {
                let value = "anonymous";
                part.off(Guardrail::Authentication, &at, "mapping.security", value, reach);
            }
        }
    }
}

/// An OPC UA server: a policy of `None` neither signs nor encrypts.
fn opcua(part: &mut Part<'_>, tree: &Node) {
    let Some(server) = entry(tree, "server") else { return };
    let found = entry(&server.node, "security");
    let place = found.map_or_else(|| part.place(server), |found| part.place(found));
    match found.map(|found| text(&found.node)) {
        Some(Some("None")) | None => {
            let value = "None: neither signed nor encrypted";
            part.off(Guardrail::Tls, &place, "server.security", value, Reach::Unstated);
        }
        Some(Some(_)) => {
            part.review.setting(&place, "server.security", "a policy", Origin::Explicit);
        }
        Some(None) => {
            part.review.undetermined(&place, "server.security", &[Guardrail::Tls], ELSEWHERE);
        }
    }
    if word(&server.node, &["identity", "type"]) == Some("anonymous") {
        part.review.setting(&place, "server.identity.type", "anonymous", Origin::Explicit);
    }
}
