//! Certificates of the devices: files, or a table of a database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::source::with_source;
use super::super::{KeyRef, Source, limits};

with_source! {
/// A set of device certificates.
///
/// Where the certificates are: a file, a folder, or a CSV that holds them. With `table` it holds the
/// address of a Postgres database instead: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceCertificates {
    /// Name, unique in the target.
    #[schemars(regex(pattern = limits::LABEL), length(max = limits::LABEL_LENGTH))]
    pub name: String,
    /// Password of PKCS#12 files in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Source>,
    /// CSV inventory that binds devices to certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Source>,
    /// Table of a Postgres database that holds the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<DeviceTable>,
}
}

/// A table or view with a row for each certificate of a device. It is read and never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceTable {
    /// Schema of the table; without it the search path of the user finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub schema: Option<String>,
    /// Its name, with its case.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub name: String,
    /// Column with the id of the device, of any type.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub device: String,
    /// Column with the certificate, PEM or DER, of type `text`, `varchar` or `bytea`.
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub certificate: String,
    /// Column with the cohort of the device, of any type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub cohort: Option<String>,
    /// Column with the user name that the device logs in with, of any type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::IDENTIFIER_LENGTH))]
    pub username: Option<String>,
}

impl DeviceTable {
    /// A table with the two columns that it must have.
    pub fn new(name: &str, device: &str, certificate: &str) -> Self {
        Self {
            schema: None,
            name: name.to_owned(),
            device: device.to_owned(),
            certificate: certificate.to_owned(),
            cohort: None,
            username: None,
        }
    }

    /// The table as sentences name it: `schema.name`, or its name alone.
    pub fn written(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}
