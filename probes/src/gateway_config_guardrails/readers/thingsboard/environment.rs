//! Variables that beat the file: `TB_GW_` names, and some of the same without a prefix.

use model::evidence::Reach;

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::containers;
use crate::gateway_config_guardrails::readers::tables::entry;
use crate::gateway_config_guardrails::settings::Environment;
use crate::gateway_config_guardrails::tree::{Node, Value};

/// Names of one key of `thingsboard` or of its `security` (`tb_utility.py` of the gateway).
const NAMES: [(&str, &[&str]); 9] = [
    ("host", &["TB_GW_HOST", "host"]),
    ("port", &["TB_GW_PORT", "port"]),
    ("type", &["TB_GW_SECURITY_TYPE", "type"]),
    ("accessToken", &["TB_GW_ACCESS_TOKEN", "accessToken"]),
    ("caCert", &["TB_GW_CA_CERT", "caCert"]),
    ("cert", &["TB_GW_CERT"]),
    ("privateKey", &["TB_GW_PRIVATE_KEY"]),
    ("username", &["TB_GW_USERNAME"]),
    ("password", &["TB_GW_PASSWORD"]),
];

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub value: Value,
    pub place: Place,
}

/// What counts for a key of a table: the variable, else the file. A key that two variables set to
/// different values is filled in by one of them, and nobody can tell by which.
pub(super) fn given(
    environment: &Environment,
    file: &str,
    node: &Node,
    key: &str,
) -> Option<Given> {
    let names = NAMES.iter().find(|(named, _)| *named == key).map_or(&[][..], |(_, names)| names);
    let mut set = names.iter().filter_map(|name| environment.get(name));
    if let Some((value, place)) = set.next() {
        let agree = set.all(|(other, _)| other == value);
        let value = if agree { value.clone() } else { Value::Unresolved("two variables set it") };
        return Some(Given { value, place: place.clone() });
    }
    let entry = entry(node, key)?;
    let place = Place { file: file.to_owned(), line: entry.line, column: entry.column };
    Some(Given { value: entry.node.value.clone(), place })
}

/// Notes what variables take the place of, and the secrets among them.
pub(super) fn note(review: &mut Review, environment: &Environment, file: &str, server: &Node) {
    let nothing = Node { line: 1, column: 1, value: Value::Null };
    let security = entry(server, "security").map_or(&nothing, |security| &security.node);
    for (key, names) in NAMES {
        for name in names {
            let Some((value, place)) = environment.get(name) else { continue };
            if let Value::Scalar(text) = value
                && key != "privateKey"
            {
                containers::secret(review, place, name, key, text);
            }
            for (table, path) in [(server, "thingsboard"), (security, "thingsboard.security")] {
                let Some(entry) = entry(table, key) else { continue };
                let at = Place { file: file.to_owned(), line: entry.line, column: entry.column };
                let value = format!("replaced by the variable {name}");
                review.overridden(at.observe(format!("{path}.{key}"), value, Reach::Unstated));
            }
        }
    }
}
