//! What each of the chart's values files is rendered into.

use serde_json::{Value, json};

use crate::helm::{CASES, Rendering, case, chart, helm, render};

/// A rendering without what is the same in all of them, or has tests of its own.
fn shown(name: &str, rendering: &Rendering) -> String {
    let mut objects = rendering.objects.clone();
    objects.retain(|object| match object["kind"].as_str() {
        Some("CustomResourceDefinition") => false,
        Some("ValidatingAdmissionPolicy") => name == "default",
        _ => true,
    });
    for object in &mut objects {
        conceal(object);
    }
    let documents = objects.iter().map(|object| serde_saphyr::to_string(object).unwrap());
    documents.map(|document| format!("---\n{}\n", document.trim_end())).collect()
}

/// Takes out what differs from one rendering to the next, and the dashboard, which is a file.
fn conceal(object: &mut Value) {
    if object["kind"] == "Secret" {
        let password = object["stringData"]["password"].as_str().unwrap().to_owned();
        assert_eq!(password.len(), 32);
        let url = object["stringData"]["url"].as_str().unwrap().replace(&password, "[password]");
        object["stringData"] = json!({ "password": "[password]", "url": url });
    }
    if let Some(dashboard) = object.pointer_mut("/data/plumbline.json") {
        *dashboard = "[dashboard]".into();
    }
}

#[test]
fn every_values_file_is_rendered_as_committed() {
    for name in CASES {
        insta::assert_snapshot!(name, shown(name, &render(name)));
    }
}

#[test]
fn every_values_file_of_the_chart_is_tested() {
    let mut files: Vec<_> = std::fs::read_dir(chart().join("ci"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut cases = CASES;
    cases.sort_unstable();
    assert_eq!(files, cases);
}

#[test]
fn helm_lint_has_nothing_to_say() {
    for name in CASES {
        let output = helm([
            "lint".as_ref(),
            "--strict".as_ref(),
            chart().as_os_str(),
            "--values".as_ref(),
            case(name).as_os_str(),
        ]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        assert!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{name}: {said}");
    }
}

#[test]
fn every_object_says_whose_it_is() {
    for name in CASES {
        for object in &render(name).objects {
            let labels = &object["metadata"]["labels"];
            for (label, value) in [
                ("app.kubernetes.io/managed-by", "Helm"),
                ("app.kubernetes.io/part-of", "plumbline"),
                ("app.kubernetes.io/version", "0.1.0"),
                ("helm.sh/chart", "plumbline-0.1.0"),
            ] {
                assert_eq!(labels[label], value, "{name}: {}", object["metadata"]["name"]);
            }
            if name == "everything" {
                assert_eq!(labels["team"], "edge-platform", "{}", object["metadata"]["name"]);
            }
        }
    }
}

#[test]
fn no_name_is_too_long_however_long_the_release_is() {
    let name = "x".repeat(60);
    let over = format!("fullnameOverride={name}");
    let rendering = crate::helm::render_chart(&chart(), "in-chart-postgres", &[&over]);
    for object in &rendering.objects {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(name.len() <= 63, "{name}");
    }
}

#[test]
fn the_operator_gets_the_environment_that_it_reads() {
    let rendering = render("external-database");
    let container =
        &rendering.object("Deployment", "plumbline")["spec"]["template"]["spec"]["containers"][0];
    let value = |name: &str| {
        let environment = container["env"].as_array().unwrap();
        let entry = environment.iter().find(|entry| entry["name"] == name);
        entry.unwrap_or_else(|| panic!("{name} is not set")).clone()
    };
    assert_eq!(value("PLUMBLINE_STORE")["valueFrom"]["secretKeyRef"]["name"], "managed-postgres");
    assert_eq!(value("PLUMBLINE_STORE")["valueFrom"]["secretKeyRef"]["key"], "uri");
    assert_eq!(
        value("PLUMBLINE_PROBE_IMAGE")["value"],
        "registry.example.com:5000/mirror/plumb@sha256:\
         2222222222222222222222222222222222222222222222222222222222222222"
    );
    assert_eq!(value("PLUMBLINE_INGEST_SECRET")["value"], "ingest-certificate");
    assert_eq!(value("PLUMBLINE_INGEST_SECRET_GIVEN")["value"], "true");
    assert_eq!(
        value("PLUMBLINE_INGEST_URL")["value"],
        "https://plumbline-ingest.plumbline-system.svc:8443"
    );
    // Set and empty would be one namespace without a name.
    let environment = container["env"].to_string();
    assert!(!environment.contains("PLUMBLINE_WATCH_NAMESPACES"), "{environment}");
    let namespaced = render("namespaced").object("Deployment", "plumbline").to_string();
    let both = r#""name":"PLUMBLINE_WATCH_NAMESPACES","value":"plant-7,plant-8""#;
    assert!(namespaced.contains(both), "{namespaced}");
    // Numbers beyond a million must not be written with an exponent.
    let over = "maxEvidenceAgeSeconds=31536000";
    let rendering = crate::helm::render_chart(&chart(), "default", &[over]);
    let text = rendering.object("Deployment", "plumbline").to_string();
    assert!(text.contains(r#""value":"31536000""#), "{text}");
}
