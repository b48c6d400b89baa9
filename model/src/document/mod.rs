//! The documents that users write: one format for files, the cluster and the Action.
//!
//! `apiVersion: plumbline.dev/v1alpha1`; kinds `AuditTarget`, `AuditSchedule`, `AuditException`.
//! Unknown fields are errors everywhere.
//!
//! [`read`] turns a file into documents or into all the problems that it has, each with line and
//! column. Nothing here opens a file: callers hand in name and content.

mod address;
mod deserialize;
mod exception;
mod limits;
mod location;
mod mistake;
mod problem;
mod reader;
mod record;
mod scalar;
mod schedule;
mod source;
mod suggest;
mod syntax;
mod target;
mod text;
mod tree;
mod validate;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use address::{Address, without_secrets};
pub use exception::*;
pub use location::{Field, Located, Position};
pub use problem::{Fault, Problem};
pub use reader::{read, read_files};
pub(crate) use record::Redact;
pub use schedule::*;
pub use source::*;
pub use target::*;
pub use text::MAX_FILE_BYTES;
pub use validate::{MAX_EXCEPTION_DAYS, in_force, validate, validate_exception};

/// The API group and version of every document.
pub const API_VERSION: &str = "plumbline.dev/v1alpha1";

/// The kinds that are read from files.
pub const KINDS: [&str; 3] = ["AuditTarget", "AuditSchedule", "AuditException"];

/// Where a document is read, which decides the sources that it may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// From a file, on the command line or in the Action: `path` and `env` exist.
    Outside,
    /// From the cluster: `configMapRef` and `secretRef` exist.
    Inside,
}

/// Names and labels, as Kubernetes writes them. On the command line only `name`, `labels` and
/// `annotations` mean anything; `namespace` is accepted so that one file serves both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// RFC 1123 label: lower-case letters, digits and `-`, at most 63 characters.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// Namespace in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels that selectors read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations, not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One document of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
#[allow(clippy::large_enum_variant, reason = "a file holds a handful of them")]
pub enum Resource {
    /// What is audited.
    AuditTarget(AuditTarget),
    /// When and how it is audited again.
    AuditSchedule(AuditSchedule),
    /// Which findings are accepted for a while, by whom and why.
    AuditException(AuditException),
}

impl Resource {
    /// The kind, as it is written in documents.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AuditTarget(_) => "AuditTarget",
            Self::AuditSchedule(_) => "AuditSchedule",
            Self::AuditException(_) => "AuditException",
        }
    }

    /// Name and labels.
    pub const fn metadata(&self) -> &Metadata {
        match self {
            Self::AuditTarget(target) => &target.metadata,
            Self::AuditSchedule(schedule) => &schedule.metadata,
            Self::AuditException(exception) => &exception.metadata,
        }
    }
}
