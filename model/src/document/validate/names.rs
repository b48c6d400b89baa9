//! Names, hosts and paths: the forms that they must have.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::document::problem::quote;

/// Checks an RFC 1123 label as Kubernetes uses it for names.
pub(super) fn label(name: &str) -> Result<(), String> {
    if is_label(name) {
        return Ok(());
    }
    let found = if name.is_empty() { "empty text".to_owned() } else { quote(name) };
    let advice =
        mend(name).map_or_else(String::new, |mended| format!("; did you mean `{mended}`?"));
    Err(format!(
        "expected lower-case letters, digits and `-`, at most 63, beginning and ending with a \
         letter or digit; found {found}{advice}"
    ))
}

/// Checks the name of a ConfigMap or Secret: RFC 1123 labels joined by dots, at most 253 bytes.
pub(super) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(name: &str) -> bool {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn mend(name: &str) -> Option<String> {
    let mended: String = name
        .chars()
        .map(|c| if matches!(c, '_' | ' ' | '.' | '/') { '-' } else { c.to_ascii_lowercase() })
        .collect();
    is_label(&mended).then_some(mended)
}

/// Checks a DNS name (RFC 1123 section 2.1, `_` allowed) or an IP address, and tells apart what
/// people write instead.
pub(in crate::document) fn host(host: &str) -> Result<(), String> {
    let expected = "expected a DNS name or an IP address";
    let found = quote(host);
    if host.is_empty() {
        return Err(format!("{expected}, found empty text"));
    }
    if let Some((scheme, _)) = host.split_once("://") {
        let scheme = quote(scheme);
        return Err(format!("{expected}, found {found}; {scheme} belongs into `protocol`"));
    }
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Err(format!(
            "{expected}, found {found}; write {} without brackets",
            quote(address)
        ));
    }
    if host.parse::<Ipv6Addr>().is_ok() || host.parse::<Ipv4Addr>().is_ok() {
        return Ok(());
    }
    if let Some((name, port)) = host.rsplit_once(':')
        && !name.contains(':')
        && !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(format!("{expected}, found {found}; {port} belongs into `port`"));
    }
    if host.contains('/') {
        return Err(format!("{expected}, found {found}; what follows `/` belongs into `path`"));
    }
    if !host.is_ascii() {
        return Err(format!("{expected}, found {found}; write it in its ASCII form, `xn--...`"));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let fits = name.len() <= 253 && name.split('.').all(is_dns_label);
    // RFC 1123 section 2.1: a name whose last label is a number is meant as an address.
    let is_number = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if fits && !is_number { Ok(()) } else { Err(format!("{expected}, found {found}")) }
}

fn is_dns_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Checks a request path: absolute, without fragment, in visible ASCII (RFC 9112 section 3.2.1).
pub(super) fn path(path: &str) -> Result<(), String> {
    let found = quote(path);
    if !path.starts_with('/') {
        return Err(format!("expected a path that begins with `/`, found {found}"));
    }
    if path.contains('#') || !path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "expected a path of visible ASCII characters without `#`, found {found}; \
             percent-encode the others"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in [
            "localhost",
            "broker.plant-7.example",
            "10.0.0.7",
            "::1",
            "fe80::1",
            "a_b.example",
            "xn--mnchen-3ya.example",
            "broker.example.",
            "7.example",
            "3com.example",
        ] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "mqtts://b",
            "b:8883",
            "[::1]",
            "b/v1",
            "a b",
            "münchen.example",
            "256.1.1.1",
            "1.2.3",
            "-a.example",
            "a..b",
            ".",
            "a@b",
            "fe80::1%eth0",
            "*.example",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert!(host(&"a.".repeat(200)).is_err());
    }

    #[test]
    fn labels_follow_rfc_1123() {
        for good in ["a", "gateway-7", "7", &"a".repeat(63)] {
            assert_eq!(label(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64), "é"] {
            assert!(label(bad).is_err(), "{bad}");
        }
        assert!(label("Gateway_7").is_err_and(|m| m.ends_with("did you mean `gateway-7`?")));
    }
}
