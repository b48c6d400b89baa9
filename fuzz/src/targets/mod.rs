//! One function for every parser of bytes that somebody else chose: what a target sent, a file that
//! was declared, a document that was uploaded, the body of an issue.
//!
//! A function takes any bytes and returns; a panic in it is a defect. Where a parser promises more
//! than not to panic, its function holds it to that: evidence is admitted, the same bytes in other
//! pieces mean the same, what is written is read again.

mod documents;
mod files;
mod peer;
mod probe;
mod wire;

/// A parser under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of seeds.
    pub name: &'static str,
    /// How many times longer one input takes than the quickest parsers need.
    pub weight: u32,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// All of them, by name.
pub const ALL: &[Target] = &[
    target("address", 1, documents::address),
    target("certificate", 2, wire::certificate),
    target("config_env", 4, files::config_env),
    target("config_json", 4, files::config_json),
    target("config_mapping", 4, files::config_mapping),
    target("config_mosquitto", 4, files::config_mosquitto),
    target("config_toml", 4, files::config_toml),
    target("config_yaml", 4, files::config_yaml),
    target("device_bundle", 8, files::device_bundle),
    target("device_inventory", 8, files::device_inventory),
    target("device_pkcs12", 20, files::device_pkcs12),
    target("document", 2, documents::document),
    target("evidence", 2, documents::evidence),
    target("expression", 2, documents::expression),
    target("http_answer", 1, wire::http_answer),
    target("marker", 1, documents::marker),
    target("mqtt_answer", 1, wire::mqtt_answer),
    target("probe_identity", 40, probe::identity),
    target("probe_ingest", 40, probe::ingest),
    target("probe_transport", 40, probe::transport),
    target("probe_transport_full", 100, probe::transport_full),
    target("probe_transport_ws", 40, probe::transport_ws),
    target("revocation", 2, wire::revocation),
    target("rule", 8, documents::rule),
    target("tls_answer", 1, wire::tls_answer),
];

const fn target(name: &'static str, weight: u32, run: fn(&[u8])) -> Target {
    Target { name, weight, run }
}

/// Runs the target of that name.
///
/// # Panics
/// If there is none, and if the parser does.
pub fn run(name: &str, bytes: &[u8]) {
    let target = ALL.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no fuzz target `{name}`")).run)(bytes);
}
