//! Where in a repository a finding stands.
//!
//! Paths in a document and in its evidence start from the document's folder, as everywhere; code
//! scanning wants them from the repository's root. A path that leads out of the repository, or a
//! source that is no file at all, leaves the finding with the target's document.

use std::fmt::Write as _;

use model::assessment::Finding;
use model::document::GatewayConfig;
use model::evidence::Item;
use serde_json::{Value, json};

use crate::report::view::View;

/// The root that relative URIs start from. By this name code scanning knows it as the root of the
/// repository (SARIF 2.1.0, section 3.14.14, and GitHub's documentation of `uriBaseId`).
pub const ROOT: &str = "%SRCROOT%";

/// A place in a file, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    file: File,
    line: u64,
    column: u64,
}

/// A file by its path with `/` between its parts: from the repository's root, or absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File(String);

impl Place {
    /// The place as a SARIF `physicalLocation`.
    pub fn location(&self) -> Value {
        json!({
            "artifactLocation": self.file.location(),
            "region": {
                "startLine": self.line,
                "startColumn": self.column,
                "endLine": self.line,
                "endColumn": self.column + 1,
            },
        })
    }
}

impl File {
    /// The file that `path` names, read from `folder`: an absolute path stands for itself. None
    /// where nothing is named, or where a relative path leaves the repository.
    fn new(folder: &str, path: &str) -> Option<Self> {
        let path = path.replace('\\', "/");
        let absolute = path.starts_with('/') || folder.starts_with('/');
        let folder = if path.starts_with('/') { "" } else { folder };
        let mut parts = Vec::new();
        for part in folder.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let root = if absolute { "/" } else { "" };
        (!parts.is_empty()).then(|| Self(format!("{root}{}", parts.join("/"))))
    }

    /// The target's document, as `audit_sarif` is given it.
    pub fn document(path: &str) -> Option<Self> {
        Self::new("", path)
    }

    fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// A relative reference to [`ROOT`], or a `file` URI (RFC 8089): everything but unreserved
    /// characters and `/` is percent-encoded.
    fn location(&self) -> Value {
        let mut uri = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    uri.push(char::from(byte));
                }
                other => write!(uri, "%{other:02X}").expect("writing to a string cannot fail"),
            }
        }
        if uri.starts_with('/') {
            json!({ "uri": format!("file://{uri}") })
        } else {
            json!({ "uri": uri, "uriBaseId": ROOT })
        }
    }
}

/// The place of a finding: what its evidence names, else the configuration that it speaks about,
/// else the target's document.
pub fn place(view: &View<'_>, finding: &Finding, document: Option<&File>) -> Option<Place> {
    let folder = document.map_or("", File::folder);
    let start = |file: File| Place { file, line: 1, column: 1 };
    let of_config = config(view, finding).and_then(|config| {
        let declared = config.path.as_deref()?;
        observed(view, finding, folder).or_else(|| File::new(folder, declared).map(start))
    });
    of_config.or_else(|| document.cloned().map(start))
}

/// The configuration that a finding speaks about.
fn config<'a>(view: &View<'a>, finding: &Finding) -> Option<&'a GatewayConfig> {
    let configs = &view.record.document.spec.gateway_config;
    let about = || configs.iter().find(|config| config.name == finding.subject.name());
    (finding.subject.kind() == "config").then(about)?
}

/// The first `{file, line, column}` among the finding's pointers.
fn observed(view: &View<'_>, finding: &Finding, folder: &str) -> Option<Place> {
    let body = view.body(&finding.evidence)?;
    let items = finding.pointers.iter().filter_map(|pointer| body.item(pointer));
    items.filter_map(Item::value).find_map(|value| first(value, folder, 0))
}

fn first(value: &Value, folder: &str, depth: u8) -> Option<Place> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| first(item, folder, depth + 1)),
        Value::Object(fields) => {
            let number = |name| fields.get(name).and_then(Value::as_u64).filter(|n| *n > 0);
            let file = fields.get("file").and_then(Value::as_str);
            match (file.and_then(|file| File::new(folder, file)), number("line")) {
                (Some(file), Some(line)) => {
                    Some(Place { file, line, column: number("column").unwrap_or(1) })
                }
                _ => fields.values().find_map(|field| first(field, folder, depth + 1)),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_from_the_folder_of_its_document() {
        let at = |document: &str, path: &str| {
            let document = File::document(document).unwrap();
            File::new(document.folder(), path).map(|file| file.0)
        };
        assert_eq!(at("./targets/a.yaml", "c/g.toml").as_deref(), Some("targets/c/g.toml"));
        assert_eq!(at("targets/a.yaml", "../c/./g.toml").as_deref(), Some("c/g.toml"));
        assert_eq!(at("targets/a.yaml", "..\\c\\g.toml").as_deref(), Some("c/g.toml"));
        assert_eq!(at("targets/a.yaml", "../../g.toml"), None, "outside of the repository");
        assert_eq!(at("targets/a.yaml", "/etc/g.toml").as_deref(), Some("/etc/g.toml"));
        assert_eq!(at("/srv/a.yaml", "c/g.toml").as_deref(), Some("/srv/c/g.toml"));
        assert_eq!(at("/srv/a.yaml", "../../g.toml"), None, "above the root");
        assert_eq!(File::document(""), None);
        assert_eq!(File::document("."), None);
    }

    #[test]
    fn a_path_becomes_a_uri_of_its_kind() {
        let location = |path: &str| File::document(path).unwrap().location();
        assert_eq!(
            location("a b/javascript:x"),
            json!({ "uri": "a%20b/javascript%3Ax", "uriBaseId": ROOT })
        );
        assert_eq!(location("/srv/ä.yaml"), json!({ "uri": "file:///srv/%C3%A4.yaml" }));
    }

    #[test]
    fn a_place_is_found_inside_a_list() {
        let value = json!([{"name": "x", "place": {"file": "g.toml", "line": 4, "column": 2}}]);
        let place = Place { file: File::new("", "c/g.toml").unwrap(), line: 4, column: 2 };
        assert_eq!(first(&value, "c", 0), Some(place));
    }
}
