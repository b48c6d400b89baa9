//! Certificates that a target declares. They are read as the probes read them: from a folder.

use std::fs;

use model::CheckId;
use model::document::{DeviceCertificates, Source, Trust};
use model::request::Inputs;
use tempfile::TempDir;

use super::probe::collected;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there is room for a folder");
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
