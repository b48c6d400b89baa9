//! One audit of a checkout: every target judged, and compared with what was there before.

mod collect;
mod documents;
mod rules;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use engine::assess::{Case, assess};
use engine::conclude::{Terms, conclude};
use engine::integrity;
use engine::rule::RuleSet;
use jiff::Timestamp;
use model::assessment::Assessment;
use model::delta::DeltaClass;
use model::document::{AuditException, AuditTarget};
use model::evidence::Evidence;
use model::request::{CheckRequest, Plan};
use model::run::{EngineInfo, RunBundle, RunRecord};
use model::{CheckId, FindingId, IssueKey, RunId, Subject, TargetKey, Verdict};
use serde::{Deserialize, Serialize};

pub use collect::Where;
use collect::{collect, stays_inside};
pub use documents::{Declared, Documents};

use crate::checkout::{Checkout, Commits, Tree, inside};
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
    let mut judged = Vec::new();
    for declared in in_order(&documents) {
        let side = Side::new(checkout, declared, &tree, &rules)?;
        side.check_paths()?;
        let mut record = begin(declared, &side.plan);
        let evidence = collect(&side.plan, &record.id, |request| side.base(request)).await?;
        let before = baselines
            .of(&record.target)
            .await?
            .map(|standing| earlier(&standing, declared, &rules, &documents.exceptions));
        judged.push(finish(
            Finished { side: &side, exceptions: &documents.exceptions, before, rules: &rules },
            &mut record,
            evidence,
        ));
    }
    Ok(Audit {
        targets: judged,
        waits: Vec::new(),
        removed: Vec::new(),
        commit: tree.commit().to_owned(),
        observed_at: Timestamp::now(),
        rules,
    })
}

