//! One function for every parser of bytes that somebody else chose: what a target sent, a file that
//! was declared, a document that was uploaded, the body of an issue.
//!
//! A function takes any bytes and returns; a panic in it is a defect. Where a parser promises more
//! than not to panic, its function holds it to that: evidence is admitted, the same bytes in other
//! pieces mean the same, what is written is read again.

mod bundle;
mod configs;
mod databases;
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
    target("bundle", 40, bundle::bundle),
    target("certificate", 2, wire::certificate),
    target("config_compose", 20, configs::compose),
    target("config_emqx", 20, configs::emqx),
    target("config_env", 20, configs::env),
    target("config_haproxy", 20, configs::haproxy),
    target("config_hivemq", 20, configs::hivemq),
    target("config_ini", 20, configs::ini),
    target("config_json", 20, configs::json),
    target("config_kubernetes", 20, configs::kubernetes),
    target("config_mapping", 20, configs::mapping),
    target("config_mosquitto", 20, configs::mosquitto),
    target("config_nanomq", 20, configs::nanomq),
    target("config_nginx", 20, configs::nginx),
    target("config_node_red", 20, configs::node_red),
    target("config_rabbitmq", 20, configs::rabbitmq),
    target("config_rabbitmq_advanced", 20, configs::rabbitmq_advanced),
    target("config_systemd", 20, configs::systemd),
    target("config_telegraf", 20, configs::telegraf),
    target("config_thingsboard", 20, configs::thingsboard),
    target("config_toml", 20, configs::toml),
    target("config_vernemq", 20, configs::vernemq),
    target("config_yaml", 20, configs::yaml),
    target("device_bundle", 8, files::device_bundle),
    target("device_inventory", 8, files::device_inventory),
    target("device_pkcs12", 20, files::device_pkcs12),
    target("device_table", 8, files::device_table),
    target("device_tar", 20, files::device_tar),
    target("device_zip", 8, files::device_zip),
    target("document", 2, documents::document),
    target("evidence", 2, documents::evidence),
    target("expression", 2, documents::expression),
    target("http2_answer", 1, wire::http2_answer),
    target("http_answer", 1, wire::http_answer),
    target("marker", 1, documents::marker),
    target("mqtt_answer", 1, wire::mqtt_answer),
    target("mqtt_packets", 1, wire::mqtt_packets),
    target("probe_access", 100, probe::access),
    target("probe_health", 40, probe::health),
    target("probe_identity", 40, probe::identity),
    target("probe_ingest", 40, probe::ingest),
    target("probe_transport", 40, probe::transport),
    target("probe_transport_full", 100, probe::transport_full),
    target("probe_transport_ws", 40, probe::transport_ws),
    target("profile", 8, documents::profile),
    target("revocation", 2, wire::revocation),
    target("rule", 8, documents::rule),
    target("staple", 2, wire::staple),
    target("store_address", 1, databases::store_address),
    target("table_statement", 1, databases::table_statement),
    target("tls_answer", 1, wire::tls_answer),
    target("tls_ticket", 1, wire::tls_ticket),
    target("websocket_frames", 1, wire::websocket_frames),
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
