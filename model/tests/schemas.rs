//! The committed schemas: in step with the types, and as strict as they must be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use model::evidence::Evidence;
use model::schema;
use serde_json::{Value, json};

#[test]
fn the_committed_schemas_are_in_step_with_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let generated = schema::files();
    for file in &generated {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&file.path);
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == file.content, "{} is out of date: run `cargo xtask gen`", file.path);
    }
    let expected: BTreeSet<String> =
        generated.iter().map(|file| file.path.replace("model/schemas/", "")).collect();
    let committed: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of schemas is committed")
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        committed, expected,
        "run `cargo xtask gen` and remove files that it does not write"
    );
}

#[test]
fn every_schema_is_embedded_under_its_name() {
    let names: Vec<String> = schema::all().into_iter().map(|schema| schema.name).collect();
    assert_eq!(names, schema::NAMES);
    for file in schema::files() {
        let name = file.path.replace("model/schemas/", "").replace(".json", "");
        assert_eq!(schema::embedded(&name), Some(file.content.as_str()), "run `cargo xtask gen`");
    }
    assert_eq!(schema::embedded("nothing.v1"), None);
}

fn schema_of(name: &str) -> Value {
    let text = schema::embedded(name).expect("the schema is embedded");
    serde_json::from_str(text).expect("it is JSON")
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .offline()
        .build(&schema_of(name))
        .expect("it is a schema")
}

#[test]
fn every_schema_is_a_schema() {
    for name in schema::NAMES {
        assert!(jsonschema::draft202012::meta::is_valid(&schema_of(name)), "{name}");
        validator(name);
        assert_eq!(schema_of(name)["title"], *name);
    }
}

fn evidence_names() -> Vec<String> {
    schema::evidence().into_iter().map(|schema| schema.name).collect()
}

/// The pointers of one half of a check's evidence.
fn pointers(name: &str, half: &str) -> Vec<String> {
    let schema = schema_of(name);
    let reference = schema["properties"][half]["$ref"].as_str().expect("each half is a type");
    let definition = &schema.pointer(&reference[1..]).expect("it is defined");
    let names = definition.get("properties").and_then(Value::as_object);
    names.into_iter().flat_map(|names| names.keys().cloned()).collect()
}

/// Those of them that evidence must have: all but what the contract has gained since it began,
/// which has a default.
fn required(name: &str, half: &str) -> Vec<String> {
    let schema = schema_of(name);
    let reference = schema["properties"][half]["$ref"].as_str().expect("each half is a type");
    let definition = &schema.pointer(&reference[1..]).expect("it is defined");
    let has_default = |pointer: &String| definition["properties"][pointer].get("default").is_some();
    pointers(name, half).into_iter().filter(|pointer| !has_default(pointer)).collect()
}

/// Evidence in which nothing was looked at: it has the shape of every check.
fn evidence(name: &str) -> Value {
    let half = |half| -> Value {
        let item = || json!({ "status": "not_attempted", "reason": "not asked" });
        pointers(name, half).into_iter().map(|pointer| (pointer, item())).collect()
    };
    json!({
        "schema": name,
        "check": name.split('.').next(),
        "target": "gateway-7",
        "subject": "endpoint/ingest",
        "run": "20300107-101500-0000002a",
        "probe": { "name": "plumb", "version": "0.1.0" },
        "started_at": "2030-01-07T10:15:00Z",
        "duration_ms": 12,
        "attempts": 1,
        "stable": half("stable"),
        "volatile": half("volatile"),
    })
}

#[test]
fn evidence_of_the_right_shape_is_admitted() {
    for name in evidence_names() {
        let evidence = evidence(&name);
        let errors: Vec<String> =
            validator(&name).iter_errors(&evidence).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
        serde_json::from_value::<Evidence>(evidence).expect("what the schema admits can be read");
    }
}

