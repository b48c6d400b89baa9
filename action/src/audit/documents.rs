//! Targets and exceptions as a commit declares them.

use std::path::PathBuf;

use model::TargetKey;
use model::document::{self, AuditException, AuditTarget, Place, Resource};

use crate::checkout::Tree;
use crate::failure::Failure;

/// Largest document file that is read, in bytes; the reader itself refuses above 4 MiB.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// A target and where it is declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// The target.
    pub target: AuditTarget,
    /// Its file, from the repository's root.
    pub file: String,
}

impl Declared {
    /// The folder that its relative paths start from.
    pub fn folder(&self) -> PathBuf {
        PathBuf::from(&self.file).parent().map(PathBuf::from).unwrap_or_default()
    }
}

/// What a commit declares.
#[derive(Debug, Default)]
pub struct Documents {
    /// Targets, in the order of files and documents.
    pub targets: Vec<Declared>,
    /// Exceptions, in the same order.
    pub exceptions: Vec<AuditException>,
    /// Files that the inputs name and the commit does not have.
    pub missing: Vec<String>,
}

impl Documents {
    /// Reads the files that the inputs name. All that is wrong with them is one failure.
    pub fn read(tree: &Tree, files: &[String]) -> Result<Self, Failure> {
        let mut documents = Self::default();
        let mut texts = Vec::new();
        for file in files {
            match tree.read(file, MAX_FILE)? {
                Some(bytes) => texts.push((file.as_str(), bytes)),
                None => documents.missing.push(file.clone()),
            }
        }
        let inputs: Vec<(&str, &[u8])> =
            texts.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let found = document::read_files(&inputs, Place::Outside).map_err(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure::new(lines.join("\n"))
        })?;
        for located in found {
            match located.value {
                Resource::AuditTarget(target) => {
                    documents.targets.push(Declared { target, file: located.file.clone() });
                }
                Resource::AuditException(exception) => documents.exceptions.push(exception),
                // A schedule is the cluster's; a workflow has its own.
                Resource::AuditSchedule(_) => {}
            }
        }
        Ok(documents)
    }

    /// The target of a key.
    pub fn of(&self, key: &TargetKey) -> Option<&Declared> {
        self.targets.iter().find(|declared| declared.target.key() == *key)
    }

    /// Fails if an exception has a term that no exception may have.
    pub fn in_force(&self, now: jiff::Timestamp) -> Result<(), Failure> {
        document::in_force(&self.exceptions, now).map_err(Failure::new)
    }
}
