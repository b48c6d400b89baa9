//! Rules as data: what a pack file says, compiled and checked once.

mod file;
mod lint;
mod names;
mod pack;
mod page;
mod template;
mod vector;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::assessment::{PackRef, Remediation, Says, StandardRef};
use model::{CheckId, Domain, IssueKey, Severity};

use crate::expression::{Expression, Params};
use crate::profile::{Part, Profiles};

pub use file::{PackFile, Problem};
pub use lint::lint;
pub use pack::{BUILT_IN, alone, beside_built_in, built_in, load};
pub use page::{index, page};
pub use template::{Filling, Template};
pub use vector::{Expect, Vector, VectorFailure, run_vectors};

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// Id, which is the issue key.
    pub key: IssueKey,
    /// Bumped with every change that can change a verdict.
    pub version: u32,
    /// One line, as a finding.
    pub title: String,
    /// One line, as a control: what holds when it passes.
    pub control: String,
    /// Severity before a target's override.
    pub severity: Severity,
    /// Primary domain.
    pub domain: Domain,
    /// Whether a run is incomplete without it.
    pub mandatory: bool,
    /// Parts of the profile that the target names to which it holds an endpoint; none for a rule that
    /// asks for no profile.
    pub profile: Vec<Part>,
    /// Whether it speaks about this evidence at all; always, where it is absent.
    pub applies_when: Option<Expression>,
    /// Pointers without which it says nothing.
    pub requires: Vec<String>,
    /// What must not be.
    pub fail_when: Expression,
    /// Parameters with their defaults.
    pub params: BTreeMap<String, serde_json::Value>,
    /// Pointers that a finding shows.
    pub evidence: Vec<String>,
    /// The texts of a finding.
    pub texts: Texts,
    /// What to do.
    pub remediation: Remediation,
    /// What the rule contributes to the summary.
    pub says: Says,
    /// Clauses that it touches.
    pub standards: Vec<StandardRef>,
    /// Further reading.
    pub references: Vec<String>,
    /// When a failing control is right and the finding is not.
    pub false_positive_notes: String,
    /// Keys that this rule had before.
    pub aliases: Vec<IssueKey>,
    /// Evidence with the verdict that it must give.
    pub vectors: Vec<Vector>,
    /// The pack that it comes from.
    pub pack: String,
    /// The file that it comes from, for messages.
    pub file: String,
    /// The defaults of `params`, ready for expressions.
    pub(crate) defaults: Params,
    /// What [`Rule::pointers`] gives.
    pub(crate) pointers: Vec<String>,
    /// The profiles of its rule set.
    pub(crate) profiles: Arc<Profiles>,
}

impl Rule {
    /// The source of `applies_when`, for the reader.
    pub fn applies_when_source(&self) -> &str {
        self.applies_when.as_ref().map_or("true", Expression::source)
    }

    /// Every pointer that bears on this rule, sorted: what it requires and what it shows.
    pub fn pointers(&self) -> &[String] {
        &self.pointers
    }
}

/// The texts of a finding, with places for what was observed.
#[derive(Debug)]
pub struct Texts {
    /// What was observed.
    pub message: Template,
    /// Why it matters.
    pub why: Template,
    /// Facts as they were observed.
    pub observed: Vec<Template>,
    /// Facts as they should be.
    pub expected: Vec<Template>,
    /// What must be observed for the finding to close.
    pub acceptance: Vec<Template>,
}

/// A pack: its name and its content by digest.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Id, version and digest.
    pub reference: PackRef,
    /// One line.
    pub title: String,
    /// Keys of rules that it had, and that no rule stands for any more.
    pub retired: Vec<IssueKey>,
}

/// All rules of a run, from one pack or several.
#[derive(Debug, Default)]
pub struct RuleSet {
    packs: Vec<Pack>,
    rules: Vec<Rule>,
    profiles: Arc<Profiles>,
}

impl RuleSet {
    /// The packs, in order of id.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// The rules, in order of key.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The TLS profiles that a target may name, in order of id.
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// The rules of one check, in order of key.
    pub fn of(&self, check: CheckId) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.key.check() == check)
    }

    /// The rule of exactly that key.
    pub fn rule(&self, key: &IssueKey) -> Option<&Rule> {
        let at = self.rules.binary_search_by(|rule| rule.key.cmp(key)).ok()?;
        self.rules.get(at)
    }

    /// Keys that a pack has retired: their findings are not looked for any more. A key that is
    /// neither a rule nor among these is merely unknown here.
    pub fn retired(&self) -> BTreeSet<&IssueKey> {
        self.packs.iter().flat_map(|pack| &pack.retired).collect()
    }

    /// The rule of that key, or of a key that it had before.
    pub fn find(&self, key: &str) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.key.as_str() == key)
            .or_else(|| self.rules.iter().find(|r| r.aliases.iter().any(|a| a.as_str() == key)))
    }
}
