//! What says the same of many subjects, folded into one.

use std::collections::BTreeMap;

use model::IssueKey;
use model::assessment::Finding;

/// From this many with the same texts on, one stands for all of them.
const FOLD_FROM: usize = 4;

/// One or more findings, or controls, whose texts are the same but for what is said of each subject
/// by itself.
#[derive(Debug, Clone)]
pub struct Group<'a, T = Finding> {
    /// The one that is written out.
    pub first: &'a T,
    /// The others.
    pub rest: Vec<&'a T>,
}

impl<'a, T> Group<'a, T> {
    /// Everything in the group.
    pub fn all(&self) -> impl Iterator<Item = &'a T> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rest.len() + 1
    }
}

/// Findings in their order, folded where enough of them share the texts of a card.
pub fn group<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    fold(findings, |finding| &finding.key, same_texts)
}

/// Everything in its order, folded where at least [`FOLD_FROM`] of one key are the `same`.
pub fn fold<'a, T>(
    all: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&'a T) -> &'a IssueKey,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<Group<'a, T>> {
    let mut groups: Vec<Group<'a, T>> = Vec::new();
    let mut of_key: BTreeMap<&IssueKey, Vec<usize>> = BTreeMap::new();
    for one in all {
        let known = of_key.entry(key(one)).or_default();
        match known.iter().find(|index| same(groups[**index].first, one)) {
            Some(index) => groups[*index].rest.push(one),
            None => {
                known.push(groups.len());
                groups.push(Group { first: one, rest: Vec::new() });
            }
        }
    }
    groups.into_iter().flat_map(unfold_small).collect()
}

fn unfold_small<T>(group: Group<'_, T>) -> Vec<Group<'_, T>> {
    if group.len() >= FOLD_FROM {
        return vec![group];
    }
    group.all().map(|first| Group { first, rest: Vec::new() }).collect()
}

/// True where everything that a card prints once would read the same. What differs between the
/// subjects (`what`, `observed`, `expected`, the evidence) has a column of its own.
fn same_texts(a: &Finding, b: &Finding) -> bool {
    a.severity == b.severity
        && a.title == b.title
        && a.why == b.why
        && a.remediation == b.remediation
        && a.acceptance == b.acceptance
        && a.verify == b.verify
        && a.waiver == b.waiver
        && a.waived_by == b.waived_by
        && a.rule_version == b.rule_version
        && a.standards == b.standards
        && a.references == b.references
}
