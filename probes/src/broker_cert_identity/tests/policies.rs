//! Policies that a certificate names.

use model::evidence::Item;
use testkit::pki::{Authority, Extension, Leaf};

use super::{Place, config, mqtts, serve};

/// The extension with these policies, each as the octets of its object identifier.
fn naming(policies: &[&[u8]]) -> Extension {
    let length = |octets: &[u8]| u8::try_from(octets.len()).expect("short");
    let mut list = Vec::new();
    for policy in policies {
        let id = [&[0x06, length(policy)], *policy].concat();
        list.extend([&[0x30, length(&id)], &id[..]].concat());
    }
    let value = [&[0x30, length(&list)], &list[..]].concat();
    Extension { oid: vec![2, 5, 29, 32], critical: false, value }
}

/// 2.23.140.1.2.1: validated by domain, by the requirements of the CA/Browser Forum.
const DOMAIN_VALIDATED: &[u8] = &[0x67, 0x81, 0x0c, 1, 2, 1];

/// 1.3.6.1.4.1.99999.1: one of a private authority.
const OWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x86, 0x8d, 0x1f, 1];

#[tokio::test]
async fn policies_are_told_by_their_identifiers_and_a_certificate_without_names_none() {
    let authority = Authority::new("Plant CA");
    let place = Place::trusting(&authority.pem());
    for (extensions, expected) in [
        (vec![], vec![]),
        (vec![naming(&[DOMAIN_VALIDATED])], vec!["2.23.140.1.2.1"]),
        (vec![naming(&[DOMAIN_VALIDATED, OWN])], vec!["1.3.6.1.4.1.99999.1", "2.23.140.1.2.1"]),
    ] {
        let leaf = Leaf { extensions, ..Leaf::default() };
        let start = leaf.not_before;
        let port = serve(vec![config(&authority.issue(&leaf), &[])]).await;
        let (stable, _) = place.look(mqtts(port)).await;
        let expected = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(stable.leaf_policies, Item::observed(expected));
        let seen = stable.leaf_not_before.value().map(|at| at.as_second());
        assert_eq!(seen, Some(start.as_second()));
    }
}
