//! What a frontend does for those who connect to it.

use model::evidence::{Guardrail, Origin, Reach};

use super::parse::Line;
use super::{ELSEWHERE, Proxy, Release, addresses, is_socket};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::includes::Files;
use crate::gateway_config_guardrails::judge::key_mode;
use crate::gateway_config_guardrails::values::{self, Bound};

/// Reviews a section's listeners and bounds.
pub fn review(review: &mut Review, proxy: &Proxy<'_>, release: Release, files: &Files) {
    let seen = Seen::of(proxy);
    for line in proxy.binds() {
        bind(review, &seen, line, release);
        for key in ["crt", "key"] {
            for mode in line.each_behind(key).filter_map(|path| files.mode(path)) {
                key_mode(review, &line.place, &format!("bind {key}"), mode);
            }
        }
    }
    limits(review, proxy);
    identity(review, proxy);
    forwarded(review, proxy);
}

fn reach(line: &Line) -> Reach {
    let all = addresses(line);
    if all.iter().all(|one| *one == Bound::Loopback) { Reach::Loopback } else { Reach::Network }
}

/// What holds for every listener of a section.
struct Seen<'a> {
    /// What every listener takes over.
    versions: &'a Versions<'a>,
    /// Its rules look at who connects, or expect a proxy.
    ruled: bool,
    /// All it does is to send clients to HTTPS.
    redirects: bool,
    /// It looks into TLS that it does not end.
    passes: bool,
}

impl<'a> Seen<'a> {
    fn of(proxy: &Proxy<'a>) -> Self {
        let ruled = |line: &Line| {
            line.starts(&["tcp-request", "connection", "expect-proxy"])
                || line.starts(&["tcp-request", "connection"])
                    && line.words.iter().any(|word| word.contains("src"))
        };
        let redirects = |line: &Line| {
            let start = line.starts(&["redirect", "scheme", "https"])
                || line.starts(&["http-request", "redirect", "scheme", "https"]);
            let condition = line.words.iter().position(|word| word == "if" || word == "unless");
            let rest = condition.map_or(String::new(), |at| line.words[at..].concat());
            start && matches!(rest.as_str(), "" | "if!{ssl_fc}" | "unless{ssl_fc}")
        };
        let looks = ["req.ssl_", "req_ssl_"].iter().any(|fetch| proxy.mentions(fetch));
        Self {
            versions: &proxy.global.versions,
            ruled: proxy.lines().any(ruled),
            redirects: proxy.lines().any(redirects),
            passes: looks && !proxy.is_http(),
        }
    }
}

fn bind(review: &mut Review, seen: &Seen<'_>, line: &Line, release: Release) {
    let place = &line.place;
    if line.is_variable(1) {
        review.undetermined(place, "bind", &[Guardrail::Bind], ELSEWHERE);
    } else if addresses(line).contains(&Bound::Wildcard) {
        let found = place.observe("bind", "on every interface", Reach::Network);
        review.off(Guardrail::Bind, found);
    }
    let reach = if line.is_variable(1) { Reach::Unstated } else { reach(line) };
    let sockets = line.word(1).split(',').all(is_socket);
    if line.has("ssl") || line.word(1).starts_with("quic") {
        versions(review, seen, line, release, reach);
    } else if !sockets {
        plain(review, seen, line, reach);
    }
    if line.has("accept-proxy") && !seen.ruled {
        let value = "accept-proxy from everybody who can connect";
        review.off(Guardrail::ProxyHeader, place.observe("bind", value, reach));
    }
}

fn plain(review: &mut Review, seen: &Seen<'_>, line: &Line, reach: Reach) {
    let place = &line.place;
    if seen.redirects {
        return review.setting(place, "bind", "sends clients to HTTPS", Origin::Explicit);
    }
    if seen.passes {
        let reason = "bytes go through as they are: what stands behind it decides";
        return review.undetermined(place, "bind", &[Guardrail::Tls], reason);
    }
    review.off(Guardrail::Tls, place.observe("bind", "without ssl", reach));
}

/// Words by which a line or the global options bound the versions.
const EXCLUDES: [(&str, &str); 3] =
    [("no-sslv3", "1.0"), ("no-tlsv10", "1.1"), ("no-tlsv11", "1.2")];

/// What lines say of versions.
pub struct Versions<'a> {
    /// The last line with a least version, and that.
    least: Option<(&'a Line, &'a str)>,
    /// Only 1.2 or only 1.3.
    is_forced: bool,
    /// The least that they leave by taking others away.
    left: Option<&'static str>,
}

