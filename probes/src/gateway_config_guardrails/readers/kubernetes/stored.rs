//! Secrets and ConfigMaps in a manifest: what is written there, everybody with the file has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::evidence::SecretKind;

use super::text_at;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::containers;
use crate::gateway_config_guardrails::readers::tables::{entries, entry, text};
use crate::gateway_config_guardrails::secrets::{self, Traits};
use crate::gateway_config_guardrails::tree::{Node, shown};

/// Keys of a Secret that hold nothing secret.
const OPEN: [&str; 5] = ["ca.crt", "tls.crt", "username", "user", "namespace"];

/// A Secret. Base64 is no protection, and is undone to tell the length and known defaults.
pub fn secret(review: &mut Review, file: &str, object: &Node) {
    let tls = text_at(object, &["type"]) == Some("kubernetes.io/tls");
    for part in ["data", "stringData"] {
        let Some(data) = entry(object, part) else { continue };
        for entry in entries(&data.node) {
            if OPEN.contains(&entry.key.as_str()) || entry.key.ends_with(".crt") {
                continue;
            }
            let Some(written) = text(&entry.node).filter(|text| !text.is_empty()) else { continue };
            let place = Place { file: file.to_owned(), line: entry.line, column: entry.column };
            let decoded = (part == "data").then(|| decode(written)).flatten();
            let traits = Traits::of(decoded.as_deref().unwrap_or(written));
            let key = tls || entry.key.ends_with(".key");
            let named = secrets::kind(&entry.key).unwrap_or(SecretKind::Other);
            let kind = if key { SecretKind::Key } else { named };
            review.secret(&place, &format!("{part}.{}", shown(&entry.key)), kind, traits);
        }
    }
}

fn decode(written: &str) -> Option<String> {
    let plain: String = written.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    String::from_utf8(STANDARD.decode(plain).ok()?).ok().map(|text| text.trim_end().to_owned())
}

/// A ConfigMap, in which no secret belongs.
pub fn config_map(review: &mut Review, file: &str, object: &Node) {
    let Some(data) = entry(object, "data") else { return };
    for entry in entries(&data.node) {
        let place = Place { file: file.to_owned(), line: entry.line, column: entry.column };
        let setting = format!("data.{}", shown(&entry.key));
        // A value of several lines is a file, which has a format and a review of its own.
        if let Some(value) = text(&entry.node).filter(|value| !value.contains('\n')) {
            containers::variable(review, &place, &setting, &entry.key, value);
        }
    }
}
