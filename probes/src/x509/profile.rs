//! Where a certificate breaks the profile of RFC 5280.
//!
//! Only what one certificate shows by itself: what it may do in a path is the matter of `path`.

use std::collections::BTreeSet;

use model::evidence::CertificateBreach::{self, *};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

/// Extensions that a program by RFC 5280 sections 4.2.1 and 4.2.2 knows, with TLS feature (RFC 7633)
/// and Netscape's certificate type, which old authorities still write.
const KNOWN: [&str; 18] = [
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.18",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.35",
    "2.5.29.36",
    "2.5.29.37",
    "2.5.29.46",
    "2.5.29.54",
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.11",
    TLS_FEATURE,
    "2.16.840.1.113730.1.1",
];

/// TLS feature (RFC 7633 section 4).
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// Longest serial number in octets (section 4.1.2.2).
const MAX_SERIAL: usize = 20;

/// The first year whose dates are GeneralizedTime (section 4.1.2.5).
const GENERALIZED_FROM: i32 = 2050;

/// Every breach of a certificate, in the order of the enumeration; none of one that cannot be read.
pub fn breaches(der: &[u8]) -> Vec<CertificateBreach> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let found = [
        (serial_not_positive(certificate.raw_serial()), SerialNotPositive),
        (certificate.raw_serial().len() > MAX_SERIAL, SerialTooLong),
        (wrong_encoding(&certificate), DateEncoding),
        (certificate.validity().not_after < certificate.validity().not_before, DatesContradict),
        (has_extensions_without_v3(&certificate), ExtensionsWithoutV3),
        (certificate.signature_algorithm != certificate.signature, SignatureAlgorithmsDiffer),
        (certificate.issuer().iter().next().is_none(), EmptyIssuer),
        (has_no_name(&certificate), EmptySubject),
        (!unknown_critical(&certificate).is_empty(), UnknownCriticalExtension),
        (repeats(certificate.extensions()), RepeatedExtension),
        (certifies_without_authority(&certificate), CertSignWithoutAuthority),
        (authority_may_not_certify(&certificate), AuthorityWithoutCertSign),
        (is_soft_authority(&certificate), ConstraintsNotCritical),
        (constrains_nobody(&certificate), ConstraintsWithoutAuthority),
        (has_empty_names(&certificate), EmptyAlternativeName),
    ];
    found.into_iter().filter_map(|(is, breach)| is.then_some(breach)).collect()
}

/// True for a certificate with a critical extension that RFC 5280 does not know; section 4.2 has
/// every program refuse it.
pub fn has_unknown_critical(der: &[u8]) -> bool {
    X509Certificate::from_der(der)
        .is_ok_and(|(_, certificate)| !unknown_critical(&certificate).is_empty())
}

/// True for a certificate of version 1 or 2.
pub fn is_before_v3(der: &[u8]) -> bool {
    X509Certificate::from_der(der)
        .is_ok_and(|(_, certificate)| certificate.version() != X509Version::V3)
}

/// Whether the TLS feature extension asks for a staple (RFC 7633 section 4.2.1): status_request, 5,
/// or status_request_v2, 17.
pub fn must_staple(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    certificate
        .iter_extensions()
        .filter(|extension| extension.oid.to_id_string() == TLS_FEATURE)
        .filter_map(|extension| super::der::Reader::new(extension.value).expect(0x30))
        .any(|features| {
            let mut features = features.inside();
            std::iter::from_fn(|| features.expect(0x02)).any(|f| matches!(f.content, [5] | [17]))
        })
}

/// The policies that a certificate names, by object identifier, sorted (RFC 5280 section 4.2.1.4).
pub fn policies(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let named = certificate.iter_extensions().filter_map(|one| match one.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => Some(policies),
        _ => None,
    });
    let ids = named.flatten().map(|policy| policy.policy_id.to_id_string());
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

