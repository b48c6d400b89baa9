//! What a run says of each control, as issues take it.

use std::collections::{BTreeMap, BTreeSet};

use model::assessment::{Assessment, ControlResult, Finding};
use model::{FindingId, IssueKey, Subject, TargetKey, Verdict};

use super::words::failing;
use super::{Earlier, Issue, Marker, Observation, Seen, State};
use crate::rule::RuleSet;

/// What a run says, in the order of its controls, by the rules that judged it. What it does not
/// list was not run.
pub fn observations(assessment: &Assessment, rules: &RuleSet) -> Vec<Observation> {
    let findings: BTreeMap<(&IssueKey, &Subject), &Finding> = assessment
        .findings
        .iter()
        .map(|finding| ((&finding.key, &finding.subject), finding))
        .collect();
    let target = &assessment.target;
    let observation = |control: &ControlResult| Observation {
        id: FindingId::new(target, &control.rule, &control.subject),
        earlier: earlier(target, control, rules),
        target: target.clone(),
        rule: control.rule.clone(),
        subject: control.subject.clone(),
        seen: seen(assessment, control, findings.get(&(&control.rule, &control.subject)).copied()),
    };
    assessment.controls.iter().map(observation).collect()
}

fn earlier(target: &TargetKey, control: &ControlResult, rules: &RuleSet) -> Vec<Earlier> {
    let aliases = rules.rule(&control.rule).map_or(&[][..], |rule| &rule.aliases);
    let under = |rule: &IssueKey| Earlier {
        rule: rule.clone(),
        id: FindingId::new(target, rule, &control.subject),
    };
    aliases.iter().map(under).collect()
}

/// What the packs say of open issues whose rule they have retired, in the order of identities: a
/// part of the run's observations like the others. Only of targets of which the run has observed
/// something, because a repository holds issues of other runs with other packs as well.
pub fn retired(
    rules: &RuleSet,
    observations: &[Observation],
    issues: &[Issue],
    us: &str,
) -> Vec<Observation> {
    let retired = rules.retired();
    let conclusive = observations.iter().filter(|observation| observation.seen.is_conclusive());
    let targets: BTreeSet<&TargetKey> = conclusive.map(|observation| &observation.target).collect();
    let ids: BTreeSet<&FindingId> =
        observations.iter().map(|observation| &observation.id).collect();
    let found: BTreeMap<FindingId, Observation> = issues
        .iter()
        .filter(|issue| issue.author == us && issue.state == State::Open)
        .filter_map(|issue| Marker::of(&issue.body))
        .filter(|marker| retired.contains(&marker.rule) && targets.contains(&marker.target))
        // A marker that was edited by hand must not retire a finding of another rule.
        .filter(|m| m.id == FindingId::new(&m.target, &m.rule, &m.subject) && !ids.contains(&m.id))
        .map(|marker| (marker.id.clone(), gone(marker)))
        .collect();
    found.into_values().collect()
}

fn gone(marker: Marker) -> Observation {
    let Marker { id, target, rule, subject, .. } = marker;
    Observation { id, earlier: Vec::new(), target, rule, subject, seen: Seen::Retired }
}

fn seen(assessment: &Assessment, control: &ControlResult, finding: Option<&Finding>) -> Seen {
    match (&control.verdict, finding, &control.evidence) {
        (Verdict::Fail, Some(finding), _) => match &finding.waiver {
            Some(waiver) => Seen::Waived { by: waiver.name.clone(), until: waiver.expires_at },
            None => Seen::Fail(failing(&assessment.target, finding)),
        },
        (Verdict::Pass, _, Some(evidence)) => Seen::Pass { evidence: evidence.clone() },
        // There is no pass without evidence, and no failure without a finding.
        (Verdict::Pass | Verdict::Fail | Verdict::Inconclusive { .. }, _, _) => Seen::Unknown,
        (Verdict::NotApplicable { .. } | Verdict::NotRun { .. }, _, _) => Seen::NotRun,
    }
}
