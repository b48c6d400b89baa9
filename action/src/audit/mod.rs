//! One audit of a checkout: every target judged, and compared with what was there before.

mod change;
mod collect;
mod documents;
mod judge;
mod rules;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use engine::rule::RuleSet;
use jiff::Timestamp;
use model::assessment::Assessment;
use model::document::AuditTarget;
use model::evidence::Evidence;
use model::request::Plan;
use model::run::RunBundle;
use model::{CheckId, FindingId, IssueKey, RunId, Subject, TargetKey};
use serde::{Deserialize, Serialize};

pub use change::pull;
pub use collect::Where;
pub use documents::{Declared, Documents};
use judge::Judge;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::history::History;

/// What of a target was seen by the default branch's last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub started_at: Timestamp,
    /// The target, as it was declared then.
    pub document: AuditTarget,
    /// What was asked.
    pub plan: Plan,
    /// What was collected, or as much of it as there was room for.
    pub evidence: Vec<Evidence>,
}

/// What was seen before.
#[derive(Debug)]
pub enum Baselines {
    /// By the dashboard.
    Dashboard(BTreeMap<TargetKey, Standing>),
    /// By a store.
    Store(History),
}

impl Baselines {
    async fn of(&self, target: &TargetKey) -> Result<Option<Standing>, Failure> {
        match self {
            Self::Dashboard(known) => Ok(known.get(target).cloned()),
            Self::Store(history) => history.standing(target).await,
        }
    }
}

/// A part of a target.
type Part = (CheckId, Subject);

/// One target, judged.
#[derive(Debug)]
pub struct Judged {
    /// Its document, from the repository's root.
    pub file: String,
    /// Record, evidence, exceptions and baseline.
    pub bundle: RunBundle,
    /// Where each part of it is.
    pub places: BTreeMap<Part, Where>,
    /// Open findings that this change brings; empty on the default branch.
    pub introduced: BTreeSet<FindingId>,
    /// Findings of the base that this change resolves.
    pub resolved: BTreeSet<FindingId>,
    /// Mandatory controls that were judged without this change, and cannot be with it.
    pub lost: Vec<(IssueKey, Subject)>,
}

impl Judged {
    /// The judgement.
    pub fn assessment(&self) -> &Assessment {
        self.bundle.record.assessment.as_ref().expect("a record that was concluded")
    }

    /// Where a part of the target is.
    pub fn place(&self, rule: &IssueKey, subject: &Subject) -> Option<Where> {
        self.places.get(&(rule.check(), subject.clone())).copied()
    }
}

/// A checkout, judged.
#[derive(Debug)]
pub struct Audit {
    /// The targets, in the order of their keys.
    pub targets: Vec<Judged>,
    /// What waits until a pull request is merged, one sentence each.
    pub waits: Vec<String>,
    /// Targets that a pull request takes away.
    pub removed: Vec<TargetKey>,
    /// The commit.
    pub commit: String,
    /// When the last of it was judged.
    pub observed_at: Timestamp,
    /// The rules that judged.
    pub rules: RuleSet,
}

/// What the inputs say about an audit.
#[derive(Debug, Clone)]
pub struct Order {
    /// Files of documents.
    pub documents: Vec<String>,
    /// Folders of rule packs.
    pub rules: Vec<String>,
    /// A pull request's own rules, exceptions and terms count.
    pub trust_head: bool,
}

/// Judges what is checked out, as the default branch's.
pub async fn branch(
    checkout: &Checkout,
    order: &Order,
    baselines: &Baselines,
) -> Result<Audit, Failure> {
    let tree = checkout.tree(&checkout.head()?)?;
    let rules = rules::load(&tree, &order.rules)?;
    let documents = Documents::read(&tree, &order.documents)?;
    documents.in_force(Timestamp::now())?;
    something(&documents, order)?;
    let judge = Judge { checkout, rules: &rules, exceptions: &documents.exceptions };
    let mut targets = Vec::new();
    for declared in in_order(&documents) {
        let known = baselines.of(&declared.target.key()).await?;
        let before = known.map(|standing| judge.earlier(standing, &declared.file));
        targets.push(judge.judge(declared, &tree, before).await?);
    }
    Ok(Audit {
        targets,
        waits: Vec::new(),
        removed: Vec::new(),
        commit: tree.commit().to_owned(),
        observed_at: Timestamp::now(),
        rules,
    })
}

fn something(documents: &Documents, order: &Order) -> Result<(), Failure> {
    if !documents.targets.is_empty() {
        return Ok(());
    }
    Err(Failure::new(if documents.missing.is_empty() {
        format!(
            "{} declares no AuditTarget; a document with `kind: AuditTarget` says what to audit",
            order.documents.join(", ")
        )
    } else {
        format!(
            "there is no {}; commit a document with `kind: AuditTarget`, or name yours with the \
             input `targets`",
            documents.missing.join(" and no ")
        )
    }))
}

fn in_order(documents: &Documents) -> Vec<&Declared> {
    let mut targets: Vec<_> = documents.targets.iter().collect();
    targets.sort_by_key(|declared| declared.target.key());
    targets
}
