//! The words of haproxy.cfg: one directive per line, in sections.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::number;
use crate::gateway_config_guardrails::tree::{MAX_NODES, Unreadable};

/// Words that begin a section: HAProxy's configuration manual, "Configuration file".
const SECTIONS: [&str; 18] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "userlist",
    "peers",
    "resolvers",
    "mailers",
    "cache",
    "program",
    "ring",
    "http-errors",
    "fcgi-app",
    "log-forward",
    "log-profile",
    "crt-store",
    "traces",
];

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its words, quotes and escapes undone.
    pub words: Vec<String>,
    /// Which words hold a variable of the environment.
    pub variables: Vec<bool>,
    /// Where it begins.
    pub place: Place,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its keyword.
    pub kind: String,
    /// Its name; empty where it has none.
    pub name: String,
    /// The section of defaults that it names with `from`.
    pub from: Option<String>,
    /// Where it begins.
    pub place: Place,
    /// What stands in it.
    pub lines: Vec<Line>,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Config {
    /// Sections, in their order.
    pub sections: Vec<Section>,
    /// Lines that make others conditional.
    pub conditions: Vec<Place>,
}

impl Section {
    /// Words of all its lines.
    pub fn words(&self) -> usize {
        self.lines.iter().map(|line| line.words.len()).sum()
    }
}

impl Line {
    /// True if the line begins with these words.
    pub fn starts(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len()
            && self.words.iter().zip(words).all(|(own, word)| own == word)
    }

    /// A word; empty where there are fewer.
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", String::as_str)
    }

    /// Where a word stands behind the first one. Of what a line says twice the last counts
    /// [2.6.12].
    pub fn position(&self, word: &str) -> Option<usize> {
        self.words.iter().skip(1).rposition(|own| own == word).map(|at| at + 1)
    }

    /// Whether a word stands behind the first one.
    pub fn has(&self, word: &str) -> bool {
        self.position(word).is_some()
    }

    /// The word behind a word.
    pub fn behind(&self, word: &str) -> Option<&str> {
        self.words.get(self.position(word)? + 1).map(String::as_str)
    }

    /// The words behind each place of a word, in their order.
    pub fn each_behind(&self, word: &str) -> impl Iterator<Item = &str> {
        let pairs = self.words.iter().skip(1).zip(self.words.iter().skip(2));
        pairs.filter(move |(own, _)| *own == word).map(|(_, next)| next.as_str())
    }

    /// Whether a word is filled in by the environment.
    pub fn is_variable(&self, index: usize) -> bool {
        self.variables.get(index).copied().unwrap_or(false)
    }
}

/// Reads a file. A quote that stays open breaks the syntax.
pub fn parse(text: &Text) -> Result<Config, Unreadable> {
    let mut config = Config::default();
    let mut count = 0;
    for (index, raw) in text.content.lines().enumerate() {
        let start = raw.trim_start();
        let indent = raw.chars().count() - start.chars().count();
        let place =
            Place { file: text.name.clone(), line: number(index + 1), column: number(indent + 1) };
        let Some((words, variables)) = words(start) else {
            let Place { line, column, .. } = place;
            return Err(Unreadable::Syntax { format: "HAProxy configuration", line, column });
        };
        let Some(first) = words.first() else { continue };
        count += words.len();
        if count > MAX_NODES {
            return Err(Unreadable::Limit("100,000 words"));
        }
        if [".if", ".elif", ".else", ".endif"].contains(&first.as_str()) {
            config.conditions.push(place);
        } else if SECTIONS.contains(&first.as_str()) {
            let name = words.get(1).filter(|name| *name != "from").cloned().unwrap_or_default();
            let from = words.iter().position(|word| word == "from");
            let from = from.and_then(|at| words.get(at + 1).cloned());
            let kind = first.clone();
            config.sections.push(Section { kind, name, from, place, lines: Vec::new() });
        } else if let Some(section) = config.sections.last_mut() {
            section.lines.push(Line { words, variables, place });
        } else {
            let Place { line, column, .. } = place;
            return Err(Unreadable::Syntax { format: "a section of HAProxy", line, column });
        }
    }
    Ok(config)
}

/// The words of a line. Double quotes keep spaces and let the environment in, single quotes keep
/// everything. None if a quote stays open.
fn words(line: &str) -> Option<(Vec<String>, Vec<bool>)> {
    let (mut words, mut variables) = (Vec::new(), Vec::new());
    let mut word: Option<(String, bool)> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().0.extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            ('$', Some('"')) => {
                let word = word.get_or_insert_default();
                word.1 |=
                    chars.peek().is_some_and(|c| *c == '{' || *c == '_' || c.is_ascii_alphabetic());
                word.0.push('$');
            }
            (c, Some(_)) => word.get_or_insert_default().0.push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) => break,
            (c, None) if c.is_whitespace() => {
                if let Some((text, variable)) = word.take() {
                    words.push(text);
                    variables.push(variable);
                }
            }
            (c, None) => word.get_or_insert_default().0.push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    if let Some((text, variable)) = word {
        words.push(text);
        variables.push(variable);
    }
    Some((words, variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Config, Unreadable> {
        parse(&Text { name: "h".to_owned(), content: content.to_owned(), marked: false })
    }

    #[test]
    fn words_quotes_and_sections_are_read_with_their_places() {
        let text = "# c\nglobal\n  log \"$HOST:514\" local0 # x\ndefaults base\nfrontend f from base\n\tbind a\\ b 'x $Y'\n";
        let config = read(text).unwrap();
        let [global, defaults, front] = config.sections.as_slice() else { panic!() };
        assert_eq!((global.lines[0].place.line, global.lines[0].place.column), (3, 3));
        assert!(global.lines[0].is_variable(1) && !global.lines[0].is_variable(2));
        assert_eq!((defaults.name.as_str(), front.from.as_deref()), ("base", Some("base")));
        assert_eq!(front.lines[0].words, ["bind", "a b", "x $Y"]);
        assert!(!front.lines[0].is_variable(2));
    }

    #[test]
    fn what_is_broken_is_refused_with_its_place_and_without_its_text() {
        for text in ["global\n log \"hunter2\n", "hunter2 before any section\n"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("line") && !error.contains("hunter2"), "{error}");
        }
        assert!(matches!(
            read(&format!("global\n{}", "a\n".repeat(MAX_NODES + 1))),
            Err(Unreadable::Limit(_))
        ));
    }
}
