//! What must hold in a custom resource beyond its shape, as rules that the API server checks.
//!
//! The same is checked on files by `model::document::validate`; here the first line of defence is
//! the admission, so that a wrong document is refused where it is written.

use model::CheckId;
use serde_json::{Map, Value, json};

use crate::job_template::JobTemplate;

/// A rule in the API server's language, and the sentence that a user reads.
struct Rule {
    expression: &'static str,
    message: &'static str,
}

/// Most entries of a list that says nothing else; rules over lists must have a bounded cost.
const MAX_ITEMS: u64 = 100;
/// Longest text that says nothing else, in characters.
const MAX_LENGTH: u64 = 1_024;
/// Most entries of a map that says nothing else.
const MAX_PROPERTIES: u64 = 64;

const SOURCE: &[Rule] = &[
    Rule {
        expression: "!has(self.path) && !has(self.env)",
        message: "path and env exist only outside the cluster; inside it use secretRef, configMapRef or url",
    },
    Rule {
        expression: "has(self.path) || has(self.env) || [has(self.configMapRef), has(self.secretRef), has(self.url)].filter(set, set).size() == 1",
        message: "say where it comes from by exactly one of secretRef, configMapRef and url",
    },
];

const CREDENTIAL: &[Rule] = &[Rule {
    expression: "has(self.secretRef)",
    message: "a credential comes from a Secret; use secretRef",
}];

const ENDPOINT: &[Rule] = &[
    Rule {
        expression: "!has(self.serverName) || self.protocol in ['mqtts', 'wss', 'https', 'tls']",
        message: "serverName is read only where TLS is spoken (mqtts, wss, https, tls); remove it",
    },
    Rule {
        expression: "!has(self.path) || self.protocol in ['http', 'https', 'ws', 'wss']",
        message: "path is read only for http, https, ws and wss; remove it",
    },
    Rule {
        expression: "!has(self.healthPath) || self.protocol in ['http', 'https']",
        message: "healthPath is read only for http and https; remove it",
    },
];

const TARGET: &[Rule] = &[
    Rule {
        expression: "self.path == oldSelf.path",
        message: "path is immutable; make a new target",
    },
    Rule {
        expression: "!has(self.endpoints) || self.endpoints.all(endpoint, !has(endpoint.credentials) || endpoint.credentials.all(name, has(self.credentials) && self.credentials.exists(credential, credential.name == name)))",
        message: "an endpoint lists a credential that spec.credentials does not declare",
    },
];

const SCHEDULE: &[Rule] = &[
    Rule {
        expression: "has(self.targetRefs) != has(self.targetSelector)",
        message: "say which targets are audited by targetRefs or by targetSelector, not by both",
    },
    Rule {
        expression: "!(has(self.bundle) && has(self.checks))",
        message: "say what is audited by bundle or by checks, not by both",
    },
    Rule {
        expression: "!self.schedule.contains('TZ=')",
        message: "the time zone belongs into timeZone, not into schedule",
    },
];

const RUN: &[Rule] = &[
    Rule { expression: "self == oldSelf", message: "a run never changes; create another one" },
    Rule {
        expression: "!(has(self.bundle) && has(self.checks))",
        message: "say what is audited by bundle or by checks, not by both",
    },
];

const BASELINE: &[Rule] = &[Rule {
    expression: "has(self.runRef) == (self.policy == 'pinned')",
    message: "the policy pinned needs runRef, the name of a run; no other policy reads it",
}];

/// What an issue key looks like, whatever its check is called.
const ISSUE_KEY: &str = r"^[a-z0-9_]+\.[a-z0-9_]+$";

