//! JSON Schemas (2020-12) of everything that other programs read or write, generated from the
//! types. They are committed under `model/schemas/` and embedded; a test holds the two together.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::check::CheckId;
use crate::document::{API_VERSION, AuditException, AuditSchedule, AuditTarget, KINDS, Source};
use crate::evidence::{
    BrokerCertIdentity, BrokerTransportPosture, Contract, DeviceCertHygiene, Document,
    GatewayConfigGuardrails, GatewayRuntimeHealth, IngestAuth, MqttAccessControl,
};
use crate::run::{RUN_SCHEMA, RunBundle, RunRecord};

/// A schema and the name it goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSchema {
    /// `<check>.v<N>` for evidence, the kind for documents, `run.v1` and `bundle.v1` for records.
    pub name: String,
    /// The schema.
    pub schema: Value,
}

/// A generated file, to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path from the root of the repository.
    pub path: String,
    /// The whole content, with a line break at the end.
    pub content: String,
}

macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        /// The names of the schemas that are embedded, in the order of [`all`].
        pub const NAMES: &[&str] = &[$($name),*];

        /// The committed text of a schema.
        pub fn embedded(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(include_str!(concat!("../schemas/", $name, ".json"))),)*
                _ => None,
            }
        }
    };
}

// A new name needs a file before this compiles: begin with an empty one, then `cargo xtask gen`.
embed! {
    "broker_transport_posture.v1",
    "broker_cert_identity.v1",
    "mqtt_access_control.v1",
    "ingest_auth.v1",
    "gateway_runtime_health.v1",
    "gateway_config_guardrails.v1",
    "device_cert_hygiene.v1",
    "run.v1",
    "bundle.v1",
    "AuditTarget",
    "AuditSchedule",
    "AuditException",
}

/// The schemas of every evidence contract that this version can read, the newest last.
pub fn evidence() -> Vec<NamedSchema> {
    vec![
        contract::<BrokerTransportPosture>(),
        contract::<BrokerCertIdentity>(),
        contract::<MqttAccessControl>(),
        contract::<IngestAuth>(),
        contract::<GatewayRuntimeHealth>(),
        contract::<GatewayConfigGuardrails>(),
        contract::<DeviceCertHygiene>(),
    ]
}

/// The items that evidence of a check has in the newest version of its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractItems {
    /// `<check>.v<N>`.
    pub schema: String,
    /// Pointers of the stable half.
    pub stable: Vec<String>,
    /// Pointers of the volatile half.
    pub volatile: Vec<String>,
}

/// The newest contract of a check.
pub fn newest(check: CheckId) -> ContractItems {
    let is_of = |named: &NamedSchema| {
        named.schema.pointer("/properties/check/const").and_then(Value::as_str)
            == Some(check.as_str())
    };
    let NamedSchema { name, schema } =
        evidence().into_iter().rev().find(is_of).expect("every check has a contract");
    let pointers = |half: &str| -> Vec<String> {
        let reference = schema.pointer(&format!("/properties/{half}/$ref"));
        let place = reference.and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
        let half = place.and_then(|place| schema.pointer(place));
        let items = half.and_then(|half| half["properties"].as_object());
        items.into_iter().flatten().map(|(pointer, _)| pointer.clone()).collect()
    };
    ContractItems { stable: pointers("stable"), volatile: pointers("volatile"), schema: name }
}

/// Every schema, as the types have it now.
pub fn all() -> Vec<NamedSchema> {
    let mut schemas = evidence();
    schemas.push(record::<RunRecord>(RUN_SCHEMA));
    schemas.push(written::<RunBundle>("bundle.v1"));
    let [target, schedule, exception] = KINDS;
    schemas.push(kind::<AuditTarget>(target));
    let mut schedule = kind::<AuditSchedule>(schedule);
    exclusive_fields_of_schedules(&mut schedule.schema);
    schemas.push(schedule);
    schemas.push(kind::<AuditException>(exception));
    schemas
}

/// The files to commit, as the types have them now.
pub fn files() -> Vec<GeneratedFile> {
    let pretty = |NamedSchema { name, mut schema }| {
        // The order of keys must not depend on the features that other crates switch on.
        schema.sort_all_objects();
        GeneratedFile {
            path: format!("model/schemas/{name}.json"),
            content: format!("{schema:#}\n"),
        }
    };
    all().into_iter().map(pretty).collect()
}

/// The schema of one check's evidence. It admits this check in this version and nothing else.
fn contract<C: Contract>() -> NamedSchema {
    let mut named = record::<Document<C::Stable, C::Volatile>>(&C::schema());
    set_property(&mut named.schema, "check", json!({ "const": C::CHECK.as_str() }));
    definitions(&mut named.schema).for_each(later_items_are_optional);
    named
}

/// Items that a contract has gained have a default: evidence from before has none of them, and
/// stays admissible.
fn later_items_are_optional(definition: &mut Map<String, Value>) {
    let has_default = |name: &Value| {
        let property = name.as_str().and_then(|name| definition.get("properties")?.get(name));
        property.is_some_and(|property| property.get("default").is_some())
    };
    if let Some(required) = definition.get("required").and_then(Value::as_array) {
        let left = required.iter().filter(|name| !has_default(name)).cloned().collect();
        definition.insert("required".to_owned(), Value::Array(left));
    }
}

/// The schema of something written that names its own schema.
fn record<T: JsonSchema>(name: &str) -> NamedSchema {
    let mut named = written::<T>(name);
    set_property(&mut named.schema, "schema", json!({ "const": name }));
    named
}

/// The schema of what we write: every field that is always there is required.
fn written<T: JsonSchema>(name: &str) -> NamedSchema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    titled(name, schema)
}

/// The schema of what users write: fields with a default may be left out.
fn kind<T: JsonSchema>(name: &str) -> NamedSchema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    set_property(&mut schema, "apiVersion", json!({ "const": API_VERSION }));
    // The types have no kind: where they are read, it has already been told.
    set_property(&mut schema, "kind", json!({ "const": name }));
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.insert(1, json!("kind"));
    }
    for definition in definitions(&mut schema) {
        exactly_one_source(definition);
    }
    titled(name, schema)
}

fn titled(name: &str, mut schema: Value) -> NamedSchema {
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!(name));
    }
    NamedSchema { name: name.to_owned(), schema }
}

/// Replaces what a property may be, and keeps its description.
fn set_property(schema: &mut Value, name: &str, mut to: Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(description) = properties.get(name).and_then(|old| old.get("description")) {
        to["description"] = description.clone();
    }
    properties.insert(name.to_owned(), to);
}

fn definitions(schema: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    definitions.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

/// Says that a SOURCE, and everything that ends in one, has exactly one of its fields.
fn exactly_one_source(definition: &mut Map<String, Value>) {
    let properties = definition.get("properties");
    let is_source = |field| properties.is_some_and(|properties| properties.get(field).is_some());
    if Source::FIELDS.into_iter().all(is_source) {
        definition.insert("oneOf".to_owned(), required_each(&Source::FIELDS));
    }
}

fn exclusive_fields_of_schedules(schema: &mut Value) {
    let spec = schema.pointer_mut("/$defs/AuditScheduleSpec").and_then(Value::as_object_mut);
    if let Some(spec) = spec {
        spec.insert("oneOf".to_owned(), required_each(&["targetRefs", "targetSelector"]));
        spec.insert("not".to_owned(), json!({ "required": ["bundle", "checks"] }));
    }
}

fn required_each(fields: &[&str]) -> Value {
    fields.iter().map(|field| json!({ "required": [field] })).collect()
}
