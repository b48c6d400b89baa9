//! SOURCE: where a value that is not written in the document comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits;

/// Declares a document struct that ends in the fields of SOURCE. `serde(flatten)` would do the
/// same, but it switches off the refusal of unknown fields and loses their place in the file.
macro_rules! with_source {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        pub struct $name {
            $($body)*
            /// File or folder, relative to the document that names it; only outside the cluster.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(length(min = 1))]
            pub path: Option<String>,
            /// Environment variable of the process that probes; only outside the cluster.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(regex(pattern = limits::ENV))]
            pub env: Option<String>,
            /// Key of a ConfigMap in the target's namespace.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub config_map_ref: Option<KeyRef>,
            /// Key of a Secret in the target's namespace.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub secret_ref: Option<KeyRef>,
            /// Address that is read over HTTPS, or in plaintext from the machine itself.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(regex(pattern = limits::URL))]
            pub url: Option<String>,
        }

        impl $name {
            /// Where the value comes from.
            pub fn source(&self) -> Source {
                Source {
                    path: self.path.clone(),
                    env: self.env.clone(),
                    config_map_ref: self.config_map_ref.clone(),
                    secret_ref: self.secret_ref.clone(),
                    url: self.url.clone(),
                }
            }
        }
    };
}
pub(super) use with_source;

with_source! {
/// Exactly one of its fields is set. `path` and `env` exist only outside the cluster, the two
/// references only inside it; the other kind is a validation error that names the field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {}
}

impl Source {
    /// The fields that a SOURCE has, in the order of the documentation.
    pub const FIELDS: [&str; 5] = ["path", "configMapRef", "secretRef", "env", "url"];

    /// A file or folder beside the document.
    pub fn path(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// An environment variable.
    pub fn env(name: impl Into<String>) -> Self {
        Self { env: Some(name.into()), ..Self::default() }
    }

    /// The names of the fields that are set, in the order of the documentation.
    pub fn set_fields(&self) -> Vec<&'static str> {
        let set = [
            self.path.is_some(),
            self.config_map_ref.is_some(),
            self.secret_ref.is_some(),
            self.env.is_some(),
            self.url.is_some(),
        ];
        Self::FIELDS.into_iter().zip(set).filter_map(|(name, set)| set.then_some(name)).collect()
    }
}

/// A key of a ConfigMap or Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRef {
    /// Its `metadata.name`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it; the only key where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