/// What a text must look like, in words: the pattern itself tells a user nothing.
const PATTERNS: &[(&str, &str)] = &[
    (
        r"^\s*\S+(\s+\S+){4}\s*$",
        "a schedule has five fields: minute, hour, day of month, month, day of week",
    ),
    (ISSUE_KEY, "an issue key is the id of a rule, such as ingest_auth.invalid_token_accepted"),
    (
        r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        "a name has lower-case letters, digits and -, at most 63, and begins and ends with no -",
    ),
    (r"^/", "a path begins with /"),
    (
        r"^(https://[^/?#@\s]+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?)([/?][^#\s]*)?$",
        "an address begins with https://, and has neither user nor fragment",
    ),
    (r"^[A-Za-z_][A-Za-z0-9_]*$", "a variable has letters, digits and _, and begins with no digit"),
    (
        r"^((endpoint|config|certificates)/[^/]+|target)$",
        "a subject is target, or endpoint, config or certificates with a name, such as endpoint/broker",
    ),
    (r"^sha256:[0-9a-f]{64}$", "a digest is sha256: and 64 lower-case hexadecimal digits"),
];

/// Lists that a rule runs over, with the most entries that its cost allows.
const BOUNDS: &[(&str, u64)] = &[("endpoints", 50), ("credentials", 16), ("checks", 16)];

/// Lists whose entries are told apart by a field.
const KEYED: &[(&str, &str)] = &[
    ("endpoints", "name"),
    ("credentials", "name"),
    ("gatewayConfig", "name"),
    ("deviceCertificates", "name"),
    ("checks", "id"),
    ("targetRefs", "name"),
];

/// Makes the schema of a kind what the API server can hold a document to.
pub(crate) fn complete(kind: &str, schema: &mut Value) {
    tidy(schema);
    if let Some(metadata) = schema.pointer_mut("/properties") {
        // The name becomes part of labels and of the names of runs.
        metadata["metadata"] = json!({
            "type": "object",
            "properties": { "name": {
                "description": "At most 63 characters: it becomes part of labels and of the names of runs.",
                "type": "string",
                "maxLength": 63,
            } },
        });
    }
    let Some(spec) = schema.pointer_mut("/properties/spec") else { return };
    if spec.pointer("/properties/jobTemplate").is_some() {
        spec["properties"]["jobTemplate"] = job_template();
    }
    walk(spec);
    let rules = match kind {
        "AuditTarget" => TARGET,
        "AuditSchedule" => SCHEDULE,
        "AuditRun" => RUN,
        _ => &[],
    };
    add(spec, rules);
}

fn job_template() -> Value {
    let settings = schemars::generate::SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<JobTemplate>().to_value();
    tidy(&mut schema);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("title");
    }
    schema
}

