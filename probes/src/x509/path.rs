//! Does a presented chain lead to a declared anchor?
//!
//! The answer must not change from day to day, so the clock plays no part: the path is built at an
//! instant at which the leaf is valid, and expiry is judged by rules. Every start of validity in
//! play that lies within the leaf's own dates is tried, because if all certificates of a path are
//! ever valid together, they are so at the latest of their starts. Names and uses are judged
//! elsewhere too, so every extended key usage is let through here.

use std::time::Duration;

use model::evidence::{PathOutcome, PathViolation, UsageGrant};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert,
};

use super::{Bundle, Facts, profile};

/// Most instants that are tried for one set of certificates.
const MAX_INSTANTS: usize = 64;

/// A decided path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// What the anchors say.
    pub outcome: PathOutcome,
    /// Why, in one sentence; its text may hold a subject and is then cut.
    pub detail: String,
    /// Limits that it breaks, sorted.
    pub violations: Vec<PathViolation>,
}

/// Judges a chain, leaf first, against a bundle. The error says why no judgement is possible.
pub fn judge(chain: &[CertificateDer<'_>], bundle: &Bundle) -> Result<Path, String> {
    let leaf = chain.first().ok_or("no certificate was presented")?;
    let facts = Facts::read(leaf).map_err(|error| format!("the leaf cannot be read: {error}"))?;
    let decided = |outcome, detail: String| Ok(Path { outcome, detail, violations: Vec::new() });
    if bundle.is_anchor(leaf) {
        let detail = "the leaf itself is in the declared bundle".to_owned();
        return decided(PathOutcome::Trusted, detail);
    }
    if facts.is_self_signed() {
        let detail = "the leaf names itself as its issuer and is not in the declared bundle";
        return decided(PathOutcome::SelfSigned, detail.to_owned());
    }
    if facts.is_ca {
        return Err(
            "the leaf is marked as an authority, and no path is built to such a leaf".into()
        );
    }

    let sent = &chain[1..];
    let failure = match verify(leaf, &facts, sent, bundle) {
        Ok((anchor, violations)) => {
            let (outcome, detail) = (PathOutcome::Trusted, format!("it leads to `{anchor}`"));
            return Ok(Path { outcome, detail, violations });
        }
        Err(error) if bundle.intermediates.is_empty() => error,
        Err(_) => {
            let kept: Vec<_> = sent
                .iter()
                .cloned()
                .chain(bundle.intermediates.iter().map(|member| member.der.clone()))
                .collect();
            match verify(leaf, &facts, &kept, bundle) {
                Ok((anchor, violations)) => {
                    let detail = format!(
                        "it leads to `{anchor}` only with an intermediate that is not sent"
                    );
                    return Ok(Path { outcome: PathOutcome::Incomplete, detail, violations });
                }
                // With everything that is known at hand, this error says more than the first.
                Err(error) => error,
            }
        }
    };
    refused(&failure, chain, bundle)
}

/// Whether the key in a certificate made a signature; none where no algorithm that is checked here
/// fits the key.
pub fn signed_by(issuer: &CertificateDer<'_>, message: &[u8], signature: &[u8]) -> Option<bool> {
    let issuer = EndEntityCert::try_from(issuer).ok()?;
    let verdicts: Vec<_> = webpki::ALL_VERIFICATION_ALGS
        .iter()
        .map(|algorithm| issuer.verify_signature(*algorithm, message, signature))
        .filter(|verdict| matches!(verdict, Ok(()) | Err(Error::InvalidSignatureForPublicKey)))
        .collect();
    (!verdicts.is_empty()).then(|| verdicts.iter().any(Result::is_ok))
}

/// The subject of the anchor that the leaf leads to and what the path breaks, or the error that says
/// most. A path through authorities that may issue server certificates wins over one that is shorter
/// and breaks something.
fn verify(
    leaf: &CertificateDer<'_>,
    facts: &Facts,
    others: &[CertificateDer<'_>],
    bundle: &Bundle,
) -> Result<(String, Vec<PathViolation>), Error> {
    let sound: Vec<_> = others.iter().filter(|other| limits(other).is_empty()).cloned().collect();
    match verify_by(leaf, facts, &sound, bundle) {
        Err(_) if sound.len() < others.len() => verify_by(leaf, facts, others, bundle),
        decided => decided,
    }
}

/// What keeps an authority from issuing certificates of TLS servers: a keyUsage without keyCertSign
/// (RFC 5280 section 6.1.4 (n)), an extendedKeyUsage without serverAuth. RFC 5280 leaves open what
/// the latter means in an authority; every browser and TLS library reads it as a limit.
fn limits(authority: &CertificateDer<'_>) -> Vec<PathViolation> {
    let Ok(facts) = Facts::read(authority) else { return Vec::new() };
    let certifies = facts.key_usage.as_ref().is_none_or(|usages| usages.contains(&"keyCertSign"));
    let serves = facts.grants("serverAuth") != UsageGrant::Excluded;
    [(certifies, PathViolation::KeyUsage), (serves, PathViolation::ExtendedKeyUsage)]
        .into_iter()
        .filter_map(|(fine, violation)| (!fine).then_some(violation))
        .collect()
}

fn verify_by(
    leaf: &CertificateDer<'_>,
    facts: &Facts,
    others: &[CertificateDer<'_>],
    bundle: &Bundle,
) -> Result<(String, Vec<PathViolation>), Error> {
    let anchors: Vec<(TrustAnchor<'_>, &Facts)> = bundle
        .anchors
        .iter()
        .filter(|member| member.facts.is_ca || member.facts.is_self_signed())
        .filter_map(|member| Some((anchor_from_trusted_cert(&member.der).ok()?, &member.facts)))
        .collect();
    let (anchors, subjects): (Vec<_>, Vec<_>) = anchors.into_iter().unzip();
    let end_entity = EndEntityCert::try_from(leaf)?;
    let mut said: Option<Error> = None;
    for instant in instants(facts, others) {
        let verdict = end_entity.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            others,
            instant,
            AnyUsage,
            None,
            None,
        );
        match verdict {
            Ok(path) => {
                let place = anchors.iter().position(|anchor| anchor == path.anchor());
                let subject = place.map(|place| subjects[place].subject.as_str());
                let subject = crate::text::cut(subject.unwrap_or_default().as_bytes());
                let authorities = path.intermediate_certificates();
                let mut violations: Vec<_> =
                    authorities.flat_map(|authority| limits(&authority.der())).collect();
                violations.sort();
                violations.dedup();
                return Ok((subject, violations));
            }
            // What is wrong whatever the instant says more than what is wrong at this one.
            Err(error) if !is_about_time(&error) => said = Some(error),
            Err(error) => {
                said.get_or_insert(error);
            }
        }
    }
    Err(said.unwrap_or(Error::UnknownIssuer))
}

/// Instants within the leaf's validity at which a path may hold, the leaf's own start first.
fn instants(leaf: &Facts, others: &[CertificateDer<'_>]) -> Vec<UnixTime> {
    let end = leaf.not_after;
    let mut starts: Vec<_> = others
        .iter()
        .filter_map(|der| Facts::read(der).ok())
        .map(|facts| facts.not_before)
        .filter(|start| *start > leaf.not_before && end.is_none_or(|end| *start <= end))
        .collect();
    starts.sort();
    starts.dedup();
    starts.truncate(MAX_INSTANTS - 1);
    std::iter::once(leaf.not_before)
        .chain(starts)
        .map(|start| {
            // webpki knows no time before 1970; a leaf from before it is tried at its beginning.
            let seconds = u64::try_from(start.as_second()).unwrap_or(0);
            UnixTime::since_unix_epoch(Duration::from_secs(seconds))
        })
        .collect()
}

const fn is_about_time(error: &Error) -> bool {
    matches!(error, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
}

/// What a failed verification decides, if anything.
fn refused(error: &Error, chain: &[CertificateDer<'_>], bundle: &Bundle) -> Result<Path, String> {
    let sent = &chain[1..];
    let kept = bundle.intermediates.iter().map(|member| &member.der);
    let mut all = chain.iter().chain(kept);
    let mut violation = None;
    let detail = match error {
        Error::UnknownIssuer => "no declared anchor issued it".to_owned(),
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            "its certificates are never valid at the same time".to_owned()
        }
        Error::InvalidCertValidity => "a certificate ends before it begins".to_owned(),
        Error::InvalidSignatureForPublicKey if has_short_rsa(sent, bundle) => {
            return Err("signatures by RSA keys below 2048 bits are not checked".into());
        }
        Error::InvalidSignatureForPublicKey => "a signature in it does not verify".to_owned(),
        Error::EndEntityUsedAsCa => {
            violation = Some(PathViolation::NotAnAuthority);
            "a certificate issued another and is no authority".to_owned()
        }
        // Section 6.1.4 (k): before version 3 nothing in a certificate says that it is one.
        Error::UnsupportedCertVersion if sent.iter().any(|der| profile::is_before_v3(der)) => {
            violation = Some(PathViolation::NotAnAuthority);
            "a certificate before version 3 issued another".to_owned()
        }
        // Section 4.2: whoever does not know a critical extension refuses the certificate.
        Error::UnsupportedCriticalExtension
            if all.any(|der| profile::has_unknown_critical(der)) =>
        {
            violation = Some(PathViolation::CriticalExtension);
            "a certificate in it has a critical extension that RFC 5280 does not know".to_owned()
        }
        Error::PathLenConstraintViolated => {
            violation = Some(PathViolation::PathLength);
            "it is longer than one of its authorities allows".to_owned()
        }
        Error::NameConstraintViolation => {
            violation = Some(PathViolation::NameConstraints);
            "a name lies outside what one of its authorities may issue".to_owned()
        }
        Error::BadDer | Error::MalformedExtensions | Error::UnsupportedCertVersion => {
            format!("a certificate in it is malformed ({error:?})")
        }
        other => return Err(format!("the path cannot be decided here ({})", variant(other))),
    };
    let violations = violation.into_iter().collect();
    Ok(Path { outcome: PathOutcome::Untrusted, detail, violations })
}

/// webpki reports a signature by a short RSA key as a wrong one.
fn has_short_rsa(sent: &[CertificateDer<'_>], bundle: &Bundle) -> bool {
    use model::evidence::KeyAlgorithm;
    let short = |facts: &Facts| matches!(&facts.key, Ok(key) if key.algorithm == KeyAlgorithm::Rsa && key.bits < 2048);
    sent.iter().filter_map(|der| Facts::read(der).ok()).any(|facts| short(&facts))
        || bundle.members().any(|member| short(&member.facts))
}

/// The name of an error without what it carries, which may differ between versions.
fn variant(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// Lets every extended key usage through.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}
