use jiff::{Timestamp, ToSpan as _};
use model::evidence::PathOutcome::{self, Incomplete, SelfSigned, Trusted, Untrusted};
use testkit::pki::{Authority, Leaf, self_signed, usage, weak};

use super::super::{Bundle, path};
use super::chain;

fn judge(certificates: &[&[u8]], bundle: &str) -> Result<PathOutcome, String> {
    path::judge(&chain(certificates), &Bundle::read(bundle.as_bytes())).map(|path| path.outcome)
}

#[test]
fn a_leaf_of_a_declared_root_is_trusted() {
    let root = Authority::new("Root");
    let leaf = root.issue(&Leaf::default());
    assert_eq!(judge(&[&leaf.cert_der], &root.pem()), Ok(Trusted));
}

#[test]
fn a_leaf_of_another_root_of_the_same_name_is_not_trusted() {
    let (root, impostor) = (Authority::new("Root"), Authority::new("Root"));
    let leaf = impostor.issue(&Leaf::default());
    let path = path::judge(&chain(&[&leaf.cert_der]), &Bundle::read(root.pem().as_bytes()));
    let path = path.expect("decided");
    assert_eq!(path.outcome, Untrusted);
    assert_eq!(path.detail, "a signature in it does not verify");
}

#[test]
fn a_missing_intermediate_is_incomplete_only_if_the_owner_keeps_it() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.issue(&Leaf::default());
    let both = root.pem() + &middle.pem();
    assert_eq!(judge(&[&leaf.cert_der, &middle.der()], &root.pem()), Ok(Trusted));
    assert_eq!(judge(&[&leaf.cert_der], &both), Ok(Incomplete));
    assert_eq!(judge(&[&leaf.cert_der], &root.pem()), Ok(Untrusted));
    assert_eq!(judge(&[&leaf.cert_der, &middle.der()], &both), Ok(Trusted));
}

#[test]
fn an_intermediate_whose_issuer_is_not_kept_is_an_anchor() {
    let middle = Authority::new("Root").intermediate("Middle");
    let leaf = middle.issue(&Leaf::default());
    assert_eq!(judge(&[&leaf.cert_der], &middle.pem()), Ok(Trusted));
}

#[test]
fn a_self_signed_leaf_is_trusted_only_as_that_very_certificate() {
    let leaf = self_signed(&Leaf::default());
    let root = Authority::new("Root");
    assert_eq!(judge(&[&leaf.cert_der], &root.pem()), Ok(SelfSigned));
    assert_eq!(judge(&[&leaf.cert_der], &(root.pem() + &leaf.cert_pem)), Ok(Trusted));
    let twin = self_signed(&Leaf::default());
    assert_eq!(judge(&[&twin.cert_der], &leaf.cert_pem), Ok(SelfSigned));
}

#[test]
fn dates_names_and_uses_do_not_change_the_outcome() {
    let root = Authority::new("Root");
    let now = Timestamp::now();
    let past =
        Leaf { not_before: now - 480.hours(), not_after: now - 240.hours(), ..Leaf::default() };
    let future = Leaf { not_before: now + 240.hours(), ..Leaf::default() };
    let client = Leaf { usages: vec![usage::CLIENT], dns: vec![], ..Leaf::default() };
    for leaf in [past, future, client] {
        let identity = root.issue(&leaf);
        assert_eq!(judge(&[&identity.cert_der], &root.pem()), Ok(Trusted), "{leaf:?}");
    }
}

#[test]
fn a_leaf_that_began_before_its_intermediate_is_tried_when_both_are_valid() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    // The intermediate begins a day ago; the leaf ten days ago, as with a reissued authority.
    let leaf = Leaf { not_before: Timestamp::now() - 240.hours(), ..Leaf::default() };
    let identity = middle.issue(&leaf);
    assert_eq!(judge(&[&identity.cert_der, &middle.der()], &root.pem()), Ok(Trusted));
}

#[test]
fn certificates_that_are_never_valid_together_are_no_path() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let now = Timestamp::now();
    let leaf =
        Leaf { not_before: now - 480.hours(), not_after: now - 240.hours(), ..Leaf::default() };
    let identity = middle.issue(&leaf);
    let path = path::judge(
        &chain(&[&identity.cert_der, &middle.der()]),
        &Bundle::read(root.pem().as_bytes()),
    );
    assert_eq!(path.expect("decided").detail, "its certificates are never valid at the same time");
}

#[test]
fn contradicting_dates_are_told() {
    let root = Authority::new("Root");
    let now = Timestamp::now();
    let leaf = Leaf { not_before: now, not_after: now - 24.hours(), ..Leaf::default() };
    let identity = root.issue(&leaf);
    let path = path::judge(&chain(&[&identity.cert_der]), &Bundle::read(root.pem().as_bytes()));
    assert_eq!(path.expect("decided").detail, "a certificate ends before it begins");
}

#[test]
fn what_is_not_checked_here_is_undecided_and_never_trusted() {
    let root = Authority::new("Root");
    let authority = root.issue(&Leaf { is_ca: true, ..Leaf::default() });
    assert!(judge(&[&authority.cert_der], &root.pem()).is_err());
    assert!(judge(&[], &root.pem()).is_err());
    assert!(judge(&[b"garbage"], &root.pem()).is_err());
}

#[test]
fn garbage_between_sound_certificates_does_not_hide_the_path() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.issue(&Leaf::default());
    let outcome = judge(&[&leaf.cert_der, b"garbage", &middle.der()], &root.pem());
    assert_eq!(outcome, Ok(Trusted));
}

#[test]
fn a_bundle_counts_what_it_cannot_read() {
    let text = format!(
        "{}{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        weak::ED25519,
        weak::RSA_1024_SHA1
    );
    let bundle = Bundle::read(text.as_bytes());
    assert_eq!((bundle.anchors.len(), bundle.intermediates.len(), bundle.unreadable), (2, 0, 1));
}
