//! What the answers say beside their status, gathered over the whole check without one more
//! request.

use std::collections::BTreeSet;

use model::Digest;
use model::evidence::{Item, Leak, RedirectTarget};

use super::leaks;
use crate::http::{Answer, Excerpt, Request, place};

/// `429 Too Many Requests` (RFC 6585, section 4).
const TOO_MANY_REQUESTS: u16 = 429;

/// Headers that tell of a limit: draft-ietf-httpapi-ratelimit-headers in its newest and its older
/// form, and what was used before it.
const LIMIT_HEADERS: [&str; 8] = [
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-rate-limit-limit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
];

/// What was gathered so far.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    answers: u32,
    signals: BTreeSet<&'static str>,
    /// Smallest `max-age` of `Strict-Transport-Security`.
    max_age: Option<u64>,
    redirect: Option<(RedirectTarget, Option<String>)>,
    errors_read: u32,
    errors_cut: u32,
    leaks: BTreeSet<Leak>,
    leaking: Option<Digest>,
}

impl Traces {
    /// Takes note of one answer.
    pub fn note(&mut self, request: &Request<'_>, answer: &Answer, excerpt: Option<&Excerpt>) {
        self.answers += 1;
        if answer.status == TOO_MANY_REQUESTS {
            self.signals.insert("429");
        }
        let told = LIMIT_HEADERS.into_iter().filter(|name| answer.header(name).is_some());
        self.signals.extend(told);
        if let Some(age) = answer.header("strict-transport-security").and_then(max_age) {
            self.max_age = Some(self.max_age.map_or(age, |known| known.min(age)));
        }
        if (300..400).contains(&answer.status) && request.body.is_some() {
            let location = answer.header("location");
            let target = location.map_or(RedirectTarget::SameOrigin, |to| leads(to, request.host));
            if self.redirect.as_ref().is_none_or(|(known, _)| *known < target) {
                self.redirect = Some((target, location.map(place)));
            }
        }
        if let Some(excerpt) = excerpt.filter(|_| answer.status >= 400) {
            self.errors_read += 1;
            self.errors_cut += u32::from(!excerpt.whole);
            let leaks = leaks::of(&excerpt.bytes);
            if !leaks.is_empty() && self.leaking.is_none() {
                self.leaking = Some(Digest::of_bytes(&excerpt.bytes));
            }
            self.leaks.extend(leaks);
        }
    }

    /// Whether a limit of requests was told of, and by what.
    pub fn rate_limit(&self) -> (Item<bool>, Item<Vec<String>>) {
        if self.answers == 0 {
            return (Item::error("there was no answer"), Item::error("there was no answer"));
        }
        let signals = self.signals.iter().map(|name| (*name).to_owned()).collect();
        (Item::observed(!self.signals.is_empty()), Item::observed(signals))
    }

    /// `max-age` of `Strict-Transport-Security`.
    pub fn hsts(&self) -> Item<Option<u64>> {
        if self.answers == 0 {
            return Item::error("there was no answer");
        }
        Item::observed(self.max_age)
    }

    /// The worst redirect, and where it leads.
    pub fn redirect(&self) -> (Item<RedirectTarget>, Item<Option<String>>) {
        match &self.redirect {
            Some((target, location)) => (Item::observed(*target), Item::observed(location.clone())),
            None if self.answers == 0 => {
                (Item::error("there was no answer"), Item::error("there was no answer"))
            }
            None => (Item::observed(RedirectTarget::None), Item::observed(None)),
        }
    }

    /// What the error answers tell about the inside, and the digest of the first that does.
    pub fn errors(&self) -> (Item<Vec<Leak>>, Item<Option<String>>) {
        let leaks: Vec<Leak> = self.leaks.iter().copied().collect();
        let digest = self.leaking.as_ref().map(ToString::to_string);
        if !leaks.is_empty() {
            return (Item::observed(leaks), Item::observed(digest));
        }
        if self.errors_read == 0 {
            let reason = "no error answer was read";
            return (Item::not_attempted(reason), Item::not_attempted(reason));
        }
        if self.errors_cut > 0 {
            let reason = "an error answer was packed, or longer or slower than is read";
            return (Item::truncated(reason), Item::truncated(reason));
        }
        (Item::observed(leaks), Item::observed(digest))
    }
}