fn unknown_critical(certificate: &X509Certificate<'_>) -> Vec<String> {
    certificate
        .iter_extensions()
        .filter(|extension| extension.critical)
        .map(|extension| extension.oid.to_id_string())
        .filter(|oid| !KNOWN.contains(&oid.as_str()))
        .collect()
}

/// Zero, or the sign bit is set (section 4.1.2.2).
fn serial_not_positive(serial: &[u8]) -> bool {
    serial.first().is_none_or(|first| first & 0x80 != 0) || serial.iter().all(|octet| *octet == 0)
}

fn wrong_encoding(certificate: &X509Certificate<'_>) -> bool {
    let wrong = |time: ASN1Time| {
        time.is_generalizedtime() != (time.to_datetime().year() >= GENERALIZED_FROM)
    };
    wrong(certificate.validity().not_before) || wrong(certificate.validity().not_after)
}

fn has_extensions_without_v3(certificate: &X509Certificate<'_>) -> bool {
    certificate.version() != X509Version::V3 && !certificate.extensions().is_empty()
}

/// An empty subject wants a critical subjectAltName (section 4.2.1.6).
fn has_no_name(certificate: &X509Certificate<'_>) -> bool {
    let named = |extension: &X509Extension<'_>| {
        extension.critical
            && matches!(extension.parsed_extension(), ParsedExtension::SubjectAlternativeName(_))
    };
    certificate.subject().iter().next().is_none() && !certificate.iter_extensions().any(named)
}

fn repeats(extensions: &[X509Extension<'_>]) -> bool {
    let mut seen: Vec<_> =
        extensions.iter().map(|extension| extension.oid.to_id_string()).collect();
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    seen.len() < all
}

/// basicConstraints: CA, path length, critical.
fn basic(certificate: &X509Certificate<'_>) -> Option<(bool, Option<u32>, bool)> {
    let found = certificate.basic_constraints().ok()??;
    Some((found.value.ca, found.value.path_len_constraint, found.critical))
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    basic(certificate).is_some_and(|(ca, ..)| ca)
}

/// keyCertSign; none without the extension.
fn may_certify(certificate: &X509Certificate<'_>) -> Option<bool> {
    Some(certificate.key_usage().ok()??.value.key_cert_sign())
}

/// keyCertSign is for authorities only (section 4.2.1.9).
fn certifies_without_authority(certificate: &X509Certificate<'_>) -> bool {
    may_certify(certificate) == Some(true) && !is_authority(certificate)
}

/// An authority's keyUsage has keyCertSign (sections 4.2.1.3 and 4.2.1.9).
fn authority_may_not_certify(certificate: &X509Certificate<'_>) -> bool {
    is_authority(certificate) && may_certify(certificate) == Some(false)
}

/// basicConstraints of an authority that certifies are critical (section 4.2.1.9), and so are name
/// constraints (section 4.2.1.10).
fn is_soft_authority(certificate: &X509Certificate<'_>) -> bool {
    let soft_names = certificate.name_constraints().ok().flatten().is_some_and(|c| !c.critical);
    basic(certificate).is_some_and(|(ca, _, critical)| ca && !critical) || soft_names
}

/// A path length or name constraints in what is no authority (sections 4.2.1.9 and 4.2.1.10).
fn constrains_nobody(certificate: &X509Certificate<'_>) -> bool {
    let length = basic(certificate).is_some_and(|(ca, length, _)| !ca && length.is_some());
    let names = certificate.name_constraints().ok().flatten().is_some();
    length || (names && !is_authority(certificate))
}

/// A subjectAltName holds a name, and no dNSName is empty or a blank (section 4.2.1.6).
fn has_empty_names(certificate: &X509Certificate<'_>) -> bool {
    let Some(names) = certificate.subject_alternative_name().ok().flatten() else { return false };
    let names = &names.value.general_names;
    let empty =
        |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(dns) if dns.trim().is_empty());
    names.is_empty() || names.iter().any(empty)
}
