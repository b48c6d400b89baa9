use jiff::{Timestamp, ToSpan as _};
use model::evidence::PathOutcome::{self, Incomplete, SelfSigned, Trusted, Untrusted};
use model::evidence::PathViolation;
use testkit::pki::{Authority, Extension, KeyUsage, Leaf, Limits, self_signed, usage, weak};

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

/// Outcome and violations of a leaf for `localhost` below an authority with these limits.
fn below(limits: &Limits) -> (PathOutcome, Vec<PathViolation>) {
    let root = Authority::new("Root");
    let middle = root.limited_intermediate("Middle", limits);
    let leaf = Leaf { ip: vec![], ..Leaf::default() };
    let leaf = middle.issue(&leaf).cert_der;
    let bundle = Bundle::read(root.pem().as_bytes());
    let path = path::judge(&chain(&[&leaf, &middle.der()]), &bundle).expect("decided");
    (path.outcome, path.violations)
}

#[test]
fn every_limit_of_an_authority_counts_and_is_told_by_name() {
    let names = |name: &str| vec![name.to_owned()];
    let strange = |critical| Extension { oid: vec![1, 3, 9, 9], critical, value: vec![5, 0] };
    let of = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        below(&limits)
    };
    assert_eq!(of(|_| ()), (Trusted, vec![]));
    assert_eq!(
        below(&Limits { permitted: names("localhost"), ..Limits::default() }),
        (Trusted, vec![])
    );
    let outside = (Untrusted, vec![PathViolation::NameConstraints]);
    assert_eq!(below(&Limits { permitted: names("example"), ..Limits::default() }), outside);
    assert_eq!(below(&Limits { excluded: names("localhost"), ..Limits::default() }), outside);
    assert_eq!(of(|l| l.is_ca = false), (Untrusted, vec![PathViolation::NotAnAuthority]));
    assert_eq!(of(|l| l.usages = vec![usage::SERVER]), (Trusted, vec![]));
    assert_eq!(of(|l| l.usages = vec![usage::ANY]), (Trusted, vec![]));
    let clients = (Trusted, vec![PathViolation::ExtendedKeyUsage]);
    assert_eq!(of(|l| l.usages = vec![usage::CLIENT]), clients);
    let silent = (Trusted, vec![PathViolation::KeyUsage]);
    assert_eq!(of(|l| l.key_usages = vec![KeyUsage::CrlSign]), silent);
    let refused = (Untrusted, vec![PathViolation::CriticalExtension]);
    assert_eq!(below(&Limits { extensions: vec![strange(true)], ..Limits::default() }), refused);
    let passed = (Trusted, vec![]);
    assert_eq!(below(&Limits { extensions: vec![strange(false)], ..Limits::default() }), passed);
}

#[test]
fn a_path_that_is_longer_than_allowed_is_told() {
    let root = Authority::new("Root");
    let upper =
        root.limited_intermediate("Upper", &Limits { path_length: Some(0), ..Limits::default() });
    let lower = upper.intermediate("Lower");
    let bundle = Bundle::read(root.pem().as_bytes());
    let leaf = lower.issue(&Leaf::default()).cert_der;
    let path = path::judge(&chain(&[&leaf, &lower.der(), &upper.der()]), &bundle).expect("decided");
    assert_eq!((path.outcome, path.violations), (Untrusted, vec![PathViolation::PathLength]));
    let leaf = upper.issue(&Leaf::default()).cert_der;
    let path = path::judge(&chain(&[&leaf, &upper.der()]), &bundle).expect("decided");
    assert_eq!((path.outcome, path.violations), (Trusted, vec![]));
}
