//! Configurations of gateways and brokers. They are read as the probe reads them: from a folder, with
//! the files that they name.
//!
//! An input is the declared file and, behind each mark between parts, the next file of its format.
//! A file whose part is missing is missing.

use std::fs;

use model::CheckId;
use model::document::{ConfigFormat, GatewayConfig, Source};
use model::request::Inputs;
use tempfile::TempDir;

use super::peer::parts;
use super::probe::collected;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there is room for a folder");
}

/// A mapping that is right, for configurations that are not.
const MAPPING: &str = include_str!("mapping.yaml");

/// The file of a set that is the environment of its program.
const ENVIRONMENT: &str = "program.env";

pub(super) fn env(bytes: &[u8]) {
    mapped(ConfigFormat::Env, "env", &["gateway.env", "more.env"], bytes);
}

pub(super) fn ini(bytes: &[u8]) {
    mapped(ConfigFormat::Ini, "ini", &["gateway.ini", "more.ini"], bytes);
}

pub(super) fn json(bytes: &[u8]) {
    mapped(ConfigFormat::Json, "json", &["gateway.json", "more.json"], bytes);
}

pub(super) fn toml(bytes: &[u8]) {
    read(ConfigFormat::PlumblineGateway, &["gateway.toml"], bytes);
    mapped(ConfigFormat::Toml, "toml", &["gateway.toml", "more.toml"], bytes);
}

pub(super) fn yaml(bytes: &[u8]) {
    mapped(ConfigFormat::Yaml, "yaml", &["gateway.yaml", "more.yaml"], bytes);
}

/// A mapping, which its user wrote; behind it, a text in which variables are filled in, and the
/// environment that they are filled in from.
pub(super) fn mapping(bytes: &[u8]) {
    let parts = parts(bytes);
    let part = |index: usize| parts.get(index).copied();
    let environment = part(2).unwrap_or(b"ACME_LOG__LEVEL=debug\nHOST=0.0.0.0\nPASSWORD=public\n");
    let written = part(1).unwrap_or(b"mqtt://gw:${PASSWORD:-x$HOST}@${OTHER-h}/$$");
    let text = serde_json::to_string(&String::from_utf8_lossy(written)).unwrap_or_default();
    let more = format!(
        "[broker]\nlisten = \"${{HOST}}:1883\"\nca_file = {text}\n[auth]\nanonymous = true\n"
    );
    let files = [
        ("mapped.toml", &b"[broker]\nlisten = \"0.0.0.0:1883\"\npassword = \"admin\"\n"[..]),
        ("conf.d/10.toml", more.as_bytes()),
        (ENVIRONMENT, environment),
        ("mapping.yaml", part(0).unwrap_or_default()),
    ];
    observe(ConfigFormat::Auto, &[], &files);
}

pub(super) fn compose(bytes: &[u8]) {
    let names = &["compose.yaml", "compose.override.yaml", "more.yaml", "a.env"];
    read(ConfigFormat::Compose, names, bytes);
}

pub(super) fn emqx(bytes: &[u8]) {
    let names = &["emqx.conf", "cluster.hocon", "acl.conf", ENVIRONMENT];
    read(ConfigFormat::Emqx, names, bytes);
}

pub(super) fn haproxy(bytes: &[u8]) {
    read(ConfigFormat::Haproxy, &["haproxy.cfg", "conf.d/10.cfg", ENVIRONMENT], bytes);
}

pub(super) fn hivemq(bytes: &[u8]) {
    read(ConfigFormat::Hivemq, &["config.xml", ENVIRONMENT], bytes);
}

pub(super) fn kubernetes(bytes: &[u8]) {
    read(ConfigFormat::Kubernetes, &["broker.yaml"], bytes);
}

pub(super) fn mosquitto(bytes: &[u8]) {
    read(ConfigFormat::Mosquitto, &["mosquitto.conf", "conf.d/a.conf", "acl"], bytes);
}

pub(super) fn nanomq(bytes: &[u8]) {
    read(ConfigFormat::Nanomq, &["nanomq.conf", "pwd.conf", "acl.conf", ENVIRONMENT], bytes);
}

pub(super) fn nginx(bytes: &[u8]) {
    read(ConfigFormat::Nginx, &["nginx.conf", "conf.d/a.conf"], bytes);
}

pub(super) fn node_red(bytes: &[u8]) {
    read(ConfigFormat::NodeRed, &["settings.js", "flows.json"], bytes);
}

pub(super) fn rabbitmq(bytes: &[u8]) {
    let names = &["rabbitmq.conf", "enabled_plugins", "conf.d/10.conf", ENVIRONMENT];
    read(ConfigFormat::Rabbitmq, names, bytes);
}

/// The Erlang terms beside a rabbitmq.conf.
pub(super) fn rabbitmq_advanced(bytes: &[u8]) {
    let files = [
        ("rabbitmq.conf", &b"mqtt.allow_anonymous = false\n"[..]),
        ("advanced.config", bytes),
        ("enabled_plugins", b"[rabbitmq_mqtt].\n"),
    ];
    observe(ConfigFormat::Rabbitmq, &[], &files);
}

pub(super) fn systemd(bytes: &[u8]) {
    read(ConfigFormat::Systemd, &["broker.service", "broker.service.d/10.conf"], bytes);
}

pub(super) fn telegraf(bytes: &[u8]) {
    read(ConfigFormat::Telegraf, &["telegraf.conf", "telegraf.d/a.conf"], bytes);
}

pub(super) fn thingsboard(bytes: &[u8]) {
    let names = &["tb_gateway.json", "mqtt.json", ENVIRONMENT];
    read(ConfigFormat::ThingsboardGateway, names, bytes);
}

pub(super) fn vernemq(bytes: &[u8]) {
    let names = &["vernemq.conf", "vmq.acl", "conf.d/a.conf", ENVIRONMENT];
    read(ConfigFormat::Vernemq, names, bytes);
}

/// Reads the files of a program.
fn read(format: ConfigFormat, names: &[&str], bytes: &[u8]) {
    let parts = parts(bytes);
    let files: Vec<_> = names.iter().copied().zip(parts).collect();
    observe(format, &names[files.len()..], &files);
}

/// Reads files through the mapping, which names the second one.
fn mapped(format: ConfigFormat, written: &str, names: &[&str], bytes: &[u8]) {
    let mapping = MAPPING.replace("FORMAT", written);
    let parts = parts(bytes);
    let mut files: Vec<_> = names.iter().copied().zip(parts).collect();
    let missing = &names[files.len()..];
    files.push(("mapping.yaml", mapping.as_bytes()));
    observe(format, missing, &files);
}

/// Observes the first of some files. What they are called says what they are.
fn observe(format: ConfigFormat, missing: &[&str], files: &[(&str, &[u8])]) {
    FOLDER.with(|all| {
        let (main, _) = files[0];
        let folder = all.path().join(main);
        for name in missing {
            fs::remove_file(folder.join(name)).ok();
        }
        for (name, content) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it is ours");
            fs::write(path, content).expect("the folder is ours");
        }
        let beside = |name| files.iter().any(|file| file.0 == name).then(|| Source::path(name));
        let config = GatewayConfig {
            name: "main".to_owned(),
            format,
            mapping: beside("mapping.yaml"),
            environment: beside(ENVIRONMENT),
            path: Some(main.to_owned()),
            ..GatewayConfig::default()
        };
        collected(&folder, CheckId::GatewayConfigGuardrails, Inputs::Config { config });
    });
}
