//! The issuers that a target expects.

use super::Facts;

/// Whether a certificate's issuer is one of the expected: its common name or its whole name, as
/// evidence writes it, equals an entry.
pub fn expected(facts: &Facts, entries: &[String]) -> bool {
    entries
        .iter()
        .any(|entry| facts.issuer_common_name.as_ref() == Some(entry) || facts.issuer == *entry)
}