impl<'a> Versions<'a> {
    /// What these lines say.
    pub fn of(lines: impl Iterator<Item = &'a Line>) -> Self {
        let none = Self { least: None, is_forced: false, left: None };
        lines.fold(none, |all, line| {
            let left = EXCLUDES.iter().rev().find(|(word, _)| line.has(word));
            Self {
                least: line.behind(LEAST).map(|least| (line, least)).or(all.least),
                is_forced: all.is_forced || line.has("force-tlsv12") || line.has("force-tlsv13"),
                // They are written so that the newest is the greatest text.
                left: all.left.max(left.map(|(_, version)| *version)),
            }
        })
    }
}

/// The word in front of the least version.
const LEAST: &str = "ssl-min-ver";

fn versions(review: &mut Review, seen: &Seen<'_>, line: &Line, release: Release, reach: Reach) {
    let own = Versions::of(std::iter::once(line));
    let setting = LEAST;
    let said = own.least.or(seen.versions.least);
    let place = said.map_or(&line.place, |(line, _)| &line.place);
    let told = said.map(|(_, version)| values::tls_version(version));
    let forced = own.is_forced || seen.versions.is_forced;
    let left = own.left.max(seen.versions.left);
    let (least, origin) = match (told, left) {
        (Some(Some(version)), _) => (version, Origin::Explicit),
        (Some(None), _) => {
            return review.undetermined(place, setting, &[Guardrail::TlsVersion], ELSEWHERE);
        }
        (None, _) if forced => ("1.2", Origin::Explicit),
        (None, Some(version)) if release == Release::Old => (version, Origin::Explicit),
        (None, _) if release == Release::New => ("1.2", Origin::Default),
        (None, _) => ("1.0", Origin::Default),
    };
    let value = match origin {
        Origin::Default => format!("absent: TLS {least} and newer (default)"),
        _ => format!("{least} and newer"),
    };
    if matches!(least, "ssl" | "1.0" | "1.1") {
        review.off(Guardrail::TlsVersion, place.observe(setting, value, reach));
    } else {
        review.setting(place, setting, value, origin);
    }
}

/// Connections that nothing ends: a missing timeout is no limit (configuration manual, `timeout`).
fn limits(review: &mut Review, proxy: &Proxy<'_>) {
    let kind = proxy.section.kind.as_str();
    let wanted: &[&str] = match kind {
        "frontend" => &["client"],
        "backend" => &["server"],
        _ => &["client", "server"],
    };
    for side in wanted {
        let setting = format!("timeout {side}");
        match proxy.decides(&["timeout", side]) {
            Some(line) if is_zero(line.word(2)) => {
                let seen = line.place.observe(setting, "0: no bound", proxy.reach());
                review.off(Guardrail::Limits, seen);
            }
            Some(_) => {}
            None => {
                let place = &proxy.section.place;
                let seen = place.observe(setting, "absent: no bound", proxy.reach());
                review.off(Guardrail::Limits, seen);
            }
        }
    }
}

/// Whether a time is none at all, whatever its unit.
fn is_zero(time: &str) -> bool {
    let digits = time.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.chars().all(|c| c == '0')
}

/// A name out of a certificate that need not be there.
fn identity(review: &mut Review, proxy: &Proxy<'_>) {
    let demanded = proxy.binds().all(|line| line.behind("verify") == Some("required"));
    let checked = ["ssl_c_used", "ssl_c_verify"].iter().any(|fetch| proxy.mentions(fetch));
    if demanded || checked {
        return;
    }
    let reach = proxy.reach();
    for line in &proxy.section.lines {
        if line.words.iter().any(|word| word.contains("ssl_c_s_dn") || word.contains("ssl_c_der")) {
            let value = "the name of a certificate that need not be presented";
            let seen = line.place.observe(line.word(0), value, reach);
            review.off(Guardrail::IdentityMapping, seen);
        }
    }
}

/// `option forwardfor if-none` keeps what a client says of itself.
fn forwarded(review: &mut Review, proxy: &Proxy<'_>) {
    if proxy.section.kind == "backend" {
        return;
    }
    let reach = proxy.reach();
    for line in proxy.lines() {
        if line.starts(&["option", "forwardfor"]) && line.has("if-none") {
            let value = "if-none: the header of a client is kept";
            let seen = line.place.observe("option forwardfor", value, reach);
            review.off(Guardrail::ProxyHeader, seen);
        }
    }
}
