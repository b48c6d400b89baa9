//! The shape of rule files, and how a file becomes a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::assessment::{Remediation, Says, StandardRef};
use model::{Domain, IssueKey, Severity};
use serde::Deserialize;

use super::{Rule, Template, Texts, Vector};
use crate::expression::{Expression, Params};
use crate::profile::Part;

/// What is wrong with a pack, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File, relative to the pack's folder.
    pub file: String,
    /// Line, from 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// Column, from 1; 0 where the line as a whole is meant.
    pub column: u64,
    /// What was expected and what was found.
    pub message: String,
}

impl Problem {
    /// A problem of a file as a whole.
    pub fn of(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: message.into() }
    }

    /// A problem at the first line of `text` that begins with `field:`.
    pub fn at_field(file: &str, text: &str, field: &str, message: impl Into<String>) -> Self {
        let start = format!("{field}:");
        let line = text.lines().position(|line| line.starts_with(&start)).map_or(0, |at| at + 1);
        let line = u64::try_from(line).unwrap_or(0);
        let message = format!("{field}: {}", message.into());
        Self { file: file.to_owned(), line, column: u64::from(line > 0), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}: {}", self.file, self.message),
            (line, 0) => write!(f, "{}:{line}: {}", self.file, self.message),
            (line, column) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
        }
    }
}

/// `pack.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// Id of the pack.
    pub id: String,
    /// Version of the pack, as semver.
    pub version: String,
    /// One line.
    pub title: String,
    /// Keys of rules that the pack had, and that no rule stands for any more.
    #[serde(default)]
    pub retired: Vec<IssueKey>,
}

/// One rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    id: IssueKey,
    version: u32,
    title: String,
    control: String,
    severity: Severity,
    domain: Domain,
    mandatory: bool,
    #[serde(default)]
    profile: Vec<Part>,
    #[serde(default)]
    applies_when: Option<String>,
    requires: Vec<String>,
    fail_when: String,
    #[serde(default)]
    params: BTreeMap<String, serde_json::Value>,
    evidence: Vec<String>,
    message: String,
    why: String,
    observed: Vec<String>,
    expected: Vec<String>,
    remediation: Remediation,
    acceptance: Vec<String>,
    says: Says,
    standards: Vec<StandardRef>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    false_positive_notes: String,
    #[serde(default)]
    aliases: Vec<IssueKey>,
    test_vectors: Vec<Vector>,
}

/// Reads one YAML text as `T`, with the place of what is wrong.
pub(super) fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location();
        // The first line is the message; what follows repeats the source for terminals.
        let message = error.to_string().lines().next().unwrap_or_default().to_owned();
        Problem {
            file: file.to_owned(),
            line: place.map_or(0, |place| place.line()),
            column: place.map_or(0, |place| place.column()),
            message,
        }
    })
}

/// Compiles one rule file, given also as the tree that [`parse`] made of its text; every problem
/// of the file, not only the first.
pub(super) fn compile(
    pack: &str,
    file: &str,
    text: &str,
    content: &serde_json::Value,
) -> Result<Rule, Vec<Problem>> {
    // A tree has no lines and columns: only a file that is wrong is read a second time, for them.
    let raw = RuleFile::deserialize(content)
        .or_else(|_| parse(file, text))
        .map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut expression = |field: &str, source: &str| {
        Expression::compile(source)
            .map_err(|e| problems.push(Problem::at_field(file, text, field, e.to_string())))
            .ok()
    };
    let applies_when = raw.applies_when.as_deref().map(|s| expression("applies_when", s));
    let fail_when = expression("fail_when", &raw.fail_when);
    let mut template = |field: &str, source: &str| {
        Template::parse(source)
            .map_err(|e| problems.push(Problem::at_field(file, text, field, e.to_string())))
            .ok()
    };
    let message = template("message", &raw.message);
    let why = template("why", &raw.why);
    let mut list = |field: &str, sources: &[String]| -> Vec<Template> {
        sources.iter().filter_map(|source| template(field, source)).collect()
    };
    let observed = list("observed", &raw.observed);
    let expected = list("expected", &raw.expected);
    let acceptance = list("acceptance", &raw.acceptance);
    match (fail_when, message, why, applies_when) {
        (Some(fail_when), Some(message), Some(why), applies_when)
            if problems.is_empty() && !matches!(applies_when, Some(None)) =>
        {
            let pointers: BTreeSet<_> = raw.requires.iter().chain(&raw.evidence).cloned().collect();
            Ok(Rule {
                defaults: Params::new(&raw.params),
                pointers: pointers.into_iter().collect(),
                key: raw.id,
                version: raw.version,
                title: raw.title,
                control: raw.control,
                severity: raw.severity,
                domain: raw.domain,
                mandatory: raw.mandatory,
                profile: raw.profile,
                profiles: Arc::default(),
                applies_when: applies_when.flatten(),
                requires: raw.requires,
                fail_when,
                params: raw.params,
                evidence: raw.evidence,
                texts: Texts { message, why, observed, expected, acceptance },
                remediation: raw.remediation,
                says: raw.says,
                standards: raw.standards,
                references: raw.references,
                false_positive_notes: raw.false_positive_notes,
                aliases: raw.aliases,
                vectors: raw.test_vectors,
                pack: pack.to_owned(),
                file: file.to_owned(),
            })
        }
        _ => Err(problems),
    }
}