/// `max-age` in seconds (RFC 6797, section 6.1): directives are apart by `;`, names have no case,
/// and a value may be quoted.
fn max_age(value: &[u8]) -> Option<u64> {
    let value = std::str::from_utf8(value).ok()?;
    value.split(';').find_map(|directive| {
        let (name, age) = directive.split_once('=')?;
        let age = age.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("max-age").then(|| age.parse().ok())?
    })
}

/// Where a `Location` leads from an HTTPS origin whose `Host` is `own` (RFC 3986, section 5.2).
fn leads(location: &[u8], own: &str) -> RedirectTarget {
    let location = String::from_utf8_lossy(location);
    let location = location.trim();
    let before_path = location.find(['/', '?', '#']).unwrap_or(location.len());
    let (scheme, rest) = match location.split_once(':') {
        Some((scheme, rest)) if scheme.len() < before_path => (scheme, rest),
        _ => ("https", location),
    };
    let secure = scheme.eq_ignore_ascii_case("https");
    if scheme.eq_ignore_ascii_case("http") {
        return RedirectTarget::Plaintext;
    }
    // Browsers and many clients read `\` as `/`.
    let slash = ['/', '\\'];
    let Some(authority) = rest.strip_prefix(slash).and_then(|rest| rest.strip_prefix(slash)) else {
        return if secure { RedirectTarget::SameOrigin } else { RedirectTarget::OtherOrigin };
    };
    let end = authority.find(['/', '?', '#', '\\']).unwrap_or(authority.len());
    let authority = &authority[..end];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let bare = |host: &str| host.strip_suffix(":443").unwrap_or(host).to_ascii_lowercase();
    if secure && bare(host) == bare(own) {
        RedirectTarget::SameOrigin
    } else {
        RedirectTarget::OtherOrigin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_where_a_client_would_go() {
        use RedirectTarget::{OtherOrigin, Plaintext, SameOrigin};
        for (location, target) in [
            ("/v2/ingest", SameOrigin),
            ("v2?next=http://a/", SameOrigin),
            ("https://edge.example:8443/v2", SameOrigin),
            ("HTTPS://Edge.Example:8443", SameOrigin),
            ("//edge.example:8443/v2", SameOrigin),
            ("https://edge.example/v2", OtherOrigin),
            ("https://edge.example:8443@evil.example/", OtherOrigin),
            ("//evil.example/", OtherOrigin),
            ("/\\evil.example/", OtherOrigin),
            ("\\\\evil.example/", OtherOrigin),
            ("\\/evil.example", OtherOrigin),
            ("\\ingest", SameOrigin),
            ("https://evil.example\\.edge.example:8443", OtherOrigin),
            ("ftp://edge.example:8443/", OtherOrigin),
            ("http://edge.example:8443/", Plaintext),
            ("HTTP://a/", Plaintext),
            ("http:/a", Plaintext),
            ("", SameOrigin),
        ] {
            assert_eq!(leads(location.as_bytes(), "edge.example:8443"), target, "{location}");
        }
        assert_eq!(leads(b"https://a:443/", "a"), SameOrigin);
        assert_eq!(leads(b"\xff\xfe://", "a"), OtherOrigin);
    }

    #[test]
    fn the_age_of_transport_security_is_read_as_the_rfc_writes_it() {
        for (value, age) in [
            (&b"max-age=31536000"[..], Some(31_536_000)),
            (b"includeSubDomains; Max-Age = \"600\"", Some(600)),
            (b"max-age=0", Some(0)),
            (b"max-age", None),
            (b"max-age=soon", None),
            (b"\xff", None),
        ] {
            assert_eq!(max_age(value), age);
        }
    }

    #[test]
    fn nothing_is_known_without_an_answer() {
        let traces = Traces::default();
        assert_eq!(traces.hsts().status(), "error");
        assert_eq!(traces.redirect().0.status(), "error");
        assert_eq!(traces.rate_limit().0.status(), "error");
        assert_eq!(traces.errors().0.status(), "not_attempted");
    }
}
