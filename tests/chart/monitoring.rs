//! Alerts and the dashboard read what the operator measures.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::helm::{chart, render, root};
use crate::promql::{METRICS, grouped, metrics};

fn alerts() -> Vec<Value> {
    let rendering = render("everything");
    let groups = rendering.object("PrometheusRule", "compliance")["spec"]["groups"].clone();
    let groups = groups.as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[test]
fn alerts_read_metrics_of_the_operator_of_this_release() {
    for alert in alerts() {
        let query = text(&alert, "expr");
        let read = metrics(query).unwrap_or_else(|error| panic!("{}: {error}", alert["alert"]));
        let own = query.matches(r#"{job="compliance-metrics""#).count();
        assert!(own >= read.len(), "{} reads other releases too: {query}", alert["alert"]);
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let page = std::fs::read_to_string(root().join("docs/operator/alerts.md")).unwrap();
    let mut headings: BTreeSet<_> =
        page.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_lowercase).collect();
    for alert in alerts() {
        let name = text(&alert, "alert");
        assert!(name.starts_with("Plumbline"), "{name}");
        let wait = text(&alert, "for");
        assert!(wait.ends_with(['m', 'h']), "{name}: for {wait}");
        let severity = text(&alert["labels"], "severity");
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        let annotations = &alert["annotations"];
        assert!(text(annotations, "summary").len() < 80, "{name}");
        assert!(text(annotations, "description").ends_with('.'), "{name}");
        let (_, anchor) = text(annotations, "runbook_url").split_once("alerts.md#").unwrap();
        assert_eq!(anchor, name.to_lowercase(), "{name}");
        assert!(headings.remove(anchor), "docs/operator/alerts.md has no section {name}");
    }
    assert!(
        headings.is_empty(),
        "docs/operator/alerts.md explains alerts that are not there: {headings:?}"
    );
}

#[test]
fn an_alert_names_only_labels_that_its_query_keeps() {
    let mut named = 0;
    for alert in alerts() {
        let kept = grouped(text(&alert, "expr"));
        for annotation in ["summary", "description"] {
            for rest in text(&alert["annotations"], annotation).split("$labels.").skip(1) {
                let label = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                assert!(kept.iter().any(|by| by == label), "{}: {label}", alert["alert"]);
                named += 1;
            }
        }
        // Two series that differ in a label which the alert sets itself would be one: an error.
        let outer = text(&alert, "expr").split("by (").nth(1).unwrap_or_default();
        let outer = outer.split(')').next().unwrap();
        assert!(!outer.contains("severity"), "{}: by ({outer})", alert["alert"]);
    }
    assert!(named > 10);
}

#[test]
fn what_is_stale_for_the_operator_is_stale_for_the_alert() {
    let stale =
        alerts().into_iter().find(|alert| alert["alert"] == "PlumblineEvidenceStale").unwrap();
    assert!(text(&stale, "expr").ends_with("> 86400"), "{}", stale["expr"]);
}

/// The dashboard as Grafana gets it.
fn dashboard() -> Value {
    let rendering = render("everything");
    let map = rendering.object("ConfigMap", "compliance-dashboard");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let json = map["data"]["plumbline.json"].as_str().unwrap();
    let file = std::fs::read_to_string(chart().join("dashboards/plumbline.json")).unwrap();
    assert_eq!(json.trim_end(), file.trim_end(), "the file is handed on as it is");
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let dashboard = dashboard();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = text(target, "expr");
            let plain = query.replace("$__rate_interval", "5m");
            let read =
                metrics(&plain).unwrap_or_else(|error| panic!("{}: {error}", panel["title"]));
            let own = query.matches(r#"{job=~"$job""#).count();
            assert!(
                own >= read.len(),
                "{} ignores the choice of operator: {query}",
                panel["title"]
            );
            let legend = text(target, "legendFormat");
            let label = legend.trim_start_matches("{{").trim_end_matches("}}");
            assert!(
                label == legend || grouped(query).iter().any(|by| by == label),
                "{query}: {legend}"
            );
            shown.extend(read);
        }
    }
    let all: BTreeSet<_> = METRICS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(shown, all);
}

#[test]
fn the_dashboard_has_a_place_and_a_sentence_for_every_panel() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{} has another's id", panel["title"]);
        let place = &panel["gridPos"];
        let side = |name: &str| place[name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{} is too wide", panel["title"]);
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{} covers another panel", panel["title"]);
            }
        }
        if panel["type"] != "row" {
            assert!(text(panel, "description").ends_with('.'), "{}", panel["title"]);
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}

#[test]
fn what_prometheus_scrapes_is_the_metrics_service() {
    let rendering = render("everything");
    let monitor = &rendering.object("ServiceMonitor", "compliance")["spec"];
    let selector = monitor["selector"]["matchLabels"].as_object().unwrap();
    let selected: Vec<_> = rendering
        .of("Service")
        .filter(|service| {
            selector.iter().all(|(key, value)| service["metadata"]["labels"][key] == *value)
        })
        .collect();
    assert_eq!(selected.len(), 1);
    // The alerts rely on it: the job is named after the Service.
    assert_eq!(selected[0]["metadata"]["name"], "compliance-metrics");
    assert_eq!(selected[0]["spec"]["ports"][0]["name"], monitor["endpoints"][0]["port"]);
    assert_eq!(monitor["endpoints"][0]["honorLabels"], true);
}
