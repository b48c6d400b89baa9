//! A CA bundle: the anchors that a target trusts, and the intermediates kept beside them.

use rustls::pki_types::CertificateDer;

use super::pem::{self, Block};
use super::{Facts, path};

/// Most certificates of a bundle that are used.
const MAX_CERTIFICATES: usize = 4_096;

/// A certificate of a bundle.
#[derive(Debug, Clone)]
pub struct Member {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// What it says.
    pub facts: Facts,
}

/// A CA bundle, sorted out.
///
/// An anchor is a certificate that vouches for itself, or an authority whose issuer is not in the
/// bundle: the tops of whatever hierarchy the owner keeps. An authority whose issuer is in the
/// bundle is an intermediate; it vouches for nothing by itself. A certificate that is neither
/// self-signed nor an authority is trusted as that very certificate.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// Certificates that are trusted.
    pub anchors: Vec<Member>,
    /// Authorities below them.
    pub intermediates: Vec<Member>,
    /// Blocks that hold no readable certificate, and certificates beyond 4,096.
    pub unreadable: u32,
}

impl Bundle {
    /// Reads PEM, or one certificate in DER.
    pub fn read(bytes: &[u8]) -> Self {
        let blocks = if bytes.first() == Some(&0x30) {
            vec![Block::Certificate(bytes.to_vec())]
        } else {
            pem::all(bytes)
        };
        let mut members = Vec::new();
        let mut unreadable = 0;
        for block in blocks {
            match block {
                Block::Certificate(der) if members.len() < MAX_CERTIFICATES => {
                    match Facts::read(&der) {
                        Ok(facts) => members.push(Member { der: der.into(), facts }),
                        Err(_) => unreadable += 1,
                    }
                }
                Block::Certificate(_) | Block::Broken { .. } => unreadable += 1,
                Block::Crl(_) | Block::Other => {}
            }
        }
        let subjects: Vec<_> = members.iter().map(|member| member.facts.subject_id).collect();
        let (intermediates, anchors) = members.into_iter().partition(|member| {
            let facts = &member.facts;
            facts.is_ca && !facts.is_self_signed() && subjects.contains(&facts.issuer_id)
        });
        Self { anchors, intermediates, unreadable }
    }

    /// Every certificate, anchors first.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.anchors.iter().chain(&self.intermediates)
    }

    /// True if that very certificate is an anchor.
    pub fn is_anchor(&self, der: &[u8]) -> bool {
        self.anchors.iter().any(|member| member.der.as_ref() == der)
    }

    /// Whether a member with the issuer's name made the signature of a revocation list, and may do
    /// so; none where no member has that
    /// name, or none of them has a key that can be checked.
    pub fn signed(
        &self,
        issuer: &super::name::NameId,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let verdicts: Vec<bool> = self
            .members()
            .filter(|member| member.facts.subject_id == *issuer)
            .filter_map(|member| {
                let made = path::signed_by(&member.der, message, signature)?;
                // RFC 5280 section 6.3.3 (f): a keyUsage must allow it.
                let usages = member.facts.key_usage.as_ref();
                Some(made && usages.is_none_or(|usages| usages.contains(&"cRLSign")))
            })
            .collect();
        (!verdicts.is_empty()).then(|| verdicts.contains(&true))
    }
}
