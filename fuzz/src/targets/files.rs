//! Files that a target declares. They are read as the probes read them: from a folder.

use std::fs;

use model::CheckId;
use model::document::{ConfigFormat, DeviceCertificates, GatewayConfig, Source, Trust};
use model::request::Inputs;
use tempfile::TempDir;

use super::probe::collected;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there is room for a folder");
}

/// A mapping that is right, for configurations that are not.
const MAPPING: &str = include_str!("mapping.yaml");

pub(super) fn config_env(bytes: &[u8]) {
    config(bytes, "gateway.env", ConfigFormat::Env, Some("env"));
}

pub(super) fn config_json(bytes: &[u8]) {
    config(bytes, "gateway.json", ConfigFormat::Json, Some("json"));
}

pub(super) fn config_toml(bytes: &[u8]) {
    config(bytes, "gateway.toml", ConfigFormat::PlumblineGateway, None);
    config(bytes, "gateway.toml", ConfigFormat::Toml, Some("toml"));
}

pub(super) fn config_yaml(bytes: &[u8]) {
    config(bytes, "gateway.yaml", ConfigFormat::Yaml, Some("yaml"));
}

pub(super) fn config_mosquitto(bytes: &[u8]) {
    config(bytes, "mosquitto.conf", ConfigFormat::Mosquitto, None);
}

/// A mapping, which its user wrote.
pub(super) fn config_mapping(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "mapping.yaml", bytes);
        write(
            folder,
            "mapped.toml",
            b"[broker]\nlisten = \"0.0.0.0:1883\"\npassword = \"admin\"\n",
        );
        observe(folder, "mapped.toml", ConfigFormat::Auto, true);
    });
}

fn config(bytes: &[u8], name: &str, format: ConfigFormat, mapping: Option<&str>) {
    FOLDER.with(|folder| {
        write(folder, name, bytes);
        if let Some(written) = mapping {
            let text = MAPPING.replace("FORMAT", written);
            write(folder, "mapping.yaml", text.as_bytes());
        }
        observe(folder, name, format, mapping.is_some());
    });
}

fn observe(folder: &TempDir, name: &str, format: ConfigFormat, mapped: bool) {
    let config = GatewayConfig {
        name: "main".to_owned(),
        format,
        mapping: mapped.then(|| Source::path("mapping.yaml")),
        path: Some(name.to_owned()),
        ..GatewayConfig::default()
    };
    collected(folder.path(), CheckId::GatewayConfigGuardrails, Inputs::Config { config });
}

/// Certificates in PEM or DER.
pub(super) fn device_bundle(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.pem", bytes);
        certificates(folder, "devices.pem", None);
    });
}

/// A PKCS#12 archive, with and without the password of the seeds.
pub(super) fn device_pkcs12(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.p12", bytes);
        write(folder, "password", b"changeit");
        certificates(folder, "devices.p12", Some("password"));
    });
}

/// An inventory, of which a column holds certificates.
pub(super) fn device_inventory(bytes: &[u8]) {
    FOLDER.with(|folder| {
        write(folder, "devices.csv", bytes);
        certificates(folder, "devices.csv", None);
    });
}

fn certificates(folder: &TempDir, name: &str, password: Option<&str>) {
    let certificates = DeviceCertificates {
        name: "devices".to_owned(),
        path: Some(name.to_owned()),
        password: password.map(Source::path),
        ..DeviceCertificates::default()
    };
    let inputs = Inputs::DeviceCertificates { certificates, trust: Trust::default() };
    collected(folder.path(), CheckId::DeviceCertHygiene, inputs);
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).expect("the folder is ours");
}
