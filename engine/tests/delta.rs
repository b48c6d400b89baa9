//! Laws of the delta, over random pairs of runs.

use engine::delta::{Compared, delta};
use jiff::Timestamp;
use model::assessment::{Assessment, ControlResult, Coverage, JudgedRule};
use model::delta::DeltaClass;
use model::evidence::{Evidence, Item, Items, ProbeInfo};
use model::{
    CheckId, Digest, Domain, Posture, RunId, Severity, Status, Subject, TargetKey, Verdict,
};
use proptest::prelude::*;
use serde_json::json;

const RULES: [&str; 4] =
    ["broker_cert_identity.a", "ingest_auth.b", "ingest_auth.c", "ingest_auth.d"];

/// One control of a random run: verdict, rule version, and the value behind its pointer.
#[derive(Debug, Clone)]
struct Drawn {
    verdict: u8,
    version: u32,
    value: u8,
}

/// A run: each rule may be missing.
type Run = [Option<Drawn>; 4];

fn drawn() -> impl Strategy<Value = Option<Drawn>> {
    proptest::option::weighted(
        0.9,
        (0_u8..5, 1_u32..3, 0_u8..2).prop_map(|(verdict, version, value)| Drawn {
            verdict,
            version,
            value,
        }),
    )
}

fn run() -> impl Strategy<Value = Run> {
    [drawn(), drawn(), drawn(), drawn()]
}

fn verdict(code: u8) -> Verdict {
    let reason = String::new();
    match code {
        0 => Verdict::Pass,
        1 => Verdict::Fail,
        2 => Verdict::Inconclusive { reason },
        3 => Verdict::NotApplicable { reason },
        _ => Verdict::NotRun { reason },
    }
}

fn materialize(run: &Run) -> (Assessment, Vec<Evidence>) {
    let mut controls = Vec::new();
    let mut rules = Vec::new();
    let mut evidence = Vec::new();
    for (rule, drawn) in RULES.into_iter().zip(run) {
        let Some(drawn) = drawn else { continue };
        let pointer = format!("/{}", rule.replace('.', "_"));
        let items = Items::from([(pointer.clone(), Item::observed(json!(drawn.value)))]);
        let document = Evidence {
            schema: "test.v1".to_owned(),
            check: CheckId::IngestAuth,
            target: TargetKey("t".to_owned()),
            subject: Subject::endpoint(rule),
            run: RunId("r".to_owned()),
            probe: ProbeInfo { name: "test".to_owned(), version: "0".to_owned() },
            started_at: Timestamp::UNIX_EPOCH,
            duration_ms: 0,
            attempts: 1,
            stable: items,
            volatile: Items::new(),
        };
        let verdict = verdict(drawn.verdict);
        let seen = !matches!(verdict, Verdict::NotRun { .. } | Verdict::NotApplicable { .. });
        controls.push(ControlResult {
            rule: rule.parse().expect("a key"),
            rule_version: drawn.version,
            subject: Subject::endpoint(rule),
            title: String::new(),
            domain: Domain::AccessControl,
            severity: Severity::High,
            mandatory: true,
            verdict,
            waived_by: None,
            evidence: seen.then(|| document.digest()),
            ..control()
        });
        rules.push(JudgedRule {
            rule: rule.parse().expect("a key"),
            version: drawn.version,
            pointers: vec![pointer],
        });
        evidence.push(document);
    }
    (assessment(controls, rules), evidence)
}

fn control() -> ControlResult {
    serde_json::from_value(json!({
        "rule": RULES[0], "rule_version": 1, "subject": "target", "title": "", "solid": "",
        "domain": "Access Control", "severity": "high", "mandatory": true, "verdict": "pass",
    }))
    .expect("a control")
}

fn assessment(controls: Vec<ControlResult>, rules: Vec<JudgedRule>) -> Assessment {
    Assessment {
        target: TargetKey("t".to_owned()),
        assessed_at: Timestamp::UNIX_EPOCH,
        packs: Vec::new(),
        rules,
        status: Status::Incomplete,
        posture: Posture::Unknown,
        risk_score: None,
        points: 0,
        coverage: Coverage::default(),
        domains: Vec::new(),
        controls,
        findings: Vec::new(),
        exceptions: Vec::new(),
        defects: Vec::new(),
    }
}

