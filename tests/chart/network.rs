//! Services, policies and budgets select the pods that they are meant for.

use serde_json::{Value, json};

use crate::helm::{CASES, NAMESPACE, Rendering, render, render_chart};

/// True if a pod's labels satisfy every label of a selector.
fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().unwrap();
    !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
}

fn pods(rendering: &Rendering) -> Vec<(&str, &Value)> {
    let what = |object: &Value| match object["kind"].as_str().unwrap() {
        "Deployment" => "operator",
        "StatefulSet" => "postgres",
        "CronJob" => "issues",
        kind => panic!("a {kind} is not known here"),
    };
    rendering.pods().into_iter().map(|(object, pod)| (what(object), pod)).collect()
}

/// Who is selected, by the part that it plays.
fn selected<'a>(rendering: &'a Rendering, selector: &Value) -> Vec<&'a str> {
    let pods = pods(rendering).into_iter();
    pods.filter(|(_, pod)| selects(selector, &pod["metadata"]["labels"]))
        .map(|(what, _)| what)
        .collect()
}

#[test]
fn every_selector_finds_its_pods_and_no_others() {
    for case in CASES {
        let rendering = render(case);
        let meant = |name: &str| if name.ends_with("-postgres") { "postgres" } else { "operator" };
        for service in rendering.of("Service") {
            let name = service["metadata"]["name"].as_str().unwrap();
            assert_eq!(
                selected(&rendering, &service["spec"]["selector"]),
                [meant(name)],
                "{case} {name}"
            );
            let pod =
                pods(&rendering).into_iter().find(|(what, _)| *what == meant(name)).unwrap().1;
            let ports = pod["spec"]["containers"][0]["ports"].as_array().unwrap();
            for port in service["spec"]["ports"].as_array().unwrap() {
                let there = ports.iter().any(|own| own["name"] == port["targetPort"]);
                assert!(there, "{case} {name}: no port {}", port["targetPort"]);
            }
        }
        let parts = pods(&rendering);
        for (what, pod) in &parts {
            let labels = &pod["metadata"]["labels"];
            assert_eq!(labels["app.kubernetes.io/component"], *what, "{case}");
        }
        for object in rendering.of("Deployment").chain(rendering.of("StatefulSet")) {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            assert!(selects(&object["spec"]["selector"]["matchLabels"], labels), "{case}");
        }
        for budget in rendering.of("PodDisruptionBudget") {
            assert_eq!(
                selected(&rendering, &budget["spec"]["selector"]["matchLabels"]),
                ["operator"]
            );
        }
    }
}

