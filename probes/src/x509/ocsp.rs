//! OCSP responses (RFC 6960): what one says about a certificate, and who says so.
//!
//! Nothing is fetched here. Only a response counts whose signature is the issuer's own, or that of a
//! responder to whom the issuer gave id-kp-OCSPSigning; whether it is recent is judged by rules.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::evidence::StapleOutcome;
use rustls::pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::der::{self, Element, Reader};
use super::{Facts, path};

/// Most octets of a response that are read.
const MAX_BYTES: usize = 64 * 1024;

/// Most answers in one response, and most certificates beside them.
const MAX_PARTS: usize = 16;

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 1];

/// SHA-1, 1.3.14.3.2.26.
const SHA1: &[u8] = &[0x2b, 14, 3, 2, 26];

/// SHA-256, 2.16.840.1.101.3.4.2.1.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
const GENERALIZED_TIME: u8 = 0x18;

/// What a verified response says about one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Good, revoked or unknown.
    pub outcome: StapleOutcome,
    /// When it was known to be so.
    pub this_update: Timestamp,
    /// When newer information is due; absent if the response does not say.
    pub next_update: Option<Timestamp>,
}

/// Reads a response about `leaf`. `issuers` are the certificates that may have issued it. The error
/// says why the response decides nothing.
pub fn read(
    response: &[u8],
    leaf: &[u8],
    issuers: &[CertificateDer<'_>],
) -> Result<Answer, String> {
    if response.len() > MAX_BYTES {
        return Err(format!(
            "the response has {} bytes, more than the {MAX_BYTES} that are read",
            response.len()
        ));
    }
    let broken = || "it is no OCSP response in DER".to_owned();
    let basic = Basic::read(response)?;
    let facts = Facts::read(leaf).map_err(|error| format!("the leaf cannot be read: {error}"))?;
    let issuer = issuer(leaf, issuers).ok_or(
        "the certificate that issued the leaf is not at hand, so the response cannot be verified",
    )?;
    let (_, authority) = X509Certificate::from_der(issuer).map_err(|_| broken())?;
    let answer = basic
        .answers
        .iter()
        .find(|answer| answer.is_about(&facts.serial, &authority))
        .ok_or("the response speaks about another certificate")?;
    if answer.has_critical_extension || basic.has_critical_extension {
        return Err("the response has a critical extension that is not understood".to_owned());
    }
    basic.verify(issuer, answer.this_update)?;
    Ok(Answer {
        outcome: answer.outcome,
        this_update: answer.this_update,
        next_update: answer.next_update,
    })
}

/// The certificate among these whose key made the signature of `leaf`, under the name of its issuer.
pub fn issuer<'i, 'd>(
    leaf: &[u8],
    issuers: &'i [CertificateDer<'d>],
) -> Option<&'i CertificateDer<'d>> {
    let facts = Facts::read(leaf).ok()?;
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    issuers.iter().find(|issuer| {
        let named = Facts::read(issuer).is_ok_and(|own| own.subject_id == facts.issuer_id);
        let tbs = certificate.tbs_certificate.as_ref();
        named && path::signed_by(issuer, tbs, &certificate.signature_value.data) == Some(true)
    })
}

/// A request about `leaf` (RFC 6960 section 4.1.1), without a nonce: responders answer with what
/// they have prepared, and its age is judged. None where one of the two cannot be read.
pub fn request(leaf: &[u8], issuer: &[u8]) -> Option<Vec<u8>> {
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let (_, issuer) = X509Certificate::from_der(issuer).ok()?;
    // RFC 5019 section 2.1.1: every responder knows SHA-1 here, where it protects nothing.
    let algorithm = der::written(SEQUENCE, &[&der::written(OBJECT, &[SHA1]), &[0x05, 0x00]]);
    let name = Sha1::digest(issuer.subject().as_raw());
    let key = Sha1::digest(&issuer.public_key().subject_public_key.data);
    let id = der::written(
        SEQUENCE,
        &[
            &algorithm,
            &der::written(OCTET_STRING, &[&name]),
            &der::written(OCTET_STRING, &[&key]),
            &der::written(INTEGER, &[leaf.raw_serial()]),
        ],
    );
    // Request, requestList, tbsRequest, OCSPRequest.
    Some((0..4).fold(id, |inside, _| der::written(SEQUENCE, &[&inside])))
}

