//! What a profile must be beyond well-formed, so that no endpoint is held to a slip of the pen.

use std::collections::BTreeSet;

use super::file::EVERY;
use super::names::{VERSIONS, is_group, is_scheme, is_suite};
use super::{FOLDER, Listed, Part, Profile, Unlisted, glob};
use crate::rule::Problem;

/// Most names in one list.
const MAX_NAMES: usize = 512;
/// Longest name or pattern, in bytes; the longest suite has 47.
const MAX_NAME: usize = 80;
/// Largest size of a key or a prime that a profile may ask for, in bits.
const MAX_BITS: u32 = 16_384;
/// Longest lifetime that a profile may allow, in days: a century.
const MAX_DAYS: u32 = 36_525;

/// Every problem of one profile, given also as the text that it was read from.
pub fn lint(profile: &Profile, text: &str) -> Vec<Problem> {
    let mut desk = Desk { profile, text, problems: Vec::new() };
    desk.head();
    desk.versions();
    for part in Part::ALL {
        if let Some(listed) = profile.listed(part) {
            desk.listed(part, listed);
        }
        if profile.clauses(part).is_some_and(<[_]>::is_empty) {
            desk.problem(part.as_str(), "at least one clause is needed");
        }
    }
    desk.numbers();
    desk.problems
}

