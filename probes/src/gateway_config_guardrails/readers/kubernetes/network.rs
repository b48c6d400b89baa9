//! Services and ingresses: what of a cluster can be reached from outside it.

use model::evidence::{Guardrail, Origin, Reach};

use super::{ELSEWHERE, text_at};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::tables::{at, entry, items};
use crate::gateway_config_guardrails::tree::{Node, Value};

/// A Service answers on every node where its type says so.
pub fn service(review: &mut Review, file: &str, object: &Node) {
    review.cover(&[Guardrail::Bind]);
    let Some(spec) = at(object, &["spec"]) else { return };
    let Some(kind) = entry(spec, "type") else { return };
    let place = Place { file: file.to_owned(), line: kind.line, column: kind.column };
    let allowed = entry(spec, "loadBalancerSourceRanges");
    match text_at(spec, &["type"]) {
        Some("NodePort") => {
            let seen = "NodePort: on every interface of every node";
            review.off(Guardrail::Bind, place.observe("spec.type", seen, Reach::Network));
        }
        Some("LoadBalancer") if allowed.is_none_or(|list| open(&list.node)) => {
            let seen =
                "LoadBalancer for everybody: no loadBalancerSourceRanges that keep anybody out";
            review.off(Guardrail::Bind, place.observe("spec.type", seen, Reach::Network));
        }
        Some("LoadBalancer") => {
            let seen = "LoadBalancer for declared addresses";
            review.setting(&place, "spec.type", seen, Origin::Explicit);
        }
        Some(_) => {}
        None => review.undetermined(&place, "spec.type", &[Guardrail::Bind], ELSEWHERE),
    }
}

/// Whether a list of networks keeps nobody out.
fn open(ranges: &Node) -> bool {
    let everybody = |item: &Node| matches!(&item.value, Value::Scalar(net) if net.ends_with("/0"));
    items(ranges).is_empty() || items(ranges).iter().any(everybody)
}

/// An Ingress without `tls` serves plain HTTP.
pub fn ingress(review: &mut Review, file: &str, object: &Node) {
    review.cover(&[Guardrail::Tls]);
    let Some(spec) = entry(object, "spec") else { return };
    let place = Place { file: file.to_owned(), line: spec.line, column: spec.column };
    match entry(&spec.node, "tls").map(|tls| &tls.node) {
        Some(tls) if !items(tls).is_empty() => {
            review.setting(&place, "spec.tls", "declared", Origin::Explicit);
        }
        Some(tls) if matches!(tls.value, Value::Unresolved(_)) => {
            review.undetermined(&place, "spec.tls", &[Guardrail::Tls], ELSEWHERE);
        }
        _ => {
            let seen = "absent: plain HTTP";
            review.off(Guardrail::Tls, place.observe("spec.tls", seen, Reach::Network));
        }
    }
}
