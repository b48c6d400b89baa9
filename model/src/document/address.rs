//! Addresses as people write them: `https://host:8443/path?query`.

use std::net::IpAddr;

use super::problem::quote;
use super::validate::names;

/// An address, taken apart. It borrows from the text that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'t> {
    /// What stands in front of `://`.
    pub scheme: &'t str,
    /// DNS name or IP address, an IPv6 address without brackets.
    pub host: &'t str,
    /// Port, where one is written; never 0.
    pub port: Option<u16>,
    /// Path and query, beginning with `/` or `?`; empty where there is none.
    pub path: &'t str,
}

impl<'t> Address<'t> {
    /// Takes an address apart.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence that repeats neither user and password nor what stands
    /// behind the host, which may hold a signature.
    pub fn parse(text: &'t str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("expected an address like https://host/path, found no `://`")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("expected an address without user and password; remove them".to_owned());
        }
        if path.contains('#') {
            return Err("expected an address without a part behind `#`; remove it".to_owned());
        }
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            let message = "expected visible ASCII characters behind the host; percent-encode the \
                           others";
            return Err(message.to_owned());
        }
        let (host, port) = split(authority)?;
        names::host(host)?;
        let port = port.map(read_port).transpose()?;
        Ok(Self { scheme, host, port, path })
    }

    /// Takes the address of a `url` source apart: `https`, or `http` where it cannot leave the
    /// machine.
    ///
    /// # Errors
    /// What is wrong with it, see [`Address::parse`].
    pub fn of_source(text: &'t str) -> Result<Self, String> {
        let address = Self::parse(text)?;
        match address.scheme {
            "https" => Ok(address),
            "http" if address.is_loopback() => Ok(address),
            "http" => Err(format!(
                "expected https, found http to {}; plaintext is read from this machine only",
                quote(address.host)
            )),
            scheme => Err(format!("expected https, found {}", quote(scheme))),
        }
    }

    /// Path and query as a request names them: absolute (RFC 9112 section 3.2.1).
    pub fn request_path(&self) -> String {
        if self.path.starts_with('/') { self.path.to_owned() } else { format!("/{}", self.path) }
    }

    /// True where the host is this machine: `localhost` (RFC 6761 section 6.3), `127.0.0.0/8` and
    /// `::1`.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// An address as it may be shown and kept: without user, password, query and fragment, any of
/// which may be a secret.
pub fn without_secrets(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let shown = &address[..end];
    let start = shown.find("://").map_or(0, |at| at + 3);
    let authority = shown[start..].find('/').map_or(shown.len(), |at| start + at);
    match shown[start..authority].rfind('@') {
        Some(at) => format!("{}{}", &shown[..start], &shown[start + at + 1..]),
        None => shown.to_owned(),
    }
}

/// `host`, `host:port`, `[v6]` and `[v6]:port`; the port as text.
fn split(authority: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or("expected `]` behind `[`, found none")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(format!("expected `:` and a port behind `]`, found {}", quote(rest))),
        };
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn read_port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = digits.then(|| text.parse().ok()).flatten().filter(|port| *port > 0);
    port.ok_or_else(|| format!("expected a port from 1 to 65535, found {}", quote(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, scheme, host, port, path, request) in [
            ("https://h.example", "https", "h.example", None, "", "/"),
            ("https://h.example/", "https", "h.example", None, "/", "/"),
            ("https://h:8443/a/b?c=d@e", "https", "h", Some(8443), "/a/b?c=d@e", "/a/b?c=d@e"),
            ("https://h?c", "https", "h", None, "?c", "/?c"),
            ("mqtts://[::1]:8883", "mqtts", "::1", Some(8883), "", "/"),
            ("tls://10.0.0.7", "tls", "10.0.0.7", None, "", "/"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address, Address { scheme, host, port, path });
            assert_eq!(address.request_path(), request);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("h/x", "no `://`"),
            ("https://", "found empty text"),
            ("https:///x", "found empty text"),
            ("https://u:p@h/x", "without user and password"),
            ("https://h/x#L10", "behind `#`"),
            ("https://h/a b", "percent-encode"),
            ("https://h/\u{e4}", "percent-encode"),
            ("https://a b/x", "expected a DNS name or an IP address"),
            ("https://h:0/x", "expected a port from 1 to 65535, found `0`"),
            ("https://h:65536", "found `65536`"),
            ("https://h:+1", "found `+1`"),
            ("https://h:", "expected a port"),
            ("https://::1/x", "expected"),
            ("https://[::1", "expected `]`"),
            ("https://[::1]x", "behind `]`"),
        ] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_source_is_read_over_https_or_from_this_machine() {
        for good in [
            "https://h/x",
            "http://localhost:8000/x",
            "http://127.0.0.1/x",
            "http://127.9.9.9:1/x",
            "http://[::1]:8000/x",
        ] {
            assert!(Address::of_source(good).is_ok(), "{good}");
        }
        for bad in [
            "http://h/x",
            "http://localhost.example/x",
            "http://128.0.0.1/x",
            "http://0.0.0.0/x",
            "ftp://localhost/x",
            "HTTPS://h/x",
        ] {
            assert!(
                Address::of_source(bad).is_err_and(|e| e.starts_with("expected https")),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (text, shown) in [
            ("https://h/a/b?sig=s3cr3t", "https://h/a/b"),
            ("https://u:s3cr3t@h/a", "https://h/a"),
            ("https://u:s3cr3t@h", "https://h"),
            ("https://h/a#s3cr3t", "https://h/a"),
            ("https://h/@a", "https://h/@a"),
            ("/elsewhere?s3cr3t", "/elsewhere"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
