//! The reference story, with its exact figures.

use serde_json::Value;
use testkit::gateway::Posture;
use tests::plumb::Bench;
use tests::site::Running;

const KEYS: [&str; 4] = [
    "gateway_config_guardrails.auth_enforcement_disabled",
    "ingest_auth.insecure_transport",
    "ingest_auth.unauthenticated_ingest_allowed",
    "gateway_config_guardrails.unsafe_defaults_not_observable",
];

fn record(bench: &Bench, run: &str, store: &str) -> Value {
    bench.plumb(&["runs", "show", run, "--store", store]).expect(0).json()
}

fn domain<'a>(record: &'a Value, name: &str) -> &'a Value {
    let domains = record["assessment"]["domains"].as_array().unwrap();
    domains.iter().find(|domain| domain["domain"] == name).unwrap()
}

#[test]
fn the_demo_tells_the_reference_story_with_its_exact_figures() {
    let bench = Bench::new();
    let demo = bench.plumb(&["demo"]).expect(0);
    assert!(demo.stdout.contains("4 findings (3 high, 1 medium)"), "{}", demo.stdout);
    assert!(demo.stdout.contains("4 improved, 0 regressed"), "{}", demo.stdout);
    assert!(demo.stdout.contains("without a token 401, with the token 202"), "{}", demo.stdout);
    let store = "sqlite:plumbline-demo/runs.db";

    let before = record(&bench, "last~1", store);
    let judged = &before["assessment"];
    assert_eq!((&judged["status"], &judged["posture"]), (&"FAIL".into(), &"red".into()));
    assert_eq!(judged["risk_score"], 69);
    let findings = judged["findings"].as_array().unwrap();
    let keys: Vec<_> = findings.iter().map(|f| f["key"].as_str().unwrap()).collect();
    assert_eq!(keys, KEYS);
    let severities: Vec<_> = findings.iter().map(|f| f["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["high", "high", "high", "medium"]);
    for red in ["Identity & Cryptography", "Access Control", "Data Protection"] {
        assert_eq!(domain(&before, red)["posture"], "red", "{red}");
        assert_eq!(domain(&before, red)["risk_score"], 40, "{red}");
    }
    let reds = judged["domains"].as_array().unwrap();
    assert_eq!(reds.iter().filter(|domain| domain["posture"] == "red").count(), 3);
    assert_eq!(domain(&before, "Observability & Telemetry Trust")["posture"], "amber");

    let after = record(&bench, "last", store);
    let judged = &after["assessment"];
    assert_eq!((&judged["status"], &judged["posture"]), (&"PASS".into(), &"green".into()));
    assert_eq!(judged["risk_score"], 0);
    assert_eq!(judged["findings"], Value::Array(Vec::new()));
    assert_eq!(judged["coverage"]["mandatory_inconclusive"], 0);
    let counts = &after["delta"]["counts"];
    assert_eq!((&counts["improved"], &counts["regressed"]), (&4.into(), &0.into()));
    assert_eq!(counts["coverage_lost"], 0);

    for page in ["audit", "delta", "alerts"] {
        let html = bench.read(&format!("plumbline-demo/{page}.html"));
        assert!(html.starts_with("<!DOCTYPE html>"), "{page}");
    }
    let backlog = bench.plumb(&["report", "last~1", "--store", store, "-o", "csv=-"]).expect(0);
    assert_eq!(backlog.stdout.lines().count(), 5, "{}", backlog.stdout);
    let list = bench.plumb(&["runs", "list", "--store", store, "--json"]).expect(0);
    assert_eq!(list.stdout.lines().count(), 2);
}

#[test]
fn the_demo_refuses_a_folder_that_is_not_empty() {
    let bench = Bench::new();
    bench.write("plumbline-demo/mine.txt", "keep me");
    let demo = bench.plumb(&["demo"]).expect(2);
    assert!(demo.stderr.contains("is not empty"), "{}", demo.stderr);
    assert_eq!(bench.read("plumbline-demo/mine.txt"), "keep me");
}

#[test]
fn audit_fix_audit_again_by_hand() {
    let bench = Bench::new();
    let mut gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let target = target.to_str().unwrap();
    let bundle = ["--bundle", "audit-baseline"];

    let dry = bench.plumb(&["run", "-f", target, "--dry-run"]).expect(0);
    assert!(dry.stdout.contains("connects to mqtts://127.0.0.1:"), "{}", dry.stdout);
    assert!(dry.stdout.contains("reads gateway.toml"), "{}", dry.stdout);
    assert_eq!(bench.plumb(&["runs", "list", "--store", "sqlite:none.db"]).code, Some(2));

    let first = bench.plumb(&[&["run", "-f", target], &bundle[..]].concat()).expect(1);
    assert!(first.stdout.contains("FAIL  posture red  risk 69"), "{}", first.stdout);
    assert!(first.stderr.contains("it is the baseline now"), "{}", first.stderr);

    let unchanged = bench.plumb(&[&["run", "-f", target], &bundle[..]].concat()).expect(1);
    assert!(unchanged.stdout.contains("0 improved, 0 regressed"), "{}", unchanged.stdout);

    gateway.restart(Posture::Hardened);
    let sprint = ["run", "-f", target, "--mode", "sprint", "-o", "json=bundle.json"];
    let fixed = bench.plumb(&[&sprint, &bundle[..]].concat()).expect(0);
    assert!(fixed.stdout.contains("PASS  posture green  risk 0"), "{}", fixed.stdout);
    assert!(fixed.stdout.contains("4 improved, 0 regressed"), "{}", fixed.stdout);

    let diff = bench.plumb(&["diff", "last~1", "last"]).expect(0);
    for key in KEYS {
        assert!(diff.stdout.contains(key), "{key} is not in the diff:\n{}", diff.stdout);
    }
    let list = "/auth/not_enforced: [ingest.auth.enabled = false (gateway.toml:";
    assert!(diff.stdout.contains(list), "a list is to be read, not parsed:\n{}", diff.stdout);
    bench.plumb(&["runs", "baseline", "last"]).expect(0);

    gateway.restart(Posture::Exposed);
    let regression = ["run", "-f", target, "--mode", "retainer", "--fail-on", "regression"];
    let worse = bench.plumb(&[&regression, &bundle[..]].concat()).expect(1);
    assert!(worse.stdout.contains("4 regressed"), "{}", worse.stdout);
    let alerts = bench.plumb(&["alerts"]).expect(1);
    assert_eq!(alerts.stdout.lines().filter(|line| line.starts_with("regression")).count(), 3);
}

#[test]
fn gates_decide_the_exit_code_and_nothing_else() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let target = gateway.target();
    let run = |gate: &str| {
        let arguments = ["run", "-f", target.to_str().unwrap(), "--fail-on", gate];
        bench.plumb(&arguments).code
    };
    assert_eq!(run("critical"), Some(0));
    assert_eq!(run("high"), Some(1));
    assert_eq!(run("low"), Some(1));
    assert_eq!(run("regression"), Some(0));
    assert_eq!(run("never"), Some(0));
}

#[test]
fn a_target_that_cannot_be_reached_is_incomplete_and_never_green() {
    let bench = Bench::new();
    let mut gateway = Running::start(&bench, Posture::Hardened);
    gateway.stop();
    let target = gateway.target();
    let run =
        bench.plumb(&["run", "-f", target.to_str().unwrap(), "--check", "broker_cert_identity"]);
    let run = run.expect(3);
    assert!(run.stdout.contains("INCOMPLETE"), "{}", run.stdout);
    assert!(run.stdout.contains("posture unknown"), "{}", run.stdout);
}