#[test]
fn every_status_of_an_item_is_admitted_and_no_other() {
    let validator = validator("ingest_auth.v1");
    let with = |item: Value| {
        let mut evidence = evidence("ingest_auth.v1");
        evidence["stable"]["/connections"] = item;
        evidence
    };
    let reason = "no answer within 5 s";
    for good in [
        json!({ "status": "observed", "value": 3 }),
        json!({ "status": "refused", "reason": reason }),
        json!({ "status": "timeout", "reason": reason }),
        json!({ "status": "error", "reason": reason }),
        json!({ "status": "truncated", "reason": reason }),
        json!({ "status": "truncated", "reason": reason, "value": 2 }),
        json!({ "status": "not_attempted", "reason": reason }),
    ] {
        let evidence = with(good.clone());
        assert!(validator.is_valid(&evidence), "{good}");
        serde_json::from_value::<Evidence>(evidence).expect("what the schema admits can be read");
    }
    for bad in [
        json!({ "status": "observed" }),
        json!({ "status": "observed", "value": null }),
        json!({ "status": "observed", "value": "3" }),
        json!({ "status": "observed", "value": -3 }),
        json!({ "status": "observed", "value": 3, "reason": reason }),
        json!({ "status": "timeout" }),
        json!({ "status": "timeout", "reason": reason, "value": 3 }),
        json!({ "status": "seen", "value": 3 }),
        json!({ "value": 3 }),
        json!(3),
        json!(null),
    ] {
        assert!(!validator.is_valid(&with(bad.clone())), "{bad}");
    }
}

#[test]
fn evidence_of_another_shape_is_rejected() {
    for name in evidence_names() {
        let validator = validator(&name);
        let good = evidence(&name);
        let rejected = |what: &str, change: &dyn Fn(&mut Value)| {
            let mut evidence = good.clone();
            change(&mut evidence);
            assert!(!validator.is_valid(&evidence), "{name}: {what}");
        };
        let item = json!({ "status": "observed", "value": 1 });
        rejected("unknown pointer", &|e| e["stable"]["/unknown"] = item.clone());
        rejected("unknown volatile pointer", &|e| e["volatile"]["/unknown"] = item.clone());
        for half in ["stable", "volatile"] {
            for pointer in required(&name, half) {
                rejected(&format!("{pointer} is missing"), &|e| {
                    e[half].as_object_mut().expect("it is a map").remove(&pointer);
                });
                rejected(&format!("{pointer} has a wrong type"), &|e| {
                    e[half][&pointer] = json!({ "status": "observed", "value": { "no": "such" } });
                });
            }
        }
        rejected("another schema", &|e| e["schema"] = json!("ingest_auth.v99"));
        rejected("another check", &|e| e["check"] = json!("supply_chain"));
        rejected("a field beside the envelope", &|e| e["verdict"] = json!("pass"));
        rejected("a time that is none", &|e| e["started_at"] = json!("yesterday"));
        rejected("a negative duration", &|e| e["duration_ms"] = json!(-1));
        for field in ["schema", "check", "target", "subject", "run", "probe", "attempts", "stable"]
        {
            rejected(&format!("{field} is missing"), &|e| {
                e.as_object_mut().expect("it is a map").remove(field);
            });
        }
    }
}

