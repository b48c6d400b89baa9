//! The health of the reference gateway, and the tokens that its ingest must refuse.

use serde_json::Value;
use testkit::gateway::Posture;
use tests::plumb::Bench;
use tests::site::Running;

/// The controls of the last run: rule and verdict.
fn verdicts(bench: &Bench) -> Vec<(String, String)> {
    let record = bench.plumb(&["runs", "show", "last"]).expect(0).json();
    let controls = record["assessment"]["controls"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    controls.iter().map(|c| (text(&c["rule"]), text(&c["verdict"]))).collect()
}

fn is(verdicts: &[(String, String)], rule: &str, verdict: &str) {
    let found = verdicts.iter().find(|(name, _)| name == rule);
    assert_eq!(found.map(|(_, found)| found.as_str()), Some(verdict), "{rule}: {verdicts:?}");
}

/// The target of the gateway with other checks, and with further credentials.
fn asks(bench: &Bench, gateway: &Running, credentials: &str, checks: &str) -> String {
    let target = std::fs::read_to_string(gateway.target()).unwrap();
    let (head, rest) = target.split_once("  checks:\n").unwrap();
    let (_, tail) = rest.split_once("  gatewayConfig:\n").unwrap();
    let target = format!("{head}  gatewayConfig:\n{tail}")
        .replace("  gatewayConfig:\n", &format!("{credentials}  gatewayConfig:\n"));
    bench.write("gateway/asks.yaml", format!("{target}  checks:\n{checks}"));
    bench.path("gateway/asks.yaml").to_str().unwrap().to_owned()
}

#[test]
fn a_hardened_gateway_is_healthy_ready_and_counted() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    let params = "    - id: gateway_runtime_health\n      params:\n        readyPath: /readyz\n        \
                  metricsPath: /metrics\n        requiredSeries: [gateway_readings_received_total]\n";
    let target = asks(&bench, &gateway, "", params);
    let run = bench.plumb(&["run", "-f", &target]).expect(0);
    assert!(run.stdout.contains("PASS  posture green  risk 0"), "{}", run.stdout);
    let verdicts = verdicts(&bench);
    for rule in
        ["unhealthy", "not_ready", "health_not_observable", "metrics_missing", "clock_offset_high"]
    {
        is(&verdicts, &format!("gateway_runtime_health.{rule}"), "pass");
    }
    is(&verdicts, "gateway_runtime_health.metrics_publicly_readable", "pass");
    let unknown = params.replace("readyPath", "readiPath");
    let refused = bench.plumb(&["run", "-f", &asks(&bench, &gateway, "", &unknown)]).expect(2);
    assert!(refused.stderr.contains("readyPath"), "{}", refused.stderr);
}

#[test]
fn a_gateway_that_began_a_short_time_ago_is_told_and_is_no_drift_while_it_runs() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    let params = "    - id: gateway_runtime_health\n      params: {metricsPath: /metrics, \
                  minUptimeMinutes: 60}\n";
    let target = asks(&bench, &gateway, "", params);
    let run = || bench.plumb(&["run", "-f", &target, "--fail-on", "critical"]).expect(0);
    run();
    is(&verdicts(&bench), "gateway_runtime_health.restarted_recently", "fail");
    run();
    bench.plumb(&["diff", "last~1", "last", "-o", "json=delta.json"]).expect(0);
    let delta: Value = serde_json::from_str(&bench.read("delta.json")).unwrap();
    let controls = delta["delta"]["controls"].as_array().unwrap();
    let rule = "gateway_runtime_health.restarted_recently";
    let control = controls.iter().find(|control| control["rule"] == rule);
    assert_eq!(control.unwrap()["class"], "unchanged", "{delta}");
    let wrong = params.replace("60", "0");
    bench.plumb(&["run", "-f", &asks(&bench, &gateway, "", &wrong), "--fail-on", "critical"]);
    is(&verdicts(&bench), "gateway_runtime_health.restarted_recently", "inconclusive");
}

#[test]
fn a_token_that_must_be_refused_is_presented_only_where_it_is_named() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    bench.write("gateway/old-token", "canary-old-7755");
    let old = "    - name: old\n      kind: bearer\n      path: old-token\n";
    let named = "    - id: ingest_auth\n      params: {expiredToken: old, queryParameter: token}\n";
    let target = asks(&bench, &gateway, old, named);
    bench.plumb(&["run", "-f", &target, "-o", "json=bundle.json"]).expect(0);
    let found = verdicts(&bench);
    is(&found, "ingest_auth.expired_token_accepted", "pass");
    is(&found, "ingest_auth.token_in_query_accepted", "pass");
    is(&found, "ingest_auth.wrong_audience_accepted", "not_applicable");
    is(&found, "ingest_auth.authenticated_ingest_broken", "pass");
    let bundle = bench.read("bundle.json");
    assert!(!bundle.contains("canary-old-7755") && !bundle.contains(&gateway.token()));
}

#[test]
fn an_exposed_gateway_fails_nothing_that_is_new() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Exposed);
    let checks = "    - id: ingest_auth\n    - id: gateway_runtime_health\n";
    let target = asks(&bench, &gateway, "", checks);
    bench.plumb(&["run", "-f", &target]).expect(1);
    let failed: Vec<_> =
        verdicts(&bench).into_iter().filter(|(_, verdict)| verdict == "fail").collect();
    let failed: Vec<_> = failed.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(
        failed,
        ["ingest_auth.insecure_transport", "ingest_auth.unauthenticated_ingest_allowed"]
    );
}
