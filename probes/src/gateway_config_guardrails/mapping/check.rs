//! What is wrong with a mapping, and where: a mapping that could never find what it is written for
//! is refused, because it would look like one that found nothing.

use super::{
    Absent, Condition, Derived, Expected, Format, Kind, MAX_MAPPED, MappedSetting, Mapping,
    MoreFiles,
};
use crate::gateway_config_guardrails::readers::{tables, yaml};
use crate::gateway_config_guardrails::tree::Node;
use crate::gateway_config_guardrails::version::Version;

/// Most patterns of further files.
const MAX_PATTERNS: usize = 32;

/// Words that each of these types reads a value as.
const BOUND: &[&str] = &["wildcard", "loopback", "specific"];
const SCHEMES: &[&str] =
    &["http", "https", "mqtt", "mqtts", "ws", "wss", "tcp", "ssl", "tls", "amqp", "amqps"];
const VERSIONS: &[&str] = &["ssl", "1.0", "1.1", "1.2", "1.3"];

/// A mapping that cannot be used: `line:column: what is wrong`. Nothing of its text is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct BadMapping {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong, with what was expected.
    pub problem: String,
}

/// What is wrong below one entry of a list: the key that it is wrong with, and how.
type Fault = (&'static str, &'static str);

impl Mapping {
    /// Reads a mapping file (YAML, so JSON too).
    ///
    /// # Errors
    ///
    /// If it does not follow its schema, or holds something that could never mean anything.
    pub fn parse(text: &str) -> Result<Self, BadMapping> {
        // Only `true` and `false` are truth values here: `off` may be a word of the program.
        let options = serde_saphyr::options! {
            strict_booleans: true,
            budget: serde_saphyr::budget! { max_depth: 64 },
        };
        let mapping: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let at = error.location();
                let problem = match expected(&error) {
                    Some(expected) => format!("the mapping does not follow its schema: {expected}"),
                    None => "the mapping does not follow its schema".to_owned(),
                };
                BadMapping {
                    line: at.map_or(1, |at| at.line()),
                    column: at.map_or(1, |at| at.column()),
                    problem,
                }
            })?;
        match mapping.problem() {
            None => Ok(mapping),
            Some(problem) => Err(problem.located(text)),
        }
    }

    fn problem(&self) -> Option<Problem> {
        let whole = |key, text: String| Some(Problem { list: "", index: 0, key, text });
        let count = self.settings.len() + self.derive.len();
        if count == 0 || count > MAX_MAPPED {
            let text = format!("the mapping has {count} settings; expected 1 to {MAX_MAPPED}");
            return whole("settings", text);
        }
        if self.files.len() > MAX_PATTERNS {
            let text = format!("the mapping names {} files; expected up to 32", self.files.len());
            return whole("files", text);
        }
        if let Some(variables) = &self.environment
            && (variables.prefix.is_empty() || variables.separator.is_empty())
        {
            let text = "`environment` needs a `prefix` and a `separator` that are not empty";
            return whole("environment", text.to_owned());
        }
        if self.interpolation.is_some() && self.format == Format::Env {
            let text = "`interpolation` is not read in an `env` file, whose keys are variables \
                        themselves; leave it out";
            return whole("interpolation", text.to_owned());
        }
        let files = self.files.iter().map(|files| ("files", "further file", files.fault()));
        let settings = self.settings.iter().map(|one| ("settings", "setting", one.fault(self)));
        let derived = self.derive.iter().map(|one| ("derive", "derived setting", one.fault(self)));
        let number = |entries: Vec<(&'static str, &'static str, Option<Fault>)>| {
            entries.into_iter().enumerate().find_map(|(index, (list, what, fault))| {
                let (key, says) = fault?;
                let text = format!("{what} {} {says}", index + 1);
                Some(Problem { list, index, key, text })
            })
        };
        number(files.collect())
            .or_else(|| number(settings.collect()))
            .or_else(|| number(derived.collect()))
    }
}

/// What is wrong, by where it stands in the tree of the mapping.
struct Problem {
    list: &'static str,
    index: usize,
    key: &'static str,
    text: String,
}

impl Problem {
    /// The same by line and column, the innermost that can be found.
    fn located(self, text: &str) -> BadMapping {
        let place = |node: &Node| (node.line, node.column);
        let (line, column) = yaml::read(text).map_or((1, 1), |tree| {
            let item = tables::at(&tree, &[self.list]).map_or(&[][..], tables::items);
            let holder = item.get(self.index).unwrap_or(&tree);
            match tables::entry(holder, self.key) {
                Some(entry) => (entry.line, entry.column),
                None => place(holder),
            }
        });
        BadMapping { line: line.into(), column: column.into(), problem: self.text }
    }
}

impl MoreFiles {
    fn fault(&self) -> Option<Fault> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let ending = name.strip_prefix('*').unwrap_or(name);
        if self.path.is_empty() || name.is_empty() {
            return Some(("path", "names no file"));
        }
        if folder.contains('*') || ending.contains('*') || ending.is_empty() {
            return Some(("path", "may hold one `*`, at the beginning of a name with an ending"));
        }
        None
    }
}

