//! Which runs raise which alerts.

use engine::alert::alerts;
use jiff::{SignedDuration, Timestamp};
use model::alert::{Alert, ExpiryState};
use model::assessment::Assessment;
use model::delta::Delta;
use model::evidence::{Evidence, Item, Items, ProbeInfo};
use model::{CheckId, RunId, Subject, TargetKey};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn in_days(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(days * 24)
}

fn certificate(name: &str, end: Option<Timestamp>) -> Value {
    let spki = model::Digest::of_bytes(name.as_bytes());
    json!({ "spki": spki, "subject": name, "issuer": "CN=CA", "not_after": end, "count": 1 })
}

fn document(certificates: Item<Value>) -> Evidence {
    Evidence {
        schema: "broker_cert_identity.v1".to_owned(),
        check: CheckId::BrokerCertIdentity,
        target: TargetKey("gw".to_owned()),
        subject: Subject::endpoint("broker"),
        run: RunId("r".to_owned()),
        probe: ProbeInfo { name: "test".to_owned(), version: "0".to_owned() },
        started_at: now(),
        duration_ms: 0,
        attempts: 1,
        stable: Items::from([("/certificates".to_owned(), certificates)]),
        volatile: Items::new(),
    }
}

fn assessment() -> Assessment {
    serde_json::from_value(json!({
        "target": "gw", "assessed_at": NOW, "packs": [], "rules": [], "status": "FAIL",
        "posture": "red", "risk_score": 0, "points": 0,
        "coverage": {
            "selected": 0, "evaluated": 0, "inconclusive": 0, "mandatory_inconclusive": 0,
            "not_applicable": 0
        },
        "domains": [], "controls": [], "findings": [], "exceptions": [], "defects": [],
    }))
    .expect("an assessment")
}

/// States and subjects of the certificate alerts, in their order.
fn expiries(certificates: Vec<Value>, next_run: Option<Timestamp>) -> Vec<(ExpiryState, String)> {
    let evidence = [document(Item::observed(Value::from(certificates)))];
    alerts(&assessment(), None, &evidence, next_run, now())
        .into_iter()
        .map(|alert| match alert {
            Alert::CertificateExpiry(alert) => (alert.state, alert.certificate),
            Alert::Regression(alert) => panic!("{alert:?}"),
        })
        .collect()
}

#[test]
fn certificates_are_listed_by_urgency_and_only_while_they_end_soon() {
    let seen = vec![
        certificate("endless", None),
        certificate("later", Some(in_days(31))),
        certificate("warning", Some(in_days(30))),
        certificate("critical", Some(in_days(7))),
        certificate("expired", Some(in_days(-1))),
    ];
    assert_eq!(
        expiries(seen, None),
        [
            (ExpiryState::Expired, "expired".to_owned()),
            (ExpiryState::Critical, "critical".to_owned()),
            (ExpiryState::Warning, "warning".to_owned()),
        ]
    );
}

#[test]
fn a_certificate_that_ends_before_anybody_looks_again_is_named_whatever_its_days() {
    let seen = || vec![certificate("quarter", Some(in_days(80)))];
    assert_eq!(expiries(seen(), Some(in_days(79))), []);
    let before = expiries(seen(), Some(in_days(90)));
    assert_eq!(before, [(ExpiryState::BeforeNextRun, "quarter".to_owned())]);
}

#[test]
fn days_left_are_whole_days_rounded_down_and_negative_after_the_end() {
    let end = now() - SignedDuration::from_hours(1);
    let evidence = [document(Item::observed(json!([certificate("a", Some(end))])))];
    let found = alerts(&assessment(), None, &evidence, None, now());
    let [Alert::CertificateExpiry(alert)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(alert.days_left, -1);
}

#[test]
fn one_key_at_one_place_is_one_alert() {
    let twice = vec![certificate("a", Some(in_days(1))), certificate("a", Some(in_days(1)))];
    assert_eq!(expiries(twice, None).len(), 1);
}

#[test]
fn certificates_that_were_not_observed_raise_nothing_and_break_nothing() {
    let evidence = [document(Item::timeout("no answer")), document(Item::observed(json!("x")))];
    assert_eq!(alerts(&assessment(), None, &evidence, None, now()), []);
}

/// A delta with one control per class and severity that matters here.
fn delta() -> Delta {
    let side = |verdict: &str, waived: Option<&str>| json!({ "verdict": verdict, "rule_version": 1, "waived_by": waived });
    let control = |rule: &str, severity: &str, class: &str, waived: Option<&str>| {
        json!({
            "rule": rule, "subject": "endpoint/ingest", "title": rule,
            "domain": "Access Control", "severity": severity, "class": class,
            "before": side("pass", None), "after": side("fail", waived), "changes": [],
        })
    };
    let end = json!({
        "run": "r", "started_at": NOW, "status": "FAIL", "posture": "red", "risk_score": 1,
        "findings": 1,
    });
    serde_json::from_value(json!({
        "target": "gw", "before": end, "after": end,
        "counts": {
            "regressed": 4, "coverage_lost": 0, "rule_changed": 0, "new": 0, "coverage_gained": 0,
            "improved": 1, "withdrawn": 0, "drift": 0, "unchanged": 0
        },
        "controls": [
            control("ingest_auth.a", "high", "regressed", None),
            control("ingest_auth.b", "critical", "regressed", None),
            control("ingest_auth.c", "medium", "regressed", None),
            control("ingest_auth.d", "critical", "regressed", Some("accepted")),
            control("ingest_auth.e", "critical", "improved", None),
        ],
    }))
    .expect("a delta")
}

#[test]
fn open_regressions_of_high_and_critical_controls_are_alerts_the_worst_first() {
    let found = alerts(&assessment(), Some(&delta()), &[], None, now());
    let rules: Vec<_> = found
        .iter()
        .map(|alert| match alert {
            Alert::Regression(alert) => alert.rule.as_str(),
            Alert::CertificateExpiry(alert) => panic!("{alert:?}"),
        })
        .collect();
    assert_eq!(rules, ["ingest_auth.b", "ingest_auth.a"]);
}
