//! A pull request: both sides judged, and what the change brings.

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine::assess::{Case, assess};
use engine::rule::RuleSet;
use jiff::Timestamp;
use model::assessment::Finding;
use model::delta::DeltaClass;
use model::document::AuditException;
use model::{FindingId, IssueKey, Subject, Verdict};

use super::collect::Where;
use super::judge::Judge;
use super::{
    Audit, Baselines, Declared, Documents, Judged, Order, Part, in_order, rules, something, trust,
};
use crate::checkout::{Checkout, Commits, Tree, inside};
use crate::failure::Failure;

/// Judges a pull request: what is in the repository at both commits, everything else at the head
/// and against what the default branch saw last.
pub async fn pull(
    checkout: &Checkout,
    commits: &Commits,
    order: &Order,
    baselines: &Baselines,
) -> Result<Audit, Failure> {
    let (base_tree, head_tree) = (checkout.tree(&commits.base)?, checkout.tree(&commits.head)?);
    let rules = rules_of(&base_tree, &head_tree, order)?;
    let head = Documents::read(&head_tree, &order.documents)?;
    // What the base has may be wrong already: then everything is new.
    let base = Documents::read(&base_tree, &order.documents).unwrap_or_default();
    something(&head, order).or_else(|failure| something(&base, order).map_err(|_| failure))?;
    let terms = if order.trust_head { &head } else { &base };
    terms.in_force(Timestamp::now())?;
    if !order.trust_head {
        for mapping in mappings(&base) {
            head_tree.take(&base_tree, &mapping)?;
        }
    }
    let judge = Judge { checkout, rules: &rules, exceptions: &terms.exceptions };
    let mut waits = Vec::new();
    let mut targets = Vec::new();
    for declared in in_order(&head) {
        let old = base.of(&declared.target.key());
        let declared = if order.trust_head {
            declared.clone()
        } else {
            let composed = trust::compose(old.map(|old| &old.target), &declared.target);
            waits.extend(composed.waits);
            Declared { target: composed.target, file: declared.file.clone() }
        };
        // A target that the base does not declare may speak of files that the base has.
        let (old, declared) = both(old.unwrap_or(&declared).clone(), declared);
        let known = baselines.of(&declared.target.key()).await?;
        let before = judge.base(&old, &base_tree, known).await?;
        targets.push(judge.judge(&declared, &head_tree, Some(before)).await?);
    }
    let is_removed = |old: &&Declared| head.of(&old.target.key()).is_none();
    let removed: Vec<&Declared> = base.targets.iter().filter(is_removed).collect();
    for old in &removed {
        // Nobody can weaken a file unseen by not declaring its target any more.
        let files = Declared { target: trust::files_of(&old.target), file: old.file.clone() };
        let spec = &files.target.spec;
        if !spec.gateway_config.is_empty() || !spec.device_certificates.is_empty() {
            let before = judge.base(&files, &base_tree, None).await?;
            targets.push(judge.judge(&files, &head_tree, Some(before)).await?);
        }
    }
    for judged in &mut targets {
        brought(judged, head.of(&judged.bundle.record.target));
    }
    targets.sort_by(|a, b| a.bundle.record.target.cmp(&b.bundle.record.target));
    if !order.trust_head {
        waits.extend(on_merge(&targets, &base, &head, &rules, &head_tree, order));
    }
    let removed = removed.iter().map(|declared| declared.target.key()).collect();
    Ok(Audit {
        targets,
        waits,
        removed,
        commit: commits.head.clone(),
        observed_at: Timestamp::now(),
        rules,
    })
}

/// The rules that count.
fn rules_of(base: &Tree, head: &Tree, order: &Order) -> Result<RuleSet, Failure> {
    let tree = if order.trust_head { head } else { base };
    match rules::load(tree, &order.rules) {
        // A pack that the pull request adds is not there yet.
        Err(_) if !order.trust_head && rules::load(head, &order.rules).is_ok() => {
            rules::load(base, &[])
        }
        other => other,
    }
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
        let fails = now.is_some_and(Finding::is_open);
        let failed = then.is_some_and(Finding::is_open);
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