/// Judges a pull request: what is in the repository at both commits, everything else at the head
/// and against what the default branch saw last.
pub async fn pull(
    checkout: &Checkout,
    commits: &Commits,
    order: &Order,
    baselines: &Baselines,
) -> Result<Audit, Failure> {
    let (base_tree, head_tree) = (checkout.tree(&commits.base)?, checkout.tree(&commits.head)?);
    let rules_of = if order.trust_head { &head_tree } else { &base_tree };
    let rules = match rules::load(rules_of, &order.rules) {
        // A pack that the pull request adds is not there yet.
        Err(_) if !order.trust_head && rules::load(&head_tree, &order.rules).is_ok() => {
            rules::load(&base_tree, &[])?
        }
        other => other?,
    };
    let head = Documents::read(&head_tree, &order.documents)?;
    // What the base has may be wrong already: then everything is new.
    let base = Documents::read(&base_tree, &order.documents).unwrap_or_default();
    something(&head, order).or_else(|failure| something(&base, order).map_err(|_| failure))?;
    let terms = if order.trust_head { &head } else { &base };
    if !order.trust_head {
        for mapping in mappings(&base) {
            head_tree.take(&base_tree, &mapping)?;
        }
    }
    terms.in_force(Timestamp::now())?;
    let mut waits = Vec::new();
    let mut judged = Vec::new();
    for declared in in_order(&head) {
        let key = declared.target.key();
        let old = base.of(&key);
        let declared = if order.trust_head {
            declared.clone()
        } else {
            let composed = trust::compose(old.map(|old| &old.target), &declared.target);
            waits.extend(composed.waits);
            Declared { target: composed.target, file: declared.file.clone() }
        };
        // A target that the base does not declare may speak of files that the base has.
        let old = old.unwrap_or(&declared).clone();
        let (old, declared) = both(old, declared);
        let side = Side::new(checkout, &declared, &head_tree, &rules)?;
        side.check_paths()?;
        let known = baselines.of(&key).await?;
        let before = before(checkout, &old, &base_tree, &rules, known, &terms.exceptions).await?;
        let mut record = begin(&declared, &side.plan);
        let evidence = collect(&side.plan, &record.id, |request| side.base(request)).await?;
        judged.push(finish(
            Finished {
                side: &side,
                exceptions: &terms.exceptions,
                before: Some(before),
                rules: &rules,
            },
            &mut record,
            evidence,
        ));
    }
    let removed: Vec<&Declared> =
        base.targets.iter().filter(|old| head.of(&old.target.key()).is_none()).collect();
    for old in &removed {
        // Nobody can weaken a file unseen by not declaring its target any more.
        let files = Declared { target: trust::files_of(&old.target), file: old.file.clone() };
        if files.target.spec.gateway_config.is_empty()
            && files.target.spec.device_certificates.is_empty()
        {
            continue;
        }
        let side = Side::new(checkout, &files, &head_tree, &rules)?;
        side.check_paths()?;
        let before = before(checkout, &files, &base_tree, &rules, None, &terms.exceptions).await?;
        let mut record = begin(&files, &side.plan);
        let evidence = collect(&side.plan, &record.id, |request| side.base(request)).await?;
        let (exceptions, rules) = (&terms.exceptions, &rules);
        let finished = Finished { side: &side, exceptions, before: Some(before), rules };
        judged.push(finish(finished, &mut record, evidence));
    }
    for judged in &mut judged {
        brought(judged, head.of(&judged.bundle.record.target));
    }
    if !order.trust_head {
        waits.extend(on_merge(&judged, &base, &head, &rules, &head_tree, order));
    }
    judged.sort_by(|a, b| a.bundle.record.target.cmp(&b.bundle.record.target));
    let removed = removed.iter().map(|declared| declared.target.key()).collect();
    Ok(Audit {
        targets: judged,
        waits,
        removed,
        commit: commits.head.clone(),
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

/// Mapping files, from the repository's root: they say what a key means, and are the base's.
fn mappings(documents: &Documents) -> Vec<PathBuf> {
    let of = |declared: &Declared| {
        let folder = declared.folder();
        let configs = declared.target.spec.gateway_config.iter();
        let paths = configs.filter_map(|config| config.mapping.as_ref()?.path.clone());
        let inside = |path: String| inside(&folder.join(path).to_string_lossy()).ok();
        paths.filter_map(inside).collect::<Vec<_>>()
    };
    documents.targets.iter().flat_map(of).collect()
}

fn in_order(documents: &Documents) -> Vec<&Declared> {
    let mut targets: Vec<_> = documents.targets.iter().collect();
    targets.sort_by_key(|declared| declared.target.key());
    targets
}

/// Both sides with the files that either declares. Where the document has moved to another folder,
/// its relative paths mean something else, and each side has its own.
fn both(old: Declared, new: Declared) -> (Declared, Declared) {
    if old.folder() != new.folder() {
        return (old, new);
    }
    let united = |one: &Declared, other: &Declared| Declared {
        target: trust::united(&one.target, &other.target),
        file: one.file.clone(),
    };
    (united(&old, &new), united(&new, &old))
}

/// A target as one commit has it.
struct Side<'a> {
    checkout: &'a Checkout,
    declared: &'a Declared,
    tree: &'a Tree,
    plan: Plan,
}

impl<'a> Side<'a> {
    fn new(
        checkout: &'a Checkout,
        declared: &'a Declared,
        tree: &'a Tree,
        rules: &RuleSet,
    ) -> Result<Self, Failure> {
        let (file, key) = (&declared.file, declared.target.key());
        let plan = engine::plan::plan(&declared.target, None, rules)
            .map_err(|error| Failure::new(format!("{file}: {key}: {error}")))?;
        if plan.requests.is_empty() && plan.skipped.is_empty() {
            return Err(Failure::new(format!(
                "{file}: {key} declares no input of any check; declare endpoints, gatewayConfig or \
                 deviceCertificates"
            )));
        }
        Ok(Self { checkout, declared, tree, plan })
    }

    fn place(&self, request: &CheckRequest) -> Where {
        Where::of(request, &self.declared.folder(), |path| self.tree.has(path))
    }

    /// What is in the repository is read as the commit has it; everything else from the checkout,
    /// where earlier steps of the workflow may have put it.
    fn base(&self, request: &CheckRequest) -> std::path::PathBuf {
        self.root(request).join(self.declared.folder())
    }

    fn root(&self, request: &CheckRequest) -> &std::path::Path {
        let folder = self.declared.folder();
        let sources = request.sources();
        let tracked = sources.iter().filter_map(|source| source.path.as_ref()).all(|path| {
            let path = inside(&folder.join(path).to_string_lossy());
            path.is_ok_and(|path| self.tree.has(&path))
        });
        if tracked { self.tree.root() } else { self.checkout.root() }
    }

    fn check_paths(&self) -> Result<(), Failure> {
        let folder = self.declared.folder();
        self.plan.requests.iter().try_for_each(|request| {
            stays_inside(request, self.root(request), &folder)
                .map_err(|error| Failure::new(format!("{}: {error}", self.declared.file)))
        })
    }
}

fn begin(declared: &Declared, plan: &Plan) -> RunRecord {
    let started_at = Timestamp::now();
    let engine = EngineInfo {
        name: "plumbline-action".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let id = RunId::new(started_at, rand::random());
    RunRecord {
        file: Some(declared.file.clone()),
        ..RunRecord::begun(id, &declared.target, plan, engine, started_at)
    }
}

/// What was seen before, judged by today's rules and exceptions: a rule that became stricter is no
/// regression of the path.
fn earlier(
    standing: &Standing,
    declared: &Declared,
    rules: &RuleSet,
    exceptions: &[AuditException],
) -> RunBundle {
    let was = Declared { target: standing.document.clone(), file: declared.file.clone() };
    let mut record = begin(&was, &standing.plan);
    record.id = standing.run.clone();
    record.started_at = standing.started_at;
    conclude_alone(&mut record, &standing.evidence, rules, exceptions);
    RunBundle {
        record,
        evidence: standing.evidence.clone(),
        exceptions: exceptions.to_vec(),
        baseline: None,
    }
}

fn conclude_alone(
    record: &mut RunRecord,
    evidence: &[Evidence],
    rules: &RuleSet,
    exceptions: &[AuditException],
) {
    let terms = Terms { rules, exceptions, before: None, next_run: None };
    conclude(record, evidence, &terms, Timestamp::now());
    record.integrity = integrity::seal(record, None);
}

/// The base of a pull request: its files judged anew, and what the default branch saw of the rest.
async fn before(
    checkout: &Checkout,
    old: &Declared,
    base_tree: &Tree,
    rules: &RuleSet,
    known: Option<Standing>,
    exceptions: &[AuditException],
) -> Result<RunBundle, Failure> {
    let mut side = Side::new(checkout, old, base_tree, rules)?;
    let seen = |request: &CheckRequest| {
        let same = |e: &&Evidence| e.check == request.check && e.subject == request.subject;
        known.as_ref().and_then(|standing| standing.evidence.iter().find(same))
    };
    let mut files = Plan::default();
    let mut stored = Vec::new();
    for request in &side.plan.requests {
        match (side.place(request), seen(request)) {
            (Where::Repository, _) => files.requests.push(request.clone()),
            (_, Some(evidence)) => stored.push(evidence.clone()),
            (_, None) => {}
        }
    }
    // What nobody saw before was not asked before.
    side.plan.requests.retain(|request| {
        files.requests.contains(request)
            || stored.iter().any(|e| e.check == request.check && e.subject == request.subject)
    });
    let mut record = begin(old, &side.plan);
    let mut evidence = collect(&files, &record.id, |request| side.base(request)).await?;
    evidence.extend(stored);
    conclude_alone(&mut record, &evidence, rules, exceptions);
    Ok(RunBundle { record, evidence, exceptions: exceptions.to_vec(), baseline: None })
}

struct Finished<'a> {
    side: &'a Side<'a>,
    exceptions: &'a [AuditException],
    before: Option<RunBundle>,
    rules: &'a RuleSet,
}

fn finish(by: Finished<'_>, record: &mut RunRecord, evidence: Vec<Evidence>) -> Judged {
    let Finished { side, exceptions, before, rules } = by;
    let terms = Terms { rules, exceptions, before: before.as_ref(), next_run: None };
    conclude(record, &evidence, &terms, Timestamp::now());
    record.integrity = integrity::seal(record, None);
    let places = side
        .plan
        .requests
        .iter()
        .map(|request| ((request.check, request.subject.clone()), side.place(request)))
        .collect();
    Judged {
        file: side.declared.file.clone(),
        bundle: RunBundle {
            record: record.clone(),
            evidence,
            exceptions: exceptions.to_vec(),
            baseline: before.map(Box::new),
        },
        places,
        introduced: BTreeSet::new(),
        resolved: BTreeSet::new(),
        lost: Vec::new(),
    }
}

fn declares(head: Option<&Declared>, subject: &Subject) -> bool {
    head.is_some_and(|head| {
        let (spec, name) = (&head.target.spec, subject.name());
        match subject.kind() {
            "config" => spec.gateway_config.iter().any(|config| config.name == name),
            "certificates" => spec.device_certificates.iter().any(|set| set.name == name),
            _ => true,
        }
    })
}

/// Whether a part of the target is the change's own; `known` is whether it was seen without it.
const fn is_own(place: Option<Where>, known: bool) -> bool {
    match place {
        Some(Where::Repository) => true,
        Some(Where::Workflow) => known,
        Some(Where::Deployed) => false,
        // Gone from the head: it was asked of the base.
        None => true,
    }
}

/// What of the difference is the change's own. A file of the repository is; what the workflow has
/// started is, where the default branch has started it, too; what is deployed elsewhere is not.
/// `head` is the target as the change declares it: what it does not declare any more may go.
fn brought(judged: &mut Judged, head: Option<&Declared>) {
    let record = &judged.bundle.record;
    let (Some(delta), Some(before)) = (&record.delta, &judged.bundle.baseline) else { return };
    let Some(was) = &before.record.assessment else { return };
    let known: BTreeSet<Part> =
        before.evidence.iter().map(|e| (e.check, e.subject.clone())).collect();
    let own = |rule: &IssueKey, subject: &Subject| {
        let known = known.contains(&(rule.check(), subject.clone()));
        is_own(judged.place(rule, subject), known)
    };
    let assessment = judged.assessment();
    let (mut introduced, mut resolved, mut lost) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for control in &delta.controls {
        if !own(&control.rule, &control.subject) {
            continue;
        }
        let same = |rule: &IssueKey, subject: &Subject| {
            *rule == control.rule && *subject == control.subject
        };
        let id = FindingId::new(&record.target, &control.rule, &control.subject);
        let now = assessment.findings.iter().find(|f| same(&f.key, &f.subject));
        let then = was.findings.iter().find(|f| same(&f.key, &f.subject));
        let fails = now.is_some_and(model::assessment::Finding::is_open);
        let failed = then.is_some_and(model::assessment::Finding::is_open);
        let worse = now.zip(then).is_some_and(|(now, then)| now.severity > then.severity);
        if fails && (!failed || worse) {
            introduced.insert(id);
        } else if failed && control.after.as_ref().is_some_and(|a| a.verdict == Verdict::Pass) {
            resolved.insert(id);
        }
        if control.class == DeltaClass::CoverageLost && declares(head, &control.subject) {
            let mandatory = was.controls.iter().any(|c| same(&c.rule, &c.subject) && c.mandatory);
            if mandatory {
                lost.push((control.rule.clone(), control.subject.clone()));
            }
        }
    }
    judged.introduced = introduced;
    judged.resolved = resolved;
    judged.lost = lost;
}

/// What would be judged otherwise once the pull request's own rules and exceptions count.
fn on_merge(
    judged: &[Judged],
    base: &Documents,
    head: &Documents,
    rules: &RuleSet,
    head_tree: &Tree,
    order: &Order,
) -> Vec<String> {
    let mut said = Vec::new();
    let same_exceptions = base.exceptions == head.exceptions;
    let merged = rules::load(head_tree, &order.rules);
    let packs = |rules: &RuleSet| -> Vec<_> {
        rules.packs().iter().map(|pack| pack.reference.clone()).collect()
    };
    let same_rules = merged.as_ref().is_ok_and(|merged| packs(merged) == packs(rules));
    let open = |judged: &Judged, rules: &RuleSet, exceptions: &[AuditException]| {
        let record = &judged.bundle.record;
        let case = Case {
            target: &record.document,
            file: record.file.as_deref(),
            plan: &record.plan,
            evidence: &judged.bundle.evidence,
        };
        let at = record.ended_at.unwrap_or(record.started_at);
        assess(&case, rules, exceptions, at).open_findings().count()
    };
    let total = |rules: &RuleSet, exceptions: &[AuditException]| -> usize {
        judged.iter().map(|judged| open(judged, rules, exceptions)).sum()
    };
    if !same_exceptions {
        let (old, new) = (&base.exceptions, &head.exceptions);
        let added = new.iter().filter(|exception| !old.contains(exception)).count();
        let taken = old.iter().filter(|exception| !new.contains(exception)).count();
        let fewer = total(rules, old).saturating_sub(total(rules, new));
        said.push(format!(
            "adds or changes {added} and removes or changes {taken} exceptions: {fewer} {} be \
             waived on merge, and none by this pull request itself",
            if fewer == 1 { "finding would" } else { "findings would" }
        ));
    }
    match merged {
        Err(error) => said.push(format!("its rule packs cannot be loaded: {error}")),
        Ok(merged) if !same_rules => {
            let (before, after) =
                (total(rules, &base.exceptions), total(&merged, &base.exceptions));
            said.push(format!(
                "changes the rules: {before} open findings would be {after} on merge; it is judged \
                 by the base's"
            ));
        }
        Ok(_) => {}
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deployed_elsewhere_is_no_change_and_what_the_workflow_starts_is_one_if_it_was_known()
    {
        for known in [true, false] {
            assert!(is_own(Some(Where::Repository), known));
            assert!(!is_own(Some(Where::Deployed), known));
            assert_eq!(is_own(Some(Where::Workflow), known), known);
            assert!(is_own(None, known));
        }
    }
}
