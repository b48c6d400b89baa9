//! SOURCE: exactly one of its fields, and one that exists where the document is read.

use super::{Faults, names};
use crate::document::location::Field;
use crate::document::problem::quote;
use crate::document::{Address, KeyRef, Place, Source, suggest};

impl Faults {
    /// Checks a SOURCE whose fields stand under `field`.
    pub(super) fn source(&mut self, field: &Field, source: &Source) {
        let set = source.set_fields();
        if let [only] = set[..] {
            self.place_of(field, only);
        } else {
            let found = suggest::list(&set, "and");
            self.add(
                field.clone(),
                format!("expected exactly one of {}, found {found}", Source::FIELDS.join(", ")),
            );
        }
        if let Some(path) = &source.path {
            self.not_blank(&field.key("path"), path, "a file or folder");
        }
        if let Some(env) = &source.env {
            self.env(field.key("env"), env);
        }
        if let Some(reference) = &source.config_map_ref {
            self.reference(&field.key("configMapRef"), reference);
        }
        if let Some(reference) = &source.secret_ref {
            self.reference(&field.key("secretRef"), reference);
        }
        if let Some(url) = &source.url {
            self.url(field.key("url"), url);
        }
    }

    fn place_of(&mut self, field: &Field, name: &str) {
        let message = match (self.place, name) {
            (Place::Outside, "configMapRef" | "secretRef") => {
                format!(
                    "{name} exists only inside the cluster; on the command line use path or env"
                )
            }
            (Place::Inside, "path" | "env") => {
                format!(
                    "{name} exists only outside the cluster; inside it use secretRef or configMapRef"
                )
            }
            _ => return,
        };
        self.add(field.key(name), message);
    }

    /// Names of environment variables as POSIX.1-2017 section 8.1 has them, lower case allowed.
    /// What was found is not repeated: it may be the secret itself.
    fn env(&mut self, field: Field, name: &str) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let begins = |b: &u8| !b.is_ascii_digit();
        if !(name.bytes().all(plain) && name.as_bytes().first().is_some_and(begins)) {
            self.add(
                field,
                "expected the name of an environment variable, of letters, digits and `_`; write \
                 its name, not its value",
            );
        }
    }

    fn reference(&mut self, field: &Field, reference: &KeyRef) {
        if !names::is_subdomain(&reference.name) {
            let found = quote(&reference.name);
            self.add(
                field.key("name"),
                format!("expected the name of an object in the cluster, found {found}"),
            );
        }
        // Keys of ConfigMaps and Secrets, as the API server checks them.
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if let Some(key) = &reference.key
            && !((1..=253).contains(&key.len()) && key.bytes().all(plain))
        {
            let found = quote(key);
            self.add(
                field.key("key"),
                format!("expected letters, digits, `-`, `_` and `.`, found {found}"),
            );
        }
    }

    /// What was found is not repeated as a whole: it may hold a password or a signature.
    fn url(&mut self, field: Field, url: &str) {
        if let Err(message) = Address::of_source(url) {
            self.add(field, message);
        }
    }
}
