//! Certificate revocation lists (RFC 5280 section 5).

use std::collections::HashSet;

use jiff::Timestamp;
use model::evidence::CrlSignature;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::Bundle;
use super::name::{self, NameId};
use super::pem::{self, Block};

/// A revocation list.
#[derive(Debug, Clone)]
pub struct Crl {
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Identity of the issuer.
    pub issuer_id: NameId,
    /// Key of the issuer, as the list names it.
    pub key_id: Option<Vec<u8>>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due.
    pub next_update: Option<Timestamp>,
    /// Serial numbers on it, leading zeros left out.
    pub serials: HashSet<Vec<u8>>,
    /// Whether the issuer's certificate in the bundle signed it.
    pub signature: CrlSignature,
}

impl Crl {
    /// Reads every list in PEM, or one in DER. The error says what is wrong with the first that
    /// cannot be read: a list that is half there must not pass for a whole one.
    pub fn read(bytes: &[u8], bundle: &Bundle) -> Result<Vec<Self>, String> {
        if bytes.first() == Some(&0x30) {
            return Ok(vec![Self::from_der(bytes, bundle)?]);
        }
        let mut lists = Vec::new();
        for block in pem::all(bytes) {
            match block {
                Block::Crl(der) => lists.push(Self::from_der(&der, bundle)?),
                Block::Broken { line, reason } => {
                    return Err(format!("the block in line {line} is broken: {reason}"));
                }
                Block::Certificate(_) | Block::Other => {}
            }
        }
        if lists.is_empty() { Err("it holds no X509 CRL".to_owned()) } else { Ok(lists) }
    }

    fn from_der(der: &[u8], bundle: &Bundle) -> Result<Self, String> {
        let (rest, list) = CertificateRevocationList::from_der(der)
            .map_err(|_| "it is no X.509 revocation list".to_owned())?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the revocation list", rest.len()));
        }
        understood(&list)?;
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp())
                .map_err(|_| "its dates cannot be read".to_owned())
        };
        let issuer_id = name::id(list.issuer());
        let message = list.tbs_cert_list.as_ref();
        let signature = match bundle.signed(&issuer_id, message, &list.signature_value.data) {
            Some(true) => CrlSignature::Verified,
            Some(false) => CrlSignature::Wrong,
            None => CrlSignature::Unchecked,
        };
        Ok(Self {
            issuer: name::text(list.issuer()),
            issuer_id,
            key_id: key_id(&list),
            this_update: time(list.last_update())?,
            next_update: list.next_update().map(time).transpose()?,
            serials: list
                .iter_revoked_certificates()
                .map(|entry| significant(entry.raw_serial()).to_vec())
                .collect(),
            signature,
        })
    }

    /// True if the list names that serial number.
    pub fn names(&self, serial: &[u8]) -> bool {
        self.serials.contains(significant(serial))
    }
}

/// RFC 5280 section 5.2.1.
fn key_id(list: &CertificateRevocationList<'_>) -> Option<Vec<u8>> {
    list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(named) => {
            named.key_identifier.as_ref().map(|key| key.0.to_vec())
        }
        _ => None,
    })
}

/// RFC 5280 sections 5.2 and 5.3: a list with a critical extension that is not understood decides
/// nothing. Delta lists, indirect lists and lists of a part of the certificates are told by name: to
/// take one for the whole list would let revoked certificates pass.
fn understood(list: &CertificateRevocationList<'_>) -> Result<(), String> {
    let refuse = |what: &str| Err(format!("{what} is not understood"));
    for extension in list.extensions() {
        match (extension.oid.to_id_string().as_str(), extension.parsed_extension()) {
            ("2.5.29.27", _) => return refuse("a delta revocation list"),
            (_, ParsedExtension::IssuingDistributionPoint(scope)) if scope.indirect_crl => {
                return refuse("an indirect revocation list");
            }
            (_, ParsedExtension::IssuingDistributionPoint(scope))
                if scope.only_contains_ca_certs
                    || scope.only_contains_attribute_certs
                    || scope.only_some_reasons.is_some()
                    || scope.distribution_point.is_some() =>
            {
                return refuse("a revocation list for a part of the certificates");
            }
            (_, ParsedExtension::IssuingDistributionPoint(_)) => {}
            _ if extension.critical => {
                return refuse("a critical extension of the revocation list");
            }
            _ => {}
        }
    }
    for entry in list.iter_revoked_certificates() {
        for extension in entry.extensions().iter().filter(|extension| extension.critical) {
            // Reason code and invalidity date change nothing about being revoked.
            match extension.oid.to_id_string().as_str() {
                "2.5.29.21" | "2.5.29.24" => {}
                "2.5.29.29" => return refuse("an indirect revocation list"),
                _ => return refuse("a critical extension of an entry of the revocation list"),
            }
        }
    }
    Ok(())
}

/// A number without its leading zeros.
fn significant(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}
