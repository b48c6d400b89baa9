//! The admission policies: what they ask for, and that the API server can afford the answer.
//!
//! What they refuse is tested with weaker users on a real cluster.

use serde_json::{Value, json};

use crate::helm::{CASES, Rendering, refusal, render, render_chart, root};

/// What one expression may cost, what all of a policy's may, and what one question to the
/// authorizer does (k8s.io/apiserver, `pkg/apis/cel` and `pkg/cel/library/cost.go`).
const EXPRESSION_BUDGET: usize = 1_000_000;
const POLICY_BUDGET: usize = 10_000_000;
const QUESTION: usize = 350_000;

fn expressions(policy: &Value, list: &str) -> Vec<String> {
    let entries = policy["spec"][list].as_array().into_iter().flatten();
    entries.map(|entry| entry["expression"].as_str().unwrap().to_owned()).collect()
}

/// The policies that ask what the author of a document may do: those of our own kinds.
fn of_documents(rendering: &Rendering) -> impl Iterator<Item = &Value> {
    rendering.of("ValidatingAdmissionPolicy").filter(|policy| {
        let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap();
        rules.iter().all(|rule| rule["apiGroups"] == json!(["plumbline.dev"]))
    })
}

fn questions(expression: &str) -> usize {
    expression.matches(".allowed()").count()
}

#[test]
fn every_policy_is_bound_to_deny_and_fails_closed() {
    for case in CASES {
        let rendering = render(case);
        assert_eq!(rendering.of("ValidatingAdmissionPolicy").count(), 7, "{case}");
        for policy in rendering.of("ValidatingAdmissionPolicy") {
            let name = policy["metadata"]["name"].as_str().unwrap();
            assert_eq!(policy["spec"]["failurePolicy"], "Fail", "{case} {name}");
            let binding = rendering.object("ValidatingAdmissionPolicyBinding", name);
            assert_eq!(binding["spec"]["policyName"], name, "{case}");
            assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]), "{case}");
            let namespaces = binding["spec"].get("matchResources");
            assert_eq!(namespaces.is_some(), case == "namespaced", "{case} {name}");
        }
    }
    let off = render_chart(&crate::helm::chart(), "default", &["admissionPolicies.enabled=false"]);
    assert_eq!(off.of("ValidatingAdmissionPolicy").count(), 0);
    assert_eq!(off.of("ValidatingAdmissionPolicyBinding").count(), 0);
}

#[test]
fn no_policy_can_cost_more_than_the_api_server_allows() {
    for policy in render("default").of("ValidatingAdmissionPolicy") {
        let name = &policy["metadata"]["name"];
        let validations = expressions(policy, "validations");
        let variables = expressions(policy, "variables");
        for expression in validations.iter().chain(&variables) {
            // One more than there is: what an expression costs beside its question.
            assert!(questions(expression) * QUESTION < EXPRESSION_BUDGET, "{name}: {expression}");
        }
        let all: usize = validations.iter().chain(&variables).map(|text| questions(text)).sum();
        assert!((all + 1) * QUESTION < POLICY_BUDGET, "{name}: {all} questions");
    }
}

#[test]
fn every_refusal_says_who_and_what_in_one_sentence() {
    for policy in render("default").of("ValidatingAdmissionPolicy") {
        for validation in policy["spec"]["validations"].as_array().unwrap() {
            let message = validation["message"].as_str().unwrap();
            assert!(message.ends_with('.') && !message.contains('\n'), "{message}");
            assert_eq!(validation["reason"], "Forbidden", "{message}");
            if let Some(expression) = validation["messageExpression"].as_str() {
                assert!(expression.contains("request.userInfo.username"), "{expression}");
                assert!(expression.contains("request.namespace"), "{expression}");
            } else {
                assert!(message.contains("more than 24"), "{message} names nobody");
            }
        }
    }
}