/// A basic response, unverified.
struct Basic<'a> {
    signed: &'a [u8],
    signature: &'a [u8],
    certificates: Vec<&'a [u8]>,
    answers: Vec<Single<'a>>,
    has_critical_extension: bool,
}

/// An answer about one certificate, unverified.
struct Single<'a> {
    hash: &'a [u8],
    issuer_name: &'a [u8],
    issuer_key: &'a [u8],
    serial: &'a [u8],
    outcome: StapleOutcome,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    has_critical_extension: bool,
}

impl<'a> Basic<'a> {
    fn read(response: &'a [u8]) -> Result<Self, String> {
        let broken = || "it is no OCSP response in DER".to_owned();
        let mut outer = Reader::new(response);
        let whole = outer.expect(SEQUENCE).ok_or_else(broken)?;
        if !outer.is_empty() {
            return Err("bytes follow the OCSP response".to_owned());
        }
        let mut fields = whole.inside();
        let status = fields.expect(ENUMERATED).ok_or_else(broken)?;
        if status.content != [0] {
            let word = match status.content {
                [1] => "malformedRequest",
                [2] => "internalError",
                [3] => "tryLater",
                [5] => "sigRequired",
                [6] => "unauthorized",
                _ => "an unknown status",
            };
            return Err(format!("the responder answered {word}"));
        }
        let body = fields.expect(0xa0).and_then(|body| body.inside().expect(SEQUENCE));
        let mut body = body.ok_or_else(broken)?.inside();
        if body.expect(OBJECT).ok_or_else(broken)?.content != BASIC {
            return Err("the response is of another kind than a basic OCSP response".to_owned());
        }
        let basic = body.expect(OCTET_STRING).ok_or_else(broken)?;
        Self::signed_body(basic).ok_or_else(broken)
    }

    fn signed_body(octets: Element<'a>) -> Option<Self> {
        let mut fields = octets.inside().expect(SEQUENCE)?.inside();
        let data = fields.expect(SEQUENCE)?;
        fields.expect(SEQUENCE)?;
        // The first octet of a bit string counts its unused bits.
        let [0, signature @ ..] = fields.expect(BIT_STRING)?.content else { return None };
        let certificates = match fields.optional(0xa0) {
            Some(certificates) => parts(certificates.inside().expect(SEQUENCE)?)?,
            None => Vec::new(),
        };
        let certificates = certificates.into_iter().map(|element| element.whole).collect();
        let mut tbs = data.inside();
        tbs.optional(0xa0);
        // The responder names itself or its key; either way the signature decides.
        tbs.element().filter(|id| matches!(id.tag, 0xa1 | 0xa2))?;
        tbs.expect(GENERALIZED_TIME)?;
        let answers = parts(tbs.expect(SEQUENCE)?)?;
        let answers = answers.into_iter().map(Single::read).collect::<Option<_>>()?;
        let has_critical_extension = tbs.optional(0xa1).is_some_and(has_critical);
        Some(Self { signed: data.whole, signature, certificates, answers, has_critical_extension })
    }

    /// The issuer signed it, or a responder that the issuer named for that (section 4.2.2.2).
    fn verify(&self, issuer: &CertificateDer<'_>, at: Timestamp) -> Result<(), String> {
        match path::signed_by(issuer, self.signed, self.signature) {
            Some(true) => return Ok(()),
            None if self.certificates.is_empty() => {
                return Err("the response is signed by an algorithm that is not checked".to_owned());
            }
            _ => {}
        }
        let mut reason = "the signature of the response does not verify";
        for certificate in &self.certificates {
            let der = CertificateDer::from(*certificate);
            if path::signed_by(&der, self.signed, self.signature) != Some(true) {
                continue;
            }
            let Ok((_, responder)) = X509Certificate::from_der(certificate) else { continue };
            let tbs = responder.tbs_certificate.as_ref();
            let issued = path::signed_by(issuer, tbs, &responder.signature_value.data);
            let Ok(facts) = Facts::read(certificate) else { continue };
            let usages = facts.extended_usage.iter().flatten();
            if issued != Some(true) {
                reason = "the response is signed by a responder whom the issuer did not certify";
            } else if !usages.into_iter().any(|usage| usage == "OCSPSigning") {
                reason = "the response is signed by a certificate that is not for OCSP";
            } else if at < facts.not_before || facts.not_after.is_some_and(|end| at > end) {
                reason =
                    "the response is signed by a responder whose certificate was not valid then";
            } else {
                return Ok(());
            }
        }
        Err(reason.to_owned())
    }
}