#[test]
fn every_pod_of_the_release_is_closed_in_both_directions() {
    for case in CASES {
        let rendering = render(case);
        let own: Vec<_> = rendering
            .of("NetworkPolicy")
            .filter(|policy| policy["metadata"]["namespace"] == NAMESPACE)
            .collect();
        for (what, pod) in pods(&rendering) {
            let policies: Vec<_> = own
                .iter()
                .filter(|policy| {
                    selects(
                        &policy["spec"]["podSelector"]["matchLabels"],
                        &pod["metadata"]["labels"],
                    )
                })
                .collect();
            assert_eq!(policies.len(), 1, "{case} {what}");
            assert_eq!(policies[0]["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        }
    }
}

#[test]
fn evidence_comes_from_probe_pods_of_watched_namespaces_only() {
    for (case, namespaces) in [
        ("default", json!({})),
        (
            "namespaced",
            json!({ "matchExpressions": [{
                "key": "kubernetes.io/metadata.name",
                "operator": "In",
                "values": ["plant-7", "plant-8"],
            }] }),
        ),
    ] {
        let rendering = render(case);
        let policy = rendering.object("NetworkPolicy", "plumbline");
        let ingest = policy["spec"]["ingress"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["ports"][0]["port"] == "ingest")
            .unwrap();
        let from = json!([{
            "podSelector": { "matchLabels": { "app.kubernetes.io/name": "plumbline-probe" } },
            "namespaceSelector": namespaces,
        }]);
        assert_eq!(ingest["from"], from, "{case}");
    }
}

#[test]
fn no_rule_lets_everybody_in() {
    // A rule whose list of peers is empty, or absent, means everybody.
    for case in CASES {
        for policy in render(case).of("NetworkPolicy") {
            for rule in policy["spec"]["ingress"].as_array().into_iter().flatten() {
                let from = rule["from"].as_array().map_or(0, Vec::len);
                assert!(from > 0, "{case}: {policy}");
            }
        }
    }
    let rendering =
        render_chart(&crate::helm::chart(), "default", &["networkPolicy.metricsFrom=null"]);
    let policy = rendering.object("NetworkPolicy", "plumbline");
    assert_eq!(policy["spec"]["ingress"].as_array().unwrap().len(), 1, "metrics are closed");
}

/// Whom the in-chart Postgres lets in.
fn guests(rendering: &Rendering, policy: &str) -> Vec<String> {
    let policy = rendering.object("NetworkPolicy", policy);
    let rules = policy["spec"]["ingress"].as_array().unwrap();
    let peers = rules.iter().flat_map(|rule| rule["from"].as_array().unwrap());
    let names = peers.flat_map(|peer| {
        assert!(peer.get("namespaceSelector").is_none(), "another namespace: {peer}");
        selected(rendering, &peer["podSelector"]["matchLabels"])
    });
    names.map(str::to_owned).collect()
}

#[test]
fn the_in_chart_postgres_lets_in_who_reads_it_and_nobody_else() {
    let without = render("in-chart-postgres");
    let policy = without.object("NetworkPolicy", "plumbline-postgres");
    assert_eq!(policy["spec"]["ingress"][0]["from"].as_array().unwrap().len(), 1);
    assert_eq!(guests(&without, "plumbline-postgres"), ["operator"]);
    assert_eq!(guests(&render("everything"), "compliance-postgres"), ["operator", "issues"]);
}

#[test]
fn what_keeps_issues_reaches_names_the_database_and_github() {
    let rendering = render("external-database");
    let spec = &rendering.object("NetworkPolicy", "plumbline-issues")["spec"];
    assert!(spec.get("ingress").is_none(), "nothing comes in");
    let names = json!({ "ports": [
        { "port": 53, "protocol": "UDP" },
        { "port": 53, "protocol": "TCP" },
    ] });
    let database = json!({
        "ports": [{ "port": 5433 }],
        "to": [{ "ipBlock": { "cidr": "10.30.0.0/24" } }],
    });
    let github = json!({
        "ports": [{ "port": 8443, "protocol": "TCP" }],
        "to": [{ "ipBlock": { "cidr": "10.40.0.0/24" } }],
    });
    assert_eq!(spec["egress"], json!([names, database, github]));
    let operator = &rendering.object("NetworkPolicy", "plumbline")["spec"]["egress"];
    let same = operator.as_array().unwrap().contains(&spec["egress"][1]);
    assert!(same, "it reaches the database as the operator does: {operator}");

    let spec = &render("everything").object("NetworkPolicy", "compliance-issues")["spec"].clone();
    let egress = spec["egress"].as_array().unwrap();
    assert_eq!(egress.len(), 3);
    let postgres = &egress[1]["to"][0]["podSelector"]["matchLabels"];
    assert_eq!(selected(&render("everything"), postgres), ["postgres"]);
    assert_eq!(egress[2], json!({ "ports": [{ "port": 443, "protocol": "TCP" }] }));

    let open = ["networkPolicy.enabled=false"];
    let open = render_chart(&crate::helm::chart(), "everything", &open);
    assert_eq!(open.of("NetworkPolicy").count(), 0);
}

#[test]
fn probe_pods_reach_names_the_ingest_and_what_is_declared() {
    let rendering = render("namespaced");
    let policies: Vec<_> = rendering
        .of("NetworkPolicy")
        .filter(|policy| policy["metadata"]["name"] == "plumbline-probes")
        .collect();
    let namespaces: Vec<_> =
        policies.iter().map(|policy| &policy["metadata"]["namespace"]).collect();
    assert_eq!(namespaces, ["plant-7", "plant-8"]);
    for policy in policies {
        let spec = &policy["spec"];
        assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
        assert!(spec.get("ingress").is_none(), "nothing comes in");
        let egress = spec["egress"].as_array().unwrap();
        assert_eq!(egress.len(), 3);
        let operator = &egress[1]["to"][0];
        assert_eq!(
            operator["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
            NAMESPACE
        );
        assert_eq!(selected(&rendering, &operator["podSelector"]["matchLabels"]), ["operator"]);
        assert_eq!(egress[2]["to"][0]["ipBlock"]["cidr"], "10.20.0.0/24");
    }
}
