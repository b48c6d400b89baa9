//! What a run says of each control, as issues take it.

use std::collections::BTreeMap;

use model::assessment::{Assessment, ControlResult, Finding};
use model::{FindingId, IssueKey, Subject, Verdict};

use super::words::failing;
use super::{Observation, Seen};

/// What a run says, in the order of its controls. What it does not list was not run.
pub fn observations(assessment: &Assessment) -> Vec<Observation> {
    let findings: BTreeMap<(&IssueKey, &Subject), &Finding> = assessment
        .findings
        .iter()
        .map(|finding| ((&finding.key, &finding.subject), finding))
        .collect();
    let target = &assessment.target;
    let observation = |control: &ControlResult| Observation {
        id: FindingId::new(target, &control.rule, &control.subject),
        earlier: Vec::new(),
        target: target.clone(),
        rule: control.rule.clone(),
        subject: control.subject.clone(),
        seen: seen(assessment, control, findings.get(&(&control.rule, &control.subject)).copied()),
    };
    assessment.controls.iter().map(observation).collect()
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
