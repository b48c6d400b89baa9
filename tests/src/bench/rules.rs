//! Rule evaluations per core-second, over stored evidence of the reference case.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use engine::assess::{Case, assess};
use engine::expression::{Params, Scope};
use engine::judge::judge_in;
use engine::rule::{RuleSet, built_in};
use jiff::Timestamp;
use model::run::RunBundle;
use testkit::gateway::Posture;

use super::resources::processor_time;
use super::{Row, grouped};
use crate::plumb::Bench;
use crate::site::Running;

/// How long one loop goes on, in processor time.
const SPAN: Duration = Duration::from_secs(3);

/// One run of the exposed reference gateway, with its evidence.
pub(super) fn reference_run() -> anyhow::Result<RunBundle> {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let target = target.to_string_lossy();
    let bundle = ["--bundle", "audit-baseline", "-o", "json=bundle.json"];
    bench.plumb(&[&["run", "-f", &target], &bundle[..]].concat()).expect(1);
    Ok(serde_json::from_str(&bench.read("bundle.json"))?)
}

/// Measures.
pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let bundle = reference_run()?;
    let rules = built_in();
    let whole = per_second(|| judgement(&bundle, &rules))?;
    let alone = verdicts_alone(&bundle, &rules)?;
    Ok(vec![
        Row::aside("controls judged per core-second, evidence to whole assessment", grouped(whole)),
        Row::new(
            "rule evaluations per core-second: verdicts on documents that are opened once",
            grouped(alone),
            ">= 500,000",
        ),
    ])
}

/// One assessment; the number of controls that evidence was judged for.
fn judgement(bundle: &RunBundle, rules: &RuleSet) -> u64 {
    let record = &bundle.record;
    let case = Case {
        target: &record.document,
        file: record.file.as_deref(),
        plan: &record.plan,
        evidence: &bundle.evidence,
    };
    let assessment = assess(&case, rules, &bundle.exceptions, record.started_at);
    let judged = assessment.controls.iter().filter(|control| control.evidence.is_some()).count();
    black_box(assessment);
    judged as u64
}

fn verdicts_alone(bundle: &RunBundle, rules: &RuleSet) -> anyhow::Result<u64> {
    let now: Timestamp = bundle.record.started_at;
    let seen: Vec<_> = bundle
        .evidence
        .iter()
        .map(|document| {
            let own: Vec<_> =
                rules.of(document.check).map(|rule| (rule, Params::new(&rule.params))).collect();
            (document, Scope::under(&document.stable, rules.profiles(), now), own)
        })
        .collect();
    let by_verdict = || {
        let mut count = BTreeMap::new();
        for (document, scope, own) in &seen {
            for (rule, params) in own {
                let (verdict, _) = judge_in(rule, &document.stable, scope, params);
                *count.entry(verdict.as_str()).or_insert(0_u64) += 1;
            }
        }
        count.values().sum()
    };
    per_second(by_verdict)
}

/// Calls `work` until [`SPAN`] of processor time is used; the sum of what it gives, per second.
fn per_second(work: impl Fn() -> u64) -> anyhow::Result<u64> {
    let start = processor_time()?;
    let mut done = 0;
    loop {
        for _ in 0..20 {
            done += black_box(work());
        }
        let used = processor_time()? - start;
        if used >= SPAN {
            return Ok((done as f64 / used.as_secs_f64()) as u64);
        }
    }
}