struct Desk<'a> {
    profile: &'a Profile,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Desk<'_> {
    fn problem(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(Problem::at_field(&self.profile.file, self.text, field, message));
    }

    fn head(&mut self) {
        let profile = self.profile;
        let expected = format!("{FOLDER}{}.yaml", profile.id);
        if profile.file != expected {
            self.problem("id", format!("this profile belongs into {expected}"));
        }
        for (field, word) in std::iter::once(("id", &profile.id))
            .chain(profile.names.iter().map(|name| ("names", name)))
        {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let shaped = word.bytes().all(|b| plain(b) || matches!(b, b'-' | b'.'))
                && word.bytes().next().is_some_and(plain)
                && word.len() <= 64;
            if !shaped {
                let found = word.chars().take(80).collect::<String>();
                self.problem(
                    field,
                    format!("expected lower-case letters, digits, `-` and `.`, found `{found}`"),
                );
            }
        }
        if let Some(twice) = twice(profile.words()) {
            self.problem("names", format!("`{twice}` is given twice"));
        }
        let declared = |word: &str| {
            model::document::Profile::ALL.into_iter().any(|known| known.as_str() == word)
        };
        if !profile.words().any(declared) {
            self.problem(
                "names",
                "no target can name this profile; `names: [own]` makes it `trust.profile: own`",
            );
        }
        for (field, line) in [
            ("title", &profile.title),
            ("framework", &profile.framework),
            ("edition", &profile.edition),
        ] {
            if line.is_empty() || line.contains('\n') || line.len() > 120 {
                self.problem(field, "one line of 1 to 120 characters is needed");
            }
        }
    }

    fn versions(&mut self) {
        let versions = &self.profile.versions;
        if versions.allowed.is_empty() {
            self.problem("versions", "at least one version must be allowed");
        }
        for (field, list) in [("allowed", &versions.allowed), ("required", &versions.required)] {
            for version in list.iter().filter(|version| !VERSIONS.contains(&version.as_str())) {
                let known = VERSIONS.join(", ");
                self.problem("versions", format!("{field}: expected {known}, found `{version}`"));
            }
            if let Some(twice) = twice(list.iter().map(String::as_str)) {
                self.problem("versions", format!("{field}: `{twice}` is given twice"));
            }
        }
        for version in versions.required.iter().filter(|v| !versions.allowed.contains(*v)) {
            self.problem("versions", format!("`{version}` is required and not allowed"));
        }
    }

    fn listed(&mut self, part: Part, listed: &Listed) {
        let field = part.as_str();
        let allowed = &self.profile.versions.allowed;
        for key in listed.allowed.keys().filter(|key| *key != EVERY && !allowed.contains(*key)) {
            self.problem(
                field,
                format!("allowed: expected an allowed version or `{EVERY}`, found `{key}`"),
            );
        }
        let empty = |list: Option<&Vec<String>>| list.is_none_or(Vec::is_empty);
        let unsaid = |version: &&String| {
            empty(listed.allowed.get(*version)) && empty(listed.allowed.get(EVERY))
        };
        if listed.unlisted != Unlisted::Allowed
            && let Some(version) = allowed.iter().find(unsaid)
        {
            self.problem(field, format!("nothing is allowed in {version}; list what is"));
        }
        let lists = listed.allowed.iter().map(|(key, list)| (Some(key.as_str()), list));
        for (key, list) in lists.chain([(None, &listed.forbidden)]) {
            let place = key.map_or_else(|| "forbidden".to_owned(), |key| format!("allowed.{key}"));
            if list.len() > MAX_NAMES {
                self.problem(field, format!("{place}: {} names; at most {MAX_NAMES}", list.len()));
                continue;
            }
            if let Some(twice) = twice(list.iter().map(String::as_str)) {
                self.problem(field, format!("{place}: `{twice}` is given twice"));
            }
            for name in list {
                let known = match part {
                    Part::Suites => is_suite(key.filter(|key| *key != EVERY), name),
                    Part::Groups => is_group(name),
                    _ => is_scheme(name),
                };
                if !known || name.len() > MAX_NAME {
                    let found = name.chars().take(80).collect::<String>();
                    let what = expected(part);
                    self.problem(field, format!("{place}: expected {what}, found `{found}`"));
                }
                if key.is_some() && !name.contains('*') && glob::any(&listed.forbidden, name) {
                    self.problem(field, format!("`{name}` is allowed and forbidden"));
                }
            }
        }
    }

    fn numbers(&mut self) {
        let profile = self.profile;
        let bits = |bits: u32| (1..=MAX_BITS).contains(&bits);
        if profile.dh.as_ref().is_some_and(|dh| !bits(dh.min_bits)) {
            self.problem("dh", format!("min_bits: expected 1 to {MAX_BITS}"));
        }
        if let Some(keys) = &profile.certificate_key {
            let field = Part::CertificateKey.as_str();
            if keys.allowed.is_empty() {
                self.problem(field, "at least one kind of key must be allowed");
            }
            let kinds: BTreeSet<_> = keys.allowed.iter().map(|key| key.algorithm).collect();
            if kinds.len() != keys.allowed.len() {
                self.problem(field, "a kind of key is given twice");
            }
            for key in &keys.allowed {
                if !bits(key.min_bits) || key.bits.iter().any(|size| *size < key.min_bits) {
                    self.problem(
                        field,
                        format!(
                            "min_bits: expected 1 to {MAX_BITS}, and no size in `bits` below it"
                        ),
                    );
                }
            }
        }
        if let Some(signatures) = &profile.certificate_signature {
            let field = Part::CertificateSignature.as_str();
            if signatures.allowed.is_empty() || signatures.allowed.len() > MAX_NAMES {
                self.problem(field, format!("expected 1 to {MAX_NAMES} algorithms"));
            }
            if let Some(twice) = twice(signatures.allowed.iter().map(String::as_str)) {
                self.problem(field, format!("`{twice}` is given twice"));
            }
        }
        if let Some(lifetime) = &profile.certificate_lifetime {
            let days = 1..=MAX_DAYS;
            let advised = lifetime.recommended_days.unwrap_or(lifetime.max_days);
            if !days.contains(&lifetime.max_days) || !(1..=lifetime.max_days).contains(&advised) {
                self.problem(
                    Part::CertificateLifetime.as_str(),
                    format!("expected 1 to {MAX_DAYS} days, and no more advised than allowed"),
                );
            }
        }
    }
}

const fn expected(part: Part) -> &'static str {
    match part {
        Part::Suites => "the IANA name of a suite of that version",
        Part::Groups => "the IANA name of a group",
        _ => "the IANA name of a signature scheme",
    }
}

/// The first that comes twice.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
