//! Kubernetes manifests: every document of a YAML stream or of a `List`, as it is sent to the
//! API server. A template is not that: what it fills in cannot be told.

mod network;
mod pod;
mod stored;

use model::evidence::{Guardrail, Reach};

use super::tables::{at, entry, items, text};
use super::yaml;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::tree::Node;

/// Why a value that a template or a variable fills in decides nothing.
const ELSEWHERE: &str =
    "something outside the manifest fills it in; review the manifest as it is rendered";

/// Reviews a manifest.
///
/// # Errors
///
/// If it is no YAML: where, never what.
pub fn review(main: &Text) -> Result<Review, String> {
    let documents = yaml::read_all(&main.content).map_err(|error| {
        let template = main.content.contains("{{");
        let hint = if template { "; it looks like a template: render it first" } else { "" };
        format!("`{}`: {error}{hint}", main.name)
    })?;
    let mut review = Review::default();
    review.cover(&[Guardrail::InlineSecret, Guardrail::DefaultSecret]);
    for document in &documents {
        for again in document.repeated() {
            let place = again.place(&main.name);
            review.repeated(place.observe(&again.path, "set more than once", Reach::Unstated));
        }
        let listed = text_at(document, &["kind"]).is_some_and(|kind| kind.ends_with("List"));
        match entry(document, "items").filter(|_| listed) {
            Some(list) => {
                for item in items(&list.node) {
                    object(&mut review, &main.name, item);
                }
            }
            None => object(&mut review, &main.name, document),
        }
    }
    Ok(review)
}

fn object(review: &mut Review, file: &str, object: &Node) {
    let kind = text_at(object, &["kind"]).unwrap_or("");
    let template = ["spec", "template", "spec"];
    let pod: &[&str] = match kind {
        "Pod" => &["spec"],
        "Deployment"
        | "StatefulSet"
        | "DaemonSet"
        | "ReplicaSet"
        | "ReplicationController"
        | "Job" => &template,
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "Service" => return network::service(review, file, object),
        "Ingress" => return network::ingress(review, file, object),
        "Secret" => return stored::secret(review, file, object),
        "ConfigMap" => return stored::config_map(review, file, object),
        _ => return,
    };
    let prefix = pod.join(".");
    match at(object, pod) {
        Some(spec) => pod::review(review, file, &prefix, spec),
        None => {
            let place = Place { file: file.to_owned(), line: object.line, column: object.column };
            review.undetermined(&place, prefix, &pod::COVERED, "it is not in the manifest");
        }
    }
}

/// The text at some keys.
fn text_at<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a str> {
    at(node, keys).and_then(text)
}

/// Whether a text is a manifest: some document says its version and its kind.
pub fn is_likely(text: &str) -> bool {
    let starts = |key: &str| text.lines().any(|line| line.starts_with(key));
    starts("apiVersion:") && starts("kind:")
}