/// Every object that a schema describes must say which fields it has, or what its values are.
fn open_objects(schema: &Value, at: &str, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties")
                && map.get("additionalProperties") != Some(&json!(false))
            {
                found.push(at.to_owned());
            }
            for (key, value) in map {
                open_objects(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                open_objects(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn evidence_and_documents_have_no_open_objects() {
    for name in evidence_names().iter().map(String::as_str).chain(model::document::KINDS) {
        let mut found = Vec::new();
        open_objects(&schema_of(name), name, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}

/// Kubernetes takes structural schemas only, and warns of numbers whose range it cannot tell.
#[test]
fn schemas_of_documents_can_become_custom_resources() {
    fn check(schema: &Value, at: &str) {
        let Value::Object(map) = schema else { return };
        for keyword in ["patternProperties", "propertyNames", "if", "dependentRequired"] {
            assert!(!map.contains_key(keyword), "{at}: {keyword}");
        }
        let types = map.get("type").map(Value::to_string).unwrap_or_default();
        if types.contains("integer") {
            assert!(map.contains_key("minimum") && map.contains_key("maximum"), "{at}");
        }
        for (key, properties) in map {
            for (name, property) in properties.as_object().into_iter().flatten() {
                let property_at = format!("{at}/{key}/{name}");
                if key == "properties" {
                    let said = ["type", "$ref", "anyOf", "const"];
                    assert!(said.iter().any(|k| property.get(k).is_some()), "{property_at}");
                }
                check(property, &property_at);
            }
            check(properties, &format!("{at}/{key}"));
        }
    }
    for kind in model::document::KINDS {
        check(&schema_of(kind), kind);
    }
}

#[test]
fn pointers_can_be_nested_for_rules() {
    let word = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_lowercase())
            && segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    for name in evidence_names() {
        for half in ["stable", "volatile"] {
            let pointers = pointers(&name, half);
            for pointer in &pointers {
                let segments = pointer.strip_prefix('/').expect("a pointer begins with `/`");
                assert!(segments.split('/').all(word), "{name}: {pointer}");
                let inside = format!("{pointer}/");
                let prefixed = pointers.iter().find(|other| other.starts_with(&inside));
                assert_eq!(prefixed, None, "{name}: {pointer} is a prefix");
            }
        }
    }
}

/// The documents of an example as JSON, read without any help of ours.
fn example(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name);
    let text = fs::read_to_string(path).expect("the example is there");
    serde_saphyr::from_multiple(&text).expect("the example is YAML")
}

fn errors(document: &Value) -> Vec<String> {
    let kind = document["kind"].as_str().expect("it has a kind");
    validator(kind).iter_errors(document).map(|error| error.to_string()).collect()
}

#[test]
fn the_examples_follow_their_schemas() {
    for name in ["first-target", "gateway", "devices", "schedule", "exception", "cluster/gateway"] {
        for document in example(&format!("{name}.yaml")) {
            assert_eq!(errors(&document), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn documents_of_another_shape_are_marked_by_the_schema() {
    let target = example("gateway.yaml").remove(0);
    let schedule = example("schedule.yaml").remove(0);
    let exception = example("exception.yaml").remove(0);
    let cases: [(&Value, &str, Value); 21] = [
        (&target, "/apiVersion", json!("plumbline.dev/v1")),
        (&target, "/kind", json!(null)),
        (&target, "/metadata/name", json!("Gateway_7")),
        (&target, "/spec/pathh", json!("gateway")),
        (&target, "/spec/path", json!("gatewy")),
        (&target, "/spec/endpoints/0/port", json!(0)),
        (&target, "/spec/endpoints/0/port", json!("8883")),
        (&target, "/spec/endpoints/0/name", json!("a b")),
        (&target, "/spec/endpoints/1/path", json!("v1/ingest")),
        (&target, "/spec/trust/caBundle/env", json!("TWO")),
        (&target, "/spec/trust/caBundle", json!({})),
        (&target, "/spec/trust/pinnedKeys/0", json!("sha256:ab")),
        (&target, "/spec/credentials/0/path", json!("two")),
        (&target, "/spec/credentials/0/env", json!("A=b")),
        (&target, "/spec/probePolicy/maxConnections", json!(65)),
        (&target, "/spec/probePolicy/maxConcurrentProbes", json!(0)),
        (&schedule, "/spec/targetRefs", json!([{ "name": "a" }])),
        (&schedule, "/spec/checks", json!(["ingest_auth"])),
        (&schedule, "/spec/schedule", json!("0 4 * *")),
        (&exception, "/spec/issueKeys", json!([])),
        (&exception, "/spec/expiresAt", json!("some day")),
    ];
    for (document, pointer, value) in cases {
        let validator = validator(document["kind"].as_str().expect("it has a kind"));
        let mut document = document.clone();
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a `/`");
        match document.pointer_mut(parent).expect("the field's place is there") {
            Value::Array(items) => items[0] = value.clone(),
            parent => parent[field] = value.clone(),
        }
        assert!(!validator.is_valid(&document), "{pointer}: {value}");
    }
}

#[test]
fn the_schema_marks_an_address_that_is_not_read() {
    let mut target = example("gateway.yaml").remove(0);
    for (url, good) in [
        ("https://h/x?y=@z", true),
        ("https://[2001:db8::7]:8443", true),
        ("http://localhost:8000/x", true),
        ("http://127.0.0.1/x", true),
        ("http://[::1]/x", true),
        ("http://h/x", false),
        ("http://localhost.example/x", false),
        ("http://127.0.0.1.example/x", false),
        ("https://u:p@h/x", false),
        ("https://h/x#y", false),
        ("https:///x", false),
    ] {
        target["spec"]["trust"]["caBundle"] = json!({ "url": url });
        assert_eq!(errors(&target).is_empty(), good, "{url}");
        assert_eq!(model::document::Address::of_source(url).is_ok(), good, "{url}");
    }
}
