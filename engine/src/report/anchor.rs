//! Ids of findings and controls in a page: stable, unique, and safe in a fragment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Ids of the form `<prefix>/<key>`, or `<prefix>/<key>/<subject>` where several share a key.
#[derive(Debug, Clone)]
pub struct Anchors {
    prefix: &'static str,
    shared: BTreeSet<String>,
}

impl Anchors {
    /// The ids of everything with these keys; a key that comes twice is shared.
    pub fn new<'a>(prefix: &'static str, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
        for key in keys {
            seen.entry(key).and_modify(|twice| *twice = true).or_insert(false);
        }
        let shared = seen.into_iter().filter(|(_, twice)| *twice);
        Self { prefix, shared: shared.map(|(key, _)| key.to_owned()).collect() }
    }

    /// The id of what has this key and subject.
    pub fn of(&self, key: &str, subject: &str) -> String {
        let mut id = format!("{}/{}", self.prefix, plain(key));
        if self.shared.contains(key) {
            id.push('/');
            id.push_str(&plain(subject));
        }
        id
    }
}

/// The text with every byte that has a meaning in a URL or in HTML as `~` and two hex digits.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                out.push(char::from(byte));
            }
            other => write!(out, "~{other:02x}").expect("writing to a string cannot fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_keys_carry_their_subject() {
        let anchors = Anchors::new("f", ["a.x", "a.y", "a.x"]);
        assert_eq!(anchors.of("a.y", "endpoint/one"), "f/a.y");
        assert_eq!(anchors.of("a.x", "endpoint/one"), "f/a.x/endpoint/one");
    }

    #[test]
    fn hostile_names_stay_inside_an_id() {
        assert_eq!(plain("a b\"<%"), "a~20b~22~3c~25");
    }
}
