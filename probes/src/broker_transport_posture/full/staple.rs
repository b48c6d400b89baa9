//! Whether a certificate that a server has shown demands a staple.

use std::collections::BTreeSet;

use model::evidence::Item;

use crate::x509::profile;

/// Whether one of the leaf certificates, in DER, demands a stapled response (RFC 7633).
pub(super) fn demanded(leaves: &BTreeSet<&Vec<u8>>) -> Item<bool> {
    if leaves.is_empty() {
        return Item::not_attempted("no certificate was presented");
    }
    Item::observed(leaves.iter().any(|der| profile::must_staple(der)))
}

#[cfg(test)]
mod tests {
    use testkit::pki::{Authority, Extension, Leaf};

    use super::*;

    /// A leaf whose TLS feature extension has this content.
    fn with(value: &[u8]) -> Vec<u8> {
        let extension = Extension {
            oid: vec![1, 3, 6, 1, 5, 5, 7, 1, 24],
            critical: false,
            value: value.to_vec(),
        };
        let leaf = Leaf { extensions: vec![extension], ..Leaf::default() };
        Authority::new("Devices").issue(&leaf).cert_der
    }

    #[test]
    fn a_feature_is_a_number_of_the_list_and_no_octets_that_look_like_one() {
        let asks = |leaf: &Vec<u8>| demanded(&BTreeSet::from([leaf]));
        let one = with(&[0x30, 3, 2, 1, 5]);
        assert_eq!(asks(&one), Item::observed(true));
        assert_eq!(asks(&with(&[0x30, 6, 2, 1, 1, 2, 1, 5])), Item::observed(true));
        for other in [
            // The number 0x020105.
            &[0x30, 5, 2, 3, 2, 1, 5][..],
            // The text that holds it, and what stands behind the list.
            &[0x30, 5, 4, 3, 2, 1, 5],
            &[0x30, 0, 2, 1, 5],
            &[0x04, 3, 2, 1, 5],
            &[0x30, 3, 2, 1, 6],
        ] {
            let other = with(other);
            assert_eq!(asks(&other), Item::observed(false), "{other:x?}");
            assert_eq!(demanded(&BTreeSet::from([&other, &one])), Item::observed(true));
        }
        assert_eq!(demanded(&BTreeSet::new()).status(), "not_attempted");
    }
}
