//! Where a certificate says that its revocation can be asked for.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

/// Addresses of one kind that are looked at.
const MAX_ADDRESSES: usize = 2;

/// id-ad-ocsp (RFC 6960 section 4.2.2.2.1).
const OCSP: &str = "1.3.6.1.5.5.7.48.1";

/// Addresses that stand in a certificate, in its order: hostile text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// OCSP responders (authorityInfoAccess, RFC 5280 section 4.2.2.1).
    pub ocsp: Vec<String>,
    /// Lists for every reason, by the issuer itself (cRLDistributionPoints, section 4.2.1.13).
    pub crls: Vec<String>,
}

impl Places {
    /// The first two addresses of each kind.
    pub fn read(der: &[u8]) -> Self {
        let mut places = Self::default();
        let Ok((_, certificate)) = X509Certificate::from_der(der) else { return places };
        for extension in certificate.iter_extensions() {
            match extension.parsed_extension() {
                ParsedExtension::AuthorityInfoAccess(access) => {
                    let responders = access
                        .accessdescs
                        .iter()
                        .filter(|access| access.access_method.to_id_string() == OCSP);
                    places
                        .ocsp
                        .extend(responders.filter_map(|access| address(&access.access_location)));
                }
                ParsedExtension::CRLDistributionPoints(points) => {
                    let whole = points
                        .iter()
                        .filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
                    for name in whole.filter_map(|point| point.distribution_point.as_ref()) {
                        if let DistributionPointName::FullName(names) = name {
                            places.crls.extend(names.iter().filter_map(address));
                        }
                    }
                }
                _ => {}
            }
        }
        places.ocsp.truncate(MAX_ADDRESSES);
        places.crls.truncate(MAX_ADDRESSES);
        places
    }
}

fn address(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(address) => Some((*address).to_owned()),
        _ => None,
    }
}