impl MappedSetting {
    fn fault(&self, mapping: &Mapping) -> Option<Fault> {
        let own_guardrail = matches!(self.kind, Kind::Secret | Kind::KeyFile | Kind::File);
        if self.path.is_empty() {
            return Some(("path", "has an empty path"));
        }
        if self.words.is_some() && self.kind != Kind::Bool {
            return Some(("words", "has words for true and false and is no `bool`"));
        }
        let judged = self.safe.iter().chain(&self.unsafe_);
        let default = self.default.iter().map(|default| &default.value);
        let compared = judged.chain(default.clone());
        if let Some(problem) = compared.filter_map(|value| self.kind.mismatch(value)).next() {
            return Some(("type", problem));
        }
        if default.into_iter().any(|value| matches!(value, Expected::Range { .. })) {
            return Some(("default", "has a range as its default, and must have one value"));
        }
        let bounds = self.default.iter().flat_map(|default| [&default.since, &default.until]);
        if bounds.flatten().any(|version| Version::parse(version).is_none()) {
            return Some((
                "default",
                "has a default with a version that is none, as `2` or `2.1.3`",
            ));
        }
        for (key, condition) in [("when", &self.when), ("unless", &self.unless)] {
            if let Some(problem) = condition.as_ref().and_then(|one| one.fault(mapping)) {
                return Some((key, problem));
            }
        }
        if self.guardrail.is_none() {
            let judged = !(self.safe.is_empty() && self.unsafe_.is_empty());
            return judged.then_some(("path", "has values to judge and no guardrail"));
        }
        if own_guardrail {
            let problem = "has a type that brings its own guardrail; leave `guardrail` out";
            return Some(("guardrail", problem));
        }
        if self.safe.is_empty() && self.unsafe_.is_empty() {
            let problem = "has a guardrail and neither `safe` nor `unsafe` values";
            return Some(("guardrail", problem));
        }
        if self.absent() == Absent::Default && self.default.is_empty() {
            return Some(("absent", "says `absent: default` and has no default"));
        }
        None
    }
}

impl Derived {
    fn fault(&self, mapping: &Mapping) -> Option<Fault> {
        if self.name.is_empty() {
            return Some(("name", "has an empty name"));
        }
        if self.safe_if.is_some() == self.unsafe_if.is_some() {
            return Some(("name", "needs one of `safe_if` and `unsafe_if`, and not both"));
        }
        let conditions =
            [("safe_if", &self.safe_if), ("unsafe_if", &self.unsafe_if), ("when", &self.when)];
        conditions.into_iter().find_map(|(key, condition)| {
            Some((key, condition.as_ref().and_then(|one| one.fault(mapping))?))
        })
    }
}

impl Condition {
    fn fault(&self, mapping: &Mapping) -> Option<&'static str> {
        self.problem(0).or_else(|| {
            self.values().into_iter().find_map(|(path, value)| {
                let setting = mapping.settings.iter().find(|setting| setting.path == path)?;
                setting.kind.mismatch(value)
            })
        })
    }
}

impl Kind {
    /// Why a value can never be what this type reads; none if it can.
    fn mismatch(self, expected: &Expected) -> Option<&'static str> {
        if let Expected::Range { min, max } = expected
            && (min.is_none() && max.is_none() || min.zip(*max).is_some_and(|(min, max)| min > max))
        {
            return Some("has a range that holds nothing, or everything");
        }
        let word = |words: &[&str]| match expected {
            Expected::Text(text) => words.contains(&text.as_str()),
            _ => false,
        };
        let number = matches!(expected, Expected::Int(_) | Expected::Range { .. });
        let (fits, problem) = match self {
            Self::Bool => (
                matches!(expected, Expected::Bool(_)),
                "is a `bool` with a value that is neither `true` nor `false`",
            ),
            Self::Int | Self::Size | Self::Duration | Self::Count => {
                (number, "is a number with a value that is neither a whole number nor a range")
            }
            Self::Address => (
                word(BOUND),
                "is an `address` with a value that is none of wildcard, loopback and specific",
            ),
            Self::Url => (word(SCHEMES), "is a `url` with a value that is no scheme it can have"),
            Self::TlsVersion => (
                word(VERSIONS),
                "is a `tls_version` with a value that is none of ssl, \"1.0\", \"1.1\", \"1.2\" and \"1.3\"",
            ),
            Self::Text | Self::File | Self::KeyFile | Self::Secret => {
                (!matches!(expected, Expected::Range { .. }), "is a text with a range as a value")
            }
        };
        (!fits).then_some(problem)
    }
}

