//! Subject alternative names, and whether one of them is the reference identity (RFC 9525).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::evidence::NameOutcome;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};

use super::name::visible;

/// The names of one certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectNames {
    /// dNSNames, sorted, as they stand with everything unseen made visible.
    pub dns: Vec<String>,
    /// iPAddresses, sorted.
    pub ip: Vec<IpAddr>,
    /// Names of other kinds, and entries that cannot be read.
    pub others: u32,
}

impl SubjectNames {
    /// Reads the extension's value.
    pub fn read(extension: &SubjectAlternativeName<'_>) -> Self {
        let mut names = Self::default();
        for name in &extension.general_names {
            match name {
                GeneralName::DNSName(dns) => names.dns.push(visible(dns)),
                GeneralName::IPAddress(octets) => match address(octets) {
                    Some(ip) => names.ip.push(ip),
                    None => names.others += 1,
                },
                _ => names.others += 1,
            }
        }
        names.dns.sort();
        names.dns.dedup();
        names.ip.sort();
        names.ip.dedup();
        names
    }

    /// The dNSNames with a wildcard in them.
    pub fn wildcards(&self) -> impl Iterator<Item = &String> {
        self.dns.iter().filter(|name| name.contains('*'))
    }

    /// How the names relate to a reference identity: a DNS name or an IP address, brackets and a
    /// final dot allowed. The common name plays no part (RFC 9525 section 1.3).
    pub fn judge(&self, identity: &str) -> NameOutcome {
        if self.dns.is_empty() && self.ip.is_empty() {
            return NameOutcome::NoNames;
        }
        let bare = identity.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Ok(ip) = bare.unwrap_or(identity).parse::<IpAddr>() {
            let found = self.ip.contains(&ip);
            return if found { NameOutcome::IpMatch } else { NameOutcome::Mismatch };
        }
        let wanted = canonical(identity);
        if self.dns.iter().any(|name| canonical(name) == wanted) {
            return NameOutcome::DnsMatch;
        }
        if self.dns.iter().any(|name| covers(&canonical(name), &wanted)) {
            return NameOutcome::WildcardMatch;
        }
        NameOutcome::Mismatch
    }
}

/// Lower case in ASCII, without the final dot of an absolute name.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// True if `pattern` is `*.` and a domain without further wildcards, and `wanted` is exactly one
/// label below that domain (RFC 9525 section 6.3).
fn covers(pattern: &str, wanted: &str) -> bool {
    let Some(domain) = pattern.strip_prefix("*.") else { return false };
    let Some((label, parent)) = wanted.split_once('.') else { return false };
    !domain.is_empty() && !domain.contains('*') && !label.is_empty() && parent == domain
}

/// Four or sixteen octets (RFC 5280 section 4.2.1.6).
fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(|v4| IpAddr::V4(Ipv4Addr::from(v4)));
    let sixteen = <[u8; 16]>::try_from(octets).map(|v6| IpAddr::V6(Ipv6Addr::from(v6)));
    four.or(sixteen).ok()
}
