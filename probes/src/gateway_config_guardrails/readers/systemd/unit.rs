//! The lines of a unit and of its drop-ins: repeated keys, resets, continuations.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::number;
use crate::gateway_config_guardrails::tree::{MAX_NODES, Unreadable};

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Section, without brackets.
    pub section: String,
    /// Key.
    pub key: String,
    /// Value, continuations joined by a space.
    pub value: String,
    /// Where the key stands.
    pub place: Place,
}

/// A unit with its drop-ins, in the order in which they count.
#[derive(Debug, Default)]
pub struct Unit {
    /// Assignments.
    pub lines: Vec<Line>,
}

impl Unit {
    /// Adds a file. What is no assignment is left out, as systemd does with a line in its log.
    pub fn add(&mut self, text: &Text) -> Result<(), Unreadable> {
        let mut section = String::new();
        let mut lines = text.content.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let start = line.trim_start();
            if start.is_empty() || start.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = start.strip_prefix('[') {
                name.split(']').next().unwrap_or(name).clone_into(&mut section);
                continue;
            }
            let mut whole = start.trim_end().to_owned();
            while whole.ends_with('\\') {
                whole.pop();
                // Comments between the lines of one value do not end it.
                let next =
                    lines.by_ref().find(|(_, next)| !next.trim_start().starts_with(['#', ';']));
                let Some((_, next)) = next else { break };
                whole.push(' ');
                whole.push_str(next.trim());
            }
            let Some((key, value)) = whole.split_once('=') else { continue };
            let column = number(line.len() - start.len() + 1);
            let place = Place { file: text.name.clone(), line: number(index + 1), column };
            self.lines.push(Line {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                place,
            });
            if self.lines.len() > MAX_NODES {
                return Err(Unreadable::Limit("100,000 values"));
            }
        }
        Ok(())
    }

    /// The assignment of a key that counts: the last.
    pub fn last(&self, section: &str, key: &str) -> Option<&Line> {
        self.lines.iter().rev().find(|line| line.section == section && line.key == key)
    }

    /// Assignments of a list key; an empty one takes back what stands before it.
    pub fn list(&self, section: &str, key: &str) -> Vec<&Line> {
        let mut list = Vec::new();
        for line in self.lines.iter().filter(|line| line.section == section && line.key == key) {
            if line.value.is_empty() {
                list.clear();
            } else {
                list.push(line);
            }
        }
        list
    }
}

/// The words of a value: quotes group, a backslash keeps the next character.
pub fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => word.get_or_insert_default().extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_continuations_and_comments_are_read_as_systemd_reads_them() {
        let text = "[Service]\nA=1\nA=\n  A=2 \\\n# note\n  3\n; B=1\nno assignment\n[X]\nA=9\n";
        let mut unit = Unit::default();
        let text = Text { name: "u".to_owned(), content: text.to_owned(), marked: false };
        unit.add(&text).unwrap();
        let list = unit.list("Service", "A");
        assert_eq!(list.len(), 1);
        assert_eq!(
            (list[0].value.as_str(), list[0].place.line, list[0].place.column),
            ("2  3", 4, 3)
        );
        assert_eq!(unit.last("Service", "B"), None);
        assert_eq!(unit.last("X", "A").unwrap().value, "9");
    }

    #[test]
    fn words_keep_what_quotes_group() {
        assert_eq!(words("a \"b c\"  'd=\"e' f\\ g"), ["a", "b c", "d=\"e", "f g"]);
        assert_eq!(words("\"\" x"), ["", "x"]);
        assert_eq!(words("\"open"), ["open"]);
    }
}