/// What was expected, in words of the schema. What was found instead may be anything.
fn expected(error: &serde_saphyr::Error) -> Option<String> {
    use serde_saphyr::Error;
    let listed = |words: &[&str]| format!("expected one of {}", words.join(", "));
    match error.without_snippet() {
        Error::SerdeUnknownField { expected, .. } | Error::SerdeUnknownVariant { expected, .. } => {
            Some(listed(expected))
        }
        Error::SerdeMissingField { field, .. } => Some(format!("`{field}` is missing")),
        Error::DuplicateMappingKey { .. } => Some("a key is there twice".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_that_means_nothing_is_refused_with_its_place() {
        let one = |setting: &str| format!("format: toml\nsettings:\n  - path: a\n    {setting}\n");
        let derived = |rest: &str| format!("format: toml\nderive:\n  - name: a\n    {rest}\n");
        let guard = |rest: &str| one(&format!("guardrail: tls\n    {rest}"));
        let cases = [
            ("format: toml\nsettings: []\n".to_owned(), "2:1: the mapping has 0 settings"),
            ("format: xml\nsettings: []\n".to_owned(), "1:9: the mapping does not follow"),
            ("settings: []\n".to_owned(), "`format` is missing"),
            (
                "format: env\ninterpolation: shell\nsettings: [{path: a}]\n".to_owned(),
                "2:1: `interpolation` is not read in an `env` file",
            ),
            (
                "format: toml\ninterpolation: perl\nsettings: [{path: a}]\n".to_owned(),
                "expected one of shell, spring",
            ),
            (
                guard("safe: [x]\n    colour: red"),
                "6:5: the mapping does not follow its schema: expected one of path, guardrail",
            ),
            (guard("absent: ignore"), "4:5: setting 1 has a guardrail and neither"),
            (guard("type: secret\n    safe: [x]"), "4:5: setting 1 has a type that brings its own"),
            (one("unsafe: [x]"), "3:5: setting 1 has values to judge and no guardrail"),
            (guard("safe: [x]\n    absent: default"), "6:5: setting 1 says `absent: default`"),
            (guard("type: bool\n    safe: [yes]"), "5:5: setting 1 is a `bool`"),
            (guard("type: int\n    safe: [many]"), "5:5: setting 1 is a number"),
            (guard("type: address\n    unsafe: [any]"), "5:5: setting 1 is an `address`"),
            (guard("type: url\n    unsafe: ['http://']"), "5:5: setting 1 is a `url`"),
            (guard("type: tls_version\n    safe: [TLSv1.2]"), "5:5: setting 1 is a `tls_version`"),
            (
                guard("type: int\n    safe: [{min: 2, max: 1}]"),
                "setting 1 has a range that holds nothing",
            ),
            (guard("safe: [x]\n    words: {on: [x], off: [y]}"), "6:5: setting 1 has words"),
            (
                guard("safe: [x]\n    default: [{value: x, since: newest}]"),
                "6:5: setting 1 has a default with a version",
            ),
            (
                guard("type: int\n    safe: [1]\n    default: [{value: {min: 1}}]"),
                "7:5: setting 1 has a range as its default",
            ),
            (guard("safe: [x]\n    when: {path: b}"), "6:5: setting 1 must be a `path`"),
            (guard("safe: [x]\n    unless: {path: b.*, is: [1]}"), "6:5: setting 1 has a `*`"),
            (
                guard("safe: [x]\n    when: {path: b, is: [1], any: [{path: c, present: true}]}"),
                "6:5: setting 1 must be",
            ),
            (
                guard("safe: [x]\n    when: {path: b, is: [1], empty: true}"),
                "6:5: setting 1 must be",
            ),
            (derived("guardrail: tls"), "3:5: derived setting 1 needs one of"),
            (
                derived(
                    "guardrail: tls\n    safe_if: {path: b, is: [x]}\n    unsafe_if: {path: b, is: [x]}",
                ),
                "needs one of",
            ),
            (
                derived("guardrail: tls\n    safe_if: {any: [{path: b}]}"),
                "5:5: derived setting 1 must be",
            ),
            (
                format!(
                    "{}settings: [{{path: b, type: bool}}]\n",
                    derived("guardrail: tls\n    safe_if: {path: b, is: [x]}")
                ),
                "5:5: derived setting 1 is a `bool`",
            ),
            (
                format!("{}files: [{{path: 'a/*/b'}}]\n", one("type: bool")),
                "further file 1 may hold one `*`",
            ),
            (
                format!("{}files: [{{path: a/}}]\n", one("type: bool")),
                "further file 1 names no file",
            ),
            (
                format!("{}environment: {{prefix: ''}}\n", one("type: bool")),
                "5:1: `environment` needs",
            ),
        ];
        for (text, expected) in cases {
            let error = Mapping::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}\n{error}");
        }
        let deep = format!("{}{{path: b, present: true}}{}", "{not: ".repeat(9), "}".repeat(9));
        let error = Mapping::parse(&derived(&format!("guardrail: tls\n    safe_if: {deep}")));
        assert!(error.unwrap_err().to_string().contains("deeper than 8"));
    }

    #[test]
    fn an_error_says_nothing_of_the_text() {
        for text in [
            "format: hunter2\n",
            "hunter2: 1\n",
            "format: toml\nsettings:\n- {path: a, guardrail: hunter2}\n",
            "root:x:0:0:hunter2\n",
            "hunter2: 1\nhunter2: 2\n",
        ] {
            let error = Mapping::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let deep = format!("format: toml\nsettings: {}", "[".repeat(5_000));
        assert!(Mapping::parse(&deep).is_err());
    }
}
