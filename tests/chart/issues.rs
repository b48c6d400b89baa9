//! The CronJob that keeps issues: off unless wanted, one at a time, and with no more than it needs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::helm::{CASES, Rendering, chart, render, render_chart, root};

fn cron(rendering: &Rendering) -> &Value {
    rendering.of("CronJob").next().expect("there is a CronJob")
}

fn spec(rendering: &Rendering) -> &Value {
    cron(rendering).pointer("/spec/jobTemplate/spec/template/spec").unwrap()
}

/// The variables of the one container; those that are read from somewhere as they are written.
fn environment(rendering: &Rendering) -> BTreeMap<&str, &Value> {
    let containers = spec(rendering)["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert!(containers[0].get("envFrom").is_none());
    let variables = containers[0]["env"].as_array().unwrap();
    let each = variables.iter().map(|variable| {
        let name = variable["name"].as_str().unwrap();
        (name, variable.get("value").unwrap_or(&variable["valueFrom"]))
    });
    let environment: BTreeMap<_, _> = each.collect();
    assert_eq!(environment.len(), variables.len(), "no name is there twice");
    environment
}

/// The volumes by their names, and each one mounted, to be read only.
fn volumes(rendering: &Rendering) -> BTreeMap<&str, &Value> {
    let spec = spec(rendering);
    let volumes = spec["volumes"].as_array().unwrap();
    let mounts = spec["containers"][0]["volumeMounts"].as_array().unwrap();
    assert_eq!(mounts.len(), volumes.len());
    for mount in mounts {
        assert_eq!(mount["readOnly"], true, "{mount}");
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
    }
    volumes.iter().map(|volume| (volume["name"].as_str().unwrap(), volume)).collect()
}

#[test]
fn nothing_keeps_issues_unless_it_is_switched_on() {
    for case in ["default", "namespaced", "in-chart-postgres"] {
        let rendering = render(case);
        assert_eq!(rendering.of("CronJob").count(), 0, "{case}");
        for object in &rendering.objects {
            let labels = &object["metadata"]["labels"];
            assert_ne!(labels["app.kubernetes.io/component"], "issues", "{case}");
        }
    }
    for case in CASES {
        let off = render_chart(&chart(), case, &["issues.enabled=false"]);
        assert_eq!(off.of("CronJob").count(), 0, "{case}");
    }
}

#[test]
fn one_runs_at_a_time_and_every_one_ends() {
    for case in ["external-database", "everything"] {
        let rendering = render(case);
        let cron = &cron(&rendering)["spec"];
        assert_eq!(cron["concurrencyPolicy"], "Forbid");
        assert_eq!(cron["successfulJobsHistoryLimit"], 1);
        assert_eq!(cron["failedJobsHistoryLimit"], 3);
        // Less than ten seconds is never: the controller looks as often as that.
        assert!(cron["startingDeadlineSeconds"].as_u64().unwrap() > 60);
        assert_eq!(cron["suspend"], false);
        let job = &cron["jobTemplate"]["spec"];
        assert!(job["backoffLimit"].as_u64().unwrap() <= 2);
        // The program itself waits for GitHub's limits for as long as 15 minutes.
        assert!(job["activeDeadlineSeconds"].as_u64().unwrap() > 15 * 60);
        assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
    }
    let set = ["issues.suspend=true", "issues.schedule=@hourly"];
    let halted = render_chart(&chart(), "everything", &set);
    assert_eq!(cron(&halted)["spec"]["suspend"], true);
    assert_eq!(cron(&halted)["spec"]["schedule"], "@hourly");
    assert_eq!(cron(&halted)["spec"]["timeZone"], "Europe/Berlin");
    // Empty is not the same as absent: the API server refuses it.
    assert!(cron(&render("external-database"))["spec"].get("timeZone").is_none());
}

#[test]
fn it_has_nothing_of_the_operators_rights() {
    for case in ["external-database", "everything"] {
        let rendering = render(case);
        let spec = spec(&rendering);
        assert_eq!(spec["automountServiceAccountToken"], false, "{case}");
        assert!(spec.get("serviceAccountName").is_none(), "{case}");
        let names: Vec<_> = volumes(&rendering).keys().copied().collect();
        let known = ["database-ca", "github", "github-ca"];
        assert!(names.iter().all(|name| known.contains(name)), "{case}: {names:?}");
        // The roles and bindings are those of a release without it.
        let without = render_chart(&chart(), case, &["issues.enabled=false"]);
        for kind in ["ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"] {
            let (with, without): (Vec<_>, Vec<_>) =
                (rendering.of(kind).collect(), without.of(kind).collect());
            assert_eq!(with, without, "{case} {kind}");
        }
    }
}

#[test]
fn what_signs_in_to_github_is_a_file_and_never_a_variable() {
    let token = json!({ "name": "github", "secret": {
        "secretName": "issues-token",
        "defaultMode": 0o440,
        "items": [{ "key": "pat", "path": "token" }],
    } });
    let app = json!({ "name": "github", "secret": {
        "secretName": "plumbline-app",
        "defaultMode": 0o440,
        "items": [{ "key": "private-key.pem", "path": "key.pem" }],
    } });
    for (case, volume) in [("external-database", token), ("everything", app)] {
        let rendering = render(case);
        let environment = environment(&rendering);
        let read: Vec<_> = environment
            .iter()
            .filter(|(_, value)| value.is_object())
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(read, ["PLUMBLINE_STORE"], "{case}: nothing else is read from a Secret");
        assert!(!environment.contains_key("PLUMBLINE_TOKEN"), "{case}");
        assert_eq!(volumes(&rendering)["github"], &volume, "{case}");
        let container = &spec(&rendering)["containers"][0];
        assert_eq!(container["args"], json!(["sync"]), "{case}");
        assert!(container.get("command").is_none(), "{case}");
        assert_eq!(container["volumeMounts"][0]["mountPath"], "/run/plumbline/github", "{case}");
    }
}

#[test]
fn it_gets_the_environment_that_it_reads() {
    let by_token = render("external-database");
    let environment_by_token = environment(&by_token);
    let by_app = render("everything");
    let environment_by_app = environment(&by_app);
    let store = |name: &str, key: &str| json!({ "secretKeyRef": { "name": name, "key": key } });
    for (name, token, app) in [
        (
            "PLUMBLINE_STORE",
            Some(store("managed-postgres-reader", "uri")),
            Some(store("compliance-postgres", "url")),
        ),
        ("GITHUB_REPOSITORY", Some("example/plants".into()), Some("example/plants".into())),
        (
            "GITHUB_API_URL",
            Some("https://github.example.com:8443/api/v3".into()),
            Some("https://api.github.com".into()),
        ),
        ("PLUMBLINE_TOKEN_FILE", Some("/run/plumbline/github/token".into()), None),
        ("PLUMBLINE_AUTHOR", Some("plumbline-bot".into()), None),
        // Beyond a million a number must not be written with an exponent.
        ("PLUMBLINE_APP_ID", None, Some("12345678".into())),
        ("PLUMBLINE_APP_KEY_FILE", None, Some("/run/plumbline/github/key.pem".into())),
        ("PLUMBLINE_LABEL", Some("plumbline".into()), Some("compliance".into())),
        ("PLUMBLINE_MAX_NEW_ISSUES", Some("10".into()), Some("3".into())),
        ("PLUMBLINE_RESOLVE_AFTER", Some("auto".into()), Some("4".into())),
        ("PLUMBLINE_UNOBSERVED_AFTER", Some("24".into()), Some("48".into())),
        ("PLUMBLINE_CONFIRM_BULK_CLOSE", Some("false".into()), Some("false".into())),
        ("PLUMBLINE_REPORT_URL", None, Some("https://reports.example.com/{run}.html".into())),
        ("PLUMBLINE_SYNC_TARGETS", None, Some("plant-7/gateway\nplant-8/gateway".into())),
        ("SSL_CERT_FILE", Some("/run/plumbline/github-ca/ca.crt".into()), None),
        ("PGSSLMODE", Some("verify-full".into()), None),
        ("PGSSLROOTCERT", Some("/run/plumbline/database/ca.crt".into()), None),
    ] {
        assert_eq!(environment_by_token.get(name).copied(), token.as_ref(), "{name}");
        assert_eq!(environment_by_app.get(name).copied(), app.as_ref(), "{name}");
    }
    // All of them are looked at above, and the program's own are ones that it knows.
    assert_eq!((environment_by_token.len(), environment_by_app.len()), (13, 12));
    let settings = std::fs::read_to_string(root().join("action/src/settings.rs")).unwrap();
    for name in environment_by_token.keys().chain(environment_by_app.keys()) {
        let foreign = name.starts_with("PG") || *name == "SSL_CERT_FILE";
        assert!(foreign || settings.contains(&format!("env = \"{name}\"")), "{name}");
    }
}

#[test]
fn without_an_address_of_its_own_it_reads_the_operators_database_in_the_same_way() {
    let own = ["issues.database.existingSecret="];
    let rendering = render_chart(&chart(), "external-database", &own);
    let operator = &rendering.object("Deployment", "plumbline")["spec"]["template"]["spec"];
    let variables = operator["containers"][0]["env"].as_array().unwrap();
    let environment = environment(&rendering);
    for name in ["PLUMBLINE_STORE", "PGSSLMODE", "PGSSLROOTCERT"] {
        let variable = variables.iter().find(|variable| variable["name"] == name).unwrap();
        let value = variable.get("value").unwrap_or(&variable["valueFrom"]);
        assert_eq!(environment[name], value, "{name}");
    }
    let ca = operator["volumes"].as_array().unwrap();
    let ca = ca.iter().find(|volume| volume["name"] == "database-ca");
    assert_eq!(volumes(&rendering).get("database-ca").copied(), ca);
}

#[test]
fn its_name_is_not_too_long_for_the_jobs_that_it_makes() {
    let over = format!("fullnameOverride={}", "x".repeat(60));
    let rendering = render_chart(&chart(), "everything", &[&over]);
    // The controller adds 11 characters (Kubernetes, "CronJob", "Limitations").
    assert!(cron(&rendering)["metadata"]["name"].as_str().unwrap().len() <= 52);
}
