//! Values as programs read them: truth values, sizes, durations, addresses, TLS versions.
//!
//! What is shown of a value is either one of our own words or a number, so that a secret in the
//! wrong place does not travel.

use std::net::IpAddr;

use model::evidence::Reach;

/// Words for true and false that a program takes.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// True.
    pub on: &'a [String],
    /// False.
    pub off: &'a [String],
}

/// A truth value. Without words of its own a program is taken to read `true`, `yes`, `on`, `1`
/// and their opposites in any case.
pub fn truth(text: &str, words: Option<Words<'_>>) -> Option<bool> {
    match words {
        Some(words) if words.on.iter().any(|word| word == text) => Some(true),
        Some(words) if words.off.iter().any(|word| word == text) => Some(false),
        Some(_) => None,
        None => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
    }
}

/// A whole number; `_` between digits is allowed.
pub fn integer(text: &str) -> Option<i64> {
    text.replace('_', "").parse().ok()
}

/// A number of bytes: `1048576`, `64KB`, `1 MiB`. Units count in steps of 1024.
pub fn size(text: &str) -> Option<i64> {
    let units = [("kib", 1), ("mib", 2), ("gib", 3), ("kb", 1), ("mb", 2), ("gb", 3)];
    let short = [("k", 1), ("m", 2), ("g", 3), ("b", 0)];
    scaled(text, units.iter().chain(&short).map(|(unit, power)| (*unit, 1024_i64.pow(*power))))
}

/// A number of seconds: `30`, `30s`, `5m`, `2h`, `1d`; parts of a second are dropped.
pub fn duration(text: &str) -> Option<i64> {
    if let Some(milliseconds) = text.strip_suffix("ms") {
        return integer(milliseconds.trim()).map(|n| n / 1000);
    }
    scaled(text, [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)].into_iter())
}

fn scaled(text: &str, mut units: impl Iterator<Item = (&'static str, i64)>) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let found = units.find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = found.unwrap_or((&text, 1));
    integer(number.trim())?.checked_mul(factor)
}

/// What a listener is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Every interface.
    Wildcard,
    /// This machine only.
    Loopback,
    /// One address or name.
    Specific,
}

impl Bound {
    /// The word of mappings and evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wildcard => "wildcard",
            Self::Loopback => "loopback",
            Self::Specific => "specific",
        }
    }

    /// From where such a listener can be reached.
    pub const fn reach(self) -> Reach {
        match self {
            Self::Loopback => Reach::Loopback,
            _ => Reach::Network,
        }
    }
}

/// What `host`, `host:port`, `[host]:port`, `:port` or `tcp://host:port` binds to.
pub fn bound(text: &str) -> Bound {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None if text.matches(':').count() == 1 => text.split(':').next().unwrap_or(text),
        None => text,
    };
    if host.chars().all(|c| c.is_ascii_digit()) && !host.is_empty() && text.len() == host.len() {
        return Bound::Wildcard; // a port alone
    }
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Bound::Wildcard,
        Ok(ip) if ip.to_canonical().is_loopback() => Bound::Loopback,
        Ok(_) => Bound::Specific,
        Err(_) if host.is_empty() || host == "*" => Bound::Wildcard,
        Err(_) if host.eq_ignore_ascii_case("localhost") => Bound::Loopback,
        Err(_) => Bound::Specific,
    }
}

/// An address as evidence shows it.
pub fn shown_address(text: &str) -> String {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) if bare.eq_ignore_ascii_case("localhost") => "localhost".to_owned(),
        Err(_) => format!("{} address", bound(text).as_str()),
    }
}

/// The TLS version that a word names, as `1.0` to `1.3`, or `ssl`.
pub fn tls_version(text: &str) -> Option<&'static str> {
    let plain: String =
        text.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.strip_prefix("tls").map_or(plain.as_str(), |rest| rest.trim_start_matches('v')) {
        "1" | "10" => Some("1.0"),
        "11" => Some("1.1"),
        "12" => Some("1.2"),
        "13" => Some("1.3"),
        "sslv2" | "sslv3" | "ssl2" | "ssl3" => Some("ssl"),
        _ => None,
    }
}

/// The scheme of an address, if it is one that we know.
pub fn scheme(text: &str) -> Option<&'static str> {
    let (scheme, _) = text.split_once("://")?;
    ["http", "https", "mqtt", "mqtts", "ws", "wss", "tcp", "ssl", "tls", "amqp", "amqps"]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read() {
        assert_eq!(size("1048576"), Some(1_048_576));
        assert_eq!(size("64KB"), Some(65_536));
        assert_eq!(size("1 MiB"), Some(1_048_576));
        assert_eq!(size("99999999999999g"), None);
        assert_eq!(size("x"), None);
        assert_eq!(duration("5m"), Some(300));
        assert_eq!(duration("1500ms"), Some(1));
        assert_eq!(integer("1_000"), Some(1_000));
    }

    #[test]
    fn what_a_listener_is_bound_to_is_told() {
        for text in
            ["0.0.0.0", "0.0.0.0:1883", "[::]:1883", "::", ":1883", "*", "1883", "tcp://0.0.0.0:1"]
        {
            assert_eq!(bound(text), Bound::Wildcard, "{text}");
        }
        for text in
            ["127.0.0.1", "127.8.0.1:1", "[::1]:1", "::1", "localhost:1", "::ffff:127.0.0.1"]
        {
            assert_eq!(bound(text), Bound::Loopback, "{text}");
        }
        for text in ["192.0.2.1", "192.0.2.1:1", "gw.example", "[2001:db8::1]:1"] {
            assert_eq!(bound(text), Bound::Specific, "{text}");
        }
    }

    #[test]
    fn tls_versions_are_read_in_every_spelling() {
        for text in ["1.2", "TLSv1.2", "tls1_2", "TLS 1.2", "tlsv12"] {
            assert_eq!(tls_version(text), Some("1.2"), "{text}");
        }
        assert_eq!(tls_version("TLSv1"), Some("1.0"));
        assert_eq!(tls_version("SSLv3"), Some("ssl"));
        assert_eq!(tls_version("newest"), None);
    }
}
