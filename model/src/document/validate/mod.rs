//! What must hold beyond the shape of a document.
//!
//! Everything here is pure: no file is opened and no name resolved, so that the operator can
//! check an object from the cluster with the same function that the command line uses on a file.

mod exception;
pub(super) mod names;
mod schedule;
mod source;
mod target;

pub use exception::{MAX_EXCEPTION_DAYS, in_force, validate_exception};

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

use super::location::Field;
use super::problem::{Fault, quote};
use super::tree::MAX_PROBLEMS;
use super::{Metadata, Place, Resource};

/// Everything that is wrong with a document of the right shape, in the order of its fields.
pub fn validate(resource: &Resource, place: Place) -> Vec<Fault> {
    let mut faults = Faults { place, found: Vec::new() };
    faults.metadata(resource.metadata());
    match resource {
        Resource::AuditTarget(target) => target::check(&mut faults, &target.spec),
        Resource::AuditSchedule(schedule) => schedule::check(&mut faults, &schedule.spec),
        Resource::AuditException(exception) => exception::check(&mut faults, &exception.spec),
    }
    faults.found
}

/// What has been found wrong so far.
struct Faults {
    place: Place,
    found: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, field: Field, message: impl Into<String>) {
        if !self.is_full() {
            self.found.push(Fault { field, message: message.into() });
        }
    }

    /// True when there are more faults than a reader lists; looking for more is of no use.
    fn is_full(&self) -> bool {
        self.found.len() > MAX_PROBLEMS
    }

    fn metadata(&mut self, metadata: &Metadata) {
        let field = Field::of("metadata");
        self.label(&field.key("name"), &metadata.name);
        if let Some(namespace) = &metadata.namespace {
            self.label(&field.key("namespace"), namespace);
        }
    }

    /// Names that tell findings apart, and become part of object names in the cluster.
    fn label(&mut self, field: &Field, name: &str) {
        if let Err(message) = names::label(name) {
            self.add(field.clone(), message);
        }
    }

    /// Text that somebody will read.
    fn not_blank(&mut self, field: &Field, text: &str, what: &str) {
        if text.trim().is_empty() {
            self.add(field.clone(), format!("expected {what}, found empty text"));
        }
    }

    fn range(&mut self, field: Field, value: Option<u32>, min: u32, max: u32) {
        if let Some(value) = value.filter(|value| !(min..=max).contains(value)) {
            self.add(field, format!("expected a whole number from {min} to {max}, found {value}"));
        }
    }

    /// Entries of a list that must differ: `field` is the list, `key` the part of each entry that
    /// the value stands in, empty if the entry is the value.
    fn unique<T: Eq + Hash + Display>(
        &mut self,
        field: &Field,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) {
        let place = |index| match key {
            "" => field.index(index),
            key => field.index(index).key(key),
        };
        let mut seen = HashMap::new();
        for (index, value) in values.into_iter().enumerate() {
            if let Some(first) = seen.get(&value) {
                let value = quote(&value.to_string());
                let first = place(*first);
                self.add(
                    place(index),
                    format!("{value} is already given in {first}; each must differ"),
                );
            } else {
                seen.insert(value, index);
            }
        }
    }
}
