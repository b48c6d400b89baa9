//! What an endpoint accepts, version by version: the picture of a full enumeration of TLS.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use model::Posture;
use model::evidence::{Evidence, PreferredBy, VersionGroup, VersionPreference, VersionSuite};

use super::list;
use crate::report::html::components::{breaking, shown};
use crate::report::text;
use crate::report::words::{count, number};

/// Names of a cell that are shown before the rest is folded.
const SHOWN: usize = 6;

/// How strong a suite is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Forward secrecy by ECDHE and authenticated encryption (RFC 9325 section 4.2).
    Strong,
    /// CBC, or finite-field Diffie-Hellman (RFC 9325 section 4.1, RFC 10015).
    Dated,
    /// Without forward secrecy, encryption or authentication, or with a broken cipher.
    Weak,
    /// None of the names that are known here.
    Other,
}

impl Strength {
    const ALL: [Self; 4] = [Self::Weak, Self::Dated, Self::Strong, Self::Other];

    fn of(suite: &str) -> Self {
        const BROKEN: [&str; 8] = ["NULL", "anon", "EXPORT", "RC4", "RC2", "DES", "DES40", "IDEA"];
        let name =
            suite.strip_prefix("TLS_").or_else(|| suite.strip_prefix("SSL_")).unwrap_or(suite);
        let parts: Vec<_> = name.split('_').collect();
        let has = |part: &str| parts.contains(&part);
        if BROKEN.iter().any(|broken| has(broken)) || has("3DES") || suite.starts_with("SSL_CK_") {
            return Self::Weak;
        }
        match (parts[0], has("WITH")) {
            // The names of TLS 1.3 (RFC 8446 appendix B.4), which know no other kind.
            ("AES" | "CHACHA20" | "SM4", false) => Self::Strong,
            // Integrity without encryption (RFC 9150).
            ("SHA256" | "SHA384", false) => Self::Weak,
            ("ECDHE" | "ECCPWD", _) if has("CBC") => Self::Dated,
            ("ECDHE" | "ECCPWD", _) => Self::Strong,
            ("DHE" | "SRP", _) => Self::Dated,
            ("RSA" | "DH" | "ECDH" | "PSK" | "KRB5" | "GOSTR341112", true) => Self::Weak,
            _ => Self::Other,
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Strong => "with forward secrecy and authenticated encryption",
            Self::Dated => "with CBC or finite-field Diffie-Hellman",
            Self::Weak => "without forward secrecy, or broken",
            Self::Other => "of other kinds",
        }
    }

    const fn colour(self) -> Posture {
        match self {
            Self::Strong => Posture::Green,
            Self::Dated => Posture::Amber,
            Self::Weak => Posture::Red,
            Self::Other => Posture::Unknown,
        }
    }
}

/// One version.
#[derive(Default)]
struct Row {
    suites: Vec<String>,
    groups: Vec<String>,
    by: Option<PreferredBy>,
}

/// The table; nothing for a document that is no full enumeration.
pub fn section(body: &Evidence) -> Option<Markup> {
    let versions: Vec<String> = list(body, "/tls/full/versions")?;
    let mut rows: BTreeMap<&str, Row> =
        versions.iter().map(|version| (version.as_str(), Row::default())).collect();
    for entry in list::<VersionSuite>(body, "/tls/full/suites").unwrap_or_default() {
        if let Some(row) = rows.get_mut(entry.version.as_str()) {
            row.suites.push(entry.suite);
        }
    }
    for entry in list::<VersionGroup>(body, "/tls/full/groups").unwrap_or_default() {
        if let Some(row) = rows.get_mut(entry.version.as_str()) {
            row.groups.push(entry.group);
        }
    }
    for entry in list::<VersionPreference>(body, "/tls/full/preference").unwrap_or_default() {
        if let Some(row) = rows.get_mut(entry.version.as_str()) {
            row.by = Some(entry.by);
        }
    }
    let most = rows.values().map(|row| row.suites.len()).max().unwrap_or_default();
    Some(html! {
        table.accepted.stack {
            caption {
                @if versions.is_empty() { "No version of TLS is accepted." }
                @else { "What is accepted, the newest version first." }
            }
            @if !versions.is_empty() {
                thead {
                    tr {
                        th.c-version scope="col" { "Version" }
                        th scope="col" { "Suites" }
                        th.c-groups scope="col" { "Groups" }
                        th.c-by scope="col" { "Chosen by" }
                    }
                }
                tbody {
                    @for version in versions.iter().rev() {
                        (of_version(version, &rows[version.as_str()], most))
                    }
                }
            }
        }
        (inconsistent(body))
    })
}