#[test]
fn whatever_is_no_runs_own_job_or_pod_is_no_policys_business() {
    let rendering = render("default");
    for (name, resources, maker) in [
        (
            "plumbline-probe-jobs",
            json!(["jobs"]),
            "system:serviceaccount:plumbline-system:plumbline",
        ),
        (
            "plumbline-probe-pods",
            json!(["pods", "pods/ephemeralcontainers"]),
            "system:serviceaccount:kube-system:job-controller",
        ),
    ] {
        let policy = rendering.object("ValidatingAdmissionPolicy", name);
        let constraints = &policy["spec"]["matchConstraints"];
        // The API server asks the selector before anything of a policy is evaluated, of the object as
        // it was too.
        let label =
            json!({ "matchExpressions": [{ "key": "plumbline.dev/run", "operator": "Exists" }] });
        assert_eq!(constraints["objectSelector"], label, "{name}");
        let rules = constraints["resourceRules"].as_array().unwrap();
        assert_eq!(rules.len(), 1, "{name}");
        assert_eq!(rules[0]["resources"], resources, "{name}");
        assert_eq!(rules[0]["operations"], json!(["CREATE", "UPDATE"]), "{name}");
        let conditions = expressions(policy, "matchConditions");
        assert_eq!(conditions.len(), 1, "{name}");
        assert!(conditions[0].contains(maker), "{conditions:?}");
    }
    let named = ["admissionPolicies.jobControllers={maker-of-jobs}"];
    let rendering = render_chart(&crate::helm::chart(), "default", &named);
    let policy = rendering.object("ValidatingAdmissionPolicy", "plumbline-probe-pods");
    let conditions = expressions(policy, "matchConditions");
    assert_eq!(conditions, [r#"!(request.userInfo.username in ["maker-of-jobs"])"#]);
    for nobody in ["null", "nobody"] {
        let refused = refusal("default", &[&format!("admissionPolicies.jobControllers={nobody}")]);
        assert!(refused.contains("jobControllers"), "{refused}");
    }
}

#[test]
fn what_the_operator_alone_says_of_a_run_is_all_that_its_document_has_beside_what_is_asked() {
    let rendering = render("default");
    let policy = rendering.object("ValidatingAdmissionPolicy", "plumbline-run-target");
    let origin = &expressions(policy, "variables")[0];
    let text = std::fs::read_to_string(root().join("crds/auditruns.yaml")).unwrap();
    let definition: Value = serde_saphyr::from_str(&text).unwrap();
    let fields = definition
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
        .unwrap();
    // A new field of a run is one that its author may set, or stands in the policy.
    let asked = ["targetRef", "bundle", "checks", "mode", "rules", "baseline", "jobTemplate"];
    for field in fields.as_object().unwrap().keys() {
        let known = asked.contains(&field.as_str());
        assert_ne!(known, origin.contains(&format!("'{field}'")), "{field}");
    }
}

#[test]
fn labels_and_status_ask_for_nothing_and_any_change_of_the_spec_asks_for_everything() {
    let rendering = render("default");
    assert_eq!(of_documents(&rendering).count(), 5);
    for policy in of_documents(&rendering) {
        let spec = &policy["spec"];
        let asked: usize =
            expressions(policy, "validations").iter().map(|text| questions(text)).sum();
        assert!(asked > 0, "{} asks nothing", policy["metadata"]["name"]);
        let condition = &spec["matchConditions"][0]["expression"];
        assert_eq!(*condition, "request.operation == 'CREATE' || object.spec != oldObject.spec");
        for rule in spec["matchConstraints"]["resourceRules"].as_array().unwrap() {
            assert_eq!(rule["operations"], json!(["CREATE", "UPDATE"]));
            let resources = rule["resources"].as_array().unwrap();
            assert!(resources.iter().all(|name| !name.as_str().unwrap().contains('/')), "{rule}");
        }
    }
}

#[test]
fn the_operator_is_exempt_where_it_makes_runs_and_jobs_and_nowhere_else() {
    for (case, user) in [
        ("default", "system:serviceaccount:plumbline-system:plumbline"),
        ("everything", "system:serviceaccount:plumbline-system:auditor"),
    ] {
        let mut exempt = Vec::new();
        for policy in render(case).of("ValidatingAdmissionPolicy") {
            let conditions = expressions(policy, "matchConditions");
            if conditions.contains(&format!("request.userInfo.username != '{user}'")) {
                exempt.push(policy["metadata"]["name"].as_str().unwrap().to_owned());
            }
        }
        let ends: Vec<_> = exempt.iter().map(|name| name.split_once('-').unwrap().1).collect();
        assert_eq!(ends, ["job-template", "probe-jobs", "run-target"], "{case}");
    }
}

/// Every place of an AuditTarget where a SOURCE stands, as the field names that lead to it.
fn sources(schema: &Value, root: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = name.trim_start_matches('#');
        return sources(root.pointer(definition).unwrap(), root, path, found);
    }
    for part in ["anyOf", "allOf", "oneOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            sources(schema, root, path, found);
        }
    }
    if schema.get("items").is_some() {
        sources(&schema["items"], root, path, found);
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    if properties.contains_key("secretRef") && properties.contains_key("configMapRef") {
        found.push(path.clone());
    }
    for (name, property) in properties {
        path.push(name.clone());
        sources(property, root, path, found);
        path.pop();
    }
}

#[test]
fn the_policies_for_targets_look_at_every_place_where_a_source_can_stand() {
    let text = std::fs::read_to_string(root().join("model/schemas/AuditTarget.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let mut places = Vec::new();
    sources(&schema["properties"]["spec"], &schema, &mut Vec::new(), &mut places);
    assert!(places.len() >= 8, "{places:?}");
    let rendering = render("default");
    for (policy, reference) in
        [("plumbline-target-secrets", "secretRef"), ("plumbline-target-configmaps", "configMapRef")]
    {
        let policy = rendering.object("ValidatingAdmissionPolicy", policy);
        let names = &expressions(policy, "variables")[0];
        let terms: Vec<Vec<&str>> = names
            .split(" + ")
            .map(|term| term.split(|c: char| !c.is_ascii_alphanumeric()).collect())
            .collect();
        assert_eq!(terms.len(), places.len(), "{names}");
        for place in &places {
            // The last names before `.name` are the place; a term of a list is mapped over `it`.
            let covered = terms.iter().any(|words| {
                let known = place.iter().all(|field| words.contains(&field.as_str()));
                let others =
                    ["password", "inventory", "mapping", "environment", "caBundle", "crls"];
                let more = others
                    .iter()
                    .any(|word| words.contains(word) && !place.iter().any(|field| field == word));
                known && !more && words.contains(&reference)
            });
            assert!(covered, "{reference} of spec.{} is not looked at", place.join("."));
        }
    }
}