fn compare(before: &Run, after: &Run) -> model::delta::Delta {
    let (ids, sides) =
        (["a", "b"].map(|id| RunId(id.to_owned())), [materialize(before), materialize(after)]);
    let side = |at: usize| Compared {
        run: &ids[at],
        started_at: Timestamp::UNIX_EPOCH,
        assessment: &sides[at].0,
        evidence: &sides[at].1,
    };
    delta(&side(0), &side(1))
}

/// The class that the other direction of a comparison must give.
fn mirrored(class: DeltaClass) -> DeltaClass {
    match class {
        DeltaClass::Regressed => DeltaClass::Improved,
        DeltaClass::Improved => DeltaClass::Regressed,
        DeltaClass::CoverageLost => DeltaClass::CoverageGained,
        DeltaClass::CoverageGained => DeltaClass::CoverageLost,
        DeltaClass::New => DeltaClass::Withdrawn,
        DeltaClass::Withdrawn => DeltaClass::New,
        same => same,
    }
}

proptest! {
    #[test]
    fn a_run_compared_with_itself_is_unchanged_everywhere(run in run()) {
        let delta = compare(&run, &run);
        prop_assert!(delta.controls.iter().all(|c| c.class == DeltaClass::Unchanged && c.changes.is_empty()));
        prop_assert_eq!(usize::try_from(delta.counts.unchanged).unwrap(), delta.controls.len());
    }

    #[test]
    fn swapping_the_sides_mirrors_every_class(before in run(), after in run()) {
        let (there, back) = (compare(&before, &after), compare(&after, &before));
        let classes: Vec<_> = there.controls.iter().map(|c| mirrored(c.class)).collect();
        let others: Vec<_> = back.controls.iter().map(|c| c.class).collect();
        prop_assert_eq!(classes, others);
    }

    #[test]
    fn every_control_is_in_exactly_one_class(before in run(), after in run()) {
        let delta = compare(&before, &after);
        let sum: u32 = DeltaClass::ALL.into_iter().map(|class| delta.counts.of(class)).sum();
        prop_assert_eq!(usize::try_from(sum).unwrap(), delta.controls.len());
    }

    #[test]
    fn what_was_not_observed_is_never_improved_and_lost_sight_is_never_unchanged(
        before in run(), after in run()
    ) {
        for control in compare(&before, &after).controls {
            let conclusive = |side: &Option<model::delta::ControlSide>| {
                side.as_ref().is_some_and(|side| side.verdict.is_conclusive())
            };
            let (seen_before, seen_after) = (conclusive(&control.before), conclusive(&control.after));
            if matches!(control.class, DeltaClass::Improved | DeltaClass::Regressed) {
                prop_assert!(seen_before && seen_after);
            }
            if seen_before && !seen_after {
                prop_assert!(matches!(control.class, DeltaClass::CoverageLost | DeltaClass::Withdrawn));
            }
        }
    }
}

#[test]
fn the_same_verdict_on_other_evidence_is_drift_and_names_the_pointer() {
    let one = |value| -> Run { [Some(Drawn { verdict: 0, version: 1, value }), None, None, None] };
    let delta = compare(&one(0), &one(1));
    assert_eq!(delta.counts.drift, 1);
    let change = &delta.controls[0].changes[0];
    assert_eq!(change.pointer, "/broker_cert_identity_a");
    assert_eq!((change.before.as_deref(), change.after.as_deref()), (Some("0"), Some("1")));
}

#[test]
fn another_verdict_under_another_rule_version_is_the_rules_doing() {
    let one = |verdict, version| -> Run {
        [Some(Drawn { verdict, version, value: 0 }), None, None, None]
    };
    assert_eq!(compare(&one(0, 1), &one(1, 2)).counts.rule_changed, 1);
    assert_eq!(compare(&one(0, 1), &one(1, 1)).counts.regressed, 1);
}

#[test]
fn a_body_that_is_gone_is_drift_without_pointers() {
    let (mut before, evidence) =
        materialize(&[Some(Drawn { verdict: 0, version: 1, value: 0 }), None, None, None]);
    before.controls[0].evidence = Some(Digest::of_bytes(b"gone"));
    let (after, _) =
        materialize(&[Some(Drawn { verdict: 0, version: 1, value: 1 }), None, None, None]);
    let run = RunId("r".to_owned());
    let side = |assessment| Compared {
        run: &run,
        started_at: Timestamp::UNIX_EPOCH,
        assessment,
        evidence: &evidence,
    };
    let delta = delta(&side(&before), &side(&after));
    assert_eq!(delta.counts.drift, 1);
    assert!(delta.controls[0].changes.is_empty());
}