impl<'a> Single<'a> {
    fn read(element: Element<'a>) -> Option<Self> {
        let mut fields = Some(element).filter(|e| e.tag == SEQUENCE)?.inside();
        let mut id = fields.expect(SEQUENCE)?.inside();
        let hash = id.expect(SEQUENCE)?.inside().expect(OBJECT)?.content;
        let issuer_name = id.expect(OCTET_STRING)?.content;
        let issuer_key = id.expect(OCTET_STRING)?.content;
        let serial = id.expect(INTEGER)?.content;
        let outcome = match fields.element()?.tag {
            0x80 => StapleOutcome::Good,
            0xa1 => StapleOutcome::Revoked,
            0x82 => StapleOutcome::Unknown,
            _ => return None,
        };
        let this_update = time(fields.expect(GENERALIZED_TIME)?)?;
        let next_update = match fields.optional(0xa0) {
            Some(next) => Some(time(next.inside().expect(GENERALIZED_TIME)?)?),
            None => None,
        };
        let has_critical_extension = fields.optional(0xa1).is_some_and(has_critical);
        Some(Self {
            hash,
            issuer_name,
            issuer_key,
            serial,
            outcome,
            this_update,
            next_update,
            has_critical_extension,
        })
    }

    /// Whether the answer's identifier (section 4.1.1) is that of a certificate of this issuer.
    fn is_about(&self, serial: &[u8], issuer: &X509Certificate<'_>) -> bool {
        let hash = |octets: &[u8]| match self.hash {
            SHA1 => Some(Sha1::digest(octets).to_vec()),
            SHA256 => Some(Sha256::digest(octets).to_vec()),
            _ => None,
        };
        let key = &issuer.public_key().subject_public_key.data;
        self.serial == serial
            && hash(issuer.subject().as_raw()).as_deref() == Some(self.issuer_name)
            && hash(key).as_deref() == Some(self.issuer_key)
    }
}

/// The elements of a sequence, a few of them at most.
fn parts(sequence: Element<'_>) -> Option<Vec<Element<'_>>> {
    let mut inside = sequence.inside();
    let mut parts = Vec::new();
    while !inside.is_empty() {
        if parts.len() >= MAX_PARTS {
            return None;
        }
        parts.push(inside.element()?);
    }
    Some(parts)
}

/// Whether one of the extensions is critical. What cannot be read counts as such.
fn has_critical(extensions: Element<'_>) -> bool {
    let Some(mut list) = extensions.inside().expect(SEQUENCE).map(|list| list.inside()) else {
        return true;
    };
    while !list.is_empty() {
        let Some(mut extension) = list.expect(SEQUENCE).map(|extension| extension.inside()) else {
            return true;
        };
        if extension.expect(OBJECT).is_none() {
            return true;
        }
        if extension.optional(0x01).is_some_and(|critical| critical.content != [0]) {
            return true;
        }
    }
    false
}

/// `YYYYMMDDHHMMSSZ`, the one form that DER leaves (section 4.2.2.1 and RFC 5280 4.1.2.5.2).
fn time(element: Element<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize| text[from..from + 2].parse::<i8>().ok();
    let year = text[..4].parse().ok()?;
    let date = DateTime::new(year, number(4)?, number(6)?, number(8)?, number(10)?, number(12)?, 0);
    TimeZone::UTC.to_timestamp(date.ok()?).ok()
}
