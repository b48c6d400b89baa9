//! Numbers, dates and lists as people write them. English, UTC, no locale.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Severity;
use model::assessment::{Finding, StandardRef};

/// A number with commas between thousands.
pub fn number(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number and its noun: "1 finding", "4 findings".
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A small number as a word, every other in digits.
pub fn spelled(n: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS.get(n).map_or_else(|| number(n), |word| (*word).to_owned())
}

/// The text with its first letter in upper case.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// "a", "a and b", "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Findings per severity, worst first.
pub fn per_severity<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Vec<(Severity, Vec<&'a Finding>)> {
    let mut by: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in findings {
        by.entry(finding.severity).or_default().push(finding);
    }
    by.into_iter().rev().collect()
}

/// "3 high, 1 medium".
pub fn severities<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    per_severity(findings)
        .into_iter()
        .map(|(severity, of)| format!("{} {severity}", number(of.len())))
        .collect::<Vec<_>>()
        .join(", ")
}

/// "4 November 2026, 08:12 UTC".
pub fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// "4 November 2026".
pub fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// "4 Nov, 08:12 UTC", where the year stands beside it.
pub fn brief(at: Timestamp) -> String {
    at.strftime("%-d %b, %H:%M UTC").to_string()
}

/// RFC 3339 in whole seconds: what machines read, and what digests and facts stand beside.
pub fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A distance in seconds as days and hours, "7 d 6 h"; negative with a minus sign in front.
pub fn days_hours(seconds: i64) -> String {
    let sign = if seconds < 0 { "\u{2212}" } else { "" };
    let hours = seconds.unsigned_abs() / 3_600;
    format!("{sign}{} d {} h", number(hours / 24), hours % 24)
}

/// The name of a framework as its publisher writes it; an unknown one stays as it is.
pub fn framework(id: &str) -> &str {
    match id {
        "EU-CRA" => "EU CRA",
        "ETSI-EN-303645" => "ETSI EN 303 645",
        "OWASP-ISVS" => "OWASP ISVS",
        "OWASP-IOT-TOP10" => "OWASP IoT Top 10",
        "NIST-SP-800-52" => "NIST SP 800-52",
        "NIST-IR-8259A" => "NIST IR 8259A",
        "NIST-SP-800-213A" => "NIST SP 800-213A",
        "IETF-RFC" => "IETF RFC",
        "BSI-TR-02102-2" => "BSI TR-02102-2",
        "MOZILLA-TLS" => "Mozilla TLS",
        "IEC-62443-4-2" => "IEC 62443-4-2",
        "EN-18031-1" => "EN 18031-1",
        other => other,
    }
}

/// Clauses of one framework in one edition: name, edition, clauses.
pub fn clauses(standards: &[StandardRef]) -> Vec<(String, String, String)> {
    let mut grouped: Vec<(&StandardRef, Vec<String>)> = Vec::new();
    for standard in standards {
        let review = if standard.needs_review { " (to be reviewed)" } else { "" };
        let clause = format!("{}{review}", standard.clause);
        match grouped.iter_mut().find(|(first, _)| {
            (&first.framework, &first.edition) == (&standard.framework, &standard.edition)
        }) {
            Some((_, clauses)) => clauses.push(clause),
            None => grouped.push((standard, vec![clause])),
        }
    }
    grouped
        .into_iter()
        .map(|(first, clauses)| {
            (framework(&first.framework).to_owned(), first.edition.clone(), clauses.join(", "))
        })
        .collect()
}

/// The reason phrase of an HTTP status that probes meet (RFC 9110, section 15); empty for others.
pub const fn http_reason(status: u64) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        assert_eq!([number(0), number(999), number(1_048_576)], ["0", "999", "1,048,576"]);
    }

    #[test]
    fn lists_read_like_a_sentence() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            [list(&items[..1]), list(&items[..2]), list(&items)],
            ["a", "a and b", "a, b and c"]
        );
    }

    #[test]
    fn distances_keep_their_sign() {
        assert_eq!(days_hours(627_000), "7 d 6 h");
        assert_eq!(days_hours(-3_600), "\u{2212}0 d 1 h");
    }

    #[test]
    fn moments_are_utc() {
        let at: Timestamp = "2026-11-04T08:12:41.5Z".parse().unwrap();
        assert_eq!(moment(at), "4 November 2026, 08:12 UTC");
        assert_eq!(iso(at), "2026-11-04T08:12:41Z");
    }
}