fn of_version(version: &str, row: &Row, most: usize) -> Markup {
    let mut kinds: BTreeMap<Strength, Vec<&str>> = BTreeMap::new();
    for suite in &row.suites {
        kinds.entry(Strength::of(suite)).or_default().push(suite);
    }
    html! {
        tr {
            th scope="row" { (shown(&text::hostile(version))) }
            td data-l="Suites" {
                (bar(&kinds, most))
                @for kind in Strength::ALL {
                    @if let Some(suites) = kinds.get(&kind) {
                        details {
                            summary {
                                b class=(kind.colour()) { (number(suites.len())) }
                                span.muted { (kind.says()) }
                            }
                            ul { @for suite in suites { li { code { (breaking(suite)) } } } }
                        }
                    }
                }
                @if row.suites.is_empty() { span.muted { "none listed" } }
            }
            td data-l="Groups" { (names(&row.groups)) }
            td data-l="Chosen by" {
                @match row.by {
                    Some(PreferredBy::Server) => "the server",
                    Some(PreferredBy::Client) => "the client",
                    Some(PreferredBy::Single) => "only one",
                    None => span.muted { "not told" },
                }
            }
        }
    }
}

/// Suites of a version by kind, as long as there are many; the longest version fills the width.
fn bar(kinds: &BTreeMap<Strength, Vec<&str>>, most: usize) -> Markup {
    const WIDTH: usize = 240;
    let mut x = 0.0;
    let parts: String = Strength::ALL
        .into_iter()
        .filter_map(|kind| kinds.get(&kind).map(|suites| (kind, suites.len())))
        .map(|(kind, suites)| {
            let width = (suites * WIDTH) as f64 / most.max(1) as f64;
            let part = format!(
                r#"<path class="{}" d="M{x:.1} 5h{width:.1}" stroke-width="10"/>"#,
                kind.colour()
            );
            x += width;
            part
        })
        .collect();
    PreEscaped(format!(
        r#"<svg viewBox="0 0 {WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">{parts}</svg>"#
    ))
}

fn names(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { span.muted { "none listed" } }
        @else {
            ul { @for name in names.iter().take(SHOWN) { li { code { (breaking(name)) } } } }
            @if names.len() > SHOWN {
                details {
                    summary { b { (count(names.len() - SHOWN, "more", "more")) } }
                    ul { @for name in &names[SHOWN..] { li { code { (breaking(name)) } } } }
                }
            }
        }
    }
}

/// What no one server would answer.
fn inconsistent(body: &Evidence) -> Markup {
    let questions: Vec<String> = list(body, "/tls/full/inconsistent").unwrap_or_default();
    html! {
        @if !questions.is_empty() {
            p.note {
                (count(questions.len(), "question was", "questions were"))
                " answered in two ways that no one server would: servers that differ stand behind this address."
            }
            details {
                summary { b { (count(questions.len(), "question", "questions")) } }
                ul { @for question in &questions { li { (shown(&text::hostile(question))) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_as_strong_as_its_name_says() {
        for (suite, strength) in [
            ("TLS_AES_128_GCM_SHA256", Strength::Strong),
            ("TLS_CHACHA20_POLY1305_SHA256", Strength::Strong),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Strength::Strong),
            ("TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", Strength::Strong),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Strength::Dated),
            ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Strength::Dated),
            ("TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256", Strength::Dated),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", Strength::Weak),
            ("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", Strength::Weak),
            ("TLS_DH_anon_WITH_AES_128_CBC_SHA", Strength::Weak),
            ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", Strength::Weak),
            ("TLS_ECDHE_RSA_WITH_NULL_SHA", Strength::Weak),
            ("TLS_SHA256_SHA256", Strength::Weak),
            ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", Strength::Weak),
            ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", Strength::Weak),
            ("TLS_PSK_WITH_AES_128_CCM", Strength::Weak),
            ("SSL_CK_RC4_128_WITH_MD5", Strength::Weak),
            ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", Strength::Weak),
            ("0x1301", Strength::Other),
            ("", Strength::Other),
        ] {
            assert_eq!(Strength::of(suite), strength, "{suite}");
        }
    }
}