/// Takes away what structural schemas have no use for: formats that the API server does not
/// know, defaults that only repeat emptiness, and `nullable`.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            // Only where these are keywords: a property of that name is a schema, not a value.
            type Keyword = (&'static str, fn(&Value) -> bool);
            let keywords: [Keyword; 3] = [
                ("format", |value: &Value| value.is_string() && !known_format(value)),
                ("nullable", Value::is_boolean),
                ("additionalProperties", |value| *value == Value::Bool(false)),
            ];
            for (keyword, is_keyword) in keywords {
                if object.get(keyword).is_some_and(is_keyword) {
                    object.remove(keyword);
                }
            }
            let is_empty = |value: &Value| match value {
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                Value::Null => true,
                _ => false,
            };
            if object.contains_key("type") && object.get("default").is_some_and(is_empty) {
                object.remove("default");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// The formats that apiextensions knows (k8s.io/kube-openapi, `strfmt`) and that we use.
fn known_format(format: &Value) -> bool {
    matches!(format.as_str(), Some("int32" | "int64" | "double" | "date-time"))
}

/// Gives every list, text and map below a bound, and every known shape its rules.
fn walk(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    match object.get("type").and_then(Value::as_str) {
        Some("array") => {
            object.entry("maxItems").or_insert(json!(MAX_ITEMS));
            if let Some(items) = object.get_mut("items") {
                walk(items);
            }
        }
        Some("string") if !object.contains_key("enum") && !object.contains_key("format") => {
            object.entry("maxLength").or_insert(json!(MAX_LENGTH));
            say_in_words(object);
        }
        Some("object") => {
            if let Some(values) = object.get_mut("additionalProperties").filter(|v| v.is_object()) {
                walk(values);
                object.entry("maxProperties").or_insert(json!(MAX_PROPERTIES));
            }
            let rules = shape(object);
            if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
                keyed(properties);
                properties
                    .iter_mut()
                    .filter(|(name, _)| *name != "jobTemplate")
                    .for_each(|(_, property)| walk(property));
            }
            rules.into_iter().for_each(|rules| add(schema, rules));
        }
        _ => {}
    }
}

/// An issue key of a check that there is. The operator reads no document with another one, and a
/// list in which one document cannot be read is none: one author must not stop all the others.
fn issue_key() -> String {
    let checks = CheckId::ALL.map(|check| check.as_str()).join("|");
    format!(r"^({checks})\.[a-z0-9_]+$")
}

/// Makes a rule with a sentence of a pattern that is known.
fn say_in_words(object: &mut Map<String, Value>) {
    let pattern = object.get("pattern").and_then(Value::as_str).unwrap_or_default();
    let Some((pattern, message)) = PATTERNS.iter().find(|(known, _)| *known == pattern) else {
        return;
    };
    let expression = match *pattern {
        ISSUE_KEY => format!("self.matches(r'{}')", issue_key()),
        pattern => format!("self.matches(r'{pattern}')"),
    };
    object.remove("pattern");
    object.insert(
        "x-kubernetes-validations".to_owned(),
        json!([{ "rule": expression, "message": message }]),
    );
}

/// The rules of what is known by its fields, wherever it stands.
fn shape(object: &Map<String, Value>) -> Vec<&'static [Rule]> {
    let Some(properties) = object.get("properties") else { return Vec::new() };
    let has = |names: &[&str]| names.iter().all(|name| properties.get(name).is_some());
    let mut rules = Vec::new();
    if has(&model::document::Source::FIELDS) {
        rules.push(SOURCE);
        if has(&["kind"]) {
            rules.push(CREDENTIAL);
        }
    }
    if has(&["protocol", "host", "port"]) {
        rules.push(ENDPOINT);
    }
    if has(&["policy", "runRef"]) {
        rules.push(BASELINE);
    }
    rules
}

fn keyed(properties: &mut Map<String, Value>) {
    if let Some(overrides) = properties.get_mut("severityOverrides").and_then(Value::as_object_mut)
    {
        let rule = format!("self.all(key, key.matches(r'{}'))", issue_key());
        let message = "a key is the id of a rule, such as ingest_auth.invalid_token_accepted";
        let rules = json!([{ "rule": rule, "message": message }]);
        overrides.insert("x-kubernetes-validations".to_owned(), rules);
    }
    for (list, most) in BOUNDS {
        let list = properties.get_mut(*list).and_then(Value::as_object_mut);
        if let Some(list) = list.filter(|list| list.contains_key("items")) {
            list.insert("maxItems".to_owned(), json!(most));
        }
    }
    for (list, key) in KEYED {
        let Some(list) = properties.get_mut(*list).and_then(Value::as_object_mut) else { continue };
        // Only a list of objects has keys; `checks` of a schedule is a set of names.
        let entries = list.get("items").and_then(|items| items.get("properties"));
        if entries.is_some_and(|properties| properties.get(*key).is_some()) {
            list.insert("x-kubernetes-list-type".to_owned(), json!("map"));
            list.insert("x-kubernetes-list-map-keys".to_owned(), json!([key]));
        } else if list.get("type").and_then(Value::as_str) == Some("array") {
            list.insert("x-kubernetes-list-type".to_owned(), json!("set"));
        }
    }
}

fn add(schema: &mut Value, rules: &[Rule]) {
    if rules.is_empty() {
        return;
    }
    let Some(object) = schema.as_object_mut() else { return };
    let all = object.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return };
    all.extend(
        rules.iter().map(|rule| json!({ "rule": rule.expression, "message": rule.message })),
    );
}
