//! The comparison of two runs with a million controls each.

use std::hint::black_box;
use std::time::Instant;

use engine::assess::{Case, assess};
use engine::delta::{Compared, delta};
use engine::rule::built_in;
use jiff::Timestamp;
use model::assessment::{Assessment, ControlResult, JudgedRule};
use model::document::AuditTarget;
use model::request::Plan;
use model::{Digest, RunId, Subject, Verdict};
use serde_json::json;

use super::Row;
use super::resources::{mib, peak_resident, resident};

/// Controls of each of the two runs.
const CONTROLS: usize = 1_000_000;

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let before = assessment(0)?;
    let after = assessment(1)?;
    let held = resident()?;
    let ids = ["before", "after"].map(|name| RunId(name.to_owned()));
    let compared = |run, assessment| Compared {
        run,
        started_at: Timestamp::UNIX_EPOCH,
        assessment,
        evidence: &[],
    };
    let clock = Instant::now();
    let delta = delta(&compared(&ids[0], &before), &compared(&ids[1], &after));
    let seconds = clock.elapsed().as_secs_f64();
    let peak = peak_resident()?;
    let counts = delta.counts;
    let controls = delta.controls.len();
    black_box(delta);
    Ok(vec![
        Row::new(
            "delta of two runs with 1,000,000 control results each",
            format!("{seconds:.2} s"),
            "< 1 s",
        ),
        Row::aside(
            "its memory: both runs, and what the comparison adds",
            format!("{}, {}", mib(held), mib(peak.saturating_sub(held))),
        ),
        Row::aside(
            "what it found",
            format!(
                "{controls} controls: {} regressed, {} improved, {} drift",
                counts.regressed, counts.improved, counts.drift
            ),
        ),
    ])
}

/// A run of every built-in rule over so many subjects. In the later one, every tenth control has
/// another verdict and every hundredth other evidence.
fn assessment(run: usize) -> anyhow::Result<Assessment> {
    let rules = built_in();
    let target: AuditTarget = serde_json::from_value(json!({
        "apiVersion": model::document::API_VERSION,
        "metadata": {"name": "fleet"},
        "spec": {"path": "gateway"},
    }))?;
    let plan = Plan::default();
    let case = Case { target: &target, file: None, plan: &plan, evidence: &[] };
    let mut assessment = assess(&case, &rules, &[], Timestamp::UNIX_EPOCH);
    let subjects = CONTROLS.div_ceil(rules.rules().len());
    let digests = [b"before".as_slice(), b"after"].map(Digest::of_bytes);
    for rule in rules.rules() {
        assessment.rules.push(JudgedRule {
            rule: rule.key.clone(),
            version: rule.version,
            pointers: rule.pointers().to_vec(),
        });
        for subject in 0..subjects {
            let number = assessment.controls.len();
            if number == CONTROLS {
                break;
            }
            let fails = number % 20 == run * 10;
            assessment.controls.push(ControlResult {
                rule: rule.key.clone(),
                rule_version: rule.version,
                subject: Subject::endpoint(&format!("site-{subject:06}")),
                title: rule.control.clone(),
                domain: rule.domain,
                severity: rule.severity,
                mandatory: rule.mandatory,
                verdict: if fails { Verdict::Fail } else { Verdict::Pass },
                waived_by: None,
                evidence: Some(digests[usize::from(run == 1 && number % 100 == 2)].clone()),
                solid: rule.says.solid.clone(),
            });
        }
    }
    Ok(assessment)
}
