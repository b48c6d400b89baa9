//! Findings that say the same of many subjects, folded into one card.

use std::collections::BTreeMap;

use model::assessment::Finding;

/// From this many findings with the same texts on, one card stands for all of them.
const FOLD_FROM: usize = 4;

/// One or more findings whose texts are the same but for subject and observation.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The finding whose card is written out.
    pub first: &'a Finding,
    /// The others, each of which becomes a row.
    pub rest: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    /// Every finding of the group.
    pub fn all(&self) -> impl Iterator<Item = &'a Finding> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}

/// Findings in their order, folded where at least [`FOLD_FROM`] of them share their texts.
pub fn group<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut of_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for finding in findings {
        let known = of_key.entry(finding.key.as_str()).or_default();
        match known.iter().find(|index| same_texts(groups[**index].first, finding)) {
            Some(index) => groups[*index].rest.push(finding),
            None => {
                known.push(groups.len());
                groups.push(Group { first: finding, rest: Vec::new() });
            }
        }
    }
    groups.into_iter().flat_map(unfold_small).collect()
}

fn unfold_small(group: Group<'_>) -> Vec<Group<'_>> {
    if group.rest.len() + 1 >= FOLD_FROM {
        return vec![group];
    }
    group.all().map(|first| Group { first, rest: Vec::new() }).collect()
}

/// True where everything that a card prints once would read the same. What differs between the
/// subjects (`what`, `observed`, the evidence) has a column of its own.
fn same_texts(a: &Finding, b: &Finding) -> bool {
    a.severity == b.severity
        && a.title == b.title
        && a.why == b.why
        && a.expected == b.expected
        && a.remediation == b.remediation
        && a.acceptance == b.acceptance
        && a.verify == b.verify
        && a.waiver == b.waiver
        && a.waived_by == b.waived_by
        && a.rule_version == b.rule_version
        && a.standards == b.standards
        && a.references == b.references
}
